/* bindings/lua/adapter.c -- adapters that scripts write: option adapter = function(nsp) ...
 * end.
 *
 * The function gives a table for a namespace; each method that is in it takes the place of the
 * local adapter's (local_adapter.c).  A method runs in a task of its own, so it may wait; where
 * the core waits for what comes of it, that goes into a survey or a session, and the end of the
 * task is noticed (struct slua_pending) even if it is an error.
 *
 * Invariant: what the core lends to a call (message, target, rooms) is on the Lua stack before
 * the first method is called, because any of them may wait.
 */
#include "adapter.h"
#include <stdlib.h>

/* ---- arguments ---- */

void slua_push_method(lua_State *L, const struct slua_adapter *a, const char *method)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    slua_push_ref(L, a->table_ref);
    lua_getfield(L, -1, method);
    lua_insert(L, -2);
}

void slua_push_names(lua_State *L, const struct sioc_str *names, size_t count)
{
    lua_createtable(L, (int)count, 0);
    slua_tag_array(L);
    for (size_t i = 0; i < count; i++) {
        slua_push_str(L, names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void set_flag(lua_State *L, const char *name, bool on, bool value)
{
    if (!on)
        return;
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

void slua_push_opts(lua_State *L, const struct slua_adapter_call *c)
{
    const struct sioc_target *t = c->target;
    struct sioc_server *core = c->adapter->server->core;
    const struct sioc_socket *sender =
        t->except_socket ? sioc_socket_find(core, t->except_socket) : NULL;

    lua_createtable(L, 0, 3);
    slua_push_names(L, t->rooms, t->room_count);
    lua_setfield(L, -2, "rooms");
    slua_push_names(L, t->except, t->except_count);
    if (sender) {
        slua_push_str(L, sioc_socket_id(sender));
        lua_rawseti(L, -2, (lua_Integer)t->except_count + 1);
    }
    lua_setfield(L, -2, "except");
    lua_newtable(L);
    set_flag(L, "local", t->local, true);
    set_flag(L, "volatile", c->emit && c->emit->is_volatile, true);
    set_flag(L, "compress", c->emit && c->emit->no_compress, false);
    if (c->emit && c->emit->timeout_ms > 0) {
        lua_pushnumber(L, (double)c->emit->timeout_ms / 1000);
        lua_setfield(L, -2, "timeout");
    }
    lua_setfield(L, -2, "flags");
}

void slua_push_packet_data(lua_State *L, struct sioc_message *message)
{
    struct slua_builder b;
    int r;

    slua_builder_init(&b, L);
    r = b.sink.ops->array_begin(&b.sink, SIOC_COUNT_UNKNOWN);
    if (r >= 0)
        r = sioc_message_read(message, &b.sink, NULL);
    if (r >= 0)
        r = b.sink.ops->array_end(&b.sink);
    if (r < 0)
        luaL_error(L, "the packet cannot be read: %s", sioc_strerror(r));
}

void slua_push_packet(lua_State *L, const struct slua_adapter_call *c)
{
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, 2);
    lua_setfield(L, -2, "type");
    slua_set_str(L, "nsp", sioc_namespace_name(c->adapter->core));
    slua_push_packet_data(L, c->message);
    lua_setfield(L, -2, "data");
}

/* ---- running ---- */

int slua_adapter_run_with(const struct slua_adapter_call *c, lua_CFunction body,
                          struct slua_task_info *info)
{
    struct slua_server *server = c->adapter->server;
    /* A body reads the call, and nothing is written to it. */
    void *arg = (void *)(uintptr_t)c;
    int r;

    info->what = "adapter";
    info->server = server->core;
    info->owner = server;
    snprintf(info->name, sizeof info->name, "%s", c->method);
    r = slua_run(server->api->host, body, arg, info);
    if (r < 0)
        slua_log(server->api->host, SIOC_LOG_ERROR, "adapter: %s: %s", c->method,
                 sioc_strerror(r));
    return r;
}

int slua_adapter_run(const struct slua_adapter_call *c, lua_CFunction body)
{
    struct slua_task_info info = {.what = "adapter"};

    return slua_adapter_run_with(c, body, &info);
}

int slua_call_method(lua_State *L, int arguments)
{
    lua_callk(L, arguments + 1, 0, 0, slua_return_nothing);
    return 0;
}

/* ---- rooms ---- */

static int room_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    slua_push_method(L, c->adapter, c->method);
    slua_push_str(L, sioc_socket_id(c->socket));
    if (c->count == 0)
        return slua_call_method(L, 1);
    if (strcmp(c->method, "add_all") == 0)
        slua_push_names(L, c->text, 1);
    else
        slua_push_str(L, c->text[0]);
    return slua_call_method(L, 2);
}

static int on_add(struct sioc_adapter *adapter, struct sioc_socket *socket,
                  struct sioc_str room)
{
    return slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                        .method = "add_all",
                                                        .socket = socket,
                                                        .text = {room},
                                                        .count = 1},
                            room_body);
}

