/* socketio/hold.c -- see hold.h and sioc_socket_hold.
 *
 * Bounded: beyond max_waiting_events, max_waiting_bytes or hold_timeout the hold is *lifted*,
 * everything is delivered and nothing is held any more until the last holder has let go.  Order
 * is kept in any case.
 */
#include "socketio/hold.h"
#include "base/mem.h"
#include "socketio/adopt.h"
#include "socketio/client.h"

struct held_event {
    struct list node;
    struct sio_incoming *in;
};

struct sio_held {
    struct sioc_socket *socket;
    struct list events;
    struct net_timer timer;
    size_t count, bytes;
    unsigned holders;
    bool lifted;
    bool delivering;
};

static void deliver(struct sio_held *held, bool even_if_held);

static void on_timer(struct net_timer *timer)
{
    struct sio_held *held = LIST_ENTRY(timer, struct sio_held, timer);
    held->lifted = true;
    held->socket->nsp->server->metrics.holds_lifted++;
    deliver(held, true);
}

static void event_free(struct held_event *e)
{
    sio_incoming_free(e->in);
    mem_free(e);
}

static struct held_event *event_copy(const struct sio_incoming *in)
{
    struct held_event *e = mem_alloc(sizeof *e);
    if (e && !(e->in = sio_incoming_copy(in))) {
        mem_free(e);
        return NULL;
    }
    return e;
}

void sioc_socket_hold(struct sioc_socket *socket)
{
    if (socket->state == SIO_GONE)
        return;
    if (!socket->held) {
        struct sio_held *held = mem_zalloc(sizeof *held);
        if (!held)
            return; /* then nothing is held: late is worse than early, but nothing is lost */
        held->socket = socket;
        list_init(&held->events);
        net_timer_init(&held->timer, on_timer);
        net_timer_start(socket->nsp->server->loop, &held->timer,
                        sio_ms(socket->nsp->server->options->hold_timeout));
        socket->held = held;
    }
    socket->held->holders++;
}

void sioc_socket_release(struct sioc_socket *socket)
{
    struct sio_held *held = socket->held;
    if (!held || held->holders == 0)
        return;
    if (--held->holders == 0)
        deliver(held, false);
}

bool sio_hold_event(struct sioc_socket *socket, const struct sio_incoming *in)
{
    struct sio_held *held = socket->held;
    bool waiting =
        held && (held->holders > 0 || held->delivering || !list_empty(&held->events));
    if (!waiting || (held->lifted && list_empty(&held->events)))
        return false;
    struct held_event *e = event_copy(in);
    if (!e)
        return false;
    list_append(&held->events, &e->node);
    held->count++;
    held->bytes += in->args.len;
    const struct sioc_options *o = socket->nsp->server->options;
    if (held->count > (size_t)o->max_waiting_events ||
        held->bytes > (size_t)o->max_waiting_bytes) {
        socket->nsp->server->metrics.holds_lifted++;
        held->lifted = true;
        deliver(held, true);
    }
    return true;
}

/* Delivers in order until a handler holds again.  Never runs inside itself. */
static void deliver(struct sio_held *held, bool even_if_held)
{
    struct sioc_socket *socket = held->socket;
    if (held->delivering)
        return;
    held->delivering = true;
    sio_socket_rebind(socket);
    if (held->holders == 0 || held->lifted)
        sio_socket_reloaded(socket);
    if (socket->held != held)
        return;
    struct list *node;
    while ((held->holders == 0 || held->lifted || even_if_held) &&
           (node = list_pop(&held->events))) {
        struct held_event *e = LIST_ENTRY(node, struct held_event, node);
        held->count--;
        held->bytes -= e->in->args.len;
        int error = sio_socket_dispatch(socket, e->in);
        event_free(e);
        if (error < 0 && socket->client)
            sio_client_malformed(socket->client, "invalid payload");
        if (socket->held != held)
            return; /* the socket went, and this with it */
    }
    held->delivering = false;
    if (held->holders == 0 && list_empty(&held->events))
        sio_hold_free(socket);
}

void sio_hold_flush(struct sioc_socket *socket)
{
    if (socket->held && !socket->held->delivering)
        deliver(socket->held, true);
}

void sio_hold_free(struct sioc_socket *socket)
{
    struct sio_held *held = socket->held;
    if (!held)
        return;
    socket->held = NULL;
    net_timer_stop(&held->timer);
    struct list *node;
    while ((node = list_pop(&held->events)))
        event_free(LIST_ENTRY(node, struct held_event, node));
    mem_free(held);
}
