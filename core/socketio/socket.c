/* socketio/socket.c -- see socket.h and <sioc/socket.h>.
 * Invariant: a socket is in its client's list from creation to close, in its namespace's array
 * exactly while CONNECTED or LEAVING, and in the handle table until its last handler has run.
 */
#include "socketio/socket.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "http/url.h"
#include "socketio/ack.h"
#include "socketio/adapter.h"
#include "socketio/adopt.h"
#include "socketio/client.h"
#include "socketio/connect.h"
#include "socketio/dynamic.h"
#include "socketio/event.h"
#include "socketio/handlers.h"
#include "socketio/hold.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include "socketio/outgoing.h"
#include "socketio/parser.h"
#include "socketio/passage.h"
#include "socketio/recovery.h"
#include <stdio.h>

/* ---- life ---- */

static size_t size_of(const struct sioc_socket *s)
{
    return sizeof *s + s->id_len + 1u;
}

static void socket_free(struct net_loop *loop, struct net_garbage *garbage)
{
    struct sioc_socket *s =
        (struct sioc_socket *)(void *)((char *)garbage - offsetof(struct sioc_socket, garbage));
    sio_gate_free(s);
    sio_tracking_free(s);
    mem_free(s->auth);
    pool_free(net_loop_pool(loop), s, size_of(s));
}

/* The client is told a random id; one of v3 is not told, it knows: the session's id, with the
 * namespace before it (protocol.md 4). */
static size_t id_room(const struct sio_client *client, const struct sioc_namespace *nsp)
{
    if (!client->is_v3)
        return RAND_ID_LEN;
    return (nsp->name_len > 1 ? nsp->name_len + 1 : 0) + eio_session_id(client->session).len;
}

static int make_id(struct sioc_socket *s)
{
    if (!s->client->is_v3)
        return rand_id(s->id);
    struct sioc_str sid = eio_session_id(s->client->session), nsp = sio_namespace_name(s->nsp);
    size_t at = 0;
    if (nsp.len > 1) {
        memcpy(s->id, nsp.ptr, nsp.len);
        at = nsp.len;
        s->id[at++] = '#';
    }
    memcpy(s->id + at, sid.ptr, sid.len);
    return 0;
}

struct sioc_socket *sio_socket_new(struct sio_client *client, struct sioc_namespace *nsp,
                                   struct sioc_str auth)
{
    struct pool *pool = net_loop_pool(nsp->server->loop);
    size_t id_len = id_room(client, nsp);
    struct sioc_socket *s = pool_zalloc(pool, sizeof *s + id_len + 1);
    if (!s)
        return NULL;
    s->id_len = (uint16_t)id_len;
    s->client = client;
    s->nsp = nsp;
    s->state = SIO_CONNECTING;
    s->generation = nsp->server->generation;
    list_init(&s->acks);
    if (auth.len)
        s->auth = mem_dup(auth.ptr, auth.len);
    s->auth_len = (uint32_t)auth.len;
    if ((auth.len && !s->auth) || make_id(s) < 0 ||
        handle_add(&nsp->server->sockets, s, &s->handle) < 0) {
        mem_free(s->auth);
        pool_free(pool, s, size_of(s));
        return NULL;
    }
    struct sioc_socket **end =
        &client->sockets; /* in the order of joining: few, and rarely many */
    while (*end)
        end = &(*end)->next;
    *end = s;
    client->socket_count++;
    nsp->inhabitants++;
    return s;
}

static void leave_client(struct sioc_socket *s)
{
    struct sioc_socket **at = &s->client->sockets;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->client->socket_count--;
}

/* Off all tables: nobody finds the socket any more.  Its handlers are dropped now, because
 * whose they are may be gone by the end of the turn; until then only the memory stays. */
