/* ws/deflate.h -- permessage-deflate (RFC 7692): the compression itself.
 *
 * A *pool* belongs to a worker: one inflater and one deflater per window size, made when first
 * needed and used by every connection that keeps no context between messages.  That is why we
 * ask for "no context takeover" by default: such a connection costs no zlib state, and what is
 * compressed for one receiver is right for all of them (ws/variants.h).  A connection that
 * negotiated takeover has windows of its own, from its first message on; max_windows bounds
 * them.
 *
 * Knows frames and zlib; no connection.  Invariant: output never grows beyond the budget by
 * more than one byte, whatever the input says.
 */
#ifndef WS_DEFLATE_H
#define WS_DEFLATE_H

#include "base/buf.h"
#include "base/metric.h"

#define WS_WINDOW_BITS_MIN 8
#define WS_WINDOW_BITS_MAX 15

struct ws_deflate_options {
    size_t threshold; /* shorter messages go out plain, without context takeover */
    bool server_no_context_takeover, client_no_context_takeover;
    uint8_t server_max_window_bits, client_max_window_bits; /* 8..15 */
    uint8_t level, memory_level;                            /* 1..9, zlib's */
    unsigned max_ratio;   /* inflated to compressed bytes, above WS_INFLATE_FREE_BYTES */
    unsigned max_windows; /* of connections with context takeover, both directions counted */
};

/* Up to here any ratio is allowed: a short line of blanks is no bomb. */
#define WS_INFLATE_FREE_BYTES 65536

/* What a connection has agreed upon. */
struct ws_deflate_params {
    bool server_takeover, client_takeover;
    uint8_t server_bits, client_bits; /* of the windows */
};

struct ws_deflate_pool;
struct ws_deflate; /* of one connection */

/* options: copied.  metrics: borrowed, outlives the pool.  NULL when out of memory. */
struct ws_deflate_pool *ws_deflate_pool_new(const struct ws_deflate_options *options,
                                            struct metrics *metrics);
void ws_deflate_pool_free(struct ws_deflate_pool *pool); /* accepts NULL */
const struct ws_deflate_options *ws_deflate_pool_options(const struct ws_deflate_pool *pool);
/* How many more windows connections may have for themselves. */
unsigned ws_deflate_pool_windows_left(const struct ws_deflate_pool *pool);

/* pool: borrowed, outlives it.  NULL when out of memory. */
struct ws_deflate *ws_deflate_new(struct ws_deflate_pool *pool,
                                  const struct ws_deflate_params *params);
void ws_deflate_free(struct ws_deflate *deflate); /* accepts NULL */
const struct ws_deflate_params *ws_deflate_params(const struct ws_deflate *deflate);
const struct ws_deflate_options *ws_deflate_options(const struct ws_deflate *deflate);

/* The payload of one whole compressed message, without its tail, back to what it was.
 *   max_bytes  of the result; the ratio may allow less
 *   out        initialised and empty; the caller's
 * 0, or the status for the close frame: 1007 it is not deflate data, 1009 too big or too good
 * to be true, 1011 out of memory.  After a failure the connection cannot go on. */
int ws_deflate_inflate(struct ws_deflate *deflate, struct sioc_str payload, size_t max_bytes,
                       struct buf *out);

/* Complete unmasked final data frames to the same messages, compressed where that is worth it:
 * without takeover from the threshold on and when they get shorter; with takeover always, but
 * for empty ones.  Counts each in metrics.deflated_frames.  *ret_any: whether any is.
 * 0 or SIOC_ENOMEM: nothing of `out` may be sent then, the plain frames may. */
int ws_deflate_frames(struct ws_deflate *deflate, struct sioc_str frames, struct buf *out,
                      bool *ret_any);
/* What ws_deflate_frames made last was not sent: what follows may not refer to it. */
void ws_deflate_forget(struct ws_deflate *deflate);

/* A buffer for inflated messages, kept by the pool while nobody uses it. */
struct buf ws_deflate_take_buf(struct ws_deflate *deflate);
void ws_deflate_give_buf(struct ws_deflate *deflate, struct buf buf);

#endif
