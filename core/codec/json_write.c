/* codec/json_write.c -- a sink that writes JSON text.
 *
 * Knows JSON and the text of a placeholder, but not who counts attachments.
 * Invariant: an error is sticky in the output buffer: whoever looks only at the end cannot take
 * half a text for a whole one.
 */
#include "codec/json_write.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/json_read.h"
#include "codec/json_token.h"
#include <sioc/parser.h>

static void put_escape(struct buf *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "btn?fr"; /* from \b, 0x08, on; 0x0b has no short form */
    buf_putc(out, '\\');
    if (c == '"' || c == '\\') {
        buf_putc(out, c);
    } else if (c >= '\b' && c <= '\r' && c != '\v') {
        buf_putc(out, shorts[c - '\b']);
    } else {
        buf_put(out, "u00", 3);
        buf_putc(out, hex[c >> 4 & 15]);
        buf_putc(out, hex[c & 15]);
    }
}

/* Length of the run of valid characters beyond ASCII at p; less than all of it means a bad one.
 */
static size_t wide_run(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && (unsigned char)*p >= 0x80) {
        size_t len = utf8_char(p, (size_t)(end - p));
        if (len == 0)
            break;
        p += len;
    }
    return (size_t)(p - start);
}

/* The text from `plain` on, where the first byte is that needs more than copying. */
static int put_checked_slow(struct buf *out, struct sioc_str utf8, const char *plain)
{
    const char *run = utf8.ptr, *p = plain, *end = run + utf8.len;
    buf_putc(out, '"');
    for (; p < end; p = json_plain_end(p, end)) {
        if ((unsigned char)*p >= 0x80) {
            size_t len = wide_run(p, end);
            if (len == 0)
                return buf_fail(out, SIOC_EUTF8);
            p += len;
            continue;
        }
        buf_put(out, run, (size_t)(p - run));
        put_escape(out, *p++);
        run = p;
    }
    buf_put(out, run, (size_t)(end - run));
    buf_putc(out, '"');
    return out->error;
}

#define BLOCK 4096

/* Copies what is plain, up to the first byte that is not: block by block, so that a long text
 * comes from memory once and not twice. */
static const char *copy_plain(uint8_t *to, const char *p, const char *end)
{
    for (;;) {
        const char *stop = end - p > BLOCK ? p + BLOCK : end;
        const char *plain = json_plain_end(p, stop);
        memcpy(to, p, (size_t)(plain - p));
        if (plain < stop || stop == end)
            return plain;
        to += BLOCK;
        p = stop;
    }
}

/* Runs are copied as they are, checked in the same pass. */
static int put_checked(struct buf *out, struct sioc_str utf8)
{
    if (utf8.len == 0) {
        buf_put(out, "\"\"", 2);
        return out->error;
    }
    size_t most;
    if (!mem_add(utf8.len, 2, &most))
        return buf_fail(out, SIOC_ETOOBIG);
    uint8_t *to = buf_reserve(out, most);
    if (!to)
        return out->error;
    const char *end = utf8.ptr + utf8.len;
    const char *plain =
        utf8.len <= BLOCK ? json_plain_end(utf8.ptr, end) : copy_plain(to + 1, utf8.ptr, end);
    if (plain < end)
        return put_checked_slow(out, utf8, plain);
    if (utf8.len <= BLOCK)
        memcpy(to + 1, utf8.ptr, utf8.len);
    to[0] = '"';
    to[utf8.len + 1] = '"';
    buf_commit(out, most);
    return 0;
}

void json_put_string(struct buf *out, struct sioc_str utf8)
{
    put_checked(out, utf8);
}

static inline struct json_writer *writer_of(struct sioc_sink *sink)
{
    return (struct json_writer *)sink;
}

/* What stands before any value or key. */
static inline struct buf *before_value(struct json_writer *w)
{
    if (w->comma)
        buf_putc(w->out, ',');
    w->comma = true;
    return w->out;
}

static int write_null(struct sioc_sink *sink)
{
    struct buf *out = before_value(writer_of(sink));
    buf_put(out, "null", 4);
    return out->error;
}

