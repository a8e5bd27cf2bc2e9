/* bindings/lua/task.c -- every call into Lua runs in a task: a coroutine from a pool.
 *
 * A coroutine that ended well is started again as it is; only after an error it has to be
 * reset, and one that the watchdog stopped is dropped.  So a task costs what lua_pcall costs,
 * and may wait all the same.  Knows no handler, no socket: the body does.
 *
 * Nothing here raises: what creates values runs in a protected call or inside the coroutine.
 */
#include "task.h"
#include "check.h"
#include "watchdog.h"
#include <stdlib.h>

/* Coroutines kept for later; beyond that they are left to the garbage collector. */
#define IDLE_MAX 256

#define TUNE_EVERY 256 /* runs: it costs no more than three of them */

static struct slua_task *find(const struct slua_pool *pool, uint64_t id)
{
    size_t slot = (size_t)(id & (SLUA_SLOT_MAX - 1));
    struct slua_task *task = slot < pool->count ? pool->tasks[slot] : NULL;

    return task && task->id == id && task->state != SLUA_TASK_IDLE ? task : NULL;
}

/* ---- taking and giving back ---- */

static int make_coroutine(lua_State *L)
{
    struct slua_task *task = lua_touserdata(L, 1);
    lua_State *co = lua_newthread(L);

    task->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    task->L = co;
    return 0;
}

static struct slua_task *add_slot(struct slua_host *host)
{
    struct slua_pool *pool = host->pool;
    struct slua_task *task;

    if (pool->count == SLUA_SLOT_MAX)
        return NULL;
    if (pool->count == pool->cap) {
        size_t cap = pool->cap ? pool->cap * 2 : 16;
        struct slua_task **tasks = realloc(pool->tasks, cap * sizeof(struct slua_task *));

        if (!tasks)
            return NULL;
        pool->tasks = tasks;
        pool->cap = cap;
    }
    task = calloc(1, sizeof *task);
    if (!task)
        return NULL;
    task->host = host;
    task->ref = LUA_NOREF;
    task->id = SLUA_SLOT_MAX | pool->count;
    pool->tasks[pool->count++] = task;
    return task;
}

static void put_idle(struct slua_pool *pool, struct slua_task *task)
{
    task->state = SLUA_TASK_IDLE;
    task->next_idle = pool->idle;
    pool->idle = task;
}

static struct slua_task *take(struct slua_host *host)
{
    struct slua_pool *pool = host->pool;
    struct slua_task *task = pool->idle;

    if (task)
        pool->idle = task->next_idle;
    else
        task = add_slot(host);
    if (!task)
        return NULL;
    if (task->L) {
        pool->idle_coroutines--;
        return task;
    }
    if (lua_checkstack(host->L, 4)) {
        lua_pushcfunction(host->L, make_coroutine);
        lua_pushlightuserdata(host->L, task);
        if (lua_pcall(host->L, 1, 0, 0) == LUA_OK)
            return task;
        lua_pop(host->L, 1);
    }
    put_idle(pool, task);
    return NULL;
}

static void drop_coroutine(struct slua_host *host, struct slua_task *task)
{
    slua_unref(host, task->ref);
    task->ref = LUA_NOREF;
    task->L = NULL;
}

static void release(struct slua_host *host, struct slua_task *task, bool reusable)
{
    struct slua_pool *pool = host->pool;

    if (task->sleep) {
        sioc_timer_stop(task->sleep);
        task->sleep = NULL;
    }
    task->id += SLUA_SLOT_MAX;
    if (task->id < SLUA_SLOT_MAX) /* around the end: serial 0 is not used */
        task->id += SLUA_SLOT_MAX;
    task->no_wait = 0;
    task->waiting = NULL;
    if (reusable && pool->idle_coroutines < IDLE_MAX)
        pool->idle_coroutines++;
    else
        drop_coroutine(host, task);
    put_idle(pool, task);
}

/* ---- running ---- */

static void end(struct slua_host *host, struct slua_task *task, int status, int count,
                bool stopped, const char *error)
{
    struct slua_result result = {status, task->L, count, stopped, error};

    if (task->info.done)
        task->info.done(host, task->info.user, &result);
}

/* Closes what the failed task left open (to-be-closed variables); true when the coroutine is as
 * good as new. */
