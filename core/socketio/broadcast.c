/* socketio/broadcast.c -- one frame to many sockets.
 *
 * Every broadcast has a mark of its own; a socket that carries it has been seen (or is left
 * out), so a union of rooms needs no set.  Handlers never run inside a walk over rooms: sending
 * calls nobody back, and sioc_for_each_socket walks a snapshot of handles.
 */
#include "base/mem.h"
#include "socketio/ack.h"
#include "socketio/adapter.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include "socketio/outgoing.h"
#include "socketio/recovery.h"
#include "socketio/room.h"
#include "socketio/socket.h"
#include "socketio/survey.h"

typedef void (*visit_fn)(void *user, struct sioc_socket *socket);

/* A fresh mark; after 2^32 broadcasts all sockets are wiped once. */
static uint32_t next_mark(struct sioc_server *server)
{
    if (++server->mark != 0)
        return server->mark;
    for (uint32_t i = 0; i < server->sockets.used; i++) {
        struct sioc_socket *s = server->sockets.slots[i].object;
        if (s)
            s->mark = 0;
    }
    return server->mark = 1;
}

static void visit_once(struct sioc_socket *s, uint32_t mark, visit_fn visit, void *user)
{
    if (s->mark == mark)
        return;
    s->mark = mark;
    if (s->state == SIO_CONNECTED || s->state == SIO_LEAVING)
        visit(user, s);
}

static void visit_room(const struct sioc_namespace *nsp, struct sioc_str name, uint32_t mark,
                       visit_fn visit, void *user)
{
    struct sio_room *room = sio_room_find(nsp, name);
    for (size_t i = 0; room && i < room->count; i++)
        visit_once(room->members[i].socket, mark, visit, user);
    struct sioc_socket *own = keyset_get(&nsp->sockets_by_id, name);
    if (own && !own->left_own_room)
        visit_once(own, mark, visit, user);
}

static void leave_out(void *user, struct sioc_socket *s)
{
    (void)user;
    (void)s; /* having been marked is all there is to it */
}

static void visit_target(struct sioc_namespace *nsp, const struct sioc_target *t,
                         visit_fn visit, void *user)
{
    uint32_t mark = next_mark(nsp->server);
    struct sioc_socket *sender =
        t->except_socket ? sioc_socket_find(nsp->server, t->except_socket) : NULL;
    if (sender)
        sender->mark = mark;
    for (size_t i = 0; i < t->except_count; i++)
        visit_room(nsp, t->except[i], mark, leave_out, NULL);
    for (size_t i = 0; i < t->room_count; i++)
        visit_room(nsp, t->rooms[i], mark, visit, user);
    for (size_t i = 0; t->room_count == 0 && i < nsp->socket_count; i++)
        visit_once(nsp->sockets[i], mark, visit, user);
}

/* ---- emitting ---- */

struct delivery {
    struct eio_frame *frame;
    bool is_volatile;
    bool asks;
    struct sio_survey *survey;     /* that gathers the answers; made on first use */
    const struct sioc_emit *alone; /* or who is told of each of them; NULL: the survey */
    uint64_t id;
    uint64_t number; /* of the packet, for those who come back; 0: none */
    int sent;
};

static int begin_to_wait(const struct delivery *d, struct sioc_socket *s)
{
    return d->alone ? sio_ack_wait(s, d->id, d->alone) : sio_survey_ask(d->survey, s, d->id);
}

static void stop_waiting(const struct delivery *d, struct sioc_socket *s)
{
    if (d->alone)
        sio_ack_forget(s, d->id);
    else
        sio_survey_unask(d->survey, s, d->id);
}

static void deliver(void *user, struct sioc_socket *s)
{
    struct delivery *d = user;
    struct eio_session *session = s->client->session;
    if (!session)
        return;
    if (d->is_volatile && !eio_session_writable(session)) {
        s->nsp->server->metrics.volatile_dropped++;
        return;
    }
    if (d->number)
        sio_recovery_sent(s, d->number);
    if (d->asks && begin_to_wait(d, s) < 0)
        return;
    if (eio_session_send(session, d->frame) == 0)
        d->sent++;
    else if (d->asks)
        stop_waiting(d, s);
}

/* ---- snapshots: handlers run outside of a walk ---- */

struct snapshot {
    uint64_t *handles;
    size_t count, cap;
    int error;
};

static void remember(void *user, struct sioc_socket *s)
{
    struct snapshot *all = user;
    if (mem_grow((void **)&all->handles, &all->cap, all->count + 1, sizeof *all->handles) < 0)
        all->error = SIOC_ENOMEM;
    else
        all->handles[all->count++] = s->handle;
}

static void remember_overheard(void *user, struct sioc_socket *s)
{
    if (s->overheard)
        remember(user, s);
}

/* Those who hear of what is sent, before it is. */
static void tell_overheard(struct sioc_namespace *nsp, const struct sioc_target *target,
                           const struct sioc_message *m)
{
    struct snapshot all = {0};
    visit_target(nsp, target, remember_overheard, &all);
    sio_outgoing_tell_all(nsp->server, all.handles, all.count, m);
    mem_free(all.handles);
}

/* ---- broadcasts ---- */

/* To the sockets of one namespace.  The survey is made only when the message has turned out to
 * be good. */
