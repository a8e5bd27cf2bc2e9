/* bindings/python/namespace.c -- handlers of namespaces, and what is said of many sockets. */
#include "calls.h"
#include <stdio.h>

static bool may_register(const struct spy_nsp *nsp)
{
    return spy_check_here(nsp->server->loop, "registering a handler") &&
           spy_check_open(nsp->server);
}

/* 0, or the handler is taken back and an exception is set. */
static int registered(int code, struct sioc_handler handler, PyObject *name)
{
    if (code >= 0)
        return 0;
    handler.drop(handler.user, handler.ref);
    if (code == SIOC_ECLOSED)
        return 0; /* the socket has gone: nothing will come */
    if (code == SIOC_ERESERVED)
        PyErr_Format(PyExc_ValueError, "\"%S\" is a reserved event name", name);
    else
        spy_raise(code, "registering a handler");
    return -1;
}

spy_result spy_nsp_on(struct spy_nsp *nsp, PyObject *name, PyObject *fn, int most,
                      unsigned flags, unsigned how)
{
    struct sioc_handler handler;
    struct sioc_str text;

    if (!may_register(nsp) || !spy_utf8(name, "the name of an event", &text))
        return -1;
    handler = spy_handler(nsp->server, fn, most, flags);
    if (!handler.call)
        return -1;
    return registered(sioc_namespace_on(nsp->core, text, handler, how), handler, name);
}

spy_result spy_nsp_event(struct spy_nsp *nsp, PyObject *name, PyObject *fn, int most,
                         unsigned flags, unsigned how)
{
    struct sioc_str text = {NULL, 0};
    struct sioc_handler handler;

    if (!may_register(nsp))
        return -1;
    if (name == Py_None)
        flags |= SPY_ANY;
    else if (!spy_utf8(name, "the name of an event", &text))
        return -1;
    handler = spy_handler(nsp->server, fn, most, flags);
    if (!handler.call)
        return -1;
    return registered(sioc_namespace_event(nsp->core, text, handler, how), handler, name);
}

spy_result spy_nsp_use(struct spy_nsp *nsp, PyObject *fn, int most)
{
    struct sioc_handler handler;

    if (!may_register(nsp))
        return -1;
    handler = spy_handler(nsp->server, fn, most, 0);
    if (!handler.call)
        return -1;
    return registered(sioc_namespace_use(nsp->core, handler), handler, Py_None);
}

/* The same function, or the same method of the same object; runs no Python code. */
bool spy_same_function(PyObject *a, PyObject *b)
{
    if (a == b)
        return true;
    if (!PyMethod_Check(a) || !PyMethod_Check(b))
        return false;
    return PyMethod_GET_SELF(a) == PyMethod_GET_SELF(b) &&
           PyMethod_GET_FUNCTION(a) == PyMethod_GET_FUNCTION(b);
}

spy_result spy_nsp_off(struct spy_nsp *nsp, PyObject *name, PyObject *fn)
{
    struct sioc_str text = {NULL, 0};
    struct spy_handler *h, *next;
    int count = 0;

    if (!may_register(nsp))
        return -1;
    if (name != Py_None && !spy_utf8(name, "the name of an event", &text))
        return -1;
    if (fn == Py_None)
        return sioc_namespace_off(nsp->core, text, NULL, 0);
    for (h = nsp->server->handlers; h; h = next) {
        h->uses++; /* so that it is still in the list afterwards */
        if (spy_same_function(h->fn, fn))
            count += sioc_namespace_off(nsp->core, text, nsp->server, (intptr_t)h);
        next = h->next;
        spy_handler_unuse(h);
    }
    return count;
}

/* ---- admission ---- */

int spy_json(const struct spy_server *server, PyObject *data, struct sioc_json_encoder *encoder,
             struct sioc_str *ret_json)
{
    struct spy_walk walk = {sioc_json_encoder_sink(encoder), server, "data", 0};

