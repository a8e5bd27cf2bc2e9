/* socketio/raw.c -- see raw.h and <sioc/conn.h>.
 *
 * Each route has an engine of its own, beside the one of Socket.IO: the same floor, with
 * another user above it.  What it asks (who may come, by which id, which headers) it asks the
 * same hooks. Invariant: a route lives as long as its server, with or without an opener; one
 * without is as if it were not there.
 */
#include "socketio/raw.h"
#include "base/mem.h"
#include "socketio/conn.h"
#include "socketio/engine_api.h"

struct sio_raw {
    struct sioc_server *server;
    struct eio_engine engine;
    struct sioc_conn_opener opener; /* open NULL: none */
    struct list node;               /* in server->raws */
    size_t path_len;
    char path[]; /* with slashes at both ends */
};

static struct sio_raw *raw_at(const struct sioc_server *server, const struct list *node)
{
    return node == &server->raws ? NULL : LIST_ENTRY(node, struct sio_raw, node);
}

static struct sio_raw *first(const struct sioc_server *server)
{
    return raw_at(server, server->raws.next);
}

static struct sio_raw *next(const struct sio_raw *raw)
{
    return raw_at(raw->server, raw->node.next);
}

static struct sioc_str path_of(const struct sio_raw *raw)
{
    return sioc_str_n(raw->path, raw->path_len);
}

/* ---- sessions ---- */

static int on_opened(void *engine_user, struct eio_session *session)
{
    struct sioc_server *server = engine_user;
    struct sio_raw *raw = LIST_ENTRY(session->engine, struct sio_raw, engine);
    struct sioc_conn *c = sio_conn_new(server, session, ++server->last_client);
    if (!c)
        return SIOC_ENOMEM;
    eio_session_set_user(session, c);
    raw->opener.open(raw->opener.user, raw->opener.ref, c);
    return 0;
}

/* Whatever happens to a connection, it is told by handlers of now. */
static struct sioc_conn *rebind(struct sioc_conn *c)
{
    struct sioc_server *server = c->server;
    if (c->generation == server->generation || !c->session)
        return c;
    struct sio_raw *raw = LIST_ENTRY(c->session->engine, struct sio_raw, engine);
    c->generation = server->generation;
    if (raw->opener.open) {
        c->replaying = true;
        raw->opener.open(raw->opener.user, raw->opener.ref, c);
        c->replaying = false;
    } else {
        eio_session_fail(c->session, "forced close", "");
    }
    return c;
}

static void on_text(void *user, struct sioc_str text)
{
    if (rebind(user)->session)
        sio_conn_message(user, text, false);
}

static void on_binary(void *user, struct sioc_str bytes)
{
    if (rebind(user)->session)
        sio_conn_message(user, bytes, true);
}

static void on_closed(void *user, const char *reason, const char *details)
{
    const struct sio_raw *raw =
        LIST_ENTRY(((struct sioc_conn *)user)->session->engine, struct sio_raw, engine);
    if (raw->opener.open)
        rebind(user);
    sio_conn_closed(user, reason, details);
}

static void on_seen(void *user, const struct eio_sight *sight)
{
    if (rebind(user)->session)
        sio_conn_seen(user, sight);
}

