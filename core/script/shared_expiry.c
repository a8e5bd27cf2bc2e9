/* script/shared_expiry.c -- see shared_expiry.h. */
#include "script/shared_expiry.h"
#include "base/mem.h"
#include <sioc/base.h>

static void put(struct script_expiries *all, size_t place, struct script_expiry *one)
{
    all->heap[place] = one;
    one->place = place + 1;
}

/* From `place`, which is free, up or down to where `one` belongs. */
static void settle(struct script_expiries *all, size_t place, struct script_expiry *one)
{
    while (place > 0 && all->heap[(place - 1) / 2]->at_ms > one->at_ms) {
        put(all, place, all->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = place * 2 + 1;
        if (child + 1 < all->count && all->heap[child + 1]->at_ms < all->heap[child]->at_ms)
            child++;
        if (child >= all->count || all->heap[child]->at_ms >= one->at_ms)
            break;
        put(all, place, all->heap[child]);
        place = child;
    }
    put(all, place, one);
}

void script_expiry_remove(struct script_expiries *all, struct script_expiry *one)
{
    if (one->place == 0)
        return;
    size_t place = one->place - 1;
    struct script_expiry *last = all->heap[--all->count];
    one->place = 0;
    if (last != one)
        settle(all, place, last);
}

int script_expiry_reserve(struct script_expiries *all)
{
    return mem_grow((void **)&all->heap, &all->cap, all->count + 1,
                    sizeof(struct script_expiry *));
}

void script_expiry_set(struct script_expiries *all, struct script_expiry *one, uint64_t at_ms)
{
    script_expiry_remove(all, one);
    one->at_ms = at_ms;
    if (at_ms == 0)
        return;
    all->count++;
    settle(all, all->count - 1, one);
}

struct script_expiry *script_expiry_due(const struct script_expiries *all, uint64_t now_ms)
{
    return all->count > 0 && all->heap[0]->at_ms <= now_ms ? all->heap[0] : NULL;
}

void script_expiries_deinit(struct script_expiries *all)
{
    mem_free(all->heap);
    *all = (struct script_expiries){NULL, 0, 0};
}
