/* base/map.h -- byte-string keys to pointers; open addressing, SipHash with a seed per process.
 *
 * Keys are not copied: they must live in the value (or longer).  While iterating, removing
 * is allowed (entries never move by it), adding is not.  Invariant: at most 3/4 of the slots
 * are used.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <sioc/base.h>

struct map_slot {
    struct sioc_str key;
    void *value; /* NULL: never used or removed */
    uint32_t hash;
    bool dead;
};

struct map {
    struct map_slot *slots;
    size_t cap;   /* 0 or a power of two */
    size_t count; /* live entries */
    size_t used;  /* live and dead entries */
};

void map_init(struct map *m);
void map_deinit(struct map *m); /* frees the table, never the values */
void *map_get(const struct map *m, struct sioc_str key);
/* value must not be NULL.  0, SIOC_EEXIST or SIOC_ENOMEM (map unchanged). */
int map_add(struct map *m, struct sioc_str key, void *value);
void *map_remove(struct map *m, struct sioc_str key); /* the value, or NULL */
/* Iterates: *pos starts at 0; NULL at the end. */
void *map_next(const struct map *m, size_t *pos);

/* The keyed hash itself (SipHash-1-3, key from the system's random source). */
uint64_t map_hash(struct sioc_str key);
/* The algorithm with a key of one's own: for its test vectors. */
uint64_t map_siphash13(const uint64_t key[2], struct sioc_str bytes);

#endif
