/* bindings/lua/task.h -- what task.c, coroutine.c, timers.c and host.c share about tasks.
 *
 * A task's id is its serial number and its slot: a slot that is used again has another serial,
 * so an old id finds nothing (40 bits of serial: two weeks at a million runs per second).
 * Invariant: a task is in the idle list, or runs, or waits; while it waits, every coroutine
 * between its own one and the one that called slua_wait is *held* (nobody else can resume or
 * close it).
 */
#ifndef SLUA_TASK_H
#define SLUA_TASK_H

#include "host.h"

#define SLUA_SLOT_BITS 24
#define SLUA_SLOT_MAX  ((uint64_t)1 << SLUA_SLOT_BITS)

enum slua_task_state { SLUA_TASK_IDLE, SLUA_TASK_RUNNING, SLUA_TASK_WAITING };

struct slua_task {
    struct slua_host *host;
    uint64_t id;  /* serial << SLUA_SLOT_BITS | slot; never 0 */
    lua_State *L; /* its coroutine; NULL in an idle task whose coroutine was dropped */
    int ref;      /* keeps L alive */
#define SLUA_SLOT_BITS 24
#define SLUA_SLOT_MAX  ((uint64_t)1 << SLUA_SLOT_BITS)

    enum slua_task_state state;
    struct slua_task *next_idle;

    /* Coroutines inside one another that cannot yield now: while > 0 the task cannot wait. */
    int no_wait;
    /* The coroutine whose yield was ours (slua_wait); travels outward, coroutine by coroutine,
     * until it is L. NULL = none. */
    lua_State *waiting;
    lua_KFunction k;
    lua_KContext ctx;
    int (*push)(lua_State *L, void *user); /* of the waker, during slua_wake */
    void *push_user;
    struct sioc_timer *sleep; /* the timer that wakes it (sioc.sleep); stopped with it */

    struct slua_task_info info;
};

struct slua_pool {
    struct slua_task **tasks; /* by slot; never moves a task, only grows */
    size_t count, cap;
    struct slua_task *idle;
    size_t idle_coroutines;
    struct slua_task *current; /* the innermost one that runs */
};

int slua_pool_new(struct slua_pool **ret_pool);
/* Drops every task that waits (their `done` is called). */
void slua_pool_drop_all(struct slua_host *host);
/* Those that checks have brought about. */
void slua_pool_drop_checks(struct slua_host *host);
size_t slua_pool_waiting(const struct slua_pool *pool); /* how many tasks wait */
void slua_pool_free(struct slua_pool *pool);            /* accepts NULL */

/* The task that runs now, or NULL. */
static inline struct slua_task *slua_task_current(lua_State *L)
{
    return slua_host_of(L)->pool->current;
}

/* A held coroutine is marked in the lowest bit of its extra space: the pointer to the host
 * that is there is never needed while it is suspended. */
static inline void slua_hold(lua_State *co)
{
    *(uintptr_t *)lua_getextraspace(co) |= 1;
}
static inline void slua_unhold(lua_State *co)
{
    *(uintptr_t *)lua_getextraspace(co) &= ~(uintptr_t)1;
}
static inline bool slua_is_held(lua_State *co)
{
    return *(uintptr_t *)lua_getextraspace(co) & 1;
}

/* coroutine.c: replaces resume, wrap, yield, close, status, isyieldable in the global table
 * `coroutine`. */
void slua_open_coroutine(lua_State *L);

/* report.c: the text for a task that ended with `status`; takes the error value from the task's
 * stack.  The text lies on the main thread's stack, whose height the caller restores. */
const char *slua_describe(struct slua_host *host, struct slua_task *task, int status);

#endif
