/* bindings/lua/luv.c -- require "luv": libuv for scripts, in a loop of its own.
 *
 * luv in the host's loop would let a script stop the server, close its handles, and leave
 * handles behind that point into a closed state.  So each host has a private inner loop, which
 * is stepped when its descriptor is readable or its timeout is over.  luv is looked up when a
 * script asks for it; sioc runs without.  This is the only file of the host that knows libuv.
 *
 * Invariant: the inner loop outlives the Lua state (finalizers of luv still close handles) and
 * is empty when it is closed.
 */
#include "task.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <uv.h>

struct slua_luv {
    struct slua_host *host;
    uv_loop_t loop;
    struct sioc_watch *watch;
    struct sioc_idle *idle;
    bool stepping;
};

/* The functions of luv.h that matter here; luv itself is loaded at run time. */
struct luv_api {
    void (*set_loop)(lua_State *L, uv_loop_t *loop);
    void (*set_callback)(lua_State *L,
                         int (*call)(lua_State *L, int args, int results, int flags));
    lua_CFunction open;
};

/* ---- callbacks ---- */

struct callback {
    lua_State *L; /* luv's: the main thread, with function and arguments on top */
    int args;
};

static int run_callback(lua_State *L)
{
    const struct callback *c = lua_touserdata(L, 1);
    int args = c->args;

    luaL_checkstack(L, args + 1, "too many arguments");
    lua_xmove(c->L, L, args + 1);
    lua_callk(L, args, 0, 0, slua_return_nothing);
    return 0;
}

/* What luv calls instead of its own function, which would print the error and exit(-1). */
static int call(lua_State *L, int args, int results, int flags)
{
    struct slua_host *host = slua_host_of(L);
    struct callback c = {L, args};
    struct slua_task_info info = {.what = "luv callback"};
    int height = lua_gettop(L) - args - 1;

    (void)results, (void)flags; /* luv ignores what a callback of a handle returns */
    if (slua_run(host, run_callback, &c, &info) < 0)
        slua_log(host, SIOC_LOG_ERROR, "no memory for a luv callback");
    lua_settop(L, height);
    return 0;
}

/* ---- the loop within the loop ---- */

static void step(void *user)
{
    struct slua_luv *luv = user;

    if (luv->stepping)
        return;
    luv->stepping = true;
    luv->host->memory_grace++; /* luv pushes arguments unprotected */
    uv_run(&luv->loop, UV_RUN_NOWAIT);
    luv->host->memory_grace--;
    luv->stepping = false;
}

/* New timers and handles make the timeout shorter, or 0: libuv has to look at them. */
static int before_sleep(void *user)
{
    struct slua_luv *luv = user;

    uv_update_time(&luv->loop);
    if (uv_loop_alive(&luv->loop) && uv_backend_timeout(&luv->loop) == 0)
        step(luv);
    /* The timeout of a loop without work is 0, too. */
    return uv_loop_alive(&luv->loop) ? uv_backend_timeout(&luv->loop) : -1;
}

bool slua_luv_alive(const struct slua_luv *luv)
{
    return uv_loop_alive(&luv->loop);
}

void slua_luv_touch(struct slua_luv *luv)
{
    uv_update_time(&luv->loop);
}

static int start(struct slua_host *host)
{
    struct slua_luv *luv = calloc(1, sizeof *luv);

    if (!luv)
        return SIOC_ENOMEM;
    luv->host = host;
    if (uv_loop_init(&luv->loop) < 0) {
        free(luv);
        return SIOC_EIO;
    }
    host->luv = luv;
    if (sioc_watch_open(host->loop, uv_backend_fd(&luv->loop), step, luv, &luv->watch) < 0 ||
        sioc_idle_open(host->loop, before_sleep, luv, &luv->idle) < 0)
        return SIOC_ENOMEM; /* what is open is closed with the host */
    return 0;
}

/* ---- require "luv" ---- */

/* Finds the module's file by package.cpath; raises when there is none. */
static const char *find_module(lua_State *L)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "searchpath");
    lua_pushliteral(L, "luv");
    lua_getfield(L, -3, "cpath");
    lua_call(L, 2, 2);
    if (lua_isnil(L, -2))
        luaL_error(L, "luv is not installed (Debian: lua-luv):%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return lua_tostring(L, -1);
}

/* A function of the library, as an object pointer: ISO C has no conversion between the two. */
static void *symbol(lua_State *L, void *library, const char *name)
{
    void *address = dlsym(library, name);

    if (!address)
        luaL_error(L, "luv has no function %s", name);
    return address;
}

static void load_api(lua_State *L, struct luv_api *api)
{
    const char *file = find_module(L);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (!library)
        luaL_error(L, "%s", dlerror());
    *(void **)&api->set_loop = symbol(L, library, "luv_set_loop");
    *(void **)&api->set_callback = symbol(L, library, "luv_set_callback");
    *(void **)&api->open = symbol(L, library, "luaopen_luv");
    /* The loop that we make must be one that its libuv understands. */
    if (dlsym(library, "uv_run") != dlsym(RTLD_DEFAULT, "uv_run"))
        luaL_error(L, "%s was built with a libuv of its own; it has to use the shared one",
                   file);
}

static int open_luv(lua_State *L)
{
    static const char *const hidden[] = {"run", "stop", "walk", "loop_close", "loop_configure"};
    struct slua_host *host = slua_host_of(L);
    struct luv_api api;

    if (host->freeing)
        return luaL_error(L, "the program ends");
    load_api(L, &api);
    if (!host->luv && start(host) < 0)
        return luaL_error(L, "cannot open a loop for luv");
    api.set_loop(host->L, &host->luv->loop);
    api.set_callback(host->L, call);
    lua_pushcfunction(L, api.open);
    lua_call(L, 0, 1);
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, hidden[i]);
    }
    return 1;
}

void slua_open_luv(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, open_luv);
    lua_setfield(L, -2, "luv");
    lua_pop(L, 1);
}

/* ---- the end ---- */

static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void slua_luv_close(struct slua_host *host)
{
    struct slua_luv *luv = host->luv;

    if (!luv)
        return;
    if (luv->watch)
        sioc_watch_close(luv->watch);
    if (luv->idle)
        sioc_idle_close(luv->idle);
    luv->stepping = true;
    host->memory_grace++;
    do /* a callback may open another handle */
        uv_walk(&luv->loop, close_handle, NULL);
    while (uv_run(&luv->loop, UV_RUN_DEFAULT) != 0);
    host->memory_grace--;
}

void slua_luv_free(struct slua_host *host)
{
    struct slua_luv *luv = host->luv;

    if (!luv)
        return;
    host->luv = NULL;
    do /* finalizers of luv may have closed more */
        uv_walk(&luv->loop, close_handle, NULL);
    while (uv_run(&luv->loop, UV_RUN_DEFAULT) != 0);
    uv_loop_close(&luv->loop);
    free(luv);
}