static void bury(struct sioc_socket *s)
{
    struct sioc_server *server = s->nsp->server;
    sio_listeners_free(&s->listeners);
    sio_listeners_free(&s->outgoing);
    sio_gate_clear(s);
    handle_remove(&server->sockets, s->handle);
    if (s->host_ref && server->socket_gone)
        server->socket_gone(s->host_owner, s->host_ref);
    s->host_ref = 0;
    sio_outgoing_recount(s);
    s->nsp->inhabitants--;
    sio_dynamic_sweep(s->nsp);
    net_loop_discard(server->loop, &s->garbage, socket_free);
}

static int send_connect(struct sioc_socket *s)
{
    char json[80] = "";
    struct sioc_str pid = sio_recovery_pid(s);
    int len = 0;
    if (!s->client->is_v3)
        len = snprintf(json, sizeof json, "{\"sid\":\"%s\"%s%.*s%s}", s->id,
                       pid.len ? ",\"pid\":\"" : "", SIOC_STR_ARG(pid), pid.len ? "\"" : "");
    struct eio_frame *frame =
        sio_packet_frame(s->nsp->server, SIOC_PACKET_CONNECT, sio_namespace_name(s->nsp),
                         sioc_str_n(json, (size_t)len));
    int error = frame ? sio_socket_send(s, frame) : SIOC_ENOMEM;
    eio_frame_unref(frame);
    return error;
}

void sio_socket_join_namespace(struct sioc_socket *s)
{
    if (sio_namespace_add(s->nsp, s) < 0) {
        sio_client_violation(s->client, "out of memory");
        return;
    }
    s->state = SIO_CONNECTED;
    sio_client_joined(s->client);
    if (sio_adapter_add_own(s) == SIOC_ENOMEM) {
        sio_client_violation(s->client, "out of memory");
        return;
    }
    if (s->state != SIO_CONNECTED)
        return; /* a handler of "join-room" has put it out */
    if (sio_recovery_resume(s) < 0)
        return;
    if (send_connect(s) == SIOC_ENOMEM) {
        sio_client_violation(s->client, "out of memory");
        return;
    }
    if (s->client->session)
        eio_session_pause(s->client->session); /* what handlers emit comes behind it */
    struct sioc_event event = {.kind = SIOC_EVENT_CONNECTION, .socket = s, .nsp = s->nsp};
    sio_namespace_tell(s->nsp, STR("connection"), &event);
}

static void call_lifecycle(struct sioc_socket *s, enum sioc_event_kind kind, const char *name,
                           const char *reason, const char *details)
{
    struct sioc_event event = {
        .kind = kind, .socket = s, .nsp = s->nsp, .reason = reason, .details = details};
    sio_listeners_call(&s->listeners, sioc_str(name), &event);
    sio_namespace_tell(s->nsp, sioc_str(name), &event);
}

void sio_socket_close(struct sioc_socket *s, const char *reason, const char *details)
{
    if (s->state == SIO_LEAVING || s->state == SIO_GONE)
        return;
    if (s->state == SIO_CONNECTING) { /* nobody was told that it came */
        s->state = SIO_GONE;
        sio_recovery_refused(s);
        sio_adapter_del_all(s);
        leave_client(s);
        sio_ack_fail_all(s);
        sio_hold_free(s);
        bury(s);
        return;
    }
    sio_recovery_leaving(s);
    sio_socket_rebind(s);
    sio_hold_flush(s); /* what came before the end is delivered before the end */
    if (s->state != SIO_CONNECTED)
        return; /* a handler of those has closed it meanwhile */
    s->state = SIO_LEAVING;
    call_lifecycle(s, SIOC_EVENT_DISCONNECTING, "disconnecting", reason, details);
    sio_recovery_save(s, reason);
    sio_ack_fail_all(s);
    sio_adapter_del_all(s);
    sio_namespace_remove(s->nsp, s);
    leave_client(s);
    s->state = SIO_GONE;
    call_lifecycle(s, SIOC_EVENT_DISCONNECT, "disconnect", reason, details);
    sio_ack_fail_all(s);
    sio_hold_free(s);
    bury(s);
}

