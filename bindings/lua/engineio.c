/* bindings/lua/engineio.c -- io:engineio: routes that speak Engine.IO and nothing above it.
 *
 * The function runs for each connection; after a reload again, muted, with a new userdata that
 * has the data of the old one (conn.c).
 */
#include "api.h"

/* On the C stack of the core's call: valid until the handler first waits. */
struct call {
    struct slua_server *server;
    struct sioc_conn *conn;
    intptr_t ref; /* the route's function */
};

static int open_body(lua_State *L)
{
    const struct call *call = lua_touserdata(L, 1);

    slua_push_ref(L, call->ref);
    slua_push_conn(L, call->server, call->conn);
    lua_getfield(L, -1, "request");
    lua_callk(L, 2, 0, 0, slua_return_nothing);
    return 0;
}

static void open_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;
    struct sioc_server *core = p->server->core;
    struct sioc_conn *conn = core ? sioc_conn_find(core, p->handle) : NULL;

    p->ended = true;
    if (conn && result->status != LUA_OK && !p->replayed && !host->retired)
        sioc_conn_close(conn, true);
    if (!p->held)
        return; /* on_open frees it */
    conn = core ? sioc_conn_find(core, p->handle) : NULL;
    if (conn)
        sioc_conn_release(conn);
    slua_pending_free(p);
}

/* What comes while the handler waits is kept, so that it finds the handlers that are set. */
static void on_open(void *user, intptr_t ref, struct sioc_conn *conn)
{
    struct slua_server *server = user;
    struct call call = {.server = server, .conn = conn, .ref = ref};
    struct slua_task_info info = {.what = "Engine.IO connection",
                                  .server = server->core,
                                  .owner = server,
                                  .done = open_done};

    struct slua_pending *p = slua_pending_new(server, sioc_conn_handle(conn));

    info.user = p;
    info.muted = sioc_conn_replayed(conn);
    if (p)
        p->replayed = info.muted;
    if (!p || slua_run(server->api->host, open_body, &call, &info) < 0) {
        sioc_conn_close(conn, true);
        slua_pending_free(p);
    } else if (p->ended) {
        slua_pending_free(p);
    } else {
        p->held = true;
        sioc_conn_hold(conn);
    }
}

static void on_drop(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_function_unref(server->api, ref);
}

/* io:engineio(path, function(conn, req) end) */
static int add_route(lua_State *L)
{
    struct slua_server *server = slua_self_nsp(L)->server;
    struct sioc_str path = slua_check_str(L, 2);
    struct sioc_conn_opener opener = {.open = on_open, .drop = on_drop, .user = server};
    int r;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (slua_is_retired(server->api))
        return 0;
    opener.ref = slua_function_ref(L, server->api, 3);
    server->registered++;
    r = sioc_engineio_route(server->core, path, opener);
    if (r >= 0)
        return 0;
    slua_function_unref(server->api, opener.ref);
    return luaL_error(L, "engineio %s: %s", path.ptr,
                      r == SIOC_EEXIST   ? "there is a handler already"
                      : r == SIOC_EINVAL ? "a path such as \"/engine.io/\" expected"
                                         : sioc_strerror(r));
}

const luaL_Reg slua_engineio_routes[] = {{"engineio", add_route}, {NULL, NULL}};
