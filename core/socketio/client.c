/* socketio/client.c -- see client.h.
 *
 * What the client sends is taken strictly in order.  Two kinds of misbehaviour close its
 * connection: text that cannot be decoded (malformed), and packets that the state does not
 * allow (violation); protocol.md 3.2 says which reason the sockets are told in each case.
 * Invariant: a packet that waits for attachments (partial) belongs to a joined namespace and
 * ends with its last attachment, any text, or the client.
 */
#include "socketio/client.h"
#include "base/mem.h"
#include "base/pool.h"
#include "socketio/ack.h"
#include "socketio/adopt.h"
#include "socketio/conn.h"
#include "socketio/connect.h"
#include "socketio/dynamic.h"
#include "socketio/engine_api.h"
#include "socketio/event.h"
#include "socketio/handlers.h"
#include "socketio/namespace.h"
#include "socketio/socket.h"

struct sio_newcomer {
    struct net_timer timer;
    struct sio_client *client;
};

struct sio_partial {
    struct sio_client *client;
    struct sioc_packet packet; /* its slices point into `text` */
    uint32_t received;
    size_t bytes; /* of the attachments so far */
    struct net_timer timer;
    struct sioc_buffer **attachments;
    char *text;
};

/* ---- life ---- */

static void partial_destroy(struct sio_partial *p)
{
    net_timer_stop(&p->timer);
    for (uint32_t i = 0; i < p->received; i++)
        sioc_buffer_unref(p->attachments[i]);
    mem_free(p->attachments);
    mem_free(p->text);
    mem_free(p);
}

static void partial_free(struct sio_client *c)
{
    struct sio_partial *p = c->partial;
    c->partial = NULL;
    if (p)
        partial_destroy(p);
}

static void client_free(struct net_loop *loop, struct net_garbage *garbage)
{
    struct sio_client *c =
        (struct sio_client *)(void *)((char *)garbage - offsetof(struct sio_client, garbage));
    pool_free(net_loop_pool(loop), c, sizeof *c);
}

static void on_connect_timeout(struct net_timer *timer)
{
    struct sio_client *c = LIST_ENTRY(timer, struct sio_newcomer, timer)->client;
    c->server->metrics.reject_no_connect++;
    eio_session_close(c->session);
}

static int newcomer_begin(struct sio_client *c)
{
    struct net_loop *loop = c->server->loop;
    struct sio_newcomer *n = pool_zalloc(net_loop_pool(loop), sizeof *n);
    if (!n)
        return SIOC_ENOMEM;
    n->client = c;
    net_timer_init(&n->timer, on_connect_timeout);
    net_timer_start(loop, &n->timer, sio_ms(c->server->options->connect_timeout));
    c->newcomer = n;
    return 0;
}

void sio_client_joined(struct sio_client *c)
{
    struct sio_newcomer *n = c->newcomer;
    c->newcomer = NULL;
    if (!n)
        return;
    net_timer_stop(&n->timer);
    pool_free(net_loop_pool(c->server->loop), n, sizeof *n);
}

static int on_opened(void *user, struct eio_session *session)
{
    struct sioc_server *server = user;
    struct pool *pool = net_loop_pool(server->loop);
    struct sio_client *c = pool_zalloc(pool, sizeof *c);
    if (!c)
        return SIOC_ENOMEM;
    c->server = server;
    if (newcomer_begin(c) < 0) {
        pool_free(pool, c, sizeof *c);
        return SIOC_ENOMEM;
    }
    c->session = session;
    c->serial = ++server->last_client;
    eio_session_set_user(session, c);
    c->is_v3 = eio_session_protocol(session) == 3;
    sio_conn_opened(c);
    if (c->is_v3 && c->session)
        sio_connect_v3(c, STR("/"), STR("")); /* such a client does not ask for it */
    return 0;
}

/* Tells all sockets.  A handler may close others of the same client, so the list is read anew.
 */
static void close_sockets(struct sio_client *c, const char *reason, const char *details)
{
    while (c->sockets) {
        struct sioc_socket *first = c->sockets;
        sio_socket_close(first, reason, details);
        if (c->sockets == first)
            break; /* it is leaving already, further up the stack */
    }
}

static void on_closed(void *user, const char *reason, const char *details)
{
    struct sio_client *c = user;
    sio_client_joined(c);
    partial_free(c);
    sio_matches_drop(c);
    close_sockets(c, reason, details);
    if (c->has_conn)
        sio_conn_closed(sio_conn_find(c), reason, details);
    c->has_conn = false;
    c->session = NULL;
    net_loop_discard(c->server->loop, &c->garbage, client_free);
}

void sio_client_close(struct sio_client *c)
{
    if (c->session)
        eio_session_close(c->session);
}

/* ---- misbehaviour ---- */

