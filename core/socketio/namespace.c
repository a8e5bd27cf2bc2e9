/* socketio/namespace.c -- see namespace.h.
 * Invariant: nsp->sockets[i]->index is i; sockets_by_id holds the same sockets. */
#include "socketio/namespace.h"
#include "base/mem.h"
#include "socketio/adapter.h"
#include "socketio/handlers.h"
#include "socketio/recovery.h"

/* ---- life ---- */

bool sio_namespace_name_ok(struct sioc_str name)
{
    if (name.len == 0 || name.len > SIO_MAX_NAMESPACE_NAME || name.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < ' ' || c == 0x7f || c == ',')
            return false;
    }
    return true;
}

static struct sioc_str id_of(const void *socket)
{
    return sio_socket_id(socket);
}

int sio_namespace_new(struct sioc_server *server, struct sioc_str name,
                      struct sioc_namespace **ret_nsp)
{
    struct sioc_namespace *nsp = mem_zalloc(sizeof *nsp);
    if (!nsp)
        return SIOC_ENOMEM;
    nsp->server = server;
    nsp->name = mem_dup(name.ptr, name.len);
    nsp->name_len = (uint32_t)name.len;
    keyset_init(&nsp->sockets_by_id, id_of);
    map_init(&nsp->rooms);
    list_init(&nsp->node);
    list_init(&nsp->children);
    list_init(&nsp->sibling);
    if (!nsp->name || sio_recovery_init(nsp) < 0) {
        mem_free(nsp->name);
        mem_free(nsp);
        return SIOC_ENOMEM;
    }
    *ret_nsp = nsp;
    return 0;
}

int sio_namespace_make(struct sioc_server *server, struct sioc_str name,
                       struct sioc_namespace *parent, struct sioc_namespace **ret_nsp)
{
    struct sioc_namespace *nsp;
    int error = sio_namespace_new(server, name, &nsp);
    if (error < 0)
        return error;
    if ((error = map_add(&server->namespaces, sio_namespace_name(nsp), nsp)) < 0) {
        sio_namespace_free(nsp);
        return error;
    }
    nsp->listed = true;
    nsp->parent = parent;
    if ((error = sio_adapter_open(nsp)) < 0) {
        map_remove(&server->namespaces, sio_namespace_name(nsp));
        sio_namespace_free(nsp);
        return error;
    }
    *ret_nsp = nsp;
    return 0;
}

void sio_namespace_announce(struct sioc_namespace *nsp)
{
    struct sioc_event event = {.kind = SIOC_EVENT_NEW_NAMESPACE, .nsp = nsp};
    sio_listeners_call(&nsp->server->root->lifecycle, STR("new_namespace"), &event);
}

void sio_namespace_drop_handlers(struct sioc_namespace *nsp)
{
    sio_listeners_free(&nsp->events);
    sio_listeners_free(&nsp->lifecycle);
    sio_listeners_free(&nsp->servers);
    for (size_t i = 0; i < nsp->middleware_count; i++)
        sio_handler_drop(&nsp->middleware[i]);
    nsp->middleware_count = 0;
}

void sio_namespace_free(struct sioc_namespace *nsp)
{
    sio_adapter_close(nsp);
    sio_recovery_free(nsp);
    sio_namespace_drop_handlers(nsp);
    mem_free(nsp->middleware);
    if (nsp->is_parent)
        sio_handler_drop(&nsp->matcher);
    keyset_deinit(&nsp->sockets_by_id);
    map_deinit(&nsp->rooms);
    mem_free(nsp->sockets);
    mem_free(nsp->name);
    mem_free(nsp);
}

struct sioc_namespace *sio_namespace_find(const struct sioc_server *server,
                                          struct sioc_str name)
{
    return name.len == 1 ? server->root : map_get(&server->namespaces, name);
}

int sioc_server_of(struct sioc_server *server, struct sioc_str name,
                   struct sioc_namespace **ret_nsp)
{
    char with_slash[SIO_MAX_NAMESPACE_NAME + 1];
    if (name.len > SIO_MAX_NAMESPACE_NAME - 1)
        return SIOC_EINVAL;
    if (name.len == 0 || name.ptr[0] != '/') {
        with_slash[0] = '/';
        if (name.len)
            memcpy(with_slash + 1, name.ptr, name.len);
        name = sioc_str_n(with_slash, name.len + 1);
    }
    if (!sio_namespace_name_ok(name))
        return SIOC_EINVAL;
    struct sioc_namespace *nsp = sio_namespace_find(server, name);
    if (!nsp) {
        int error = sio_namespace_make(server, name, NULL, &nsp);
        if (error < 0)
            return error;
        sio_namespace_announce(nsp);
    }
    nsp->missing = false;
    *ret_nsp = nsp;
    return 0;
}

/* ---- sockets ---- */

int sio_namespace_add(struct sioc_namespace *nsp, struct sioc_socket *s)
{
    if (mem_grow((void **)&nsp->sockets, &nsp->socket_cap, nsp->socket_count + 1,
                 sizeof *nsp->sockets) < 0 ||
        keyset_add(&nsp->sockets_by_id, s) < 0)
        return SIOC_ENOMEM;
    s->index = (uint32_t)nsp->socket_count;
    nsp->sockets[nsp->socket_count++] = s;
    return 0;
}

