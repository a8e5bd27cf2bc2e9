/* bindings/python/dispatch.c -- from an event of the core to a handler of the application.
 *
 * What clients send is called from here, with arguments built straight from the wire, and
 * answered from here; all other kinds, and whatever did not simply return, are the package's
 * (Server._dispatch, _spawn, _failed).  Invariant: no exception is set when control goes back
 * to the core.
 */
#include "calls.h"
#include <time.h>

/* ---- objects ---- */

PyObject *spy_nsp_face(struct spy_server *server, struct sioc_namespace *nsp)
{
    PyObject *face = (PyObject *)sioc_namespace_host_ref(nsp), *core;

    if (face) {
        Py_INCREF(face);
        return face;
    }
    core = spy_nsp_new(server, nsp); /* a child that nobody has looked at yet */
    if (!core)
        return NULL;
    face = PyObject_CallMethod(server->face, "_child", "O", core);
    Py_DECREF(core);
    return face;
}

PyObject *spy_socket_object(struct spy_server *server, struct sioc_socket *socket)
{
    PyObject *object, *nsp;
    struct sioc_str id;

    if (!socket)
        Py_RETURN_NONE;
    object = (PyObject *)sioc_socket_host_ref(socket, server);
    if (object) {
        Py_INCREF(object);
        return object;
    }
    nsp = spy_nsp_face(server, sioc_socket_namespace(socket));
    if (!nsp)
        return NULL;
    id = sioc_socket_id(socket);
    object = PyObject_CallFunction(server->socket_class, "OKs#", nsp,
                                   (unsigned long long)sioc_socket_handle(socket), id.ptr,
                                   (Py_ssize_t)id.len);
    Py_DECREF(nsp);
    if (object) {
        Py_INCREF(object);
        sioc_socket_set_host_ref(socket, server, (intptr_t)object);
    }
    return object;
}

void spy_on_socket_gone(void *owner, intptr_t host_ref)
{
    (void)owner;
    Py_DECREF((PyObject *)host_ref);
}

/* ---- what goes wrong ---- */

/* Tells the package of the exception that is set. */
static void failed(struct spy_server *server, PyObject *fn, PyObject *socket,
                   struct sioc_str event)
{
    PyObject *exception, *result;

    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) ||
        PyErr_ExceptionMatches(PyExc_SystemExit)) {
        spy_keep_fatal(server->loop);
        return;
    }
    exception = spy_take_exception();
    result =
        PyObject_CallMethod(server->face, "_failed", "OOs#O", fn, socket ? socket : Py_None,
                            event.ptr ? event.ptr : "", (Py_ssize_t)event.len, exception);
    Py_XDECREF(exception);
    if (!result)
        spy_unraisable(server->loop, fn);
    Py_XDECREF(result);
}

/* ---- what clients send ---- */

static PyObject *answer_function(struct spy_server *server, struct sioc_reply reply)
{
    if (!reply.wanted)
        Py_RETURN_NONE;
    return PyObject_CallFunction(server->ack_class, "OKKK", server->face,
                                 (unsigned long long)reply.socket, (unsigned long long)reply.id,
                                 (unsigned long long)reply.serial);
}

/* One call, on the stack. */
struct call {
    struct spy_server *server;
    struct spy_handler *handler;
    struct sioc_event *event;
    struct sioc_reply reply;
    PyObject *socket; /* owned; or NULL */
    struct spy_args args;
};

/* The arguments, and (ack by name) the keyword's value behind them.  < 0: an exception, or
 * (none) the client's mistake. */
