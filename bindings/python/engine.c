/* bindings/python/engine.c -- who may open a session, by which id, and the headers of answers:
 * <sioc/engine.h>.
 *
 * What is asked is answered by the package, now or later; what is told is told at once.
 */
#include "calls.h"

spy_result spy_engine_on_request(struct spy_server *server, PyObject *fn)
{
    struct sioc_http_handler handler;

    if (!spy_http_handler(server, fn, &handler))
        return -1;
    sioc_engine_on_request(server->core, handler);
    return 0;
}

spy_result spy_engine_on_id(struct spy_server *server, PyObject *fn)
{
    struct sioc_http_handler handler;

    if (!spy_http_handler(server, fn, &handler))
        return -1;
    sioc_engine_on_id(server->core, handler);
    return 0;
}

spy_result spy_engine_allow(struct spy_server *server, spy_handle request, PyObject *refusal)
{
    struct sioc_str text = {NULL, 0};

    if (!spy_check_here(server->loop, "allowing a request"))
        return -1;
    if (refusal != Py_None && !spy_utf8(refusal, "the reason of a refusal", &text))
        return -1;
    return server->core && sioc_engine_allow(server->core, request, text.ptr) >= 0;
}

spy_result spy_engine_give_id(struct spy_server *server, spy_handle request, PyObject *id)
{
    struct sioc_str text = {NULL, 0};
    int r;

    if (!spy_check_here(server->loop, "giving an id") ||
        (id != Py_None && !spy_utf8(id, "the id of a session", &text)))
        return -1;
    r = server->core ? sioc_engine_give_id(server->core, request, text) : SIOC_ECLOSED;
    if (r == SIOC_EINVAL || r == SIOC_EEXIST) {
        PyErr_SetString(PyExc_ValueError,
                        r == SIOC_EEXIST
                            ? "generate_id has returned the id of another session"
                            : "generate_id must return 20 to 64 characters of A-Za-z0-9_-");
        return -1;
    }
    return r >= 0;
}

/* ---- what happens ---- */

static void on_error(void *user, struct sioc_request *request,
                     const struct sioc_connection_error *e)
{
    struct spy_server *server = user;
    PyObject *context = PyDict_New(), *result = NULL;

    for (size_t i = 0; context && i < e->context_count; i++) {
        PyObject *name = spy_text(e->context[i].name), *value = spy_text(e->context[i].value);

        if (!name || !value || PyDict_SetItem(context, name, value) < 0)
            Py_CLEAR(context);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    if (context)
        result = PyObject_CallMethod(server->face, "_engine_error", "NiNN",
                                     spy_request_tuple(request), e->code, spy_text(e->message),
                                     context);
    if (!result)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(result);
}

/* Adds what the package has returned, and lets it go. */
static void add_headers(struct spy_server *server, PyObject *list, struct sioc_headers *headers)
{
    const char *name, *value;
    Py_ssize_t name_len, value_len;
    int r = 0;

    for (Py_ssize_t i = 0; list && PyList_Check(list) && i < PyList_GET_SIZE(list); i++) {
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "s#s#", &name, &name_len, &value,
                              &value_len)) {
            r = -1;
            break;
        }
        r = sioc_headers_add(headers, sioc_str_n(name, (size_t)name_len),
                             sioc_str_n(value, (size_t)value_len));
        if (r < 0) {
            PyErr_Format(PyExc_ValueError,
                         "the header \"%s\" cannot be set, or not to that value", name);
            break;
        }
    }
    if (!list || r < 0)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(list);
}

static bool on_request(void *user, struct sioc_request *request, struct sioc_headers *headers)
{
    struct spy_server *server = user;
    PyObject *list =
        PyObject_CallMethod(server->face, "_engine_request", "(N)", spy_request_tuple(request));
    bool allowed = list && list != Py_None;

    add_headers(server, list, headers);
    return allowed;
}

static void on_headers(void *user, struct sioc_request *request, bool initial,
                       struct sioc_headers *headers)
{
    struct spy_server *server = user;

    add_headers(server,
                PyObject_CallMethod(server->face, "_engine_headers", "NO",
                                    spy_request_tuple(request), initial ? Py_True : Py_False),
                headers);
}

static void told(const struct spy_server *server, PyObject *result)
{
    if (!result)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(result);
}

static void on_connection(void *user, struct sioc_conn *conn)
{
    struct spy_server *server = user;

    told(server, PyObject_CallMethod(server->face, "_engine_connection", "N",
                                     spy_conn_object(server, conn)));
}

static void on_flush(void *user, struct sioc_conn *conn, const struct sioc_conn_event *event)
{
    struct spy_server *server = user;

    told(server, PyObject_CallMethod(server->face, "_engine_flush", "NN",
                                     spy_conn_object(server, conn), spy_conn_packets(event)));
}

static void on_drain(void *user, struct sioc_conn *conn)
{
    struct spy_server *server = user;

    told(server, PyObject_CallMethod(server->face, "_engine_drain", "N",
                                     spy_conn_object(server, conn)));
}

/* The core asks only for what somebody listens to. */
void spy_engine_listen(struct spy_server *server, unsigned what)
{
    const struct sioc_engine_events events = {.connection_error = what & 1 ? on_error : NULL,
                                              .request = what & 2 ? on_request : NULL,
                                              .headers = what & 4 ? on_headers : NULL,
                                              .connection = what & 8 ? on_connection : NULL,
                                              .flush = what & 16 ? on_flush : NULL,
                                              .drain = what & 32 ? on_drain : NULL,
                                              .user = server};

    if (server->core && !server->borrowed && spy_is_here(server->loop))
        sioc_engine_set_events(server->core, &events);
}
