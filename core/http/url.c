/* http/url.c -- see url.h.  Knows no HTTP.  Invariant: output never has more bytes than three
 * for each byte of input (U+FFFD for an invalid one). */
#include "http/url.h"
#include "base/str.h"
#include "base/utf8.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that in[at...] stands for and how many characters that took. */
static char decode_at(struct sioc_str in, size_t at, bool plus, size_t *ret_taken)
{
    char c = in.ptr[at];
    *ret_taken = 1;
    if (c == '+' && plus)
        return ' ';
    if (c != '%' || in.len - at < 3)
        return c;
    int high = hex_value(in.ptr[at + 1]), low = hex_value(in.ptr[at + 2]);
    if (high < 0 || low < 0)
        return c;
    *ret_taken = 3;
    return (char)(high << 4 | low);
}

static void decode_raw(struct buf *out, struct sioc_str in, bool plus)
{
    size_t taken;
    for (size_t at = 0; at < in.len; at += taken)
        buf_putc(out, decode_at(in, at, plus, &taken));
}

void url_decode(struct buf *out, struct sioc_str in, bool plus)
{
    size_t start = out->len;
    decode_raw(out, in, plus);
    if (out->error || utf8_valid(str_from(buf_str(out), start)))
        return;
    struct buf raw;
    buf_init(&raw);
    buf_put_str(&raw, str_from(buf_str(out), start));
    out->len = start;
    utf8_repair(out, buf_str(&raw));
    if (raw.error)
        out->error = raw.error;
    buf_deinit(&raw);
}

/* Cuts the next pair that is not empty off *rest; both sides still encoded. */
static bool next_pair(struct sioc_str *rest, struct sioc_str *ret_name,
                      struct sioc_str *ret_value)
{
    struct sioc_str pair;
    do
        if (!str_next(rest, '&', &pair))
            return false;
    while (pair.len == 0);
    size_t mark = str_find(pair, '=');
    *ret_name = str_part(pair, 0, mark);
    *ret_value = mark < pair.len ? str_from(pair, mark + 1) : sioc_str_n("", 0);
    return true;
}

static bool name_is(struct sioc_str encoded, struct sioc_str name)
{
    size_t at = 0, i = 0, taken;
    for (; at < encoded.len && i < name.len; at += taken, i++)
        if (decode_at(encoded, at, true, &taken) != name.ptr[i])
            return false;
    return at == encoded.len && i == name.len;
}

struct sioc_str url_query_get(struct sioc_str query, struct sioc_str name, struct buf *scratch)
{
    struct sioc_str found = {NULL, 0}, key, value;
    buf_reset(scratch);
    while (next_pair(&query, &key, &value))
        if (name_is(key, name))
            found = value;
    if (!found.ptr)
        return found;
    url_decode(scratch, found, true);
    if (scratch->error)
        return sioc_str_n(NULL, 0);
    return scratch->len ? buf_str(scratch) : sioc_str_n("", 0);
}

bool url_query_next(struct sioc_str *rest, struct buf *scratch, struct sioc_str *ret_name,
                    struct sioc_str *ret_value)
{
    struct sioc_str name, value;
    if (!next_pair(rest, &name, &value))
        return false;
    buf_reset(scratch);
    url_decode(scratch, name, true);
    size_t name_len = scratch->len;
    url_decode(scratch, value, true);
    if (scratch->error)
        return false;
    *ret_name = str_part(buf_str(scratch), 0, name_len);
    *ret_value = str_from(buf_str(scratch), name_len);
    return true;
}

/* ---- paths ---- */

/* Takes the last part off the path in out[start...]; false when there is none. */
static bool drop_part(struct buf *out, size_t start)
{
    if (out->len == start)
        return false;
    while (out->bytes[--out->len] != '/')
        ;
    return true;
}

static bool allowed(struct sioc_str decoded)
{
    return utf8_valid(decoded) && str_find(decoded, '\0') == decoded.len &&
           str_find(decoded, '\\') == decoded.len;
}

/* Appends the parts of a decoded path, one by one. */
static int put_parts(struct buf *out, struct sioc_str path)
{
    size_t start = out->len;
    struct sioc_str part;
    bool folder = true; /* whether the path ends in '/' */
    while (str_next(&path, '/', &part)) {
        bool up = str_eq(part, STR("..")), same = part.len == 0 || str_eq(part, STR("."));
        folder = up || same;
        if (up && !drop_part(out, start))
            return SIOC_EINVAL;
        if (folder)
            continue;
        buf_putc(out, '/');
        buf_put_str(out, part);
        if (out->error)
            return out->error;
    }
    if (folder)
        buf_putc(out, '/');
    return out->error;
}

int url_clean_path(struct buf *out, struct sioc_str path)
{
    struct buf decoded;
    buf_init(&decoded);
    decode_raw(&decoded, path, false);
    int result = decoded.error;
    if (!result && !allowed(buf_str(&decoded)))
        result = SIOC_EINVAL;
    if (!result)
        result = put_parts(out, buf_str(&decoded));
    buf_deinit(&decoded);
    return result;
}
