/* bindings/lua/server.c -- sioc.server: life, addresses, and what is not a namespace's.
 *
 * A server is used as its namespace "/" too, so that io:on and io:of("/admin"):on are one
 * function.  Addresses are only noted while the script loads: nothing listens before all of it
 * has run without an error.
 */
#include "api.h"
#include "check.h"
#include "task.h"
#include "watchdog.h"
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 3000

static const char api_key; /* its address is the key in the registry */

static struct slua_server *self(lua_State *L)
{
    struct slua_server *server = slua_self(L, slua_api(L), SLUA_SERVER);

    if (!server->core)
        luaL_error(L, "the server is gone");
    return server;
}

/* ---- making ---- */

static void on_socket_gone(void *owner, intptr_t host_ref)
{
    slua_unref(owner, host_ref);
}

/* What the command line adds to the first server. */
static void configure(lua_State *L, struct slua_server *server, bool first)
{
    const struct slua_config *config = server->api->host->config;

    sioc_server_set_log(server->core, config->log_level, config->log, config->log_user);
    sioc_server_on_socket_gone(server->core, on_socket_gone);
    sioc_server_on_rebind(server->core, slua_on_rebind, server);
    sioc_server_on_socket_save(server->core, slua_save_data, server);
    if (config->client_dir && sioc_server_set_client_dir(server->core, config->client_dir) < 0)
        luaL_error(L, "not enough memory");
    for (size_t i = 0; first && i < config->static_count; i++) {
        int r = sioc_http_static(server->core, sioc_str("/"), config->statics[i]);

        if (r < 0)
            luaL_error(L, "--static %s: %s", config->statics[i],
                       r == SIOC_ENOTFOUND ? "no such folder" : sioc_strerror(r));
    }
}

static bool append(struct slua_host *host, struct slua_server *server)
{
    struct slua_server **link = &host->servers;
    bool first = *link == NULL;

    while (*link)
        link = &(*link)->next;
    *link = server;
    return first;
}

/* User values: 1 namespaces by address, 2 dynamic ones (weak), 3 patterns and their parents, in
 * turn. */
static void make_tables(lua_State *L)
{
    for (int i = 1; i <= 3; i++) {
        lua_newtable(L);
        if (i == 2) {
            lua_createtable(L, 0, 1);
            lua_pushliteral(L, "v");
            lua_setfield(L, -2, "__mode");
            lua_setmetatable(L, -2);
        }
        lua_setiuservalue(L, -2, i);
    }
}

static int new_server(lua_State *L)
{
    struct slua_api *api = slua_api(L);
    struct sioc_options *options;
    struct sioc_namespace *root;
    struct slua_server *server;
    double serial = 0, handler_timeout = 0;
    bool first;
    int r;

    slua_check_forbid(L, "sioc.server");
    if (slua_is_retired(api))
        return luaL_error(L, "sioc.server: this code was replaced by a reload");
    lua_settop(L, 1);
    server = lua_newuserdatauv(L, sizeof *server, 3);
    memset(server, 0, sizeof *server);
    server->api = api;
    for (unsigned i = 0; i < SLUA_HOOKS; i++)
        server->hooks[i] = (struct slua_hook){server, i};
    make_tables(L);
    slua_set_type(L, api, SLUA_SERVER);
    lua_pushvalue(L, -1);
    server->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    slua_engine_new(L, server);

    options = slua_options(L, api, 1, &handler_timeout);
    if (handler_timeout > 0)
        api->host->handler_timeout_s = handler_timeout;
    if (!api->host->draft)
        slua_settings_apply(api->host);
    sioc_options_get(options, "serial", &serial);
    server->serial = serial != 0;
    server->started = !api->host->loading;
    r = sioc_server_new(api->host->loop, options, &server->core);
    if (r < 0)
        return luaL_error(L, "sioc.server: %s", sioc_strerror(r));
    first = append(api->host, server);
    r = sioc_server_of(server->core, sioc_str("/"), &root);
    if (r < 0)
        return luaL_error(L, "sioc.server: %s", sioc_strerror(r));
    slua_nsp_init(L, &server->root, server, root);
    slua_engine_options(L, server, 1);
    if (lua_istable(L, 1) && lua_getfield(L, 1, "adapter") == LUA_TFUNCTION)
        server->adapter_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, 2);
    configure(L, server, first);
    if (server->started)
        slua_adapters_start(server);
    return 1;
}

/* ---- addresses ---- */

/* 0, or a code with the reason in the text. */
int slua_open_address(struct slua_server *server, struct sioc_server *core,
                      const struct slua_address *address, char *ret_error, size_t cap)
{
    uint16_t port = 0;
    const struct slua_config *config = server->api->host->config;
    int r = core == server->core ? sioc_server_load_tls(core, ret_error, cap) : 0;

    if (r < 0)
        return r;
    r = sioc_server_listen(core, address->host, address->port, &port);
    if (r < 0) {
        snprintf(ret_error, cap, "cannot listen on %s:%u: %s", address->host,
                 (unsigned)address->port,
                 r == SIOC_ENOTFOUND ? "no such address here" : sioc_strerror(r));
        return r;
    }
    if (config->listening)
        config->listening(config->user, address->host, port, sioc_server_secure(server->core));
    return port;
}

