/* bindings/lua/slice.c -- a script that is loaded while others are served takes turns with
 * them.
 *
 * Its top level runs with a hook that looks at the clock now and then.  When its slice is over
 * the coroutine yields, as if the script waited, and goes on in the loop's next turn.  Where it
 * cannot yield (a sort comparator, a C function) it goes on until it can.  The hook makes it
 * slower, so it is there only while a script loads aside.
 *
 * The watchdog counts each run by itself; so what all slices have used is counted here, and it
 * gets the order to stop when that is too much.  Invariant: the timer runs exactly while the
 * task waits for its next slice.
 */
#include "task.h"
#include "watchdog.h"
#include <time.h>

#define INSTRUCTIONS 1000 /* between two looks at the clock; some 10 us */
#define SLICE_S      0.004

/* The processor's time that this thread has had. */
static double clock_s(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_turn(void *user)
{
    struct slua_host *host = user;

    host->slices.timer = NULL;
    slua_wake(host, host->slices.task, NULL, NULL);
}

/* The next turn is somebody else's; false: it cannot be. */
static bool give_way(lua_State *L, struct slua_slices *s, double used_s)
{
    struct slua_host *host = slua_host_of(L);
    struct slua_task *task = slua_task_current(L);

    if (!slua_can_wait(L) || s->timer ||
        sioc_timer_start(host->loop, 0, 0, on_turn, host, &s->timer) < 0)
        return false;
    s->spent_s += used_s;
    s->task = task->id;
    task->k = NULL;
    task->waiting = L;
    return true;
}

static void hook(lua_State *L, lua_Debug *ar)
{
    struct slua_host *host = slua_host_of(L);
    struct slua_watchdog *dog = host->watchdog;
    struct slua_slices *s = &host->slices;
    unsigned run = atomic_load_explicit(&dog->seq, memory_order_relaxed);
    double used;

    (void)ar;
    if (!s->on) { /* a coroutine that was made meanwhile */
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (run != s->run) {
        s->run = run;
        s->began_s = clock_s();
        return;
    }
    used = clock_s() - s->began_s;
    if (dog->timeout_s > 0 && s->spent_s + used > dog->timeout_s) {
        atomic_store_explicit(&dog->doomed, true, memory_order_relaxed);
        slua_watchdog_arm(L);
    } else if (used > SLICE_S && give_way(L, s, used)) {
        lua_yield(L, 0);
    }
}

void slua_slices_begin(lua_State *L)
{
    slua_host_of(L)->slices.on = true;
    lua_sethook(L, hook, LUA_MASKCOUNT, INSTRUCTIONS);
}

void slua_slices_end(struct slua_host *host, lua_State *L)
{
    struct slua_slices *s = &host->slices;

    if (s->timer)
        sioc_timer_stop(s->timer);
    *s = (struct slua_slices){0};
    if (L && lua_gethook(L) == hook)
        lua_sethook(L, NULL, 0, 0);
}