void sioc_socket_disconnect(struct sioc_socket *s, bool close)
{
    struct sio_client *client = s->client;
    if (s->state == SIO_LEAVING || s->state == SIO_GONE)
        return;
    if (!close) {
        sio_disconnect_from_namespace(s);
        return;
    }
    while (client->sockets) {
        struct sioc_socket *first = client->sockets;
        sio_disconnect_from_namespace(first);
        if (client->sockets == first)
            break; /* it is leaving already, further up the stack */
    }
    sio_client_close(client);
}

void sioc_socket_close_connection(struct sioc_socket *s)
{
    if (s->state != SIO_GONE)
        sio_client_close(s->client);
}

/* ---- identity ---- */

uint64_t sioc_socket_handle(const struct sioc_socket *s)
{
    return s->handle;
}

struct sioc_socket *sioc_socket_find(const struct sioc_server *server, uint64_t handle)
{
    return handle_get(&server->sockets, handle);
}

struct sioc_socket *sioc_socket_by_id(const struct sioc_namespace *nsp, struct sioc_str id)
{
    return keyset_get(&nsp->sockets_by_id, id);
}

struct sioc_str sioc_socket_id(const struct sioc_socket *s)
{
    return sio_socket_id(s);
}

struct sioc_namespace *sioc_socket_namespace(const struct sioc_socket *s)
{
    return s->nsp;
}

bool sioc_socket_connected(const struct sioc_socket *s)
{
    return s->state == SIO_CONNECTED || s->state == SIO_LEAVING;
}

const char *sioc_socket_transport(const struct sioc_socket *s)
{
    struct eio_session *session = s->state == SIO_GONE ? NULL : s->client->session;
    return session ? eio_session_transport(session) : "";
}

int sioc_socket_protocol(const struct sioc_socket *s)
{
    const struct eio_session *session = s->state == SIO_GONE ? NULL : s->client->session;
    return session ? eio_session_protocol(session) : 0;
}

uint64_t sioc_socket_client(const struct sioc_socket *s)
{
    return s->client->serial;
}

void sioc_socket_set_host_ref(struct sioc_socket *s, void *owner, intptr_t ref)
{
    s->host_ref = ref;
    s->host_owner = ref ? owner : NULL;
}

intptr_t sioc_socket_host_ref(const struct sioc_socket *s, const void *owner)
{
    return s->host_owner == owner ? s->host_ref : 0;
}

void *sioc_socket_host_owner(const struct sioc_socket *s)
{
    return s->host_owner;
}

/* ---- handlers ---- */

static bool is_lifecycle(struct sioc_str name)
{
    return str_eq(name, STR("disconnect")) || str_eq(name, STR("disconnecting"));
}

int sioc_socket_on(struct sioc_socket *s, struct sioc_str name, struct sioc_handler handler,
                   unsigned flags)
{
    if (s->state == SIO_GONE)
        return SIOC_ECLOSED;
    if (name.ptr && sio_event_is_reserved(name) && !is_lifecycle(name))
        return SIOC_ERESERVED;
    return sio_listeners_add(&s->listeners, name, handler, flags);
}

int sioc_socket_off(struct sioc_socket *s, struct sioc_str name, const void *user, intptr_t ref)
{
    return sio_listeners_remove(&s->listeners, name, user, ref);
}

bool sioc_socket_handler_next(const struct sioc_socket *s, struct sioc_str name, size_t *pos,
                              struct sioc_handler *ret_handler)
{
    return sio_listeners_next(s->listeners, name, pos, ret_handler);
}

bool sioc_socket_name_next(const struct sioc_socket *s, size_t *pos, struct sioc_str *ret_name)
{
    const struct sio_listeners *l = s->listeners;
    while (l && *pos < l->count) {
        const struct sio_listener *entry = &l->items[(*pos)++];
        if (entry->name) {
            *ret_name = sioc_str_n(entry->name, entry->name_len);
            return true;
        }
    }
    return false;
}

