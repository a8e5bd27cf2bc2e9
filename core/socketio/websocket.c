/* socketio/websocket.c -- plain WebSocket routes: from the request to the last close frame.
 *
 * A connection here is a ws_conn with an owner that the application sees.  It shares limits and
 * compression with the engine's, so that there is one set of options and one pool.
 * Invariant: `conn` is set while the handle finds the connection, but for the time of `close`;
 * `close` is called exactly once for each `open`.
 */
#include "socketio/websocket.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engineio/websocket.h"
#include "socketio/adopt.h"
#include "ws/accept.h"
#include "ws/handshake.h"

enum {
    CODE_GOING_AWAY = 1001,
    CODE_EMPTY = 1005,
    CODE_ABRUPT = 1006,
    CODE_RESTART = 1012,
    CODE_TRY_AGAIN = 1013,
};
#define REASON_MAX 123

struct sio_ws_route {
    struct sioc_server *server;
    struct sioc_websocket_handler handler;
    struct list node; /* in server->websocket_handlers */
};

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len);
static void on_pong(void *user);
static void on_closed(void *user, enum ws_closed_by by, uint16_t status,
                      struct sioc_str reason);
static void on_drained(void *user);

static const struct ws_conn_events conn_events = {
    .message = on_message, .closed = on_closed, .drained = on_drained, .pong = on_pong};

/* ---- the end ---- */

static void websocket_free(struct net_garbage *garbage)
{
    struct sioc_websocket *w = LIST_ENTRY(garbage, struct sioc_websocket, garbage);
    mem_free(w);
}

/* Its ws_conn is no longer ours: tells the application, and forgets. */
static void end(struct sioc_websocket *w, unsigned code, struct sioc_str reason)
{
    const struct sioc_websocket_handler *h = &w->route->handler;
    w->conn = NULL;
    net_timer_stop(&w->timer);
    list_remove(&w->node);
    if (h->close)
        h->close(h->user, h->ref, w, code, reason);
    sio_topics_leave_all(w);
    handle_remove(&w->server->websockets, w->handle);
    net_loop_discard(w->server->loop, &w->garbage, websocket_free);
}

static void close_with(struct sioc_websocket *w, unsigned code, struct sioc_str reason)
{
    ws_conn_close(w->conn, (uint16_t)code, reason);
    end(w, code ? code : CODE_EMPTY, reason);
}

static void on_closed(void *user, enum ws_closed_by by, uint16_t status, struct sioc_str reason)
{
    (void)by;
    end(user, status, reason);
}

/* ---- heartbeat: a peer that is silent is asked, and must answer ---- */

static void on_timer(struct net_timer *timer)
{
    struct sioc_websocket *w = LIST_ENTRY(timer, struct sioc_websocket, timer);
    struct sioc_server *server = w->server;
    bool silent = !w->heard;
    w->heard = false;
    if (w->choked) {
        close_with(w, CODE_TRY_AGAIN, STR("slow reader"));
    } else if (silent && w->pinged) {
        server->metrics.reject_ping_timeout++;
        ws_conn_destroy(w->conn);
        end(w, CODE_ABRUPT, STR("ping timeout"));
    } else {
        w->pinged = silent && ws_conn_ping(w->conn) == 0;
        net_timer_start(server->loop, timer,
                        w->pinged ? sio_ms(server->options->ping_timeout)
                                  : sio_ms(server->options->ping_interval));
    }
}

static void on_pong(void *user)
{
    struct sioc_websocket *w = user;
    w->heard = true;
}

/* ---- input ---- */

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct sioc_websocket *w = user;
    const struct sioc_websocket_handler *h = &w->route->handler;
    w->heard = true;
    if (h->message)
        h->message(h->user, h->ref, w, sioc_str_n(bytes, len), binary);
}

static void on_drained(void *user)
{
    struct sioc_websocket *w = user;
    const struct sioc_websocket_handler *h = &w->route->handler;
    if (h->drained)
        h->drained(h->user, h->ref, w);
}

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

static struct sioc_websocket *websocket_new(struct sio_ws_route *route)
{
    struct sioc_websocket *w = mem_zalloc(sizeof *w);
    if (!w)
        return NULL;
    w->server = route->server;
    w->route = route;
    net_timer_init(&w->timer, on_timer);
    list_init(&w->node);
    if (handle_add(&w->server->websockets, w, &w->handle) < 0) {
        mem_free(w);
        return NULL;
    }
    return w;
}

