/* script/shared_value.c -- see shared_value.h.
 *
 * The msgpack writer does the work; this stands before it and notes where each pair of a map
 * begins, so that the pairs can be put in order when the map ends.  The head of a container may
 * become longer only at its own end, which moves nothing that was noted for those around it.
 * Invariant: `maps` has one entry for each open map or array, `pairs` the beginnings of all
 * pairs of those that are open.
 */
#include "script/shared_value.h"
#include "base/mem.h"
#include "codec/json_read.h"
#include "codec/mpk_read.h"
#include "codec/mpk_write.h"
#include <stdlib.h>

struct sioc_shared_value {
    struct sioc_sink sink; /* first */
    struct mpk_writer writer;
    struct buf bytes, stack;
    struct buf pairs;                 /* of size_t: offsets in `bytes` */
    struct buf sorted;                /* scratch */
    size_t first[SCRIPT_VALUE_DEPTH]; /* of the pairs of the container at that depth */
    bool is_map[SCRIPT_VALUE_DEPTH];
};

static struct sioc_shared_value *self(struct sioc_sink *sink)
{
    return (struct sioc_shared_value *)sink;
}

static struct sioc_sink *writer_of(struct sioc_sink *sink)
{
    return &self(sink)->writer.sink;
}

/* ---- maps in order ---- */

static int by_bytes(const void *a, const void *b)
{
    const struct sioc_str *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->ptr, y->ptr, len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* The pairs that begin at the offsets from `first` on, up to the end of what is written. */
static int sort_pairs(struct sioc_shared_value *v, size_t first)
{
    const size_t *at = (const size_t *)(const void *)v->pairs.bytes + first;
    size_t count = v->pairs.len / sizeof(size_t) - first, size;
    if (count < 2)
        return 0;
    if (!mem_mul(count, sizeof(struct sioc_str), &size))
        return SIOC_ENOMEM;
    struct sioc_str *pairs = mem_alloc(size);
    if (!pairs)
        return SIOC_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? at[i + 1] : v->bytes.len;
        pairs[i] = sioc_str_n(v->bytes.bytes + at[i], end - at[i]);
    }
    qsort(pairs, count, sizeof *pairs, by_bytes);
    buf_reset(&v->sorted);
    for (size_t i = 0; i < count; i++)
        buf_put_str(&v->sorted, pairs[i]);
    mem_free(pairs);
    if (v->sorted.error)
        return v->sorted.error;
    memcpy(v->bytes.bytes + at[0], v->sorted.bytes, v->sorted.len);
    return 0;
}

static int fail(struct sioc_shared_value *v, int error)
{
    if (!v->bytes.error)
        v->bytes.error = error;
    return v->bytes.error;
}

static int begin(struct sioc_sink *sink, size_t count, bool map)
{
    struct sioc_shared_value *v = self(sink);
    struct sioc_sink *w = writer_of(sink);
    int error = map ? w->ops->map_begin(w, count) : w->ops->array_begin(w, count);
    if (error < 0)
        return error;
    v->first[v->writer.depth - 1] = v->pairs.len / sizeof(size_t);
    v->is_map[v->writer.depth - 1] = map;
    return 0;
}

static int end(struct sioc_sink *sink)
{
    struct sioc_shared_value *v = self(sink);
    struct sioc_sink *w = writer_of(sink);
    if (v->bytes.error || v->writer.depth == 0)
        return fail(v, SIOC_EINVAL);
    size_t first = v->first[v->writer.depth - 1];
    if (v->is_map[v->writer.depth - 1]) {
        int error = sort_pairs(v, first);
        if (error < 0)
            return fail(v, error);
        v->pairs.len = first * sizeof(size_t);
    }
    return w->ops->map_end(w); /* an array ends in the same way */
}

/* ---- the sink ---- */

static int put_null(struct sioc_sink *sink)
{
    return sioc_put_null(writer_of(sink));
}
static int put_boolean(struct sioc_sink *sink, bool value)
{
    return sioc_put_bool(writer_of(sink), value);
}
static int put_integer(struct sioc_sink *sink, int64_t value)
{
    return sioc_put_int(writer_of(sink), value);
}
static int put_number(struct sioc_sink *sink, double value)
{
    return sioc_put_number(writer_of(sink), value);
}
static int put_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    return sioc_put_str(writer_of(sink), utf8);
}
static int put_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    return sioc_put_binary(writer_of(sink), data);
}
static int array_begin(struct sioc_sink *sink, size_t count)
{
    return begin(sink, count, false);
}
static int map_begin(struct sioc_sink *sink, size_t count)
{
    return begin(sink, count, true);
}

