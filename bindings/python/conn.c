/* bindings/python/conn.c -- connections of Engine.IO: those below sockets, and those of routes
 * that speak nothing else: <sioc/conn.h>.
 *
 * The core's handler of a connection is its sioc.Connection.  Invariant: the core has one
 * reference to that, given back when the connection is over, or when a later generation has one
 * of its own.
 */
#include "calls.h"

/* ---- what happens ---- */

/* {"type": ..., "data": ...}, and of what is sent: "compress" */
static PyObject *packet_of(const struct sioc_conn_packet *packet, bool sent)
{
    PyObject *dict = PyDict_New(), *value;
    bool ok = dict != NULL;

    value = ok ? PyUnicode_FromString(packet->type) : NULL;
    ok = value && PyDict_SetItemString(dict, "type", value) == 0;
    Py_XDECREF(value);
    if (ok && (packet->data.len || packet->is_binary)) {
        value = spy_data(packet->data, packet->is_binary);
        ok = value && PyDict_SetItemString(dict, "data", value) == 0;
        Py_XDECREF(value);
    }
    if (ok && sent)
        ok = PyDict_SetItemString(dict, "compress", packet->no_compress ? Py_False : Py_True) ==
             0;
    if (!ok)
        Py_CLEAR(dict);
    return dict;
}

PyObject *spy_conn_packets(const struct sioc_conn_event *event)
{
    PyObject *list = PyList_New((Py_ssize_t)event->packet_count);

    for (size_t i = 0; list && i < event->packet_count; i++) {
        PyObject *packet = packet_of(&event->packets[i], true);

        if (!packet)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, packet);
    }
    return list;
}

/* What the handlers are told, as a tuple. */
static PyObject *told(const struct sioc_conn_event *event)
{
    switch (event->kind) {
    case SIOC_CONN_MESSAGE:
        return Py_BuildValue("(N)", spy_data(event->packet.data, event->packet.is_binary));
    case SIOC_CONN_CLOSE:
        return event->details[0] ? Py_BuildValue("(ss)", event->reason, event->details)
                                 : Py_BuildValue("(s)", event->reason);
    case SIOC_CONN_PACKET:
    case SIOC_CONN_PACKET_CREATE:
        return Py_BuildValue("(N)",
                             packet_of(&event->packet, event->kind == SIOC_CONN_PACKET_CREATE));
    case SIOC_CONN_FLUSH:
        return Py_BuildValue("(N)", spy_conn_packets(event));
    case SIOC_CONN_UPGRADING:
    case SIOC_CONN_UPGRADE:
        return Py_BuildValue("(s)", "websocket");
    case SIOC_CONN_HEARTBEAT:
    case SIOC_CONN_DRAIN:
    default:
        return PyTuple_New(0);
    }
}

static void on_event(void *user, intptr_t ref, struct sioc_conn *conn,
                     const struct sioc_conn_event *event)
{
    const struct spy_server *server = user;
    PyObject *object = (PyObject *)ref, *result;

    (void)conn;
    if (server->loop->fatal || server->freeing)
        return;
    Py_INCREF(object); /* a handler may close it */
    result = PyObject_CallMethod(object, "_happened", "IN", (unsigned)event->kind, told(event));
    if (!result)
        spy_unraisable(server->loop, object);
    Py_XDECREF(result);
    Py_DECREF(object);
}

static void on_drop(void *user, intptr_t ref)
{
    (void)user;
    Py_DECREF((PyObject *)ref);
}

/* ---- the object ---- */

PyObject *spy_conn_object(struct spy_server *server, struct sioc_conn *conn)
{
    const struct sioc_conn_handler *handler = sioc_conn_handler(conn);
    bool ours = handler->call == on_event;
    PyObject *object, *before = ours ? (PyObject *)handler->ref : Py_None;
    struct sioc_handshake h;

    if (ours && handler->user == server) {
        Py_INCREF(before);
        return before;
    }
    sioc_conn_handshake(conn, &h);
    Py_INCREF(before);
    object = PyObject_CallMethod(
        server->face, "_connection", "KKiNOO", (unsigned long long)sioc_conn_handle(conn),
        (unsigned long long)sioc_conn_number(conn), sioc_conn_protocol(conn),
        spy_text(h.address), sioc_conn_replayed(conn) ? Py_True : Py_False, before);
    Py_DECREF(before);
    if (object && !server->borrowed) {
        Py_INCREF(object);
        sioc_conn_listen(
            conn, 0,
            (struct sioc_conn_handler){
                .call = on_event, .drop = on_drop, .user = server, .ref = (intptr_t)object});
    }
    return object;
}

PyObject *spy_socket_conn(struct spy_nsp *nsp, spy_handle handle)
{
    struct sioc_socket *socket;
    struct sioc_conn *conn;

    if (!spy_check_here(nsp->server->loop, "conn"))
        return NULL;
    socket = spy_find(nsp, handle);
    conn = socket ? sioc_socket_conn(socket) : NULL;
    if (!conn)
        Py_RETURN_NONE;
    return spy_conn_object(nsp->server, conn);
}

