/* bindings/lua/engine.c -- io.engine, and the options allow_request and generate_id: the
 * requests of clients before, and beneath, their sockets.
 *
 * The two options are questions: their handlers may wait, and the client waits with them.
 * Middleware and handlers of headers cannot wait: the answer is being made.  What they want to
 * add they put into a table, one for all handlers of the answer. Invariant: a list of handlers
 * is never changed, only replaced, so one that is walked stays.
 */
#include "api.h"

enum event { CONNECTION_ERROR, INITIAL_HEADERS, HEADERS, MIDDLEWARE, EVENTS };

static const char *const event_names[] = {"connection_error", "initial_headers", "headers",
                                          NULL};

/* User value n + 1: the list of handlers of event n. */
struct slua_engine {
    struct slua_server *server;
    int counts[EVENTS];
};

/* ---- the questions ---- */

struct question {
    struct slua_pending *pending;
    intptr_t ref;
    struct sioc_request *request;
};

static struct sioc_server *core_of(const struct slua_pending *p)
{
    return p->server->core;
}

/* Pushes the handler and what it is told. */
static struct slua_pending *push_question(lua_State *L)
{
    const struct question *q = lua_touserdata(L, 1);
    struct slua_pending *p = q->pending;

    slua_push_ref(L, q->ref);
    slua_push_request(L, p->server->api, q->request, false);
    return p;
}

/* Only a true value lets in: a check that finds nothing says no. */
static int allowed(lua_State *L, int status, lua_KContext ctx)
{
    const struct slua_pending *p = (const struct slua_pending *)ctx;
    const char *refusal = NULL;

    (void)status;
    if (!lua_toboolean(L, -2))
        refusal = lua_isnil(L, -1) ? "" : luaL_tolstring(L, -1, NULL);
    if (core_of(p))
        sioc_engine_allow(core_of(p), p->handle, refusal);
    return 0;
}

static int allow_body(lua_State *L)
{
    lua_KContext ctx = (lua_KContext)push_question(L);

    lua_callk(L, 1, 2, ctx, allowed);
    return allowed(L, LUA_OK, ctx);
}

static void allow_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;

    (void)host;
    if (result->status != LUA_OK && core_of(p))
        sioc_engine_allow(core_of(p), p->handle, "");
    slua_pending_free(p);
}

static int named(lua_State *L, int status, lua_KContext ctx)
{
    const struct slua_pending *p = (const struct slua_pending *)ctx;
    struct sioc_str id = {NULL, 0};
    int r;

    (void)status;
    if (lua_type(L, -1) == LUA_TSTRING)
        id.ptr = lua_tolstring(L, -1, &id.len);
    r = core_of(p) ? sioc_engine_give_id(core_of(p), p->handle, id) : 0;
    if (r == SIOC_EEXIST)
        return luaL_error(L, "generate_id has returned the id of another session");
    if (r == SIOC_EINVAL)
        return luaL_error(L, "generate_id must return 20 to 64 characters of A-Za-z0-9_-");
    return 0;
}

static int id_body(lua_State *L)
{
    lua_KContext ctx = (lua_KContext)push_question(L);

    lua_callk(L, 1, 1, ctx, named);
    return named(L, LUA_OK, ctx);
}

static void id_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;

    (void)host;
    if (result->status != LUA_OK && core_of(p))
        sioc_engine_give_id(core_of(p), p->handle, (struct sioc_str){NULL, 0});
    slua_pending_free(p);
}

static bool ask(struct slua_server *server, intptr_t ref, struct sioc_request *request,
                lua_CFunction body, struct slua_task_info *info)
{
    struct question q = {.ref = ref, .request = request};

    q.pending = slua_pending_new(server, sioc_request_handle(request));
    if (!q.pending)
        return false;
    info->server = server->core;
    info->owner = server;
    info->user = q.pending;
    if (slua_run(server->api->host, body, &q, info) >= 0)
        return true;
    slua_pending_free(q.pending);
    return false;
}

static void on_request(void *user, intptr_t ref, struct sioc_request *request)
{
    struct slua_server *server = user;
    struct slua_task_info info = {.what = "allow_request", .done = allow_done};
    uint64_t handle = sioc_request_handle(request);

    if (!ask(server, ref, request, allow_body, &info))
        sioc_engine_allow(server->core, handle, "");
}

static void on_id(void *user, intptr_t ref, struct sioc_request *request)
{
    struct slua_server *server = user;
    struct slua_task_info info = {.what = "generate_id", .done = id_done};
    uint64_t handle = sioc_request_handle(request);

    if (!ask(server, ref, request, id_body, &info))
        sioc_engine_give_id(server->core, handle, (struct sioc_str){NULL, 0});
}

static void on_drop(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_function_unref(server->api, ref);
}

/* The function in that field of the table at `options`, as a hook; call NULL when there is
 * none. */
static struct sioc_http_handler
hook(lua_State *L, struct slua_server *server, int options, const char *name,
     void (*call)(void *user, intptr_t ref, struct sioc_request *request))
{
    struct sioc_http_handler h = {.call = NULL};

    if (lua_getfield(L, options, name) == LUA_TFUNCTION)
        h = (struct sioc_http_handler){.call = call,
                                       .drop = on_drop,
                                       .user = server,
                                       .ref = slua_function_ref(L, server->api, lua_gettop(L))};
    lua_pop(L, 1);
    return h;
}

