/* base/pool.c -- slabs: a head, then objects of one size.
 *
 * A slab is aligned to its own size, so an object finds it by its address.  Objects that were
 * never used are taken in order and not touched before, so a slab costs the memory of those
 * pages only that it has used.
 * Invariants: a slab is in the list of its size exactly while it has room; one without objects
 * is the spare one or gone.
 */
#include "base/pool.h"

#include "base/mem.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SLAB_BYTES ((size_t)64 * 1024)
#define HEAD_BYTES ((size_t)64)

struct hole { /* an object that was freed */
    struct hole *next;
};

struct pool_slab {
    struct pool_slab *next, *prev; /* in the list of those with room */
    struct hole *holes;
    uint32_t size;  /* of an object */
    uint32_t used;  /* objects in use */
    uint32_t fresh; /* offset of the first object that was never used */
};

static_assert(sizeof(struct pool_slab) <= HEAD_BYTES, "objects lie behind the head");

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POOL_PLAIN true
#endif
#endif
#if !defined(POOL_PLAIN) && (defined(__SANITIZE_ADDRESS__) || defined(SIOC_TESTING))
#define POOL_PLAIN true
#endif
#ifndef POOL_PLAIN
#define POOL_PLAIN false
#endif

void pool_init(struct pool *pool)
{
    memset(pool, 0, sizeof *pool);
    pool->plain = POOL_PLAIN;
}

void pool_deinit(struct pool *pool)
{
    assert(pool->used_bytes == 0);
    if (pool->spare)
        munmap(pool->spare, SLAB_BYTES);
    pool_init(pool);
}

/* ---- slabs ---- */

/* Asks for twice as much and gives back what is not aligned. */
static struct pool_slab *map_slab(void)
{
    uint8_t *all =
        mmap(NULL, 2 * SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    size_t before = (SLAB_BYTES - (uintptr_t)all % SLAB_BYTES) % SLAB_BYTES;
    if (before)
        munmap(all, before);
    munmap(all + before + SLAB_BYTES, SLAB_BYTES - before);
    return (struct pool_slab *)(void *)(all + before);
}

static struct pool_slab **list_of(struct pool *pool, size_t size)
{
    return &pool->open[size / POOL_STEP - 1];
}

static void link_slab(struct pool *pool, struct pool_slab *slab)
{
    struct pool_slab **first = list_of(pool, slab->size);
    slab->prev = NULL;
    slab->next = *first;
    if (slab->next)
        slab->next->prev = slab;
    *first = slab;
}

static void unlink_slab(struct pool *pool, struct pool_slab *slab)
{
    if (slab->next)
        slab->next->prev = slab->prev;
    if (slab->prev)
        slab->prev->next = slab->next;
    else
        *list_of(pool, slab->size) = slab->next;
}

static struct pool_slab *open_slab(struct pool *pool, size_t size)
{
    struct pool_slab *slab = pool->spare ? pool->spare : map_slab();
    if (!slab)
        return NULL;
    if (!pool->spare)
        pool->slabs++;
    pool->spare = NULL;
    slab->holes = NULL;
    slab->size = (uint32_t)size;
    slab->used = 0;
    slab->fresh = HEAD_BYTES;
    link_slab(pool, slab);
    return slab;
}

static void close_slab(struct pool *pool, struct pool_slab *slab)
{
    unlink_slab(pool, slab);
    if (!pool->spare) {
        pool->spare = slab;
        return;
    }
    munmap(slab, SLAB_BYTES);
    pool->slabs--;
}

static bool is_full(const struct pool_slab *slab)
{
    return !slab->holes && slab->fresh + slab->size > SLAB_BYTES;
}

/* ---- objects ---- */

static size_t rounded(size_t size)
{
    return size ? (size + POOL_STEP - 1) & ~(size_t)(POOL_STEP - 1) : POOL_STEP;
}

static void *take(struct pool_slab *slab)
{
    struct hole *hole = slab->holes;
    slab->used++;
    if (hole) {
        slab->holes = hole->next;
        return hole;
    }
    void *fresh = (uint8_t *)slab + slab->fresh;
    slab->fresh += slab->size;
    return fresh;
}

static bool is_outside(const struct pool *pool, size_t size)
{
    return pool->plain || size > POOL_MAX_BYTES;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    if (is_outside(pool, size)) {
        void *object = mem_alloc(size);
        pool->used_bytes += object ? size : 0;
        return object;
    }
    size = rounded(size);
    struct pool_slab *slab = *list_of(pool, size);
    if (!slab && !(slab = open_slab(pool, size)))
        return NULL;
    void *object = take(slab);
    if (is_full(slab))
        unlink_slab(pool, slab);
    pool->used_bytes += size;
    return object;
}

void *pool_zalloc(struct pool *pool, size_t size)
{
    void *object = pool_alloc(pool, size);
    return object ? memset(object, 0, size) : NULL;
}

void pool_free(struct pool *pool, void *ptr, size_t size)
{
    if (!ptr)
        return;
    if (is_outside(pool, size)) {
        pool->used_bytes -= size;
        mem_free(ptr);
        return;
    }
    size = rounded(size);
    struct pool_slab *slab =
        (struct pool_slab *)((uintptr_t)ptr & ~(uintptr_t)(SLAB_BYTES - 1));
    assert(slab->size == size);
    pool->used_bytes -= size;
    if (is_full(slab))
        link_slab(pool, slab);
    struct hole *hole = ptr;
    hole->next = slab->holes;
    slab->holes = hole;
    if (--slab->used == 0)
        close_slab(pool, slab);
}

/* ---- the public face ---- */

int sioc_pool_new(struct sioc_pool **ret_pool)
{
    struct sioc_pool *p = mem_alloc(sizeof *p);
    if (!p)
        return SIOC_ENOMEM;
    pool_init(&p->pool);
    *ret_pool = p;
    return 0;
}

void sioc_pool_free(struct sioc_pool *p)
{
    if (!p)
        return;
    pool_deinit(&p->pool);
    mem_free(p);
}

static void *resize_outside(struct pool *pool, void *old, size_t old_size, size_t new_size)
{
    void *moved = mem_realloc(old, new_size);
    if (moved)
        pool->used_bytes = pool->used_bytes - old_size + new_size;
    return moved;
}

void *sioc_pool_resize(struct sioc_pool *p, void *old, size_t old_size, size_t new_size)
{
    struct pool *pool = &p->pool;
    if (new_size == 0) {
        pool_free(pool, old, old_size);
        return NULL;
    }
    if (!old)
        return pool_alloc(pool, new_size);
    bool was_outside = is_outside(pool, old_size), is_now = is_outside(pool, new_size);
    if (was_outside && is_now)
        return resize_outside(pool, old, old_size, new_size);
    if (!was_outside && !is_now && rounded(old_size) == rounded(new_size))
        return old;
    void *moved = pool_alloc(pool, new_size);
    if (!moved)
        return NULL;
    memcpy(moved, old, old_size < new_size ? old_size : new_size);
    pool_free(pool, old, old_size);
    return moved;
}
