/* codec/mpk_write.h -- a sink that writes msgpack, each value in its shortest form.
 *
 * Numbers without a fraction within 2^53 are written as integers, as JavaScript's encoders do;
 * NaN and infinities are nil, as in JSON.  Strings are checked: invalid UTF-8 is SIOC_EUTF8.
 * Binary data is `bin`.  Deeper than max_depth: SIOC_EDEPTH.  What was written before an error
 * stays; the caller throws it away.
 */
#ifndef CODEC_MPK_WRITE_H
#define CODEC_MPK_WRITE_H

#include "base/buf.h"
#include <sioc/sink.h>

struct mpk_writer {
    struct sioc_sink sink; /* first: the writer is a sink */
    struct buf *out;       /* borrowed; bytes are appended */
    struct buf *stack;     /* borrowed; the writer's own business */
    unsigned max_depth;
    unsigned depth;
    size_t count; /* values written outside of any array and map */
};

void mpk_writer_init(struct mpk_writer *w, struct buf *out, struct buf *stack,
                     unsigned max_depth);

/* Words, for those who compose msgpack by hand. */
void mpk_put_map(struct buf *out, size_t pairs); /* the head only */
void mpk_put_array(struct buf *out, size_t count);
void mpk_put_int(struct buf *out, int64_t value);
void mpk_put_string(struct buf *out, struct sioc_str utf8); /* not checked */

#endif
