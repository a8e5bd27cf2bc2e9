/* socketio/adopt.c -- <sioc/reload.h>: new handlers for a server that serves.
 *
 * Adopting only exchanges pointers, so it cannot fail half way: what it needs to allocate (new
 * namespaces) is there before.  It counts the server's generation up; a socket whose own number
 * is lower has handlers of before and is re-bound before anything else happens to it.
 * Invariant: no handler that was registered before an adoption is called after it, but for
 * acks.
 */
#include "socketio/adopt.h"
#include "socketio/ack.h"
#include "socketio/conn.h"
#include "socketio/handlers.h"
#include "socketio/hold.h"
#include "socketio/namespace.h"
#include "socketio/outgoing.h"
#include "socketio/passage.h"
#include "socketio/raw.h"
#include "socketio/servers.h"

/* ---- taking over ---- */

static struct sioc_namespace *parent_at(struct sioc_server *server, size_t i)
{
    struct list *l = server->parents.next;
    while (l != &server->parents && i-- > 0)
        l = l->next;
    return l == &server->parents ? NULL : LIST_ENTRY(l, struct sioc_namespace, node);
}

static size_t place_of(struct sioc_namespace *parent)
{
    size_t i = 0;
    while (parent_at(parent->server, i) != parent)
        i++;
    return i;
}

static void nobody(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref, (void)event;
}

/* The n-th parent of dynamic namespaces takes the place of the n-th. */
static int add_parents(struct sioc_server *server, struct sioc_server *draft)
{
    struct sioc_namespace *parent;
    for (size_t i = 0; parent_at(draft, i); i++) {
        if (parent_at(server, i))
            continue;
        int error = sioc_server_match(server, (struct sioc_handler){.call = nobody}, &parent);
        if (error < 0)
            return error;
        parent->missing = true;
    }
    return 0;
}

struct sioc_namespace *sioc_server_same_namespace(struct sioc_server *server,
                                                  struct sioc_namespace *other)
{
    return other->is_parent ? parent_at(server, place_of(other))
                            : sio_namespace_find(server, sio_namespace_name(other));
}

/* Those that only the draft has; nobody can join them before the adoption is done. */
static int add_namespaces(struct sioc_server *server, struct sioc_server *draft)
{
    size_t pos = 0;
    struct sioc_namespace *other, *nsp;
    int error = sio_raws_prepare(server, draft);
    if (error == 0)
        error = add_parents(server, draft);
    while (error == 0 && (other = map_next(&draft->namespaces, &pos))) {
        if (sio_namespace_find(server, sio_namespace_name(other)))
            continue;
        if (other->parent)
            error = sioc_namespace_child(sioc_server_same_namespace(server, other->parent),
                                         sio_namespace_name(other), &nsp);
        else
            error = sio_namespace_make(server, sio_namespace_name(other), NULL, &nsp);
        if (error == 0)
            nsp->missing = true;
    }
    return error;
}

#define SWAP(type, a, b) \
    do {                 \
        type swap_ = a;  \
        a = b;           \
        b = swap_;       \
    } while (0)

static void swap_handlers(struct sioc_namespace *a, struct sioc_namespace *b)
{
    SWAP(struct sio_listeners *, a->events, b->events);
    SWAP(struct sio_listeners *, a->lifecycle, b->lifecycle);
    SWAP(struct sio_listeners *, a->servers, b->servers);
    SWAP(struct sioc_handler *, a->middleware, b->middleware);
    SWAP(size_t, a->middleware_count, b->middleware_count);
    SWAP(size_t, a->middleware_cap, b->middleware_cap);
    SWAP(bool, a->hears_rooms, b->hears_rooms);
    SWAP(struct sioc_handler, a->matcher, b->matcher);
}

static void drop_handlers(struct sioc_namespace *nsp)
{
    sio_listeners_free(&nsp->events);
    sio_listeners_free(&nsp->lifecycle);
    sio_listeners_free(&nsp->servers);
    for (size_t i = 0; i < nsp->middleware_count; i++)
        sio_handler_drop(&nsp->middleware[i]);
    nsp->middleware_count = 0;
    if (nsp->is_parent)
        sio_handler_forget(&nsp->matcher);
}

/* The script does not know it any more.  Its handlers go now: the draft has no place for them.
 */
static void give_up(struct sioc_namespace *nsp)
{
    struct sioc_server *server = nsp->server;
    bool drop = server->options->drop_missing_namespaces;
    if (!nsp->missing && nsp->socket_count > 0)
        log_write(&server->log, SIOC_LOG_WARN,
                  "namespace \"%.*s\" is gone from the script: %s of %zu sockets %s",
                  SIOC_STR_ARG(sio_namespace_name(nsp)), drop ? "each" : "events",
                  nsp->socket_count, drop ? "is disconnected" : "are ignored");
    nsp->missing = true;
    drop_handlers(nsp);
    for (size_t i = nsp->socket_count; drop && i > 0; i--)
        if (i <= nsp->socket_count)
            sioc_socket_disconnect(nsp->sockets[i - 1], false);
}

static void take_parents(struct sioc_server *server, struct sioc_server *draft)
{
    struct sioc_namespace *parent;
    for (size_t i = 0; (parent = parent_at(server, i)); i++) {
        struct sioc_namespace *other = parent_at(draft, i);
        if (!other) {
            give_up(parent);
            continue;
        }
        swap_handlers(parent, other);
        parent->missing = false;
    }
}