static const struct eio_engine_ops raw_ops = {
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

/* ---- routes ---- */

bool sio_path_is_below(const struct sioc_options *o, struct sioc_str base, struct sioc_str path,
                       struct sioc_str *ret_name)
{
    bool bare = !o->add_trailing_slash && str_eq(path, str_part(base, 0, base.len - 1));
    *ret_name = bare ? STR("") : str_from(path, path.len < base.len ? path.len : base.len);
    return bare || str_starts(path, base);
}

static struct sio_raw *find(struct sioc_server *server, struct sioc_str path)
{
    for (struct sio_raw *raw = first(server); raw; raw = next(raw))
        if (str_eq(path_of(raw), path))
            return raw;
    return NULL;
}

static void raw_free(struct sio_raw *raw)
{
    eio_engine_deinit(&raw->engine);
    if (raw->opener.drop)
        raw->opener.drop(raw->opener.user, raw->opener.ref);
    mem_free(raw);
}

static int raw_new(struct sioc_server *server, struct sioc_str path, struct sio_raw **ret_raw)
{
    const struct eio_engine *own = &server->engine;
    struct sio_raw *raw = mem_zalloc(sizeof *raw + path.len);
    if (!raw)
        return SIOC_ENOMEM;
    memcpy(raw->path, path.ptr, path.len);
    raw->path_len = path.len;
    raw->server = server;
    int error = eio_engine_init(&raw->engine, server->loop, own->options, &raw_ops, server,
                                own->cors, &server->metrics, &server->log);
    if (error < 0) {
        raw_free(raw);
        return error;
    }
    sio_engine_note_hooks(server, &raw->engine);
    list_append(&server->raws, &raw->node);
    *ret_raw = raw;
    return 0;
}

/* "/path/", whether the slash was written or not. */
static int put_path(struct buf *out, struct sioc_str path)
{
    if (path.len < 2 || path.ptr[0] != '/' || str_find(path, '?') < path.len ||
        str_find(path, '#') < path.len)
        return SIOC_EINVAL;
    buf_put_str(out, path);
    if (path.ptr[path.len - 1] != '/')
        buf_putc(out, '/');
    return out->error;
}

static int add(struct sioc_server *server, struct sioc_str path, struct sioc_conn_opener opener)
{
    struct sio_raw *raw = find(server, path);
    if (str_eq(path, sioc_str(server->options->path)) || (raw && raw->opener.open))
        return SIOC_EEXIST;
    int error = raw ? 0 : raw_new(server, path, &raw);
    if (error == 0)
        raw->opener = opener;
    return error;
}

int sioc_engineio_route(struct sioc_server *server, struct sioc_str path,
                        struct sioc_conn_opener opener)
{
    struct buf whole;
    buf_init(&whole);
    int error = opener.open ? put_path(&whole, path) : SIOC_EINVAL;
    if (error == 0)
        error = add(server, buf_str(&whole), opener);
    buf_deinit(&whole);
    return error;
}

struct eio_engine *sio_raw_engine(struct sioc_server *server, struct sioc_str path)
{
    struct sioc_str name;
    for (struct sio_raw *raw = first(server); raw; raw = next(raw))
        if (raw->opener.open && sio_path_is_below(server->options, path_of(raw), path, &name))
            return &raw->engine;
    return NULL;
}

/* ---- with the server ---- */

void sio_raws_note_hooks(struct sioc_server *server)
{
    for (struct sio_raw *raw = first(server); raw; raw = next(raw))
        sio_engine_note_hooks(server, &raw->engine);
}

void sio_raws_note_limits(struct sioc_server *server)
{
    const struct ws_config *own = &server->engine.ws;
    for (struct sio_raw *raw = first(server); raw; raw = next(raw)) {
        raw->engine.ws.max_message_bytes = own->max_message_bytes;
        raw->engine.ws.max_queue_bytes = own->max_queue_bytes;
        raw->engine.ws.max_pings = own->max_pings;
        raw->engine.ws.share = own->share;
    }
}

void sio_raws_close(struct sioc_server *server)
{
    for (struct sio_raw *raw = first(server); raw; raw = next(raw))
        eio_engine_close_all(&raw->engine, "server shutting down");
}

bool sio_raws_all_out(const struct sioc_server *server)
{
    for (struct sio_raw *raw = first(server); raw; raw = next(raw))
        if (!list_empty(&raw->engine.websockets))
            return false;
    return true;
}

void sio_raws_destroy(struct sioc_server *server)
{
    for (struct sio_raw *raw = first(server); raw; raw = next(raw))
        ws_conns_destroy(&raw->engine.websockets);
}

void sio_raws_free(struct sioc_server *server)
{
    struct list *node;
    while ((node = list_pop(&server->raws)) != NULL)
        raw_free(LIST_ENTRY(node, struct sio_raw, node));
}

/* ---- handlers are exchanged ---- */

int sio_raws_prepare(struct sioc_server *server, struct sioc_server *draft)
{
    struct sio_raw *made;
    int error = 0;
    for (struct sio_raw *raw = first(draft); raw && error == 0; raw = next(raw))
        if (!find(server, path_of(raw)))
            error = raw_new(server, path_of(raw), &made);
    return error;
}

static void swap_openers(struct sio_raw *a, struct sio_raw *b)
{
    struct sioc_conn_opener opener = a->opener;
    a->opener = b->opener;
    b->opener = opener;
}

void sio_raws_swap(struct sioc_server *server, struct sioc_server *draft)
{
    static const struct sioc_conn_opener nobody = {.open = NULL};
    for (struct sio_raw *raw = first(server); raw; raw = next(raw)) {
        struct sio_raw *other = find(draft, path_of(raw));
        struct sioc_conn_opener gone = raw->opener;
        if (other) {
            swap_openers(raw, other);
            continue;
        }
        raw->opener = nobody;
        if (gone.drop)
            gone.drop(gone.user, gone.ref);
    }
    server->rebind_conn_at = 0;
}

bool sio_raws_rebind(struct sioc_server *server, size_t max, size_t *ret_count)
{
    const struct handle_table *all = &server->conn_handles;
    while (max > 0 && server->rebind_conn_at < all->used) {
        struct sioc_conn *c = all->slots[server->rebind_conn_at++].object;
        if (!c || c->client || c->generation == server->generation)
            continue;
        rebind(c);
        (*ret_count)++;
        max--;
    }
    return server->rebind_conn_at < all->used;
}
