/* base/mem.c -- memory: the only file that calls malloc.
 *
 * Knows libc only.  Invariant: no size is computed without an overflow check, and a failure
 * leaves the caller's memory as it was.
 */
#include "base/mem.h"

#include <sioc/base.h>
#include <stdlib.h>
#include <string.h>

#ifdef SIOC_TESTING
#include <stdatomic.h>

/* Tests order failures from one thread, but code under test may allocate from several. */
static atomic_size_t test_count;
static atomic_size_t test_fail_at;
static atomic_bool test_sticky;

void mem_test_fail_at(size_t n, bool sticky)
{
    atomic_store(&test_fail_at, 0);
    atomic_store(&test_count, 0);
    atomic_store(&test_sticky, sticky);
    atomic_store(&test_fail_at, n);
}

size_t mem_test_count(void)
{
    return atomic_load(&test_count);
}

static bool must_fail(void)
{
    size_t now = atomic_fetch_add(&test_count, 1) + 1;
    size_t at = atomic_load(&test_fail_at);
    return at != 0 && (now == at || (now > at && atomic_load(&test_sticky)));
}
#else
static inline bool must_fail(void)
{
    return false;
}
#endif

void *mem_alloc(size_t size)
{
    /* malloc(0) may be NULL, which would read as a failure. */
    return must_fail() ? NULL : malloc(size ? size : 1);
}

void *mem_zalloc(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *mem_realloc(void *old, size_t size)
{
    return must_fail() ? NULL : realloc(old, size ? size : 1);
}

void mem_free(void *ptr)
{
    free(ptr);
}

void *mem_dup(const void *bytes, size_t len)
{
    size_t size;
    if (!mem_add(len, 1, &size))
        return NULL;
    char *copy = mem_alloc(size);
    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

bool mem_mul(size_t a, size_t b, size_t *ret)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *ret = product;
    return true;
}

bool mem_add(size_t a, size_t b, size_t *ret)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *ret = sum;
    return true;
}

int mem_grow(void **items, size_t *cap, size_t need, size_t item_size)
{
    if (need <= *cap)
        return 0;
    size_t more, size;
    if (!mem_add(*cap, *cap / 2, &more) || more < need)
        more = need;
    if (more < 4)
        more = 4;
    if (!mem_mul(more, item_size, &size))
        return SIOC_ENOMEM;
    void *moved = mem_realloc(*items, size);
    if (!moved)
        return SIOC_ENOMEM;
    *items = moved;
    *cap = more;
    return 0;
}
