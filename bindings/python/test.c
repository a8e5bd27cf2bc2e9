/* bindings/python/test.c -- clients without a network, for checks: <sioc/test.h>.
 *
 * Invariant: the core has a client exactly while `core` is not NULL, and then the server is
 * there.
 */
#include "calls.h"
#include <sioc/test.h>

static void on_arrived(void *user)
{
    const struct spy_test *test = user;
    PyObject *result = PyObject_CallNoArgs(test->arrived);

    if (!result)
        spy_unraisable(test->server->loop, test->arrived);
    Py_XDECREF(result);
}

static bool is_open(const struct spy_test *test)
{
    return test->core && test->server->core;
}

/* ---- opening, closing ---- */

#define MAX_FIELDS 64

static bool read_headers(PyObject *list, struct sioc_http_field *fields, size_t *ret_count)
{
    *ret_count = 0;
    if (!PyList_Check(list) || PyList_GET_SIZE(list) > MAX_FIELDS) {
        PyErr_SetString(PyExc_ValueError, "test_socket: at most 64 headers");
        return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        const char *name, *value;
        Py_ssize_t name_len, value_len;

        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "s#s#", &name, &name_len, &value,
                              &value_len))
            return false;
        fields[(*ret_count)++] = (struct sioc_http_field){sioc_str_n(name, (size_t)name_len),
                                                          sioc_str_n(value, (size_t)value_len)};
    }
    return true;
}

static struct spy_test *test_alloc(struct spy_server *server, PyObject *arrived)
{
    struct spy_test *test = PyObject_New(struct spy_test, &spy_test_type);

    if (!test)
        return NULL;
    test->core = NULL;
    test->server = server;
    test->arrived = arrived;
    Py_INCREF(server);
    Py_INCREF(arrived);
    return test;
}

PyObject *spy_test_open(struct spy_server *server, PyObject *query, PyObject *address,
                        PyObject *headers, PyObject *arrived)
{
    struct sioc_http_field fields[MAX_FIELDS];
    struct sioc_test_handshake h = {.headers = fields};
    struct spy_test *test;
    int r;

    if (!spy_check_here(server->loop, "test_socket") || !spy_check_open(server) ||
        !spy_utf8(query, "the query", &h.query) ||
        !read_headers(headers, fields, &h.header_count) ||
        (address != Py_None && !spy_utf8(address, "the address", &h.address)))
        return NULL;
    test = test_alloc(server, arrived);
    if (!test)
        return NULL;
    r = sioc_test_open(server->core, &h, on_arrived, test, &test->core);
    if (r >= 0)
        return (PyObject *)test;
    test->core = NULL;
    Py_DECREF(test);
    return spy_raise(r, "test_socket");
}

void spy_test_close(struct spy_test *test)
{
    struct sioc_test_client *core = test->core;

    test->core = NULL;
    if (core && test->server->core)
        sioc_test_close(core);
    Py_INCREF(Py_None);
    Py_XSETREF(test->arrived, Py_None); /* it leads to whoever has this */
}

static void test_dealloc(PyObject *self)
{
    struct spy_test *test = (struct spy_test *)self;

    spy_test_close(test);
    Py_CLEAR(test->arrived);
    Py_CLEAR(test->server);
    PyObject_Free(self);
}

PyTypeObject spy_test_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Test",
    .tp_basicsize = sizeof(struct spy_test),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = test_dealloc,
};

/* ---- speaking ---- */

spy_result spy_test_connect(struct spy_test *test, PyObject *nsp, PyObject *auth)
{
    struct sioc_json_encoder *encoder;
    struct sioc_str name, json = {NULL, 0};
    int r;

    if (!spy_utf8(nsp, "the name of a namespace", &name))
        return -1;
    encoder = sioc_json_encoder_new();
    if (!encoder) {
        PyErr_NoMemory();
        return -1;
    }
    r = auth == Py_None ? 0 : spy_json(test->server, auth, encoder, &json);
    if (r >= 0)
        r = is_open(test) && sioc_test_connect(test->core, name, json) >= 0;
    sioc_json_encoder_free(encoder);
    return r;
}

spy_result spy_test_disconnect(struct spy_test *test, PyObject *nsp)
{
    struct sioc_str name;

    if (!spy_utf8(nsp, "the name of a namespace", &name))
        return -1;
    return is_open(test) && sioc_test_disconnect(test->core, name) >= 0;
}

