/* bindings/lua/websocket_calls.c -- from what happens to a plain WebSocket to the handlers of
 * the script.
 *
 * As with sockets: each call is a task of its own.  What is received is a string when it was
 * text and a sioc.Buffer when it was binary, so that ws:send(data) is an echo.  After a reload
 * the route's function is called again, muted, with a new userdata that has the data of the old
 * one.
 */
#include "websocket.h"

/* ---- calling handlers ---- */

/* On the C stack of the core's call: valid until the handler first waits. */
struct call {
    struct slua_server *server;
    struct sioc_websocket *websocket;
    struct sioc_request *request; /* open */
    intptr_t ref;                 /* open: the route's function; else the userdata */
    enum slua_ws_event event;
    struct slua_emission emission;
    struct sioc_str data;
    bool is_binary;
    unsigned code;
};

/* Pushes a new userdata, which the core keeps from now on. */
static void push_new(lua_State *L, struct slua_server *server, struct sioc_websocket *websocket)
{
    struct slua_websocket *w = lua_newuserdatauv(L, sizeof *w, SLUA_WS_VALUES);

    *w = (struct slua_websocket){.handle = sioc_websocket_handle(websocket),
                                 .server = server,
                                 .reloaded = sioc_websocket_replayed(websocket)};
    slua_emitter_init(L);
    slua_set_type(L, server->api, SLUA_WEBSOCKET);
    lua_pushvalue(L, -1);
    sioc_websocket_set_host_ref(websocket, server->api->host, luaL_ref(L, LUA_REGISTRYINDEX));
}

static int open_body(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);
    intptr_t own = sioc_websocket_host_ref(call->websocket, call->server->api->host);

    slua_push_ref(L, call->ref);
    if (own)
        slua_push_ref(L, own);
    else
        push_new(L, call->server, call->websocket);
    slua_push_request(L, call->server->api, call->request, false);
    lua_callk(L, 2, 0, 0, slua_return_nothing);
    return 0;
}

void slua_push_data_of(lua_State *L, struct sioc_str data, bool is_binary)
{
    struct sioc_buffer *buffer;

    if (!is_binary) {
        slua_push_str(L, data);
        return;
    }
    buffer = sioc_buffer_new(data);
    if (!buffer)
        luaL_error(L, "not enough memory for the message");
    slua_push_buffer(L, buffer);
    sioc_buffer_unref(buffer);
}

static int event_body(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    int args = 0;

    slua_push_ref(L, call->ref);
    if (!slua_emission_next(L, 2, (int)call->event, &call->emission))
        return 0;
    if (call->event == SLUA_WS_MESSAGE) {
        slua_push_data_of(L, call->data, call->is_binary);
        lua_pushboolean(L, call->is_binary);
        args = 2;
    } else if (call->event == SLUA_WS_CLOSE) {
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
    static const char *const whats[] = {"", "WebSocket message", "WebSocket close",
                                        "WebSocket drained"};
    struct slua_emission *e = &call->emission;
    struct slua_host *host = call->server->api->host;
    struct slua_task_info info = info_of(call->server, whats[call->event]);

    for (e->index = e->count = 1; e->index <= e->count; e->index++) {
        int r;

        call->ref = sioc_websocket_host_ref(call->websocket, host);
        if (!call->ref) /* one of them has closed it */
            break;
        r = slua_run(host, event_body, call, &info);
        if (r < 0)
            slua_log(host, SIOC_LOG_ERROR, "%s: %s", info.what, sioc_strerror(r));
    }
    slua_emission_end(host, e);
}

static void open_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;
    struct sioc_websocket *websocket =
        p->server->core ? sioc_websocket_find(p->server->core, p->handle) : NULL;

    p->ended = true;
    if (websocket && result->status != LUA_OK && !p->replayed && !host->retired)
        sioc_websocket_close(websocket, 1011, sioc_str("internal error"));
    if (!p->held)
        return; /* on_open frees it */
    if (websocket)
        sioc_websocket_release(websocket);
    slua_pending_free(p);
}

/* ---- after a reload ---- */

struct rebinding {
    struct slua_server *server;
    struct sioc_websocket *websocket;
    struct slua_host *old;
    intptr_t old_ref;
};

static int rebind_body(lua_State *L)
{
    const struct rebinding *r = lua_touserdata(L, 1);

    push_new(L, r->server, r->websocket);
    slua_carry_data(L, r->old, r->old_ref, SLUA_WS_DATA, "ws.data");
    return 0;
}

/* A userdata of this host, with the data of the old one. */
static void rebind(struct slua_server *server, struct sioc_websocket *websocket)
{
    struct slua_host *old = sioc_websocket_host_owner(websocket);
    struct rebinding r = {server, websocket, old,
                          old ? sioc_websocket_host_ref(websocket, old) : 0};
    struct slua_task_info info = info_of(server, "reload");
    struct slua_shell shell = {.what = SLUA_SHELL_WEBSOCKET,
                               .core = server->core,
                               .handle = sioc_websocket_handle(websocket)};

    sioc_websocket_set_host_ref(websocket, NULL, 0);
    slua_run(server->api->host, rebind_body, &r, &info);
    if (old)
        slua_leave_data(old, r.old_ref, SLUA_WS_DATA, &shell);
}

/* ---- what the core says ---- */

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
    info.muted = sioc_websocket_replayed(websocket);
    if (info.muted)
        rebind(server, websocket);
    if (p)
        p->replayed = info.muted;
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
                        .event = SLUA_WS_MESSAGE,
                        .data = data,
                        .is_binary = is_binary};

    (void)ref;
    run_handlers(&call);
}

static void on_close(void *user, intptr_t ref, struct sioc_websocket *websocket, unsigned code,
                     struct sioc_str reason)
{
    struct slua_server *server = user;
    struct slua_host *host = server->api->host;
    intptr_t host_ref = sioc_websocket_host_ref(websocket, host);
    struct call call = {.server = server,
                        .websocket = websocket,
                        .event = SLUA_WS_CLOSE,
                        .data = reason,
                        .code = code};

    (void)ref;
    run_handlers(&call);
    if (!host_ref)
        return;
    sioc_websocket_set_host_ref(websocket, NULL, 0);
    slua_unref(host, host_ref);
}

static void on_drained(void *user, intptr_t ref, struct sioc_websocket *websocket)
{
    struct call call = {.server = user, .websocket = websocket, .event = SLUA_WS_DRAINED};

    (void)ref;
    run_handlers(&call);
}

static void on_drop(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_function_unref(server->api, ref);
}

struct sioc_websocket_handler slua_websocket_handler(struct slua_server *server, int ref)
{
    return (struct sioc_websocket_handler){.open = on_open,
                                           .message = on_message,
                                           .close = on_close,
                                           .drained = on_drained,
                                           .drop = on_drop,
                                           .user = server,
                                           .ref = ref};
}
