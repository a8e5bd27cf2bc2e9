/* bindings/lua/remote.c -- sockets of other servers, as fetch_sockets gives them.
 *
 * One is a table with what its server has told: id, handshake, rooms, data.  Its methods speak
 * to the room of its id, which finds it wherever it is; they know the namespace as an upvalue.
 */
#include "api.h"

#define TIMEOUT "timeout_s" /* a field of one that has been given a timeout */

/* Upvalues of a method: 1 the namespace, 2 the operator's method. */
static int first_answer(lua_State *L, int status, lua_KContext ctx)
{
    int top = lua_gettop(L);

    (void)status, (void)ctx;
    if (!lua_istable(L, top - 1) || lua_rawgeti(L, top - 1, 1) == LUA_TNIL) {
        lua_settop(L, top);
        lua_pushnil(L);
        lua_pushvalue(L, top); /* why not */
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushstring(L, slua_why_not(SIOC_ECLOSED));
        }
        return 2;
    }
    return 1;
}

static int all_results(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    return lua_gettop(L);
}

/* remote:METHOD(...) is nsp:to(remote.id):METHOD(...). */
static int call_operator(lua_State *L)
{
    const char *method = lua_tostring(L, lua_upvalueindex(2));
    bool asks = strcmp(method, "emit_with_ack") == 0;
    int arguments = lua_gettop(L);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_getfield(L, -1, "to");
    lua_insert(L, -2);
    lua_getfield(L, 1, "id");
    lua_call(L, 2, 1); /* the operator */
    if (lua_getfield(L, 1, TIMEOUT) == LUA_TNUMBER) {
        lua_getfield(L, -2, "timeout");
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -3);
        lua_call(L, 2, 1);
        lua_replace(L, -3);
    }
    lua_pop(L, 1);
    lua_replace(L, 1);
    lua_getfield(L, 1, method);
    lua_insert(L, 1);
    lua_callk(L, arguments, asks ? 2 : LUA_MULTRET, 0, asks ? first_answer : all_results);
    return asks ? first_answer(L, LUA_OK, 0) : all_results(L, LUA_OK, 0);
}

/* The same socket, which waits so long for answers. */
static int with_timeout(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    slua_check_ms(L, 2);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, 3);
    }
    lua_pushvalue(L, 2);
    lua_setfield(L, 3, TIMEOUT);
    lua_getmetatable(L, 1);
    lua_setmetatable(L, 3);
    return 1;
}

void slua_push_remote_meta(lua_State *L, struct slua_nsp *nsp)
{
    static const struct {
        const char *name, *method;
    } methods[] = {
        {"emit", "emit"},
        {"send", "send"},
        {"write", "send"},
        {"emit_with_ack", "emit_with_ack"},
        {"join", "sockets_join"},
        {"leave", "sockets_leave"},
        {"disconnect", "disconnect_sockets"},
    };
    int members;

    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "sioc.RemoteSocket");
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    members = lua_gettop(L);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        slua_push_nsp(L, nsp->server, nsp->core);
        lua_pushstring(L, methods[i].method);
        lua_pushcclosure(L, call_operator, 2);
        lua_setfield(L, members, methods[i].name);
    }
    lua_pushcfunction(L, with_timeout);
    lua_setfield(L, members, "timeout");
    lua_setfield(L, -2, "__index");
}

void slua_to_sockets(lua_State *L, struct slua_nsp *nsp)
{
    int list = lua_gettop(L), meta;
    lua_Integer n = 0;

    slua_push_remote_meta(L, nsp);
    meta = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, meta);
            lua_setmetatable(L, -2);
            lua_rawseti(L, list, ++n);
        } else if (lua_isstring(L, -1)) {
            struct sioc_socket *socket =
                sioc_socket_by_id(nsp->core, slua_check_str(L, lua_gettop(L)));

            if (socket) { /* else it has gone meanwhile */
                slua_push_socket(L, nsp->server, socket);
                lua_rawseti(L, list, ++n);
            }
        }
        lua_settop(L, meta);
    }
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, list); i > n; i--) {
        lua_pushnil(L);
        lua_rawseti(L, list, i);
    }
    lua_settop(L, list);
}
