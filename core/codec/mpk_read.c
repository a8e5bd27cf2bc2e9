/* codec/mpk_read.c -- see mpk_read.h.
 *
 * Knows the nesting; the words are mpk_token's business.
 * Invariant: left[d] is how many items are still to come in the container at depth d, and in a
 * map a key is due exactly when that number is even.
 */
#include "codec/mpk_read.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/mpk_token.h"
#include <stdio.h>

/* The years 0000 to 9999, which an ISO date can write with four digits. */
#define DATE_MIN_MS -62167219200000
#define DATE_MAX_MS 253402300799999

struct state {
    struct sioc_str rest;
    struct sioc_sink *sink; /* NULL: only check */
    unsigned max_depth, depth;
    size_t values_left;
    uint64_t maps[MPK_DEPTH_MAX / 64]; /* bit d: what is open at depth d is a map */
    uint64_t left[MPK_DEPTH_MAX];
};

/* Not the whole of it: the stacks are written before they are read. */
static void state_init(struct state *s, const struct mpk_reader *reader, struct sioc_str bytes,
                       struct sioc_sink *sink)
{
    s->rest = bytes;
    s->sink = sink;
    s->max_depth = reader->max_depth < MPK_DEPTH_MAX ? reader->max_depth : MPK_DEPTH_MAX;
    s->depth = 0;
    s->values_left = reader->max_values ? reader->max_values : SIZE_MAX;
}

/* A sink's good answers may be any number. */
static inline int said(int rc)
{
    return rc < 0 ? rc : 0;
}

static bool is_map(const struct state *s, unsigned depth)
{
    return s->maps[depth / 64] >> (depth % 64) & 1;
}

static int push(struct state *s, bool map, size_t count)
{
    if (s->depth >= s->max_depth)
        return SIOC_EDEPTH;
    uint64_t bit = (uint64_t)1 << (s->depth % 64), *word = &s->maps[s->depth / 64];
    *word = map ? *word | bit : *word & ~bit;
    s->left[s->depth++] = map ? (uint64_t)count * 2 : count;
    return 0;
}

static int close_container(struct state *s)
{
    s->depth--;
    if (!s->sink)
        return 0;
    const struct sioc_sink_ops *ops = s->sink->ops;
    return said(is_map(s, s->depth) ? ops->map_end(s->sink) : ops->array_end(s->sink));
}

static int read_key(struct state *s)
{
    struct mpk_token t;
    char digits[24];
    int rc = mpk_take(&s->rest, &t);
    if (rc < 0)
        return rc;
    if (t.kind == MPK_INTEGER)
        t.bytes = sioc_str_n(
            digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)t.integer));
    else if (t.kind != MPK_STRING)
        return SIOC_ESYNTAX;
    else if (!utf8_valid(t.bytes))
        return SIOC_EUTF8;
    return s->sink ? said(s->sink->ops->map_key(s->sink, t.bytes)) : 0;
}

static int give_string(struct state *s, struct sioc_str utf8)
{
    if (!utf8_valid(utf8))
        return SIOC_EUTF8;
    return s->sink ? said(s->sink->ops->string(s->sink, utf8)) : 0;
}

static int give_binary(struct state *s, struct sioc_str bytes)
{
    if (!s->sink)
        return 0;
    struct sioc_buffer *data = sioc_buffer_new(bytes);
    int rc = data ? s->sink->ops->binary(s->sink, data) : SIOC_ENOMEM;
    sioc_buffer_unref(data);
    return said(rc);
}

static int give_date(struct state *s, int64_t ms)
{
    char text[25];
    if (!s->sink)
        return 0;
    if (ms < DATE_MIN_MS || ms > DATE_MAX_MS)
        return said(s->sink->ops->null(s->sink));
    clock_iso(ms, text);
    return said(s->sink->ops->string(s->sink, sioc_str(text)));
}

static int give_ext(struct state *s, const struct mpk_token *t)
{
    int rc = s->depth >= s->max_depth ? SIOC_EDEPTH : 0;
    if (rc < 0 || !s->sink)
        return rc;
    rc = s->sink->ops->array_begin(s->sink, 2);
    if (rc >= 0)
        rc = s->sink->ops->integer(s->sink, t->integer);
    if (rc >= 0)
        rc = give_binary(s, t->bytes);
    return rc < 0 ? rc : said(s->sink->ops->array_end(s->sink));
}

