/* bindings/lua/socket.c -- one client in one namespace, as scripts see it.
 *
 * The userdata holds the socket's handle, never a pointer into the core, so it can be kept for
 * ever: when the client has gone, every method is safe, emit returns false, and id and data can
 * still be read.  There is one userdata per socket, kept alive by the core's host_ref until the
 * socket's last handler has run.
 */
#include "api.h"

enum { DATA = SLUA_SOCKET_DATA, HANDSHAKE = SLUA_SOCKET_HANDSHAKE };

const char slua_socket_type;

static struct slua_socket *self(lua_State *L)
{
    return slua_self_socket(L);
}

struct slua_socket *slua_new_socket(lua_State *L, struct slua_server *server,
                                    struct sioc_socket *socket)
{
    struct slua_nsp *nsp = slua_push_nsp(L, server, sioc_socket_namespace(socket));
    struct slua_socket *s = lua_newuserdatauv(L, sizeof *s, SLUA_SOCKET_VALUES);
    struct slua_host *host = server->api->host;
    struct sioc_str id;

    lua_insert(L, -2);
    lua_setiuservalue(L, -2, SLUA_SOCKET_NSP);
    s->type = &slua_socket_type;
    s->reloaded = false;
    s->handle = sioc_socket_handle(socket);
    s->nsp = nsp;
    id = sioc_socket_id(socket);
    if (id.len >= sizeof s->id)
        id.len = sizeof s->id - 1;
    memcpy(s->id, id.ptr, id.len);
    s->id[id.len] = '\0';
    slua_set_type(L, server->api, SLUA_SOCKET);
    if (!host->retired) {
        lua_pushvalue(L, -1);
        sioc_socket_set_host_ref(socket, host, luaL_ref(L, LUA_REGISTRYINDEX));
    }
    return s;
}

void slua_push_socket(lua_State *L, struct slua_server *server, struct sioc_socket *socket)
{
    intptr_t ref = sioc_socket_host_ref(socket, server->api->host);

    if (ref)
        slua_push_ref(L, ref);
    else
        slua_new_socket(L, server, socket);
}

/* ---- messages ---- */

static int socket_emit(lua_State *L)
{
    const struct slua_socket *s = self(L);
    const struct slua_operator to = {.nsp = s->nsp, .socket = s->handle, .direct = true};

    return slua_emit(L, &to, 2);
}

static int socket_send(lua_State *L)
{
    self(L);
    lua_pushliteral(L, "message");
    lua_insert(L, 2);
    return socket_emit(L);
}

static int socket_emit_with_ack(lua_State *L)
{
    const struct slua_socket *s = self(L);
    const struct slua_operator to = {.nsp = s->nsp, .socket = s->handle, .direct = true};

    return slua_emit_with_ack(L, &to, 2);
}

static int socket_disconnect(lua_State *L)
{
    struct sioc_socket *socket = slua_find_socket(self(L));

    if (socket && !slua_muted(L))
        sioc_socket_disconnect(socket, lua_toboolean(L, 2));
    return 0;
}

/* ---- rooms ---- */

