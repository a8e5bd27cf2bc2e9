/* bindings/lua/emit.c -- the way of an event from a script into the core.
 *
 * Arguments go from the Lua stack straight into the message's sink; nothing is sent when one of
 * them cannot be.  Nothing is allocated here but for a callback.
 */
#include "api.h"

/* The message for the event at index `first`, with the arguments up to `last`, in *ret_message.
 * On failure an error text is pushed. */
static int build(lua_State *L, const struct slua_operator *to, int first, int last,
                 struct sioc_message **ret_message)
{
    struct slua_api *api = to->nsp->server->api;
    struct sioc_str name;
    int r;

    name.ptr = lua_tolstring(L, first, &name.len);
    r = sioc_message_new(to->nsp->core, name, ret_message);
    if (r == SIOC_ERESERVED) {
        lua_pushfstring(L, "\"%s\" is a reserved event name", name.ptr);
        return r;
    }
    if (r < 0) {
        lua_pushfstring(L, "event name: %s", sioc_strerror(r));
        return r;
    }
    return slua_fill(L, api, *ret_message, first + 1, last);
}

static struct sioc_emit settings(const struct slua_operator *to)
{
    return (struct sioc_emit){
        .is_volatile = to->is_volatile,
        .no_compress = to->no_compress,
        .timeout_ms = to->timeout_ms,
    };
}

/* ---- to one ---- */

static struct sioc_socket *receiver(const struct slua_operator *to)
{
    struct sioc_server *core = to->nsp->server->core;

    return core ? sioc_socket_find(core, to->socket) : NULL;
}

/* Sends with a callback, which hears of a failure as well, before emit returns. */
static int emit_with_callback(lua_State *L, const struct slua_operator *to, int first)
{
    int last = lua_gettop(L) - 1, ref, r = SIOC_ECLOSED;
    struct sioc_emit emit = settings(to);
    struct sioc_message *message;
    struct sioc_socket *socket = receiver(to);

    ref = luaL_ref(L, LUA_REGISTRYINDEX); /* the callback was on the top */
    if (slua_muted(L)) {
        r = SLUA_MUTED;
    } else if (socket) {
        if (build(L, to, first, last, &message) < 0) {
            luaL_unref(L, LUA_REGISTRYINDEX, ref);
            return lua_error(L);
        }
        emit.ack = slua_ack_callback(to->nsp->server, ref, false);
        r = sioc_socket_emit(socket, message, &emit);
    }
    if (r < 0)
        slua_ack_fail(to->nsp->server, to->socket, ref, r);
    else
        to->nsp->server->api->host->callbacks++;
    lua_pushboolean(L, r >= 0);
    return 1;
}

int slua_emit(lua_State *L, const struct slua_operator *to, int first)
{
    int last = lua_gettop(L);
    struct sioc_emit emit;
    struct sioc_message *message;
    struct sioc_socket *socket;
    int r = SIOC_ECLOSED;

    if (lua_type(L, first) != LUA_TSTRING)
        luaL_checkstring(L, first); /* a number will do, or it raises */
    if (last > first && lua_isfunction(L, last))
        return emit_with_callback(L, to, first);
    socket = slua_muted(L) ? NULL : receiver(to);
    if (socket) {
        if (build(L, to, first, last, &message) < 0)
            return lua_error(L);
        memset(&emit, 0, sizeof emit);
        emit.is_volatile = to->is_volatile;
        emit.no_compress = to->no_compress;
        r = sioc_socket_emit(socket, message, &emit);
    }
    lua_pushboolean(L, r >= 0);
    return 1;
}

