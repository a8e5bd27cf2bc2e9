/* bindings/lua/http.c -- routes and folders on the server's port.
 *
 * A route's handler is a task; it may wait.  It answers through its response object or by what
 * it returns (exchange.c).  An error is answered with 500 and logged, but for one: a body that
 * req:json() could not read is the client's fault, 400.
 */
#include "api.h"
#include <stdio.h>

struct call {
    struct slua_server *server;
    intptr_t ref;
    struct sioc_request *request;
};

/* Index 1 is the response object. */
static int returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    slua_respond_with(L, 1, 2);
    return 0;
}

static int route_body(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);

    slua_push_ref(L, call->ref);
    slua_push_exchange(L, call->server, call->request);
    lua_pushvalue(L, -1);
    lua_replace(L, 1);
    lua_callk(L, 2, LUA_MULTRET, 0, returned);
    return returned(L, LUA_OK, 0);
}

static void respond(struct slua_pending *p, int status, const char *type, const char *text)
{
    struct sioc_http_field field = {sioc_str("content-type"), sioc_str(type)};
    struct sioc_request *request =
        p->server->core ? sioc_request_find(p->server->core, p->handle) : NULL;

    if (request)
        sioc_request_respond(request, status, &field, 1, sioc_str(text));
}

static void route_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;
    struct slua_task_info info = {
        .what = p->name, .server = p->server->core, .owner = p->server};

    if (result->status != LUA_OK && result->error && strstr(result->error, SLUA_BAD_JSON)) {
        respond(p, 400, "application/json", "{\"error\":\"" SLUA_BAD_JSON "\"}");
    } else if (result->status != LUA_OK) {
        if (!host->closing)
            slua_report(host, &info, result->error);
        respond(p, 500, "text/plain; charset=utf-8", "Internal Server Error");
    }
    slua_pending_free(p);
}

static void on_request(void *user, intptr_t ref, struct sioc_request *request)
{
    struct slua_server *server = user;
    struct call call = {server, ref, request};
    struct slua_pending *p = slua_pending_new(server, sioc_request_handle(request));
    struct slua_task_info info = {.server = server->core,
                                  .owner = server,
                                  .quiet = true, /* route_done reports */
                                  .done = route_done,
                                  .user = p};

    if (p) {
        snprintf(p->name, sizeof p->name, "%.*s %.*s",
                 SIOC_STR_ARG(sioc_request_method(request)),
                 SIOC_STR_ARG(sioc_request_path(request)));
        info.what = p->name;
        if (slua_run(server->api->host, route_body, &call, &info) >= 0)
            return;
        slua_pending_free(p);
    }
    sioc_request_respond(request, 503, NULL, 0, sioc_str("Service Unavailable"));
}

static void on_drop(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_function_unref(server->api, ref);
}

static int add_route(lua_State *L, const char *method)
{
    struct slua_server *server = slua_self_nsp(L)->server;
    struct sioc_str path = slua_check_str(L, 2);
    struct sioc_http_handler handler = {.call = on_request, .drop = on_drop, .user = server};
    int r;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (slua_is_retired(server->api))
        return 0;
    handler.ref = slua_function_ref(L, server->api, 3);
    server->registered++;
    r = sioc_http_route(server->core, method, path, handler);
    if (r >= 0)
        return 0;
    slua_function_unref(server->api, handler.ref);
    return luaL_error(L, "%s %s: %s", method, path.ptr,
                      r == SIOC_EEXIST ? "there is a handler already" : sioc_strerror(r));
}

static int route_get(lua_State *L)
{
    return add_route(L, "GET");
}

static int route_post(lua_State *L)
{
    return add_route(L, "POST");
}

static int route_put(lua_State *L)
{
    return add_route(L, "PUT");
}

static int route_patch(lua_State *L)
{
    return add_route(L, "PATCH");
}

static int route_delete(lua_State *L)
{
    return add_route(L, "DELETE");
}

/* io:static(prefix, folder): a relative folder is meant from the script. */
static int serve_folder(lua_State *L)
{
    struct slua_server *server = slua_self_nsp(L)->server;
    struct sioc_str prefix = slua_check_str(L, 2);
    const char *dir = slua_push_path(L, server->api, luaL_checkstring(L, 3));
    int r;

    if (slua_is_retired(server->api))
        return 0;
    r = sioc_http_static(server->core, prefix, dir);
    server->registered++;
    if (r < 0)
        return luaL_error(L, "static folder \"%s\": %s", dir,
                          r == SIOC_ENOTFOUND ? "there is no readable folder of that name"
                                              : sioc_strerror(r));
    return 0;
}

const luaL_Reg slua_http_methods[] = {
    {"get", route_get},     {"post", route_post},     {"put", route_put},
    {"patch", route_patch}, {"delete", route_delete}, {"static", serve_folder},
    {NULL, NULL},
};
