/* bindings/lua/watchdog.h -- stops scripts that run too long.
 *
 * The loop's thread says what it runs (two plain stores per run); a second thread looks now and
 * then, and when the same run has used more CPU time than handler_timeout it interrupts the
 * loop's thread with a signal, whose handler arms a hook in the coroutine that runs just then.
 * A permanent count hook would halve the speed of every script instead.
 *
 * Invariant: `running` is the coroutine that executes in the loop's thread, whenever `seq` is
 * odd; the signal handler trusts it only in that thread.
 */
#ifndef SLUA_WATCHDOG_H
#define SLUA_WATCHDOG_H

#include "host.h"
#include <pthread.h>
#include <stdatomic.h>

/* SIGURG: ignored by default, so a stray one harms nobody; not used by libuv nor by job
 * control; delivered to a chosen thread (pthread_kill) even under load.  It needs no queueing,
 * as the watcher repeats it until the run has ended; a realtime signal would have to be
 * negotiated with the C libraries of scripts and kills the process when it has no handler. */
#define SLUA_WATCH_SIGNAL SIGURG

struct slua_watchdog {
    double timeout_s;             /* written under lock, by the loop's thread */
    unsigned depth;               /* runs inside one another */
    _Atomic(lua_State *) running; /* innermost coroutine; NULL outside of runs */
    atomic_uint seq;              /* odd while something runs; one number per outermost run */
    atomic_uint suspect;          /* the seq that the watcher wants to end */
    atomic_bool doomed;           /* the hook is armed: whatever runs must end */
    lua_State *stopped;           /* the coroutine that the hook made yield; travels outward */
    lua_State *stopped_at;        /* where that began, for the traceback */

    bool tried, started; /* to start the thread; it runs */
    pthread_t loop_thread, thread;
    clockid_t cpu_clock; /* of the loop's thread */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool quit; /* under lock */
};

int slua_watchdog_new(double timeout_s, struct slua_watchdog **ret_dog);
void slua_watchdog_free(struct slua_watchdog *dog); /* accepts NULL */

/* 0 = never stop anything. */
void slua_watchdog_set_timeout(struct slua_watchdog *dog, double timeout_s);

/* The first run in a row of nested ones: starts the thread, once. */
void slua_watchdog_begin(struct slua_watchdog *dog);
/* Makes L stop at its next instruction. */
void slua_watchdog_arm(lua_State *L);
/* A run was stopped: takes the order back, and gives what is around it a fresh deadline. */
void slua_watchdog_settle(struct slua_watchdog *dog, lua_State *L);

/* The signal handler runs between any two instructions of this thread: order is all it needs,
 * which costs nothing. */
static inline void slua_watch_set(struct slua_watchdog *dog, lua_State *L)
{
    atomic_store_explicit(&dog->running, L, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

/* L is about to be resumed or called.  Returns what ran until now: for slua_watch_leave, and as
 * lua_resume's `from`. */
static inline lua_State *slua_watch_enter(struct slua_watchdog *dog, lua_State *L)
{
    lua_State *outer = atomic_load_explicit(&dog->running, memory_order_relaxed);

    slua_watch_set(dog, L);
    if (dog->depth++ == 0)
        slua_watchdog_begin(dog);
    return outer;
}

static inline void slua_watch_leave(struct slua_watchdog *dog, lua_State *outer)
{
    slua_watch_set(dog, outer);
    if (--dog->depth == 0)
        atomic_store_explicit(&dog->seq,
                              atomic_load_explicit(&dog->seq, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline bool slua_watch_doomed(struct slua_watchdog *dog)
{
    return atomic_load_explicit(&dog->doomed, memory_order_relaxed);
}

#endif
