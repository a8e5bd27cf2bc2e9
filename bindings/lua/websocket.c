/* bindings/lua/websocket.c -- io:websocket, io:publish, and a plain WebSocket as scripts see
 * it.
 *
 * As with sockets, the userdata holds a handle, so it can be kept for ever; it is kept alive by
 * the core's host_ref until its last `close` handler has been called.  Handlers are in lists,
 * one for each event, that are replaced and never changed, so one that is walked stays. What is
 * received is a string when it was text and a sioc.Buffer when it was binary, so that
 * ws:send(data) is an echo.
 */
#include "api.h"
#include <stdio.h>

enum event { MESSAGE, CLOSE, DRAINED, EVENTS };

static const char *const event_names[] = {"message", "close", "drained", NULL};

/* User values: the list of handlers of event n is n + 1, then `data`. */
enum { DATA = EVENTS + 1, USER_VALUES = DATA };

struct slua_websocket {
    uint64_t handle;
    struct slua_server *server;
    int counts[EVENTS];
};

static struct slua_websocket *self(lua_State *L)
{
    return slua_self(L, slua_api(L), SLUA_WEBSOCKET);
}

static struct sioc_websocket *find(const struct slua_websocket *w)
{
    struct sioc_server *core = w->server->core;

    return core ? sioc_websocket_find(core, w->handle) : NULL;
}

/* ---- calling handlers ---- */

/* On the C stack of the core's call: valid until the handler first waits. */
struct call {
    struct slua_server *server;
    struct sioc_websocket *websocket;
    struct sioc_request *request; /* open */
    intptr_t ref;                 /* open: the route's function; else the userdata */
    enum event event;
    int index; /* of the handler in its list; from 1 */
    int count; /* of them; what the first call finds */
    struct sioc_str data;
    bool is_binary;
    unsigned code;
};

/* Pushes a new userdata, which the core keeps from now on. */
static void push_new(lua_State *L, struct slua_server *server, struct sioc_websocket *websocket)
{
    struct slua_websocket *w = lua_newuserdatauv(L, sizeof *w, USER_VALUES);

    *w = (struct slua_websocket){.handle = sioc_websocket_handle(websocket), .server = server};
    slua_set_type(L, server->api, SLUA_WEBSOCKET);
    lua_pushvalue(L, -1);
    sioc_websocket_set_host_ref(websocket, luaL_ref(L, LUA_REGISTRYINDEX));
}

static int open_body(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);

    slua_push_ref(L, call->ref);
    push_new(L, call->server, call->websocket);
    slua_push_request(L, call->server->api, call->request, false);
    lua_callk(L, 2, 0, 0, slua_return_nothing);
    return 0;
}

static void push_data(lua_State *L, const struct call *call)
{
    struct sioc_buffer *buffer;

    if (!call->is_binary) {
        slua_push_str(L, call->data);
        return;
    }
    buffer = sioc_buffer_new(call->data);
    if (!buffer)
        luaL_error(L, "not enough memory for the message");
    slua_push_buffer(L, buffer);
    sioc_buffer_unref(buffer);
}

static int event_body(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    const struct slua_websocket *w;
    int args = 0;

    slua_push_ref(L, call->ref);
    w = lua_touserdata(L, -1);
    if (call->index == 1)
        call->count = w->counts[call->event];
    if (call->count == 0)
        return 0;
    lua_getiuservalue(L, -1, (int)call->event + 1);
    lua_rawgeti(L, -1, call->index);
    if (call->event == MESSAGE) {
        push_data(L, call);
        lua_pushboolean(L, call->is_binary);
        args = 2;
    } else if (call->event == CLOSE) {
        lua_pushinteger(L, (lua_Integer)call->code);
        slua_push_str(L, call->data);
        args = 2;
    }
    lua_callk(L, args, 0, 0, slua_return_nothing);
    return 0;
}

static struct slua_task_info info_of(const struct slua_server *server, const char *what)
{
    return (struct slua_task_info){
        .what = what, .server = server->core, .owner = (struct slua_server *)server};
}

/* Each handler of the event in a task of its own; the list may change meanwhile. */
static void run_handlers(struct call *call)
{
    static const char *const whats[] = {"WebSocket message", "WebSocket close",
                                        "WebSocket drained"};
    struct slua_host *host = call->server->api->host;
    struct slua_task_info info = info_of(call->server, whats[call->event]);

    call->count = 1;
    for (call->index = 1; call->index <= call->count; call->index++) {
        int r;

        call->ref = sioc_websocket_host_ref(call->websocket);
        if (!call->ref) /* one of them has closed it */
            return;
        r = slua_run(host, event_body, call, &info);
        if (r < 0)
            slua_log(host, SIOC_LOG_ERROR, "%s: %s", info.what, sioc_strerror(r));
    }
}

/* ---- what the core says ---- */

