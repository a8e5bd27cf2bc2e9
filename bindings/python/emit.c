/* bindings/python/emit.c -- the way of an event from the application into the core, and of the
 * answers back.
 *
 * Arguments go from their objects straight into the message's sink; nothing is sent when one of
 * them cannot be.  A function that waits for an answer is called exactly once.
 */
#include "calls.h"

enum { EMIT_VOLATILE = 1, EMIT_NO_COMPRESS = 2 };

/* ---- messages ---- */

int spy_fill(struct spy_server *server, struct sioc_message *message, PyObject *args)
{
    struct spy_walk walk = {sioc_message_sink(message), server, "argument", 0};
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    int r = 0;

    for (Py_ssize_t i = 0; i < count && r >= 0; i++) {
        walk.number = (size_t)i + 1;
        r = spy_walk(&walk, PyTuple_GET_ITEM(args, i));
    }
    if (r < 0)
        sioc_message_free(message);
    return r;
}

static int fail(int code, const char *what)
{
    spy_raise(code, what);
    return code;
}

/* args: a tuple */
static int build(const struct spy_nsp *nsp, PyObject *event, PyObject *args,
                 struct sioc_message **ret_message)
{
    struct sioc_str name;
    int r;

    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "the arguments must be a tuple");
        return SIOC_EINVAL;
    }
    if (!spy_utf8(event, "the name of an event", &name))
        return SIOC_EINVAL;
    r = sioc_message_new(nsp->core, name, ret_message);
    if (r == SIOC_ERESERVED) {
        PyErr_Format(PyExc_ValueError, "\"%U\" is a reserved event name", event);
        return r;
    }
    return r < 0 ? fail(r, "the name of an event") : spy_fill(nsp->server, *ret_message, args);
}

static PyObject *sent(const struct spy_server *server, bool yes)
{
    Py_INCREF(server->sent[yes]);
    return server->sent[yes];
}

/* ---- answers that are waited for ---- */

struct spy_ack {
    struct spy_ack *next, **link;
    struct spy_server *server;
    PyObject *fn;
    bool many;
};

int spy_acks_traverse(struct spy_server *server, visitproc visit, void *arg)
{
    for (struct spy_ack *a = server->acks; a; a = a->next)
        Py_VISIT(a->fn);
    return 0;
}

static struct spy_ack *ack_new(struct spy_server *server, PyObject *fn, bool many)
{
    struct spy_ack *a = PyMem_New(struct spy_ack, 1);

    if (!a) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(fn);
    *a = (struct spy_ack){server->acks, &server->acks, server, fn, many};
    if (a->next)
        a->next->link = &a->next;
    server->acks = a;
    return a;
}

static void ack_free(struct spy_ack *a)
{
    *a->link = a->next;
    if (a->next)
        a->next->link = a->link;
    Py_DECREF(a->fn);
    PyMem_Free(a);
}

static void on_ack_drop(void *user, intptr_t ref)
{
    (void)user;
    ack_free((struct spy_ack *)ref);
}

/* fn(status, answer): None, "timeout" or "disconnected", and a tuple. */
static PyObject *call_back(const struct spy_ack *a, const struct sioc_event *event)
{
    int status = sioc_event_status(event);
    PyObject *values, *result = NULL;
    struct spy_args args;
    int r = 0;

    spy_args_init(&args, a->server->keys);
    if (status == 0 || a->many)
        r = sioc_event_read(event, &args.sink, NULL);
    if (r < 0)
        spy_args_cut(&args, 0);
    if (PyErr_Occurred()) {
        spy_args_deinit(&args);
        return NULL;
    }
    values = spy_args_tuple(&args, 0);
    spy_args_deinit(&args);
    if (values)
        result = PyObject_CallFunction(a->fn, "zO",
                                       status == 0                ? NULL
                                       : status == SIOC_ETIMEDOUT ? "timeout"
                                                                  : "disconnected",
                                       values);
    Py_XDECREF(values);
    return result;
}

static bool is_mine(void *user, const struct sioc_handler *handler)
{
    return handler->user == user && handler->drop == on_ack_drop;
}

PyObject *spy_server_waiting(struct spy_server *server)
{
    return PyBool_FromLong(server->acks != NULL);
}

static void tell_forgotten(const struct spy_server *server, PyObject *functions,
                           const char *why)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(functions); i++) {
        PyObject *fn = PyList_GET_ITEM(functions, i);
        PyObject *result = PyObject_CallFunction(fn, "s()", why);

        if (!result)
            spy_unraisable(server->loop, fn);
        Py_XDECREF(result);
    }
}

void spy_acks_forget(struct spy_server *server, const char *why)
{
    PyObject *functions = why ? PyList_New(0) : NULL;

    for (struct spy_ack *a = server->acks; functions && a; a = a->next)
        if (PyList_Append(functions, a->fn) < 0)
            PyErr_Clear();
    if (server->core && server->acks)
        sioc_server_forget_acks(server->core, is_mine, server);
    if (functions)
        tell_forgotten(server, functions, why);
    Py_XDECREF(functions);
}