static int namespace_of(const struct spy_test *test, PyObject *nsp,
                        struct sioc_namespace **ret_nsp)
{
    struct sioc_str name;

    *ret_nsp = NULL;
    if (!spy_utf8(nsp, "the name of a namespace", &name))
        return -1;
    if (is_open(test))
        sioc_server_of(test->server->core, name, ret_nsp);
    return 0;
}

PyObject *spy_test_socket(struct spy_test *test, PyObject *nsp, PyObject *id)
{
    struct sioc_namespace *core;
    struct sioc_str text;

    if (namespace_of(test, nsp, &core) < 0 || !spy_utf8(id, "an id", &text))
        return NULL;
    return spy_socket_object(test->server, core ? sioc_socket_by_id(core, text) : NULL);
}

spy_result spy_test_send(struct spy_test *test, PyObject *nsp, PyObject *event, PyObject *args,
                         PyObject *id)
{
    struct sioc_namespace *core;
    struct sioc_message *message;
    struct sioc_str name;
    uint64_t number = id == Py_None ? 0 : PyLong_AsUnsignedLongLong(id);
    int r;

    if (PyErr_Occurred() || namespace_of(test, nsp, &core) < 0 ||
        !spy_utf8(event, "the name of an event", &name))
        return -1;
    if (!core)
        return 0;
    r = sioc_message_new(core, name, &message);
    if (r == SIOC_ERESERVED)
        PyErr_Format(PyExc_ValueError, "\"%U\" is a reserved event name", event);
    else if (r < 0)
        spy_raise(r, "receive");
    if (r < 0 || spy_fill(test->server, message, args) < 0)
        return -1;
    return sioc_test_send(test->core, message, id == Py_None ? NULL : &number) >= 0;
}

spy_result spy_test_answer(struct spy_test *test, PyObject *nsp, spy_handle id, PyObject *args)
{
    struct sioc_namespace *core;
    struct sioc_message *message;
    int r;

    if (namespace_of(test, nsp, &core) < 0)
        return -1;
    if (!core)
        return 0;
    r = sioc_message_new_answer(core, &message);
    if (r < 0) {
        spy_raise(r, "the answer");
        return -1;
    }
    if (spy_fill(test->server, message, args) < 0)
        return -1;
    return sioc_test_answer(test->core, message, id) >= 0;
}

/* ---- what it gets ---- */

/* The event's arguments, as a tuple. */
static PyObject *values(const struct spy_test *test, const struct sioc_event *event)
{
    PyObject *tuple = NULL;
    struct spy_args a;
    int r;

    spy_args_init(&a, test->server->keys);
    r = sioc_event_read(event, &a.sink, NULL);
    if (r >= 0)
        tuple = spy_args_tuple(&a, 0);
    else if (!PyErr_Occurred())
        spy_raise(r, "what was emitted");
    spy_args_deinit(&a);
    return tuple;
}

PyObject *spy_test_next(struct spy_test *test)
{
    struct sioc_test_packet p;
    int r;

    if (!is_open(test))
        return Py_BuildValue("(s)", "closed");
    r = sioc_test_next(test->core, &p);
    if (r < 0)
        return spy_raise(r, "what was emitted");
    switch (p.kind) {
    case SIOC_TEST_CONNECTED:
        return Py_BuildValue("(sN)", "connected", spy_from_json(test->server->keys, p.json));
    case SIOC_TEST_REFUSED:
        return Py_BuildValue("(sN)", "refused", spy_from_json(test->server->keys, p.json));
    case SIOC_TEST_EVENT:
        if (p.has_id)
            return Py_BuildValue("(sNNK)", "event", spy_text(sioc_event_name(p.event)),
                                 values(test, p.event), (unsigned long long)p.id);
        return Py_BuildValue("(sNNO)", "event", spy_text(sioc_event_name(p.event)),
                             values(test, p.event), Py_None);
    case SIOC_TEST_ANSWER:
        return Py_BuildValue("(sKN)", "answer", (unsigned long long)p.id,
                             values(test, p.event));
    case SIOC_TEST_DISCONNECTED:
        return Py_BuildValue("(s)", "disconnected");
    case SIOC_TEST_CLOSED:
        return Py_BuildValue("(s)", "closed");
    case SIOC_TEST_NOTHING:
    default:
        Py_RETURN_NONE;
    }
}