/* io:listen(port[, host]): nothing, or the port when the server runs already. */
static int server_listen(lua_State *L)
{
    struct slua_server *server = self(L);
    lua_Integer port = luaL_checkinteger(L, 2);
    size_t len;
    const char *host = luaL_optlstring(L, 3, DEFAULT_HOST, &len);
    struct slua_address address;
    char error[400];
    int bound;

    slua_check_forbid(L, "io:listen");
    luaL_argcheck(L, port >= 0 && port <= 65535, 2, "a port from 0 to 65535 expected");
    luaL_argcheck(L, len > 0 && len < sizeof address.host, 3, "the name of a host expected");
    memcpy(address.host, host, len + 1);
    address.port = (uint16_t)port;
    if (server->started) {
        if (slua_is_retired(server->api))
            return luaL_error(L, "io:listen: this code was replaced by a reload");
        bound = slua_open_address(server, server->core, &address, error, sizeof error);
        if (bound < 0)
            return luaL_error(L, "%s", error);
        lua_pushinteger(L, bound);
        return 1;
    }
    if (server->address_count == SLUA_ADDRESSES)
        return luaL_error(L, "more than %d addresses", SLUA_ADDRESSES);
    server->addresses[server->address_count++] = address;
    return 0;
}

/* The command line beats the script, for its first server: one address is left then. */
static void override(struct slua_server *server, const struct slua_config *config)
{
    struct slua_address *address = &server->addresses[0];

    if (server->address_count == 0 || config->host_override || config->port_override >= 0) {
        if (server->address_count == 0)
            *address = (struct slua_address){.host = DEFAULT_HOST, .port = DEFAULT_PORT};
        server->address_count = 1;
    }
    if (config->host_override)
        snprintf(address->host, sizeof address->host, "%s", config->host_override);
    if (config->port_override >= 0)
        address->port = (uint16_t)config->port_override;
}

void slua_servers_settle(struct slua_host *host)
{
    if (host->servers)
        override(host->servers, host->config);
}

