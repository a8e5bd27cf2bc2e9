/* sioc/shared.h -- values that scripts share, and that no reload touches.
 *
 * A store holds values by name and key: a name is a table of its own ("sessions", "limits"). It
 * belongs to whoever outlives the generations of a script, and several workers may use one: all
 * functions but sioc_shared_free may be called from any thread, and each is one step that no
 * other comes between.
 *
 * Values are what JSON can carry, and binary data.  They are kept encoded, so nobody can change
 * one in place; whole numbers are integers, whatever they were (3.0 comes back as 3), and NaN
 * is null.  Time is counted from the call; what is over is gone for every function, at once.
 *
 * What the store may hold is limited in bytes, what an entry costs beside its value included.
 */
#ifndef SIOC_SHARED_H
#define SIOC_SHARED_H

#include <sioc/sink.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIOC_SHARED_MAX_NAME 256  /* bytes */
#define SIOC_SHARED_MAX_KEY  1024 /* bytes */

struct sioc_shared;
struct sioc_shared_value;

/* ---- life ---- */

/* max_bytes: 1 or more.  0, SIOC_ENOMEM. */
SIOC_API int sioc_shared_new(size_t max_bytes, struct sioc_shared **ret_store);
SIOC_API void sioc_shared_free(struct sioc_shared *store); /* accepts NULL */
/* What is there already stays, also when it is more. */
SIOC_API void sioc_shared_set_limit(struct sioc_shared *store, size_t max_bytes);
SIOC_API size_t sioc_shared_bytes(struct sioc_shared *store); /* that it holds now */

/* A draft is a store that shows what its parent has, and keeps what is written to itself until
 * it is committed: for code that may still be refused.  It belongs to one thread, and its
 * parent (borrowed; may be a draft) outlives it.  0, SIOC_ENOMEM. */
SIOC_API int sioc_shared_draft(struct sioc_shared *parent, struct sioc_shared **ret_draft);
/* Does with the parent what was done with the draft, in the same order: an `add` or a `cas` may
 * fail now, because of what others have done meanwhile.  The draft is empty afterwards. Returns
 * how many steps there was no room for. */
SIOC_API size_t sioc_shared_commit(struct sioc_shared *draft);

/* ---- one value on its way in ---- */

/* NULL when out of memory.  May be used again and again. */
SIOC_API struct sioc_shared_value *sioc_shared_value_new(void);
SIOC_API void sioc_shared_value_free(struct sioc_shared_value *value); /* accepts NULL */
/* Forgets what it had; put exactly one value in, 64 levels deep at most.  An error of the sink
 * stays: whoever is given such a value says SIOC_EINVAL. */
SIOC_API struct sioc_sink *sioc_shared_value_sink(struct sioc_shared_value *value);

/* ---- the store ----
 *
 * All of these: SIOC_ETOOBIG (name or key), SIOC_EINVAL (value), SIOC_ENOMEM; those that write:
 * SIOC_EFULL, and nothing has changed.  ttl_ms: the time after which the entry is gone; 0 =
 * never. */

/* Drives the sink with the value.  0, SIOC_ENOTFOUND, the sink's error. */
SIOC_API int sioc_shared_get(struct sioc_shared *store, struct sioc_str name,
                             struct sioc_str key, struct sioc_sink *sink);
SIOC_API int sioc_shared_set(struct sioc_shared *store, struct sioc_str name,
                             struct sioc_str key, const struct sioc_shared_value *value,
                             uint64_t ttl_ms);
/* Only if there is none: else SIOC_EEXIST. */
SIOC_API int sioc_shared_add(struct sioc_shared *store, struct sioc_str name,
                             struct sioc_str key, const struct sioc_shared_value *value,
                             uint64_t ttl_ms);
/* 0, SIOC_ENOTFOUND. */
SIOC_API int sioc_shared_remove(struct sioc_shared *store, struct sioc_str name,
                                struct sioc_str key);
/* Only if the value there is equal to `before` (NULL: if there is none): else SIOC_ESTATE. Keys
 * of maps have no order.  value NULL: removes it. */
SIOC_API int sioc_shared_cas(struct sioc_shared *store, struct sioc_str name,
                             struct sioc_str key, const struct sioc_shared_value *before,
                             const struct sioc_shared_value *value, uint64_t ttl_ms);

struct sioc_shared_number {
    bool is_integer;
    int64_t integer; /* is_integer */
    double number;   /* in any case */
};
/* Adds to the number there; a missing one is 0, and then ttl_ms counts (one that is there keeps
 * its own).  A sum beyond 64 bits is no integer any more.  SIOC_ESTATE: there is something else
 * than a number. */
SIOC_API int sioc_shared_incr(struct sioc_shared *store, struct sioc_str name,
                              struct sioc_str key, struct sioc_shared_number by,
                              uint64_t ttl_ms, struct sioc_shared_number *ret_sum);

#ifdef __cplusplus
}
#endif

#endif
