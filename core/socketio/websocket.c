/* socketio/websocket.c -- a plain WebSocket connection, from its first to its last frame.
 *
 * A connection here is a ws_conn with an owner that the application sees.  It shares limits and
 * compression with the engine's, so that there is one set of options and one pool.  How it came
 * to be, and which handlers are its own, is websocket_route.c's business.
 * Invariants: `conn` is set while the handle finds the connection, but for the time of `close`;
 * `close` is called exactly once for each connection that was opened; before a handler is
 * called the connection is re-bound.
 */
#include "socketio/websocket.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engineio/websocket.h"

enum {
    CODE_GOING_AWAY = 1001,
    CODE_EMPTY = 1005,
    CODE_ABRUPT = 1006,
    CODE_TRY_AGAIN = 1013,
};
#define REASON_MAX       123
#define KEPT_EXTRA_BYTES 65536 /* above max_payload: only what was compressed gets there */

/* What came while the connection was held. */
struct kept_message {
    struct list node;
    bool binary;
    size_t len;
    uint8_t bytes[];
};

/* ---- the end ---- */

static void websocket_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    struct sioc_websocket *w = LIST_ENTRY(garbage, struct sioc_websocket, garbage);
    mem_free(w);
}

static void drop_kept(struct sioc_websocket *w)
{
    struct list *node;
    while ((node = list_pop(&w->kept)))
        mem_free(LIST_ENTRY(node, struct kept_message, node));
}

/* Its ws_conn is no longer ours: tells the application, and forgets. */
static void end(struct sioc_websocket *w, unsigned code, struct sioc_str reason)
{
    const struct sioc_websocket_handler *h = &w->route->handler;
    w->conn = NULL;
    net_timer_stop(&w->timer);
    list_remove(&w->node);
    drop_kept(w);
    if (h->close)
        h->close(h->user, h->ref, w, code, reason);
    sio_ws_route_unref(w->route);
    sio_topics_leave_all(w);
    handle_remove(&w->server->websockets, w->handle);
    net_loop_discard(w->server->loop, &w->garbage, websocket_free);
}

void sio_websocket_close_with(struct sioc_websocket *w, unsigned code, struct sioc_str reason)
{
    sio_websocket_rebind(w);
    if (!w->conn)
        return;
    ws_conn_close(w->conn, (uint16_t)code, reason);
    end(w, code ? code : CODE_EMPTY, reason);
}

static void hand_out_kept(struct sioc_websocket *w, bool even_if_held);

static void on_closed(void *user, enum ws_closed_by by, uint16_t status, struct sioc_str reason)
{
    struct sioc_websocket *w = user;
    (void)by;
    sio_websocket_rebind(w);
    hand_out_kept(w, true);
    if (w->conn)
        end(w, status, reason);
}

/* ---- heartbeat: a peer that is silent is asked, and must answer ---- */

