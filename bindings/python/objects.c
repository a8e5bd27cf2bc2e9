/* bindings/python/objects.c -- the three objects of the shim: making them, letting them go.
 *
 * The cycle collector sees what a server holds for the core (handlers, functions that wait for
 * answers), so an application that was forgotten without being closed is collected whole.
 * Invariant: whoever is called with one of these objects has it in the loop's thread, or fails.
 */
#include "calls.h"

/* ---- errors ---- */

PyObject *spy_raise(int code, const char *what)
{
    PyObject *type = PyExc_ValueError;

    if (PyErr_Occurred())
        return NULL;
    if (code == SIOC_ENOMEM)
        return PyErr_NoMemory();
    if (code == SIOC_ESTATE || code == SIOC_ECLOSED || code == SIOC_ELIMIT)
        type = PyExc_RuntimeError;
    if (code == SIOC_EADDRINUSE || code == SIOC_EIO)
        type = PyExc_OSError;
    if (code == SIOC_EACCES)
        type = PyExc_PermissionError;
    PyErr_Format(type, "%s: %s", what, sioc_strerror(code));
    return NULL;
}

bool spy_check_here(const struct spy_loop *loop, const char *what)
{
    if (spy_is_here(loop))
        return true;
    PyErr_Format(
        PyExc_RuntimeError,
        "%s is for the thread of the server's loop; from another thread use "
        "loop.call_soon_threadsafe (emit, join, leave and disconnect do so themselves)",
        what);
    return false;
}

bool spy_check_open(const struct spy_server *server)
{
    if (server->core)
        return true;
    PyErr_SetString(PyExc_RuntimeError, "the server is closed");
    return false;
}

void spy_unraisable(struct spy_loop *loop, PyObject *where)
{
    if (!PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) &&
        !PyErr_ExceptionMatches(PyExc_SystemExit)) {
        PyErr_WriteUnraisable(where);
        return;
    }
    spy_keep_fatal(loop);
}

bool spy_utf8(PyObject *text, const char *what, struct sioc_str *ret_utf8)
{
    Py_ssize_t len;
    const char *utf8;

    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, not %.100s", what,
                     Py_TYPE(text)->tp_name);
        return false;
    }
    utf8 = PyUnicode_AsUTF8AndSize(text, &len);
    if (!utf8) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return false;
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s holds a lone surrogate, which has no form in UTF-8",
                     what);
        return false;
    }
    *ret_utf8 = sioc_str_n(utf8, (size_t)len);
    return true;
}

/* ---- the loop ---- */

static void loop_dealloc(PyObject *self)
{
    struct spy_loop *loop = (struct spy_loop *)self;

    PyObject_GC_UnTrack(self);
    sioc_loop_on_work(loop->core, NULL, NULL);
    sioc_loop_free(loop->core);
    Py_CLEAR(loop->replay);
    Py_CLEAR(loop->on_work);
    Py_CLEAR(loop->fatal);
    PyObject_GC_Del(self);
}

static int loop_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct spy_loop *loop = (struct spy_loop *)self;

    Py_VISIT(loop->on_work);
    Py_VISIT(loop->fatal);
    return 0;
}

static int loop_clear(PyObject *self)
{
    struct spy_loop *loop = (struct spy_loop *)self;

    Py_CLEAR(loop->on_work);
    Py_CLEAR(loop->fatal);
    return 0;
}

PyTypeObject spy_loop_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Loop",
    .tp_basicsize = sizeof(struct spy_loop),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = loop_dealloc,
    .tp_traverse = loop_traverse,
    .tp_clear = loop_clear,
};

PyObject *spy_loop_new(void)
{
    struct spy_loop *loop;
    struct sioc_loop *core;
    int r = sioc_loop_new(&core);

    if (r < 0)
        return spy_raise(r, "event loop");
    loop = PyObject_GC_New(struct spy_loop, &spy_loop_type);
    if (!loop) {
        sioc_loop_free(core);
        return NULL;
    }
    loop->core = core;
    loop->thread = PyThread_get_thread_ident();
    loop->on_work = loop->fatal = NULL;
    loop->stepping = false;
    loop->replays = 0;
    loop->replay = PyContextVar_New("sioc.replay", NULL);
    PyObject_GC_Track(loop);
    if (!loop->replay)
        Py_CLEAR(loop);
    return (PyObject *)loop;
}

