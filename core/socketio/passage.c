/* socketio/passage.c -- see passage.h and sioc_socket_use.
 *
 * A passage lies on the stack of the event's dispatch, and borrows all it has, as long as the
 * middleware answers at once; only when one does not, it is copied to the heap.  Middleware is
 * only ever added, so the list as it was when the event came is told by its length.
 * Invariant: a passage in gate->passages is running, or waits for one sioc_pass.
 */
#include "socketio/passage.h"
#include "base/mem.h"
#include "socketio/adopt.h"
#include "socketio/event.h"
#include "socketio/handlers.h"
#include "socketio/socket.h"

struct sio_gate {
    struct sioc_handler *middleware;
    size_t count, cap;
    struct list passages;
    uint64_t last_id;
    size_t waiting, waiting_bytes;
};

struct passage {
    struct list node;
    struct sioc_socket *socket;
    struct sioc_event *event;
    uint64_t id;
    size_t at, end; /* which middleware is asked; how many there were */
    bool running, answered, refused;
    bool again; /* the middleware was replaced meanwhile: the new one is asked, too */
};

/* One that waits. */
struct kept_passage {
    struct passage passage; /* first */
    struct sioc_event event;
    struct sio_incoming *in;
    char name[];
};

enum outcome { WAITS, REFUSED, PASSED };

/* ---- asking ---- */

/* Asks one after the other, as long as each answers at once. */
static enum outcome ask(struct passage *p)
{
    struct sioc_socket *s = p->socket;
    while (p->at < p->end && !p->refused) {
        struct sioc_handler handler = s->gate->middleware[p->at];
        p->answered = false;
        p->running = true;
        handler.call(handler.user, handler.ref, p->event);
        p->running = false;
        if (s->state != SIO_CONNECTED || p->event->decode_error)
            return REFUSED;
        if (!p->answered)
            return WAITS;
    }
    return p->refused ? REFUSED : PASSED;
}

static void kept_free(struct kept_passage *k)
{
    sio_event_deinit(&k->event);
    sio_incoming_free(k->in);
    mem_free(k);
}

/* The copy takes the place of the original in the list. */
static struct kept_passage *keep(const struct passage *p, const struct sio_incoming *in)
{
    struct sioc_str name = p->event->name;
    struct kept_passage *k = mem_alloc(sizeof *k + name.len);
    if (!k)
        return NULL;
    k->in = sio_incoming_copy(in);
    if (!k->in) {
        mem_free(k);
        return NULL;
    }
    if (name.len)
        memcpy(k->name, name.ptr, name.len);
    k->event = *p->event;
    k->event.name.ptr = k->name;
    k->event.json = NULL; /* of the original */
    k->event.args = k->in->args;
    k->event.attachments = k->in->attachments;
    k->passage = *p;
    k->passage.event = &k->event;
    return k;
}

/* Nobody has answered yet: the event has to outlive what it was read from.  It is checked now,
 * so that whatever comes later is well-formed. */
static int wait_for_answer(struct passage *p, const struct sio_incoming *in)
{
    struct sio_gate *gate = p->socket->gate;
    int error = sio_event_check(p->event);
    if (error < 0)
        return error;
    const struct sioc_options *o = p->socket->nsp->server->options;
    bool full = gate->waiting >= (size_t)o->max_waiting_events ||
                (gate->waiting > 0 &&
                 gate->waiting_bytes + in->args.len > (size_t)o->max_waiting_bytes);
    struct kept_passage *k = full ? NULL : keep(p, in);
    if (!k) {
        p->socket->nsp->server->metrics.reject_waiting_events++;
        sio_socket_error(p->socket, p->event->name, "too many events wait for middleware",
                         STR(""));
        return 0;
    }
    list_append(&gate->passages, &k->passage.node);
    gate->waiting++;
    gate->waiting_bytes += in->args.len;
    sioc_socket_hold(p->socket);
    return 0;
}

