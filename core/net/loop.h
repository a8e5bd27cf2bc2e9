/* net/loop.h -- one event loop: turns, work for the end of a turn, shared buffers, watched fds.
 *
 * A *turn* is everything between two waits for the kernel.  Callers mark work for its end
 * (net_task); whatever was queued for a peer during the turn leaves in one write then.  Objects
 * that close are freed at the very end of the turn, so nothing is freed under a caller. Knows
 * no protocol.  libuv is named in this folder only.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"
#include <sioc/base.h>

struct net_loop;

/* A message of 64 KiB comes whole as a rule: a frame that is cut is copied twice. */
#define NET_READ_BUFFER_BYTES  131072
#define NET_WRITE_BUFFER_BYTES 65536

int net_loop_new(struct net_loop **ret_loop);
/* Frees the loop; all streams, listeners and watches must be closed.  Runs the loop until their
 * close callbacks have come.  Accepts NULL. */
void net_loop_free(struct net_loop *loop);

/* Runs until net_loop_stop, or nothing is left to wait for. */
int net_loop_run(struct net_loop *loop);
/* One turn.  wait: sleep until something happens; else only what is ready now.  Returns whether
 * anything is still active. */
bool net_loop_step(struct net_loop *loop, bool wait);
void net_loop_stop(struct net_loop *loop);
/* For embedding in another event loop: poll this descriptor for reading, then step.  The
 * timeout is in ms, -1 = none. */
int net_loop_backend_fd(const struct net_loop *loop);
int net_loop_backend_timeout(const struct net_loop *loop);
/* fn(user) when something is asked for between two steps; once until the next one. */
void net_loop_on_work(struct net_loop *loop, void (*fn)(void *user), void *user);

/* Milliseconds of the monotonic clock, as of the start of this turn. */
uint64_t net_loop_now_ms(const struct net_loop *loop);
/* Tells turns apart; a number that wraps. */
uint32_t net_loop_turn(const struct net_loop *loop);

/* Work for the end of the turn.  Tasks run in the order they were added; those added meanwhile
 * run in the same turn.  Adding one that waits already does nothing.  Outside a turn (before
 * the loop runs) it waits for the first one. */
struct net_task {
    struct list node;
    void (*fn)(struct net_task *task);
};
void net_task_init(struct net_task *task, void (*fn)(struct net_task *task));
void net_task_add(struct net_loop *loop, struct net_task *task);
/* The same at the end of the next turn: others get theirs in between. */
void net_task_add_next(struct net_loop *loop, struct net_task *task);
void net_task_cancel(struct net_task *task);
static inline bool net_task_waits(const struct net_task *task)
{
    return !list_empty(&task->node);
}
/* Runs all waiting tasks now (what the end of a turn does). */
void net_loop_flush(struct net_loop *loop);

/* Something to free after all tasks of this turn. */
struct net_garbage {
    struct net_garbage *next;
    void (*fn)(struct net_loop *loop, struct net_garbage *garbage);
};
void net_loop_discard(struct net_loop *loop, struct net_garbage *garbage,
                      void (*fn)(struct net_loop *loop, struct net_garbage *garbage));

/* Memory for what belongs to a connection; good until the loop is freed. */
struct pool;
struct pool *net_loop_pool(struct net_loop *loop);

/* Scratch of NET_WRITE_BUFFER_BYTES; free to use between two calls into net. */
uint8_t *net_loop_scratch(struct net_loop *loop);

/* A foreign descriptor that is watched for reading (an embedded loop, a pipe). */
struct net_watch;
int net_watch_open(struct net_loop *loop, int fd, void (*fn)(void *user), void *user,
                   struct net_watch **ret_watch);
void net_watch_close(struct net_watch *watch); /* the descriptor itself stays open */

/* Called before the loop goes to sleep, every turn, e.g. to step an embedded loop.  Returns how
 * long the loop may sleep at most, in ms, or -1. */
struct net_idle;
int net_idle_open(struct net_loop *loop, int (*fn)(void *user), void *user,
                  struct net_idle **ret_idle);
void net_idle_close(struct net_idle *idle);

/* A signal of the process, delivered in the loop. */
struct net_signal;
int net_signal_open(struct net_loop *loop, int signum, void (*fn)(void *user, int signum),
                    void *user, struct net_signal **ret_signal);
void net_signal_close(struct net_signal *signal);

/* The only function that another thread may call: runs fn(user) in the loop's thread, soon. */
int net_loop_post(struct net_loop *loop, void (*fn)(void *user), void *user);

#endif
