/* base/str.c -- questions about borrowed slices.
 *
 * Knows no heap and no locale.  Invariant: a slice with ptr NULL is an empty one, and is never
 * handed to a libc function.
 */
#include "base/str.h"

bool str_eq(struct sioc_str a, struct sioc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct sioc_str a, struct sioc_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool str_starts(struct sioc_str s, struct sioc_str prefix)
{
    return s.len >= prefix.len && str_eq(sioc_str_n(s.ptr, prefix.len), prefix);
}

struct sioc_str str_from(struct sioc_str s, size_t at)
{
    return str_part(s, at, s.len);
}

struct sioc_str str_part(struct sioc_str s, size_t at, size_t len)
{
    if (at > s.len)
        at = s.len;
    if (len > s.len - at)
        len = s.len - at;
    return sioc_str_n(s.ptr ? s.ptr + at : NULL, len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct sioc_str str_trim(struct sioc_str s)
{
    while (s.len && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

size_t str_find(struct sioc_str s, char c)
{
    const char *found = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return found ? (size_t)(found - s.ptr) : s.len;
}

bool str_next(struct sioc_str *rest, char sep, struct sioc_str *ret_part)
{
    /* ptr NULL marks the end: after "a," one empty part is still to come, after "a" none. */
    if (!rest->ptr)
        return false;
    size_t at = str_find(*rest, sep);
    *ret_part = str_part(*rest, 0, at);
    *rest = at < rest->len ? str_from(*rest, at + 1) : sioc_str_n(NULL, 0);
    return true;
}

bool str_to_u64(struct sioc_str s, uint64_t max, uint64_t *ret_value)
{
    if (s.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9)
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max)
            return false;
    }
    *ret_value = value;
    return true;
}

/* Levenshtein's, one row of his table at a time. */
size_t sioc_edit_distance(struct sioc_str a, struct sioc_str b)
{
    size_t row[64];
    if (a.len > 63 || b.len > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j], best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b.len];
}
