/* bindings/python/websocket.c -- plain WebSockets and their topics: <sioc/websocket.h>.
 *
 * The core's host_ref of a connection is a reference to its sioc.WebSocket.  Invariant: it is
 * given back exactly once, when the connection closes or a later generation takes it over.
 */
#include "calls.h"

struct route {
    struct spy_server *server;
    PyObject *object;
};

static void done(const struct route *route, PyObject *result)
{
    if (!result)
        spy_unraisable(route->server->loop, route->object);
    Py_XDECREF(result);
}

static void on_open(void *user, intptr_t ref, struct sioc_websocket *websocket,
                    struct sioc_request *request)
{
    const struct route *route = (const struct route *)ref;
    void *owner = sioc_websocket_host_owner(websocket);
    PyObject *before = owner ? (PyObject *)sioc_websocket_host_ref(websocket, owner) : NULL;
    PyObject *object = PyObject_CallMethod(
        route->object, "_opened", "KNOO", (unsigned long long)sioc_websocket_handle(websocket),
        spy_request_tuple(request), sioc_websocket_replayed(websocket) ? Py_True : Py_False,
        before ? before : Py_None);

    (void)user;
    if (!object)
        spy_unraisable(route->server->loop, route->object);
    sioc_websocket_set_host_ref(websocket, object ? route->server : NULL, (intptr_t)object);
    Py_XDECREF(before);
}

static PyObject *object_of(const struct route *route, struct sioc_websocket *websocket)
{
    return (PyObject *)sioc_websocket_host_ref(websocket, route->server);
}

static void on_message(void *user, intptr_t ref, struct sioc_websocket *websocket,
                       struct sioc_str data, bool is_binary)
{
    const struct route *route = (const struct route *)ref;
    PyObject *object = object_of(route, websocket);

    (void)user;
    if (!object || route->server->loop->fatal)
        return;
    Py_INCREF(object);
    done(route, PyObject_CallMethod(object, "_message", "N", spy_data(data, is_binary)));
    Py_DECREF(object);
}

static void on_close(void *user, intptr_t ref, struct sioc_websocket *websocket, unsigned code,
                     struct sioc_str reason)
{
    const struct route *route = (const struct route *)ref;
    PyObject *object = object_of(route, websocket);

    (void)user;
    if (!object)
        return;
    sioc_websocket_set_host_ref(websocket, NULL, 0);
    if (!route->server->freeing && !route->server->loop->fatal)
        done(route, PyObject_CallMethod(object, "_closed", "IN", code, spy_text(reason)));
    Py_DECREF(object);
}

static void on_drop(void *user, intptr_t ref)
{
    struct route *route = (struct route *)ref;

    (void)user;
    Py_DECREF(route->object);
    PyMem_Free(route);
}

spy_result spy_websocket_route(struct spy_server *server, PyObject *path, PyObject *object)
{
    struct route *route;
    struct sioc_str text;
    int r;

    if (!spy_check_here(server->loop, "a route") || !spy_check_open(server) ||
        !spy_utf8(path, "a path", &text))
        return -1;
    route = PyMem_New(struct route, 1);
    if (!route) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(object);
    *route = (struct route){server, object};
    r = sioc_websocket_route(server->core, text,
                             (struct sioc_websocket_handler){.open = on_open,
                                                             .message = on_message,
                                                             .close = on_close,
                                                             .drop = on_drop,
                                                             .ref = (intptr_t)route});
    if (r >= 0)
        return 0;
    on_drop(NULL, (intptr_t)route);
    spy_raise(r, "websocket");
    return -1;
}

/* ---- one of them ---- */

static struct sioc_websocket *find(const struct spy_server *server, spy_handle handle)
{
    return server->core ? sioc_websocket_find(server->core, handle) : NULL;
}

PyObject *spy_data(struct sioc_str data, bool is_binary)
{
    return is_binary ? PyBytes_FromStringAndSize(data.len ? data.ptr : "", (Py_ssize_t)data.len)
                     : spy_text(data);
}

