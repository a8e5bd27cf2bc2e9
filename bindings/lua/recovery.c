/* bindings/lua/recovery.c -- socket.data of clients that come back.
 *
 * When a socket goes that may come back, its data is walked into a sink of the core, as the
 * arguments of an event are; when it has come back, the first look at socket.data builds it.
 * Knows nothing of sessions and offsets.
 */
#include "api.h"

struct saving {
    intptr_t ref;
    struct sioc_sink *sink;
    int result;
};

static int walk_data(lua_State *L)
{
    struct saving *saving = lua_touserdata(L, 1);

    slua_push_ref(L, saving->ref);
    if (lua_getiuservalue(L, -1, SLUA_SOCKET_DATA) != LUA_TTABLE) {
        saving->result = SIOC_ENOTFOUND;
        return 0;
    }
    saving->result = slua_walk(L, -1, saving->sink);
    if (saving->result < 0)
        return luaL_error(L, "socket.data cannot be kept: %s", lua_tostring(L, -1));
    return 0;
}

int slua_save_data(void *user, struct sioc_socket *socket, struct sioc_sink *sink)
{
    struct slua_server *server = user;
    struct saving saving = {.ref = sioc_socket_host_ref(socket, server->api->host),
                            .sink = sink};
    struct slua_task_info info = {.what = "connection state recovery",
                                  .socket = sioc_socket_handle(socket),
                                  .server = server->core,
                                  .owner = server,
                                  .inner = true};

    saving.result = SIOC_ENOTFOUND;
    if (saving.ref && slua_run(server->api->host, walk_data, &saving, &info) < 0)
        return SIOC_ENOMEM;
    if (saving.result == SIOC_ENOTFOUND) /* nobody has looked at it since it came back */
        return sioc_socket_read_data(socket, sink);
    return saving.result;
}

void slua_push_data(lua_State *L, const struct sioc_socket *socket)
{
    struct slua_builder b;
    int base = lua_gettop(L), code = SIOC_ENOTFOUND;

    if (socket && sioc_socket_recovered(socket)) {
        slua_builder_init(&b, L);
        code = sioc_socket_read_data(socket, &b.sink);
    }
    if (code == SIOC_ENOMEM) {
        lua_settop(L, base);
        lua_gc(L, LUA_GCCOLLECT);
        luaL_error(L, "not enough memory");
    }
    if (code < 0 || !lua_istable(L, -1)) {
        lua_settop(L, base);
        lua_newtable(L);
    }
}