/* The answer's values are on the stack. */
static int answered(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

static int unanswered(lua_State *L, int code)
{
    lua_pushnil(L);
    lua_pushstring(L, slua_why_not(code));
    return 2;
}

int slua_emit_with_ack(lua_State *L, const struct slua_operator *to, int first)
{
    struct sioc_emit emit = settings(to);
    struct sioc_message *message;
    struct sioc_socket *socket = receiver(to);
    int r;

    luaL_checkstring(L, first);
    if (!slua_can_wait(L))
        return luaL_error(L, "emit_with_ack waits, and that is not possible here; give emit a "
                             "function for the answer instead");
    if (slua_muted(L))
        return unanswered(L, SLUA_MUTED);
    if (!socket)
        return unanswered(L, SIOC_ECLOSED);
    if (build(L, to, first, lua_gettop(L), &message) < 0)
        return lua_error(L);
    emit.ack = slua_ack_task(to->nsp->server, slua_task_id(L), false);
    r = sioc_socket_emit(socket, message, &emit);
    if (r < 0)
        return unanswered(L, r);
    lua_settop(L, 0);
    return slua_wait(L, answered, 0);
}

/* ---- to many ---- */

/* How many got it, or a code with an error text pushed. */
static int broadcast(lua_State *L, const struct slua_operator *to, const struct sioc_str *names,
                     int first, int last, const struct sioc_handler *ack)
{
    struct sioc_target target = slua_target(to, names);
    struct sioc_emit emit = settings(to);
    struct sioc_message *message;
    int r = SIOC_ECLOSED;

    if (to->nsp->server->core) {
        if (build(L, to, first, last, &message) < 0)
            return SIOC_EINVAL;
        if (ack)
            emit.ack = *ack;
        r = sioc_broadcast(to->nsp->core, &target, message, &emit);
    }
    if (r < 0)
        lua_pushfstring(L, "emit: %s", sioc_strerror(r));
    return r;
}

int slua_emit_to_many(lua_State *L, const struct slua_operator *to,
                      const struct sioc_str *names, int first)
{
    int last = lua_gettop(L), ref = LUA_NOREF, r;
    struct sioc_handler ack;

    luaL_checkstring(L, first);
    if (slua_muted(L)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (last > first && lua_isfunction(L, last)) {
        ref = luaL_ref(L, LUA_REGISTRYINDEX); /* it was on the top */
        ack = slua_ack_callback(to->nsp->server, ref, true);
        last--;
    }
    r = broadcast(L, to, names, first, last, ref == LUA_NOREF ? NULL : &ack);
    if (r < 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        return lua_error(L);
    }
    to->nsp->server->api->host->callbacks += ref != LUA_NOREF;
    lua_pushboolean(L, 1);
    return 1;
}

/* Waits for the answers: a list of them, and nil or why some are missing. */
int slua_ask_many(lua_State *L, const struct slua_operator *to, const struct sioc_str *names,
                  int first)
{
    struct sioc_handler ack = slua_ack_task(to->nsp->server, slua_task_id(L), true);

    luaL_checkstring(L, first);
    if (!slua_can_wait(L))
        return luaL_error(L, "emit_with_ack waits, and that is not possible here; give emit a "
                             "function for the answers instead");
    if (slua_muted(L))
        return unanswered(L, SLUA_MUTED);
    if (broadcast(L, to, names, first, lua_gettop(L), &ack) < 0)
        return lua_error(L);
    lua_settop(L, 0);
    return slua_wait(L, answered, 0);
}

/* ---- to other servers ---- */

/* Raises what cannot be sent.  ack: taken. */
static void tell_servers(lua_State *L, const struct slua_operator *to, int first, int last,
                         const struct sioc_handler *ack)
{
    struct slua_server *server = to->nsp->server;
    struct sioc_str name = slua_check_str(L, first);
    struct sioc_emit emit = settings(to);
    struct sioc_message *message;
    int r = sioc_message_new_for_servers(to->nsp->core, name, &message);

    if (r == SIOC_ERESERVED)
        luaL_error(L, "\"%s\" is a reserved event name", name.ptr);
    if (r < 0)
        luaL_error(L, "event name: %s", sioc_strerror(r));
    if (slua_fill(L, server->api, message, first + 1, last) < 0)
        lua_error(L);
    if (ack)
        emit.ack = *ack;
    r = sioc_server_side_emit(to->nsp->core, message, &emit);
    if (r < 0)
        luaL_error(L, "server_side_emit: %s", sioc_strerror(r));
}

/* The last argument may be a function(err, answers). */
int slua_emit_to_servers(lua_State *L, const struct slua_operator *to, int first)
{
    int last = lua_gettop(L);
    struct sioc_handler ack;
    bool asks = last > first && lua_isfunction(L, last);

    if (asks) {
        /* An error before it is taken leaves a function in the registry: rare, and small. */
        ack = slua_ack_callback(to->nsp->server, luaL_ref(L, LUA_REGISTRYINDEX), true);
        last--;
    }
    tell_servers(L, to, first, last, asks ? &ack : NULL);
    lua_pushboolean(L, 1);
    return 1;
}

int slua_ask_servers(lua_State *L, const struct slua_operator *to, int first)
{
    struct sioc_handler ack = slua_ack_task(to->nsp->server, slua_task_id(L), true);

    luaL_checkstring(L, first);
    if (!slua_can_wait(L))
        return luaL_error(L, "server_side_emit_with_ack waits, and that is not possible here");
    tell_servers(L, to, first, lua_gettop(L), &ack);
    lua_settop(L, 0);
    return slua_wait(L, answered, 0);
}
