/* base/keyset.h -- many objects that hold their own keys, found by them: 12 bytes a slot.
 *
 * For what there is one of per connection; base/map.h, for the rest, takes 40 bytes a slot and
 * keys from anywhere.  The same hash.  Invariant: at most 3/4 of the slots are used, and no
 * more are kept than eight times what is in it; it never fails to remove.
 */
#ifndef BASE_KEYSET_H
#define BASE_KEYSET_H

#include <sioc/base.h>

struct keyset {
    struct sioc_str (*key_of)(const void *object); /* the same as long as it is in the set */
    void **objects;                                /* NULL: free; the hashes lie behind them */
    uint32_t cap;                                  /* 0 or a power of two */
    uint32_t count;
};

void keyset_init(struct keyset *set, struct sioc_str (*key_of)(const void *object));
void keyset_deinit(struct keyset *set); /* never frees the objects */
void *keyset_get(const struct keyset *set, struct sioc_str key);
/* 0, SIOC_EEXIST (an object with that key) or SIOC_ENOMEM. */
int keyset_add(struct keyset *set, void *object);
void *keyset_remove(struct keyset *set, struct sioc_str key); /* the object, or NULL */
/* Any one of them; NULL when there is none.  For taking out one after the other: *pos, at first
 * 0, says where to look first. */
void *keyset_any(const struct keyset *set, uint32_t *pos);
/* Walks them in no order; *pos starts at 0; NULL at the end.  None may be added or removed
 * meanwhile. */
void *keyset_next(const struct keyset *set, uint32_t *pos);

#endif
