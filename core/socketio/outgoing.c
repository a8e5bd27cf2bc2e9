/* socketio/outgoing.c -- see outgoing.h and sioc_socket_on_outgoing.
 *
 * Only who has registered pays: nsp->overheard counts the sockets that have such handlers, and
 * a broadcast looks for them when there are any.  The arguments are read from what is
 * sent.  Invariant: nsp->overheard is the number of its sockets with `overheard`.
 */
#include "socketio/outgoing.h"
#include "socketio/adopt.h"
#include "socketio/event.h"
#include "socketio/handlers.h"

static const struct sioc_str every = {NULL, 0};

static bool has_any(const struct sioc_socket *s)
{
    return s->outgoing && s->outgoing->count > 0;
}

void sio_outgoing_recount(struct sioc_socket *s)
{
    bool now = has_any(s) && s->state != SIO_GONE;
    if (now && !s->overheard)
        s->nsp->overheard++;
    else if (!now && s->overheard)
        s->nsp->overheard--;
    s->overheard = now;
}

int sioc_socket_on_outgoing(struct sioc_socket *s, struct sioc_handler handler, unsigned flags)
{
    if (s->state == SIO_GONE)
        return SIOC_ECLOSED;
    int error = sio_listeners_add(&s->outgoing, every, handler, flags);
    sio_outgoing_recount(s);
    return error;
}

int sioc_socket_off_outgoing(struct sioc_socket *s, const void *user, intptr_t ref)
{
    int removed = sio_listeners_remove(&s->outgoing, every, user, ref);
    sio_outgoing_recount(s);
    return removed;
}

bool sioc_socket_outgoing_next(const struct sioc_socket *s, size_t *pos,
                               struct sioc_handler *ret_handler)
{
    return sio_listeners_next(s->outgoing, every, pos, ret_handler);
}

void sio_outgoing_tell(struct sioc_socket *s, const struct sioc_message *m)
{
    if (has_any(s))
        sio_socket_rebind(s); /* handlers of before are not called any more */
    if (!has_any(s))
        return;
    struct sioc_event event = {
        .kind = SIOC_EVENT_OUTGOING,
        .socket = s,
        .nsp = s->nsp,
        .parser = m->server->parser,
        .skip = 1,
        .attachments = m->binaries.items,
        .attachment_count = m->binaries.count,
    };
    struct buf args, unescaped;
    buf_init(&args);
    buf_init(&unescaped);
    if (sio_message_reread(m, &args, &event.args) == 0 &&
        sio_event_read_name(&event, &unescaped, &event.name) == 0) {
        sio_listeners_call(&s->outgoing, every, &event);
        sio_outgoing_recount(s); /* one that is called once may have been the last */
    }
    sio_event_deinit(&event);
    buf_deinit(&unescaped);
    buf_deinit(&args);
}

void sio_outgoing_tell_all(struct sioc_server *server, const uint64_t *handles, size_t count,
                           const struct sioc_message *m)
{
    for (size_t i = 0; i < count; i++) {
        struct sioc_socket *s = sioc_socket_find(server, handles[i]);
        if (s)
            sio_outgoing_tell(s, m);
    }
}
