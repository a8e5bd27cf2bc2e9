/* bindings/lua/module.c -- the table `sioc`, as require "sioc" gives it.  Knows who fills it,
 * nothing of what is in it. */
#include "host.h"

static int later(lua_State *L)
{
    return luaL_error(L, "sioc.%s is not available yet", lua_tostring(L, lua_upvalueindex(1)));
}

static void set_later(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_pushcclosure(L, later, 1);
    lua_setfield(L, -2, name);
}

void slua_open_module(lua_State *L)
{
    lua_newtable(L);
    slua_open_values(L);
    slua_open_timers(L);
    slua_open_log(L);
    slua_open_server(L);
    slua_open_reload(L);
    set_later(L, "shared");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_insert(L, -2);
    lua_setfield(L, -2, "sioc");
    lua_pop(L, 1);
}
