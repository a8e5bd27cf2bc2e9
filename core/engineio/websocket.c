/* engineio/websocket.c -- see websocket.h. */
#include "engineio/websocket.h"
#include "base/mem.h"
#include "ws/handshake.h"

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct sioc_str data = sioc_str_n(bytes, len);
    if (binary)
        eio_session_receive_binary(user, data);
    else
        eio_session_receive_text(user, data);
}

static void on_closed(void *user, enum ws_closed_by by, uint16_t status, struct sioc_str reason)
{
    struct eio_session *s = user;
    (void)status;
    (void)reason;
    s->ws = NULL;
    eio_session_fail(s, by == WS_CLOSED_BY_ERROR ? "transport error" : "transport close", "");
}

const struct ws_conn_events eio_websocket_events = {.message = on_message, .closed = on_closed};

void eio_websocket_attach(struct eio_session *session, struct ws_conn *ws)
{
    session->ws = ws;
    ws_conn_set_user(ws, &eio_websocket_events, session);
}

static void ignore_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    (void)user;
    (void)binary;
    (void)bytes;
    (void)len;
}

static void ignore_closed(void *user, enum ws_closed_by by, uint16_t status,
                          struct sioc_str reason)
{
    (void)user;
    (void)by;
    (void)status;
    (void)reason;
}

static const struct ws_conn_events nobody = {.message = ignore_message,
                                             .closed = ignore_closed};

/* The 101, and the connection behind it. */
static struct ws_conn *open_conn(struct eio_engine *engine, struct http_request *request,
                                 struct sioc_str answer, const struct ws_conn_events *events,
                                 void *user)
{
    uint8_t *rest = NULL;
    size_t rest_len = 0;
    struct ws_conn *ws = NULL;
    struct net_stream *stream = http_upgrade(request, answer, &rest, &rest_len);
    if (stream)
        ws_conn_open(&engine->ws, stream, sioc_str_n(rest, rest_len), events, user, &ws);
    mem_free(rest);
    return ws;
}

struct ws_conn *eio_websocket_accept(struct eio_engine *engine, struct http_request *request,
                                     bool initial, const struct ws_conn_events *events,
                                     void *user)
{
    struct buf answer;
    buf_init(&answer);
    struct ws_conn *ws = NULL;
    if (ws_handshake_check(&request->head, &answer) < 0) {
        engine->metrics->reject_ws_handshake++;
        http_respond_raw_close(request, buf_str(&answer));
        buf_deinit(&answer);
        return NULL;
    }
    if (engine->tells_headers)
        engine->ops->headers(engine->user, request, initial);
    if (ws_handshake_accept(&request->head, buf_str(&request->extra_headers), &answer) < 0)
        http_conn_destroy(request->conn);
    else
        ws = open_conn(engine, request, buf_str(&answer), events, user);
    buf_deinit(&answer);
    return ws;
}

void eio_websocket_drop(struct ws_conn *ws)
{
    ws_conn_set_user(ws, &nobody, NULL);
    ws_conn_close(ws, 0, STR(""));
}

void eio_websocket_reject(struct eio_engine *engine, struct http_request *request)
{
    struct ws_conn *ws = eio_websocket_accept(engine, request, false, &nobody, NULL);
    if (ws)
        ws_conn_close(ws, 0, STR(""));
}