bool spy_data_of(PyObject *object, struct spy_data *ret)
{
    ret->is_binary = !PyUnicode_Check(object);
    if (!ret->is_binary)
        return spy_utf8(object, "a message", &ret->bytes);
    if (PyObject_GetBuffer(object, &ret->view, PyBUF_SIMPLE) < 0)
        return false;
    ret->bytes = sioc_str_n(ret->view.buf, (size_t)ret->view.len);
    return true;
}

void spy_data_done(struct spy_data *data)
{
    if (data->is_binary)
        PyBuffer_Release(&data->view);
}

PyObject *spy_websocket_send(struct spy_server *server, spy_handle handle, PyObject *object)
{
    struct sioc_websocket *websocket;
    struct spy_data data;
    int r = SIOC_ECLOSED;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_data_of(object, &data))
        return NULL;
    websocket = find(server, handle);
    if (websocket && !spy_muted(server->loop))
        r = sioc_websocket_send(websocket, data.bytes, data.is_binary);
    spy_data_done(&data);
    return PyBool_FromLong(r >= 0);
}

PyObject *spy_websocket_close(struct spy_server *server, spy_handle handle, int code,
                              PyObject *reason)
{
    struct sioc_websocket *websocket;
    struct sioc_str text;
    int r = SIOC_ECLOSED;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_utf8(reason, "the reason", &text))
        return NULL;
    websocket = find(server, handle);
    if (websocket && !spy_muted(server->loop))
        r = sioc_websocket_close(websocket, code < 0 ? 1 : (unsigned)code, text);
    if (r == SIOC_EINVAL) {
        PyErr_SetString(PyExc_ValueError, "close: a code from 1000 to 4999 that may be sent, "
                                          "and a reason of at most 123 bytes");
        return NULL;
    }
    return PyBool_FromLong(r >= 0);
}

PyObject *spy_websocket_subscribe(struct spy_server *server, spy_handle handle, PyObject *topic,
                                  bool on)
{
    struct sioc_websocket *websocket;
    struct sioc_str text;
    int r = 0;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_utf8(topic, "the name of a topic", &text))
        return NULL;
    websocket = find(server, handle);
    if (!websocket)
        Py_RETURN_FALSE;
    if (on)
        r = sioc_websocket_subscribe(websocket, text);
    else
        sioc_websocket_unsubscribe(websocket, text);
    if (r < 0 && r != SIOC_ECLOSED)
        return spy_raise(r, "subscribe");
    return PyBool_FromLong(r >= 0);
}

PyObject *spy_websocket_topics(struct spy_server *server, spy_handle handle)
{
    const struct sioc_websocket *websocket;
    struct sioc_str topic;
    PyObject *list;
    size_t pos = 0;

    if (!spy_check_here(server->loop, "topics"))
        return NULL;
    websocket = find(server, handle);
    list = PyList_New(0);
    while (list && websocket && sioc_websocket_topic_next(websocket, &pos, &topic)) {
        PyObject *name = spy_text(topic);

        if (!name || PyList_Append(list, name) < 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

bool spy_websocket_connected(struct spy_server *server, spy_handle handle)
{
    const struct sioc_websocket *websocket =
        spy_is_here(server->loop) ? find(server, handle) : NULL;

    return websocket && sioc_websocket_connected(websocket);
}

void spy_websocket_hold(struct spy_server *server, spy_handle handle, bool on)
{
    struct sioc_websocket *websocket = find(server, handle);

    if (websocket && on)
        sioc_websocket_hold(websocket);
    else if (websocket)
        sioc_websocket_release(websocket);
}

PyObject *spy_publish(struct spy_server *server, PyObject *topic, PyObject *object,
                      spy_handle sender)
{
    struct sioc_str text;
    struct spy_data data;
    int r = 0;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_check_open(server) || !spy_utf8(topic, "the name of a topic", &text) ||
        !spy_data_of(object, &data))
        return NULL;
    if (!spy_muted(server->loop))
        r = sioc_publish(server->core, text, data.bytes, data.is_binary, sender);
    spy_data_done(&data);
    return r < 0 ? spy_raise(r, "publish") : PyLong_FromLong(r);
}
