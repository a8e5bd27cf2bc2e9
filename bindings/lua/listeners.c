/* bindings/lua/listeners.c -- the handlers of one socket: of its events, of every event, of
 * what is sent to it, and its middleware.
 *
 * Whoever registers something with a socket that has gone registers nothing: nothing will come.
 */
#include "api.h"

/* ---- by name ---- */

static int add_handler(lua_State *L, unsigned flags)
{
    const struct slua_socket *s = slua_self_socket(L);
    struct sioc_str name = slua_check_str(L, 2);
    struct sioc_socket *socket = slua_find_socket(s);
    struct sioc_handler handler;
    int r;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (!socket || slua_is_retired(s->nsp->server->api))
        return 0;
    handler = slua_handler(L, s->nsp, SLUA_HOOK_OWN, 3, 4);
    r = sioc_socket_on(socket, name, handler, flags);
    if (r < 0) {
        slua_function_unref(s->nsp->server->api, handler.ref);
        return slua_refused(L, r, name.ptr);
    }
    return 0;
}

static int socket_on(lua_State *L)
{
    return add_handler(L, 0);
}

static int socket_once(lua_State *L)
{
    return add_handler(L, SIOC_ONCE);
}

static int socket_prepend(lua_State *L)
{
    return add_handler(L, SIOC_PREPEND);
}

static int socket_prepend_once(lua_State *L)
{
    return add_handler(L, SIOC_PREPEND | SIOC_ONCE);
}

static int socket_off(lua_State *L)
{
    const struct slua_socket *s = slua_self_socket(L);
    struct sioc_str name = slua_check_str(L, 2);
    struct sioc_socket *socket = slua_find_socket(s);

    return socket ? slua_off(L, s->nsp, socket, name, 3) : 0;
}

/* Handlers without a name: of every event that comes, that goes, and middleware. */
typedef int register_fn(struct sioc_socket *socket, struct sioc_handler handler,
                        unsigned flags);

static int on_incoming(struct sioc_socket *socket, struct sioc_handler handler, unsigned flags)
{
    return sioc_socket_on(socket, (struct sioc_str){NULL, 0}, handler, flags);
}

static int use(struct sioc_socket *socket, struct sioc_handler handler, unsigned flags)
{
    (void)flags;
    return sioc_socket_use(socket, handler);
}

static int add_any(lua_State *L, register_fn *fn, unsigned flags)
{
    const struct slua_socket *s = slua_self_socket(L);
    struct sioc_socket *socket = slua_find_socket(s);
    struct sioc_handler handler;
    int r;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!socket || slua_is_retired(s->nsp->server->api))
        return 0;
    handler = slua_handler(L, s->nsp, SLUA_HOOK_OWN | SLUA_HOOK_ANY, 2, 3);
    r = fn(socket, handler, flags);
    if (r < 0) {
        slua_function_unref(s->nsp->server->api, handler.ref);
        return slua_refused(L, r, "every event");
    }
    return 0;
}

static int socket_on_any(lua_State *L)
{
    return add_any(L, on_incoming, 0);
}

static int socket_prepend_any(lua_State *L)
{
    return add_any(L, on_incoming, SIOC_PREPEND);
}

static int socket_off_any(lua_State *L)
{
    const struct slua_socket *s = slua_self_socket(L);
    struct sioc_socket *socket = slua_find_socket(s);

    return socket ? slua_off(L, s->nsp, socket, (struct sioc_str){NULL, 0}, 2) : 0;
}

static int socket_on_any_outgoing(lua_State *L)
{
    return add_any(L, sioc_socket_on_outgoing, 0);
}

static int socket_prepend_any_outgoing(lua_State *L)
{
    return add_any(L, sioc_socket_on_outgoing, SIOC_PREPEND);
}

static int socket_off_any_outgoing(lua_State *L)
{
    const struct slua_socket *s = slua_self_socket(L);
    struct sioc_socket *socket = slua_find_socket(s);
    struct slua_server *server = s->nsp->server;
    int ref;

    if (!socket || slua_is_retired(s->nsp->server->api))
        return 0;
    if (lua_isnoneornil(L, 2)) {
        sioc_socket_off_outgoing(socket, NULL, 0);
        return 0;
    }
    luaL_checktype(L, 2, LUA_TFUNCTION);
    ref = slua_function_find(L, server->api, 2);
    for (unsigned flags = 0; ref && flags < SLUA_HOOKS; flags++)
        sioc_socket_off_outgoing(socket, &server->hooks[flags], ref);
    return 0;
}