static int write_boolean(struct sioc_sink *sink, bool value)
{
    struct buf *out = before_value(writer_of(sink));
    buf_put_str(out, value ? STR("true") : STR("false"));
    return out->error;
}

static int write_integer(struct sioc_sink *sink, int64_t value)
{
    struct buf *out = before_value(writer_of(sink));
    buf_put_i64(out, value);
    return out->error;
}

static int write_number(struct sioc_sink *sink, double value)
{
    struct buf *out = before_value(writer_of(sink));
    json_put_double(out, value);
    return out->error;
}

static int write_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    return put_checked(before_value(writer_of(sink)), utf8);
}

int sioc_attachments_add(struct sioc_attachments *attachments, struct sioc_buffer *data)
{
    struct json_binaries *b = json_binaries_of(attachments);
    void *items = b->items;
    int rc = mem_grow(&items, &b->cap, b->count + 1, sizeof *b->items);
    if (rc < 0)
        return rc;
    b->items = items;
    b->items[b->count] = sioc_buffer_ref(data);
    return (int)b->count++;
}

static int write_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    struct json_writer *w = writer_of(sink);
    if (!w->binaries)
        return buf_fail(w->out, SIOC_EINVAL);
    struct buf *out = before_value(w);
    buf_put_str(out, STR("{\"_placeholder\":true,\"num\":"));
    buf_put_u64(out, w->binaries->count);
    buf_putc(out, '}');
    if (out->error)
        return out->error;
    int rc = sioc_attachments_add(json_attachments(w->binaries), data);
    return rc < 0 ? buf_fail(out, rc) : 0;
}

static int begin(struct json_writer *w, char bracket)
{
    if (w->depth >= w->max_depth)
        return buf_fail(w->out, SIOC_EDEPTH);
    struct buf *out = before_value(w);
    buf_putc(out, bracket);
    w->depth++;
    w->comma = false;
    return out->error;
}

static int end(struct json_writer *w, char bracket)
{
    if (w->depth == 0)
        return buf_fail(w->out, SIOC_EINVAL);
    buf_putc(w->out, bracket);
    w->depth--;
    w->comma = true;
    return w->out->error;
}

static int write_array_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin(writer_of(sink), '[');
}

static int write_array_end(struct sioc_sink *sink)
{
    return end(writer_of(sink), ']');
}

static int write_map_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin(writer_of(sink), '{');
}

static int write_map_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct json_writer *w = writer_of(sink);
    put_checked(before_value(w), utf8);
    buf_putc(w->out, ':');
    w->comma = false;
    return w->out->error;
}

static int write_map_end(struct sioc_sink *sink)
{
    return end(writer_of(sink), '}');
}

/* Checked, although it says it is JSON: a stray byte in it would break the packet around it,
 * and a record separator the whole polling payload. */
static int write_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    struct json_writer *w = writer_of(sink);
    struct json_reader check = {.max_depth = w->max_depth - w->depth};
    int rc = json_read(&check, json, NULL);
    if (rc < 0)
        return buf_fail(w->out, rc);
    struct buf *out = before_value(w);
    buf_put_str(out, json);
    return out->error;
}

static const struct sioc_sink_ops writer_ops = {
    .null = write_null,
    .boolean = write_boolean,
    .integer = write_integer,
    .number = write_number,
    .string = write_string,
    .binary = write_binary,
    .array_begin = write_array_begin,
    .array_end = write_array_end,
    .map_begin = write_map_begin,
    .map_key = write_map_key,
    .map_end = write_map_end,
    .raw_json = write_raw_json,
};

void json_writer_init(struct json_writer *w, struct buf *out, struct json_binaries *binaries,
                      unsigned max_depth)
{
    *w = (struct json_writer){
        .sink = {&writer_ops}, .out = out, .binaries = binaries, .max_depth = max_depth};
}

void json_binaries_clear(struct json_binaries *b)
{
    for (size_t i = 0; i < b->count; i++)
        sioc_buffer_unref(b->items[i]);
    b->count = 0;
}

void json_binaries_deinit(struct json_binaries *b)
{
    json_binaries_clear(b);
    mem_free(b->items);
    *b = (struct json_binaries){0};
}
