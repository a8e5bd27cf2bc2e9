/* base/pool.h -- memory of the small objects that a server has many of: what belongs to a
 * connection.
 *
 * Objects of about the same size lie side by side in *slabs* of 64 KiB: without the allocator's
 * header (16 bytes each, with rounding), and apart from what lives only for a moment, so that
 * no holes stay between them when thousands of connections are opened at once.  A slab whose
 * last object goes is given back to the system: after a rush the process is as small as before.
 * Belongs to one thread.  Invariant: an object is freed with the size it was asked for with.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <sioc/pool.h>

#define POOL_STEP      16   /* sizes are rounded up to this */
#define POOL_MAX_BYTES 1024 /* what is larger comes from mem_alloc */

struct pool_slab;

struct pool {
    struct pool_slab *open[POOL_MAX_BYTES / POOL_STEP]; /* slabs with room, by size; linked */
    struct pool_slab *spare; /* an empty one, so that one object that comes and goes is cheap */
    size_t slabs;            /* all of them, the spare one too */
    size_t used_bytes;       /* of objects */
    bool plain;              /* everything comes from mem_alloc: see pool_init */
};

struct sioc_pool { /* of the public API */
    struct pool pool;
};

/* Where tools look for wrong accesses and ordered failures (sanitizers, SIOC_TESTING) the pool
 * is plain: they see each object then. */
void pool_init(struct pool *pool);
void pool_deinit(struct pool *pool); /* all objects must be freed */
/* Memory for any type; NULL when out of memory. */
void *pool_alloc(struct pool *pool, size_t size);
void *pool_zalloc(struct pool *pool, size_t size);         /* zeroed */
void pool_free(struct pool *pool, void *ptr, size_t size); /* accepts NULL */

#endif