static void open_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;
    struct sioc_websocket *websocket =
        p->server->core ? sioc_websocket_find(p->server->core, p->handle) : NULL;

    (void)host;
    p->ended = true;
    if (websocket && result->status != LUA_OK)
        sioc_websocket_close(websocket, 1011, sioc_str("internal error"));
    if (!p->held)
        return; /* on_open frees it */
    if (websocket)
        sioc_websocket_release(websocket);
    slua_pending_free(p);
}

/* While the handler waits nothing is read, so that no message comes before its "message". */
static void on_open(void *user, intptr_t ref, struct sioc_websocket *websocket,
                    struct sioc_request *request)
{
    struct slua_server *server = user;
    struct call call = {
        .server = server, .websocket = websocket, .request = request, .ref = ref};
    struct slua_task_info info = info_of(server, "WebSocket");
    struct slua_pending *p = slua_pending_new(server, sioc_websocket_handle(websocket));

    info.done = open_done;
    info.user = p;
    if (!p || slua_run(server->api->host, open_body, &call, &info) < 0) {
        sioc_websocket_close(websocket, 1011, sioc_str("out of memory"));
        slua_pending_free(p);
    } else if (p->ended) {
        slua_pending_free(p);
    } else {
        p->held = true;
        sioc_websocket_hold(websocket);
    }
}

static void on_message(void *user, intptr_t ref, struct sioc_websocket *websocket,
                       struct sioc_str data, bool is_binary)
{
    struct call call = {.server = user,
                        .websocket = websocket,
                        .event = MESSAGE,
                        .data = data,
                        .is_binary = is_binary};

    (void)ref;
    run_handlers(&call);
}

static void on_close(void *user, intptr_t ref, struct sioc_websocket *websocket, unsigned code,
                     struct sioc_str reason)
{
    struct slua_server *server = user;
    intptr_t host_ref = sioc_websocket_host_ref(websocket);
    struct call call = {
        .server = server, .websocket = websocket, .event = CLOSE, .data = reason, .code = code};

    (void)ref;
    run_handlers(&call);
    sioc_websocket_set_host_ref(websocket, 0);
    if (host_ref)
        slua_unref(server->api->host, host_ref);
}

static void on_drained(void *user, intptr_t ref, struct sioc_websocket *websocket)
{
    struct call call = {.server = user, .websocket = websocket, .event = DRAINED};

    (void)ref;
    run_handlers(&call);
}

static void on_drop(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_function_unref(server->api, ref);
}

/* ---- methods ---- */

/* ws:on(name, function). */
static int websocket_on(lua_State *L)
{
    struct slua_websocket *w = self(L);
    int event = luaL_checkoption(L, 2, NULL, event_names);

    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_createtable(L, w->counts[event] + 1, 0);
    lua_getiuservalue(L, 1, event + 1);
    for (int i = 1; i <= w->counts[event]; i++) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -3, i);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, w->counts[event] + 1);
    lua_setiuservalue(L, 1, event + 1);
    w->counts[event]++;
    return 0;
}

/* A string or a sioc.Buffer at index, and behind it, maybe, whether it is binary. */
static struct sioc_str check_data(lua_State *L, int index, bool *ret_binary)
{
    struct sioc_buffer *buffer = slua_to_buffer(L, index);

    *ret_binary = lua_isnoneornil(L, index + 1) ? buffer != NULL : lua_toboolean(L, index + 1);
    if (buffer)
        return sioc_buffer_bytes(buffer);
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_typeerror(L, index, "string or sioc.Buffer");
    return slua_check_str(L, index);
}

static int not_utf8(lua_State *L)
{
    return luaL_error(L, "not valid UTF-8; use sioc.binary() for raw bytes");
}

/* True, or false and why not. */
static int answer(lua_State *L, int r)
{
    lua_pushboolean(L, r >= 0);
    if (r >= 0)
        return 1;
    lua_pushstring(L, r == SIOC_ECLOSED ? "closed" : sioc_strerror(r));
    return 2;
}

static int websocket_send(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    bool is_binary;
    struct sioc_str data = check_data(L, 2, &is_binary);
    int r = websocket ? sioc_websocket_send(websocket, data, is_binary) : SIOC_ECLOSED;

    return r == SIOC_EUTF8 ? not_utf8(L) : answer(L, r);
}

static int websocket_close(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    lua_Integer code = luaL_optinteger(L, 2, 0);
    struct sioc_str reason = sioc_str("");
    int r;

    if (!lua_isnoneornil(L, 3))
        reason = slua_check_str(L, 3);
    luaL_argcheck(L, code >= 0 && code <= 4999, 2, "a code from 1000 to 4999");
    r = websocket ? sioc_websocket_close(websocket, (unsigned)code, reason) : SIOC_ECLOSED;
    if (r == SIOC_EINVAL)
        return luaL_error(L,
                          "a close frame has a code from 1000 to 4999 (not 1004 to 1006, nor "
                          "1015) and a reason of at most 123 bytes of UTF-8");
    return answer(L, r);
}