static int open_container(struct state *s, const struct mpk_token *t)
{
    bool map = t->kind == MPK_MAP;
    int rc = push(s, map, t->count);
    if (rc < 0 || !s->sink)
        return rc;
    const struct sioc_sink_ops *ops = s->sink->ops;
    return said(map ? ops->map_begin(s->sink, t->count) : ops->array_begin(s->sink, t->count));
}

static int give_scalar(struct state *s, const struct mpk_token *t)
{
    if (!s->sink)
        return 0;
    if (t->kind == MPK_BOOL)
        return said(s->sink->ops->boolean(s->sink, t->boolean));
    if (t->kind == MPK_INTEGER)
        return said(s->sink->ops->integer(s->sink, t->integer));
    if (t->kind == MPK_NUMBER)
        return said(s->sink->ops->number(s->sink, t->number));
    return said(s->sink->ops->null(s->sink));
}

/* One scalar, or the begin of a container. */
static int begin_value(struct state *s)
{
    struct mpk_token t;
    if (s->values_left-- == 0)
        return SIOC_ELIMIT;
    int rc = mpk_take(&s->rest, &t);
    if (rc < 0)
        return rc;
    switch (t.kind) {
    case MPK_STRING:
        return give_string(s, t.bytes);
    case MPK_BINARY:
        return give_binary(s, t.bytes);
    case MPK_DATE:
        return give_date(s, t.integer);
    case MPK_EXT:
        return give_ext(s, &t);
    case MPK_ARRAY:
    case MPK_MAP:
        return open_container(s, &t);
    case MPK_NIL:
    case MPK_UNDEFINED:
    case MPK_BOOL:
    case MPK_INTEGER:
    case MPK_NUMBER:
        break;
    }
    return give_scalar(s, &t);
}

/* One value with all that is in it. */
static int read_value(struct state *s)
{
    const unsigned outer = s->depth;
    int rc = begin_value(s);
    while (rc == 0 && s->depth > outer) {
        uint64_t *left = &s->left[s->depth - 1];
        if (*left == 0) {
            rc = close_container(s);
            continue;
        }
        bool key = is_map(s, s->depth - 1) && *left % 2 == 0;
        --*left;
        rc = key ? read_key(s) : begin_value(s);
    }
    return rc;
}

static int finish(struct mpk_reader *reader, const struct state *s, struct sioc_str bytes,
                  int rc)
{
    if (rc == 0 && s->rest.len)
        rc = SIOC_ESYNTAX;
    if (rc < 0)
        reader->error_at = bytes.len - s->rest.len;
    return rc;
}

int mpk_read(struct mpk_reader *reader, struct sioc_str bytes, struct sioc_sink *sink)
{
    struct state s;
    state_init(&s, reader, bytes, sink);
    return finish(reader, &s, bytes, read_value(&s));
}

int mpk_read_front(struct mpk_reader *reader, struct sioc_str *rest, struct sioc_sink *sink)
{
    struct state s;
    state_init(&s, reader, *rest, sink);
    int rc = read_value(&s);
    if (rc < 0)
        reader->error_at = rest->len - s.rest.len;
    else
        *rest = s.rest;
    return rc;
}

int mpk_read_elements(struct mpk_reader *reader, struct sioc_str bytes, size_t from, size_t to,
                      struct sioc_sink *sink, size_t *ret_count)
{
    struct state s;
    struct mpk_token array;
    state_init(&s, reader, bytes, NULL);
    int rc = mpk_take(&s.rest, &array);
    if (rc == 0 && array.kind != MPK_ARRAY)
        rc = SIOC_ESYNTAX;
    if (rc == 0)
        rc = push(&s, false, array.count);
    for (size_t i = 0; rc == 0 && i < array.count; i++) {
        s.sink = i >= from && i < to ? sink : NULL;
        rc = read_value(&s);
    }
    rc = finish(reader, &s, bytes, rc);
    size_t end = array.count < to ? array.count : to;
    if (rc == 0)
        *ret_count = end > from ? end - from : 0;
    return rc;
}