static void on_timer(struct net_timer *timer)
{
    struct sioc_websocket *w = LIST_ENTRY(timer, struct sioc_websocket, timer);
    struct sioc_server *server = w->server;
    bool silent = !w->heard;
    w->heard = false;
    if (w->choked) {
        sio_websocket_close_with(w, CODE_TRY_AGAIN, STR("slow reader"));
    } else if (silent && w->pinged) {
        server->metrics.reject_ping_timeout++;
        sio_websocket_rebind(w);
        if (!w->conn)
            return;
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

static void hand_out(struct sioc_websocket *w, bool binary, const uint8_t *bytes, size_t len)
{
    const struct sioc_websocket_handler *h = &w->route->handler;
    if (h->message)
        h->message(h->user, h->ref, w, sioc_str_n(bytes, len), binary);
}

/* In order, until somebody holds it again. */
static void hand_out_kept(struct sioc_websocket *w, bool even_if_held)
{
    struct list *node;
    if (w->handing_out)
        return;
    w->handing_out = true;
    while (w->conn && (even_if_held || w->holds == 0) && (node = list_pop(&w->kept))) {
        struct kept_message *m = LIST_ENTRY(node, struct kept_message, node);
        w->kept_bytes -= m->len;
        hand_out(w, m->binary, m->bytes, m->len);
        mem_free(m);
    }
    w->handing_out = false;
}

/* Holding stops the reading, but what was read already still comes.  Beyond the limit all of it
 * is handed out: early, but nothing is lost, and in order. */
static void keep(struct sioc_websocket *w, bool binary, const uint8_t *bytes, size_t len)
{
    struct kept_message *m = mem_alloc(sizeof *m + len);
    if (!m) {
        hand_out_kept(w, true);
        if (w->conn)
            hand_out(w, binary, bytes, len);
        return;
    }
    m->binary = binary;
    m->len = len;
    if (len)
        memcpy(m->bytes, bytes, len);
    list_append(&w->kept, &m->node);
    w->kept_bytes += len;
    if (w->kept_bytes > (size_t)w->server->options->max_payload + KEPT_EXTRA_BYTES)
        hand_out_kept(w, true);
}

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct sioc_websocket *w = user;
    w->heard = true;
    sio_websocket_rebind(w);
    if (!w->conn)
        return;
    if (w->holds > 0 || !list_empty(&w->kept))
        keep(w, binary, bytes, len);
    else
        hand_out(w, binary, bytes, len);
}

static void on_drained(void *user)
{
    struct sioc_websocket *w = user;
    sio_websocket_rebind(w);
    if (!w->conn)
        return;
    const struct sioc_websocket_handler *h = &w->route->handler;
    if (h->drained)
        h->drained(h->user, h->ref, w);
}

const struct ws_conn_events sio_websocket_events = {
    .message = on_message, .closed = on_closed, .drained = on_drained, .pong = on_pong};

void sio_websocket_begin(struct sioc_websocket *w)
{
    list_append(&w->server->plain_websockets, &w->node);
    net_timer_init(&w->timer, on_timer);
    net_timer_start(w->server->loop, &w->timer, sio_ms(w->server->options->ping_interval));
}

void sio_websockets_close(struct sioc_server *server)
{
    while (!list_empty(&server->plain_websockets))
        sio_websocket_close_with(
            LIST_ENTRY(server->plain_websockets.next, struct sioc_websocket, node),
            CODE_GOING_AWAY, STR("server shutting down"));
}

/* ---- <sioc/websocket.h> ---- */

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

void sioc_websocket_set_host_ref(struct sioc_websocket *w, void *owner, intptr_t ref)
{
    w->host_owner = ref ? owner : NULL;
    w->host_ref = ref;
}

intptr_t sioc_websocket_host_ref(const struct sioc_websocket *w, const void *owner)
{
    return w->host_owner == owner ? w->host_ref : 0;
}

void *sioc_websocket_host_owner(const struct sioc_websocket *w)
{
    return w->host_owner;
}

bool sioc_websocket_replayed(const struct sioc_websocket *w)
{
    return w->replaying;
}

struct eio_frame *sio_websocket_frame(struct sioc_str data, bool is_binary, int *ret_error)
{
    if (!is_binary && !utf8_valid(data)) {
        *ret_error = SIOC_EUTF8;
        return NULL;
    }
    struct eio_frame *frame =
        is_binary ? eio_frame_binary(STR(""), data, NULL, 0) : eio_frame_packet(data);
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
        w->server->metrics.reject_queue_full++;
        sio_websocket_choke(w);
    }
    return error;
}

void sio_websocket_choke(struct sioc_websocket *w)
{
    w->choked = true;
    net_timer_start(w->server->loop, &w->timer, 0);
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
    sio_websocket_close_with(w, code, reason);
    return 0;
}

void sioc_websocket_hold(struct sioc_websocket *w)
{
    if (w->holds++ == 0 && w->conn)
        ws_conn_hold(w->conn, true);
}

void sioc_websocket_release(struct sioc_websocket *w)
{
    if (!w->holds || --w->holds > 0)
        return;
    hand_out_kept(w, false);
    if (w->conn && w->holds == 0)
        ws_conn_hold(w->conn, false);
}
