/* bindings/python/reload.c -- one server takes over what another one has, and keeps every
 * connection.
 *
 * Invariant: a core server belongs to the newest of the servers that know it; those before
 * borrow it, and are in a ring with it, so that none outlives it.
 */
#include "calls.h"

/* The namespaces of the draft are those of the live server from now on. */
static void move_namespaces(const struct spy_server *server, struct sioc_server *live)
{
    struct sioc_namespace *core;
    size_t pos = 0;

    while ((core = sioc_server_namespace_next(live, &pos, NULL)))
        sioc_namespace_set_host_ref(core, 0);
    for (struct spy_nsp *n = server->nsps; n; n = n->next) {
        core = sioc_server_same_namespace(live, n->core);
        sioc_namespace_set_host_ref(core, sioc_namespace_host_ref(n->core));
        sioc_namespace_ref(core);
        sioc_namespace_unref(n->core);
        n->core = core;
    }
}

spy_result spy_server_adopt(struct spy_server *server, struct spy_server *old)
{
    struct sioc_server *draft = server->core, *live = old->core;
    int r;

    if (!spy_check_here(server->loop, "a reload") || !spy_check_open(server) ||
        !spy_check_open(old))
        return -1;
    r = sioc_server_adopt(live, draft);
    if (r < 0) {
        spy_raise(r, "a server keeps its old handlers");
        return -1;
    }
    move_namespaces(server, live);
    server->core = live;
    old->borrowed = true;
    server->next = old->next;
    server->prev = old;
    old->next->prev = server;
    old->next = server;
    sioc_server_set_log(live, server->log_level, spy_on_log, server);
    sioc_server_free(draft); /* the old handlers go with it */
    return 0;
}

/* ---- sockets ---- */

void spy_on_rebind(void *user, struct sioc_socket *socket)
{
    struct spy_server *server = user;
    void *owner = sioc_socket_host_owner(socket);
    PyObject *old = owner ? (PyObject *)sioc_socket_host_ref(socket, owner) : NULL;
    PyObject *new, *result = NULL;

    sioc_socket_set_host_ref(socket, NULL, 0);
    new = spy_socket_object(server, socket);
    if (new)
        result = PyObject_CallMethod(server->face, "_rebound", "OO", new, old ? old : Py_None);
    if (!result)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(result);
    Py_XDECREF(new);
    Py_XDECREF(old);
}

PyObject *spy_server_rebind(struct spy_server *server, unsigned most)
{
    size_t count = 0;
    bool more = server->core && sioc_server_rebind(server->core, most, &count);

    return Py_BuildValue("(nO)", (Py_ssize_t)count, more ? Py_True : Py_False);
}

void spy_server_retire(struct spy_server *server)
{
    if (!spy_is_here(server->loop) || !server->core)
        return;
    spy_acks_forget(server, "retired");
    if (server->borrowed)
        spy_server_shut(server);
}

/* ---- addresses ---- */

PyObject *spy_server_addresses(struct spy_server *server)
{
    PyObject *list = PyList_New(0);
    const char *host;
    uint16_t port;
    size_t pos = 0;

    while (list && server->core && sioc_server_address_next(server->core, &pos, &host, &port)) {
        PyObject *pair = Py_BuildValue("(si)", host, (int)port);

        if (!pair || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

void spy_server_unlisten(struct spy_server *server, const char *host, int port)
{
    if (server->core && spy_is_here(server->loop))
        sioc_server_unlisten(server->core, host, (uint16_t)port);
}

bool spy_server_listens(struct spy_server *server, const char *host, int port)
{
    return server->core && sioc_server_listens(server->core, host, (uint16_t)port);
}
