/* net/share.c -- see share.h. */
#include "net/share.h"
#include "base/mem.h"

void net_share_deinit(struct net_share *share)
{
    mem_free(share->rate);
    share->rate = NULL;
}

static uint64_t take_rate(struct net_share *share, const struct rate_limits *limits, size_t len,
                          uint64_t now_ms)
{
    if (!share->rate) {
        share->rate = mem_alloc(sizeof *share->rate);
        if (!share->rate)
            return 0; /* no worse than without the limit */
        rate_init(share->rate, limits, now_ms);
    }
    return rate_take(share->rate, limits, len, now_ms);
}

enum net_share_verdict net_share_take(struct net_share *share,
                                      const struct net_share_limits *limits,
                                      struct net_loop *loop, size_t len, uint32_t *ret_delay_ms)
{
    uint32_t turn = net_loop_turn(loop);
    if (rate_is_limited(&limits->rate)) {
        uint64_t delay_ms = take_rate(share, &limits->rate, len, net_loop_now_ms(loop));
        if (delay_ms == RATE_TOO_LONG) {
            limits->metrics->reject_rate++;
            return NET_SHARE_TOO_MUCH;
        }
        if (delay_ms) {
            limits->metrics->throttled++;
            *ret_delay_ms = (uint32_t)delay_ms;
            return NET_SHARE_LATER;
        }
    }
    if (share->turn != turn) {
        share->turn = turn;
        share->messages = 0;
    }
    bool is_last = ++share->messages >= limits->per_turn && limits->per_turn > 0;
    return is_last ? NET_SHARE_NEXT_TURN : NET_SHARE_GO_ON;
}
