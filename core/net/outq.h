/* net/outq.h -- what waits to be written to one stream, in order: counted chunks, and small
 * bytes for this peer alone, which are copied one behind the other.
 *
 * Flushing writes everything that is pending with one system call: small chunks are copied
 * together, large ones are sent from where they are.  An empty queue holds no memory: rings of
 * slots and *corks*, the buffers that small bytes are copied to, belong to the loop.
 */
#ifndef NET_OUTQ_H
#define NET_OUTQ_H

#include "net/chunk.h"

struct net_loop;
struct net_stream;

struct net_outq {
    struct net_loop *loop;
    union {
        struct net_chunk *only;  /* cap 1: no ring is needed for one chunk */
        struct net_chunk **ring; /* else */
    };
    uint32_t cap, head, count;
    uint32_t sent; /* bytes of the first chunk that are out already */
    size_t bytes;  /* pending, in all */
};

void net_outq_init(struct net_outq *q, struct net_loop *loop);
void net_outq_deinit(struct net_outq *q); /* drops what is pending */
/* Takes its own reference.  0 or SIOC_ENOMEM. */
int net_outq_push(struct net_outq *q, struct net_chunk *chunk);
/* Room for `len` bytes at the end of the queue, to be filled before anything else is done with
 * it.  NULL: out of memory, or more than NET_OUTQ_SMALL. */
#define NET_OUTQ_SMALL 1024
uint8_t *net_outq_reserve(struct net_outq *q, size_t len);
/* Whether all that waits is small bytes for this peer alone. */
bool net_outq_is_own(const struct net_outq *q);
/* Writes as much as the kernel takes.  0 when empty now, SIOC_EAGAIN when bytes are left (a
 * `writable` callback was asked for), SIOC_EIO when the peer is gone. */
int net_outq_flush(struct net_outq *q, struct net_stream *stream);

#endif