/* The request's head stays readable until the end of the turn (http_upgrade). */
static void tell_opened(struct sioc_websocket *w, struct http_request *http)
{
    const struct sioc_websocket_handler *h = &w->route->handler;
    struct sioc_request request;
    sio_request_init(&request, w->server, http);
    request.stream = ws_conn_stream(w->conn);
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
    struct sioc_websocket *w = websocket_new(route);
    if (!w) {
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    w->conn = ws_accept(config, request, &agreement, &conn_events, w);
    if (!w->conn) {
        handle_remove(&server->websockets, w->handle);
        mem_free(w);
        return;
    }
    list_append(&server->plain_websockets, &w->node);
    net_timer_start(server->loop, &w->timer, sio_ms(server->options->ping_interval));
    tell_opened(w, request);
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

static void close_all(struct sioc_server *server, unsigned code, struct sioc_str reason)
{
    while (!list_empty(&server->plain_websockets))
        close_with(LIST_ENTRY(server->plain_websockets.next, struct sioc_websocket, node), code,
                   reason);
}

void sio_websockets_close(struct sioc_server *server)
{
    close_all(server, CODE_GOING_AWAY, STR("server shutting down"));
}

static void set_owner(struct list *handlers, struct sioc_server *server)
{
    for (struct list *l = handlers->next; l != handlers; l = l->next)
        LIST_ENTRY(l, struct sio_ws_route, node)->server = server;
}

/* The handlers of a connection were set by its `open`, which belongs to what goes. */
void sio_websockets_swap(struct sioc_server *server, struct sioc_server *draft)
{
    struct http_router router = server->websocket_routes;
    struct list old;
    close_all(server, CODE_RESTART, STR("service restart"));
    server->websocket_routes = draft->websocket_routes;
    draft->websocket_routes = router;
    list_init(&old);
    list_splice(&old, &server->websocket_handlers);
    list_splice(&server->websocket_handlers, &draft->websocket_handlers);
    list_splice(&draft->websocket_handlers, &old);
    set_owner(&server->websocket_handlers, server);
    set_owner(&draft->websocket_handlers, draft);
}

/* ---- <sioc/websocket.h> ---- */

static void route_drop(void *user)
{
    struct sio_ws_route *route = user;
    list_remove(&route->node);
    if (route->handler.drop)
        route->handler.drop(route->handler.user, route->handler.ref);
    mem_free(route);
}

int sioc_websocket_route(struct sioc_server *server, struct sioc_str path,
                         struct sioc_websocket_handler handler)
{
    struct sio_ws_route *route = mem_alloc(sizeof *route);
    if (!route)
        return SIOC_ENOMEM;
    *route = (struct sio_ws_route){.server = server, .handler = handler};
    int error =
        http_router_add(&server->websocket_routes, HTTP_GET, path, on_route, route, route_drop);
    if (error < 0)
        mem_free(route);
    else
        list_append(&server->websocket_handlers, &route->node);
    return error;
}

uint64_t sioc_websocket_handle(const struct sioc_websocket *w)
{
    return w->handle;
}

struct sioc_websocket *sioc_websocket_find(const struct sioc_server *server, uint64_t handle)
{
    return handle_get(&server->websockets, handle);
}

bool sioc_websocket_connected(const struct sioc_websocket *w)
{
    return w->conn != NULL;
}

void sioc_websocket_set_host_ref(struct sioc_websocket *w, intptr_t ref)
{
    w->host_ref = ref;
}

intptr_t sioc_websocket_host_ref(const struct sioc_websocket *w)
{
    return w->host_ref;
}

struct eio_frame *sio_websocket_frame(struct sioc_str data, bool is_binary, int *ret_error)
{
    if (!is_binary && !utf8_valid(data)) {
        *ret_error = SIOC_EUTF8;
        return NULL;
    }
    struct eio_frame *frame =
        is_binary ? eio_frame_binary(STR(""), data) : eio_frame_packet(data);
    if (!frame)
        *ret_error = SIOC_ENOMEM;
    return frame;
}

int sio_websocket_send_frame(struct sioc_websocket *w, struct eio_frame *frame)
{
    if (!w->conn)
        return SIOC_ECLOSED;
    if (w->choked)
        return SIOC_EFULL;
    int error = eio_websocket_send(w->conn, frame);
    if (error == SIOC_EFULL) { /* not here: the sender may be in the middle of a topic */
        w->choked = true;
        w->server->metrics.reject_queue_full++;
        net_timer_start(w->server->loop, &w->timer, 0);
    }
    return error;
}

int sioc_websocket_send(struct sioc_websocket *w, struct sioc_str data, bool is_binary)
{
    int error;
    struct eio_frame *frame = sio_websocket_frame(data, is_binary, &error);
    if (!frame)
        return error;
    error = sio_websocket_send_frame(w, frame);
    eio_frame_unref(frame);
    return error;
}

size_t sioc_websocket_queued(const struct sioc_websocket *w)
{
    return w->conn ? ws_conn_queued(w->conn) : 0;
}

static bool code_allowed(unsigned code)
{
    return code == 0 ||
           (code >= 1000 && code <= 4999 && (code < 1004 || code > 1006) && code != 1015);
}

int sioc_websocket_close(struct sioc_websocket *w, unsigned code, struct sioc_str reason)
{
    if (!code_allowed(code) || reason.len > REASON_MAX || (!code && reason.len) ||
        !utf8_valid(reason))
        return SIOC_EINVAL;
    if (!w->conn)
        return SIOC_ECLOSED;
    close_with(w, code, reason);
    return 0;
}

void sioc_websocket_hold(struct sioc_websocket *w)
{
    if (w->holds++ == 0 && w->conn)
        ws_conn_hold(w->conn, true);
}

void sioc_websocket_release(struct sioc_websocket *w)
{
    if (w->holds && --w->holds == 0 && w->conn)
        ws_conn_hold(w->conn, false);
}