PyObject *spy_conns(struct spy_server *server)
{
    PyObject *list;
    struct sioc_conn *conn;
    size_t pos = 0;

    if (!spy_check_here(server->loop, "clients") || !spy_check_open(server))
        return NULL;
    list = PyList_New(0);
    while (list && (conn = sioc_conn_next(server->core, &pos))) {
        PyObject *object = spy_conn_object(server, conn);

        if (!object || PyList_Append(list, object) < 0)
            Py_CLEAR(list);
        Py_XDECREF(object);
    }
    return list;
}

static struct sioc_conn *find(const struct spy_server *server, spy_handle handle)
{
    return server->core && spy_is_here(server->loop) ? sioc_conn_find(server->core, handle)
                                                     : NULL;
}

void spy_conn_set_events(struct spy_server *server, spy_handle handle, unsigned events)
{
    struct sioc_conn *conn = find(server, handle);

    if (conn && sioc_conn_handler(conn)->user == server)
        sioc_conn_set_events(conn, events);
}

PyObject *spy_conn_send(struct spy_server *server, spy_handle handle, PyObject *object,
                        bool is_binary, bool compress)
{
    struct sioc_conn_send how = {.is_binary = is_binary, .no_compress = !compress};
    struct sioc_conn *conn;
    struct spy_data data;
    int r = SIOC_ECLOSED;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    if (!spy_data_of(object, &data))
        return NULL;
    conn = find(server, handle);
    how.is_binary = how.is_binary || data.is_binary;
    if (conn && !spy_muted(server->loop))
        r = sioc_conn_send(conn, data.bytes, &how);
    spy_data_done(&data);
    return PyBool_FromLong(r >= 0);
}

PyObject *spy_conn_close(struct spy_server *server, spy_handle handle, bool discard)
{
    struct sioc_conn *conn;

    if (!spy_is_here(server->loop))
        Py_RETURN_NONE;
    conn = find(server, handle);
    if (conn && !spy_muted(server->loop))
        sioc_conn_close(conn, discard);
    return PyBool_FromLong(conn != NULL);
}

void spy_conn_hold(struct spy_server *server, spy_handle handle, bool on)
{
    struct sioc_conn *conn = find(server, handle);

    if (conn && on)
        sioc_conn_hold(conn);
    else if (conn)
        sioc_conn_release(conn);
}

/* ---- facts ---- */

PyObject *spy_conn_facts(struct spy_server *server, spy_handle handle)
{
    static const char *const states[] = {"", "open", "closing", "closed"};
    const struct sioc_conn *conn;

    if (!spy_check_here(server->loop, "a connection"))
        return NULL;
    conn = find(server, handle);
    if (!conn)
        Py_RETURN_NONE;
    return Py_BuildValue("(ssOOnn)", states[sioc_conn_state(conn)], sioc_conn_transport(conn),
                         sioc_conn_writable(conn) ? Py_True : Py_False,
                         sioc_conn_upgraded(conn) ? Py_True : Py_False,
                         (Py_ssize_t)sioc_conn_waiting(conn),
                         (Py_ssize_t)sioc_conn_queued(conn));
}

typedef bool (*walk_fn)(const struct sioc_conn *, size_t *, struct sioc_str *,
                        struct sioc_str *);

static PyObject *pairs(const struct sioc_conn *conn, walk_fn next)
{
    PyObject *list = PyList_New(0);
    struct sioc_str name, value;
    size_t pos = 0;

    while (list && next(conn, &pos, &name, &value)) {
        PyObject *pair = Py_BuildValue("(NN)", spy_text(name), spy_text(value));

        if (!pair || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

PyObject *spy_conn_request(struct spy_server *server, spy_handle handle)
{
    const struct sioc_conn *conn;
    struct sioc_handshake h;

    if (!spy_check_here(server->loop, "the request of a connection"))
        return NULL;
    conn = find(server, handle);
    if (!conn)
        Py_RETURN_NONE;
    sioc_conn_handshake(conn, &h);
    return Py_BuildValue("(NNN)", spy_text(h.url), pairs(conn, sioc_conn_header_next),
                         pairs(conn, sioc_conn_query_next));
}

/* ---- routes ---- */

static void on_open(void *user, intptr_t ref, struct sioc_conn *conn)
{
    struct spy_server *server = user;
    PyObject *object, *result = NULL;

    if (server->loop->fatal)
        return;
    object = spy_conn_object(server, conn);
    if (object)
        result = PyObject_CallMethod((PyObject *)ref, "_opened", "OO", object,
                                     sioc_conn_replayed(conn) ? Py_True : Py_False);
    if (!result)
        spy_unraisable(server->loop, (PyObject *)ref);
    Py_XDECREF(result);
    Py_XDECREF(object);
}

spy_result spy_engineio_route(struct spy_server *server, PyObject *path, PyObject *route)
{
    struct sioc_str text;
    int r;

    if (!spy_check_here(server->loop, "a route") || !spy_check_open(server) ||
        !spy_utf8(path, "a path", &text))
        return -1;
    Py_INCREF(route);
    r = sioc_engineio_route(
        server->core, text,
        (struct sioc_conn_opener){
            .open = on_open, .drop = on_drop, .user = server, .ref = (intptr_t)route});
    if (r >= 0)
        return 0;
    Py_DECREF(route);
    spy_raise(r, "engineio");
    return -1;
}
