/* socketio/ack.c -- see ack.h. */
#include "socketio/ack.h"
#include "base/mem.h"
#include "socketio/handlers.h"

void sio_ack_drop(struct sio_ack *ack)
{
    list_remove(&ack->node);
    list_remove(&ack->peers);
    net_timer_stop(&ack->timer);
    ack->socket->ack_count--;
    mem_free(ack);
}

/* Out of the list first, then the call: the handler may do anything. */
static void finish(struct sio_ack *ack, struct sioc_event *event)
{
    struct sioc_handler handler = ack->handler;
    sio_ack_drop(ack);
    handler.call(handler.user, handler.ref, event);
    sio_handler_drop(&handler);
}

static void finish_without_answer(struct sio_ack *ack, int status)
{
    struct sioc_event event = {.kind = SIOC_EVENT_ACK,
                               .socket = ack->socket,
                               .nsp = ack->socket->nsp,
                               .status = status};
    finish(ack, &event);
}

static void on_timeout(struct net_timer *timer)
{
    finish_without_answer(LIST_ENTRY(timer, struct sio_ack, timer), SIOC_ETIMEDOUT);
}

int sio_ack_wait(struct sioc_socket *socket, uint64_t id, const struct sioc_emit *emit)
{
    struct sioc_server *server = socket->nsp->server;
    if (socket->ack_count >= (unsigned)server->options->max_pending_acks) {
        server->metrics.reject_acks++;
        return SIOC_ELIMIT;
    }
    struct sio_ack *ack = mem_alloc(sizeof *ack);
    if (!ack)
        return SIOC_ENOMEM;
    ack->socket = socket;
    ack->id = id;
    ack->handler = emit->ack;
    list_init(&ack->peers);
    net_timer_init(&ack->timer, on_timeout);
    if (emit->timeout_ms)
        net_timer_start(server->loop, &ack->timer, emit->timeout_ms);
    list_append(&socket->acks, &ack->node);
    socket->ack_count++;
    return 0;
}

/* Clients mostly answer in order, so the first one is mostly it. */
static struct sio_ack *find(struct sioc_socket *socket, uint64_t id)
{
    for (struct list *l = socket->acks.next; l != &socket->acks; l = l->next) {
        struct sio_ack *ack = LIST_ENTRY(l, struct sio_ack, node);
        if (ack->id == id)
            return ack;
    }
    return NULL;
}

void sio_ack_forget(struct sioc_socket *socket, uint64_t id)
{
    struct sio_ack *ack = find(socket, id);
    if (ack)
        sio_ack_drop(ack);
}

bool sio_ack_answered(struct sioc_socket *socket, uint64_t id, struct sioc_event *event)
{
    struct sio_ack *ack = find(socket, id);
    if (!ack)
        return false;
    finish(ack, event);
    return true;
}

void sio_ack_fail_all(struct sioc_socket *socket)
{
    while (!list_empty(&socket->acks))
        finish_without_answer(LIST_ENTRY(socket->acks.next, struct sio_ack, node),
                              SIOC_ECLOSED);
}