void sio_socket_error(struct sioc_socket *s, struct sioc_str name, const char *message,
                      struct sioc_str data)
{
    struct sioc_event event = {.kind = SIOC_EVENT_ERROR,
                               .socket = s,
                               .nsp = s->nsp,
                               .name = name,
                               .parser = &sio_parser_json,
                               .reason = message};
    struct buf args;
    buf_init(&args);
    if (data.len) {
        buf_putc(&args, '[');
        buf_put_str(&args, data);
        buf_putc(&args, ']');
        event.args = args.error ? STR("") : buf_str(&args);
    }
    if (!sio_listeners_call(&s->listeners, STR("error"), &event))
        sio_namespace_tell(s->nsp, STR("error"), &event);
    buf_deinit(&args);
}

/* ---- events from the client ---- */

static int read_name(struct sioc_event *e, struct buf *unescaped)
{
    struct sioc_server *server = e->nsp->server;
    int error = sio_event_read_name(e, unescaped, &e->name);
    if (error < 0)
        return error;
    if (e->name.len <= (size_t)server->options->max_event_name &&
        !sio_event_is_reserved(e->name))
        return 0;
    server->metrics.reject_event_name++;
    return SIOC_EPROTO;
}

void sio_socket_call_named(struct sioc_socket *s, struct sioc_event *event)
{
    struct sioc_namespace *nsp = s->nsp, *parent = nsp->parent;
    if (s->state != SIO_CONNECTED || event->decode_error)
        return;
    if (!(s->listeners && sio_listeners_call(&s->listeners, event->name, event)) &&
        !sio_listeners_call(&nsp->events, event->name, event) &&
        !(parent && sio_listeners_call(&parent->events, event->name, event)))
        nsp->server->metrics.events_unhandled++;
}

/* Who gets it: handlers for every event first, then the socket's middleware, then the socket's
 * own handlers, or the namespace's if it has none.  0, or what is wrong with the text. */
static int call_handlers(struct sioc_socket *s, const struct sio_incoming *in,
                         struct sioc_event *event)
{
    if (s->nsp->parent)
        sio_listeners_call_every(&s->nsp->parent->events, event);
    sio_listeners_call_every(&s->nsp->events, event);
    sio_listeners_call_every(&s->listeners, event);
    if (s->state != SIO_CONNECTED || event->decode_error)
        return event->decode_error;
    int passed = sio_passage_begin(s, in, event);
    if (passed > 0)
        sio_socket_call_named(s, event);
    return passed < 0 ? passed : sio_event_check(event);
}

int sio_socket_dispatch(struct sioc_socket *s, const struct sio_incoming *in)
{
    struct sioc_server *server = s->nsp->server;
    if (s->state != SIO_CONNECTED)
        return 0;
    server->metrics.events_in++;
    if (in->args.len == 0)
        return 0; /* "42": an event without even a name; the reference lets it pass */
    if (in->has_id) {
        s->reply_serial++;
        s->replied <<= 1;
    }
    struct sioc_event event = {.kind = SIOC_EVENT_CLIENT,
                               .socket = s,
                               .nsp = s->nsp,
                               .parser = server->parser,
                               .args = in->args,
                               .skip = 1,
                               .attachments = in->attachments,
                               .attachment_count = in->attachment_count,
                               .reply = {s->handle, in->id, s->reply_serial, in->has_id}};
    struct buf unescaped;
    buf_init(&unescaped);
    int error = read_name(&event, &unescaped);
    if (error == 0)
        error = call_handlers(s, in, &event);
    sio_event_deinit(&event);
    buf_deinit(&unescaped);
    return error;
}

int sio_socket_event(struct sioc_socket *s, const struct sio_incoming *in)
{
    sio_socket_rebind(s);
    return sio_hold_event(s, in) ? 0 : sio_socket_dispatch(s, in);
}
