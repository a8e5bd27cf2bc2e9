/* bindings/python/http.c -- HTTP beside the sockets: routes, mounted applications, folders.
 *
 * A request is told to the package as plain values and known by its handle afterwards; what an
 * answer is made of is the package's.  Invariant: a handle whose client has gone is answered
 * with False, never with an exception.
 */
#include "calls.h"

/* ---- requests ---- */

static PyObject *latin1(struct sioc_str s)
{
    return PyUnicode_DecodeLatin1(s.ptr ? s.ptr : "", (Py_ssize_t)s.len, NULL);
}

/* Steals both; false: an exception is set. */
static bool append_pair(PyObject *list, PyObject *name, PyObject *value)
{
    PyObject *pair = name && value ? PyTuple_Pack(2, name, value) : NULL;
    bool ok = pair && PyList_Append(list, pair) == 0;

    Py_XDECREF(name);
    Py_XDECREF(value);
    Py_XDECREF(pair);
    return ok;
}

typedef bool (*walk_fn)(struct sioc_request *, size_t *, struct sioc_str *, struct sioc_str *);

/* All pairs of a walk, as a list; those of headers are no UTF-8. */
static PyObject *pairs(struct sioc_request *request, walk_fn walk,
                       PyObject *(*text)(struct sioc_str))
{
    PyObject *list = PyList_New(0);
    struct sioc_str name, value;
    size_t pos = 0;

    while (list && walk(request, &pos, &name, &value))
        if (!append_pair(list, text(name), text(value)))
            Py_CLEAR(list);
    return list;
}

PyObject *spy_request_tuple(struct sioc_request *r)
{
    struct sioc_str method = sioc_request_method(r), body = sioc_request_body(r);

    return Py_BuildValue(
        "(Ks#NNNNNy#N)", (unsigned long long)sioc_request_handle(r), method.ptr,
        (Py_ssize_t)method.len, spy_text(sioc_request_path(r)), latin1(sioc_request_url(r)),
        pairs(r, sioc_request_header_next, latin1), pairs(r, sioc_request_query_next, spy_text),
        pairs(r, sioc_request_param_next, spy_text), body.ptr ? body.ptr : "",
        (Py_ssize_t)body.len, spy_text(sioc_request_address(r)));
}

static void on_request(void *user, intptr_t ref, struct sioc_request *request)
{
    struct spy_server *server = user;
    struct spy_handler *h = (struct spy_handler *)ref;
    PyObject *told, *result = NULL;

    if (server->loop->fatal || !server->core)
        return; /* the program ends */
    h->uses++;
    server->handled++;
    told = spy_request_tuple(request);
    if (told)
        result = PyObject_CallMethod(server->face, "_requested", "OO", h->fn, told);
    if (!result)
        spy_unraisable(server->loop, h->fn);
    Py_XDECREF(told);
    Py_XDECREF(result);
    spy_handler_unuse(h);
}

/* ---- routes ---- */

static spy_result registered(struct sioc_http_handler handler, int code, const char *what)
{
    if (code >= 0)
        return 0;
    handler.drop(handler.user, handler.ref);
    spy_raise(code, what);
    return -1;
}

bool spy_http_handler(struct spy_server *server, PyObject *fn, struct sioc_http_handler *ret)
{
    struct sioc_handler h;

    if (!spy_check_here(server->loop, "a route") || !spy_check_open(server))
        return false;
    h = spy_handler(server, fn, -1, 0);
    *ret = (struct sioc_http_handler){on_request, h.drop, h.user, h.ref};
    return h.call != NULL;
}

spy_result spy_http_route(struct spy_server *server, const char *method, PyObject *path,
                          PyObject *fn)
{
    struct sioc_http_handler handler;
    struct sioc_str text;

    if (!spy_utf8(path, "a path", &text) || !spy_http_handler(server, fn, &handler))
        return -1;
    return registered(handler, sioc_http_route(server->core, method, text, handler),
                      PyUnicode_AsUTF8(path));
}

spy_result spy_http_mount(struct spy_server *server, PyObject *prefix, PyObject *fn)
{
    struct sioc_http_handler handler;
    struct sioc_str text;

    if (!spy_utf8(prefix, "a prefix", &text) || !spy_http_handler(server, fn, &handler))
        return -1;
    return registered(handler, sioc_http_mount(server->core, text, handler),
                      PyUnicode_AsUTF8(prefix));
}

spy_result spy_http_static(struct spy_server *server, PyObject *prefix, const char *dir)
{
    struct sioc_str text;
    int r;

    if (!spy_check_here(server->loop, "static") || !spy_check_open(server) ||
        !spy_utf8(prefix, "a prefix", &text))
        return -1;
    r = sioc_http_static(server->core, text, dir);
    if (r == SIOC_ENOTFOUND)
        PyErr_Format(PyExc_FileNotFoundError, "%s is no folder that can be read", dir);
    else if (r < 0)
        spy_raise(r, PyUnicode_AsUTF8(prefix));
    return r < 0 ? -1 : 0;
}

