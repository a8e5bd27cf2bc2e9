/* bindings/lua/engine.c -- io.engine: what happens beneath the sockets.
 *
 * Middleware and handlers of headers cannot wait: the answer is being made.  What they want to
 * add they put into a table, one for all handlers of the answer. What is told of connections is
 * told in tasks of their own; the rest about them is conn.c's.
 */
#include "api.h"

enum event {
    CONNECTION_ERROR = 1,
    INITIAL_HEADERS,
    HEADERS,
    CONNECTION,
    FLUSH,
    DRAIN,
    MIDDLEWARE,
    EVENTS = MIDDLEWARE
};

static const char *const event_names[] = {
    "connection_error", "initial_headers", "headers", "connection", "flush", "drain", NULL};

/* User value 1: the handlers (emitter.c). */
struct slua_engine {
    struct slua_server *server;
    int counts[EVENTS + 1];
};

/* ---- news ---- */

struct news {
    struct slua_engine *engine;
    struct sioc_request *request;
    const struct sioc_connection_error *error;
    struct slua_emission emission;
    bool initial;
    bool passed; /* every middleware has let the request pass */
    struct sioc_headers *headers;
    enum event event; /* of a connection */
    struct sioc_conn *conn;
    const struct sioc_conn_event *flushed;
};

/* Pushes io.engine and the next handler; false: there is none to call. */
static bool push_handler(lua_State *L, struct news *news, enum event event)
{
    slua_push_ref(L, news->engine->server->engine_ref);
    return slua_emission_next(L, lua_gettop(L), (int)event, &news->emission);
}

/* The body for each handler of the event, one after the other. */
static void run_each(struct news *news, lua_CFunction body, const char *what)
{
    struct slua_server *server = news->engine->server;
    struct slua_task_info info = {.what = what, .server = server->core, .owner = server};
    struct slua_emission *e = &news->emission;

    for (e->index = e->count = 1; e->index <= e->count; e->index++)
        slua_run(server->api->host, body, news, &info);
    slua_emission_end(server->api->host, e);
}

static void push_context(lua_State *L, const struct sioc_connection_error *error)
{
    lua_createtable(L, 0, (int)error->context_count);
    for (size_t i = 0; i < error->context_count; i++) {
        slua_push_str(L, error->context[i].name);
        slua_push_str(L, error->context[i].value);
        if (strcmp(lua_tostring(L, -2), "protocol") == 0 &&
            lua_stringtonumber(L, lua_tostring(L, -1)))
            lua_remove(L, -2);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "context");
}

static int error_body(lua_State *L)
{
    struct news *news = lua_touserdata(L, 1);
    const struct sioc_connection_error *error = news->error;

    if (!push_handler(L, news, CONNECTION_ERROR))
        return 0;
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, error->code);
    lua_setfield(L, -2, "code");
    slua_set_str(L, "message", error->message);
    slua_push_request(L, news->engine->server->api, news->request, false);
    lua_setfield(L, -2, "req");
    push_context(L, error);
    lua_callk(L, 1, 0, 0, slua_return_nothing);
    return 0;
}

static void on_connection_error(void *user, struct sioc_request *request,
                                const struct sioc_connection_error *error)
{
    struct news news = {.engine = user, .request = request, .error = error};

    run_each(&news, error_body, "connection_error");
}

/* ---- connections ---- */

static int conn_body(lua_State *L)
{
    struct news *news = lua_touserdata(L, 1);
    int args = 1;

    if (!push_handler(L, news, news->event))
        return 0;
    slua_push_conn(L, news->engine->server, news->conn);
    if (news->flushed) {
        slua_push_packets(L, news->flushed);
        args = 2;
    }
    lua_callk(L, args, 0, 0, slua_return_nothing);
    return 0;
}

static void on_connection(void *user, struct sioc_conn *conn)
{
    struct news news = {.engine = user, .event = CONNECTION, .conn = conn};

    run_each(&news, conn_body, "engine connection");
}

static void on_flush(void *user, struct sioc_conn *conn, const struct sioc_conn_event *event)
{
    struct news news = {.engine = user, .event = FLUSH, .conn = conn, .flushed = event};

    run_each(&news, conn_body, "engine flush");
}

