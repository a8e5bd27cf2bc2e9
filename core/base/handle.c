/* base/handle.c -- numbers that stand for objects.
 *
 * Knows nothing of the objects.  Invariant: a slot's serial is never 0 and changes whenever its
 * object goes, so a handle finds its own object or none.
 */
#include "base/handle.h"

#include "base/mem.h"
#include <sioc/base.h>

/* first_free and next_free are slot + 1, so that a zeroed table is an empty one. */
#define NO_FREE_SLOT 0

void handle_table_init(struct handle_table *t)
{
    memset(t, 0, sizeof *t);
}

void handle_table_deinit(struct handle_table *t)
{
    mem_free(t->slots);
    handle_table_init(t);
}

int handle_add(struct handle_table *t, void *object, uint64_t *ret_handle)
{
    if (!object)
        return SIOC_EINVAL;
    uint32_t slot;
    if (t->first_free != NO_FREE_SLOT) {
        slot = t->first_free - 1;
        t->first_free = t->slots[slot].next_free;
    } else {
        if (t->used == UINT32_MAX)
            return SIOC_ENOMEM;
        void *items = t->slots;
        int rc = mem_grow(&items, &t->cap, (size_t)t->used + 1, sizeof *t->slots);
        if (rc < 0)
            return rc;
        t->slots = items;
        slot = t->used++;
        t->slots[slot].serial = 1;
    }
    t->slots[slot].object = object;
    *ret_handle = (uint64_t)t->slots[slot].serial << 32 | slot;
    return 0;
}

void handle_remove(struct handle_table *t, uint64_t handle)
{
    if (!handle_get(t, handle))
        return;
    uint32_t index = (uint32_t)handle;
    struct handle_slot *slot = &t->slots[index];
    slot->object = NULL;
    if (++slot->serial == 0)
        slot->serial = 1;
    slot->next_free = t->first_free;
    t->first_free = index + 1;
}
