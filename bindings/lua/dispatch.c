/* bindings/lua/dispatch.c -- from an event of the core to a handler of the script.
 *
 * Each call is a task of its own.  Its body pushes the function and the arguments, decoded from
 * the wire there and nowhere else, and calls; what the handler returns is looked at in the same
 * protected place.  When others depend on the handler's end (the admission of a socket, events
 * that are held) there is a slua_pending, which learns of errors too.
 */
#include "api.h"
#include <stdio.h>

/* ---- arguments ---- */

int slua_push_client_event(lua_State *L, const struct slua_call *call)
{
    struct sioc_reply reply = sioc_event_reply(call->event);
    struct slua_builder builder;
    int r;

    if (call->hook->flags & SLUA_HOOK_ANY)
        slua_push_str(L, sioc_event_name(call->event));
    slua_builder_init(&builder, L);
    r = sioc_event_read(call->event, &builder.sink, NULL);
    if (r == SIOC_ENOMEM)
        return luaL_error(L, "not enough memory for the arguments");
    if (r < 0 || !reply.wanted)
        return r < 0 ? r : 0;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    slua_push_answer(L, call->hook->server, reply);
    return 1;
}

static void push_reason(lua_State *L, const struct sioc_event *event)
{
    struct sioc_str details = sioc_event_details(event);

    slua_push_str(L, sioc_event_reason(event));
    if (details.len > 0)
        slua_push_str(L, details);
}

/* The room and, if somebody joins or leaves it, the id of who does. */
static void push_room(lua_State *L, const struct sioc_event *event)
{
    const struct sioc_socket *socket = sioc_event_socket(event);

    slua_push_str(L, sioc_event_room(event));
    if (socket)
        slua_push_str(L, sioc_socket_id(socket));
}

/* Whether the handler of a namespace is told the socket first. */
static bool names_socket(const struct slua_call *call)
{
    enum sioc_event_kind kind = sioc_event_kind(call->event);

    return !(call->hook->flags & SLUA_HOOK_OWN) && kind != SIOC_EVENT_ROOM &&
           kind != SIOC_EVENT_NEW_NAMESPACE && kind != SIOC_EVENT_SERVERS;
}

/* As slua_push_client_event. */
static int push_arguments(lua_State *L, const struct slua_call *call)
{
    enum sioc_event_kind kind = sioc_event_kind(call->event);

    if (kind == SIOC_EVENT_CLIENT || kind == SIOC_EVENT_OUTGOING || kind == SIOC_EVENT_SERVERS)
        return slua_push_client_event(L, call);
    if (kind == SIOC_EVENT_ERROR)
        slua_push_refusal(L, call->hook->server->api, call->event);
    else if (kind == SIOC_EVENT_ROOM)
        push_room(L, call->event);
    else if (kind == SIOC_EVENT_NEW_NAMESPACE)
        slua_push_nsp(L, call->hook->server, sioc_event_namespace(call->event));
    else if (kind != SIOC_EVENT_CONNECTION && kind != SIOC_EVENT_RELOAD)
        push_reason(L, call->event);
    return 0;
}

/* ---- the usual handlers ---- */

/* Index 1 is the function that answers, or nil; above it is what the handler returned. */
static int returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    if (lua_gettop(L) > 1 && lua_isfunction(L, 1) &&
        lua_pcall(L, lua_gettop(L) - 1, 0, 0) != LUA_OK)
        return luaL_error(L, "what the handler returned: %s", lua_tostring(L, -1));
    return 0;
}

static int event_body(lua_State *L)
{
    const struct slua_call *call = lua_touserdata(L, 1);
    struct slua_hook *hook = call->hook;
    int wanted = 0;

    lua_pushnil(L);
    lua_replace(L, 1);
    slua_push_ref(L, call->ref);
    if (names_socket(call))
        slua_push_socket(L, hook->server, sioc_event_socket(call->event));
    wanted = push_arguments(L, call);
    if (wanted < 0)
        return 0;
    /* What handlers of every event return means nothing: there is one for the event itself. */
    if (wanted && !(hook->flags & SLUA_HOOK_ANY)) {
        lua_pushvalue(L, -1);
        lua_replace(L, 1);
    }
    lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, returned);
    return returned(L, LUA_OK, 0);
}

/* ---- running ---- */

static void hold_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;
    struct sioc_socket *socket = NULL;

    (void)host;
    (void)result;
    p->ended = true;
    if (!p->held)
        return; /* hold_while_waiting frees it */
    if (p->server->core)
        socket = sioc_socket_find(p->server->core, p->handle);
    if (socket)
        sioc_socket_release(socket);
    slua_pending_free(p);
}

