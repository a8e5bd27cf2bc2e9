/* codec/mpk_write.c -- see mpk_write.h.
 *
 * A container's head says how much is in it, and drivers do not always know that before: the
 * head is written as announced, and put right at the end, which moves the content only when the
 * head has another length.  Invariant: `stack` holds one struct open per open container.
 */
#include "codec/mpk_write.h"

#include "base/str.h"
#include "base/utf8.h"
#include "codec/json_read.h"
#include <math.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

/* An array or map whose end has not come yet. */
struct open {
    size_t at;    /* of its head in `out` */
    size_t count; /* of elements or pairs so far */
    size_t head;  /* length of the head that stands there */
    bool map;
};

/* ---- words ---- */

static void put_uint(struct buf *out, uint64_t value, unsigned bytes)
{
    while (bytes--)
        buf_putc(out, (char)(unsigned char)(value >> (8 * bytes)));
}

static void put_head(struct buf *out, unsigned head, uint64_t value, unsigned bytes)
{
    buf_putc(out, (char)(unsigned char)head);
    put_uint(out, value, bytes);
}

/* first: the one-byte form's head; wide: the 16-bit form's, with the 32-bit form behind it.
 * Returns the length. */
static size_t container_head(unsigned char to[5], unsigned first, unsigned wide, size_t count)
{
    size_t len = count < 16 ? 1 : count <= UINT16_MAX ? 3 : 5;
    to[0] = (unsigned char)(len == 1 ? first | count : len == 3 ? wide : wide + 1);
    for (size_t i = 1; i < len; i++)
        to[i] = (unsigned char)(count >> (8 * (len - 1 - i)));
    return len;
}

static size_t head_of(unsigned char to[5], bool map, size_t count)
{
    return map ? container_head(to, 0x80, 0xde, count) : container_head(to, 0x90, 0xdc, count);
}

static size_t put_container(struct buf *out, bool map, size_t count)
{
    unsigned char head[5];
    size_t len = head_of(head, map, count);
    buf_put(out, head, len);
    return len;
}

void mpk_put_map(struct buf *out, size_t pairs)
{
    put_container(out, true, pairs);
}

void mpk_put_array(struct buf *out, size_t count)
{
    put_container(out, false, count);
}

static void put_negative(struct buf *out, int64_t v)
{
    if (v >= -32)
        put_uint(out, (uint64_t)v, 1);
    else if (v >= INT8_MIN)
        put_head(out, 0xd0, (uint64_t)v, 1);
    else if (v >= INT16_MIN)
        put_head(out, 0xd1, (uint64_t)v, 2);
    else if (v >= INT32_MIN)
        put_head(out, 0xd2, (uint64_t)v, 4);
    else
        put_head(out, 0xd3, (uint64_t)v, 8);
}

void mpk_put_int(struct buf *out, int64_t v)
{
    if (v < 0)
        put_negative(out, v);
    else if (v < 128)
        put_uint(out, (uint64_t)v, 1);
    else if (v <= UINT8_MAX)
        put_head(out, 0xcc, (uint64_t)v, 1);
    else if (v <= UINT16_MAX)
        put_head(out, 0xcd, (uint64_t)v, 2);
    else if (v <= UINT32_MAX)
        put_head(out, 0xce, (uint64_t)v, 4);
    else
        put_head(out, 0xcf, (uint64_t)v, 8);
}

static void put_double(struct buf *out, double v)
{
    uint64_t bits;
    if (isnan(v) || isinf(v)) {
        buf_putc(out, (char)(unsigned char)0xc0);
    } else if (floor(v) == v && fabs(v) <= EXACT_MAX) {
        mpk_put_int(out, (int64_t)v);
    } else {
        memcpy(&bits, &v, sizeof bits);
        put_head(out, 0xcb, bits, 8);
    }
}

/* head: of the form with 8 bits of length; the wider ones are behind it. */
static int put_bytes(struct buf *out, unsigned head, struct sioc_str s)
{
    if (s.len > UINT32_MAX)
        return buf_fail(out, SIOC_ETOOBIG);
    if (s.len <= UINT8_MAX)
        put_head(out, head, s.len, 1);
    else if (s.len <= UINT16_MAX)
        put_head(out, head + 1, s.len, 2);
    else
        put_head(out, head + 2, s.len, 4);
    buf_put_str(out, s);
    return out->error;
}

void mpk_put_string(struct buf *out, struct sioc_str utf8)
{
    if (utf8.len < 32) {
        put_uint(out, 0xa0 | utf8.len, 1);
        buf_put_str(out, utf8);
    } else {
        put_bytes(out, 0xd9, utf8);
    }
}

