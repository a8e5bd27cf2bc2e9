/* sioc/sink.h -- the one interface through which values cross languages and codecs.
 *
 * A decoder drives a sink; a Lua or Python builder is a sink; an encoder is a sink; a Lua or
 * Python walker drives one.  N codecs and M languages, and no tree in between.
 *
 * A value is one call, or begin ... values ... end.  Inside a map every value is preceded by
 * map_key.  Each function returns >= 0 or SIOC_E*; the driver stops at the first error.  A sink
 * is only ever driven from one place at a time and holds no reference to what it is given.
 */
#ifndef SIOC_SINK_H
#define SIOC_SINK_H

#include <sioc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIOC_COUNT_UNKNOWN SIZE_MAX

struct sioc_sink;
struct sioc_buffer; /* counted binary data, buffer.h */

struct sioc_sink_ops {
    int (*null)(struct sioc_sink *sink);
    int (*boolean)(struct sioc_sink *sink, bool value);
    int (*integer)(struct sioc_sink *sink, int64_t value);
    int (*number)(struct sioc_sink *sink, double value);
    /* utf8: borrowed.  A decoder gives valid UTF-8 only; an encoder checks and may answer
     * EUTF8. */
    int (*string)(struct sioc_sink *sink, struct sioc_str utf8);
    /* data: shared; the sink takes its own reference if it keeps it. */
    int (*binary)(struct sioc_sink *sink, struct sioc_buffer *data);
    /* count: elements that will follow (pairs, for a map), or SIOC_COUNT_UNKNOWN. */
    int (*array_begin)(struct sioc_sink *sink, size_t count);
    int (*array_end)(struct sioc_sink *sink);
    int (*map_begin)(struct sioc_sink *sink, size_t count);
    int (*map_key)(struct sioc_sink *sink, struct sioc_str utf8);
    int (*map_end)(struct sioc_sink *sink);
    /* One complete JSON value, passed on as it is by encoders that write JSON (others decode
     * it). */
    int (*raw_json)(struct sioc_sink *sink, struct sioc_str json);
    /* May be NULL: a whole number that 64 bits cannot hold, as its decimal digits (with "-"
     * before them); else it comes as the nearest `number`. */
    int (*big_integer)(struct sioc_sink *sink, struct sioc_str digits);
};

/* Embedded as the first member of a concrete sink. */
struct sioc_sink {
    const struct sioc_sink_ops *ops;
};

static inline int sioc_put_null(struct sioc_sink *s)
{
    return s->ops->null(s);
}
static inline int sioc_put_bool(struct sioc_sink *s, bool v)
{
    return s->ops->boolean(s, v);
}
static inline int sioc_put_int(struct sioc_sink *s, int64_t v)
{
    return s->ops->integer(s, v);
}
static inline int sioc_put_number(struct sioc_sink *s, double v)
{
    return s->ops->number(s, v);
}
static inline int sioc_put_str(struct sioc_sink *s, struct sioc_str v)
{
    return s->ops->string(s, v);
}
static inline int sioc_put_text(struct sioc_sink *s, const char *v)
{
    return s->ops->string(s, sioc_str(v));
}
static inline int sioc_put_binary(struct sioc_sink *s, struct sioc_buffer *v)
{
    return s->ops->binary(s, v);
}

/* Counted, immutable binary data: what an attachment is on this side of the wire. */

/* Copies `bytes`; NULL when out of memory.  The caller holds one reference. */
SIOC_API struct sioc_buffer *sioc_buffer_new(struct sioc_str bytes);
SIOC_API struct sioc_buffer *sioc_buffer_ref(struct sioc_buffer *buffer);
SIOC_API void sioc_buffer_unref(struct sioc_buffer *buffer); /* accepts NULL */
/* Borrowed; valid as long as the caller holds a reference. */
SIOC_API struct sioc_str sioc_buffer_bytes(const struct sioc_buffer *buffer);

/* JSON text (RFC 8259) to and from sinks, for hosts that offer it to scripts. */

/* Drives `sink` with the one value in `json`.
 *   max_depth  arrays and maps nested deeper are refused with SIOC_EDEPTH; 1 or more
 *   ret_error_at  optional: byte offset of the first error, written on failure
 * Returns 0, SIOC_ESYNTAX, SIOC_EUTF8, SIOC_EDEPTH or the sink's own error. */
SIOC_API int sioc_json_decode(struct sioc_str json, unsigned max_depth, struct sioc_sink *sink,
                              size_t *ret_error_at);

/* An encoder: a sink that writes JSON text.  NULL when out of memory. */
struct sioc_json_encoder;
SIOC_API struct sioc_json_encoder *sioc_json_encoder_new(void);
SIOC_API void sioc_json_encoder_free(struct sioc_json_encoder *encoder);
SIOC_API struct sioc_sink *sioc_json_encoder_sink(struct sioc_json_encoder *encoder);
/* What was written since the last reset; borrowed until the encoder is used again.  Empty after
 * a failure. */
SIOC_API struct sioc_str sioc_json_encoder_text(const struct sioc_json_encoder *encoder);
SIOC_API void sioc_json_encoder_reset(struct sioc_json_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
