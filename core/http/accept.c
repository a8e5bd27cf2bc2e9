/* http/accept.c -- Accept-Encoding, read once, and once more per offer for a "*".
 *
 * Knows no files and no zlib.  Invariant: weights are whole thousandths, 0 to 1000; no floating
 * point.
 */
#include "http/accept.h"
#include "base/str.h"

#define WEIGHT_FULL 1000
#define WEIGHT_BAD  (-1)

/* "1", "0.5", "0.123": thousandths, or WEIGHT_BAD. */
static int read_weight(struct sioc_str text)
{
    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1'))
        return WEIGHT_BAD;
    if (text.len > 1 && text.ptr[1] != '.')
        return WEIGHT_BAD;
    int weight = (text.ptr[0] - '0') * WEIGHT_FULL;
    int unit = WEIGHT_FULL / 10;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return WEIGHT_BAD;
        weight += (text.ptr[i] - '0') * unit;
    }
    return weight > WEIGHT_FULL ? WEIGHT_BAD : weight;
}

/* One entry, "gzip;q=0.5". */
static int read_entry(struct sioc_str entry, struct sioc_str *ret_name)
{
    int weight = WEIGHT_FULL;
    struct sioc_str part;
    *ret_name = (struct sioc_str){"", 0};
    if (!str_next(&entry, ';', &part))
        return WEIGHT_BAD;
    *ret_name = str_trim(part);
    while (str_next(&entry, ';', &part)) {
        part = str_trim(part);
        if (part.len >= 2 && (part.ptr[0] == 'q' || part.ptr[0] == 'Q') && part.ptr[1] == '=')
            weight = read_weight(str_from(part, 2));
    }
    return ret_name->len ? weight : WEIGHT_BAD;
}

/* Whether the header has an entry of this name. */
static bool names(struct sioc_str header, struct sioc_str wanted)
{
    struct sioc_str entry, name;
    while (str_next(&header, ',', &entry))
        if (read_entry(entry, &name) != WEIGHT_BAD && str_eq_nocase(name, wanted))
            return true;
    return false;
}

static int find_offer(struct sioc_str name, const struct sioc_str *offers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(name, offers[i]))
            return (int)i;
    return -1;
}

/* What "*" stands for: the first offer that the header does not name, or -1. */
static int find_unnamed(struct sioc_str header, const struct sioc_str *offers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!names(header, offers[i]))
            return (int)i;
    return -1;
}

int http_accept_encoding(struct sioc_str header, const struct sioc_str *offers, size_t count)
{
    struct sioc_str rest = header, entry, name;
    int best = -1, best_weight = 0;
    bool star_seen = false; /* only the first "*" counts: the header is read once for it */
    while (str_next(&rest, ',', &entry)) {
        int weight = read_entry(entry, &name);
        if (weight <= best_weight)
            continue;
        bool identity = str_eq_nocase(name, STR("identity"));
        bool star = !identity && str_eq(name, STR("*"));
        if (star && star_seen)
            continue;
        star_seen |= star;
        int offer = identity ? -1
                    : star   ? find_unnamed(header, offers, count)
                             : find_offer(name, offers, count);
        if (!identity && offer < 0)
            continue;
        best = offer;
        best_weight = weight;
    }
    return best;
}
