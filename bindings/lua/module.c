/* bindings/lua/module.c -- the table `sioc`, as require "sioc" gives it.  Knows who fills it,
 * nothing of what is in it. */
#include "host.h"

void slua_open_module(lua_State *L)
{
    lua_newtable(L);
    slua_open_values(L);
    slua_open_timers(L);
    slua_open_log(L);
    slua_open_server(L);
    slua_open_reload(L);
    slua_open_check(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_insert(L, -2);
    lua_setfield(L, -2, "sioc");
    lua_pop(L, 1);
}