static int websocket_subscribe(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    struct sioc_str topic = slua_check_str(L, 2);
    int r = websocket ? sioc_websocket_subscribe(websocket, topic) : SIOC_ECLOSED;

    if (r == SIOC_ETOOBIG)
        return luaL_error(L, "the name of a topic is longer than 256 bytes");
    return answer(L, r);
}

static int websocket_unsubscribe(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    struct sioc_str topic = slua_check_str(L, 2);

    if (websocket)
        sioc_websocket_unsubscribe(websocket, topic);
    return 0;
}

static int publish(lua_State *L, struct sioc_server *core, uint64_t except)
{
    struct sioc_str topic = slua_check_str(L, 2);
    bool is_binary;
    struct sioc_str data = check_data(L, 3, &is_binary);
    int r = core ? sioc_publish(core, topic, data, is_binary, except) : 0;

    if (r == SIOC_EUTF8)
        return not_utf8(L);
    if (r < 0)
        return luaL_error(L, "%s", sioc_strerror(r));
    lua_pushinteger(L, r);
    return 1;
}

/* To all subscribers but this one. */
static int websocket_publish(lua_State *L)
{
    const struct slua_websocket *w = self(L);

    return publish(L, w->server->core, w->handle);
}

/* ---- properties ---- */

static const char *const properties[] = {"data", "connected", "queued", "topics", NULL};
enum { DATA_TABLE = 1, CONNECTED, QUEUED, TOPICS };

static void push_data_table(lua_State *L)
{
    if (lua_getiuservalue(L, 1, DATA) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, DATA);
}

static void push_topics(lua_State *L, const struct sioc_websocket *websocket)
{
    struct sioc_str topic;
    lua_Integer n = 0;
    size_t pos = 0;

    lua_newtable(L);
    while (websocket && sioc_websocket_topic_next(websocket, &pos, &topic)) {
        slua_push_str(L, topic);
        lua_rawseti(L, -2, ++n);
    }
    slua_tag_array(L);
}

static int websocket_index(lua_State *L)
{
    int property = slua_member(L);
    struct sioc_websocket *websocket;

    if (!property)
        return 1;
    websocket = find(self(L));
    switch (property) {
    case DATA_TABLE:
        push_data_table(L);
        return 1;
    case CONNECTED:
        lua_pushboolean(L, websocket && sioc_websocket_connected(websocket));
        return 1;
    case QUEUED:
        lua_pushinteger(L, websocket ? (lua_Integer)sioc_websocket_queued(websocket) : 0);
        return 1;
    default:
        push_topics(L, websocket);
        return 1;
    }
}

static int websocket_newindex(lua_State *L)
{
    const char *key = luaL_tolstring(L, 2, NULL);

    self(L);
    if (strcmp(key, "data") != 0)
        return luaL_error(L, "ws.%s cannot be set; what belongs to it has its place in ws.data",
                          key);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, DATA);
    return 0;
}

/* ---- the server's ---- */

/* io:websocket(path, function(ws, req) end) */
static int add_route(lua_State *L)
{
    struct slua_server *server = slua_self_nsp(L)->server;
    struct sioc_str path = slua_check_str(L, 2);
    struct sioc_websocket_handler handler = {.open = on_open,
                                             .message = on_message,
                                             .close = on_close,
                                             .drained = on_drained,
                                             .drop = on_drop,
                                             .user = server};
    int r;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (slua_is_retired(server->api))
        return 0;
    handler.ref = slua_function_ref(L, server->api, 3);
    server->registered++;
    r = sioc_websocket_route(server->core, path, handler);
    if (r >= 0)
        return 0;
    slua_function_unref(server->api, (int)handler.ref);
    return luaL_error(L, "websocket %s: %s", path.ptr,
                      r == SIOC_EEXIST ? "there is a handler already" : sioc_strerror(r));
}

static int server_publish(lua_State *L)
{
    return publish(L, slua_self_nsp(L)->server->core, 0);
}

const luaL_Reg slua_websocket_routes[] = {
    {"websocket", add_route},
    {"publish", server_publish},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"on", websocket_on},
    {"send", websocket_send},
    {"close", websocket_close},
    {"subscribe", websocket_subscribe},
    {"unsubscribe", websocket_unsubscribe},
    {"publish", websocket_publish},
    {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", websocket_newindex},
    {NULL, NULL},
};

void slua_open_websocket(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_WEBSOCKET, "sioc.WebSocket", methods, properties,
                  websocket_index);
    lua_pop(L, 1);
    slua_push_ref(L, api->meta_ref[SLUA_WEBSOCKET]);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, meta, 1);
    lua_pop(L, 1);
}
