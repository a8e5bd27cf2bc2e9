/* socketio/http_api.c -- <sioc/http.h>: routes and static folders for applications. */
#include "base/mem.h"
#include "http/url.h"
#include "socketio/adopt.h"
#include "socketio/internal.h"

/* What a path leads to. */
struct sio_route {
    struct list node; /* in server->routes */
    struct sioc_server *server;
    struct sioc_http_handler handler;
};

/* ---- life ---- */

void sio_request_init(struct sioc_request *r, struct sioc_server *server,
                      struct http_request *http)
{
    *r = (struct sioc_request){.server = server, .http = http};
    buf_init(&r->scratch);
    buf_init(&r->path);
    url_decode(&r->path, http->head.path, false);
}

void sio_request_deinit(struct sioc_request *r)
{
    buf_deinit(&r->scratch);
    buf_deinit(&r->path);
}

struct sioc_request *sio_request_new(struct sioc_server *server, struct http_request *http)
{
    struct sioc_request *r = mem_alloc(sizeof *r);
    if (!r)
        return NULL;
    sio_request_init(r, server, http);
    if (handle_add(&server->requests, r, &r->handle) == 0)
        return r;
    sio_request_deinit(r);
    mem_free(r);
    return NULL;
}

static void request_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    struct sioc_request *r =
        (struct sioc_request *)(void *)((char *)garbage -
                                        offsetof(struct sioc_request, garbage));
    sio_request_deinit(r);
    mem_free(r);
}

void sio_request_retire(struct sioc_request *r)
{
    r->http = NULL;
    r->admission = NULL;
    handle_remove(&r->server->requests, r->handle);
    net_loop_discard(r->server->loop, &r->garbage, request_free);
}

static void on_complete(struct http_request *http)
{
    struct sioc_request *r = http->user;
    struct sioc_server *server = r->server;
    if (r->stale) { /* its body came while the routes were replaced: ask the new ones */
        sio_request_retire(r);
        server->completing = true;
        http_router_dispatch(&server->router, http);
        server->completing = false;
        return;
    }
    struct sioc_http_handler h = r->route->handler;
    r->called = true;
    h.call(h.user, h.ref, r);
}

static void on_aborted(struct http_request *http)
{
    struct sioc_request *r = http->user;
    struct sioc_request_watcher watcher = r->watcher;
    sio_request_retire(r);
    if (watcher.gone)
        watcher.gone(watcher.user, r->handle);
}

static void on_drained(struct http_request *http)
{
    struct sioc_request *r = http->user;
    if (r->watcher.drained)
        r->watcher.drained(r->watcher.user, r->handle);
}

static void on_too_big(struct http_request *http)
{
    sio_request_retire(http->user);
    http_respond_close(http, 413, NULL, 0, STR(""));
}

static const struct http_request_ops route_ops = {
    .complete = on_complete,
    .aborted = on_aborted,
    .too_big = on_too_big,
    .drained = on_drained,
};

static void on_route(void *user, struct http_request *http)
{
    struct sio_route *route = user;
    struct sioc_server *server = route->server;
    struct sioc_request *r = sio_request_new(server, http);
    if (!r) {
        http_respond_close(http, 503, NULL, 0, STR(""));
        return;
    }
    r->route = route;
    http->user = r;
    http->ops = &route_ops;
    if (server->completing) {
        server->completing = false;
        on_complete(http);
    }
}

static void route_drop(void *user)
{
    struct sio_route *route = user;
    list_remove(&route->node);
    if (route->handler.drop)
        route->handler.drop(route->handler.user, route->handler.ref);
    mem_free(route);
}

/* ---- routes ---- */

static int method_of(const char *name, enum http_method *ret_method)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {{"GET", HTTP_GET},        {"HEAD", HTTP_HEAD},     {"POST", HTTP_POST},
                   {"PUT", HTTP_PUT},        {"DELETE", HTTP_DELETE}, {"PATCH", HTTP_PATCH},
                   {"OPTIONS", HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            *ret_method = methods[i].method;
            return 0;
        }
    }
    return SIOC_EINVAL;
}

static struct sio_route *route_new(struct sioc_server *server, struct sioc_http_handler handler)
{
    struct sio_route *route = mem_alloc(sizeof *route);
    if (!route)
        return NULL;
    *route = (struct sio_route){.server = server, .handler = handler};
    list_append(&server->routes, &route->node);
    return route;
}

/* error: of the router, which has not taken the route then. */
static int route_added(struct sio_route *route, int error)
{
    if (error < 0) {
        list_remove(&route->node);
        mem_free(route);
    }
    return error;
}

int sioc_http_route(struct sioc_server *server, const char *method, struct sioc_str path,
                    struct sioc_http_handler handler)
{
    enum http_method m;
    if (method_of(method, &m) < 0)
        return SIOC_EINVAL;
    struct sio_route *route = route_new(server, handler);
    if (!route)
        return SIOC_ENOMEM;
    return route_added(route,
                       http_router_add(&server->router, m, path, on_route, route, route_drop));
}

