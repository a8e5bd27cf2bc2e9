/* net/timer.h -- one hierarchical timer wheel per loop: start and stop in O(1), 1 ms steps.
 *
 * A timer is embedded in its owner and costs no allocation and no system call; the loop sleeps
 * just until the next one that is due.  Invariant: a stopped timer never fires, whatever
 * happened in the same turn; a timer may be started, stopped and its owner freed (after a stop)
 * inside any callback.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include "base/list.h"
#include <stdint.h>

struct net_loop;

struct net_timer {
    struct list node;
    uint64_t due_ms;
    void (*fn)(struct net_timer *timer);
};

void net_timer_init(struct net_timer *timer, void (*fn)(struct net_timer *timer));
/* Starts, or starts again: fires once, in delay_ms from now (at the earliest in the next turn).
 */
void net_timer_start(struct net_loop *loop, struct net_timer *timer, uint64_t delay_ms);
void net_timer_stop(struct net_timer *timer);
static inline bool net_timer_active(const struct net_timer *timer)
{
    return !list_empty(&timer->node);
}

/* The wheel itself, sans I/O (the loop owns one; tests drive one by hand). */
#define NET_WHEEL_LEVELS 4
#define NET_WHEEL_SLOTS  256

struct net_wheel {
    struct list slots[NET_WHEEL_LEVELS][NET_WHEEL_SLOTS];
    uint64_t now_ms;
    uint64_t occupied[NET_WHEEL_LEVELS]
                     [NET_WHEEL_SLOTS / 64]; /* a hint: may be set for empty slots */
};
void net_wheel_init(struct net_wheel *wheel, uint64_t now_ms);
void net_wheel_add(struct net_wheel *wheel, struct net_timer *timer, uint64_t due_ms);
/* Moves the time and fires what is due, in order of due time per millisecond slot. */
void net_wheel_advance(struct net_wheel *wheel, uint64_t now_ms);
/* Upper bound of the sleep, in ms: no timer is due earlier than that... -1 when there is none.
 * It may be early (a cascade boundary), never late. */
int64_t net_wheel_next(const struct net_wheel *wheel);

#endif