static int socket_use(lua_State *L)
{
    return add_any(L, use, 0);
}

/* ---- which handlers are there ---- */

/* A list of functions: of one name, of every event (no name), of what is sent. */
static int push_handlers(lua_State *L, struct sioc_str name, bool outgoing)
{
    struct sioc_socket *socket = slua_find_socket(slua_self_socket(L));
    struct sioc_handler handler;
    lua_Integer n = 0;
    size_t pos = 0;

    lua_newtable(L);
    while (socket && (outgoing ? sioc_socket_outgoing_next(socket, &pos, &handler)
                               : sioc_socket_handler_next(socket, name, &pos, &handler))) {
        slua_push_ref(L, handler.ref);
        lua_rawseti(L, -2, ++n);
    }
    slua_tag_array(L);
    return 1;
}

static int socket_listeners(lua_State *L)
{
    return push_handlers(L, slua_check_str(L, 2), false);
}

static int socket_listener_count(lua_State *L)
{
    socket_listeners(L);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

static int socket_listeners_any(lua_State *L)
{
    return push_handlers(L, (struct sioc_str){NULL, 0}, false);
}

static int socket_listeners_any_outgoing(lua_State *L)
{
    return push_handlers(L, (struct sioc_str){NULL, 0}, true);
}

/* Each name once, in the order of registration. */
static int socket_event_names(lua_State *L)
{
    struct sioc_socket *socket = slua_find_socket(slua_self_socket(L));
    struct sioc_str name;
    lua_Integer n = 0;
    size_t pos = 0;

    lua_settop(L, 1);
    lua_newtable(L);
    lua_newtable(L); /* seen */
    while (socket && sioc_socket_name_next(socket, &pos, &name)) {
        slua_push_str(L, name);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 3) == LUA_TNIL) {
            lua_pushvalue(L, -2);
            lua_pushboolean(L, 1);
            lua_rawset(L, 3);
            lua_pushvalue(L, -2);
            lua_rawseti(L, 2, ++n);
        }
        lua_settop(L, 3);
    }
    lua_settop(L, 2);
    slua_tag_array(L);
    return 1;
}

/* Of one name, or of all names; those of every event stay, as in the reference. */
static int socket_remove_all_listeners(lua_State *L)
{
    struct sioc_socket *socket = slua_find_socket(slua_self_socket(L));
    struct sioc_str name;
    size_t pos = 0;

    if (socket && !lua_isnoneornil(L, 2)) {
        sioc_socket_off(socket, slua_check_str(L, 2), NULL, 0);
        return 0;
    }
    while (socket && sioc_socket_name_next(socket, &pos, &name)) {
        slua_push_str(L, name); /* off frees the one that we were given */
        sioc_socket_off(socket, slua_check_str(L, -1), NULL, 0);
        lua_pop(L, 1);
        pos = 0;
    }
    return 0;
}

const luaL_Reg slua_listener_methods[] = {
    {"on", socket_on},
    {"once", socket_once},
    {"off", socket_off},
    {"add_listener", socket_on},
    {"remove_listener", socket_off},
    {"prepend_listener", socket_prepend},
    {"prepend_once_listener", socket_prepend_once},
    {"listener_count", socket_listener_count},
    {"on_any", socket_on_any},
    {"prepend_any", socket_prepend_any},
    {"off_any", socket_off_any},
    {"listeners_any", socket_listeners_any},
    {"on_any_outgoing", socket_on_any_outgoing},
    {"prepend_any_outgoing", socket_prepend_any_outgoing},
    {"off_any_outgoing", socket_off_any_outgoing},
    {"listeners_any_outgoing", socket_listeners_any_outgoing},
    {"listeners", socket_listeners},
    {"event_names", socket_event_names},
    {"remove_all_listeners", socket_remove_all_listeners},
    {"use", socket_use},
    {NULL, NULL},
};
