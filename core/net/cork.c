/* net/cork.c -- see cork.h.  Invariant: spare_corks counts what is linked at loop->corks. */
#include "net/cork.h"
#include "base/mem.h"
#include "net/internal.h"

/* Sixteen messages of a chat.  No power of two: the beginnings of many corks would fall on the
 * same few lines of the processor's cache. */
#define CORK_BYTES 3968
#define KEPT       16 /* spare ones that a quiet loop keeps */
#define DECAY      64 /* of the others, one in so many goes in each turn */

struct net_cork {
    struct net_chunk chunk; /* first */
    struct net_loop *loop;
    struct net_cork *next; /* of those that are spare */
    uint8_t bytes[CORK_BYTES];
};

static void put_back(struct net_chunk *chunk)
{
    struct net_cork *cork = (struct net_cork *)(void *)chunk;
    cork->next = cork->loop->corks;
    cork->loop->corks = cork;
    cork->loop->spare_corks++;
}

struct net_chunk *net_cork_new(struct net_loop *loop)
{
    struct net_cork *cork = loop->corks;
    if (cork) {
        loop->corks = cork->next;
        loop->spare_corks--;
    } else {
        cork = mem_alloc(sizeof *cork);
        if (!cork)
            return NULL;
        cork->loop = loop;
        cork->chunk.bytes = cork->bytes;
        cork->chunk.free = put_back;
    }
    atomic_init(&cork->chunk.refs, 1);
    cork->chunk.len = 0;
    return &cork->chunk;
}

uint8_t *net_cork_extend(struct net_chunk *chunk, size_t len)
{
    if (chunk->free != put_back || len > CORK_BYTES - chunk->len)
        return NULL;
    uint8_t *at = ((struct net_cork *)(void *)chunk)->bytes + chunk->len;
    chunk->len += (uint32_t)len;
    return at;
}

bool net_chunk_is_cork(const struct net_chunk *chunk)
{
    return chunk->free == put_back;
}

static void drop(struct net_loop *loop, size_t count)
{
    for (; count; count--) {
        struct net_cork *cork = loop->corks;
        loop->corks = cork->next;
        loop->spare_corks--;
        mem_free(cork);
    }
}

void net_corks_trim(struct net_loop *loop)
{
    if (loop->spare_corks > KEPT)
        drop(loop, (loop->spare_corks - KEPT + DECAY - 1) / DECAY);
}

void net_corks_drop(struct net_loop *loop)
{
    drop(loop, loop->spare_corks);
}
