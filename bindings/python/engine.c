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
        PyErr_Format(PyExc_ValueError, "the id of a session: %s",
                     r == SIOC_EEXIST ? "another session has it"
                                      : "20 to 64 characters of A-Za-z0-9_- are expected");
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
            PyErr_Format(PyExc_ValueError, "the header %s cannot be sent", name);
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

void spy_engine_listen(struct spy_server *server)
{
    const struct sioc_engine_events events = {.connection_error = on_error,
                                              .request = on_request,
                                              .headers = on_headers,
                                              .user = server};

    if (server->core && spy_is_here(server->loop))
        sioc_engine_set_events(server->core, &events);
}
