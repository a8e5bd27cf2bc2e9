/* bindings/lua/api.c -- what all API objects need: types, functions that are kept, arguments.
 *
 * Knows no server.  A type's members are one table: methods as functions, properties as
 * numbers; its __index function asks that table first (slua_member).  (A chain of __index
 * tables would not do: the function at its end is given the table, not the object.)
 */
#include "api.h"
#include <math.h>
#include <stdlib.h>

/* ---- types ---- */

void slua_new_type(lua_State *L, struct slua_api *api, enum slua_type type, const char *name,
                   const luaL_Reg *methods, const char *const *properties, lua_CFunction index)
{
    lua_newtable(L);
    api->meta[type] = lua_topointer(L, -1);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");

    lua_newtable(L); /* the members */
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, methods, 1);
    for (int i = 0; properties && properties[i]; i++) {
        lua_pushinteger(L, i + 1);
        lua_setfield(L, -2, properties[i]);
    }
    lua_pushvalue(L, -1);
    lua_insert(L, -3); /* members, meta, members */
    if (index) {
        lua_pushlightuserdata(L, api);
        lua_insert(L, -2);
        lua_pushcclosure(L, index, 2);
    }
    lua_setfield(L, -2, "__index");
    api->meta_ref[type] = luaL_ref(L, LUA_REGISTRYINDEX);
    /* The members stay on the stack, for whoever has more to add. */
}

int slua_member(lua_State *L)
{
    if (lua_gettop(L) != 2) /* somebody calls it by hand */
        lua_settop(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNUMBER)
        return 0;
    return (int)lua_tointeger(L, -1);
}

void slua_set_type(lua_State *L, const struct slua_api *api, enum slua_type type)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, api->meta_ref[type]);
    lua_setmetatable(L, -2);
}

bool slua_is(lua_State *L, const struct slua_api *api, int index, enum slua_type type)
{
    const void *meta;

    if (!lua_getmetatable(L, index))
        return false;
    meta = lua_topointer(L, -1);
    lua_pop(L, 1);
    return meta == api->meta[type];
}

int slua_wrong_self(lua_State *L)
{
    return luaL_error(L, "this is a method: call it with a colon, as in io:emit(...) or "
                         "socket:emit(...)");
}

void *slua_self(lua_State *L, const struct slua_api *api, enum slua_type type)
{
    if (!slua_is(L, api, 1, type))
        slua_wrong_self(L);
    return lua_touserdata(L, 1);
}

struct slua_nsp *slua_self_nsp(lua_State *L)
{
    const struct slua_api *api = slua_api(L);
    struct slua_nsp *nsp;

    if (!slua_is(L, api, 1, SLUA_SERVER) && !slua_is(L, api, 1, SLUA_NAMESPACE))
        slua_wrong_self(L);
    nsp = lua_touserdata(L, 1);
    if (!nsp->server->core)
        luaL_error(L, "the server is gone");
    return nsp;
}

/* ---- functions that are kept ---- */

/* The table api->functions: function -> its reference, and reference -> count if above one. */

int slua_function_find(lua_State *L, struct slua_api *api, int index)
{
    int ref;

    index = lua_absindex(L, index);
    slua_push_ref(L, api->functions);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    ref = (int)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return ref;
}

int slua_function_ref(lua_State *L, struct slua_api *api, int index)
{
    int ref = slua_function_find(L, api, index);

    index = lua_absindex(L, index);
    slua_push_ref(L, api->functions);
    if (ref) {
        lua_Integer count = lua_rawgeti(L, -1, ref) == LUA_TNUMBER ? lua_tointeger(L, -1) : 1;

        lua_pushinteger(L, count + 1);
        lua_rawseti(L, -3, ref);
        lua_pop(L, 2);
        return ref;
    }
    lua_pushvalue(L, index);
    ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, index);
    lua_pushinteger(L, ref);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return ref;
}

/* Only overwrites keys that exist, so it allocates nothing: the core calls it unprotected. */
void slua_function_unref(struct slua_api *api, intptr_t ref)
{
    lua_State *L = api->host->L;
    lua_Integer count = 0;

    slua_push_ref(L, api->functions);
    if (lua_rawgeti(L, -1, (lua_Integer)ref) == LUA_TNUMBER)
        count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (count > 2) {
        lua_pushinteger(L, count - 1);
        lua_rawseti(L, -2, (lua_Integer)ref);
    } else if (count == 2) {
        lua_pushnil(L);
        lua_rawseti(L, -2, (lua_Integer)ref);
    } else {
        slua_push_ref(L, ref);
        lua_pushnil(L);
        lua_rawset(L, -3);
        slua_unref(api->host, ref);
    }
    lua_pop(L, 1);
}

/* ---- pending handlers ---- */

struct slua_pending *slua_pending_new(struct slua_server *server, uint64_t handle)
{
    struct slua_pending *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->server = server;
    p->handle = handle;
    p->next = server->pending;
    p->link = &server->pending;
    if (p->next)
        p->next->link = &p->next;
    server->pending = p;
    return p;
}

void slua_pending_free(struct slua_pending *p)
{
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    free(p);
}

/* ---- arguments ---- */

uint64_t slua_check_ms(lua_State *L, int index)
{
    double seconds = luaL_checknumber(L, index);

    luaL_argcheck(L, seconds >= 0 && seconds <= 1e9, index,
                  "a time in seconds expected, 0 or more");
    return seconds < 0.001 ? 1 : (uint64_t)ceil(seconds * 1000);
}

unsigned slua_count_names(lua_State *L, int index)
{
    size_t count;

    if (lua_type(L, index) != LUA_TTABLE) {
        int top = lua_gettop(L);

        luaL_checkstring(L, index);
        for (int i = index + 1; i <= top; i++)
            luaL_checkstring(L, i);
        return (unsigned)(top - index + 1);
    }
    count = lua_rawlen(L, index);
    luaL_argcheck(L, count <= 1000, index, "more than 1000 rooms");
    return (unsigned)count;
}

struct sioc_str slua_push_name(lua_State *L, int index, unsigned i)
{
    size_t len;
    const char *text;

    if (lua_type(L, index) == LUA_TTABLE)
        lua_rawgeti(L, index, i);
    else
        lua_pushvalue(L, index + (int)i - 1);
    text = lua_tolstring(L, -1, &len);
    if (!text)
        luaL_argerror(L, index, "the name of a room, or an array of names, expected");
    return sioc_str_n(text, len);
}

/* slua_push_json is the way back. */
struct sioc_str slua_to_json(lua_State *L, struct slua_api *api, int index)
{
    index = lua_absindex(L, index);
    if (!api->encoder)
        api->encoder = sioc_json_encoder_new();
    if (!api->encoder)
        luaL_error(L, "not enough memory");
    sioc_json_encoder_reset(api->encoder);
    if (slua_walk(L, index, sioc_json_encoder_sink(api->encoder)) < 0) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
        lua_error(L);
    }
    return sioc_json_encoder_text(api->encoder);
}

const char *slua_push_path(lua_State *L, const struct slua_api *api, const char *dir)
{
    const char *script = api->host->config->script;
    const char *slash = script ? strrchr(script, '/') : NULL;

    if (dir[0] == '/' || !slash)
        return lua_pushstring(L, dir);
    lua_pushlstring(L, script, (size_t)(slash - script + 1));
    lua_pushstring(L, dir);
    lua_concat(L, 2);
    return lua_tostring(L, -1);
}
