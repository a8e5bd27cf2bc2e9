/* engineio/frame.h -- what is sent to clients: encoded once, counted, shared by every receiver.
 *
 * A frame holds one or more Engine.IO packets that belong together (a Socket.IO packet and its
 * attachments), in the form that goes on a WebSocket: complete WebSocket frames, one behind the
 * other. Other forms are derived from that one by walking it; those for Engine.IO v3 are kept
 * with the frame (eio3.h), so that many receivers share them.
 */
#ifndef ENGINEIO_FRAME_H
#define ENGINEIO_FRAME_H

#include "base/buf.h"
#include "ws/variants.h"
#include <sioc/sink.h>

struct eio_frame {
    struct net_chunk chunk;      /* first: the frame is the chunk of its WebSocket form */
    bool no_compress;            /* the sender's wish; set before the frame is sent to anyone */
    struct ws_variants variants; /* its compressed forms */
    _Atomic(struct eio_frame *) eio3[2]; /* for v3, without and with base64; NULL: not made */
    uint8_t storage[];
};

/* A message packet with the text head + body, and one binary message packet for each
 * attachment.  One reference; NULL when out of memory or above 4 GiB. */
struct eio_frame *eio_frame_message(struct sioc_str head, struct sioc_str body,
                                    struct sioc_buffer *const *attachments,
                                    size_t attachment_count);
/* The same with a binary message, head + body. */
struct eio_frame *eio_frame_binary(struct sioc_str head, struct sioc_str body,
                                   struct sioc_buffer *const *attachments,
                                   size_t attachment_count);
/* One text packet as it stands, e.g. "2" or "3probe". */
struct eio_frame *eio_frame_packet(struct sioc_str packet);

static inline struct eio_frame *eio_frame_ref(struct eio_frame *frame)
{
    net_chunk_ref(&frame->chunk);
    return frame;
}
static inline void eio_frame_unref(struct eio_frame *frame)
{
    if (frame)
        net_chunk_unref(&frame->chunk);
}

/* Without content: the caller fills exactly `bytes` bytes of storage, with whole WebSocket
 * frames, before anybody else sees it.  NULL when out of memory or above 4 GiB. */
struct eio_frame *eio_frame_new(size_t bytes);

/* Walks the packets; *pos starts at 0.  A text packet comes with its letter, a binary message
 * as bare bytes.  False at the end. */
bool eio_frame_next(const struct eio_frame *frame, size_t *pos, bool *ret_binary,
                    struct sioc_str *ret_packet);

/* Appends the packets in the form that polling uses, with separators between them (and before
 * them when `out` is not empty). */
void eio_frame_to_payload(const struct eio_frame *frame, struct buf *out);

#endif
