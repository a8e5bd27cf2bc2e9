/* engineio/session_send.c -- packets on their way to the client, and what waits for it.
 *
 * Most go to an open WebSocket that nobody watches, and have a short way; all others are
 * considered.
 */
#include "engineio/eio3.h"
#include "engineio/local.h"
#include "engineio/polling.h"
#include "engineio/session.h"
#include "engineio/websocket.h"

#define LONG_BYTES    16384 /* a shorter one is copied faster than two chunks are made */
#define LONG_HEAD_MAX 256

static int carry(struct eio_session *s, struct eio_frame *frame)
{
    if (s->is_local)
        return eio_local_carry(s->local, frame);
    return s->polling ? eio_polling_send(s->polling, frame)
                      : eio_websocket_carry(s, s->ws, frame);
}

/* A slow reader is thrown out in the next turn, not here: the sender may be in the middle of a
 * broadcast. */
void eio_session_choke(struct eio_session *s)
{
    s->choked = true;
    net_timer_start(s->engine->loop, &s->timer, 0);
}

static void choke(struct eio_session *s)
{
    eio_session_choke(s);
    s->engine->metrics->reject_queue_full++;
    log_write(s->engine->log, SIOC_LOG_WARN,
              "client %.*s reads too slowly: max_queue=%zu bytes wait for it; disconnecting it",
              SIOC_STR_ARG(eio_handshake_address(s->handshake)),
              s->engine->options->max_queue_bytes);
}

/* Whether there is nothing to consider: an open client on a WebSocket, of the newest protocol,
 * whom nobody watches. */
static bool is_plain(const struct eio_session *s)
{
    return s->state == EIO_STATE_OPEN && !s->choked && !s->watched && !s->is_local && s->ws &&
           s->protocol == 4;
}

int eio_session_send(struct eio_session *s, struct eio_frame *frame)
{
    if (is_plain(s)) { /* as nearly all receivers of a broadcast do: 30 instructions less */
        int error = eio_websocket_send(s->ws, frame);
        s->engine->metrics->packets_out++;
        if (error == SIOC_EFULL)
            choke(s);
        return error;
    }
    if (s->state != EIO_STATE_OPEN)
        return SIOC_ECLOSED;
    if (s->choked)
        return SIOC_EFULL;
    if (s->watched) {
        struct eio_sight sight = {.kind = EIO_PACKET_OUT, .frame = frame};
        eio_session_show(s, &sight);
        if (s->state != EIO_STATE_OPEN)
            return SIOC_ECLOSED;
    }
    s->engine->metrics->packets_out++;
    int error = carry(s, frame);
    if (error == SIOC_EFULL)
        choke(s);
    return error;
}

size_t eio_session_waiting(const struct eio_session *s)
{
    if (s->state == EIO_STATE_CLOSED || s->is_local)
        return 0;
    return s->polling ? eio_polling_waiting(s->polling) : ws_conn_waiting(s->ws);
}

size_t eio_session_queued_bytes(const struct eio_session *s)
{
    if (s->state == EIO_STATE_CLOSED || s->is_local)
        return 0;
    return s->polling ? s->polling->bytes : ws_conn_queued(s->ws);
}

/* The short way of small messages (ws_conn_reserve).  SIOC_ETOOBIG: it is not open to this
 * one. */
static int send_small(struct eio_session *s, bool binary, struct sioc_str head,
                      struct sioc_str body)
{
    size_t letter = binary ? 0 : 1;
    int error;
    if (!is_plain(s))
        return SIOC_ETOOBIG;
    uint8_t *at = ws_conn_reserve(s->ws, binary ? WS_BINARY : WS_TEXT,
                                  letter + head.len + body.len, &error);
    if (!at)
        return error;
    s->engine->metrics->packets_out++;
    if (letter)
        *at++ = EIO_MESSAGE;
    memcpy(at, head.ptr, head.len);
    memcpy(at + head.len, body.ptr, body.len);
    return 0;
}

/* The way of long ones (ws_conn_send_long), likewise. */
static int send_long(struct eio_session *s, bool binary, struct sioc_str head, struct buf *body)
{
    char start[LONG_HEAD_MAX] = {EIO_MESSAGE};
    size_t letter = binary ? 0 : 1;
    if (body->len < LONG_BYTES || head.len + letter > sizeof start || !is_plain(s))
        return SIOC_ETOOBIG;
    memcpy(start + letter, head.ptr, head.len);
    int error = ws_conn_send_long(s->ws, binary ? WS_BINARY : WS_TEXT,
                                  sioc_str_n(start, letter + head.len), body);
    if (error == 0)
        s->engine->metrics->packets_out++;
    return error;
}

int eio_session_send_own(struct eio_session *s, bool binary, struct sioc_str head,
                         struct buf *text, bool no_compress)
{
    struct sioc_str body = buf_str(text);
    int error = send_small(s, binary, head, body);
    if (error == SIOC_ETOOBIG)
        error = send_long(s, binary, head, text);
    if (error != SIOC_ETOOBIG) {
        if (error == SIOC_EFULL)
            choke(s);
        return error;
    }
    struct eio_frame *frame =
        binary ? eio_frame_binary(head, body, NULL, 0) : eio_frame_message(head, body, NULL, 0);
    if (!frame)
        return SIOC_ENOMEM;
    frame->no_compress = no_compress;
    error = eio_session_send(s, frame);
    eio_frame_unref(frame);
    return error;
}

void eio_session_pause(struct eio_session *s)
{
    if (s->state == EIO_STATE_OPEN && !s->is_local && s->ws)
        ws_conn_pause(s->ws, &s->engine->long_pauses);
}

bool eio_session_writable(const struct eio_session *s)
{
    if (s->state != EIO_STATE_OPEN)
        return false;
    if (s->is_local)
        return true;
    return s->polling ? eio_polling_writable(s->polling) : ws_conn_idle(s->ws);
}
