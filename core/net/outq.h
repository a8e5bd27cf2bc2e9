/* net/outq.h -- what waits to be written to one stream: counted chunks, in order.
 *
 * Flushing writes everything that is pending with one system call: small chunks are copied
 * together, large ones are sent from where they are.  An empty queue holds no memory beyond a
 * few slots.
 */
#ifndef NET_OUTQ_H
#define NET_OUTQ_H

#include "net/chunk.h"

struct net_stream;

struct net_outq {
    struct net_chunk **items; /* a ring */
    uint32_t cap, head, count;
    uint32_t sent; /* bytes of the first chunk that are out already */
    size_t bytes;  /* pending, in all */
};

void net_outq_init(struct net_outq *q);
void net_outq_deinit(struct net_outq *q); /* drops what is pending */
/* Takes its own reference.  0 or SIOC_ENOMEM. */
int net_outq_push(struct net_outq *q, struct net_chunk *chunk);
/* Writes as much as the kernel takes.  0 when empty now, SIOC_EAGAIN when bytes are left (a
 * `writable` callback was asked for), SIOC_EIO when the peer is gone. */
int net_outq_flush(struct net_outq *q, struct net_stream *stream);

#endif