static void on_del(struct sioc_adapter *adapter, struct sioc_socket *socket,
                   struct sioc_str room)
{
    slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                 .method = "del",
                                                 .socket = socket,
                                                 .text = {room},
                                                 .count = 1},
                     room_body);
}

static void on_del_all(struct sioc_adapter *adapter, struct sioc_socket *socket)
{
    slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                 .method = "del_all",
                                                 .socket = socket},
                     room_body);
}

static int move_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    slua_push_method(L, c->adapter, c->method);
    slua_push_opts(L, c);
    if (c->rooms)
        slua_push_names(L, c->rooms, c->count);
    else
        lua_pushboolean(L, c->close);
    return slua_call_method(L, 2);
}

static void on_join(struct sioc_adapter *adapter, const struct sioc_target *target,
                    const struct sioc_str *rooms, size_t count)
{
    slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                 .method = "add_sockets",
                                                 .target = target,
                                                 .rooms = rooms,
                                                 .count = count},
                     move_body);
}

static void on_leave(struct sioc_adapter *adapter, const struct sioc_target *target,
                     const struct sioc_str *rooms, size_t count)
{
    slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                 .method = "del_sockets",
                                                 .target = target,
                                                 .rooms = rooms,
                                                 .count = count},
                     move_body);
}

static void on_disconnect(struct sioc_adapter *adapter, const struct sioc_target *target,
                          bool close)
{
    slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                 .method = "disconnect_sockets",
                                                 .target = target,
                                                 .close = close},
                     move_body);
}

/* ---- broadcasts ---- */

static int broadcast_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    slua_push_method(L, c->adapter, c->method);
    slua_push_packet(L, c);
    slua_push_opts(L, c);
    return slua_call_method(L, 2);
}

static int on_broadcast(struct sioc_adapter *adapter, const struct sioc_target *target,
                        struct sioc_message *message, const struct sioc_emit *emit)
{
    return slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                        .method = "broadcast",
                                                        .target = target,
                                                        .message = message,
                                                        .emit = emit},
                            broadcast_body);
}

/* ---- making and closing ---- */

static int has_body(lua_State *L)
{
    slua_push_method(L, lua_touserdata(L, 1), lua_touserdata(L, 2));
    lua_pushboolean(L, !lua_isnil(L, -2));
    return 1;
}

/* The table may find its methods by a metatable, so looking may raise. */
static bool has_method(const struct slua_adapter *a, const char *name)
{
    lua_State *L = a->server->api->host->L;
    bool has = false;

    if (!lua_checkstack(L, LUA_MINSTACK))
        return false;
    lua_pushcfunction(L, has_body);
    lua_pushlightuserdata(L, (void *)(uintptr_t)a);
    lua_pushlightuserdata(L, (void *)(uintptr_t)name);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        has = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return has;
}

static int plain_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    slua_push_method(L, c->adapter, c->method);
    return slua_call_method(L, 0);
}

