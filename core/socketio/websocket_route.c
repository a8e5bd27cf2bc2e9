/* socketio/websocket_route.c -- routes of plain WebSockets: whose requests they take, and what
 * becomes of their connections when a reload replaces them.
 *
 * A route is counted: by the router that has it, by its connections, and by the route that it
 * is the heir of.  A connection stays with the route of before until it is re-bound; then it
 * goes to the heir, whose `open` is called again with the request as it was, or is closed.
 * Invariant: a route of before is asked for nothing but the `close` of those that go with it.
 */
#include "base/mem.h"
#include "http/forwarded.h"
#include "socketio/adopt.h"
#include "socketio/websocket.h"
#include "ws/accept.h"
#include "ws/handshake.h"

#define CODE_RESTART 1012

/* ---- opening ---- */

static void refuse(struct http_request *request, int status, struct sioc_str text)
{
    struct buf raw;
    buf_init(&raw);
    ws_handshake_refuse(&raw, status, text);
    http_respond_raw_close(request, buf_str(&raw));
    buf_deinit(&raw);
}

static void refuse_origin(struct sioc_server *server, struct http_request *request)
{
    char clean[LOG_CLEAN_MAX * 4 + 4];
    struct sioc_str origin = http_header_get(&request->head, STR("origin"));
    server->metrics.reject_origin++;
    log_write(&server->log, SIOC_LOG_WARN,
              "refused a page from origin %s; to allow it: cors = { origin = \"%s\" }",
              log_clean(origin, clean), clean);
    refuse(request, 403, STR("Forbidden"));
}

static struct sioc_websocket *websocket_new(struct sio_ws_route *route,
                                            struct http_request *request)
{
    struct http_client client;
    http_client_of(route->server->proxies, &request->head, http_request_stream(request),
                   &client);
    size_t address_len = strlen(client.address), head_len = request->raw_head.len;
    struct sioc_websocket *w = mem_zalloc(sizeof *w + head_len + address_len);
    if (!w)
        return NULL;
    w->server = route->server;
    w->route = route;
    w->generation = w->server->generation;
    list_init(&w->node);
    list_init(&w->kept);
    w->head = sioc_str_n(w->bytes, head_len);
    w->address = sioc_str_n(w->bytes + head_len, address_len);
    memcpy(w->bytes, request->raw_head.ptr, head_len);
    memcpy(w->bytes + head_len, client.address, address_len);
    if (handle_add(&w->server->websockets, w, &w->handle) < 0) {
        mem_free(w);
        return NULL;
    }
    route->refs++;
    return w;
}

static void tell_opened(struct sioc_websocket *w, struct http_request *http)
{
    const struct sioc_websocket_handler *h = &w->route->handler;
    struct sioc_request request;
    sio_request_init(&request, w->server, http);
    request.address = w->address;
    h->open(h->user, h->ref, w, &request);
    sio_request_deinit(&request);
}

