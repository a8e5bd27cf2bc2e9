/* bindings/lua/timers.c -- sioc.sleep, after, every, spawn, now.
 *
 * A timer is a userdata that keeps itself (and its function) in the registry while it is
 * active.  Invariant: it is in the host's list exactly while its sioc_timer exists.
 */
#include "check.h"
#include "task.h"
#include <math.h>
#include <time.h>

struct slua_timer {
    struct slua_host *host;
    struct sioc_timer *timer; /* NULL: over, or cancelled */
    struct slua_timer *next, **link;
    int self_ref; /* keeps the userdata; its user value is the function */
    bool repeats;
    bool check;    /* started by a check */
    uint64_t task; /* of the last run: while it lives, `every` skips */
};

static uint64_t check_ms(lua_State *L, int index, double min)
{
    lua_Number s = luaL_checknumber(L, index);

    luaL_argcheck(L, s >= min && s <= 1e9, index, "seconds expected, from 0 to 1e9");
    return (uint64_t)ceil(s * 1000 - 1e-6);
}

/* ---- sleep ---- */

static void sleep_over(void *user)
{
    struct slua_task *task = user;

    task->sleep = NULL;
    slua_wake(task->host, task->id, NULL, NULL);
}

static int sleep_(lua_State *L)
{
    struct slua_task *task = slua_task_current(L);
    uint64_t ms = check_ms(L, 1, 0);

    if (slua_can_wait(L) &&
        sioc_timer_start(slua_host_of(L)->loop, ms, 0, sleep_over, task, &task->sleep) < 0)
        return luaL_error(L, "not enough memory");
    return slua_wait(L, NULL, 0);
}

/* ---- after, every ---- */

static void stop_timer(struct slua_timer *timer)
{
    if (!timer->timer)
        return;
    sioc_timer_stop(timer->timer);
    timer->timer = NULL;
}

/* Not active any more: the script's handle is all that keeps it now. */
static void forget(struct slua_timer *timer)
{
    struct slua_host *host = timer->host;

    if (timer->self_ref == LUA_NOREF)
        return;
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    slua_unref(host, timer->self_ref);
    timer->self_ref = LUA_NOREF;
}

static int run_timer(lua_State *L)
{
    struct slua_timer *timer = lua_touserdata(L, 1);

    lua_settop(L, 0);
    timer->task = slua_task_id(L);
    slua_push_ref(L, timer->self_ref);
    lua_getiuservalue(L, 1, 1);
    if (!timer->repeats)
        forget(timer); /* the stack keeps it for now */
    lua_callk(L, 0, 0, 0, slua_return_nothing);
    return 0;
}

static void timer_due(void *user)
{
    struct slua_timer *timer = user;
    struct slua_task_info info = {.what = timer->repeats ? "sioc.every" : "sioc.after",
                                  .owner = timer->host->servers};

    info.check = timer->check;
    if (timer->host->draft && timer->repeats && !timer->check)
        return; /* it does not serve yet */
    if (!timer->repeats)
        timer->timer = NULL;
    else if (slua_task_alive(timer->host, timer->task))
        return; /* the run before still waits */
    if (slua_run(timer->host, run_timer, timer, &info) < 0) {
        slua_log(timer->host, SIOC_LOG_ERROR, "no memory to run a timer");
        if (!timer->repeats)
            forget(timer);
    }
}

static int start_timer(lua_State *L, bool repeats)
{
    struct slua_host *host = slua_host_of(L);
    uint64_t ms = check_ms(L, 1, repeats ? 0.001 : 0);
    struct slua_timer *timer;

    if (host->freeing)
        return luaL_error(L, "the program ends");
    if (host->retired && repeats)
        return luaL_error(L, "sioc.every: this code was replaced by a reload");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    timer = lua_newuserdatauv(L, sizeof *timer, 1);
    *timer = (struct slua_timer){.host = host, .self_ref = LUA_NOREF, .repeats = repeats};
    timer->check = slua_in_check(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    timer->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    timer->link = &host->timers;
    timer->next = host->timers;
    if (timer->next)
        timer->next->link = &timer->next;
    host->timers = timer;
    if (sioc_timer_start(host->loop, ms, repeats ? ms : 0, timer_due, timer, &timer->timer) <
        0) {
        forget(timer);
        return luaL_error(L, "not enough memory");
    }
    return 1;
}

static int after(lua_State *L)
{
    return start_timer(L, false);
}

static int every(lua_State *L)
{
    return start_timer(L, true);
}

static int cancel(lua_State *L)
{
    struct slua_timer *timer = lua_touserdata(L, 1);
    bool mine = timer && lua_getmetatable(L, 1) && lua_rawequal(L, -1, lua_upvalueindex(1));

    luaL_argexpected(L, mine, 1, "sioc.Timer");
    lua_pushboolean(L, timer->timer != NULL);
    stop_timer(timer);
    forget(timer);
    return 1;
}

void slua_timers_stop_repeating(struct slua_host *host)
{
    for (struct slua_timer *t = host->timers, *next; t; t = next) {
        next = t->next;
        if (!t->repeats)
            continue;
        stop_timer(t);
        forget(t);
    }
}

void slua_timers_stop_checks(struct slua_host *host)
{
    for (struct slua_timer *t = host->timers, *next; t; t = next) {
        next = t->next;
        if (!t->check)
            continue;
        stop_timer(t);
        forget(t);
    }
}

void slua_timers_free(struct slua_host *host)
{
    while (host->timers) {
        stop_timer(host->timers);
        forget(host->timers);
    }
}

/* ---- spawn, now ---- */

static int run_spawned(lua_State *L)
{
    lua_State *from = lua_touserdata(L, 1);
    int count = lua_gettop(from);

    lua_settop(L, 0);
    luaL_checkstack(L, count, "too many arguments");
    lua_xmove(from, L, count);
    lua_callk(L, count - 1, 0, 0, slua_return_nothing);
    return 0;
}

static int spawn(lua_State *L)
{
    const struct slua_task *task = slua_task_current(L);
    struct slua_task_info info = {.what = "sioc.spawn"};

    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (task) { /* its errors belong to whom the caller works for */
        info.owner = task->info.owner;
        if (!info.owner && task->host->loading)
            info.owner = task->host->servers;
        info.server = task->info.server;
        info.socket = task->info.socket;
        info.muted = task->info.muted;
    }
    if (slua_run(slua_host_of(L), run_spawned, L, &info) < 0)
        return luaL_error(L, "not enough memory");
    return 0;
}

static int now(lua_State *L)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9);
    return 1;
}

void slua_open_timers(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"sleep", sleep_}, {"spawn", spawn}, {"now", now}, {NULL, NULL}};
    static const luaL_Reg timers[] = {{"after", after}, {"every", every}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);

    lua_newtable(L); /* the metatable of timers, shared by the functions that need it */
    lua_pushliteral(L, "sioc.Timer");
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, cancel, 1);
    lua_setfield(L, -2, "cancel");
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, timers, 1);
}