static void on_close(struct sioc_adapter *adapter)
{
    struct slua_adapter *a = slua_adapter_of(adapter);
    struct slua_host *host = a->server->api->host;

    if (a->has_close)
        slua_adapter_run(&(struct slua_adapter_call){.adapter = a, .method = "close"},
                         plain_body);
    slua_unref(host, a->table_ref);
    slua_unref(host, a->nsp_ref);
    free(a);
}

/* What the script has a method for is the script's. */
static void set_ops(struct slua_adapter *a)
{
    struct sioc_adapter_ops *ops = &a->ops;

    ops->close = on_close;
    a->has_close = has_method(a, "close");
    a->has_sockets = has_method(a, "sockets");
    a->has_fetch = has_method(a, "fetch_sockets");
    if (has_method(a, "add_all"))
        ops->add = on_add;
    if (has_method(a, "del"))
        ops->del = on_del;
    if (has_method(a, "del_all"))
        ops->del_all = on_del_all;
    if (has_method(a, "broadcast"))
        ops->broadcast = on_broadcast;
    if (has_method(a, "broadcast_with_ack"))
        ops->broadcast_with_ack = slua_adapter_on_broadcast_with_ack;
    if (a->has_fetch || a->has_sockets)
        ops->fetch = slua_adapter_on_fetch;
    if (has_method(a, "add_sockets"))
        ops->join = on_join;
    if (has_method(a, "del_sockets"))
        ops->leave = on_leave;
    if (has_method(a, "disconnect_sockets"))
        ops->disconnect = on_disconnect;
    if (has_method(a, "server_side_emit"))
        ops->server_side_emit = slua_adapter_on_server_side_emit;
    if (has_method(a, "persist_session"))
        ops->persist_session = slua_adapter_on_persist;
    if (has_method(a, "restore_session"))
        ops->restore_session = slua_adapter_on_restore;
    a->base.ops = ops;
}

/* Index 1: the adapter.  Its references are set when all has gone well. */
static int open_body(lua_State *L)
{
    struct slua_adapter *a = lua_touserdata(L, 1);

    slua_push_ref(L, a->server->adapter_ref);
    slua_push_nsp(L, a->server, a->core);
    lua_pushvalue(L, -1);
    lua_insert(L, 2); /* 1 adapter, 2 namespace */
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1))
        return 0; /* the local one is good enough */
    if (!lua_istable(L, -1))
        return luaL_error(L, "adapter: a table of methods expected, not a %s",
                          luaL_typename(L, -1));
    a->table_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 2);
    a->nsp_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int open_adapter(void *user, struct sioc_namespace *nsp,
                        struct sioc_adapter **ret_adapter)
{
    struct slua_server *server = user;
    struct slua_adapter *a = calloc(1, sizeof *a);
    struct slua_adapter_call init = {.adapter = a, .method = "init"};
    struct slua_task_info info = {
        .what = "adapter", .server = server->core, .owner = server, .name = "open"};

    if (!a)
        return SIOC_ENOMEM;
    a->server = server;
    a->core = nsp;
    if (slua_run(server->api->host, open_body, a, &info) < 0 || !a->nsp_ref) {
        free(a); /* an error was logged; the namespace has the local one */
        return 0;
    }
    set_ops(a);
    *ret_adapter = &a->base;
    if (has_method(a, "init"))
        slua_adapter_run(&init, plain_body);
    return 0;
}

void slua_adapters_start(struct slua_server *server)
{
    if (server->core && server->adapter_ref)
        sioc_server_set_adapter(server->core, open_adapter, server);
    else if (server->core)
        sioc_server_set_adapter(server->core, NULL, NULL);
}

void slua_push_adapter(lua_State *L, struct slua_nsp *nsp)
{
    struct sioc_adapter *adapter = sioc_namespace_adapter(nsp->core);

    if (adapter && adapter->ops->close == on_close)
        slua_push_ref(L, slua_adapter_of(adapter)->table_ref);
    else
        slua_push_local_adapter(L, nsp);
}
