/* script/shared_expiry.h -- which entry ends next: a binary heap of those that end at all.
 *
 * Knows of an entry only when it ends.  Invariant: no entry ends before the one above it, and
 * each knows its place.
 */
#ifndef SCRIPT_SHARED_EXPIRY_H
#define SCRIPT_SHARED_EXPIRY_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in an entry. */
struct script_expiry {
    uint64_t at_ms; /* 0: never, and it is in no heap */
    size_t place;   /* in the heap, from 1; 0: in none */
};

struct script_expiries {
    struct script_expiry **heap; /* [0] is the next */
    size_t count, cap;
};

/* Room for one more.  0, SIOC_ENOMEM. */
int script_expiry_reserve(struct script_expiries *all);
/* Takes it out of where it was, and puts it to where at_ms says.  There is room for it. */
void script_expiry_set(struct script_expiries *all, struct script_expiry *one, uint64_t at_ms);
/* The one that ends next, if that is at `now` or before; else NULL. */
struct script_expiry *script_expiry_due(const struct script_expiries *all, uint64_t now_ms);
void script_expiry_remove(struct script_expiries *all, struct script_expiry *one);
void script_expiries_deinit(struct script_expiries *all);

#endif
