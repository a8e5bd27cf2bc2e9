/* bindings/lua/drain.c -- the memory of hosts that are gone is given back in small steps.
 *
 * lua_close frees a whole state at once, which with a big heap is a long pause for everybody
 * else.  By the time a host goes nearly all of it is garbage, since its handlers are off; so
 * Lua's own collector may take it apart before, a little in each turn of the loop.  What a
 * script's globals and modules hold is left for lua_close.
 * Knows no server and no task: the hosts that come here are shut (host.c), only finalizers of
 * their scripts may still run.
 */
#include "host.h"
#include <stdlib.h>
#include <time.h>

#define STEP_S       0.002
#define STEP_LOG2    9                   /* the collector's own steps: some 100 us */
#define ENOUGH_BYTES ((size_t)256 << 10) /* what may be freed at once */
/* The first may have begun long ago, and found alive what has died since. */
#define CYCLES 2

struct leaving {
    struct leaving *next;
    struct slua_host *host;
    int cycles; /* of the collector, that have ended */
    unsigned number, turns;
    size_t bytes;
    double longest_s; /* turn */
};

struct slua_drain {
    struct sioc_loop *loop;
    const struct slua_app *app; /* for the log */
    struct leaving *all;
    struct sioc_timer *timer;
};

/* The processor's time that this thread has had: what a step costs where nobody else computes.
 */
static double clock_s(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void collect(struct leaving *l)
{
    double end = clock_s() + STEP_S;

    while (l->cycles < CYCLES && l->host->memory_used > ENOUGH_BYTES && clock_s() < end)
        l->cycles += lua_gc(l->host->L, LUA_GCSTEP, 0);
}

static bool is_small(const struct leaving *l)
{
    return l->cycles >= CYCLES || l->host->memory_used <= ENOUGH_BYTES;
}

static void on_turn(void *user);

static void next_turn(struct slua_drain *drain)
{
    if (drain->all && sioc_timer_start(drain->loop, 0, 0, on_turn, drain, &drain->timer) < 0)
        slua_drain_end(drain);
}

static void note(struct leaving *l, double began_s)
{
    double took_s = clock_s() - began_s;

    l->turns++;
    if (took_s > l->longest_s)
        l->longest_s = took_s;
}

static void free_first(struct slua_drain *drain)
{
    struct leaving *l = drain->all;
    double began_s = clock_s();

    drain->all = l->next;
    slua_host_dispose(l->host);
    note(l, began_s);
    slua_log(slua_app_host(drain->app), SIOC_LOG_DEBUG,
             "generation %u: %zu kB given back in %u turns, at most %.1f ms of work each",
             l->number, l->bytes / 1024, l->turns, l->longest_s * 1e3);
    free(l);
}

static void on_turn(void *user)
{
    struct slua_drain *drain = user;
    double began_s = clock_s();

    drain->timer = NULL;
    if (is_small(drain->all)) {
        free_first(drain);
    } else {
        collect(drain->all);
        note(drain->all, began_s);
    }
    next_turn(drain);
}

int slua_drain_new(struct sioc_loop *loop, const struct slua_app *app,
                   struct slua_drain **ret_drain)
{
    struct slua_drain *drain = calloc(1, sizeof *drain);

    if (!drain)
        return SIOC_ENOMEM;
    drain->loop = loop;
    drain->app = app;
    *ret_drain = drain;
    return 0;
}

void slua_drain_host(struct slua_drain *drain, struct slua_host *host)
{
    struct leaving *l = calloc(1, sizeof *l), **end = &drain->all;

    slua_host_shut(host);
    if (!l) {
        slua_host_dispose(host);
        return;
    }
    /* Incremental: a step of the other kind is a whole cycle. */
    lua_gc(host->L, LUA_GCINC, 0, 0, STEP_LOG2);
    l->host = host;
    l->number = host->number;
    l->bytes = host->memory_used;
    while (*end)
        end = &(*end)->next;
    *end = l;
    if (!drain->timer)
        next_turn(drain);
}

void slua_drain_end(struct slua_drain *drain)
{
    if (drain->timer)
        sioc_timer_stop(drain->timer);
    drain->timer = NULL;
    while (drain->all)
        free_first(drain);
}

void slua_drain_free(struct slua_drain *drain)
{
    if (!drain)
        return;
    slua_drain_end(drain);
    free(drain);
}