static void on_ack(void *user, intptr_t ref, struct sioc_event *event)
{
    const struct spy_ack *a = (const struct spy_ack *)ref;
    PyObject *result;

    (void)user;
    if (a->server->loop->fatal)
        return;
    result = call_back(a, event);
    if (!result)
        spy_unraisable(a->server->loop, a->fn);
    Py_XDECREF(result);
}

/* ---- to one ---- */

static struct sioc_emit settings(unsigned flags, double timeout_s)
{
    return (struct sioc_emit){
        .is_volatile = flags & EMIT_VOLATILE,
        .no_compress = flags & EMIT_NO_COMPRESS,
        .timeout_ms = timeout_s > 0 ? (uint64_t)(timeout_s * 1000 + 0.999) : 0,
    };
}

PyObject *spy_socket_emit(struct spy_nsp *nsp, spy_handle handle, PyObject *event,
                          PyObject *args)
{
    struct spy_server *server = nsp->server;
    struct sioc_message *message;
    struct sioc_socket *socket;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_find(nsp, handle) || spy_muted(server->loop))
        return sent(server, false);
    if (build(nsp, event, args, &message) < 0)
        return NULL;
    socket = spy_find(nsp, handle); /* the hook `default` may have done anything */
    if (!socket) {
        sioc_message_free(message);
        return sent(server, false);
    }
    return sent(server, sioc_socket_emit(socket, message, NULL) >= 0);
}

/* Tells a function at once that nothing was sent. */
static PyObject *not_sent(const struct spy_server *server, PyObject *ack, const char *why)
{
    if (ack != Py_None) {
        PyObject *result = PyObject_CallFunction(ack, "s()", why);

        if (!result)
            return NULL;
        Py_DECREF(result);
    }
    return sent(server, false);
}

PyObject *spy_socket_ask(struct spy_nsp *nsp, spy_handle handle, PyObject *event,
                         PyObject *args, unsigned flags, double timeout_s, PyObject *ack)
{
    struct spy_server *server = nsp->server;
    struct sioc_emit emit = settings(flags, timeout_s);
    struct sioc_message *message;
    struct spy_ack *waiting = NULL;
    struct sioc_socket *socket;
    int r;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (spy_muted(server->loop))
        return not_sent(server, ack, "reload");
    if (!spy_find(nsp, handle))
        return not_sent(server, ack, "disconnected");
    if (build(nsp, event, args, &message) < 0)
        return NULL;
    if (ack != Py_None && !(waiting = ack_new(server, ack, false))) {
        sioc_message_free(message);
        return NULL;
    }
    if (waiting)
        emit.ack = (struct sioc_handler){
            .call = on_ack, .drop = on_ack_drop, .user = server, .ref = (intptr_t)waiting};
    socket = spy_find(nsp, handle);
    r = SIOC_ECLOSED;
    if (socket)
        r = sioc_socket_emit(socket, message, &emit);
    else
        sioc_message_free(message);
    if (r >= 0)
        return sent(server, true);
    if (waiting)
        ack_free(waiting);
    return not_sent(server, ack, "disconnected");
}

PyObject *spy_reply(struct spy_server *server, spy_handle socket, spy_handle id,
                    spy_handle serial, PyObject *args)
{
    struct sioc_reply reply = {.socket = socket, .id = id, .serial = serial, .wanted = true};

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "the arguments must be a tuple");
        return NULL;
    }
    if (!server->core || !sioc_socket_find(server->core, socket))
        return sent(server, false);
    {
        int r = spy_answer(server, reply, args);

        if (PyErr_Occurred())
            return NULL;
        return sent(server, r > 0);
    }
}

int spy_answer(struct spy_server *server, struct sioc_reply reply, PyObject *result)
{
    struct spy_walk walk = {NULL, server, "the answer", 0};
    struct sioc_socket *socket = sioc_socket_find(server->core, reply.socket);
    struct sioc_message *message;
    int r;

    if (!socket)
        return 0;
    r = sioc_message_new_answer(sioc_socket_namespace(socket), &message);
    if (r < 0)
        return fail(r, "the answer");
    if (PyTuple_Check(result)) {
        r = spy_fill(server, message, result);
    } else if (result != Py_None) {
        walk.sink = sioc_message_sink(message);
        r = spy_walk(&walk, result);
        if (r < 0)
            sioc_message_free(message);
    }
    if (r < 0)
        return r;
    return sioc_reply_send(server->core, reply, message) >= 0;
}

/* ---- to many ---- */

/* Fills names with the texts of a tuple; how many, or -1. */
static Py_ssize_t names_of(PyObject *tuple, struct sioc_str *names)
{
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);

    for (Py_ssize_t i = 0; i < count; i++)
        if (!spy_utf8(PyTuple_GET_ITEM(tuple, i), "the name of a room", &names[i]))
            return -1;
    return count;
}

