/* base/keyset.c -- linear probing over a power of two, without marks for what was removed: what
 * comes behind moves up.
 *
 * The hashes are kept, 32 bits each, so that probing touches no object but the right one, and
 * moving none at all.  Knows nothing of the objects.
 * Invariant: no free slot lies between an object and the slot that its hash wants.
 */
#include "base/keyset.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#define FIRST_SLOTS 16
#define MOST_SLOTS  ((uint32_t)1 << 31)

void keyset_init(struct keyset *set, struct sioc_str (*key_of)(const void *object))
{
    *set = (struct keyset){.key_of = key_of};
}

void keyset_deinit(struct keyset *set)
{
    mem_free(set->objects);
    keyset_init(set, set->key_of);
}

static uint32_t *hashes_of(const struct keyset *set)
{
    return (uint32_t *)(void *)(set->objects + set->cap);
}

/* The slot of the object with that key, or the free one where it belongs. */
static uint32_t find(const struct keyset *set, struct sioc_str key, uint32_t hash)
{
    const uint32_t mask = set->cap - 1, *hashes = hashes_of(set);
    uint32_t at = hash & mask;
    while (set->objects[at] &&
           !(hashes[at] == hash && str_eq(set->key_of(set->objects[at]), key)))
        at = (at + 1) & mask;
    return at;
}

static int resize(struct keyset *set, uint32_t cap)
{
    size_t size;
    if (!mem_mul(cap, sizeof *set->objects + sizeof(uint32_t), &size))
        return SIOC_ENOMEM;
    struct keyset bigger = {set->key_of, mem_zalloc(size), cap, set->count};
    if (!bigger.objects)
        return SIOC_ENOMEM;
    for (uint32_t i = 0; i < set->cap; i++) {
        if (!set->objects[i])
            continue;
        uint32_t hash = hashes_of(set)[i], at = hash & (cap - 1);
        while (bigger.objects[at])
            at = (at + 1) & (cap - 1);
        bigger.objects[at] = set->objects[i];
        hashes_of(&bigger)[at] = hash;
    }
    mem_free(set->objects);
    *set = bigger;
    return 0;
}

void *keyset_get(const struct keyset *set, struct sioc_str key)
{
    return set->count ? set->objects[find(set, key, (uint32_t)map_hash(key))] : NULL;
}

int keyset_add(struct keyset *set, void *object)
{
    struct sioc_str key = set->key_of(object);
    uint32_t hash = (uint32_t)map_hash(key);
    if (set->count && set->objects[find(set, key, hash)])
        return SIOC_EEXIST;
    if (set->count >= set->cap - set->cap / 4) {
        if (set->cap == MOST_SLOTS)
            return SIOC_ENOMEM;
        int error = resize(set, set->cap ? set->cap * 2 : FIRST_SLOTS);
        if (error < 0)
            return error;
    }
    uint32_t at = find(set, key, hash);
    set->objects[at] = object;
    hashes_of(set)[at] = hash;
    set->count++;
    return 0;
}

/* Closes the hole at `at`: whatever behind it would be found no more moves up. */
static void close_up(struct keyset *set, uint32_t at)
{
    uint32_t mask = set->cap - 1, *hashes = hashes_of(set);
    for (uint32_t next = (at + 1) & mask; set->objects[next]; next = (next + 1) & mask) {
        uint32_t wants = hashes[next] & mask;
        if (((next - wants) & mask) < ((next - at) & mask))
            continue; /* its place is behind the hole */
        set->objects[at] = set->objects[next];
        hashes[at] = hashes[next];
        at = next;
    }
    set->objects[at] = NULL;
}

void *keyset_remove(struct keyset *set, struct sioc_str key)
{
    if (set->count == 0)
        return NULL;
    uint32_t at = find(set, key, (uint32_t)map_hash(key));
    void *object = set->objects[at];
    if (!object)
        return NULL;
    close_up(set, at);
    set->count--;
    if (set->cap > FIRST_SLOTS && set->count < set->cap / 8)
        (void)resize(set, set->cap / 2); /* without memory for it, it stays as it is */
    return object;
}

void *keyset_any(const struct keyset *set, uint32_t *pos)
{
    if (set->count == 0)
        return NULL;
    for (*pos &= set->cap - 1; !set->objects[*pos];)
        *pos = (*pos + 1) & (set->cap - 1);
    return set->objects[*pos];
}

void *keyset_next(const struct keyset *set, uint32_t *pos)
{
    while (*pos < set->cap) {
        void *object = set->objects[(*pos)++];
        if (object)
            return object;
    }
    return NULL;
}