static int put_checked(struct buf *out, struct sioc_str utf8)
{
    if (!utf8_valid(utf8))
        return buf_fail(out, SIOC_EUTF8);
    mpk_put_string(out, utf8);
    return out->error;
}

/* ---- containers ---- */

static inline struct mpk_writer *writer_of(struct sioc_sink *sink)
{
    return (struct mpk_writer *)sink;
}

static struct open *innermost(const struct mpk_writer *w)
{
    return (struct open *)(void *)(w->stack->bytes + w->stack->len - sizeof(struct open));
}

/* Counts the value that comes now; the pairs of a map are counted by their keys. */
static struct buf *before_value(struct mpk_writer *w)
{
    if (w->depth == 0)
        w->count++;
    else if (!innermost(w)->map)
        innermost(w)->count++;
    return w->out;
}

static int begin(struct mpk_writer *w, bool map, size_t announced)
{
    if (w->depth >= w->max_depth)
        return buf_fail(w->out, SIOC_EDEPTH);
    struct buf *out = before_value(w);
    struct open open = {.at = out->len, .map = map};
    open.head = put_container(out, map, announced > UINT32_MAX ? 0 : announced);
    buf_put(w->stack, &open, sizeof open);
    if (w->stack->error)
        return buf_fail(out, w->stack->error);
    w->depth++;
    return out->error;
}

static int end(struct mpk_writer *w)
{
    struct buf *out = w->out;
    unsigned char head[5];
    if (out->error || w->depth == 0)
        return buf_fail(out, SIOC_EINVAL);
    struct open open = *innermost(w);
    w->stack->len -= sizeof open;
    w->depth--;
    if (open.count > UINT32_MAX)
        return buf_fail(out, SIOC_ETOOBIG);
    size_t len = head_of(head, open.map, open.count);
    if (len > open.head && !buf_reserve(out, len - open.head))
        return out->error;
    uint8_t *at = out->bytes + open.at;
    if (len != open.head)
        memmove(at + len, at + open.head, out->len - open.at - open.head);
    memcpy(at, head, len);
    out->len = out->len - open.head + len;
    return 0;
}

/* ---- the sink ---- */

static int write_null(struct sioc_sink *sink)
{
    struct buf *out = before_value(writer_of(sink));
    put_uint(out, 0xc0, 1);
    return out->error;
}

static int write_boolean(struct sioc_sink *sink, bool value)
{
    struct buf *out = before_value(writer_of(sink));
    put_uint(out, value ? 0xc3 : 0xc2, 1);
    return out->error;
}

static int write_integer(struct sioc_sink *sink, int64_t value)
{
    struct buf *out = before_value(writer_of(sink));
    mpk_put_int(out, value);
    return out->error;
}

static int write_number(struct sioc_sink *sink, double value)
{
    struct buf *out = before_value(writer_of(sink));
    put_double(out, value);
    return out->error;
}

static int write_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    return put_checked(before_value(writer_of(sink)), utf8);
}

static int write_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    return put_bytes(before_value(writer_of(sink)), 0xc4, sioc_buffer_bytes(data));
}

static int write_array_begin(struct sioc_sink *sink, size_t count)
{
    return begin(writer_of(sink), false, count);
}

static int write_map_begin(struct sioc_sink *sink, size_t count)
{
    return begin(writer_of(sink), true, count);
}

static int write_end(struct sioc_sink *sink)
{
    return end(writer_of(sink));
}

static int write_map_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct mpk_writer *w = writer_of(sink);
    if (w->depth == 0 || w->stack->error)
        return buf_fail(w->out, SIOC_EINVAL);
    innermost(w)->count++;
    return put_checked(w->out, utf8);
}

static int write_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    struct mpk_writer *w = writer_of(sink);
    struct buf scratch;
    buf_init(&scratch);
    struct json_reader reader = {.max_depth = w->max_depth - w->depth, .scratch = &scratch};
    int rc = json_read(&reader, json, sink);
    buf_deinit(&scratch);
    return rc < 0 ? buf_fail(w->out, rc) : 0;
}

static const struct sioc_sink_ops writer_ops = {
    .null = write_null,
    .boolean = write_boolean,
    .integer = write_integer,
    .number = write_number,
    .string = write_string,
    .binary = write_binary,
    .array_begin = write_array_begin,
    .array_end = write_end,
    .map_begin = write_map_begin,
    .map_key = write_map_key,
    .map_end = write_end,
    .raw_json = write_raw_json,
};

void mpk_writer_init(struct mpk_writer *w, struct buf *out, struct buf *stack,
                     unsigned max_depth)
{
    buf_reset(stack);
    *w = (struct mpk_writer){
        .sink = {&writer_ops}, .out = out, .stack = stack, .max_depth = max_depth};
}