static bool reset(struct slua_host *host, struct slua_task *task)
{
    lua_State *outer = slua_watch_enter(host->watchdog, task->L);
    bool ok = lua_resetthread(task->L) == LUA_OK;

    slua_watch_leave(host->watchdog, outer);
    if (slua_watch_doomed(host->watchdog)) {
        slua_watchdog_settle(host->watchdog, task->L);
        ok = false;
    }
    lua_settop(task->L, 0);
    return ok;
}

static void fail(struct slua_host *host, struct slua_task *task, int status)
{
    struct slua_watchdog *dog = host->watchdog;
    bool stopped = slua_watch_doomed(dog);
    lua_State *outer = atomic_load_explicit(&dog->running, memory_order_relaxed);
    int height = lua_gettop(host->L);
    const char *text = slua_describe(host, task, status);

    if (stopped)
        slua_watchdog_settle(dog, task->L);
    reset(host, task);
    if (status == LUA_ERRMEM && !host->draft) /* only now is it garbage; else all stays full */
        lua_gc(host->L, LUA_GCCOLLECT);
    if (!task->info.quiet && task->info.check && host->checking)
        slua_check_report(host, &task->info, text);
    else if (!task->info.quiet)
        slua_report(host, &task->info, text);
    end(host, task, status == LUA_YIELD ? LUA_ERRRUN : status, 0, stopped, text);
    lua_settop(host->L, height); /* the text goes */
    release(host, task, status == LUA_ERRRUN && !stopped);
    if (stopped && outer) { /* what called it has to end as well */
        atomic_store_explicit(&dog->doomed, true, memory_order_relaxed);
        slua_watchdog_arm(outer);
    }
}

static void finish(struct slua_host *host, struct slua_task *task, int count)
{
    if (slua_watch_doomed(host->watchdog))
        slua_watchdog_settle(host->watchdog, task->L); /* the order came too late */
    end(host, task, LUA_OK, count, false, NULL);
    lua_settop(task->L, 0);
    release(host, task, true);
}

/* Resumes the task's coroutine, which has the function and `args` arguments on its stack, or
 * waits. */
static void drive(struct slua_host *host, struct slua_task *task, int args)
{
    struct slua_pool *pool = host->pool;
    struct slua_task *outer_task = pool->current;
    unsigned grace = host->memory_grace;
    lua_State *outer;
    int status, count = 0;

    if (host->luv && !outer_task)
        slua_luv_touch(host->luv);
    pool->current = task;
    task->state = SLUA_TASK_RUNNING;
    host->memory_grace = 0; /* inside a task the limit holds in any case */
    outer = slua_watch_enter(host->watchdog, task->L);
    status = lua_resume(task->L, outer ? outer : host->L, args, &count);
    slua_watch_leave(host->watchdog, outer);
    host->memory_grace = grace;
    pool->current = outer_task;

    if (status == LUA_OK) {
        finish(host, task, count);
    } else if (status == LUA_YIELD && task->waiting == task->L && !host->watchdog->stopped) {
        task->state = SLUA_TASK_WAITING;
        slua_hold(task->L);
    } else {
        fail(host, task, status);
    }
}

/* While a host checks itself its only clients are those of the checks. */
static bool comes_of_check(const struct slua_host *host, const struct slua_task_info *info)
{
    const struct slua_task *outer = host->pool->current;

    return info->server || (outer && outer->info.check);
}

struct slua_task_info *slua_next_task(struct slua_host *host)
{
    struct slua_pool *pool = host->pool;

    if (!pool->idle) {
        struct slua_task *task = add_slot(host);

        if (!task)
            return NULL;
        put_idle(pool, task);
    }
    return &pool->idle->info;
}

int slua_run(struct slua_host *host, lua_CFunction body, void *arg,
             const struct slua_task_info *info)
{
    struct slua_task *task = take(host);

    if (!task)
        return SIOC_ENOMEM;
    if (info != &task->info)
        task->info = *info;
    if (host->checking && comes_of_check(host, info))
        task->info.check = true;
    slua_count(host, &task->info, false);
    if (++host->runs % TUNE_EVERY == 0)
        slua_tune_garbage(host);
    lua_pushcfunction(task->L, body);
    lua_pushlightuserdata(task->L, arg);
    drive(host, task, 1);
    return 0;
}