int slua_servers_start(struct slua_host *host, char *ret_error, size_t cap)
{
    int number = 1;

    slua_servers_settle(host);
    for (struct slua_server *s = host->servers; s; s = s->next, number++) {
        if (s->closing)
            continue;
        if (s->address_count == 0) {
            snprintf(ret_error, cap, "server %d of the script has no address: call io:listen",
                     number);
            return SIOC_EINVAL;
        }
        s->started = true;
        slua_adapters_start(s);
        for (int i = 0; i < s->address_count; i++) {
            int r = slua_open_address(s, s->core, &s->addresses[i], ret_error, cap);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* ---- the end ---- */

static void all_closed(struct slua_host *host, struct slua_api *api)
{
    void (*closed)(void *user) = api->closed;

    for (const struct slua_server *s = host->servers; s; s = s->next)
        if (!s->closed)
            return;
    api->closed = NULL;
    if (closed)
        closed(api->closed_user);
}

static void on_closed(void *user)
{
    struct slua_server *server = user;

    server->closed = true;
    all_closed(server->api->host, server->api);
}

static void close_server(struct slua_server *server)
{
    if (server->closing || !server->core || server->borrowed)
        return;
    server->closing = true;
    sioc_server_close(server->core, on_closed, server);
}

static int server_close(lua_State *L)
{
    slua_check_forbid(L, "io:close");
    close_server(self(L));
    return 0;
}

static struct slua_api *api_of(struct slua_host *host)
{
    struct slua_api *api;

    lua_rawgetp(host->L, LUA_REGISTRYINDEX, &api_key);
    api = lua_touserdata(host->L, -1);
    lua_pop(host->L, 1);
    return api;
}

void slua_servers_close(struct slua_host *host, void (*done)(void *user), void *user)
{
    struct slua_api *api = api_of(host);

    if (!host->servers) {
        done(user);
        return;
    }
    api->closed = NULL; /* while closing them one may be done at once */
    for (struct slua_server *s = host->servers; s; s = s->next)
        close_server(s);
    api->closed = done;
    api->closed_user = user;
    all_closed(host, api);
}

void slua_servers_free(struct slua_host *host)
{
    struct slua_api *api = api_of(host);

    for (struct slua_server *s = host->servers; s; s = s->next) {
        struct sioc_server *core = s->core;

        if (!s->borrowed)
            sioc_server_free(core);
        s->core = NULL;
        while (s->pending)
            slua_pending_free(s->pending);
    }
    host->servers = NULL;
    if (!api)
        return;
    sioc_message_free(api->message);
    sioc_json_encoder_free(api->encoder);
    api->message = NULL;
    api->encoder = NULL;
}

/* ---- errors of handlers ---- */

struct error_call {
    struct slua_server *server;
    int ref;
    struct sioc_str message, event;
    uint64_t socket;
    const struct sioc_event *refused; /* its data; NULL = none */
};

static int error_body(lua_State *L)
{
    const struct error_call *e = lua_touserdata(L, 1);
    struct sioc_socket *socket =
        e->socket ? sioc_socket_find(e->server->core, e->socket) : NULL;
    intptr_t ref = socket ? sioc_socket_host_ref(socket, e->server->api->host) : 0;
    struct slua_builder builder;

    slua_push_ref(L, e->ref);
    slua_push_str(L, e->message);
    if (ref)
        slua_push_ref(L, ref);
    else
        lua_pushnil(L);
    slua_push_str(L, e->event);
    slua_builder_init(&builder, L);
    if (e->refused)
        sioc_event_read(e->refused, &builder.sink, NULL);
    lua_callk(L, lua_gettop(L) - 2, 0, 0, slua_return_nothing);
    return 0;
}

static void tell(struct error_call *call)
{
    struct slua_server *server = call->server;
    /* Without an owner: an error in here is only logged. */
    struct slua_task_info info = {
        .what = "error", .socket = call->socket, .server = server->core};
    int refs[SLUA_ERROR_HANDLERS], count = server->error_count;

    if (!server->core)
        return;
    memcpy(refs, server->errors, sizeof refs);
    for (int i = 0; i < count; i++) {
        call->ref = refs[i];
        slua_run(server->api->host, error_body, call, &info);
    }
}

void slua_server_error(struct slua_server *server, const char *message, uint64_t socket,
                       const char *event)
{
    struct error_call call = {.server = server,
                              .message = sioc_str(message),
                              .event = sioc_str(event),
                              .socket = socket};

    tell(&call);
}

void slua_on_refused(void *user, intptr_t ref, struct sioc_event *event)
{
    struct error_call call = {.server = user,
                              .message = sioc_event_reason(event),
                              .event = sioc_event_name(event),
                              .socket = sioc_socket_handle(sioc_event_socket(event)),
                              .refused = event};

    (void)ref;
    tell(&call);
}

/* ---- the object ---- */

static const char *const properties[] = {SLUA_OP_PROPERTIES, "name",    "sockets", "rooms",
                                         "clients_count",    "metrics", "engine",  "adapter",
                                         "local_adapter",    NULL};
enum {
    SERVER_NAME = SLUA_OP_LAST + 1,
    SERVER_SOCKETS,
    SERVER_ROOMS,
    SERVER_CLIENTS_COUNT,
    SERVER_METRICS,
    SERVER_ENGINE,
    SERVER_ADAPTER,
    SERVER_LOCAL_ADAPTER
};

static void push_metrics(lua_State *L, const struct sioc_server *core)
{
    const char *name;
    uint64_t value;

    lua_newtable(L);
    for (size_t i = 0; sioc_server_metric(core, i, &name, &value); i++) {
        lua_pushinteger(L, (lua_Integer)value);
        lua_setfield(L, -2, name);
    }
}

static int server_index(lua_State *L)
{
    int property = slua_member(L);
    struct slua_server *server;

    if (!property)
        return 1;
    server = self(L);
    switch (property) {
    case SERVER_NAME:
        lua_pushliteral(L, "/");
        return 1;
    case SERVER_SOCKETS: /* as in Node: the namespace "/" */
        lua_pushvalue(L, 1);
        return 1;
    case SERVER_CLIENTS_COUNT:
        lua_pushinteger(L, (lua_Integer)sioc_server_client_count(server->core));
        return 1;
    case SERVER_ENGINE:
        slua_push_ref(L, server->engine_ref);
        return 1;
    case SERVER_ROOMS:
        slua_push_rooms(L, server->root.core);
        return 1;
    case SERVER_METRICS:
        push_metrics(L, server->core);
        return 1;
    case SERVER_ADAPTER:
        slua_push_adapter(L, &server->root);
        return 1;
    case SERVER_LOCAL_ADAPTER:
        slua_push_local_adapter(L, &server->root);
        return 1;
    default:
        return slua_op_property(L, property);
    }
}

static const luaL_Reg methods[] = {
    {"of", slua_server_of},
    {"listen", server_listen},
    {"close", server_close},
    {NULL, NULL},
};

void slua_open_server(lua_State *L)
{
    struct slua_api *api = lua_newuserdatauv(L, sizeof *api, 0);

    memset(api, 0, sizeof *api);
    api->host = slua_host_of(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &api_key);
    lua_newtable(L);
    api->functions = luaL_ref(L, LUA_REGISTRYINDEX);

    slua_new_type(L, api, SLUA_SERVER, "sioc.Server", methods, properties, server_index);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, slua_namespace_methods, 1);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, slua_http_methods, 1);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, slua_websocket_routes, 1);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, slua_engineio_routes, 1);
    lua_pop(L, 1);
    slua_open_namespace(L, api);
    slua_open_socket(L, api);
    slua_open_operator(L, api);
    slua_open_exchange(L, api);
    slua_open_websocket(L, api);
    slua_open_engine(L, api);
    slua_open_conn(L, api);
    slua_open_local_adapter(L, api);
    slua_open_admission(L, api);
    slua_open_shared(L, api);
    slua_open_test_socket(L, api);

    lua_pushlightuserdata(L, api);
    lua_pushcclosure(L, new_server, 1);
    lua_setfield(L, -2, "server");
}