/* Runs the body; when its handler waits, what the socket's client sends waits as well. */
static int hold_while_waiting(struct slua_server *server, struct slua_call *call,
                              struct slua_task_info *info)
{
    struct slua_pending *p = slua_pending_new(server, info->socket);
    int r;

    if (!p)
        return SIOC_ENOMEM;
    info->done = hold_done;
    info->user = p;
    r = slua_run(server->api->host, event_body, call, info);
    if (r < 0 || p->ended) {
        slua_pending_free(p);
        return r;
    }
    p->held = true;
    sioc_socket_hold(sioc_event_socket(call->event));
    return 0;
}

static void set_name(struct slua_task_info *info, struct sioc_str name)
{
    size_t len = name.len < sizeof info->name ? name.len : sizeof info->name - 1;

    if (len > 0)
        memcpy(info->name, name.ptr, len);
    info->name[len] = '\0';
}

void slua_on_event(void *user, intptr_t ref, struct sioc_event *event)
{
    struct slua_hook *hook = user;
    struct slua_server *server = hook->server;
    const struct sioc_socket *socket = sioc_event_socket(event);
    struct slua_call call = {hook, ref, event};
    struct slua_task_info *info = slua_next_task(server->api->host);
    int r;

    if (!info) {
        slua_log(server->api->host, SIOC_LOG_ERROR, "handler: %s", sioc_strerror(SIOC_ENOMEM));
        return;
    }
    info->socket = socket ? sioc_socket_handle(socket) : 0;
    info->server = server->core;
    info->owner = server;
    info->quiet = false;
    info->muted = false;
    info->check = false;
    info->inner = false;
    info->done = NULL;
    info->user = NULL;
    info->name[0] = '\0';
    switch (sioc_event_kind(event)) {
    case SIOC_EVENT_MIDDLEWARE:
        info->what = "middleware";
        r = slua_ask_admission(&call, info);
        break;
    case SIOC_EVENT_PACKET:
        info->what = "middleware of the event";
        set_name(info, sioc_event_name(event));
        r = slua_ask_passage(&call, info);
        break;
    case SIOC_EVENT_CONNECTION:
        info->what = "connection";
        info->muted = sioc_event_replayed(event);
        r = hold_while_waiting(server, &call, info);
        break;
    case SIOC_EVENT_CLIENT:
        info->what = "event";
        set_name(info, sioc_event_name(event));
        r = hook->flags & SLUA_HOOK_SERIAL
                ? hold_while_waiting(server, &call, info)
                : slua_run(server->api->host, event_body, &call, info);
        break;
    case SIOC_EVENT_RELOAD:
        info->what = "reload";
        r = slua_run(server->api->host, event_body, &call, info);
        break;
    case SIOC_EVENT_MATCH:
        info->what = "matcher of the namespace";
        set_name(info, sioc_event_name(event));
        r = slua_ask_match(&call, info);
        break;
    case SIOC_EVENT_SERVERS:
        info->what = "event of a server";
        set_name(info, sioc_event_name(event));
        r = slua_run(server->api->host, event_body, &call, info);
        break;
    case SIOC_EVENT_NEW_NAMESPACE:
        info->what = "new_namespace";
        r = slua_run(server->api->host, event_body, &call, info);
        break;
    case SIOC_EVENT_ROOM:
    case SIOC_EVENT_OUTGOING:
        info->what =
            sioc_event_kind(event) == SIOC_EVENT_ROOM ? "event of a room" : "outgoing event";
        set_name(info, sioc_event_name(event));
        r = slua_run(server->api->host, event_body, &call, info);
        break;
    case SIOC_EVENT_ERROR:
        info->what = "error";
        info->owner = NULL; /* an error in here is only logged */
        r = slua_run(server->api->host, event_body, &call, info);
        break;
    case SIOC_EVENT_DISCONNECTING:
    case SIOC_EVENT_DISCONNECT:
    case SIOC_EVENT_ACK:
    default:
        info->what =
            sioc_event_kind(event) == SIOC_EVENT_DISCONNECT ? "disconnect" : "disconnecting";
        r = slua_run(server->api->host, event_body, &call, info);
        break;
    }
    if (r < 0)
        slua_log(server->api->host, SIOC_LOG_ERROR, "%s: %s", info->what, sioc_strerror(r));
}

void slua_on_drop(void *user, intptr_t ref)
{
    const struct slua_hook *hook = user;

    slua_function_unref(hook->server->api, ref);
}