int spy_target(PyObject *tuple, struct spy_target *t)
{
    PyObject *rooms, *except;
    unsigned long long socket;
    int local;
    Py_ssize_t count;

    t->names = NULL;
    if (!PyArg_ParseTuple(tuple, "O!O!Kp", &PyTuple_Type, &rooms, &PyTuple_Type, &except,
                          &socket, &local))
        return -1;
    count = PyTuple_GET_SIZE(rooms) + PyTuple_GET_SIZE(except);
    t->target = (struct sioc_target){.except_socket = socket, .local = local};
    if (count == 0)
        return 0;
    t->names = t->few;
    if ((size_t)count > sizeof t->few / sizeof *t->few)
        t->names = PyMem_New(struct sioc_str, (size_t)count);
    if (!t->names) {
        PyErr_NoMemory();
        return -1;
    }
    t->target.rooms = t->names;
    t->target.room_count = (size_t)PyTuple_GET_SIZE(rooms);
    t->target.except = t->names + t->target.room_count;
    t->target.except_count = (size_t)PyTuple_GET_SIZE(except);
    if (names_of(rooms, t->names) < 0 ||
        names_of(except, t->names + t->target.room_count) < 0) {
        spy_target_done(t);
        return -1;
    }
    return 0;
}

void spy_target_done(struct spy_target *t)
{
    if (t->names != t->few)
        PyMem_Free(t->names);
}

PyObject *spy_broadcast(struct spy_nsp *nsp, PyObject *to, PyObject *event, PyObject *args,
                        unsigned flags, double timeout_s, PyObject *ack)
{
    struct spy_server *server = nsp->server;
    struct sioc_emit emit = settings(flags, timeout_s);
    struct sioc_message *message;
    struct spy_ack *waiting = NULL;
    struct spy_target t;
    int r;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_check_open(server))
        return NULL;
    if (spy_muted(server->loop))
        return not_sent(server, ack, "reload");
    if (build(nsp, event, args, &message) < 0)
        return NULL;
    if (!spy_check_open(server) || spy_target(to, &t) < 0) {
        sioc_message_free(message);
        return NULL;
    }
    if (ack != Py_None && !(waiting = ack_new(server, ack, true))) {
        sioc_message_free(message);
        spy_target_done(&t);
        return NULL;
    }
    if (waiting)
        emit.ack = (struct sioc_handler){
            .call = on_ack, .drop = on_ack_drop, .user = server, .ref = (intptr_t)waiting};
    r = sioc_broadcast(nsp->core, &t.target, message, &emit);
    spy_target_done(&t);
    if (r >= 0)
        return sent(server, true);
    if (waiting)
        ack_free(waiting);
    return spy_raise(r, "emit");
}

PyObject *spy_server_side_emit(struct spy_nsp *nsp, PyObject *event, PyObject *args,
                               double timeout_s, PyObject *ack)
{
    struct spy_server *server = nsp->server;
    struct sioc_emit emit = settings(0, timeout_s);
    struct sioc_message *message;
    struct spy_ack *waiting = NULL;
    struct sioc_str name;
    int r;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_check_open(server) || !spy_utf8(event, "the name of an event", &name))
        return NULL;
    if (spy_muted(server->loop))
        return not_sent(server, ack, "reload");
    r = sioc_message_new_for_servers(nsp->core, name, &message);
    if (r == SIOC_ERESERVED)
        return PyErr_Format(PyExc_ValueError, "\"%U\" is a reserved event name", event);
    if (r < 0)
        return spy_raise(r, "the name of an event");
    if (spy_fill(server, message, args) < 0)
        return NULL;
    if (!spy_check_open(server) ||
        (ack != Py_None && !(waiting = ack_new(server, ack, true)))) {
        sioc_message_free(message);
        return NULL;
    }
    if (waiting)
        emit.ack = (struct sioc_handler){
            .call = on_ack, .drop = on_ack_drop, .user = server, .ref = (intptr_t)waiting};
    r = sioc_server_side_emit(nsp->core, message, &emit);
    if (r >= 0)
        return sent(server, true);
    if (waiting)
        ack_free(waiting);
    return spy_raise(r, "server_side_emit");
}

PyObject *spy_snapshot(struct spy_server *server, PyObject *args)
{
    struct spy_keys *keys = spy_keys_new(); /* the server's are the loop's thread's */
    struct spy_args copy;
    PyObject *tuple = NULL;
    struct spy_walk walk = {&copy.sink, server, "argument", 0};
    int r = 0;

    if (!keys)
        return PyErr_NoMemory();
    spy_args_init(&copy, keys);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args) && r >= 0; i++) {
        walk.number = (size_t)i + 1;
        r = spy_walk(&walk, PyTuple_GET_ITEM(args, i));
    }
    if (r >= 0)
        tuple = spy_args_tuple(&copy, 0);
    spy_args_deinit(&copy);
    spy_keys_free(keys);
    return tuple;
}
