/* bindings/lua/ack.c -- answers: those that scripts give, and those that they wait for.
 *
 * The function that answers a client is a closure over plain numbers, so it works later, and
 * once.  An answer that a script waits for comes as an event of the core, exactly one for each
 * emit that succeeded: it calls a function or wakes a task.
 */
#include "api.h"
#include "task.h"

/* ---- the message ---- */

/* api->message is not NULL only between here and there: lua_error (lack of memory) may leave
 * one behind, which the next call frees. */
int slua_fill(lua_State *L, struct slua_api *api, struct sioc_message *message, int first,
              int last)
{
    struct sioc_sink *sink = sioc_message_sink(message);
    int r = 0;

    sioc_message_free(api->message);
    api->message = message;
    for (int i = first; i <= last && r >= 0; i++) {
        r = slua_walk(L, i, sink);
        if (r < 0) {
            luaL_where(L, 1);
            lua_pushfstring(L, "argument %d: ", i - first + 1);
            lua_rotate(L, -3, 2);
            lua_concat(L, 3);
        }
    }
    api->message = NULL;
    if (r < 0)
        sioc_message_free(message);
    return r;
}

/* ---- answers that scripts give ---- */

enum {
    ANSWER_API = 1,
    ANSWER_SERVER,
    ANSWER_SOCKET,
    ANSWER_ID,
    ANSWER_SERIAL,
    ANSWER_VALUES = ANSWER_SERIAL
};

/* ack(...): true when it is on its way. */
static int answer(lua_State *L)
{
    struct slua_api *api = slua_api(L);
    struct slua_server *server = lua_touserdata(L, lua_upvalueindex(ANSWER_SERVER));
    struct sioc_reply reply = {
        .socket = (uint64_t)lua_tointeger(L, lua_upvalueindex(ANSWER_SOCKET)),
        .id = (uint64_t)lua_tointeger(L, lua_upvalueindex(ANSWER_ID)),
        .serial = (uint64_t)lua_tointeger(L, lua_upvalueindex(ANSWER_SERIAL)),
        .wanted = true,
    };
    struct sioc_message *message;
    struct sioc_socket *socket = NULL;
    int r;

    if (server->core)
        socket = sioc_socket_find(server->core, reply.socket);
    if (!socket) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (sioc_message_new_answer(sioc_socket_namespace(socket), &message) < 0)
        return luaL_error(L, "not enough memory");
    if (slua_fill(L, api, message, 1, lua_gettop(L)) < 0)
        return lua_error(L);
    lua_pushinteger(L, 0); /* once is all: it finds no socket any more */
    lua_replace(L, lua_upvalueindex(ANSWER_SOCKET));
    r = sioc_reply_send(server->core, reply, message);
    lua_pushboolean(L, r >= 0);
    return 1;
}

/* The same for another server that asks. */
static int answer_server(lua_State *L)
{
    struct slua_api *api = slua_api(L);
    struct slua_server *server = lua_touserdata(L, lua_upvalueindex(ANSWER_SERVER));
    struct sioc_reply reply = {
        .id = (uint64_t)lua_tointeger(L, lua_upvalueindex(ANSWER_ID)),
        .wanted = true,
    };
    struct sioc_message *message;

    if (!server->core) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (sioc_message_new_answer(server->root.core, &message) < 0)
        return luaL_error(L, "not enough memory");
    if (slua_fill(L, api, message, 1, lua_gettop(L)) < 0)
        return lua_error(L);
    lua_pushboolean(L, sioc_reply_send(server->core, reply, message) >= 0);
    return 1;
}

void slua_push_answer(lua_State *L, struct slua_server *server, struct sioc_reply reply)
{
    lua_pushlightuserdata(L, server->api);
    lua_pushlightuserdata(L, server);
    lua_pushinteger(L, (lua_Integer)reply.socket);
    lua_pushinteger(L, (lua_Integer)reply.id);
    lua_pushinteger(L, (lua_Integer)reply.serial);
    lua_pushcclosure(L, reply.socket ? answer : answer_server, ANSWER_VALUES);
}

/* ---- answers that scripts wait for ---- */

const char *slua_why_not(int code)
{
    if (code == SIOC_ECLOSED)
        return "disconnected";
    return code == SLUA_MUTED ? "reload" : sioc_strerror(code);
}

/* Pushes nil and the values of the answer, or an error text.  event: NULL = it failed. */
static void push_outcome(lua_State *L, const struct sioc_event *event, int code)
{
    struct slua_builder builder;
    int top = lua_gettop(L);

    if (event && code == 0) {
        lua_pushnil(L);
        slua_builder_init(&builder, L);
        code = sioc_event_read(event, &builder.sink, NULL);
        if (code >= 0)
            return;
        lua_settop(L, top);
    }
    lua_pushstring(L, slua_why_not(code));
}