static int push_arguments(struct call *c, bool *ret_named)
{
    const struct spy_handler *h = c->handler;
    struct spy_args *a = &c->args;
    size_t most = (size_t)h->most;
    int r = 0;

    if (!(h->flags & SPY_OWN)) {
        Py_INCREF(c->socket);
        r = spy_args_push(a, c->socket);
    }
    if (r >= 0 && (h->flags & SPY_ANY))
        r = spy_args_push(a, spy_text(sioc_event_name(c->event)));
    if (r >= 0)
        r = sioc_event_read(c->event, &a->sink, NULL);
    if (r < 0)
        return r;
    if (h->most >= 0 && a->count > most)
        spy_args_cut(a, most);
    *ret_named = h->flags & SPY_ACK_NAMED;
    if (!(h->flags & (SPY_ACK_LAST | SPY_ACK_NAMED)))
        return 0;
    while (r >= 0 && (h->flags & SPY_ACK_LAST) && a->count < most) {
        Py_INCREF(Py_None); /* what the client left out, so that ack is the last one */
        r = spy_args_push(a, Py_None);
    }
    return r < 0 ? r : spy_args_push(a, answer_function(c->server, c->reply));
}

/* The handler has returned something that waits. */
static void spawn(struct call *c, PyObject *awaitable)
{
    struct sioc_str name = sioc_event_name(c->event);
    PyObject *ack, *result = NULL;

    if (c->reply.wanted && c->handler->flags & SPY_ANY)
        c->reply.wanted = false;
    ack = answer_function(c->server, c->reply);
    if (ack)
        result = PyObject_CallFunction(c->server->spawn, "OOOs#Oi", awaitable, c->handler->fn,
                                       c->socket, name.ptr, (Py_ssize_t)name.len, ack,
                                       (int)c->handler->flags);
    Py_XDECREF(ack);
    if (!result)
        failed(c->server, c->handler->fn, c->socket, name);
    Py_XDECREF(result);
}

static void run_in_thread(struct call *c, bool named)
{
    struct sioc_str name = sioc_event_name(c->event);
    PyObject *ack, *args, *result = NULL;

    if (c->reply.wanted && c->handler->flags & SPY_ANY)
        c->reply.wanted = false;
    if (named)
        spy_args_cut(&c->args, c->args.count - 1);
    ack = answer_function(c->server, c->reply);
    args = spy_args_tuple(&c->args, 0);
    if (ack && args)
        result = PyObject_CallMethod(c->server->face, "_in_thread", "OOOs#Oi", c->handler->fn,
                                     args, c->socket, name.ptr, (Py_ssize_t)name.len, ack,
                                     (int)c->handler->flags);
    Py_XDECREF(ack);
    Py_XDECREF(args);
    if (!result)
        failed(c->server, c->handler->fn, c->socket, name);
    Py_XDECREF(result);
}

static bool waits(PyObject *result)
{
    const PyTypeObject *type = Py_TYPE(result);

    return PyCoro_CheckExact(result) || (type->tp_as_async && type->tp_as_async->am_await);
}

static void returned(struct call *c, PyObject *result)
{
    const struct spy_handler *h = c->handler;

    if (!result || PyErr_Occurred()) {
        failed(c->server, h->fn, c->socket, sioc_event_name(c->event));
    } else if (result != Py_None && waits(result)) {
        spawn(c, result);
    } else if (c->reply.wanted && !(h->flags & SPY_ANY) &&
               !(result == Py_None && h->flags & (SPY_ACK_LAST | SPY_ACK_NAMED))) {
        if (spy_answer(c->server, c->reply, result) < 0)
            failed(c->server, h->fn, c->socket, sioc_event_name(c->event));
    }
    Py_XDECREF(result);
}

#define SLOW_MS 100

static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* While a handler runs nobody else is served. */
static void warn_if_slow(const struct call *c, long long since_ms)
{
    struct sioc_str name = sioc_event_name(c->event);
    long long ms = now_ms() - since_ms;
    PyObject *exception, *result;

    if (ms < SLOW_MS)
        return;
    exception = PyErr_Occurred() ? spy_take_exception() : NULL;
    result = PyObject_CallMethod(c->server->face, "_slow", "Os#L", c->handler->fn, name.ptr,
                                 (Py_ssize_t)name.len, ms);
    if (!result)
        spy_unraisable(c->server->loop, c->handler->fn);
    Py_XDECREF(result);
    if (exception) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
}

