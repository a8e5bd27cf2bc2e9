/* sioc/loop.h -- the event loop a server runs in, timers, and what a host needs to embed
 * things.
 *
 * One thread owns a loop and everything in it; only sioc_loop_post may be called from another.
 */
#ifndef SIOC_LOOP_H
#define SIOC_LOOP_H

#include <sioc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_loop;
struct sioc_timer;
struct sioc_watch;
struct sioc_idle;
struct sioc_signal;

SIOC_API int sioc_loop_new(struct sioc_loop **ret_loop);
/* All servers, timers, watches and signals of the loop must be closed or freed before.  Accepts
 * NULL. */
SIOC_API void sioc_loop_free(struct sioc_loop *loop);

/* Runs until sioc_loop_stop, or until nothing is left to wait for. */
SIOC_API int sioc_loop_run(struct sioc_loop *loop);
SIOC_API void sioc_loop_stop(struct sioc_loop *loop);
/* One turn; wait = false: only what is ready now.  Returns whether anything is still active. */
SIOC_API bool sioc_loop_step(struct sioc_loop *loop, bool wait);
/* To live inside another event loop: watch the descriptor for reading, then step; also step
 * when the timeout (ms, -1 = none) is over. */
SIOC_API int sioc_loop_backend_fd(const struct sioc_loop *loop);
SIOC_API int sioc_loop_backend_timeout(const struct sioc_loop *loop);
/* And fn(user), in the loop's thread, when something is asked for between two steps: step soon.
 * Once until the next step.  fn NULL: nobody is told. */
SIOC_API void sioc_loop_on_work(struct sioc_loop *loop, void (*fn)(void *user), void *user);
/* Monotonic milliseconds as of the start of this turn. */
SIOC_API uint64_t sioc_loop_now_ms(const struct sioc_loop *loop);
/* From any thread: runs fn(user) in the loop's thread, soon.  0 or SIOC_ENOMEM. */
SIOC_API int sioc_loop_post(struct sioc_loop *loop, void (*fn)(void *user), void *user);

/* Calls fn(user) once after delay_ms, or every repeat_ms from then on when that is not 0.  A
 * one-shot timer is gone after its call. */
SIOC_API int sioc_timer_start(struct sioc_loop *loop, uint64_t delay_ms, uint64_t repeat_ms,
                              void (*fn)(void *user), void *user,
                              struct sioc_timer **ret_timer);
/* Stops and frees; may be called in its own callback.  Never after a one-shot has fired. */
SIOC_API void sioc_timer_stop(struct sioc_timer *timer);

/* fn(user) whenever fd is readable; closing leaves the descriptor open. */
SIOC_API int sioc_watch_open(struct sioc_loop *loop, int fd, void (*fn)(void *user), void *user,
                             struct sioc_watch **ret_watch);
SIOC_API void sioc_watch_close(struct sioc_watch *watch);

/* fn(user) before every sleep of the loop; it returns how long the loop may sleep at most (ms,
 * -1 = as long as it likes).  For loops within the loop. */
SIOC_API int sioc_idle_open(struct sioc_loop *loop, int (*fn)(void *user), void *user,
                            struct sioc_idle **ret_idle);
SIOC_API void sioc_idle_close(struct sioc_idle *idle);

/* fn(user, signum) in the loop when the process gets the signal. */
SIOC_API int sioc_signal_open(struct sioc_loop *loop, int signum,
                              void (*fn)(void *user, int signum), void *user,
                              struct sioc_signal **ret_signal);
SIOC_API void sioc_signal_close(struct sioc_signal *signal);

#ifdef __cplusplus
}
#endif

#endif