/* Each socket that has "error" handlers of its own is told, before it is closed.  Sockets that
 * go meanwhile stay linked until the end of the turn. */
static void tell_sockets(struct sio_client *c, const char *what)
{
    for (struct sioc_socket *s = c->sockets; s; s = s->next) {
        sio_socket_rebind(s);
        if (s->state == SIO_CONNECTED && sio_listeners_have(s->listeners, STR("error")))
            sio_socket_error(s, STR(""), what, STR(""));
    }
}

void sio_client_malformed(struct sio_client *c, const char *what)
{
    c->server->metrics.reject_sio_packet++;
    log_write(&c->server->log, SIOC_LOG_DEBUG, "closing client %llu: %s",
              (unsigned long long)c->serial, what);
    partial_free(c);
    tell_sockets(c, what);
    sio_client_close(c);
}

void sio_client_violation(struct sio_client *c, const char *what)
{
    c->server->metrics.reject_sio_state++;
    log_write(&c->server->log, SIOC_LOG_DEBUG, "closing client %llu: %s",
              (unsigned long long)c->serial, what);
    partial_free(c);
    sio_client_close(c);
    /* A polling client without a pending GET cannot be told now: its sockets need not wait for
     * that. */
    sio_matches_drop(c);
    close_sockets(c, "forced server close", "");
}

/* ---- packets ---- */

struct sioc_socket *sio_client_socket(const struct sio_client *c,
                                      const struct sioc_namespace *nsp)
{
    for (struct sioc_socket *s = c->sockets; s; s = s->next)
        if (s->nsp == nsp)
            return s;
    return NULL;
}

int sio_client_send(struct sio_client *c, struct eio_frame *frame)
{
    return c->session ? eio_session_send(c->session, frame) : SIOC_ECLOSED;
}

/* In the reference's words. */
static const char *what_is_wrong(const struct sioc_packet *p, int error)
{
    return error == SIOC_EPROTO && p->attachments ? "illegal attachments" : "invalid payload";
}

static void take_event(struct sio_client *c, struct sioc_socket *s, const struct sioc_packet *p,
                       struct sioc_buffer *const *attachments)
{
    struct sio_incoming in = {.args = p->data,
                              .attachments = attachments,
                              .attachment_count = p->attachments,
                              .has_id = p->has_id,
                              .id = p->id};
    int error = sio_socket_event(s, &in);
    if (error < 0)
        sio_client_malformed(c, what_is_wrong(p, error));
}

static void take_ack(struct sio_client *c, struct sioc_socket *s, const struct sioc_packet *p,
                     struct sioc_buffer *const *attachments)
{
    struct sioc_event event = {.kind = SIOC_EVENT_ACK,
                               .socket = s,
                               .nsp = s->nsp,
                               .parser = c->server->parser,
                               .args = p->data,
                               .attachments = attachments,
                               .attachment_count = p->attachments};
    int error = sio_event_check(&event);
    if (error < 0) {
        sio_client_malformed(c, what_is_wrong(p, error));
        return;
    }
    if (!p->has_id || !sio_ack_answered(s, p->id, &event))
        c->server->metrics.ack_unknown++;
    sio_event_deinit(&event);
}

static void take_packet(struct sio_client *c, struct sioc_socket *s,
                        const struct sioc_packet *p, struct sioc_buffer *const *attachments)
{
    if (p->type == SIOC_PACKET_EVENT)
        take_event(c, s, p, attachments);
    else if (p->type == SIOC_PACKET_ACK)
        take_ack(c, s, p, attachments);
    else
        sio_socket_close(s, "client namespace disconnect", "");
}

/* ---- packets with attachments ---- */

static struct sioc_str moved(struct sioc_str slice, struct sioc_str from, const char *to)
{
    bool inside = slice.ptr >= from.ptr && slice.ptr <= from.ptr + from.len;
    return inside ? sioc_str_n(to + (slice.ptr - from.ptr), slice.len) : slice;
}

static void on_attachment_timeout(struct net_timer *timer)
{
    struct sio_partial *p = LIST_ENTRY(timer, struct sio_partial, timer);
    p->client->server->metrics.reject_attachments++;
    sio_client_malformed(p->client, "attachments did not come in time");
}

/* One attachment may be as big as a message, whatever the limit of all says. */
static bool too_much(const struct sio_partial *p, size_t more)
{
    const struct sioc_options *o = p->client->server->options;
    double limit =
        o->max_attachment_bytes > o->max_payload ? o->max_attachment_bytes : o->max_payload;
    return (double)(p->bytes + more) > limit;
}

