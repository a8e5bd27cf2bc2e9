/* bindings/python/socket.c -- one socket, known by its handle: handlers, rooms, what it tells.
 *
 * A socket that has gone answers None, or does nothing; nothing here raises for that.
 */
#include "calls.h"

static struct sioc_socket *for_handlers(const struct spy_nsp *nsp, spy_handle handle)
{
    return spy_check_here(nsp->server->loop, "registering a handler") ? spy_find(nsp, handle)
                                                                      : NULL;
}

static int registered(int code, struct sioc_handler handler, PyObject *name)
{
    if (code >= 0)
        return 0;
    handler.drop(handler.user, handler.ref);
    if (code == SIOC_ECLOSED)
        return 0; /* nothing will come */
    if (code == SIOC_ERESERVED)
        PyErr_Format(PyExc_ValueError, "\"%S\" is a reserved event name", name);
    else
        spy_raise(code, "registering a handler");
    return -1;
}

spy_result spy_socket_on(struct spy_nsp *nsp, spy_handle handle, PyObject *name, PyObject *fn,
                         int most, unsigned flags, unsigned how)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_str text = {NULL, 0};
    struct sioc_handler handler;

    if (!socket)
        return PyErr_Occurred() ? -1 : 0;
    if (name == Py_None)
        flags |= SPY_ANY;
    else if (!spy_utf8(name, "the name of an event", &text))
        return -1;
    handler = spy_handler(nsp->server, fn, most, flags | SPY_OWN);
    if (!handler.call)
        return -1;
    return registered(sioc_socket_on(socket, text, handler, how), handler, name);
}

spy_result spy_socket_on_outgoing(struct spy_nsp *nsp, spy_handle handle, PyObject *fn,
                                  int most, unsigned flags, unsigned how)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_handler handler;

    if (!socket)
        return PyErr_Occurred() ? -1 : 0;
    handler = spy_handler(nsp->server, fn, most, flags | SPY_OWN | SPY_ANY);
    if (!handler.call)
        return -1;
    return registered(sioc_socket_on_outgoing(socket, handler, how), handler, Py_None);
}

spy_result spy_socket_use(struct spy_nsp *nsp, spy_handle handle, PyObject *fn, int most)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_handler handler;

    if (!socket)
        return PyErr_Occurred() ? -1 : 0;
    handler = spy_handler(nsp->server, fn, most, SPY_OWN);
    if (!handler.call)
        return -1;
    return registered(sioc_socket_use(socket, handler), handler, Py_None);
}

/* Whether the core's handler is ours, and calls fn. */
static bool calls(const struct sioc_handler *handler, PyObject *fn)
{
    return handler->call == spy_on_event &&
           spy_same_function(((const struct spy_handler *)handler->ref)->fn, fn);
}

PyObject *spy_socket_listeners(struct spy_nsp *nsp, spy_handle handle, PyObject *name,
                               bool outgoing)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_str text = {NULL, 0};
    struct sioc_handler handler;
    PyObject *list;
    size_t pos = 0;

    if (PyErr_Occurred() || (name != Py_None && !spy_utf8(name, "the name of an event", &text)))
        return NULL;
    list = PyList_New(0);
    while (list && socket &&
           (outgoing ? sioc_socket_outgoing_next(socket, &pos, &handler)
                     : sioc_socket_handler_next(socket, text, &pos, &handler)))
        if (handler.call == spy_on_event &&
            PyList_Append(list, ((const struct spy_handler *)handler.ref)->fn) < 0)
            Py_CLEAR(list);
    return list;
}

PyObject *spy_socket_event_names(struct spy_nsp *nsp, spy_handle handle)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_str name;
    PyObject *dict, *list;
    size_t pos = 0;

    if (PyErr_Occurred())
        return NULL;
    dict = PyDict_New();
    while (dict && socket && sioc_socket_name_next(socket, &pos, &name)) {
        PyObject *text = spy_text(name);

        if (!text || PyDict_SetItem(dict, text, Py_None) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(text);
    }
    list = dict ? PyDict_Keys(dict) : NULL;
    Py_XDECREF(dict);
    return list;
}

spy_result spy_socket_off(struct spy_nsp *nsp, spy_handle handle, PyObject *name, PyObject *fn)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_str text = {NULL, 0};
    struct sioc_handler handler;
    size_t pos = 0;
    int count = 0;

    if (!socket)
        return PyErr_Occurred() ? -1 : 0;
    if (name != Py_None && !spy_utf8(name, "the name of an event", &text))
        return -1;
    if (fn == Py_None)
        return sioc_socket_off(socket, text, NULL, 0);
    while (sioc_socket_handler_next(socket, text, &pos, &handler)) {
        if (!calls(&handler, fn))
            continue;
        count += sioc_socket_off(socket, text, handler.user, handler.ref);
        pos = 0; /* the list has changed */
    }
    return count;
}

spy_result spy_socket_off_outgoing(struct spy_nsp *nsp, spy_handle handle, PyObject *fn)
{
    struct sioc_socket *socket = for_handlers(nsp, handle);
    struct sioc_handler handler;
    size_t pos = 0;
    int count = 0;

    if (!socket)
        return PyErr_Occurred() ? -1 : 0;
    if (fn == Py_None)
        return sioc_socket_off_outgoing(socket, NULL, 0);
    while (sioc_socket_outgoing_next(socket, &pos, &handler)) {
        if (!calls(&handler, fn))
            continue;
        count += sioc_socket_off_outgoing(socket, handler.user, handler.ref);
        pos = 0;
    }
    return count;
}

/* ---- rooms, leaving ---- */

