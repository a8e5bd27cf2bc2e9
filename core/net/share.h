/* net/share.h -- how much of a loop one connection may have: so many messages a turn, so many a
 * second.
 *
 * Whoever takes messages from a peer asks after each of them whether the next may come at once.
 * Knows no message and no peer.  Invariant: an idle connection without rates owns no memory.
 */
#ifndef NET_SHARE_H
#define NET_SHARE_H

#include "base/metric.h"
#include "base/rate.h"
#include "net/loop.h"

struct net_share_limits {
    uint32_t per_turn; /* messages; 0: no limit */
    struct rate_limits rate;
    struct metrics *metrics;
};

struct net_share {
    uint32_t turn, messages; /* in that turn */
    struct rate *rate;       /* NULL: no message yet, or no limit */
};

enum net_share_verdict {
    NET_SHARE_GO_ON,
    NET_SHARE_NEXT_TURN, /* the next message, if there is one, is for the next turn
                            (net_task_add_next); count it as `deferred` */
    NET_SHARE_LATER,     /* ... or for *ret_delay_ms later: stop reading */
    NET_SHARE_TOO_MUCH,  /* it was told to wait all the time: close it */
};

/* A message of `len` bytes was taken.  ret_delay_ms: written for NET_SHARE_LATER only. */
enum net_share_verdict net_share_take(struct net_share *share,
                                      const struct net_share_limits *limits,
                                      struct net_loop *loop, size_t len,
                                      uint32_t *ret_delay_ms);
void net_share_deinit(struct net_share *share); /* one that is all zero is fine */

#endif
