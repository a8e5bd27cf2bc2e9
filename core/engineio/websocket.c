/* engineio/websocket.c -- see websocket.h. */
#include "engineio/websocket.h"
#include "engineio/eio3.h"
#include "ws/accept.h"

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
    s->ws = NULL;
    if (by == WS_CLOSED_BY_ERROR)
        eio_session_fail(s, "transport error", reason.ptr);
    else
        eio_session_fail(s, "transport close", "");
}

const struct ws_conn_events eio_websocket_events = {.message = on_message, .closed = on_closed};

static void on_flushing(void *user)
{
    eio_session_tell(user, EIO_FLUSHING);
}

static void on_drained(void *user)
{
    eio_session_tell(user, EIO_DRAINED);
}

static const struct ws_conn_events watched_events = {
    .message = on_message, .closed = on_closed, .flushing = on_flushing, .drained = on_drained};

void eio_websocket_attach(struct eio_session *session, struct ws_conn *ws)
{
    session->ws = ws;
    ws_conn_set_user(ws, session->watched ? &watched_events : &eio_websocket_events, session);
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

struct ws_conn *eio_websocket_accept(struct eio_engine *engine, struct http_request *request,
                                     bool initial, const struct ws_conn_events *events,
                                     void *user)
{
    struct ws_agreement agreement;
    if (ws_accept_check(&engine->ws, request, &agreement) < 0)
        return NULL;
    if (engine->tells_headers)
        engine->ops->headers(engine->user, request, initial);
    return ws_accept(&engine->ws, request, &agreement, events, user);
}

int eio_websocket_send(struct ws_conn *ws, struct eio_frame *frame)
{
    return frame->no_compress ? ws_conn_send(ws, &frame->chunk)
                              : ws_conn_send_shared(ws, &frame->chunk, &frame->variants);
}

int eio_websocket_carry(const struct eio_session *session, struct ws_conn *ws,
                        struct eio_frame *frame)
{
    struct eio_frame *form =
        session->protocol == 3 ? eio_v3_frame(frame, session->base64) : frame;
    return form ? eio_websocket_send(ws, form) : SIOC_ENOMEM;
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