static int cast(struct sioc_namespace *nsp, const struct sioc_target *target,
                struct sioc_message *m, const struct sioc_emit *emit, struct delivery *d)
{
    int error;
    m->nsp = nsp;
    d->id = nsp->next_ack_id;
    d->number = 0;
    m->offset = sioc_str_n(NULL, 0);
    if (nsp->recovery && !d->asks && !sio_adapter_restores(nsp))
        sio_recovery_stamp(nsp, m, d->is_volatile);
    d->frame = sio_message_frame(m, SIOC_PACKET_EVENT, d->asks ? &d->id : NULL, &error);
    if (!d->frame)
        return error;
    d->frame->no_compress = emit && emit->no_compress;
    if (d->asks && !d->alone && !d->survey && !(d->survey = sio_survey_new(nsp, emit))) {
        eio_frame_unref(d->frame);
        return SIOC_ENOMEM;
    }
    nsp->next_ack_id += d->asks;
    if (m->offset.len && !d->is_volatile)
        d->number = sio_recovery_keep(nsp, d->frame, target);
    if (nsp->overheard)
        tell_overheard(nsp, target, m);
    visit_target(nsp, target, deliver, d);
    eio_frame_unref(d->frame);
    return 0;
}

/* By way of the adapter that somebody has set. */
static int cast_through(struct sioc_namespace *nsp, const struct sioc_target *target,
                        struct sioc_message *m, const struct sioc_emit *emit,
                        struct delivery *d)
{
    struct sioc_adapter *adapter = nsp->adapter;
    const struct sioc_adapter_ops *ops = adapter->ops;
    bool here = d->asks ? !ops->broadcast_with_ack : !ops->broadcast;
    m->nsp = nsp;
    int error = sio_message_complete(m);
    if (here || error < 0)
        return error < 0 ? error : cast(nsp, target, m, emit, d);
    if (d->asks && !d->survey && !(d->survey = sio_survey_new(nsp, emit)))
        return SIOC_ENOMEM;
    int sent = d->asks ? ops->broadcast_with_ack(adapter, target, m, emit,
                                                 sio_survey_handle(d->survey))
                       : ops->broadcast(adapter, target, m, emit);
    d->sent += sent > 0 ? sent : 0;
    return sent < 0 ? sent : 0;
}

static int cast_to(struct sioc_namespace *nsp, const struct sioc_target *target,
                   struct sioc_message *m, const struct sioc_emit *emit, struct delivery *d)
{
    return nsp->adapter ? cast_through(nsp, target, m, emit, d) : cast(nsp, target, m, emit, d);
}

/* To the sockets of all children: each namespace has a frame of its own. */
static int cast_to_children(struct sioc_namespace *parent, const struct sioc_target *target,
                            struct sioc_message *m, const struct sioc_emit *emit,
                            struct delivery *d)
{
    int error = 0;
    size_t count;
    struct sioc_namespace **children = sio_namespace_children(parent, &count);
    for (size_t i = 0; i < count; i++) {
        if (error == 0)
            error = cast_to(children[i], target, m, emit, d);
        sioc_namespace_unref(children[i]);
    }
    mem_free(children);
    if (error < 0 && d->survey)
        return 0; /* some were reached, and are waited for */
    if (error == 0 && !d->survey && d->asks && !(d->survey = sio_survey_new(parent, emit)))
        return SIOC_ENOMEM;
    return error;
}

int sioc_broadcast(struct sioc_namespace *nsp, const struct sioc_target *target,
                   struct sioc_message *m, const struct sioc_emit *emit)
{
    struct delivery d = {.is_volatile = emit && emit->is_volatile,
                         .asks = emit && emit->ack.call};
    int error = nsp->is_parent ? cast_to_children(nsp, target, m, emit, &d)
                               : cast_to(nsp, target, m, emit, &d);
    sioc_message_free(m);
    if (error < 0 && d.survey)
        sio_survey_cancel(d.survey);
    if (error < 0)
        return error;
    if (d.survey)
        sio_survey_begin(d.survey);
    return d.sent;
}

int sioc_local_broadcast(struct sioc_namespace *nsp, const struct sioc_target *target,
                         struct sioc_message *m, const struct sioc_emit *emit)
{
    struct delivery d = {.is_volatile = emit && emit->is_volatile};
    int error = cast(nsp, target, m, emit, &d);
    return error < 0 ? error : d.sent;
}

int sioc_local_broadcast_with_ack(struct sioc_namespace *nsp, const struct sioc_target *target,
                                  struct sioc_message *m, const struct sioc_emit *emit,
                                  uint64_t survey)
{
    struct delivery d = {.is_volatile = emit && emit->is_volatile,
                         .asks = true,
                         .survey = sio_survey_find(nsp->server, survey)};
    int error = d.survey ? cast(nsp, target, m, emit, &d) : SIOC_ECLOSED;
    return error < 0 ? error : d.sent;
}

int sioc_local_ask(struct sioc_namespace *nsp, const struct sioc_target *target,
                   struct sioc_message *m, const struct sioc_emit *emit)
{
    struct delivery d = {.is_volatile = emit->is_volatile, .asks = true, .alone = emit};
    int error = cast(nsp, target, m, emit, &d);
    return error < 0 ? error : d.sent;
}

/* ---- walking ---- */

int sioc_for_each_socket(struct sioc_namespace *nsp, const struct sioc_target *target,
                         visit_fn fn, void *user)
{
    struct snapshot all = {0};
    if (!nsp->is_parent)
        visit_target(nsp, target, remember, &all);
    for (struct list *l = nsp->children.next; l != &nsp->children; l = l->next)
        visit_target(LIST_ENTRY(l, struct sioc_namespace, sibling), target, remember, &all);
    for (size_t i = 0; i < all.count && all.error == 0; i++) {
        struct sioc_socket *s = sioc_socket_find(nsp->server, all.handles[i]);
        if (s)
            fn(user, s);
    }
    mem_free(all.handles);
    return all.error;
}
