/* The recording sink. */
#include "codec/helper_sink.h"

#include "base/utf8.h"
#include <math.h>
#include <stdio.h>

static struct helper_sink *begin(struct sioc_sink *sink)
{
    struct helper_sink *h = (struct helper_sink *)sink;
    h->calls++;
    if (h->text.len)
        buf_putc(&h->text, ' ');
    return h;
}

static int done(struct helper_sink *h)
{
    return h->fail_at == h->calls ? h->fail_with : h->answer;
}

static void wrong(struct helper_sink *h)
{
    buf_printf(&h->text, "!wrong ");
}

/* Watches that keys and values take turns. */
static struct helper_sink *value(struct sioc_sink *sink)
{
    struct helper_sink *h = begin(sink);
    char *open = h->depth ? &h->open[h->depth - 1] : NULL;
    if (open && *open == '{')
        wrong(h);
    else if (open && *open == ':')
        *open = '{';
    return h;
}

static void put_quoted(struct helper_sink *h, struct sioc_str s)
{
    if (!utf8_valid(s))
        wrong(h);
    buf_putc(&h->text, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '%')
            buf_printf(&h->text, "%%%02x", (unsigned)c);
        else
            buf_putc(&h->text, (char)c);
    }
    buf_putc(&h->text, '"');
}

static int on_null(struct sioc_sink *sink)
{
    struct helper_sink *h = value(sink);
    buf_putc(&h->text, 'n');
    return done(h);
}

static int on_boolean(struct sioc_sink *sink, bool v)
{
    struct helper_sink *h = value(sink);
    buf_putc(&h->text, v ? 't' : 'f');
    return done(h);
}

static int on_integer(struct sioc_sink *sink, int64_t v)
{
    struct helper_sink *h = value(sink);
    buf_putc(&h->text, 'i');
    buf_put_i64(&h->text, v);
    return done(h);
}

static int on_number(struct sioc_sink *sink, double v)
{
    struct helper_sink *h = value(sink);
    buf_printf(&h->text, "d%.17g", v);
    return done(h);
}

static int on_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct helper_sink *h = value(sink);
    put_quoted(h, utf8);
    return done(h);
}

static int on_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    struct helper_sink *h = value(sink);
    struct sioc_str bytes = sioc_buffer_bytes(data);
    buf_printf(&h->text, "b<");
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(&h->text, "%02x", (unsigned)(unsigned char)bytes.ptr[i]);
    buf_putc(&h->text, '>');
    return done(h);
}

static int open_container(struct sioc_sink *sink, char bracket)
{
    struct helper_sink *h = value(sink);
    buf_putc(&h->text, bracket);
    if (h->depth < HELPER_MAX_DEPTH)
        h->open[h->depth++] = bracket;
    else
        wrong(h);
    return done(h);
}

static int close_container(struct sioc_sink *sink, char open, char bracket)
{
    struct helper_sink *h = begin(sink);
    if (h->depth == 0 || h->open[h->depth - 1] != open)
        wrong(h);
    else
        h->depth--;
    buf_putc(&h->text, bracket);
    return done(h);
}

static int on_array_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return open_container(sink, '[');
}

static int on_array_end(struct sioc_sink *sink)
{
    return close_container(sink, '[', ']');
}

static int on_map_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return open_container(sink, '{');
}

static int on_map_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct helper_sink *h = begin(sink);
    if (h->depth == 0 || h->open[h->depth - 1] != '{')
        wrong(h);
    else
        h->open[h->depth - 1] = ':';
    buf_putc(&h->text, 'k');
    put_quoted(h, utf8);
    return done(h);
}

static int on_map_end(struct sioc_sink *sink)
{
    return close_container(sink, '{', '}');
}

static int on_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    struct helper_sink *h = value(sink);
    buf_printf(&h->text, "r<%.*s>", SIOC_STR_ARG(json));
    return done(h);
}

static const struct sioc_sink_ops ops = {
    .null = on_null,
    .boolean = on_boolean,
    .integer = on_integer,
    .number = on_number,
    .string = on_string,
    .binary = on_binary,
    .array_begin = on_array_begin,
    .array_end = on_array_end,
    .map_begin = on_map_begin,
    .map_key = on_map_key,
    .map_end = on_map_end,
    .raw_json = on_raw_json,
};

void helper_sink_init(struct helper_sink *h)
{
    memset(h, 0, sizeof *h);
    h->sink.ops = &ops;
    buf_init(&h->text);
}

void helper_sink_reset(struct helper_sink *h)
{
    buf_reset(&h->text);
    h->calls = 0;
    h->depth = 0;
}

void helper_sink_deinit(struct helper_sink *h)
{
    buf_deinit(&h->text);
}

const char *helper_sink_text(struct helper_sink *h)
{
    buf_putc(&h->text, '\0');
    if (h->text.error)
        return "!no memory";
    h->text.len--;
    return (const char *)h->text.bytes;
}
