/* socketio/conn.c -- <sioc/conn.h>: one connection, whoever is above it.
 *
 * Most clients have none of these: one is made when somebody asks for it, or for each client of
 * a raw route.  A session is watched only while its handler wants what messages do not tell.
 * Invariant: `session` is set while the handle finds the connection; its client, or the session
 * itself (raw), points back until then.
 */
#include "socketio/conn.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "http/url.h"

/* What only a session that is watched tells. */
#define WATCHED                                                                               \
    (SIOC_CONN_PACKET | SIOC_CONN_PACKET_CREATE | SIOC_CONN_HEARTBEAT | SIOC_CONN_UPGRADING | \
     SIOC_CONN_UPGRADE | SIOC_CONN_FLUSH | SIOC_CONN_DRAIN)

static bool all_are_watched(const struct sioc_server *server)
{
    return server->engine_events.flush || server->engine_events.drain;
}

/* ---- life ---- */

static void drop_pending(struct sioc_conn *c)
{
    for (uint32_t i = 0; i < c->pending_count; i++)
        eio_frame_unref(c->pending[i]);
    c->pending_count = 0;
}

static void drop_handler(struct sioc_conn *c)
{
    struct sioc_conn_handler old = c->handler;
    c->handler = (struct sioc_conn_handler){.call = NULL};
    c->events = 0;
    if (old.drop)
        old.drop(old.user, old.ref);
}

static void conn_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    struct sioc_conn *c = LIST_ENTRY(garbage, struct sioc_conn, garbage);
    mem_free(c->pending);
    mem_free(c);
}

struct sioc_conn *sio_conn_new(struct sioc_server *server, struct eio_session *session,
                               uint64_t number)
{
    struct sioc_conn *c = mem_zalloc(sizeof *c);
    if (!c)
        return NULL;
    c->server = server;
    c->session = session;
    c->number = number;
    c->generation = server->generation;
    list_init(&c->node);
    if (handle_add(&server->conn_handles, c, &c->handle) < 0) {
        mem_free(c);
        return NULL;
    }
    list_append(&server->conns, &c->node);
    return c;
}

/* Off all tables but that of clients. */
static void forget(struct sioc_conn *c)
{
    list_remove(&c->node);
    handle_remove(&c->server->conn_handles, c->handle);
    net_loop_discard(c->server->loop, &c->garbage, conn_free);
}

static struct sioc_str key_of(const void *object)
{
    const struct sioc_conn *c = object;
    return sioc_str_n((const char *)&c->number, sizeof c->number);
}

void sio_conns_init(struct sioc_server *server)
{
    handle_table_init(&server->conn_handles);
    list_init(&server->conns);
    keyset_init(&server->client_conns, key_of);
}

void sio_conns_deinit(struct sioc_server *server)
{
    handle_table_deinit(&server->conn_handles);
    keyset_deinit(&server->client_conns);
}

struct sioc_conn *sio_conn_find(const struct sio_client *client)
{
    if (!client->has_conn)
        return NULL;
    struct sioc_str key = sioc_str_n((const char *)&client->serial, sizeof client->serial);
    return keyset_get(&client->server->client_conns, key);
}

struct sioc_conn *sio_conn_of(struct sio_client *client)
{
    struct sioc_conn *c = sio_conn_find(client);
    if (c || !client->session)
        return c;
    c = sio_conn_new(client->server, client->session, client->serial);
    if (!c)
        return NULL;
    c->client = client;
    if (keyset_add(&client->server->client_conns, c) < 0) {
        forget(c);
        return NULL;
    }
    client->has_conn = true;
    return c;
}

void sio_conn_opened(struct sio_client *client)
{
    const struct sioc_engine_events *events = &client->server->engine_events;
    if (all_are_watched(client->server))
        eio_session_watch(client->session, true);
    struct sioc_conn *c = events->connection ? sio_conn_of(client) : NULL;
    if (c)
        events->connection(events->user, c);
}

/* ---- what happens ---- */

void sio_conn_closed(struct sioc_conn *c, const char *reason, const char *details)
{
    struct sioc_conn_event event = {
        .kind = SIOC_CONN_CLOSE, .reason = reason, .details = details};
    sio_conn_let_go(c); /* what came before the end is delivered before the end */
    sio_conn_tell(c, &event);
    drop_handler(c);
    drop_pending(c);
    if (c->client)
        keyset_remove(&c->server->client_conns, key_of(c));
    c->session = NULL;
    c->client = NULL;
    forget(c);
}

/* ---- who listens ---- */

static void note_events(struct sioc_conn *c, unsigned events)
{
    c->events = events;
    bool all = c->client && all_are_watched(c->server);
    if (c->session)
        eio_session_watch(c->session, all || (events & WATCHED) != 0);
}

void sioc_conn_listen(struct sioc_conn *c, unsigned events, struct sioc_conn_handler handler)
{
    drop_handler(c);
    c->handler = handler;
    note_events(c, events);
}

void sioc_conn_set_events(struct sioc_conn *c, unsigned events)
{
    note_events(c, events);
}

const struct sioc_conn_handler *sioc_conn_handler(const struct sioc_conn *c)
{
    return &c->handler;
}