/* ---- answers ---- */

#define MAX_FIELDS 64

/* Header lines as the core wants them; borrowed from the list. */
struct fields {
    struct sioc_http_field items[MAX_FIELDS];
    size_t count;
};

static bool read_fields(PyObject *list, struct fields *ret)
{
    ret->count = 0;
    if (!PyList_Check(list) || PyList_GET_SIZE(list) > MAX_FIELDS) {
        PyErr_SetString(PyExc_ValueError, "headers: a list of at most 64 pairs is expected");
        return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        const char *name, *value;
        Py_ssize_t name_len, value_len;

        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "s#y#", &name, &name_len, &value,
                              &value_len))
            return false;
        ret->items[ret->count++] = (struct sioc_http_field){
            sioc_str_n(name, (size_t)name_len), sioc_str_n(value, (size_t)value_len)};
    }
    return true;
}

/* True, or False when there is nobody to send it to; an exception for what is wrong. */
static PyObject *sent(int code)
{
    if (code == SIOC_ECLOSED || code == SIOC_ENOMEM)
        Py_RETURN_FALSE;
    if (code == SIOC_ESTATE) {
        PyErr_SetString(PyExc_RuntimeError, "the request is being answered already");
        return NULL;
    }
    if (code < 0)
        return spy_raise(code, "an answer");
    Py_RETURN_TRUE;
}

static struct sioc_request *find(const struct spy_server *server, spy_handle request)
{
    return server->core ? sioc_request_find(server->core, request) : NULL;
}

PyObject *spy_request_respond(struct spy_server *server, spy_handle request, int status,
                              PyObject *headers, PyObject *body)
{
    struct sioc_request *r;
    struct fields fields;
    Py_buffer view;
    int code;

    if (!spy_check_here(server->loop, "an answer") || !read_fields(headers, &fields) ||
        PyObject_GetBuffer(body, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    r = find(server, request);
    code = !r ? SIOC_ECLOSED
              : sioc_request_respond(r, status, fields.items, fields.count,
                                     sioc_str_n(view.buf, (size_t)view.len));
    PyBuffer_Release(&view);
    return sent(code);
}

static void on_drained(void *user, uint64_t request)
{
    struct spy_server *server = user;
    PyObject *result =
        PyObject_CallMethod(server->face, "_drained", "K", (unsigned long long)request);

    if (!result)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(result);
}

static void on_gone(void *user, uint64_t request)
{
    struct spy_server *server = user;
    PyObject *result;

    if (server->freeing)
        return;
    result = PyObject_CallMethod(server->face, "_gone", "K", (unsigned long long)request);
    if (!result)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(result);
}

PyObject *spy_request_watch(struct spy_server *server, spy_handle request)
{
    const struct sioc_request_watcher watcher = {on_drained, on_gone, server};
    struct sioc_request *r = find(server, request);

    if (!r)
        Py_RETURN_FALSE;
    sioc_request_watch(r, &watcher);
    Py_RETURN_TRUE;
}

PyObject *spy_request_begin(struct spy_server *server, spy_handle request, int status,
                            PyObject *headers, long long length)
{
    struct sioc_request *r;
    struct fields fields;

    if (!spy_check_here(server->loop, "an answer") || !read_fields(headers, &fields))
        return NULL;
    r = find(server, request);
    if (!r)
        Py_RETURN_FALSE;
    return sent(sioc_request_begin(r, status, fields.items, fields.count,
                                   length < 0 ? SIOC_LENGTH_UNKNOWN : (uint64_t)length));
}

PyObject *spy_request_write(struct spy_server *server, spy_handle request, PyObject *data)
{
    struct sioc_request *r;
    Py_buffer view;
    int code;

    if (!spy_check_here(server->loop, "an answer") ||
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    r = find(server, request);
    code = r ? sioc_request_write(r, sioc_str_n(view.buf, (size_t)view.len)) : SIOC_ECLOSED;
    PyBuffer_Release(&view);
    if (code == SIOC_EAGAIN)
        Py_RETURN_NONE;
    return sent(code);
}

PyObject *spy_request_end(struct spy_server *server, spy_handle request)
{
    struct sioc_request *r;

    if (!spy_check_here(server->loop, "an answer"))
        return NULL;
    r = find(server, request);
    return sent(r ? sioc_request_end(r) : SIOC_ECLOSED);
}

PyObject *spy_request_abort(struct spy_server *server, spy_handle request)
{
    struct sioc_request *r;

    if (!spy_check_here(server->loop, "an answer"))
        return NULL;
    r = find(server, request);
    if (r)
        sioc_request_abort(r);
    Py_RETURN_NONE;
}