    *ret_json = (struct sioc_str){NULL, 0};
    if (data == Py_NotImplemented)
        return 0;
    if (spy_walk(&walk, data) < 0)
        return -1;
    *ret_json = sioc_json_encoder_text(encoder);
    return 0;
}

/* What waits for a word: a socket that wants in, or an event of one that is in. */
struct waiting {
    spy_handle socket, event;
    bool is_event;
};

static bool tell(const struct spy_server *server, const struct waiting *w, const char *error,
                 struct sioc_str json)
{
    struct sioc_passage passage = {.socket = w->socket, .id = w->event};

    return (w->is_event ? sioc_pass(server->core, passage, error, json)
                        : sioc_admit(server->core, w->socket, error, json)) >= 0;
}

/* error: a text, or None: it may pass. */
static spy_result answer(struct spy_server *server, const struct waiting *w, PyObject *error,
                         PyObject *data)
{
    struct sioc_json_encoder *encoder;
    struct sioc_str json, text = {NULL, 0};
    int r;

    if (!server->core)
        return 0;
    if (error == Py_None)
        return tell(server, w, NULL, text);
    if (!spy_utf8(error, "the reason of a refusal", &text))
        return -1;
    encoder = sioc_json_encoder_new();
    if (!encoder) {
        PyErr_NoMemory();
        return -1;
    }
    r = spy_json(server, data, encoder, &json);
    if (r >= 0)
        r = tell(server, w, text.ptr, json);
    sioc_json_encoder_free(encoder);
    return r;
}

spy_result spy_admit(struct spy_server *server, spy_handle socket, PyObject *error,
                     PyObject *data)
{
    const struct waiting w = {.socket = socket};

    return spy_check_here(server->loop, "admitting a socket") ? answer(server, &w, error, data)
                                                              : -1;
}

spy_result spy_pass(struct spy_server *server, spy_handle socket, spy_handle id,
                    PyObject *error, PyObject *data)
{
    const struct waiting w = {socket, id, true};

    return spy_check_here(server->loop, "letting an event pass")
               ? answer(server, &w, error, data)
               : -1;
}

/* ---- dynamic namespaces ---- */

PyObject *spy_server_match(struct spy_server *server, PyObject *fn, int most)
{
    struct sioc_namespace *parent;
    struct sioc_handler handler;
    int r;

    if (!spy_check_here(server->loop, "of") || !spy_check_open(server))
        return NULL;
    handler = spy_handler(server, fn, most, 0);
    if (!handler.call)
        return NULL;
    r = sioc_server_match(server->core, handler, &parent);
    if (r >= 0)
        return spy_nsp_new(server, parent);
    handler.drop(handler.user, handler.ref);
    return spy_raise(r, "of");
}

void spy_match(struct spy_server *server, spy_handle match, bool accepted)
{
    if (server->core && spy_is_here(server->loop))
        sioc_match(server->core, match, accepted);
}

PyObject *spy_nsp_child(struct spy_nsp *parent, PyObject *name)
{
    struct sioc_namespace *core;
    struct sioc_str text;
    int r;

    if (!may_register(parent) || !spy_utf8(name, "the name of a namespace", &text))
        return NULL;
    r = sioc_namespace_child(parent->core, text, &core);
    if (r == SIOC_EEXIST)
        Py_RETURN_NONE;
    return r < 0 ? spy_raise(r, "of") : spy_nsp_new(parent->server, core);
}

/* ---- what there is ---- */

PyObject *spy_nsp_key(struct spy_nsp *nsp)
{
    return PyLong_FromVoidPtr(nsp->core);
}

PyObject *spy_nsp_name(struct spy_nsp *nsp)
{
    if (!spy_check_open(nsp->server))
        return NULL;
    return spy_text(sioc_namespace_name(nsp->core));
}

