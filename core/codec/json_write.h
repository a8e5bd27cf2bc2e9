/* codec/json_write.h -- a sink that writes JSON text as JSON.stringify would.
 *
 * Only `"`, `\` and control characters below 0x20 are escaped (\b \f \n \r \t, else \u00XX);
 * NaN and infinities are null; -0 is 0; floats print in their shortest round-trip form in
 * JavaScript's spelling (1e+21, 1e-7, 3 for 3.0).  Strings are checked: invalid UTF-8 is
 * SIOC_EUTF8, and what was written before stays (the caller throws the text away).  Deeper than
 * max_depth: SIOC_EDEPTH.
 *
 * Binary data: each value becomes {"_placeholder":true,"num":N}, and is collected in `binaries`
 * (one reference each), or is refused with SIOC_EINVAL when `binaries` is NULL.
 */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include "base/buf.h"
#include <sioc/sink.h>

struct json_binaries {
    struct sioc_buffer **items;
    size_t count, cap;
};

struct json_writer {
    struct sioc_sink sink; /* first: the writer is a sink */
    struct buf *out;       /* borrowed; text is appended */
    struct json_binaries *binaries;
    unsigned max_depth;
    unsigned depth;
    bool comma; /* a comma is due before the next value or key */
};

void json_writer_init(struct json_writer *w, struct buf *out, struct json_binaries *binaries,
                      unsigned max_depth);

void json_binaries_clear(struct json_binaries *b); /* drops the references, keeps the array */
void json_binaries_deinit(struct json_binaries *b);
/* The same thing under its public name (<sioc/parser.h>). */
struct sioc_attachments;
static inline struct json_binaries *json_binaries_of(struct sioc_attachments *attachments)
{
    return (struct json_binaries *)(void *)attachments;
}
static inline struct sioc_attachments *json_attachments(struct json_binaries *b)
{
    return (struct sioc_attachments *)(void *)b;
}

/* Appends a quoted, escaped string; for text that is known to be valid. */
void json_put_string(struct buf *out, struct sioc_str utf8);
/* Appends a number as JSON.stringify prints it ("null" for NaN and infinities). */
void json_put_double(struct buf *out, double value);

#endif
