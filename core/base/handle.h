/* base/handle.h -- numbers that stand for objects: a stale number fails, it never dangles.
 *
 * A handle is slot and serial in 64 bits; a slot's serial changes when its object goes. Scripts
 * hold handles, never pointers.  Invariant: handle 0 is never given out.
 */
#ifndef BASE_HANDLE_H
#define BASE_HANDLE_H

#include <stddef.h>
#include <stdint.h>

struct handle_slot {
    void *object; /* NULL: free */
    uint32_t serial;
    uint32_t next_free; /* as first_free */
};

struct handle_table {
    struct handle_slot *slots;
    size_t cap;
    uint32_t used;       /* slots ever used */
    uint32_t first_free; /* slot + 1; 0: none */
};

void handle_table_init(struct handle_table *t);
void handle_table_deinit(struct handle_table *t);
int handle_add(struct handle_table *t, void *object,
               uint64_t *ret_handle);                        /* 0 or SIOC_ENOMEM */
void handle_remove(struct handle_table *t, uint64_t handle); /* stale: ignored */
static inline void *handle_get(const struct handle_table *t, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle, serial = (uint32_t)(handle >> 32);
    if (slot >= t->used || t->slots[slot].serial != serial)
        return NULL;
    return t->slots[slot].object;
}

#endif
