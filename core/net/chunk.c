/* net/chunk.c -- the plain kinds of chunk: its bytes lie behind it, or where they were written.
 */
#include "net/chunk.h"
#include "base/mem.h"

static void free_chunk(struct net_chunk *chunk)
{
    mem_free(chunk);
}

struct net_chunk *net_chunk_new(struct sioc_str bytes)
{
    size_t size;
    if (bytes.len > UINT32_MAX || !mem_add(sizeof(struct net_chunk), bytes.len, &size))
        return NULL;
    struct net_chunk *chunk = mem_alloc(size);
    if (!chunk)
        return NULL;
    uint8_t *copy = (uint8_t *)(chunk + 1);
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    atomic_init(&chunk->refs, 1);
    chunk->len = (uint32_t)bytes.len;
    chunk->bytes = copy;
    chunk->free = free_chunk;
    return chunk;
}

static void free_taken(struct net_chunk *chunk)
{
    mem_free((void *)(uintptr_t)chunk->bytes); /* nobody reads them any more */
    mem_free(chunk);
}

struct net_chunk *net_chunk_take(uint8_t *bytes, size_t len)
{
    struct net_chunk *chunk = len > UINT32_MAX ? NULL : mem_alloc(sizeof *chunk);
    if (!chunk)
        return NULL;
    atomic_init(&chunk->refs, 1);
    chunk->len = (uint32_t)len;
    chunk->bytes = bytes;
    chunk->free = free_taken;
    return chunk;
}
