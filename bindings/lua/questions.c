/* bindings/lua/questions.c -- the options allow_request and generate_id: who may open a
 * session, and by which id.
 *
 * Both are functions of a script that may wait; the client waits with them. Invariant: each
 * question is answered once, also when its function fails.
 */
#include "api.h"

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
