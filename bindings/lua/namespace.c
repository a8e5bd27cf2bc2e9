/* bindings/lua/namespace.c -- namespaces: handlers for all of their sockets.
 *
 * The server is used as its namespace "/": every method here takes either.  What is said to all
 * sockets is said by operators (broadcast.c).
 */
#include "api.h"

/* ---- registering ---- */

int slua_refused(lua_State *L, int code, const char *name)
{
    switch (code) {
    case SIOC_ERESERVED:
        return luaL_error(L, "\"%s\" is a reserved event name", name);
    case SIOC_ECLOSED: /* the socket has gone meanwhile: nothing will come */
        return 0;
    default:
        return luaL_error(L, "\"%s\": %s", name, sioc_strerror(code));
    }
}

/* The third argument of on and event: {serial = true}. */
static unsigned read_flags(lua_State *L, const struct slua_nsp *nsp, int index)
{
    bool serial = nsp->server->serial;

    if (lua_isnoneornil(L, index))
        return serial ? SLUA_HOOK_SERIAL : 0;
    luaL_checktype(L, index, LUA_TTABLE);
    if (lua_getfield(L, index, "serial") != LUA_TNIL)
        serial = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return serial ? SLUA_HOOK_SERIAL : 0;
}

struct sioc_handler slua_handler(lua_State *L, struct slua_nsp *nsp, unsigned flags, int index,
                                 int options)
{
    struct sioc_handler handler = {.call = slua_on_event, .drop = slua_on_drop};

    luaL_checktype(L, index, LUA_TFUNCTION);
    flags |= read_flags(L, nsp, options);
    handler.user = &nsp->server->hooks[flags];
    handler.ref = slua_function_ref(L, nsp->server->api, index);
    return handler;
}