/* A child whose parent is still there needs no line in the script. */
static bool is_gone(struct sioc_namespace *nsp, struct sioc_server *draft)
{
    if (sio_namespace_find(draft, sio_namespace_name(nsp)))
        return false;
    return !nsp->parent || nsp->parent->missing;
}

static void take_namespaces(struct sioc_server *server, struct sioc_server *draft)
{
    size_t pos = 0;
    take_parents(server, draft);
    struct sioc_namespace *nsp;
    while ((nsp = map_next(&server->namespaces, &pos))) {
        struct sioc_namespace *other = sio_namespace_find(draft, sio_namespace_name(nsp));
        if (other)
            swap_handlers(nsp, other);
        else if (nsp->parent) /* its own handlers are of before; the parent's are new */
            drop_handlers(nsp);
        nsp->missing = false;
    }
    for (pos = 0; (nsp = map_next(&server->namespaces, &pos));)
        if (is_gone(nsp, draft))
            give_up(nsp);
}

int sioc_server_adopt(struct sioc_server *server, struct sioc_server *draft)
{
    int error = add_namespaces(server, draft);
    if (error < 0)
        return error;
    sio_websockets_swap(server, draft);
    sio_raws_swap(server, draft);
    sio_conns_forget_handlers(server);
    server->generation++;
    server->rebind_at = 0;
    SWAP(void *, server->rebind_user, draft->rebind_user);
    void (*rebind)(void *, struct sioc_socket *) = server->rebind;
    server->rebind = draft->rebind;
    draft->rebind = rebind;
    SWAP(void *, server->socket_save_user, draft->socket_save_user);
    int (*save)(void *, struct sioc_socket *, struct sioc_sink *) = server->socket_save;
    server->socket_save = draft->socket_save;
    draft->socket_save = save;
    sio_server_swap_options(server, draft);
    sio_routes_swap(server, draft);
    take_namespaces(server, draft);
    return 0;
}

void sioc_server_on_rebind(struct sioc_server *server,
                           void (*fn)(void *user, struct sioc_socket *socket), void *user)
{
    server->rebind = fn;
    server->rebind_user = user;
}

/* ---- sockets ---- */

bool sio_socket_rehost(struct sioc_socket *s)
{
    struct sioc_server *server = s->nsp->server;
    if (s->generation == server->generation)
        return false;
    s->generation = server->generation;
    if (server->rebind) {
        server->rebind(server->rebind_user, s);
    } else if (s->host_ref && server->socket_gone) {
        intptr_t ref = s->host_ref;
        s->host_ref = 0;
        server->socket_gone(s->host_owner, ref);
        s->host_owner = NULL;
    }
    return true;
}

void sio_socket_rebind(struct sioc_socket *s)
{
    if (s->state != SIO_CONNECTED || s->generation == s->nsp->server->generation)
        return;
    sio_listeners_free(&s->listeners);
    sio_listeners_free(&s->outgoing);
    sio_outgoing_recount(s);
    sio_gate_clear(s);
    sio_socket_rehost(s);
    struct sioc_event event = {
        .kind = SIOC_EVENT_CONNECTION, .socket = s, .nsp = s->nsp, .replayed = true};
    s->reload_due = true;
    sio_namespace_tell(s->nsp, STR("connection"), &event);
    if (!s->held)
        sio_socket_reloaded(s);
}

void sio_socket_reloaded(struct sioc_socket *s)
{
    if (!s->reload_due)
        return;
    s->reload_due = false;
    if (s->state != SIO_CONNECTED)
        return;
    struct sioc_event event = {.kind = SIOC_EVENT_RELOAD, .socket = s, .nsp = s->nsp};
    sio_namespace_tell(s->nsp, STR("reload"), &event);
}

bool sioc_server_rebind(struct sioc_server *server, size_t max, size_t *ret_count)
{
    while (max > 0 && server->rebind_at < server->sockets.used) {
        struct sioc_socket *s = server->sockets.slots[server->rebind_at++].object;
        if (!s || s->state != SIO_CONNECTED || s->generation == server->generation)
            continue;
        sio_socket_rebind(s);
        (*ret_count)++;
        max--;
    }
    return server->rebind_at < server->sockets.used ||
           sio_websockets_rebind(server, max, ret_count) ||
           sio_raws_rebind(server, max, ret_count);
}

/* ---- acks ---- */

void sio_handler_forget(struct sioc_handler *handler)
{
    struct sioc_handler gone = *handler;
    *handler = (struct sioc_handler){.call = nobody};
    sio_handler_drop(&gone);
}

void sioc_server_forget_acks(struct sioc_server *server,
                             bool (*mine)(void *user, const struct sioc_handler *handler),
                             void *user)
{
    for (uint32_t i = 0; i < server->sockets.used; i++) {
        struct sioc_socket *s = server->sockets.slots[i].object;
        for (struct list *l = s ? s->acks.next : NULL; s && l != &s->acks; l = l->next) {
            struct sio_ack *ack = LIST_ENTRY(l, struct sio_ack, node);
            if (mine(user, &ack->handler))
                sio_handler_forget(&ack->handler);
        }
    }
    sio_surveys_forget(server, mine, user);
    sio_questions_forget(server, mine, user);
}

/* ---- facts ---- */

struct sioc_namespace *sioc_server_namespace_next(const struct sioc_server *server, size_t *pos,
                                                  bool *ret_missing)
{
    struct sioc_namespace *nsp = map_next(&server->namespaces, pos);
    if (nsp && ret_missing)
        *ret_missing = nsp->missing;
    return nsp;
}