/* Pushes the list of the answers to a broadcast, and nil or why some are missing. */
static void push_survey(lua_State *L, const struct sioc_event *event, int code)
{
    struct slua_builder builder;
    struct sioc_sink *sink = &builder.sink;
    int r;

    slua_builder_init(&builder, L);
    r = sink->ops->array_begin(sink, SIOC_COUNT_UNKNOWN);
    if (r >= 0 && event)
        r = sioc_event_read(event, sink, NULL);
    if (r >= 0)
        r = sink->ops->array_end(sink);
    if (r < 0)
        luaL_error(L, "the answers cannot be read: %s", sioc_strerror(r));
    lua_pushstring(L, code < 0 ? sioc_strerror(code) : NULL);
}

struct callback {
    int ref;
    int code; /* 0: there is an answer */
    const struct sioc_event *event;
    bool many;
};

static int callback_body(lua_State *L)
{
    const struct callback *c = lua_touserdata(L, 1);

    slua_push_ref(L, c->ref);
    if (c->many) {
        push_survey(L, c->event, c->code);
        lua_insert(L, -2); /* the error comes first */
    } else {
        push_outcome(L, c->event, c->code);
    }
    lua_callk(L, lua_gettop(L) - 2, 0, 0, slua_return_nothing);
    return 0;
}

static void call_back(struct slua_server *server, uint64_t socket, struct callback *c)
{
    struct slua_task_info info = {
        .what = "ack", .socket = socket, .server = server->core, .owner = server};

    slua_run(server->api->host, callback_body, c, &info);
    slua_unref(server->api->host, c->ref);
}

static void on_callback(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_socket *socket = sioc_event_socket(event);
    struct callback c = {(int)ref, sioc_event_status(event), event, false};
    struct slua_server *server = user;

    server->api->host->callbacks--;
    call_back(server, socket ? sioc_socket_handle(socket) : 0, &c);
}

static void on_survey_callback(void *user, intptr_t ref, struct sioc_event *event)
{
    struct callback c = {(int)ref, sioc_event_status(event), event, true};
    struct slua_server *server = user;

    server->api->host->callbacks--;
    call_back(server, 0, &c);
}

void slua_ack_fail(struct slua_server *server, uint64_t socket, int ref, int code)
{
    struct callback c = {ref, code, NULL, false};

    call_back(server, socket, &c);
}

static int push_answer(lua_State *L, void *user)
{
    const struct sioc_event *event = user;
    int top = lua_gettop(L);

    push_outcome(L, event, sioc_event_status(event));
    if (lua_isnil(L, top + 1)) {
        lua_remove(L, top + 1);
    } else {
        lua_pushnil(L);
        lua_insert(L, top + 1);
    }
    return lua_gettop(L) - top;
}

static void on_task(void *user, intptr_t ref, struct sioc_event *event)
{
    struct slua_server *server = user;

    slua_wake(server->api->host, (uint64_t)ref, push_answer, event);
}

static int push_survey_answer(lua_State *L, void *user)
{
    push_survey(L, user, sioc_event_status(user));
    return 2;
}

static void on_survey_task(void *user, intptr_t ref, struct sioc_event *event)
{
    struct slua_server *server = user;

    slua_wake(server->api->host, (uint64_t)ref, push_survey_answer, event);
}

struct sioc_handler slua_ack_callback(struct slua_server *server, int ref, bool many)
{
    return (struct sioc_handler){
        .call = many ? on_survey_callback : on_callback, .user = server, .ref = ref};
}

struct sioc_handler slua_ack_task(struct slua_server *server, uint64_t task, bool many)
{
    return (struct sioc_handler){
        .call = many ? on_survey_task : on_task, .user = server, .ref = (intptr_t)task};
}

/* Whether the handler is one of those above, and of this host. */
static bool is_mine(void *user, const struct sioc_handler *handler)
{
    const struct slua_server *server = handler->user;

    if (slua_is_local_answer(handler, user) || slua_is_servers_reply(handler, user))
        return true;
    if (handler->call != on_callback && handler->call != on_survey_callback &&
        handler->call != on_task && handler->call != on_survey_task)
        return false;
    return server->api->host == user;
}

void slua_acks_forget(struct slua_host *host)
{
    for (struct slua_server *s = host->servers; s; s = s->next)
        if (s->core)
            sioc_server_forget_acks(s->core, is_mine, host);
}