int sio_passage_begin(struct sioc_socket *s, const struct sio_incoming *in,
                      struct sioc_event *event)
{
    struct sio_gate *gate = s->gate;
    if (!gate || gate->count == 0)
        return 1;
    struct passage p = {.socket = s, .event = event, .id = ++gate->last_id, .end = gate->count};
    event->kind = SIOC_EVENT_PACKET;
    event->passage = (struct sioc_passage){s->handle, p.id};
    list_append(&gate->passages, &p.node);
    enum outcome outcome = ask(&p);
    list_remove(&p.node);
    int result = outcome == PASSED;
    if (outcome == WAITS)
        result = wait_for_answer(&p, in);
    event->kind = SIOC_EVENT_CLIENT;
    return result;
}

/* ---- answers ---- */

static void go_on(struct kept_passage *k)
{
    struct sioc_socket *s = k->passage.socket;
    enum outcome outcome = ask(&k->passage);
    if (outcome == WAITS)
        return;
    list_remove(&k->passage.node);
    s->gate->waiting--;
    s->gate->waiting_bytes -= k->in->args.len;
    if (outcome == PASSED) {
        k->event.kind = SIOC_EVENT_CLIENT;
        sio_socket_call_named(s, &k->event);
    }
    kept_free(k);
    sioc_socket_release(s);
}

static struct passage *find(const struct sio_gate *gate, uint64_t id)
{
    for (struct list *l = gate->passages.next; l != &gate->passages; l = l->next) {
        struct passage *p = LIST_ENTRY(l, struct passage, node);
        if (p->id == id)
            return p;
    }
    return NULL;
}

int sioc_pass(struct sioc_server *server, struct sioc_passage passage, const char *error,
              struct sioc_str data_json)
{
    struct sioc_socket *s = sioc_socket_find(server, passage.socket);
    struct passage *p = s && s->gate ? find(s->gate, passage.id) : NULL;
    if (p && !p->running)
        sio_socket_rebind(s); /* middleware and handlers of before are not called any more */
    if (!p || s->state != SIO_CONNECTED)
        return SIOC_ECLOSED;
    if (p->answered)
        return SIOC_ESTATE;
    p->answered = true;
    p->refused = error != NULL;
    if (error) {
        server->metrics.events_refused++;
        if (*error)
            sio_socket_error(s, p->event->name, error, data_json);
    } else if (p->again) {
        p->again = false;
        p->at = 0;
        p->end = s->gate->count;
    } else {
        p->at++;
    }
    /* One that runs is on the stack of whoever asked, further up; the others are kept. */
    if (!p->running)
        go_on((struct kept_passage *)(void *)p);
    return 0;
}

/* ---- the socket's middleware ---- */

int sioc_socket_use(struct sioc_socket *s, struct sioc_handler handler)
{
    if (s->state == SIO_GONE)
        return SIOC_ECLOSED;
    if (!s->gate) {
        if (!(s->gate = mem_zalloc(sizeof *s->gate)))
            return SIOC_ENOMEM;
        list_init(&s->gate->passages);
    }
    struct sio_gate *gate = s->gate;
    if (mem_grow((void **)&gate->middleware, &gate->cap, gate->count + 1,
                 sizeof *gate->middleware) < 0)
        return SIOC_ENOMEM;
    gate->middleware[gate->count++] = handler;
    return 0;
}

void sio_gate_clear(struct sioc_socket *s)
{
    struct sio_gate *gate = s->gate;
    size_t count = gate ? gate->count : 0;
    if (!gate)
        return;
    gate->count = 0;
    for (size_t i = 0; i < count; i++)
        sio_handler_drop(&gate->middleware[i]);
    for (struct list *l = gate->passages.next; l != &gate->passages; l = l->next)
        LIST_ENTRY(l, struct passage, node)->again = true;
}

void sio_gate_free(struct sioc_socket *s)
{
    struct sio_gate *gate = s->gate;
    struct list *node;
    s->gate = NULL;
    if (!gate)
        return;
    while ((node = list_pop(&gate->passages)))
        kept_free((struct kept_passage *)(void *)LIST_ENTRY(node, struct passage, node));
    for (size_t i = 0; i < gate->count; i++)
        sio_handler_drop(&gate->middleware[i]);
    mem_free(gate->middleware);
    mem_free(gate);
}