void spy_nsp_set_face(struct spy_nsp *nsp, PyObject *face)
{
    if (nsp->server->core)
        sioc_namespace_set_host_ref(nsp->core, face == Py_None ? 0 : (intptr_t)face);
}

PyObject *spy_nsp_rooms(struct spy_nsp *nsp)
{
    PyObject *rooms;
    struct sioc_str room;
    size_t pos = 0;

    if (!spy_check_here(nsp->server->loop, "rooms") || !spy_check_open(nsp->server))
        return NULL;
    rooms = PyDict_New();
    while (rooms && sioc_namespace_room_next(nsp->core, &pos, &room)) {
        PyObject *name = spy_text(room);
        PyObject *size = PyLong_FromSize_t(sioc_namespace_room_size(nsp->core, room));

        if (!name || !size || PyDict_SetItem(rooms, name, size) < 0)
            Py_CLEAR(rooms);
        Py_XDECREF(name);
        Py_XDECREF(size);
    }
    return rooms;
}

PyObject *spy_nsp_size(struct spy_nsp *nsp)
{
    if (!spy_check_here(nsp->server->loop, "counting sockets") || !spy_check_open(nsp->server))
        return NULL;
    return PyLong_FromSize_t(sioc_namespace_socket_count(nsp->core));
}

struct collecting {
    struct spy_server *server;
    PyObject *list;
};

static void collect(void *user, struct sioc_socket *socket)
{
    struct collecting *c = user;
    PyObject *object;

    if (!c->list)
        return;
    object = spy_socket_object(c->server, socket);
    if (!object || PyList_Append(c->list, object) < 0)
        Py_CLEAR(c->list);
    Py_XDECREF(object);
}

PyObject *spy_sockets(struct spy_nsp *nsp, PyObject *to)
{
    struct collecting c = {.server = nsp->server};
    struct spy_target t;
    int r;

    if (!spy_check_here(nsp->server->loop, "fetch_sockets") || !spy_check_open(nsp->server) ||
        spy_target(to, &t) < 0)
        return NULL;
    c.list = PyList_New(0);
    r = sioc_for_each_socket(nsp->core, &t.target, collect, &c);
    spy_target_done(&t);
    if (r < 0) {
        Py_CLEAR(c.list);
        return spy_raise(r, "fetch_sockets");
    }
    return c.list;
}

/* ---- many sockets at once ---- */

struct changing {
    struct sioc_str *rooms;
    size_t count;
    int what;
};

static void change(void *user, struct sioc_socket *socket)
{
    const struct changing *c = user;

    if (c->what >= SPY_DISCONNECT) {
        sioc_socket_disconnect(socket, c->what == SPY_DISCONNECT_CLOSE);
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (c->what == SPY_JOIN)
            sioc_socket_join(socket, c->rooms[i]);
        else
            sioc_socket_leave(socket, c->rooms[i]);
    }
}

PyObject *spy_change_sockets(struct spy_nsp *nsp, PyObject *to, PyObject *rooms, int what)
{
    struct changing c = {.what = what};
    struct spy_target t, names;
    PyObject *named;
    int r;

    if (!spy_is_here(nsp->server->loop))
        Py_RETURN_NONE;
    if (!spy_check_open(nsp->server))
        return NULL;
    if (what >= SPY_DISCONNECT && spy_muted(nsp->server->loop))
        Py_RETURN_FALSE;
    named = Py_BuildValue("(O()iO)", rooms, 0, Py_False);
    r = named ? spy_target(named, &names) : -1;
    Py_XDECREF(named);
    if (r < 0)
        return NULL;
    if (spy_target(to, &t) < 0) {
        spy_target_done(&names);
        return NULL;
    }
    c.rooms = names.names;
    c.count = names.target.room_count;
    r = sioc_for_each_socket(nsp->core, &t.target, change, &c);
    spy_target_done(&t);
    spy_target_done(&names);
    return r < 0 ? spy_raise(r, "changing sockets") : PyBool_FromLong(true);
}
