/* sioc/pool.h -- memory for the many small objects of a script's state.
 *
 * For hosts whose language knows the size of what it frees (Lua does): no header, no search,
 * and memory that is free goes back to the system.  A pool belongs to one thread.
 */
#ifndef SIOC_POOL_H
#define SIOC_POOL_H

#include <sioc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_pool;

/* 0, SIOC_ENOMEM. */
SIOC_API int sioc_pool_new(struct sioc_pool **ret_pool);
/* Everything in it must be freed.  Accepts NULL. */
SIOC_API void sioc_pool_free(struct sioc_pool *pool);

/* Makes `new_size` bytes of `old_size`, the content goes along: old NULL = new memory (old_size
 * is ignored); new_size 0 = frees, NULL is returned.  NULL when out of memory; `old` stays as
 * it was then. */
SIOC_API void *sioc_pool_resize(struct sioc_pool *pool, void *old, size_t old_size,
                                size_t new_size);

#ifdef __cplusplus
}
#endif

#endif