/* True, or false and why not. */
static int each_room(lua_State *L, int (*fn)(struct sioc_socket *, struct sioc_str))
{
    const struct slua_socket *s = self(L);
    unsigned count = slua_count_names(L, 2);

    for (unsigned i = 1; i <= count; i++) {
        struct sioc_str room = slua_push_name(L, 2, i);
        struct sioc_socket *socket = slua_find_socket(s);
        int r = socket ? fn(socket, room) : SIOC_ECLOSED;

        if (r == SIOC_ETOOBIG)
            return luaL_error(L, "the name of a room is longer than 256 bytes");
        if (r < 0) {
            lua_pushboolean(L, 0);
            lua_pushstring(L, r == SIOC_ECLOSED ? "disconnected" : sioc_strerror(r));
            return 2;
        }
        lua_pop(L, 1);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int socket_join(lua_State *L)
{
    return each_room(L, sioc_socket_join);
}

static int socket_leave(lua_State *L)
{
    return each_room(L, sioc_socket_leave);
}

void slua_push_socket_rooms(lua_State *L, const struct sioc_socket *socket)
{
    struct sioc_str room;
    lua_Integer n = 0;
    size_t pos = 0;

    lua_newtable(L);
    while (socket && sioc_socket_room_next(socket, &pos, &room)) {
        slua_push_str(L, room);
        lua_rawseti(L, -2, ++n);
    }
    slua_tag_array(L);
}

/* ---- properties ---- */

static const char *const properties[] = {
    SLUA_OP_PROPERTIES, "id",        "data", "connected", "disconnected", "recovered",
    "reloaded",         "rooms",     "nsp",  "handshake", "conn",         "request",
    "client",           "transport", NULL,
};
enum {
    ID = SLUA_OP_LAST + 1,
    DATA_TABLE,
    CONNECTED,
    DISCONNECTED,
    RECOVERED,
    RELOADED,
    ROOMS,
    NSP,
    HANDSHAKE_TABLE,
    CONN,
    REQUEST,
    CLIENT,
    TRANSPORT
};

static void push_data(lua_State *L)
{
    if (lua_getiuservalue(L, 1, DATA) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    slua_push_data(L, slua_find_socket(self(L)));
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, DATA);
}

static void push_handshake(lua_State *L, const struct sioc_socket *socket)
{
    if (lua_getiuservalue(L, 1, HANDSHAKE) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    slua_push_handshake(L, socket);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, HANDSHAKE);
}

static void push_conn(lua_State *L, const struct slua_socket *s, struct sioc_socket *socket)
{
    slua_push_conn(L, s->nsp->server, socket ? sioc_socket_conn(socket) : NULL);
}

/* What the client's sockets in all namespaces have in common. */
static void push_client(lua_State *L, const struct slua_socket *s, struct sioc_socket *socket)
{
    lua_createtable(L, 0, 3);
    push_conn(L, s, socket);
    lua_getfield(L, -1, "id");
    lua_setfield(L, -3, "id");
    lua_getfield(L, -1, "request");
    lua_setfield(L, -3, "request");
    lua_setfield(L, -2, "conn");
}

static int push_property(lua_State *L, const struct slua_socket *s, int property)
{
    struct sioc_socket *socket = slua_find_socket(s);
    bool connected = socket && sioc_socket_connected(socket);

    switch (property) {
    case CONNECTED:
        lua_pushboolean(L, connected);
        return 1;
    case DISCONNECTED:
        lua_pushboolean(L, !connected);
        return 1;
    case RECOVERED:
        lua_pushboolean(L, socket && sioc_socket_recovered(socket));
        return 1;
    case RELOADED:
        lua_pushboolean(L, s->reloaded);
        return 1;
    case ROOMS:
        slua_push_socket_rooms(L, socket);
        return 1;
    case NSP:
        lua_getiuservalue(L, 1, SLUA_SOCKET_NSP);
        return 1;
    case HANDSHAKE_TABLE:
        push_handshake(L, socket);
        return 1;
    case CONN:
        push_conn(L, s, socket);
        return 1;
    case REQUEST:
        push_conn(L, s, socket);
        lua_getfield(L, -1, "request");
        return 1;
    case CLIENT:
        push_client(L, s, socket);
        return 1;
    case TRANSPORT:
        lua_pushstring(L, socket ? sioc_socket_transport(socket) : NULL);
        return 1;
    default:
        return slua_op_property(L, property);
    }
}

static int socket_index(lua_State *L)
{
    int property = slua_member(L);
    const struct slua_socket *s;

    if (!property)
        return 1;
    s = self(L);
    switch (property) {
    case ID:
        lua_pushstring(L, s->id);
        return 1;
    case DATA_TABLE:
        push_data(L);
        return 1;
    default:
        return push_property(L, s, property);
    }
}

static int socket_newindex(lua_State *L)
{
    const char *key = luaL_tolstring(L, 2, NULL);

    self(L);
    if (strcmp(key, "data") != 0)
        return luaL_error(L,
                          "socket.%s cannot be set; what belongs to a socket has its place "
                          "in socket.data",
                          key);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, DATA);
    return 0;
}

static int socket_tostring(lua_State *L)
{
    lua_pushfstring(L, "socket %s", self(L)->id);
    return 1;
}

static const luaL_Reg methods[] = {
    {"emit", socket_emit},
    {"send", socket_send},
    {"write", socket_send},
    {"emit_with_ack", socket_emit_with_ack},
    {"timeout", slua_op_timeout},
    {"compress", slua_op_compress},
    {"join", socket_join},
    {"leave", socket_leave},
    {"to", slua_op_to},
    {"in_", slua_op_to},
    {"except", slua_op_except},
    {"disconnect", socket_disconnect},
    {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", socket_newindex},
    {"__tostring", socket_tostring},
    {NULL, NULL},
};

void slua_open_socket(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_SOCKET, "sioc.Socket", methods, properties, socket_index);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, slua_listener_methods, 1);
    lua_pop(L, 1);
    slua_push_ref(L, api->meta_ref[SLUA_SOCKET]);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, meta, 1);
    lua_pop(L, 1);
}
