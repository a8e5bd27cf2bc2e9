/* bindings/lua/base.c -- where scripts get something other than the standard library.
 *
 * Scripts are trusted, but not with what would take the server down by accident: bytecode (it
 * can crash the interpreter), os.exit in the middle of a turn, and what disarms the watchdog
 * (debug.sethook, getregistry, setmetatable) or fills the memory (collectgarbage "stop").
 */
#include "check.h"
#include "task.h"
#include <string.h>

/* load(chunk, name, mode, env) with mode "t"; upvalue 1 is the library's. */
static int load_text(lua_State *L)
{
    int mode_at = (int)lua_tointeger(L, lua_upvalueindex(2));

    if (lua_gettop(L) < mode_at)
        lua_settop(L, mode_at);
    lua_pushliteral(L, "t");
    lua_replace(L, mode_at);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static void wrap_load(lua_State *L, const char *name, int mode_at)
{
    lua_getglobal(L, name);
    lua_pushinteger(L, mode_at);
    lua_pushcclosure(L, load_text, 2);
    lua_setglobal(L, name);
}

static int return_all(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    return lua_gettop(L) - (int)ctx;
}

static int dofile(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);

    lua_settop(L, 1);
    if (luaL_loadfilex(L, path, "t") != LUA_OK)
        return lua_error(L);
    lua_callk(L, 0, LUA_MULTRET, 1, return_all);
    return return_all(L, LUA_OK, 1);
}

static int collectgarbage(lua_State *L)
{
    if (strcmp(luaL_optstring(L, 1, "collect"), "stop") == 0)
        return luaL_error(L, "collectgarbage(\"stop\") is not allowed in a server");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* os.exit ends the program in good order, and never returns to its caller: the task waits for
 * something that does not come, and is dropped with the host. */
static int os_exit(lua_State *L)
{
    int code = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);

    slua_check_forbid(L, "os.exit");
    slua_host_stop(slua_host_of(L), code);
    return slua_wait(L, NULL, 0);
}

static void remove_names(lua_State *L, const char *library, const char *const *names)
{
    lua_getglobal(L, library);
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
    lua_pop(L, 1);
}

void slua_open_base(lua_State *L)
{
    static const char *const removed[] = {"sethook", "getregistry", "setmetatable", "debug",
                                          NULL};

    remove_names(L, LUA_DBLIBNAME, removed);
    wrap_load(L, "load", 3);
    wrap_load(L, "loadfile", 2);
    lua_pushcfunction(L, dofile);
    lua_setglobal(L, "dofile");
    lua_getglobal(L, "collectgarbage");
    lua_pushcclosure(L, collectgarbage, 1);
    lua_setglobal(L, "collectgarbage");
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_pushcfunction(L, os_exit);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
    slua_open_coroutine(L);
}