/* ---- waiting ---- */

bool slua_muted(lua_State *L)
{
    const struct slua_task *task = slua_task_current(L);

    return task && task->info.muted;
}

uint64_t slua_task_id(lua_State *L)
{
    struct slua_task *task = slua_task_current(L);

    return task ? task->id : 0;
}

bool slua_can_wait(lua_State *L)
{
    struct slua_task *task = slua_task_current(L);

    return task && task->no_wait == 0 && lua_isyieldable(L) && !slua_host_of(L)->freeing;
}

/* The waiting function goes on: the waker's values first, then its own continuation. */
static int woken(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_task *task = slua_task_current(L);
    lua_KFunction k = task->k;
    lua_KContext own = task->ctx;
    int pushed = 0;

    (void)ctx;
    if (task->push) {
        luaL_checkstack(L, LUA_MINSTACK, NULL);
        pushed = task->push(L, task->push_user);
    }
    return k ? k(L, status, own) : pushed;
}

int slua_wait(lua_State *L, lua_KFunction k, lua_KContext ctx)
{
    struct slua_task *task = slua_task_current(L);

    if (!slua_can_wait(L))
        return luaL_error(L, "cannot wait here: inside a sort comparator, a gsub callback, a "
                             "finalizer or another function that C calls");
    task->k = k;
    task->ctx = ctx;
    task->waiting = L;
    return lua_yieldk(L, 0, 0, woken);
}

bool slua_wake(struct slua_host *host, uint64_t id, int (*push)(lua_State *L, void *user),
               void *user)
{
    struct slua_task *task = find(host->pool, id);

    if (!task || task->state != SLUA_TASK_WAITING)
        return false;
    task->waiting = NULL;
    task->push = push;
    task->push_user = user;
    slua_unhold(task->L);
    drive(host, task, 0);
    return true;
}

bool slua_task_alive(const struct slua_host *host, uint64_t id)
{
    return find(host->pool, id) != NULL;
}

/* ---- the pool ---- */

int slua_pool_new(struct slua_pool **ret_pool)
{
    *ret_pool = calloc(1, sizeof **ret_pool);
    return *ret_pool ? 0 : SIOC_ENOMEM;
}

void slua_pool_drop_all(struct slua_host *host)
{
    struct slua_pool *pool = host->pool;

    for (size_t i = 0; i < pool->count; i++) {
        struct slua_task *task = pool->tasks[i];

        if (task->state != SLUA_TASK_WAITING)
            continue;
        end(host, task, LUA_ERRRUN, 0, false, "the program ends");
        release(host, task, false);
    }
}

void slua_pool_drop_checks(struct slua_host *host)
{
    struct slua_pool *pool = host->pool;

    for (size_t i = 0; i < pool->count; i++) {
        struct slua_task *task = pool->tasks[i];

        if (task->state != SLUA_TASK_WAITING || !task->info.check)
            continue;
        end(host, task, LUA_ERRRUN, 0, false, "the check is over");
        release(host, task, false);
    }
}

size_t slua_pool_waiting(const struct slua_pool *pool)
{
    size_t n = 0;

    for (size_t i = 0; i < pool->count; i++)
        n += pool->tasks[i]->state == SLUA_TASK_WAITING;
    return n;
}

static int push_retired(lua_State *L, void *user)
{
    (void)user;
    lua_pushnil(L);
    lua_pushliteral(L, "retired");
    return 2;
}

unsigned slua_host_end_waiting(struct slua_host *host)
{
    struct slua_pool *pool = host->pool;
    size_t count = pool->count; /* what begins now is not told, it is dropped */
    unsigned ended = 0;

    for (size_t i = 0; i < count; i++) {
        struct slua_task *task = pool->tasks[i];

        if (task->state != SLUA_TASK_WAITING)
            continue;
        if (task->sleep)
            sioc_timer_stop(task->sleep);
        task->sleep = NULL;
        ended++;
        slua_wake(host, task->id, push_retired, NULL);
    }
    slua_pool_drop_all(host);
    return ended;
}

void slua_pool_free(struct slua_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->count; i++)
        free(pool->tasks[i]);
    free(pool->tasks);
    free(pool);
}
