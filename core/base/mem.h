/* base/mem.h -- memory: sizes that cannot overflow, failures that a test can order.
 * Knows libc only.  Invariant: nothing here aborts; a failed allocation is NULL.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);                 /* uninitialised */
void *mem_zalloc(size_t size);                /* zeroed */
void *mem_realloc(void *old, size_t size);    /* on failure `old` stays valid */
void mem_free(void *ptr);                     /* accepts NULL */
void *mem_dup(const void *bytes, size_t len); /* a copy; a NUL byte is added behind it */

/* a * b and a + b, or false when the result does not fit. */
bool mem_mul(size_t a, size_t b, size_t *ret);
bool mem_add(size_t a, size_t b, size_t *ret);

/* Makes room in the array *items (of item_size each, *cap of them allocated) for at least
 * `need` items, growing by half at least.  0, or SIOC_ENOMEM with everything as it was. */
int mem_grow(void **items, size_t *cap, size_t need, size_t item_size);

/* resident.c: a descriptor (close) to ask mem_resident with, or -1; the bytes of memory that
 * the process really has, 0 when that is not known; what the machine, or the process's control
 * group, has in all; gives back to the system what is free. */
int mem_resident_open(void);
uint64_t mem_resident(int fd);
uint64_t mem_machine(void);
void mem_give_back(void);

#ifdef SIOC_TESTING
/* Fails the n-th allocation from now (1 = the next) and, if `sticky`, all that follow; 0 =
 * none. */
void mem_test_fail_at(size_t n, bool sticky);
/* Allocations asked for since the last mem_test_fail_at. */
size_t mem_test_count(void);
#endif

#endif
