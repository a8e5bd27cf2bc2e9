/* socketio/conn_events.c -- what happens to a connection, as its handler is told of it.
 *
 * Frames that are sent are kept until they are flushed, if anybody wants to know what was; else
 * nothing is kept. Invariant: each frame is told of once.
 */
#include "base/mem.h"
#include "socketio/conn.h"

void sio_conn_tell(struct sioc_conn *c, const struct sioc_conn_event *event)
{
    struct sioc_conn_handler h = c->handler;
    if (h.call && (c->events & (unsigned)event->kind))
        h.call(h.user, h.ref, c, event);
}

static const char *type_name(enum eio_packet_type type)
{
    switch (type) {
    case EIO_OPEN:
        return "open";
    case EIO_CLOSE:
        return "close";
    case EIO_PING:
        return "ping";
    case EIO_PONG:
        return "pong";
    case EIO_MESSAGE:
    case EIO_BINARY:
        return "message";
    case EIO_UPGRADE:
        return "upgrade";
    case EIO_NOOP:
        return "noop";
    case EIO_INVALID:
        break;
    }
    return "error";
}

void sio_conn_message(struct sioc_conn *c, struct sioc_str data, bool is_binary)
{
    if (!c->holds || !sio_conn_keep(c, data, is_binary))
        sio_conn_deliver(c, data, is_binary);
}

void sio_conn_deliver(struct sioc_conn *c, struct sioc_str data, bool is_binary)
{
    struct sioc_conn_event event = {.kind = SIOC_CONN_MESSAGE,
                                    .packet = {"message", data, is_binary, false}};
    sio_conn_tell(c, &event);
}

/* The next packet of a frame, which holds them as v4 has them. */
static bool next_packet(const struct eio_frame *frame, size_t *pos,
                        struct sioc_conn_packet *ret)
{
    struct sioc_str packet;
    bool binary;
    if (!eio_frame_next(frame, pos, &binary, &packet))
        return false;
    *ret = (struct sioc_conn_packet){.type = "message",
                                     .data = packet,
                                     .is_binary = binary,
                                     .no_compress = frame->no_compress};
    if (!binary)
        ret->type = type_name(eio_packet_split(packet, &ret->data));
    return true;
}

/* Keeps the frame until it is flushed.  Without memory for it, that flush knows less. */
static void keep(struct sioc_conn *c, struct eio_frame *frame)
{
    size_t cap = c->pending_cap;
    if (mem_grow((void **)&c->pending, &cap, c->pending_count + 1, sizeof *c->pending) < 0)
        return;
    c->pending_cap = (uint32_t)cap;
    c->pending[c->pending_count++] = eio_frame_ref(frame);
}

static void packets_out(struct sioc_conn *c, struct eio_frame *frame)
{
    struct sioc_conn_event event = {.kind = SIOC_CONN_PACKET_CREATE};
    size_t pos = 0;
    c->undrained = true;
    if ((c->events & SIOC_CONN_FLUSH) || c->server->engine_events.flush)
        keep(c, frame);
    if (c->events & SIOC_CONN_PACKET_CREATE)
        while (next_packet(frame, &pos, &event.packet))
            sio_conn_tell(c, &event);
}

static size_t list_packets(const struct sioc_conn *c, struct sioc_conn_packet *ret)
{
    struct sioc_conn_packet packet;
    size_t count = 0;
    for (uint32_t i = 0; i < c->pending_count; i++) {
        for (size_t pos = 0; next_packet(c->pending[i], &pos, &packet); count++)
            if (ret)
                ret[count] = packet;
    }
    return count;
}

/* The handler's first, then the engine's, as the reference has it. */
static void tell_flush(struct sioc_conn *c, const struct sioc_conn_event *event)
{
    const struct sioc_engine_events *all = &c->server->engine_events;
    sio_conn_tell(c, event);
    if (all->flush && c->client && c->session)
        all->flush(all->user, c, event);
}

static void flushing(struct sioc_conn *c)
{
    struct sioc_conn_event event = {.kind = SIOC_CONN_FLUSH};
    struct eio_frame **frames = c->pending;
    size_t count = list_packets(c, NULL);
    if (count == 0)
        return; /* the rest of what was told before */
    struct sioc_conn_packet *packets = mem_alloc(count * sizeof *packets);
    if (packets)
        event.packet_count = list_packets(c, packets);
    event.packets = packets;
    uint32_t frame_count = c->pending_count;
    c->pending = NULL; /* what is sent meanwhile is another matter */
    c->pending_count = c->pending_cap = 0;
    tell_flush(c, &event);
    for (uint32_t i = 0; i < frame_count; i++)
        eio_frame_unref(frames[i]);
    mem_free(frames);
    mem_free(packets);
}

static void drained(struct sioc_conn *c)
{
    struct sioc_conn_event event = {.kind = SIOC_CONN_DRAIN};
    const struct sioc_engine_events *all = &c->server->engine_events;
    if (!c->undrained)
        return; /* what was sent before somebody watched */
    c->undrained = false;
    flushing(c); /* what has left in another way than by a flush */
    sio_conn_tell(c, &event);
    if (all->drain && c->client && c->session)
        all->drain(all->user, c);
}

void sio_conn_seen(struct sioc_conn *c, const struct eio_sight *sight)
{
    struct sioc_conn_event event = {.kind = 0};
    switch (sight->kind) {
    case EIO_PACKET_IN:
        event.kind = SIOC_CONN_PACKET;
        event.packet = (struct sioc_conn_packet){type_name(sight->type), sight->data,
                                                 sight->type == EIO_BINARY, false};
        break;
    case EIO_PACKET_OUT:
        packets_out(c, sight->frame);
        return;
    case EIO_HEARTBEAT:
        event.kind = SIOC_CONN_HEARTBEAT;
        break;
    case EIO_UPGRADING:
        event.kind = SIOC_CONN_UPGRADING;
        break;
    case EIO_UPGRADED:
        event.kind = SIOC_CONN_UPGRADE;
        break;
    case EIO_FLUSHING:
        flushing(c);
        return;
    case EIO_DRAINED:
        drained(c);
        return;
    }
    sio_conn_tell(c, &event);
}
