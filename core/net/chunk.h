/* net/chunk.h -- counted, immutable bytes on their way out; shared by every peer that gets
 * them. */
#ifndef NET_CHUNK_H
#define NET_CHUNK_H

#include <sioc/base.h>
#include <stdatomic.h>

struct net_chunk {
    atomic_uint refs; /* the count may be touched by any thread; the bytes never change */
    uint32_t len;
    const uint8_t *bytes;
    void (*free)(struct net_chunk *chunk); /* called when the last reference goes */
};

/* A chunk with a copy of `bytes` behind it; one reference.  NULL when out of memory. */
struct net_chunk *net_chunk_new(struct sioc_str bytes);
/* A chunk of memory from mem_alloc, taken; not on failure (NULL). */
struct net_chunk *net_chunk_take(uint8_t *bytes, size_t len);
static inline struct net_chunk *net_chunk_ref(struct net_chunk *chunk)
{
    atomic_fetch_add_explicit(&chunk->refs, 1, memory_order_relaxed);
    return chunk;
}
static inline void net_chunk_unref(struct net_chunk *chunk)
{
    if (chunk && atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) == 1)
        chunk->free(chunk);
}

#endif