void sio_conns_forget_handlers(struct sioc_server *server)
{
    for (struct list *l = server->conns.next, *next; l != &server->conns; l = next) {
        struct sioc_conn *c = LIST_ENTRY(l, struct sioc_conn, node);
        next = l->next;
        if (!c->client)
            continue; /* raw: its next one is told of this one */
        drop_handler(c);
        note_events(c, 0);
    }
}

void sio_conns_watch_all(struct sioc_server *server)
{
    struct eio_session *session;
    bool all = all_are_watched(server);
    uint32_t pos = 0;
    while ((session = keyset_next(&server->engine.sessions, &pos))) {
        const struct sioc_conn *c = session->user ? sio_conn_find(session->user) : NULL;
        bool wanted = c && (c->events & WATCHED);
        eio_session_watch(session, all || wanted);
    }
}

/* ---- finding ---- */

struct sioc_conn *sioc_socket_conn(struct sioc_socket *s)
{
    return sio_conn_of(s->client);
}

struct sioc_conn *sioc_conn_next(struct sioc_server *server, size_t *pos)
{
    const struct eio_session *session;
    uint32_t at = (uint32_t)*pos;
    do {
        session = keyset_next(&server->engine.sessions, &at);
    } while (session && !session->user);
    *pos = at;
    return session ? sio_conn_of(session->user) : NULL;
}

bool sioc_conn_replayed(const struct sioc_conn *c)
{
    return c->replaying;
}

uint64_t sioc_conn_handle(const struct sioc_conn *c)
{
    return c->handle;
}

struct sioc_conn *sioc_conn_find(const struct sioc_server *server, uint64_t handle)
{
    return handle_get(&server->conn_handles, handle);
}

/* ---- speaking ---- */

int sioc_conn_send(struct sioc_conn *c, struct sioc_str data,
                   const struct sioc_conn_send *options)
{
    bool is_binary = options && options->is_binary;
    if (!c->session)
        return SIOC_ECLOSED;
    if (!is_binary && !utf8_valid(data))
        return SIOC_EUTF8;
    struct eio_frame *frame = is_binary ? eio_frame_binary(STR(""), data, NULL, 0)
                                        : eio_frame_message(STR(""), data, NULL, 0);
    if (!frame)
        return SIOC_ENOMEM;
    frame->no_compress = options && options->no_compress;
    int error = eio_session_send(c->session, frame);
    eio_frame_unref(frame);
    return error;
}

void sioc_conn_close(struct sioc_conn *c, bool discard)
{
    if (!c->session)
        return;
    if (discard)
        eio_session_fail(c->session, "forced close", "");
    else
        eio_session_close(c->session);
}

/* ---- facts ---- */

enum sioc_conn_state sioc_conn_state(const struct sioc_conn *c)
{
    switch (c->session ? c->session->state : EIO_STATE_CLOSED) {
    case EIO_STATE_OPEN:
        return SIOC_CONN_OPEN;
    case EIO_STATE_CLOSING:
        return SIOC_CONN_CLOSING;
    default:
        return SIOC_CONN_CLOSED;
    }
}

uint64_t sioc_conn_number(const struct sioc_conn *c)
{
    return c->number;
}

const char *sioc_conn_transport(const struct sioc_conn *c)
{
    return c->session ? eio_session_transport(c->session) : "";
}

int sioc_conn_protocol(const struct sioc_conn *c)
{
    return c->session ? eio_session_protocol(c->session) : 0;
}

bool sioc_conn_upgraded(const struct sioc_conn *c)
{
    if (!c->session || c->session->polling)
        return false;
    struct buf scratch;
    buf_init(&scratch);
    struct sioc_str first =
        url_query_get(eio_handshake_query(c->session->handshake), STR("transport"), &scratch);
    bool upgraded = str_eq(first, STR("polling"));
    buf_deinit(&scratch);
    return upgraded;
}

bool sioc_conn_writable(const struct sioc_conn *c)
{
    return c->session && eio_session_writable(c->session);
}

size_t sioc_conn_waiting(const struct sioc_conn *c)
{
    return c->session ? eio_session_waiting(c->session) : 0;
}

size_t sioc_conn_queued(const struct sioc_conn *c)
{
    return c->session ? eio_session_queued_bytes(c->session) : 0;
}

void sioc_conn_handshake(const struct sioc_conn *c, struct sioc_handshake *ret)
{
    *ret = (struct sioc_handshake){.auth = STR("{}")};
    if (c->session)
        sio_handshake_facts(c->session->handshake, ret);
}

bool sioc_conn_header_next(const struct sioc_conn *c, size_t *pos, struct sioc_str *ret_name,
                           struct sioc_str *ret_value)
{
    return c->session &&
           eio_handshake_header_next(c->session->handshake, pos, ret_name, ret_value);
}

bool sioc_conn_query_next(const struct sioc_conn *c, size_t *pos, struct sioc_str *ret_name,
                          struct sioc_str *ret_value)
{
    return c->session && sio_handshake_query_next(c->session->handshake, pos,
                                                  &c->server->scratch, ret_name, ret_value);
}