int sioc_http_mount(struct sioc_server *server, struct sioc_str prefix,
                    struct sioc_http_handler handler)
{
    struct sio_route *route = route_new(server, handler);
    if (!route)
        return SIOC_ENOMEM;
    return route_added(
        route, http_router_add_prefix(&server->router, prefix, on_route, route, route_drop));
}

/* Their routes go: the pattern that a request's parameters are found by goes with them. */
static void make_requests_stale(struct sioc_server *server)
{
    for (uint32_t i = 0; i < server->requests.used; i++) {
        struct sioc_request *r = server->requests.slots[i].object;
        if (!r || !r->route)
            continue; /* the engine's */
        r->stale = !r->called;
        if (r->http)
            r->http->params = (struct sioc_str){NULL, 0};
    }
}

static void set_owner(struct list *routes, struct sioc_server *server)
{
    for (struct list *l = routes->next; l != routes; l = l->next)
        LIST_ENTRY(l, struct sio_route, node)->server = server;
}

void sio_routes_swap(struct sioc_server *server, struct sioc_server *draft)
{
    struct http_router router = server->router;
    struct list old;
    make_requests_stale(server);
    server->router = draft->router;
    draft->router = router;
    list_init(&old);
    list_splice(&old, &server->routes);
    list_splice(&server->routes, &draft->routes);
    list_splice(&draft->routes, &old);
    set_owner(&server->routes, server);
    set_owner(&draft->routes, draft);
}

static void static_drop(void *user)
{
    http_static_free(user);
}

int sioc_http_static(struct sioc_server *server, struct sioc_str prefix, const char *dir)
{
    struct http_static *s;
    int error = http_static_new(prefix, dir, &s);
    if (error < 0)
        return error;
    error = http_router_add_prefix(&server->router, prefix, http_static_handle, s, static_drop);
    if (error < 0)
        http_static_free(s);
    return error;
}

/* ---- what a handler can ask ---- */

uint64_t sioc_request_handle(const struct sioc_request *r)
{
    return r->handle;
}

struct sioc_request *sioc_request_find(const struct sioc_server *server, uint64_t handle)
{
    return handle_get(&server->requests, handle);
}

struct sioc_str sioc_request_method(const struct sioc_request *r)
{
    return r->http ? r->http->head.method_name : STR("");
}

struct sioc_str sioc_request_path(const struct sioc_request *r)
{
    return buf_str(&r->path);
}

struct sioc_str sioc_request_url(const struct sioc_request *r)
{
    return r->http ? r->http->head.target : STR("");
}

struct sioc_str sioc_request_address(struct sioc_request *r)
{
    struct http_client client;
    if (r->address.ptr)
        return r->address;
    buf_reset(&r->scratch);
    if (r->http) {
        http_client_of(r->server->proxies, &r->http->head, http_request_stream(r->http),
                       &client);
        buf_put_str(&r->scratch, sioc_str(client.address));
    }
    return buf_str(&r->scratch);
}

struct sioc_str sioc_request_body(const struct sioc_request *r)
{
    return r->http ? buf_str(&r->http->body) : STR("");
}

bool sioc_request_header_next(struct sioc_request *r, size_t *pos, struct sioc_str *ret_name,
                              struct sioc_str *ret_value)
{
    if (!r->http || *pos >= r->http->head.header_count)
        return false;
    const struct http_header *h = &r->http->head.headers[(*pos)++];
    buf_reset(&r->scratch);
    for (size_t i = 0; i < h->name.len; i++) {
        char c = h->name.ptr[i];
        buf_putc(&r->scratch, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    }
    *ret_name = buf_str(&r->scratch);
    *ret_value = h->value;
    return true;
}

/* Pairs of a query string or a form: *pos is how far into it the walk is. */
static bool next_pair(struct sioc_request *r, struct sioc_str all, size_t *pos,
                      struct sioc_str *ret_name, struct sioc_str *ret_value)
{
    if (*pos >= all.len)
        return false;
    struct sioc_str rest = str_from(all, *pos);
    bool more = url_query_next(&rest, &r->scratch, ret_name, ret_value);
    *pos = all.len - rest.len;
    return more;
}

bool sioc_request_query_next(struct sioc_request *r, size_t *pos, struct sioc_str *ret_name,
                             struct sioc_str *ret_value)
{
    return r->http && next_pair(r, r->http->head.query, pos, ret_name, ret_value);
}

bool sioc_request_form_next(struct sioc_request *r, size_t *pos, struct sioc_str *ret_name,
                            struct sioc_str *ret_value)
{
    return r->http && next_pair(r, buf_str(&r->http->body), pos, ret_name, ret_value);
}

bool sioc_request_param_next(struct sioc_request *r, size_t *pos, struct sioc_str *ret_name,
                             struct sioc_str *ret_value)
{
    return r->http && http_route_param_next(r->http, pos, &r->scratch, ret_name, ret_value);
}
