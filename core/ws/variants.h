/* ws/variants.h -- what the compressed forms of one chunk of frames are: made when the first
 * receiver needs one, then shared by all receivers that agreed upon the same window.
 *
 * Several threads may share a chunk; each may add a form.  Invariant: the list only grows while
 * the chunk lives.
 */
#ifndef WS_VARIANTS_H
#define WS_VARIANTS_H

#include "net/chunk.h"
#include "ws/deflate.h"

struct ws_variant;

struct ws_variants {
    _Atomic(struct ws_variant *) first;
};

void ws_variants_init(struct ws_variants *variants);
void ws_variants_deinit(struct ws_variants *variants);

/* What is to be sent instead of `plain` to a connection that agreed to `deflate` (NULL: to
 * none), without context takeover: `plain` itself or a compressed form, borrowed. Compression
 * that fails is none. */
struct net_chunk *ws_variants_get(struct ws_variants *variants, struct ws_deflate *deflate,
                                  struct net_chunk *plain);
/* The form for one connection alone, with context takeover.  One reference, NULL when out of
 * memory. */
struct net_chunk *ws_variants_make(struct ws_deflate *deflate, struct net_chunk *plain);

#endif