static int map_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct sioc_shared_value *v = self(sink);
    struct sioc_sink *w = writer_of(sink);
    buf_put(&v->pairs, &v->bytes.len, sizeof(size_t));
    if (v->pairs.error)
        return fail(v, v->pairs.error);
    return w->ops->map_key(w, utf8);
}

/* Through this sink again, so that its maps are sorted, too. */
static int put_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    struct sioc_shared_value *v = self(sink);
    struct buf scratch;
    buf_init(&scratch);
    struct json_reader reader = {.max_depth = SCRIPT_VALUE_DEPTH, .scratch = &scratch};
    int error = json_read(&reader, json, sink);
    buf_deinit(&scratch);
    return error < 0 ? fail(v, error) : 0;
}

static const struct sioc_sink_ops value_ops = {
    .null = put_null,
    .boolean = put_boolean,
    .integer = put_integer,
    .number = put_number,
    .string = put_string,
    .binary = put_binary,
    .array_begin = array_begin,
    .array_end = end,
    .map_begin = map_begin,
    .map_key = map_key,
    .map_end = end,
    .raw_json = put_raw_json,
};

struct sioc_shared_value *sioc_shared_value_new(void)
{
    struct sioc_shared_value *v = mem_zalloc(sizeof *v);
    if (!v)
        return NULL;
    v->sink.ops = &value_ops;
    buf_init(&v->bytes);
    buf_init(&v->stack);
    buf_init(&v->pairs);
    buf_init(&v->sorted);
    sioc_shared_value_sink(v);
    return v;
}

void sioc_shared_value_free(struct sioc_shared_value *v)
{
    if (!v)
        return;
    buf_deinit(&v->bytes);
    buf_deinit(&v->stack);
    buf_deinit(&v->pairs);
    buf_deinit(&v->sorted);
    mem_free(v);
}

struct sioc_sink *sioc_shared_value_sink(struct sioc_shared_value *v)
{
    buf_reset(&v->bytes);
    buf_reset(&v->pairs);
    mpk_writer_init(&v->writer, &v->bytes, &v->stack, SCRIPT_VALUE_DEPTH);
    return &v->sink;
}

struct sioc_str script_value_bytes(const struct sioc_shared_value *v)
{
    bool whole = !v->bytes.error && v->writer.depth == 0 && v->writer.count == 1;
    return whole ? buf_str(&v->bytes) : sioc_str_n(NULL, 0);
}

/* ---- reading ---- */

int script_value_read(struct sioc_str bytes, struct sioc_sink *sink)
{
    struct mpk_reader reader = {.max_depth = SCRIPT_VALUE_DEPTH};
    return mpk_read(&reader, bytes, sink);
}

struct number_sink {
    struct sioc_sink sink;
    struct sioc_shared_number *number;
    bool found;
};

static int take_integer(struct sioc_sink *sink, int64_t value)
{
    struct number_sink *n = (struct number_sink *)(void *)sink;
    *n->number = (struct sioc_shared_number){true, value, (double)value};
    n->found = true;
    return 0;
}

static int take_number(struct sioc_sink *sink, double value)
{
    struct number_sink *n = (struct number_sink *)(void *)sink;
    *n->number = (struct sioc_shared_number){false, 0, value};
    n->found = true;
    return 0;
}

/* The heads of integers and floats in msgpack; everything else has another sink function. */
static bool is_number(unsigned char head)
{
    return head < 0x80 || head >= 0xe0 || (head >= 0xca && head <= 0xd3);
}

bool script_value_number(struct sioc_str bytes, struct sioc_shared_number *ret)
{
    static const struct sioc_sink_ops ops = {.integer = take_integer, .number = take_number};
    struct number_sink n = {.sink = {&ops}, .number = ret};
    if (bytes.len == 0 || !is_number((unsigned char)bytes.ptr[0]))
        return false;
    return script_value_read(bytes, &n.sink) == 0 && n.found;
}

void script_value_put_number(struct buf *out, struct sioc_shared_number number)
{
    struct buf stack;
    struct mpk_writer writer;
    buf_init(&stack);
    mpk_writer_init(&writer, out, &stack, 1);
    if (number.is_integer)
        sioc_put_int(&writer.sink, number.integer);
    else
        sioc_put_number(&writer.sink, number.number);
    buf_deinit(&stack);
}