static void on_route(void *user, struct http_request *request)
{
    struct sio_ws_route *route = user;
    struct sioc_server *server = route->server;
    const struct ws_config *config = &server->engine.ws;
    struct ws_agreement agreement;
    if (ws_accept_check(config, request, &agreement) < 0)
        return;
    struct sioc_websocket *w = websocket_new(route, request);
    if (!w) {
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    w->conn = ws_accept(config, request, &agreement, &sio_websocket_events, w);
    if (!w->conn) {
        handle_remove(&server->websockets, w->handle);
        sio_ws_route_unref(route);
        mem_free(w);
        return;
    }
    sio_websocket_begin(w);
    tell_opened(w, request); /* its head stays readable until the end of the turn */
}

bool sio_websocket_required(struct sioc_server *server, struct http_request *request)
{
    if (http_router_has(&server->router, request) ||
        !http_router_has(&server->websocket_routes, request))
        return false;
    buf_put_str(&request->extra_headers, STR("Upgrade: websocket\r\nConnection: Upgrade\r\n"));
    http_respond(request, 426, NULL, 0, STR(""));
    return true;
}

void sio_websocket_request(struct sioc_server *server, struct http_request *request)
{
    const struct http_cors *cors = server->engine.cors;
    if (!http_router_has(&server->websocket_routes, request)) {
        http_respond_close(request, 404, NULL, 0, STR(""));
        return;
    }
    http_cors_apply(cors, request);
    if (!http_cors_allows(cors, request))
        refuse_origin(server, request);
    else if (!http_request_may_open(request))
        http_respond_close(request, 429, NULL, 0, STR(""));
    else
        http_router_dispatch(&server->websocket_routes, request);
}

/* ---- reloading ---- */

/* The request again, from the bytes that were kept of it. */
static void replay(struct sioc_websocket *w)
{
    const struct http_limits any = {SIZE_MAX, SIZE_MAX, HTTP_MAX_HEADERS};
    struct http_header room[HTTP_MAX_HEADERS];
    struct http_request request = {.params = sioc_str_n(w->route->path, w->route->path_len)};
    int status;
    if (http_parse_head(w->head, &any, room, &request.head, &status) <= 0)
        return;
    w->replaying = true;
    tell_opened(w, &request);
    w->replaying = false;
}

void sio_websocket_rebind(struct sioc_websocket *w)
{
    struct sio_ws_route *route = w->route;
    if (!w->conn || w->generation == w->server->generation)
        return;
    w->generation = w->server->generation;
    while (route->heir)
        route = route->heir;
    if (route->server != w->server) {
        sio_websocket_close_with(w, CODE_RESTART, STR("service restart"));
        return;
    }
    route->refs++;
    sio_ws_route_unref(w->route);
    w->route = route;
    replay(w);
}

bool sio_websockets_rebind(struct sioc_server *server, size_t max, size_t *ret_count)
{
    const struct handle_table *all = &server->websockets;
    while (max > 0 && server->rebind_websocket_at < all->used) {
        struct sioc_websocket *w = all->slots[server->rebind_websocket_at++].object;
        if (!w || w->generation == server->generation)
            continue;
        sio_websocket_rebind(w);
        (*ret_count)++;
        max--;
    }
    return server->rebind_websocket_at < all->used;
}

static struct sio_ws_route *same_route(const struct list *routes, const struct sio_ws_route *as)
{
    struct sioc_str path = sioc_str_n(as->path, as->path_len);
    for (struct list *l = routes->next; l != routes; l = l->next) {
        struct sio_ws_route *route = LIST_ENTRY(l, struct sio_ws_route, node);
        if (http_route_same(path, sioc_str_n(route->path, route->path_len)))
            return route;
    }
    return NULL;
}

static void set_owner(struct list *routes, struct sioc_server *server)
{
    for (struct list *l = routes->next; l != routes; l = l->next)
        LIST_ENTRY(l, struct sio_ws_route, node)->server = server;
}

void sio_websockets_swap(struct sioc_server *server, struct sioc_server *draft)
{
    struct http_router router = server->websocket_routes;
    struct list old;
    server->websocket_routes = draft->websocket_routes;
    draft->websocket_routes = router;
    list_init(&old);
    list_splice(&old, &server->websocket_handlers);
    list_splice(&server->websocket_handlers, &draft->websocket_handlers);
    list_splice(&draft->websocket_handlers, &old);
    set_owner(&server->websocket_handlers, server);
    set_owner(&draft->websocket_handlers, draft);
    for (struct list *l = draft->websocket_handlers.next; l != &draft->websocket_handlers;
         l = l->next) {
        struct sio_ws_route *route = LIST_ENTRY(l, struct sio_ws_route, node);
        route->heir = same_route(&server->websocket_handlers, route);
        if (route->heir)
            route->heir->refs++;
    }
    server->rebind_websocket_at = 0;
}

/* ---- routes ---- */

void sio_ws_route_unref(struct sio_ws_route *route)
{
    while (route && --route->refs == 0) {
        struct sio_ws_route *heir = route->heir;
        if (route->handler.drop)
            route->handler.drop(route->handler.user, route->handler.ref);
        mem_free(route);
        route = heir;
    }
}

/* The router goes; connections may still have it. */
static void route_drop(void *user)
{
    struct sio_ws_route *route = user;
    list_remove(&route->node);
    route->server = NULL;
    sio_ws_route_unref(route);
}

int sioc_websocket_route(struct sioc_server *server, struct sioc_str path,
                         struct sioc_websocket_handler handler)
{
    struct sio_ws_route *route = mem_alloc(sizeof *route + path.len);
    if (!route)
        return SIOC_ENOMEM;
    *route = (struct sio_ws_route){
        .server = server, .handler = handler, .refs = 1, .path_len = path.len};
    if (path.len)
        memcpy(route->path, path.ptr, path.len);
    int error =
        http_router_add(&server->websocket_routes, HTTP_GET, path, on_route, route, route_drop);
    if (error < 0)
        mem_free(route);
    else
        list_append(&server->websocket_handlers, &route->node);
    return error;
}
