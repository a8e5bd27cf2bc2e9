/* socketio/broadcast.c -- one frame to many sockets.
 *
 * Every broadcast has a mark of its own; a socket that carries it has been seen (or is left
 * out), so a union of rooms needs no set.  Handlers never run inside a walk over rooms: sending
 * calls nobody back, and sioc_for_each_socket walks a snapshot of handles.
 */
#include "base/mem.h"
#include "socketio/message.h"
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
    struct sioc_socket *own = map_get(&nsp->sockets_by_id, name);
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
    struct sio_survey *survey; /* NULL: nobody is asked */
    uint64_t id;
    int sent;
};

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
    if (d->survey && sio_survey_ask(d->survey, s, d->id) < 0)
        return;
    if (eio_session_send(session, d->frame) == 0)
        d->sent++;
    else if (d->survey)
        sio_survey_unask(d->survey, s, d->id);
}

/* The frame, and the survey if answers are wanted. */
static int prepare(struct sioc_namespace *nsp, struct sioc_message *m,
                   const struct sioc_emit *emit, struct delivery *d)
{
    int error;
    bool asks = emit && emit->ack.call;
    d->is_volatile = emit && emit->is_volatile;
    d->id = nsp->next_ack_id;
    d->frame = sio_message_frame(m, SIO_EVENT, asks ? &d->id : NULL, &error);
    if (!d->frame)
        return error;
    d->frame->no_compress = emit && emit->no_compress;
    if (!asks)
        return 0;
    d->survey = sio_survey_new(nsp, emit);
    if (!d->survey) {
        eio_frame_unref(d->frame);
        return SIOC_ENOMEM;
    }
    nsp->next_ack_id++;
    return 0;
}

int sioc_broadcast(struct sioc_namespace *nsp, const struct sioc_target *target,
                   struct sioc_message *m, const struct sioc_emit *emit)
{
    struct delivery d = {0};
    int error = prepare(nsp, m, emit, &d);
    sioc_message_free(m);
    if (error < 0)
        return error;
    visit_target(nsp, target, deliver, &d);
    eio_frame_unref(d.frame);
    if (d.survey)
        sio_survey_begin(d.survey);
    return d.sent;
}

/* ---- walking ---- */

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

int sioc_for_each_socket(struct sioc_namespace *nsp, const struct sioc_target *target,
                         visit_fn fn, void *user)
{
    struct snapshot all = {0};
    visit_target(nsp, target, remember, &all);
    for (size_t i = 0; i < all.count && all.error == 0; i++) {
        struct sioc_socket *s = sioc_socket_find(nsp->server, all.handles[i]);
        if (s)
            fn(user, s);
    }
    mem_free(all.handles);
    return all.error;
}
