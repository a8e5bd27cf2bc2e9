/* http/conditional.c -- entity tags, dates and byte ranges.
 *
 * Knows header values only.  Invariant: what cannot be read counts as not sent; a client gets
 * the whole answer then, never a wrong one.
 */
#include "http/conditional.h"
#include "base/str.h"
#include <time.h>

static struct sioc_str without_weak_mark(struct sioc_str tag)
{
    return str_starts(tag, STR("W/")) ? str_from(tag, 2) : tag;
}

bool http_etag_listed(struct sioc_str header, struct sioc_str etag)
{
    struct sioc_str tag;
    if (str_eq(str_trim(header), STR("*")))
        return true;
    /* Our own tags hold no comma, so cutting at commas cannot make one up. */
    while (str_next(&header, ',', &tag))
        if (str_eq(without_weak_mark(str_trim(tag)), etag))
            return true;
    return false;
}

/* ---- dates ---- */

static bool read_digits(struct sioc_str text, size_t at, size_t count, int *ret)
{
    uint64_t value;
    if (!str_to_u64(str_part(text, at, count), 9999, &value))
        return false;
    *ret = (int)value;
    return true;
}

static bool read_month(struct sioc_str name, int *ret)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (str_eq(name, sioc_str_n(months + 3 * i, 3))) {
            *ret = i;
            return true;
        }
    return false;
}

bool http_date_read(struct sioc_str text, int64_t *ret_s)
{
    /*                         0    5  8   12   17 20 23 */
    static const char shape[] = "???, ?? ??? ???? ??:??:?? GMT";
    if (text.len != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] != '?' && shape[i] != text.ptr[i])
            return false;
    struct tm tm = {0};
    if (!read_digits(text, 5, 2, &tm.tm_mday) ||
        !read_month(str_part(text, 8, 3), &tm.tm_mon) ||
        !read_digits(text, 12, 4, &tm.tm_year) || !read_digits(text, 17, 2, &tm.tm_hour) ||
        !read_digits(text, 20, 2, &tm.tm_min) || !read_digits(text, 23, 2, &tm.tm_sec))
        return false;
    if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    *ret_s = (int64_t)timegm(&tm);
    return true;
}

/* ---- ranges ---- */

/* "-100": the last hundred bytes. */
static enum http_range_kind read_suffix(struct sioc_str text, uint64_t size,
                                        uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t count;
    if (!str_to_u64(text, UINT64_MAX, &count))
        return HTTP_RANGE_ALL;
    if (count == 0 || size == 0)
        return HTTP_RANGE_BEYOND;
    *ret_first = count < size ? size - count : 0;
    *ret_last = size - 1;
    return HTTP_RANGE_PART;
}

enum http_range_kind http_range_read(struct sioc_str header, uint64_t size, uint64_t *ret_first,
                                     uint64_t *ret_last)
{
    uint64_t first, last = UINT64_MAX;
    if (!str_eq_nocase(str_part(header, 0, 6), STR("bytes=")))
        return HTTP_RANGE_ALL;
    struct sioc_str range = str_trim(str_from(header, 6));
    size_t dash = str_find(range, '-');
    if (dash == range.len || str_find(range, ',') < range.len)
        return HTTP_RANGE_ALL;
    struct sioc_str behind = str_from(range, dash + 1);
    if (dash == 0)
        return read_suffix(behind, size, ret_first, ret_last);
    if (!str_to_u64(str_part(range, 0, dash), UINT64_MAX, &first) ||
        (behind.len && !str_to_u64(behind, UINT64_MAX, &last)) || first > last)
        return HTTP_RANGE_ALL;
    if (first >= size)
        return HTTP_RANGE_BEYOND;
    *ret_first = first;
    *ret_last = last < size ? last : size - 1;
    return HTTP_RANGE_PART;
}