static void on_drain(void *user, struct sioc_conn *conn)
{
    struct news news = {.engine = user, .event = DRAIN, .conn = conn};

    run_each(&news, conn_body, "engine drain");
}

/* ---- answers that are being made: nobody can wait ---- */

/* Pushes io.engine and the list of the event, which is no list when there are no handlers. */
static void push_list(lua_State *L, const struct slua_engine *engine, enum event event)
{
    slua_push_ref(L, engine->server->engine_ref);
    slua_emitter_push(L, -1, (int)event);
}

/* Index 2 is the table of headers, 3 the request. */
static void call_list(lua_State *L, const struct slua_engine *engine, enum event event)
{
    int object = lua_gettop(L) + 1, list = object + 1;

    push_list(L, engine, event);
    for (lua_Integer i = 1; lua_istable(L, list); i++) {
        if (lua_rawgeti(L, list, i) == LUA_TNIL)
            break;
        if (!slua_emitter_entry(L, object, (int)event))
            continue;
        lua_pushvalue(L, 2);
        lua_pushvalue(L, 3);
        lua_call(L, 2, 0); /* no continuation: these handlers cannot wait */
        lua_settop(L, list);
    }
    lua_settop(L, object - 1);
}

static void add_header(lua_State *L, struct sioc_headers *headers, int name, int value)
{
    size_t name_len, value_len;
    const char *name_text, *value_text;

    if (lua_type(L, name) != LUA_TSTRING || !lua_isstring(L, value))
        luaL_error(L, "headers are names with strings, or with lists of them");
    name_text = lua_tolstring(L, name, &name_len);
    value_text = lua_tolstring(L, value, &value_len);
    if (sioc_headers_add(headers, sioc_str_n(name_text, name_len),
                         sioc_str_n(value_text, value_len)) == SIOC_EINVAL)
        luaL_error(L, "the header \"%s\" cannot be set, or not to that value", name_text);
}

/* What is in the table at 2. */
static void add_headers(lua_State *L, const struct news *news)
{
    lua_settop(L, 3);
    lua_pushnil(L);
    while (lua_next(L, 2)) { /* 4: name, 5: value */
        lua_Integer count = lua_istable(L, 5) ? (lua_Integer)lua_rawlen(L, 5) : 0;

        if (!lua_istable(L, 5)) {
            lua_pushvalue(L, 5);
            add_header(L, news->headers, 4, 6);
        }
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, 5, i);
            add_header(L, news->headers, 4, 6);
            lua_settop(L, 5);
        }
        lua_settop(L, 4);
    }
}

static void push_answer(lua_State *L, const struct news *news)
{
    lua_newtable(L);
    slua_push_request(L, news->engine->server->api, news->request, false);
}

static int headers_body(lua_State *L)
{
    const struct news *news = lua_touserdata(L, 1);

    push_answer(L, news);
    if (news->initial)
        call_list(L, news->engine, INITIAL_HEADERS);
    call_list(L, news->engine, HEADERS);
    add_headers(L, news);
    return 0;
}

/* As with sockets: nothing or true lets pass, `nil, message` refuses. */
static int middleware_body(lua_State *L)
{
    struct news *news = lua_touserdata(L, 1);

    push_answer(L, news);
    push_list(L, news->engine, MIDDLEWARE); /* io.engine at 4, the list at 5 */
    for (lua_Integer i = 1; lua_istable(L, 5) && lua_rawgeti(L, 5, i) == LUA_TFUNCTION; i++) {
        lua_pushvalue(L, 3);
        lua_pushvalue(L, 2);
        lua_call(L, 2, 2); /* no continuation: it cannot wait */
        if (!lua_toboolean(L, 6) && (lua_isboolean(L, 6) || !lua_isnil(L, 7)))
            return 0;
        lua_settop(L, 5);
    }
    add_headers(L, news);
    news->passed = true;
    return 0;
}

static bool on_any_request(void *user, struct sioc_request *request,
                           struct sioc_headers *headers)
{
    struct slua_engine *engine = user;
    struct slua_server *server = engine->server;
    struct slua_task_info info = {
        .what = "middleware", .server = server->core, .owner = server};
    struct news news = {.engine = engine, .request = request, .headers = headers};

    slua_run(server->api->host, middleware_body, &news, &info);
    return news.passed;
}