static int undo(lua_State *L, struct slua_nsp *nsp, struct sioc_handler handler, int code,
                const char *name)
{
    slua_function_unref(nsp->server->api, handler.ref);
    return slua_refused(L, code, name);
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* The server's "error" handlers: of all its namespaces. */
static void add_error_handler(lua_State *L, struct slua_server *server, int index)
{
    luaL_checktype(L, index, LUA_TFUNCTION);
    if (server->error_count == SLUA_ERROR_HANDLERS)
        luaL_error(L, "more than %d \"error\" handlers", SLUA_ERROR_HANDLERS);
    server->errors[server->error_count] = slua_function_ref(L, server->api, index);
    server->error_count++;
}

static int remove_error_handlers(lua_State *L, struct slua_server *server, int index)
{
    int ref = lua_isnoneornil(L, index) ? 0 : slua_function_find(L, server->api, index);
    bool all = lua_isnoneornil(L, index);
    int kept = 0;

    for (int i = 0; i < server->error_count; i++) {
        if (all || server->errors[i] == ref)
            slua_function_unref(server->api, server->errors[i]);
        else
            server->errors[kept++] = server->errors[i];
    }
    server->error_count = kept;
    return 0;
}

static int add_handler(lua_State *L, unsigned flags)
{
    static const char *const known[] = {
        "connection",  "connect",   "disconnecting", "disconnect",  "new_namespace",
        "create-room", "join-room", "leave-room",    "delete-room", "reload",
        NULL};
    struct slua_nsp *nsp = slua_self_nsp(L);
    const char *name = luaL_checkstring(L, 2);
    struct sioc_handler handler;
    int r;

    if (slua_is_retired(nsp->server->api))
        return 0;
    if (strcmp(name, "error") == 0) {
        add_error_handler(L, nsp->server, 3);
        return 0;
    }
    if (!is_one_of(name, known))
        return luaL_error(
            L,
            "on(\"%s\"): a server hears of \"connection\", \"disconnecting\", "
            "\"disconnect\", \"reload\" and \"error\"; for what clients send there are "
            "io:event(name, function(socket, ...) end) and socket:on",
            name);
    handler = slua_handler(L, nsp, 0, 3, 4);
    r = sioc_namespace_on(nsp->core, sioc_str(name), handler, flags);
    nsp->server->registered++;
    return r < 0 ? undo(L, nsp, handler, r, name) : 0;
}

static int nsp_on(lua_State *L)
{
    return add_handler(L, 0);
}

static int nsp_once(lua_State *L)
{
    return add_handler(L, SIOC_ONCE);
}

static int add_event(lua_State *L, int (*add)(struct sioc_namespace *nsp, struct sioc_str name,
                                              struct sioc_handler handler, unsigned flags))
{
    struct slua_nsp *nsp = slua_self_nsp(L);
    struct sioc_str name = slua_check_str(L, 2);
    struct sioc_handler handler;
    int r;

    if (slua_is_retired(nsp->server->api))
        return 0;
    handler = slua_handler(L, nsp, 0, 3, 4);
    r = add(nsp->core, name, handler, 0);
    nsp->server->registered++;
    return r < 0 ? undo(L, nsp, handler, r, name.ptr) : 0;
}

static int nsp_event(lua_State *L)
{
    return add_event(L, sioc_namespace_event);
}

/* on_server_side_emit(name, fn): what other servers have emitted. */
static int nsp_on_servers(lua_State *L)
{
    return add_event(L, sioc_namespace_on_servers);
}

int slua_off(lua_State *L, struct slua_nsp *nsp, struct sioc_socket *socket,
             struct sioc_str name, int index)
{
    bool all = lua_isnoneornil(L, index);
    int ref = 0;

    if (!all) {
        luaL_checktype(L, index, LUA_TFUNCTION);
        ref = slua_function_find(L, nsp->server->api, index);
        if (!ref)
            return 0;
    }
    for (unsigned flags = 0; flags < (all ? 1 : SLUA_HOOKS); flags++) {
        const void *user = all ? NULL : &nsp->server->hooks[flags];

        if (socket)
            sioc_socket_off(socket, name, user, ref);
        else
            sioc_namespace_off(nsp->core, name, user, ref);
    }
    return 0;
}

static int nsp_off(lua_State *L)
{
    struct slua_nsp *nsp = slua_self_nsp(L);
    struct sioc_str name = slua_check_str(L, 2);

    if (strcmp(name.ptr, "error") == 0)
        return remove_error_handlers(L, nsp->server, 3);
    return slua_off(L, nsp, NULL, name, 3);
}

static int nsp_use(lua_State *L)
{
    struct slua_nsp *nsp = slua_self_nsp(L);
    struct sioc_handler handler;
    int r;

    if (slua_is_retired(nsp->server->api))
        return 0;
    handler = slua_handler(L, nsp, 0, 2, 3);
    r = sioc_namespace_use(nsp->core, handler);
    nsp->server->registered++;
    return r < 0 ? undo(L, nsp, handler, r, "use") : 0;
}

/* ---- the object ---- */

static const char *const properties[] = {
    SLUA_OP_PROPERTIES, "name", "sockets", "rooms", "adapter", "local_adapter", NULL};
enum { NSP_NAME = SLUA_OP_LAST + 1, NSP_SOCKETS, NSP_ROOMS, NSP_ADAPTER, NSP_LOCAL_ADAPTER };

/* A fresh table: id -> socket. */
static void push_sockets(lua_State *L, struct slua_nsp *nsp)
{
    const struct sioc_target all = {0};

    slua_push_sockets(L, nsp, &all);
    lua_newtable(L);
    for (lua_Integer i = 1; lua_rawgeti(L, -2, i) == LUA_TUSERDATA; i++) {
        const struct slua_socket *s = lua_touserdata(L, -1);

        lua_setfield(L, -2, s->id);
    }
    lua_pop(L, 1);
}

/* A fresh table: name -> how many are in it. */
void slua_push_rooms(lua_State *L, const struct sioc_namespace *core)
{
    struct sioc_str room;
    size_t pos = 0;

    lua_newtable(L);
    while (sioc_namespace_room_next(core, &pos, &room)) {
        slua_push_str(L, room);
        lua_pushinteger(L, (lua_Integer)sioc_namespace_room_size(core, room));
        lua_rawset(L, -3);
    }
}

static int nsp_index(lua_State *L)
{
    int property = slua_member(L);
    struct slua_nsp *nsp;

    if (!property)
        return 1;
    nsp = slua_self_nsp(L);
    switch (property) {
    case NSP_NAME:
        slua_push_str(L, sioc_namespace_name(nsp->core));
        return 1;
    case NSP_SOCKETS:
        push_sockets(L, nsp);
        return 1;
    case NSP_ROOMS:
        slua_push_rooms(L, nsp->core);
        return 1;
    case NSP_ADAPTER:
        slua_push_adapter(L, nsp);
        return 1;
    case NSP_LOCAL_ADAPTER:
        slua_push_local_adapter(L, nsp);
        return 1;
    default:
        return slua_op_property(L, property);
    }
}

const luaL_Reg slua_namespace_methods[] = {
    {"on", nsp_on},
    {"once", nsp_once},
    {"off", nsp_off},
    {"remove_all_listeners", nsp_off},
    {"event", nsp_event},
    {"use", nsp_use},
    SLUA_OP_METHODS,
    {"on_server_side_emit", nsp_on_servers},
    {"server_side_emit", slua_op_server_side_emit},
    {"server_side_emit_with_ack", slua_op_server_side_emit_with_ack},
    {NULL, NULL},
};

void slua_open_namespace(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_NAMESPACE, "sioc.Namespace", slua_namespace_methods, properties,
                  nsp_index);
    lua_pop(L, 1);
    slua_push_ref(L, api->meta_ref[SLUA_NAMESPACE]);
    lua_pushcfunction(L, slua_nsp_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