/* ---- the server ---- */

static int server_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct spy_server *server = (struct spy_server *)self;

    Py_VISIT(server->loop);
    Py_VISIT(server->face);
    Py_VISIT(server->socket_class);
    Py_VISIT(server->ack_class);
    Py_VISIT(server->raw_class);
    Py_VISIT(server->spawn);
    Py_VISIT(server->encode_default);
    for (struct spy_handler *h = server->handlers; h; h = h->next)
        Py_VISIT(h->fn);
    for (struct spy_handler *h = server->closures; h; h = h->next)
        Py_VISIT(h->fn);
    return spy_acks_traverse(server, visit, arg);
}

/* What the core has is let go first: it may still call. */
void spy_server_shut(struct spy_server *server)
{
    struct sioc_server *core = server->core;

    if (!core)
        return;
    server->freeing = true;
    if (server->borrowed) {
        spy_acks_forget(server, NULL);
        for (struct spy_nsp *n = server->nsps; n; n = n->next)
            sioc_namespace_unref(n->core);
        spy_handlers_orphan(&server->handlers);
        spy_handlers_orphan(&server->closures);
        server->prev->next = server->next;
        server->next->prev = server->prev;
        server->prev = server->next = server;
        server->core = NULL;
    } else {
        while (server->next != server)
            spy_server_shut(server->next); /* borrows, so it leaves the ring */
        server->core = NULL;
        sioc_server_free(core);
    }
    server->freeing = false;
}

static int server_clear(PyObject *self)
{
    struct spy_server *server = (struct spy_server *)self;

    spy_server_shut(server);
    Py_CLEAR(server->face);
    Py_CLEAR(server->spawn);
    Py_CLEAR(server->encode_default);
    return 0;
}

static void server_dealloc(PyObject *self)
{
    struct spy_server *server = (struct spy_server *)self;

    PyObject_GC_UnTrack(self);
    server_clear(self);
    Py_CLEAR(server->socket_class);
    Py_CLEAR(server->ack_class);
    Py_CLEAR(server->raw_class);
    Py_CLEAR(server->sent[0]);
    Py_CLEAR(server->sent[1]);
    Py_CLEAR(server->ack_name);
    spy_keys_free(server->keys);
    Py_CLEAR(server->loop);
    PyObject_GC_Del(self);
}

PyTypeObject spy_server_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Server",
    .tp_basicsize = sizeof(struct spy_server),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = server_dealloc,
    .tp_traverse = server_traverse,
    .tp_clear = server_clear,
};

/* ---- a namespace ---- */

static void nsp_dealloc(PyObject *self)
{
    struct spy_nsp *nsp = (struct spy_nsp *)self;

    PyObject_GC_UnTrack(self);
    *nsp->link = nsp->next;
    if (nsp->next)
        nsp->next->link = nsp->link;
    if (nsp->server->core)
        sioc_namespace_unref(nsp->core);
    Py_CLEAR(nsp->server);
    PyObject_GC_Del(self);
}

static int nsp_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((struct spy_nsp *)self)->server);
    return 0;
}

PyTypeObject spy_nsp_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Namespace",
    .tp_basicsize = sizeof(struct spy_nsp),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = nsp_dealloc,
    .tp_traverse = nsp_traverse,
};

PyObject *spy_nsp_new(struct spy_server *server, struct sioc_namespace *core)
{
    struct spy_nsp *nsp = PyObject_GC_New(struct spy_nsp, &spy_nsp_type);

    if (!nsp)
        return NULL;
    sioc_namespace_ref(core);
    Py_INCREF(server);
    nsp->server = server;
    nsp->core = core;
    nsp->next = server->nsps;
    nsp->link = &server->nsps;
    if (nsp->next)
        nsp->next->link = &nsp->next;
    server->nsps = nsp;
    PyObject_GC_Track(nsp);
    return (PyObject *)nsp;
}

int spy_init(void)
{
    return PyType_Ready(&spy_loop_type) < 0 || PyType_Ready(&spy_server_type) < 0 ||
                   PyType_Ready(&spy_nsp_type) < 0 || PyType_Ready(&spy_script_type) < 0 ||
                   PyType_Ready(&spy_watch_type) < 0 || PyType_Ready(&spy_shared_type) < 0 ||
                   PyType_Ready(&spy_test_type) < 0
               ? -1
               : 0;
}