static void on_headers(void *user, struct sioc_request *request, bool initial,
                       struct sioc_headers *headers)
{
    struct slua_engine *engine = user;
    struct slua_server *server = engine->server;
    struct slua_task_info info = {.what = "headers", .server = server->core, .owner = server};
    struct news news = {
        .engine = engine, .request = request, .initial = initial, .headers = headers};

    if (initial ? engine->counts[INITIAL_HEADERS] + engine->counts[HEADERS] > 0
                : engine->counts[HEADERS] > 0)
        slua_run(server->api->host, headers_body, &news, &info);
}

/* The core asks only for what somebody listens to. */
static void subscribe(struct slua_engine *engine)
{
    const int *counts = engine->counts;
    struct sioc_engine_events events = {
        .connection_error = counts[CONNECTION_ERROR] ? on_connection_error : NULL,
        .request = counts[MIDDLEWARE] ? on_any_request : NULL,
        .headers = counts[INITIAL_HEADERS] + counts[HEADERS] ? on_headers : NULL,
        .connection = counts[CONNECTION] ? on_connection : NULL,
        .flush = counts[FLUSH] ? on_flush : NULL,
        .drain = counts[DRAIN] ? on_drain : NULL,
        .user = engine};

    if (slua_is_retired(engine->server->api))
        return; /* the hooks are the new code's */
    sioc_engine_set_events(engine->server->core, &events);
}

/* ---- the object ---- */

static struct slua_engine *self(lua_State *L)
{
    struct slua_engine *engine = slua_self(L, slua_api(L), SLUA_ENGINE);

    if (!engine->server->core)
        luaL_error(L, "the server is gone");
    return engine;
}

/* The function at 3 goes behind the others of the event. */
static int add(lua_State *L, int event, bool once)
{
    struct slua_engine *engine = self(L);

    slua_emitter_add(L, event, once);
    engine->counts[event] = slua_emitter_count(L, 1, event);
    subscribe(engine);
    return 0;
}

/* engine:on(event, handler) */
static int engine_on(lua_State *L)
{
    return add(L, luaL_checkoption(L, 2, NULL, event_names) + 1, false);
}

static int engine_once(lua_State *L)
{
    return add(L, luaL_checkoption(L, 2, NULL, event_names) + 1, true);
}

/* engine:use(handler) */
static int engine_use(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    return add(L, MIDDLEWARE, false);
}

/* engine:off(event[, handler]): how many were removed. */
static int engine_off(lua_State *L)
{
    struct slua_engine *engine = self(L);
    int event = luaL_checkoption(L, 2, NULL, event_names) + 1;
    int removed = slua_emitter_remove(L, event);

    engine->counts[event] = slua_emitter_count(L, 1, event);
    subscribe(engine);
    lua_pushinteger(L, removed);
    return 1;
}

static const char *const properties[] = {"clients_count", "clients", NULL};
enum { CLIENTS_COUNT = 1, CLIENTS };

/* A fresh table: number -> connection. */
static void push_clients(lua_State *L, struct slua_server *server)
{
    struct sioc_conn *conn;
    size_t pos = 0;

    lua_newtable(L);
    while ((conn = sioc_conn_next(server->core, &pos))) {
        slua_push_conn(L, server, conn);
        lua_rawseti(L, -2, (lua_Integer)sioc_conn_number(conn));
    }
}

static int engine_index(lua_State *L)
{
    int property = slua_member(L);

    if (!property)
        return 1;
    if (property == CLIENTS)
        push_clients(L, self(L)->server);
    else
        lua_pushinteger(L, (lua_Integer)sioc_server_client_count(self(L)->server->core));
    return 1;
}

static const luaL_Reg methods[] = {
    {"on", engine_on},   {"once", engine_once}, {"off", engine_off},
    {"use", engine_use}, {NULL, NULL},
};

void slua_engine_new(lua_State *L, struct slua_server *server)
{
    struct slua_engine *engine = lua_newuserdatauv(L, sizeof *engine, 1);

    *engine = (struct slua_engine){.server = server};
    slua_emitter_init(L);
    slua_set_type(L, server->api, SLUA_ENGINE);
    server->engine_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void slua_open_engine(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_ENGINE, "sioc.Engine", methods, properties, engine_index);
    lua_pop(L, 1);
}