void sio_namespace_remove(struct sioc_namespace *nsp, struct sioc_socket *s)
{
    struct sioc_socket *last = nsp->sockets[--nsp->socket_count];
    nsp->sockets[s->index] = last;
    last->index = s->index;
    keyset_remove(&nsp->sockets_by_id, sio_socket_id(s));
}

/* ---- handlers ---- */

static bool is_one_of(struct sioc_str name, const char *const *names)
{
    for (; *names; names++)
        if (str_eq(name, sioc_str(*names)))
            return true;
    return false;
}

int sioc_namespace_on(struct sioc_namespace *nsp, struct sioc_str name,
                      struct sioc_handler handler, unsigned flags)
{
    static const char *const known[] = {"connection",    "disconnecting", "disconnect", "error",
                                        "new_namespace", "reload",        NULL};
    static const char *const of_rooms[] = {"create-room", "join-room", "leave-room",
                                           "delete-room", NULL};
    bool room = is_one_of(name, of_rooms);
    if (str_eq(name, STR("connect")))
        name = STR("connection");
    if (!room && !is_one_of(name, known))
        return SIOC_EINVAL;
    int error = sio_listeners_add(&nsp->lifecycle, name, handler, flags);
    nsp->hears_rooms = nsp->hears_rooms || (room && error == 0);
    return error;
}

int sioc_namespace_event(struct sioc_namespace *nsp, struct sioc_str name,
                         struct sioc_handler handler, unsigned flags)
{
    if (name.ptr && sio_event_is_reserved(name))
        return SIOC_ERESERVED;
    return sio_listeners_add(&nsp->events, name, handler, flags);
}

int sioc_namespace_off(struct sioc_namespace *nsp, struct sioc_str name, const void *user,
                       intptr_t ref)
{
    int removed = sio_listeners_remove(&nsp->events, name, user, ref) +
                  (name.ptr ? sio_listeners_remove(&nsp->servers, name, user, ref) : 0);
    if (name.ptr && str_eq(name, STR("connect")))
        name = STR("connection");
    return removed + (name.ptr ? sio_listeners_remove(&nsp->lifecycle, name, user, ref) : 0);
}

int sioc_namespace_use(struct sioc_namespace *nsp, struct sioc_handler handler)
{
    if (mem_grow((void **)&nsp->middleware, &nsp->middleware_cap, nsp->middleware_count + 1,
                 sizeof *nsp->middleware) < 0)
        return SIOC_ENOMEM;
    nsp->middleware[nsp->middleware_count++] = handler;
    return 0;
}

const struct sioc_handler *sio_namespace_middleware(const struct sioc_namespace *nsp, size_t i)
{
    const struct sioc_namespace *parent = nsp->parent;
    if (parent && i < parent->middleware_count)
        return &parent->middleware[i];
    i -= parent ? parent->middleware_count : 0;
    return i < nsp->middleware_count ? &nsp->middleware[i] : NULL;
}

void sio_namespace_tell(struct sioc_namespace *nsp, struct sioc_str name,
                        struct sioc_event *event)
{
    if (nsp->parent)
        sio_listeners_call(&nsp->parent->lifecycle, name, event);
    sio_listeners_call(&nsp->lifecycle, name, event);
}

/* ---- children ---- */

struct sioc_namespace **sio_namespace_children(struct sioc_namespace *parent, size_t *ret_count)
{
    struct sioc_namespace **all = NULL;
    size_t cap = 0, count = 0;
    for (struct list *l = parent->children.next; l != &parent->children; l = l->next) {
        if (mem_grow((void **)&all, &cap, count + 1, sizeof(struct sioc_namespace *)) < 0)
            break;
        all[count] = LIST_ENTRY(l, struct sioc_namespace, sibling);
        sioc_namespace_ref(all[count++]);
    }
    *ret_count = count;
    return all;
}

/* ---- facts ---- */

struct sioc_str sioc_namespace_name(const struct sioc_namespace *nsp)
{
    return sio_namespace_name(nsp);
}

struct sioc_server *sioc_namespace_server(const struct sioc_namespace *nsp)
{
    return nsp->server;
}

size_t sioc_namespace_socket_count(const struct sioc_namespace *nsp)
{
    size_t count = nsp->socket_count;
    for (const struct list *l = nsp->children.next; l != &nsp->children; l = l->next)
        count += LIST_ENTRY(l, struct sioc_namespace, sibling)->socket_count;
    return count;
}

void sioc_namespace_set_host_ref(struct sioc_namespace *nsp, intptr_t ref)
{
    nsp->host_ref = ref;
}

intptr_t sioc_namespace_host_ref(const struct sioc_namespace *nsp)
{
    return nsp->host_ref;
}

size_t sioc_namespace_room_size(const struct sioc_namespace *nsp, struct sioc_str room)
{
    const struct sio_room *r = map_get(&nsp->rooms, room);
    const struct sioc_socket *own = keyset_get(&nsp->sockets_by_id, room);
    return (r ? r->count : 0) + (own && !own->left_own_room);
}
