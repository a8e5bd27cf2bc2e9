/* base/rate.c -- see rate.h. */
#include "base/rate.h"

#define WORTHWHILE_MS 50 /* of tokens: waiting for a single one would mean waking up for it */

void rate_init(struct rate *r, const struct rate_limits *limits, uint64_t now_ms)
{
    *r = (struct rate){limits->burst, limits->bytes_per_s, now_ms, 0};
}

static double refilled(double tokens, double per_s, double cap, uint64_t elapsed_ms)
{
    double more = tokens + per_s * (double)elapsed_ms / 1000;
    return more > cap ? cap : more;
}

/* How long until there are `enough` tokens. */
static double wait_ms(double tokens, double per_s, double cap)
{
    double enough = per_s * WORTHWHILE_MS / 1000;
    if (enough > cap)
        enough = cap;
    if (per_s <= 0 || tokens >= 0)
        return 0;
    return (enough - tokens) * 1000 / per_s;
}

static bool half_full(double tokens, double per_s, double cap)
{
    return per_s <= 0 || tokens >= cap / 2;
}

uint64_t rate_take(struct rate *r, const struct rate_limits *limits, size_t len,
                   uint64_t now_ms)
{
    double per_s = limits->messages_per_s, bytes_per_s = limits->bytes_per_s;
    uint64_t elapsed_ms = now_ms - r->at_ms;
    r->messages = refilled(r->messages, per_s, limits->burst, elapsed_ms);
    r->bytes = refilled(r->bytes, bytes_per_s, bytes_per_s, elapsed_ms);
    r->at_ms = now_ms;
    if (half_full(r->messages, per_s, limits->burst) &&
        half_full(r->bytes, bytes_per_s, bytes_per_s))
        r->since_ms = 0;
    r->messages -= 1;
    r->bytes -= (double)len;
    double wait = wait_ms(r->messages, per_s, limits->burst);
    double wait_for_bytes = wait_ms(r->bytes, bytes_per_s, bytes_per_s);
    if (wait_for_bytes > wait)
        wait = wait_for_bytes;
    if (wait <= 0)
        return 0;
    if (r->since_ms == 0)
        r->since_ms = now_ms ? now_ms : 1;
    else if (now_ms - r->since_ms >= limits->patience_ms)
        return RATE_TOO_LONG;
    return (uint64_t)wait + 1;
}
