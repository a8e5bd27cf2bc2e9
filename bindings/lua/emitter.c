/* bindings/lua/emitter.c -- handlers by event, of objects below the sockets: connections, plain
 * WebSockets, the engine.
 *
 * User value 1 of such an object is a table of lists by event, numbers from 1.  An entry of a
 * list is a function, or a table that holds one that is called once. Invariant: a list is never
 * changed, only replaced, so one that is walked stays.
 */
#include "api.h"

enum { LISTS = 1 };

void slua_emitter_init(lua_State *L)
{
    lua_newtable(L);
    lua_setiuservalue(L, -2, LISTS);
}

void slua_emitter_push(lua_State *L, int object, int event)
{
    lua_getiuservalue(L, object, LISTS);
    lua_rawgeti(L, -1, event);
    lua_remove(L, -2);
}

/* Pops a list, which is the event's from now on; nil for an empty one. */
static void set_list(lua_State *L, int object, int event)
{
    lua_getiuservalue(L, object, LISTS);
    lua_insert(L, -2);
    lua_rawseti(L, -2, event);
    lua_pop(L, 1);
}

int slua_emitter_count(lua_State *L, int object, int event)
{
    int count;

    slua_emitter_push(L, object, event);
    count = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0;
    lua_pop(L, 1);
    return count;
}

void slua_emitter_add(lua_State *L, int event, bool once)
{
    int count = slua_emitter_count(L, 1, event), list, old;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_createtable(L, count + 1, 0);
    list = lua_gettop(L);
    slua_emitter_push(L, 1, event);
    old = list + 1;
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, old, i);
        lua_rawseti(L, list, i);
    }
    if (once)
        lua_createtable(L, 1, 0);
    lua_pushvalue(L, 3);
    if (once)
        lua_rawseti(L, -2, 1);
    lua_rawseti(L, list, count + 1);
    lua_settop(L, list);
    set_list(L, 1, event);
}

/* Whether the entry at the top is the one at `which`, or holds that function. */
static bool is_same(lua_State *L, int which)
{
    bool same = lua_rawequal(L, -1, which);

    if (!same && lua_istable(L, -1)) {
        lua_rawgeti(L, -1, 1);
        same = lua_rawequal(L, -1, which);
        lua_pop(L, 1);
    }
    return same;
}

/* A list without the entries that are `which` (nil: without all).  How many went. */
static int without(lua_State *L, int object, int event, int which)
{
    int count = slua_emitter_count(L, object, event), left = 0, old, list;

    slua_emitter_push(L, object, event);
    old = lua_gettop(L);
    lua_newtable(L);
    list = old + 1;
    for (int i = 1; i <= count && !lua_isnil(L, which); i++) {
        lua_rawgeti(L, old, i);
        if (is_same(L, which))
            lua_pop(L, 1);
        else
            lua_rawseti(L, list, ++left);
    }
    if (left == 0)
        lua_pushnil(L);
    set_list(L, object, event);
    lua_settop(L, old - 1);
    return count - left;
}

int slua_emitter_remove(lua_State *L, int event)
{
    lua_settop(L, 3);
    return without(L, 1, event, 3);
}

bool slua_emitter_entry(lua_State *L, int object, int event)
{
    if (!lua_istable(L, -1))
        return lua_isfunction(L, -1);
    if (without(L, object, event, lua_gettop(L)) == 0)
        return false; /* it was called meanwhile */
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
    return true;
}

/* ---- one event, each handler in a task of its own ---- */

bool slua_emission_next(lua_State *L, int object, int event, struct slua_emission *e)
{
    if (e->index == 1) {
        slua_emitter_push(L, object, event);
        e->count = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0;
        if (e->count > 1) {
            lua_pushvalue(L, -1);
            e->list_ref = luaL_ref(L, LUA_REGISTRYINDEX);
        }
    } else {
        slua_push_ref(L, e->list_ref);
    }
    if (e->count == 0)
        return false;
    lua_rawgeti(L, -1, e->index);
    lua_remove(L, -2);
    return slua_emitter_entry(L, object, event);
}

void slua_emission_end(struct slua_host *host, struct slua_emission *e)
{
    if (e->list_ref)
        slua_unref(host, e->list_ref);
}
