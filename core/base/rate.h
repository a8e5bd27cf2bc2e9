/* base/rate.h -- how fast a peer may send: two buckets of tokens, for messages and for bytes.
 *
 * Each message takes a token of one and its length of the other.  Who has taken one too many
 * waits until some are there again; who never gets out of that, for `patience_ms`, is not worth
 * it. Knows no clock.  Invariant: since_ms is 0 unless a bucket was overdrawn and is not half
 * full since.
 */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limits {
    double messages_per_s; /* 0: not limited */
    double burst;          /* messages that may come at once */
    double bytes_per_s;    /* 0: not limited; the bytes of a second may come at once */
    uint64_t patience_ms;
};

static inline bool rate_is_limited(const struct rate_limits *limits)
{
    return limits->messages_per_s > 0 || limits->bytes_per_s > 0;
}

struct rate {
    double messages, bytes; /* tokens; below zero is debt */
    uint64_t at_ms;         /* as of then */
    uint64_t since_ms;      /* in trouble since then, or 0 */
};

#define RATE_TOO_LONG UINT64_MAX

void rate_init(struct rate *rate, const struct rate_limits *limits, uint64_t now_ms);
/* A message of `len` bytes has come.  How long the next one has to wait, in ms: 0 = not at all,
 * RATE_TOO_LONG = patience is over. */
uint64_t rate_take(struct rate *rate, const struct rate_limits *limits, size_t len,
                   uint64_t now_ms);

#endif