static int partial_begin(struct sio_client *c, const struct sioc_packet *packet,
                         struct sioc_str text)
{
    struct sio_partial *p = mem_zalloc(sizeof *p);
    if (!p)
        return SIOC_ENOMEM;
    c->partial = p;
    p->client = c;
    net_timer_init(&p->timer, on_attachment_timeout);
    p->text = mem_dup(text.ptr, text.len);
    p->attachments = mem_zalloc(packet->attachments * sizeof(struct sioc_buffer *));
    if (!p->text || !p->attachments) {
        partial_free(c);
        return SIOC_ENOMEM;
    }
    p->packet = *packet;
    p->packet.data = moved(packet->data, text, p->text);
    p->packet.nsp = moved(packet->nsp, text, p->text);
    net_timer_start(c->server->loop, &p->timer, sio_ms(c->server->options->attachment_timeout));
    return 0;
}

static void partial_complete(struct sio_client *c)
{
    struct sio_partial *p = c->partial;
    c->partial = NULL; /* what the handlers do to the client must not meet it */
    struct sioc_namespace *nsp = sio_namespace_find(c->server, p->packet.nsp);
    struct sioc_socket *s = nsp ? sio_client_socket(c, nsp) : NULL;
    if (s)
        take_packet(c, s, &p->packet, p->attachments);
    partial_destroy(p);
}

static void take_attachment(struct sio_client *c, struct sioc_str bytes)
{
    struct sio_partial *p = c->partial;
    if (!p) {
        sio_client_malformed(c, "got binary data when not reconstructing a packet");
        return;
    }
    if (too_much(p, bytes.len)) {
        c->server->metrics.reject_attachments++;
        sio_client_malformed(c, "attachments too big");
        return;
    }
    struct sioc_buffer *buffer = sioc_buffer_new(bytes);
    if (!buffer) {
        sio_client_violation(c, "out of memory");
        return;
    }
    p->attachments[p->received++] = buffer;
    p->bytes += bytes.len;
    if (p->received == p->packet.attachments)
        partial_complete(c);
}

/* ---- messages ---- */

static void take_message(struct sio_client *c, struct sioc_str message, bool binary)
{
    const struct sioc_options *o = c->server->options;
    const struct sioc_packet_limits limits = {(uint32_t)o->max_attachments,
                                              (unsigned)o->max_depth};
    struct sioc_packet p;
    const char *error = "got plaintext data when reconstructing a packet";
    if (c->partial || c->server->parser->read(message, binary, &limits, &p, &error) < 0) {
        sio_client_malformed(c, error);
        return;
    }
    struct sioc_str query = {NULL, 0};
    if (c->is_v3)
        p.nsp = sio_namespace_split(p.nsp, &query);
    if (p.type == SIOC_PACKET_CONNECT) {
        if (c->is_v3)
            sio_connect_v3(c, p.nsp, query);
        else
            sio_connect(c, p.nsp, p.data);
        return;
    }
    struct sioc_namespace *nsp = sio_namespace_find(c->server, p.nsp);
    struct sioc_socket *s = nsp ? sio_client_socket(c, nsp) : NULL;
    if (!s || s->state != SIO_CONNECTED || p.type == SIOC_PACKET_CONNECT_ERROR)
        sio_client_violation(c, "packet for a namespace that is not joined");
    else if (p.attachments == 0)
        take_packet(c, s, &p, NULL);
    else if (partial_begin(c, &p, message) < 0)
        sio_client_violation(c, "out of memory");
}

/* Who listens to the connection hears it before it is understood.  False: it has closed it. */
static bool show(struct sio_client *c, struct sioc_str message, bool is_binary)
{
    if (!c->has_conn)
        return true;
    sio_conn_message(sio_conn_find(c), message, is_binary);
    return c->session && eio_session_is_open(c->session);
}

static void on_text(void *user, struct sioc_str text)
{
    struct sio_client *c = user;
    if (!show(c, text, false))
        return;
    if (c->server->parser->flags & SIOC_PARSER_TEXT)
        take_message(c, text, false);
    else
        sio_client_malformed(c, "a text message, where packets are binary");
}

static void on_binary(void *user, struct sioc_str bytes)
{
    struct sio_client *c = user;
    if (!show(c, bytes, true))
        return;
    if (!c->partial && (c->server->parser->flags & SIOC_PARSER_BINARY))
        take_message(c, bytes, true);
    else
        take_attachment(c, bytes);
}

static void on_seen(void *user, const struct eio_sight *sight)
{
    struct sioc_conn *conn = sio_conn_of(user);
    if (conn)
        sio_conn_seen(conn, sight);
}

const struct eio_engine_ops sio_client_ops = {
    .opened = on_opened,
    .text = on_text,
    .binary = on_binary,
    .closed = on_closed,
    .seen = on_seen,
    .ask_allow = sio_engine_ask_allow,
    .ask_id = sio_engine_ask_id,
    .admission_over = sio_engine_admission_over,
    .passes = sio_engine_passes,
    .headers = sio_engine_headers,
    .refused = sio_engine_refused,
};