PyObject *spy_socket_change(struct spy_nsp *nsp, spy_handle handle, PyObject *room, int what)
{
    struct sioc_socket *socket;
    struct sioc_str name = {NULL, 0};
    int r = 0;

    if (!spy_is_here(nsp->server->loop))
        Py_RETURN_NONE;
    if (what <= SPY_LEAVE && !spy_utf8(room, "the name of a room", &name))
        return NULL;
    socket = spy_find(nsp, handle);
    if (!socket || (what >= SPY_DISCONNECT && spy_muted(nsp->server->loop)))
        Py_RETURN_FALSE;
    switch (what) {
    case SPY_JOIN:
        r = sioc_socket_join(socket, name);
        break;
    case SPY_LEAVE:
        r = sioc_socket_leave(socket, name);
        break;
    case SPY_CLOSE:
        sioc_socket_close_connection(socket);
        break;
    default:
        sioc_socket_disconnect(socket, what == SPY_DISCONNECT_CLOSE);
        break;
    }
    if (r < 0 && r != SIOC_ECLOSED && r != SIOC_ENOTFOUND)
        return spy_raise(r, "room");
    return PyBool_FromLong(r >= 0);
}

PyObject *spy_socket_rooms(struct spy_nsp *nsp, spy_handle handle)
{
    const struct sioc_socket *socket;
    struct sioc_str room;
    PyObject *rooms;
    size_t pos = 0;

    if (!spy_check_here(nsp->server->loop, "rooms"))
        return NULL;
    socket = spy_find(nsp, handle);
    rooms = PyList_New(0);
    while (rooms && socket && sioc_socket_room_next(socket, &pos, &room)) {
        PyObject *name = spy_text(room);

        if (!name || PyList_Append(rooms, name) < 0)
            Py_CLEAR(rooms);
        Py_XDECREF(name);
    }
    return rooms;
}

void spy_socket_hold(struct spy_nsp *nsp, spy_handle handle)
{
    struct sioc_socket *socket = spy_find(nsp, handle);

    if (socket)
        sioc_socket_hold(socket);
}

void spy_socket_release(struct spy_nsp *nsp, spy_handle handle)
{
    struct sioc_socket *socket = spy_find(nsp, handle);

    if (socket)
        sioc_socket_release(socket);
}

/* ---- what it tells ---- */

/* A dict of what `next` walks; headers that come several times are joined by ", ", as in Node,
 * of pairs of the query the last one counts. */
static PyObject *pairs(const struct sioc_socket *socket,
                       bool (*next)(const struct sioc_socket *, size_t *, struct sioc_str *,
                                    struct sioc_str *),
                       bool join)
{
    struct sioc_str name, value;
    PyObject *dict = PyDict_New();
    size_t pos = 0;

    while (dict && next(socket, &pos, &name, &value)) {
        PyObject *key = spy_text(name), *text = spy_text(value), *before;

        if (join && key && text && (before = PyDict_GetItemWithError(dict, key)))
            Py_XSETREF(text, PyUnicode_FromFormat("%U, %U", before, text));
        if (!key || !text || PyDict_SetItem(dict, key, text) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(text);
    }
    return dict;
}

static PyObject *handshake_part(struct spy_server *server, const struct sioc_socket *socket,
                                const char *what)
{
    struct sioc_handshake h;

    sioc_socket_handshake(socket, &h);
    if (strcmp(what, "address") == 0)
        return spy_text(h.address);
    if (strcmp(what, "url") == 0)
        return spy_text(h.url);
    if (strcmp(what, "auth") == 0)
        return spy_from_json(server->keys, h.auth);
    if (strcmp(what, "issued") == 0)
        return PyLong_FromLongLong(h.issued_ms);
    if (strcmp(what, "time") == 0) {
        char text[64];

        sioc_handshake_time_text(h.issued_ms, text);
        return PyUnicode_FromString(text);
    }
    if (strcmp(what, "secure") == 0)
        return PyBool_FromLong(h.secure);
    if (strcmp(what, "xdomain") == 0)
        return PyBool_FromLong(h.xdomain);
    if (strcmp(what, "headers") == 0)
        return pairs(socket, sioc_socket_header_next, true);
    if (strcmp(what, "query") == 0)
        return pairs(socket, sioc_socket_query_next, false);
    PyErr_SetString(PyExc_AttributeError, what);
    return NULL;
}

static PyObject *recovered_data(struct spy_server *server, const struct sioc_socket *socket)
{
    PyObject *value = NULL;
    struct spy_args a;

    spy_args_init(&a, server->keys);
    if (sioc_socket_read_data(socket, &a.sink) >= 0)
        value = a.items[1];
    if (value && !PyDict_Check(value))
        value = NULL;
    if (PyErr_Occurred())
        PyErr_Clear();
    Py_XINCREF(value);
    spy_args_deinit(&a);
    return value ? value : PyDict_New();
}

PyObject *spy_socket_get(struct spy_nsp *nsp, spy_handle handle, const char *what)
{
    const struct sioc_socket *socket;

    if (!spy_check_here(nsp->server->loop, what))
        return NULL;
    socket = spy_find(nsp, handle);
    if (!socket)
        Py_RETURN_NONE;
    if (strcmp(what, "connected") == 0)
        return PyBool_FromLong(sioc_socket_connected(socket));
    if (strcmp(what, "recovered") == 0)
        return PyBool_FromLong(sioc_socket_recovered(socket));
    if (strcmp(what, "data") == 0)
        return recovered_data(nsp->server, socket);
    if (strcmp(what, "transport") == 0)
        return PyUnicode_FromString(sioc_socket_transport(socket));
    if (strcmp(what, "protocol") == 0)
        return PyLong_FromLong(sioc_socket_protocol(socket));
    if (strcmp(what, "client") == 0)
        return PyLong_FromUnsignedLongLong(sioc_socket_client(socket));
    return handshake_part(nsp->server, socket, what);
}