void slua_engine_options(lua_State *L, struct slua_server *server, int options)
{
    if (!lua_istable(L, options))
        return;
    sioc_engine_on_request(server->core, hook(L, server, options, "allow_request", on_request));
    sioc_engine_on_id(server->core, hook(L, server, options, "generate_id", on_id));
}

/* ---- news ---- */

struct news {
    struct slua_engine *engine;
    struct sioc_request *request;
    const struct sioc_connection_error *error;
    int index; /* of the handler in its list */
    bool initial;
    bool passed; /* every middleware has let the request pass */
    struct sioc_headers *headers;
};

/* Pushes the list of handlers of the event. */
static void push_list(lua_State *L, const struct slua_engine *engine, enum event event)
{
    slua_push_ref(L, engine->server->engine_ref);
    lua_getiuservalue(L, -1, (int)event + 1);
    lua_remove(L, -2);
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
    const struct news *news = lua_touserdata(L, 1);
    const struct sioc_connection_error *error = news->error;

    push_list(L, news->engine, CONNECTION_ERROR);
    if (lua_rawgeti(L, -1, news->index) != LUA_TFUNCTION)
        return 0; /* one before it has taken handlers off */
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
    struct slua_engine *engine = user;
    struct slua_server *server = engine->server;
    struct slua_task_info info = {
        .what = "connection_error", .server = server->core, .owner = server};
    struct news news = {.engine = engine, .request = request, .error = error};

    for (news.index = 1; news.index <= engine->counts[CONNECTION_ERROR]; news.index++)
        slua_run(server->api->host, error_body, &news, &info);
}

/* Index 2 is the table of headers, 3 the request. */
static void call_list(lua_State *L, const struct slua_engine *engine, enum event event)
{
    int list = lua_gettop(L) + 1;

    push_list(L, engine, event);
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) == LUA_TFUNCTION; i++) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, 3);
        lua_call(L, 2, 0); /* no continuation: these handlers cannot wait */
    }
    lua_settop(L, list - 1);
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
    push_list(L, news->engine, MIDDLEWARE);
    for (lua_Integer i = 1; lua_rawgeti(L, 4, i) == LUA_TFUNCTION; i++) {
        lua_pushvalue(L, 3);
        lua_pushvalue(L, 2);
        lua_call(L, 2, 2); /* no continuation: it cannot wait */
        if (!lua_toboolean(L, 5) && (lua_isboolean(L, 5) || !lua_isnil(L, 6)))
            return 0;
        lua_settop(L, 4);
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
static int add(lua_State *L, int event)
{
    struct slua_engine *engine = self(L);
    int count = engine->counts[event];

    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    lua_createtable(L, count + 1, 0);
    lua_getiuservalue(L, 1, event + 1);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, 5, i);
        lua_rawseti(L, 4, i);
    }
    lua_pushvalue(L, 3);
    lua_rawseti(L, 4, count + 1);
    lua_settop(L, 4);
    lua_setiuservalue(L, 1, event + 1);
    engine->counts[event] = count + 1;
    subscribe(engine);
    return 0;
}

/* engine:on(event, handler) */
static int engine_on(lua_State *L)
{
    return add(L, luaL_checkoption(L, 2, NULL, event_names));
}

/* engine:use(handler) */
static int engine_use(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    return add(L, MIDDLEWARE);
}

/* engine:off(event[, handler]): how many were removed. */
static int engine_off(lua_State *L)
{
    struct slua_engine *engine = self(L);
    int event = luaL_checkoption(L, 2, NULL, event_names);
    int count = engine->counts[event], left = 0;

    lua_settop(L, 3);
    lua_newtable(L);
    lua_getiuservalue(L, 1, event + 1);
    for (int i = 1; i <= count && !lua_isnil(L, 3); i++) {
        lua_rawgeti(L, 5, i);
        if (lua_rawequal(L, 3, 6))
            lua_pop(L, 1);
        else
            lua_rawseti(L, 4, ++left);
    }
    lua_settop(L, 4);
    lua_setiuservalue(L, 1, event + 1);
    engine->counts[event] = left;
    subscribe(engine);
    lua_pushinteger(L, count - left);
    return 1;
}

static const char *const properties[] = {"clients_count", NULL};

static int engine_index(lua_State *L)
{
    if (!slua_member(L))
        return 1;
    lua_pushinteger(L, (lua_Integer)sioc_server_client_count(self(L)->server->core));
    return 1;
}

static const luaL_Reg methods[] = {
    {"on", engine_on}, {"off", engine_off}, {"use", engine_use}, {NULL, NULL}};

void slua_engine_new(lua_State *L, struct slua_server *server)
{
    struct slua_engine *engine = lua_newuserdatauv(L, sizeof *engine, EVENTS);

    *engine = (struct slua_engine){.server = server};
    for (int i = 1; i <= EVENTS; i++) {
        lua_newtable(L);
        lua_setiuservalue(L, -2, i);
    }
    slua_set_type(L, server->api, SLUA_ENGINE);
    server->engine_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void slua_open_engine(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_ENGINE, "sioc.Engine", methods, properties, engine_index);
    lua_pop(L, 1);
}
