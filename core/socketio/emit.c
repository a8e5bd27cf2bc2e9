/* socketio/emit.c -- from a socket to its client: events, answers; and the socket's rooms. */
#include "socketio/ack.h"
#include "socketio/adapter.h"
#include "socketio/client.h"
#include "socketio/message.h"
#include "socketio/outgoing.h"
#include "socketio/recovery.h"
#include "socketio/servers.h"
#include "socketio/socket.h"

int sio_socket_send(struct sioc_socket *s, struct eio_frame *frame)
{
    if (s->state == SIO_GONE)
        return SIOC_ECLOSED;
    return sio_client_send(s->client, frame);
}

static bool can_take(const struct sioc_socket *s)
{
    const struct eio_session *session = s->client->session;
    return session && eio_session_writable(session);
}

/* Encodes and sends; with an ack, the wait begins before the packet can be answered. */
static int emit_with_ack(struct sioc_socket *s, struct sioc_message *m,
                         const struct sioc_emit *emit)
{
    uint64_t id = s->nsp->next_ack_id;
    int error;
    struct eio_frame *frame = sio_message_frame(m, SIOC_PACKET_EVENT, &id, &error);
    if (!frame)
        return error;
    frame->no_compress = emit->no_compress;
    s->nsp->next_ack_id++;
    sio_outgoing_tell(s, m);
    error = s->state == SIO_GONE ? SIOC_ECLOSED : sio_ack_wait(s, id, emit);
    if (error == 0) {
        error = sio_socket_send(s, frame);
        if (error < 0)
            sio_ack_forget(s, id);
    }
    eio_frame_unref(frame);
    return error;
}

static int emit_plain(struct sioc_socket *s, struct sioc_message *m,
                      const struct sioc_emit *emit)
{
    int error;
    bool recovers = s->nsp->recovery != NULL, no_compress = emit && emit->no_compress;
    if (!recovers && !s->outgoing)
        return sio_message_send(m, SIOC_PACKET_EVENT, NULL, s->client->session, no_compress);
    /* What is sent before CONNECT is answered is not sent again. */
    bool keeps = recovers && !(emit && emit->is_volatile) && s->state == SIO_CONNECTED;
    if (recovers && sio_adapter_restores(s->nsp)) {
        if (keeps)
            return sio_adapter_emit(s, m, emit);
        recovers = false;
    }
    if (recovers)
        sio_recovery_stamp(s->nsp, m, !keeps);
    struct eio_frame *frame = sio_message_frame(m, SIOC_PACKET_EVENT, NULL, &error);
    if (!frame)
        return error;
    frame->no_compress = no_compress;
    if (keeps)
        sio_recovery_sent(s, sio_recovery_keep_own(s, frame));
    sio_outgoing_tell(s, m);
    error = sio_socket_send(s, frame);
    eio_frame_unref(frame);
    return error;
}

/* Not sent, but those who hear what is are told of it, as in the reference. */
static int drop_volatile(struct sioc_socket *s, struct sioc_message *m)
{
    int error = 0;
    struct eio_frame *frame =
        s->overheard ? sio_message_frame(m, SIOC_PACKET_EVENT, NULL, &error) : NULL;
    if (frame)
        sio_outgoing_tell(s, m);
    eio_frame_unref(frame);
    s->nsp->server->metrics.volatile_dropped++;
    return error < 0 ? error : SIOC_EAGAIN;
}

int sioc_socket_emit(struct sioc_socket *s, struct sioc_message *m,
                     const struct sioc_emit *emit)
{
    int error;
    if (s->state == SIO_GONE || !s->client->session) {
        error = SIOC_ECLOSED;
    } else if (emit && emit->is_volatile && !can_take(s)) {
        error = drop_volatile(s, m);
    } else if (emit && emit->ack.call) {
        error = emit_with_ack(s, m, emit);
    } else {
        error = emit_plain(s, m, emit);
    }
    sioc_message_free(m);
    return error;
}

/* Sends unless it was answered before. */
static int send_answer(struct sioc_socket *s, const struct sioc_reply *reply,
                       struct sioc_message *m)
{
    uint64_t age = s->reply_serial - reply->serial;
    uint64_t bit = age < 64 ? (uint64_t)1 << age : 0;
    if (s->replied & bit)
        return SIOC_ESTATE;
    if (!s->client->session)
        return SIOC_ECLOSED;
    int error = sio_message_send(m, SIOC_PACKET_ACK, &reply->id, s->client->session, false);
    if (!m->text.error) /* what cannot be written is no answer */
        s->replied |= bit;
    return error;
}

int sioc_reply_send(struct sioc_server *server, struct sioc_reply reply, struct sioc_message *m)
{
    if (reply.socket == 0 && reply.wanted)
        return sio_servers_answer(server, reply.id, m);
    struct sioc_socket *s = sioc_socket_find(server, reply.socket);
    int error = SIOC_ECLOSED;
    if (s && s->state == SIO_CONNECTED && reply.wanted)
        error = send_answer(s, &reply, m);
    sioc_message_free(m);
    return error;
}

/* ---- rooms ---- */

bool sioc_socket_room_next(const struct sioc_socket *s, size_t *pos, struct sioc_str *ret_room)
{
    bool own = (s->state == SIO_CONNECTED || s->state == SIO_LEAVING) && !s->left_own_room;
    if (*pos == 0) {
        *pos = 1;
        if (own) {
            *ret_room = sio_socket_id(s);
            return true;
        }
    }
    size_t i = *pos - 1;
    if (i >= s->room_count)
        return false;
    *ret_room = sioc_str_n(s->rooms[i].room->name, s->rooms[i].room->name_len);
    (*pos)++;
    return true;
}
