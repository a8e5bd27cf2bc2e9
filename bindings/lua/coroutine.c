/* bindings/lua/coroutine.c -- coroutine.resume, wrap, yield, close, status of scripts.
 *
 * The library's own functions would hand a yield of the host (a sleep, an ack) to the code that
 * resumed the coroutine.  These pass it on outward, up to the task, so that waiting works
 * inside of coroutines, also nested ones; and they tell the watchdog what runs.
 */
#include "task.h"
#include "watchdog.h"

/* Which function continues after a wait; it is also where the inner coroutine is found. */
enum caller { CALLER_RESUME, CALLER_WRAP };

static lua_State *inner_of(lua_State *L, lua_KContext caller)
{
    return lua_tothread(L, caller == CALLER_RESUME ? 1 : lua_upvalueindex(1));
}

static int fail_resume(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* The error value is at the top of co; or of L, when co never ran. */
static int fail_wrap(lua_State *L, lua_State *co, int status)
{
    if (co) {
        lua_State *outer = slua_watch_enter(slua_host_of(L)->watchdog, co);

        status = lua_resetthread(co); /* closes its variables; the error stays on top */
        slua_watch_leave(slua_host_of(L)->watchdog, outer);
        lua_xmove(co, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int refuse(lua_State *L, lua_KContext caller, const char *why)
{
    lua_pushstring(L, why);
    return caller == CALLER_RESUME ? fail_resume(L) : fail_wrap(L, NULL, LUA_ERRRUN);
}

/* The watchdog has struck while co ran: whatever called it has to end, too. */
static int stop_outward(lua_State *L, lua_State *co)
{
    struct slua_watchdog *dog = slua_host_of(L)->watchdog;

    slua_watchdog_arm(L);
    if (dog->stopped != co)
        return 0; /* co ended by the hook's error, or by itself; the next instruction stops us
                   */
    if (!lua_isyieldable(L)) {
        dog->stopped = NULL;
        return luaL_error(L, "handler ran longer than %f s and was stopped", dog->timeout_s);
    }
    dog->stopped = L;
    return lua_yield(L, 0);
}

static int give_results(lua_State *L, lua_State *co, int count, lua_KContext caller)
{
    if (!lua_checkstack(L, count + 1)) {
        lua_pop(co, count);
        return refuse(L, caller, "too many results to resume");
    }
    if (caller == CALLER_RESUME)
        lua_pushboolean(L, 1);
    lua_xmove(co, L, count);
    return caller == CALLER_RESUME ? count + 1 : count;
}

static int go_on(lua_State *L, int status, lua_KContext caller);

static int step(lua_State *L, lua_State *co, int args, lua_KContext caller)
{
    struct slua_host *host = slua_host_of(L);
    struct slua_task *task = host->pool->current;
    bool blocked = task && !lua_isyieldable(L);
    lua_State *outer;
    int status, count = 0;

    if (blocked)
        task->no_wait++;
    outer = slua_watch_enter(host->watchdog, co);
    status = lua_resume(co, L, args, &count);
    slua_watch_leave(host->watchdog, outer);
    if (blocked)
        task->no_wait--;

    if (slua_watch_doomed(host->watchdog))
        stop_outward(L, co);
    if (status == LUA_YIELD && task && task->waiting == co) {
        task->waiting = L;
        slua_hold(co);
        return lua_yieldk(L, 0, caller, go_on);
    }
    if (status == LUA_OK || status == LUA_YIELD)
        return give_results(L, co, count, caller);
    if (caller == CALLER_WRAP)
        return fail_wrap(L, co, status);
    lua_xmove(co, L, 1);
    return fail_resume(L);
}

/* The task was woken: on inward, to the coroutine that waits. */
static int go_on(lua_State *L, int status, lua_KContext caller)
{
    lua_State *co = inner_of(L, caller);

    (void)status;
    slua_unhold(co);
    return step(L, co, 0, caller);
}

static int start(lua_State *L, lua_State *co, int args, lua_KContext caller)
{
    if (slua_is_held(co))
        return refuse(L, caller, "cannot resume a coroutine that waits for the server");
    if (lua_status(co) == LUA_OK && lua_gettop(co) == 0)
        return refuse(L, caller, "cannot resume dead coroutine");
    if (!lua_checkstack(co, args))
        return refuse(L, caller, "too many arguments to resume");
    lua_xmove(L, co, args);
    return step(L, co, args, caller);
}

static lua_State *check_thread(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);

    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

static int co_resume(lua_State *L)
{
    lua_State *co = check_thread(L);

    return start(L, co, lua_gettop(L) - 1, CALLER_RESUME);
}

static int call_wrapped(lua_State *L)
{
    return start(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L), CALLER_WRAP);
}

static int co_wrap(lua_State *L)
{
    lua_State *co;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

/* A task's own coroutine has nobody to yield to. */
static bool is_task(lua_State *L)
{
    struct slua_task *task = slua_task_current(L);

    return !task || task->L == L;
}

static int co_yield (lua_State *L)
{
    if (is_task(L))
        return luaL_error(L, "coroutine.yield outside of a coroutine; to let others run, use "
                             "sioc.sleep(0)");
    return lua_yield(L, lua_gettop(L));
}

static int co_isyieldable(lua_State *L)
{
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;

    lua_pushboolean(L, lua_isyieldable(co) && !is_task(co));
    return 1;
}

static const char *status_of(lua_State *L, lua_State *co)
{
    lua_Debug ar;

    if (L == co)
        return "running";
    if (slua_is_held(co))
        return "normal";
    if (lua_status(co) == LUA_YIELD)
        return "suspended";
    if (lua_status(co) != LUA_OK)
        return "dead";
    if (lua_getstack(co, 0, &ar))
        return "normal"; /* it runs, and has resumed another one */
    return lua_gettop(co) == 0 ? "dead" : "suspended";
}

static int co_status(lua_State *L)
{
    lua_pushstring(L, status_of(L, check_thread(L)));
    return 1;
}

static int co_close(lua_State *L)
{
    lua_State *co = check_thread(L), *outer;
    const char *state = status_of(L, co);
    int status;

    if (*state == 'r' || *state == 'n')
        return luaL_error(L, "cannot close a %s coroutine", state);
    outer = slua_watch_enter(slua_host_of(L)->watchdog, co);
    status = lua_resetthread(co);
    slua_watch_leave(slua_host_of(L)->watchdog, outer);
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

void slua_open_coroutine(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"resume", co_resume}, {"wrap", co_wrap},   {"yield", co_yield },
        {"status", co_status}, {"close", co_close}, {"isyieldable", co_isyieldable},
        {NULL, NULL},
    };

    lua_getglobal(L, LUA_COLIBNAME);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
