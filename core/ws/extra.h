/* ws/extra.h -- what a connection needs now and then, and not while it idles: a deadline,
 * pongs, bytes that have to wait.
 *
 * Made when it is needed, gone when it is not: 100 bytes less for each of many thousand quiet
 * connections.  Knows no frames and no states.
 */
#ifndef WS_EXTRA_H
#define WS_EXTRA_H

#include "base/buf.h"
#include "net/chunk.h"
#include "net/loop.h"
#include "net/timer.h"

struct ws_conn;

/* Bytes that came and were not looked at yet: those behind the upgrade request, until the
 * turn's end; and those of a peer that has had its share, until its time.  Then nothing is read
 * meanwhile. */
struct ws_waiting {
    struct ws_conn *conn;
    struct net_task task;
    struct net_timer timer;
    struct buf bytes;
    size_t at;
    bool shared_out; /* task or timer will say when */
};

struct ws_extra {
    struct ws_conn *conn; /* for the timer */
    /* One timer serves two deadlines that never overlap: the message that has begun, then the
     * end of the connection. */
    struct net_timer timer;
    struct net_chunk *pong;      /* the last one in the queue; shared with it */
    struct net_chunk *next_pong; /* the newest, waiting for `pong` to be out */
    struct ws_waiting *waiting;
    uint32_t ping_window; /* when it began, in ms that may wrap */
    uint32_t pings;       /* in that window */
    uint8_t pongs;        /* in the queue, at most */
};

/* NULL when out of memory. */
struct ws_extra *ws_extra_new(struct net_loop *loop, struct ws_conn *conn,
                              void (*on_timer)(struct net_timer *timer));
void ws_extra_free(struct net_loop *loop, struct ws_extra *extra); /* accepts NULL */
/* No timer and no task of it fires any more. */
void ws_extra_stop(struct ws_extra *extra);
/* Whether nothing is lost when it goes. */
bool ws_extra_unused(const struct ws_extra *extra, uint64_t now_ms);
void ws_extra_drop_waiting(struct ws_extra *extra);

/* Counts pings in windows of ten seconds; false when there are more than `max`. */
bool ws_extra_ping_allowed(struct ws_extra *extra, uint64_t now_ms, uint32_t max);

#endif