static PyObject *call_function(struct call *c, bool named)
{
    long long since_ms = now_ms();
    PyObject *result =
        PyObject_Vectorcall(c->handler->fn, c->args.items + 1,
                            (c->args.count - named) | PY_VECTORCALL_ARGUMENTS_OFFSET,
                            named ? c->server->ack_name : NULL);

    warn_if_slow(c, since_ms);
    return result;
}

static void call_client_handler(struct call *c)
{
    bool named = false;
    int r;

    c->reply = sioc_event_reply(c->event);
    c->socket = spy_socket_object(c->server, sioc_event_socket(c->event));
    spy_args_init(&c->args, c->server->keys);
    r = c->socket ? push_arguments(c, &named) : SIOC_ENOMEM;
    if (r < 0) {
        if (PyErr_Occurred())
            failed(c->server, c->handler->fn, c->socket, sioc_event_name(c->event));
    } else if (c->handler->flags & SPY_THREAD) {
        run_in_thread(c, named);
    } else {
        returned(c, call_function(c, named));
    }
    spy_args_deinit(&c->args);
    Py_XDECREF(c->socket);
}

/* ---- everything else ---- */

static const char *name_of_kind(enum sioc_event_kind kind)
{
    switch (kind) {
    case SIOC_EVENT_MIDDLEWARE:
        return "middleware";
    case SIOC_EVENT_CONNECTION:
        return "connection";
    case SIOC_EVENT_DISCONNECTING:
        return "disconnecting";
    case SIOC_EVENT_DISCONNECT:
        return "disconnect";
    case SIOC_EVENT_PACKET:
        return "packet";
    case SIOC_EVENT_ERROR:
        return "error";
    case SIOC_EVENT_MATCH:
        return "match";
    case SIOC_EVENT_NEW_NAMESPACE:
        return "new_namespace";
    case SIOC_EVENT_ROOM:
        return "room";
    case SIOC_EVENT_RELOAD:
        return "reload";
    case SIOC_EVENT_CLIENT:
    case SIOC_EVENT_OUTGOING:
    case SIOC_EVENT_ACK:
    case SIOC_EVENT_SERVERS: /* nothing registers for these */
    default:
        return "event";
    }
}

static int push_details(struct call *c)
{
    struct sioc_str details = sioc_event_details(c->event);
    int r = spy_args_push(&c->args, spy_text(sioc_event_reason(c->event)));

    return r < 0 || details.len == 0 ? r : spy_args_push(&c->args, spy_text(details));
}

static int push_room(struct call *c)
{
    const struct sioc_socket *socket = sioc_event_socket(c->event);
    int r = spy_args_push(&c->args, spy_text(sioc_event_name(c->event)));

    if (r >= 0)
        r = spy_args_push(&c->args, spy_text(sioc_event_room(c->event)));
    return r < 0 || !socket ? r : spy_args_push(&c->args, spy_text(sioc_socket_id(socket)));
}

/* What is told besides the socket, per kind; then a number for the answer. */
static int push_told(struct call *c, enum sioc_event_kind kind, uint64_t *ret_token)
{
    struct spy_args *a = &c->args;
    int r = 0;

    switch (kind) {
    case SIOC_EVENT_DISCONNECTING:
    case SIOC_EVENT_DISCONNECT:
        return push_details(c);
    case SIOC_EVENT_PACKET:
        *ret_token = sioc_event_passage(c->event).id;
        r = spy_args_push(a, spy_text(sioc_event_name(c->event)));
        return r < 0 ? r : sioc_event_read(c->event, &a->sink, NULL);
    case SIOC_EVENT_ERROR:
        r = spy_args_push(a, spy_text(sioc_event_reason(c->event)));
        if (r >= 0)
            r = spy_args_push(a, spy_text(sioc_event_name(c->event)));
        return r < 0 ? r : sioc_event_read(c->event, &a->sink, NULL);
    case SIOC_EVENT_MATCH:
        *ret_token = sioc_event_match(c->event);
        r = spy_args_push(a, spy_text(sioc_event_name(c->event)));
        return r < 0 ? r : sioc_event_read(c->event, &a->sink, NULL);
    case SIOC_EVENT_NEW_NAMESPACE:
        return spy_args_push(a, spy_nsp_face(c->server, sioc_event_namespace(c->event)));
    case SIOC_EVENT_ROOM:
        return push_room(c);
    case SIOC_EVENT_CONNECTION:
        *ret_token = sioc_event_replayed(c->event);
        return 0;
    case SIOC_EVENT_MIDDLEWARE:
    case SIOC_EVENT_RELOAD:
    case SIOC_EVENT_CLIENT:
    case SIOC_EVENT_OUTGOING:
    case SIOC_EVENT_ACK:
    case SIOC_EVENT_SERVERS: /* nothing registers for these */
    default:
        return 0;
    }
}

/* Server._dispatch(kind, fn, most, flags, socket, args, token) */
static void tell(struct call *c, enum sioc_event_kind kind)
{
    PyObject *args = NULL, *result = NULL;
    uint64_t token = 0;
    int r;

    c->socket = spy_socket_object(c->server, sioc_event_socket(c->event));
    spy_args_init(&c->args, c->server->keys);
    r = c->socket ? push_told(c, kind, &token) : SIOC_ENOMEM;
    if (r >= 0)
        args = spy_args_tuple(&c->args, 0);
    if (args)
        result =
            PyObject_CallMethod(c->server->face, "_dispatch", "sOiiOOK", name_of_kind(kind),
                                c->handler->fn, c->handler->most, (int)c->handler->flags,
                                c->socket, args, (unsigned long long)token);
    if (!result && PyErr_Occurred())
        failed(c->server, c->handler->fn, c->socket, sioc_event_name(c->event));
    Py_XDECREF(result);
    Py_XDECREF(args);
    spy_args_deinit(&c->args);
    Py_XDECREF(c->socket);
}

void spy_on_event(void *user, intptr_t ref, struct sioc_event *event)
{
    struct call c;
    enum sioc_event_kind kind = sioc_event_kind(event);

    c.server = user;
    c.handler = (struct spy_handler *)ref;
    c.event = event;
    if (c.server->loop->fatal || !c.server->core)
        return; /* the program ends */
    c.handler->uses++;
    c.server->handled++;
    if (kind == SIOC_EVENT_CLIENT || kind == SIOC_EVENT_OUTGOING)
        call_client_handler(&c);
    else
        tell(&c, kind);
    spy_handler_unuse(c.handler);
}

/* ---- handlers ---- */

void spy_handler_unuse(struct spy_handler *h)
{
    if (--h->uses > 0)
        return;
    *h->link = h->next;
    if (h->next)
        h->next->link = h->link;
    Py_DECREF(h->fn);
    PyMem_Free(h);
}

static void on_drop(void *user, intptr_t ref)
{
    (void)user;
    spy_handler_unuse((struct spy_handler *)ref);
}

void spy_handlers_orphan(struct spy_handler **list)
{
    while (*list) {
        struct spy_handler *h = *list;

        *list = h->next;
        h->next = NULL;
        h->link = &h->nowhere;
    }
}

struct sioc_handler spy_handler(struct spy_server *server, PyObject *fn, int most,
                                unsigned flags)
{
    struct spy_handler **list = flags & SPY_OWN ? &server->closures : &server->handlers;
    struct spy_handler *h = PyMem_New(struct spy_handler, 1);

    if (!h) {
        PyErr_NoMemory();
        return (struct sioc_handler){0};
    }
    Py_INCREF(fn);
    *h = (struct spy_handler){.next = *list,
                              .link = list,
                              .server = server,
                              .uses = 1,
                              .fn = fn,
                              .most = most,
                              .flags = flags};
    if (h->next)
        h->next->link = &h->next;
    *list = h;
    return (struct sioc_handler){
        .call = spy_on_event, .drop = on_drop, .user = server, .ref = (intptr_t)h};
}
