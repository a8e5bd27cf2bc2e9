/* ws/conn.c -- a WebSocket connection: a reader and an output queue on one stream.
 *
 * The data: `reader` turns bytes into messages, `outq` holds frames until the end of the turn,
 * `state` says how far the closing handshake is, `extra` has what is rarely needed.  What comes
 * in is conn_in.c's business.
 *
 * Knows nothing of Engine.IO.  Invariants: the user is told `closed` only by tell_closed, which
 * leaves WS_OPEN first; whoever calls the user back touches the connection afterwards only
 * after a look at `state`; memory goes at the end of the turn (dispose).
 */
#include "base/pool.h"
#include "base/utf8.h"
#include "ws/conn_internal.h"

#define PONGS_WAITING    16 /* beyond, only the newest counts */
#define CLOSE_REASON_MAX 123
#define CONTROL_MAX      125
#define LONG_HEAD_MAX    256 /* of a packet that ws_conn_send_long takes */

#define CONN_OF(ptr, member) \
    ((struct ws_conn *)(void *)((char *)(ptr)-offsetof(struct ws_conn, member)))

/* ---- what is rarely needed ---- */

static void on_timer(struct net_timer *timer);

struct ws_extra *ws_conn_want_extra(struct ws_conn *c)
{
    if (!c->extra)
        c->extra = ws_extra_new(c->outq.loop, c, on_timer);
    return c->extra;
}

static void drop_extra(struct ws_conn *c)
{
    ws_extra_free(c->outq.loop, c->extra);
    c->extra = NULL;
}

void ws_conn_settle_extra(struct ws_conn *c)
{
    if (c->extra && ws_extra_unused(c->extra, net_loop_now_ms(c->outq.loop)))
        drop_extra(c);
}

bool ws_conn_start_timer(struct ws_conn *c, uint64_t delay_ms)
{
    if (!ws_conn_want_extra(c))
        return false;
    net_timer_start(c->outq.loop, &c->extra->timer, delay_ms);
    return true;
}

/* ---- the end ---- */

static void free_conn(struct net_loop *loop, struct net_garbage *garbage)
{
    struct ws_conn *c = CONN_OF(garbage, garbage);
    ws_reader_deinit(&c->reader);
    net_outq_deinit(&c->outq);
    ws_deflate_free(c->reader.deflate);
    net_share_deinit(&c->share);
    drop_extra(c);
    pool_free(net_loop_pool(loop), c, sizeof *c);
}

/* gently: what was written still has to arrive. */
static void dispose(struct ws_conn *c, bool gently)
{
    c->state = WS_DEAD;
    list_remove(&c->node);
    ws_reader_stop(&c->reader);
    net_task_cancel(&c->task);
    if (c->extra)
        ws_extra_stop(c->extra);
    if (gently)
        net_stream_close_gently(c->stream);
    else
        net_stream_close(c->stream);
    c->stream = NULL;
    net_loop_discard(c->outq.loop, &c->garbage, free_conn);
}

/* The state must have left WS_OPEN already, was_open says that it was open until then. */
static void tell_closed(struct ws_conn *c, bool was_open, enum ws_closed_by by, uint16_t status,
                        struct sioc_str reason)
{
    if (was_open)
        c->events->closed(c->user, by, status, reason);
}

/* The stream is gone, or as good as. */
static void lose(struct ws_conn *c)
{
    bool was_open = c->state == WS_OPEN;
    dispose(c, false);
    tell_closed(c, was_open, WS_CLOSED_BY_PEER, WS_CLOSED_ABRUPTLY, (struct sioc_str){NULL, 0});
}

/* ---- output ---- */

static int queue(struct ws_conn *c, struct net_chunk *chunk)
{
    int error = net_outq_push(&c->outq, chunk);
    if (error)
        return error;
    c->undrained = true;
    net_task_add(c->outq.loop, &c->task);
    return 0;
}

struct net_chunk *ws_control_chunk(enum ws_opcode opcode, struct sioc_str body)
{
    uint8_t frame[WS_SERVER_HEAD_MAX + CONTROL_MAX];
    if (body.len > CONTROL_MAX)
        return NULL; /* never */
    size_t head_len = ws_frame_write_head(frame, opcode, false, body.len);
    if (body.len)
        memcpy(frame + head_len, body.ptr, body.len);
    return net_chunk_new(sioc_str_n(frame, head_len + body.len));
}

/* Status 0: empty body.  False when there is no memory for it: then TCP just ends. */
static bool queue_close(struct ws_conn *c, uint16_t status, struct sioc_str reason)
{
    uint8_t body[CONTROL_MAX];
    size_t len = 0;
    if (status) {
        if (reason.len > CLOSE_REASON_MAX)
            reason.len = CLOSE_REASON_MAX;
        reason.len = utf8_valid_prefix(reason);
        body[len++] = (uint8_t)(status >> 8);
        body[len++] = (uint8_t)status;
        if (reason.len)
            memcpy(body + len, reason.ptr, reason.len);
        len += reason.len;
    }
    struct net_chunk *chunk = ws_control_chunk(WS_CLOSE, sioc_str_n(body, len));
    if (!chunk)
        return false;
    int error = queue(c, chunk);
    net_chunk_unref(chunk);
    return error == 0;
}

static bool still_queued(struct net_chunk *chunk)
{
    return atomic_load_explicit(&chunk->refs, memory_order_relaxed) > 1;
}

/* Pongs go behind one another.  When enough of them wait, only the newest is kept for later. */
void ws_conn_turn_pongs(struct ws_conn *c)
{
    struct ws_extra *e = c->extra;
    if (e->pong && !still_queued(e->pong)) {
        net_chunk_unref(e->pong);
        e->pong = NULL;
        e->pongs = 0;
    }
    if (e->pongs >= PONGS_WAITING || !e->next_pong || c->state != WS_OPEN)
        return;
    struct net_chunk *next = e->next_pong;
    e->next_pong = NULL;
    if (queue(c, next) == 0) {
        net_chunk_unref(e->pong);
        e->pong = next;
        e->pongs++;
    } else {
        net_chunk_unref(next);
    }
}

static int flush_queue(struct ws_conn *c)
{
    int result = net_outq_flush(&c->outq, c->stream);
    if (result != SIOC_EIO && c->extra)
        ws_conn_turn_pongs(c);
    return result;
}

static void flush(struct ws_conn *c)
{
    if (c->undrained && c->state == WS_OPEN && c->events->flushing)
        c->events->flushing(c->user);
    if (c->state == WS_DEAD)
        return;
    int result = flush_queue(c);
    if (result == SIOC_EIO) {
        lose(c);
        return;
    }
    if (result != 0 || c->outq.count)
        return;
    if (c->state == WS_FINISHING) {
        dispose(c, true);
        return;
    }
    bool drained = c->undrained;
    c->undrained = false;
    if (drained && c->state == WS_OPEN && c->events->drained)
        c->events->drained(c->user);
}

/* ---- the closing handshake ---- */

/* Everything has been said: TCP ends when the queue is out, or at the deadline. */
static void finish(struct ws_conn *c)
{
    c->state = WS_FINISHING;
    ws_reader_stop(&c->reader);
    if (c->extra)
        ws_extra_stop(c->extra);
    net_stream_read_start(c->stream); /* the peer's end is worth knowing */
    if (ws_conn_start_timer(c, c->config->close_timeout_ms))
        net_task_add(c->outq.loop, &c->task);
    else
        dispose(c, true);
}

void ws_conn_fail(struct ws_conn *c, enum ws_fault fault, unsigned number)
{
    char what[WS_FAULT_TEXT];
    uint16_t status = (uint16_t)ws_fault_status(fault);
    bool was_open = c->state == WS_OPEN;
    if (c->state >= WS_FINISHING)
        return;
    if (was_open) /* the peer is told the status only */
        (void)queue_close(c, status, (struct sioc_str){NULL, 0});
    finish(c);
    ws_fault_text(fault, number, what);
    tell_closed(c, was_open, WS_CLOSED_BY_ERROR, status, sioc_str(what));
}

void ws_conn_peer_closes(struct ws_conn *c, uint16_t status, struct sioc_str reason)
{
    bool was_open = c->state == WS_OPEN;
    if (was_open)
        (void)queue_close(c, status, reason);
    finish(c);
    tell_closed(c, was_open, WS_CLOSED_BY_PEER, status ? status : WS_CLOSED_EMPTY, reason);
}

static void on_timer(struct net_timer *timer)
{
    struct ws_conn *c = LIST_ENTRY(timer, struct ws_extra, timer)->conn;
    if (c->state == WS_OPEN) {
        c->config->metrics->reject_ws_frag++;
        ws_conn_fail(c, WS_FAULT_SLOW, 0);
    } else {
        dispose(c, false);
    }
}

/* ---- what the stream and the loop say ---- */

/* What the peer was answered leaves at once, as long as nothing else waits for it: what the
 * kernel knows of this connection is in the processor's cache now, and not any more when 999
 * others have been read from (one message of each of 1,000: 12 % less).  What comes from others
 * waits for the turn's end, so that a turn in which both happen has two writes. */
static void answer_now(struct ws_conn *c)
{
    if (c->state != WS_OPEN || c->broken || c->pausing || c->extra ||
        !net_outq_is_own(&c->outq))
        return;
    net_task_cancel(&c->task);
    flush(c);
}

static void end_pause(struct ws_conn *c)
{
    c->pausing = false;
    net_task_cancel(&c->task);
    net_task_add(c->outq.loop, &c->task);
}

static void on_data(void *owner, uint8_t *bytes, size_t len)
{
    struct ws_conn *c = owner;
    if (c->pausing)
        end_pause(c);
    ws_conn_feed_waiting(c);
    if (c->state < WS_FINISHING)
        ws_conn_feed_new(c, bytes, len);
    answer_now(c);
}

static void on_writable(void *owner)
{
    flush(owner);
}

static void on_gone(void *owner, int error)
{
    struct ws_conn *c = owner;
    if (error)
        c->config->metrics->peer_reset++;
    else
        c->config->metrics->peer_eof++;
    ws_conn_feed_waiting(c);
    if (c->state != WS_DEAD)
        lose(c);
}

static const struct net_stream_ops stream_ops = {
    .data = on_data, .writable = on_writable, .gone = on_gone};

static void on_turn_end(struct net_task *task)
{
    struct ws_conn *c = CONN_OF(task, task);
    c->pausing = false;
    if (c->broken) {
        lose(c);
        return;
    }
    ws_conn_feed_waiting(c);
    if (c->state != WS_DEAD)
        flush(c);
}

/* ---- the interface ---- */

int ws_conn_open(const struct ws_config *config, struct net_stream *stream,
                 struct sioc_str rest, const struct ws_conn_events *events, void *user,
                 struct ws_conn **ret_conn)
{
    struct net_loop *loop = net_stream_loop(stream);
    struct ws_conn *c = pool_zalloc(net_loop_pool(loop), sizeof *c);
    if (c)
        net_outq_init(&c->outq, loop);
    if (!c || !ws_conn_keep_early(c, rest)) {
        if (c)
            drop_extra(c);
        pool_free(net_loop_pool(loop), c, sizeof *c);
        net_stream_close(stream);
        return SIOC_ENOMEM;
    }
    c->stream = stream;
    c->config = config;
    c->state = WS_OPEN;
    list_init(&c->node);
    if (config->connections)
        list_append(config->connections, &c->node);
    ws_conn_set_user(c, events, user);
    net_task_init(&c->task, on_turn_end);
    ws_reader_init(&c->reader);
    net_stream_set_owner(stream, &stream_ops, c);
    net_stream_read_start(stream);
    if (rest.len)
        net_task_add(loop, &c->task);
    *ret_conn = c;
    return 0;
}

void ws_conn_set_user(struct ws_conn *c, const struct ws_conn_events *events, void *user)
{
    c->events = events;
    c->user = user;
}

void ws_conn_set_deflate(struct ws_conn *c, struct ws_deflate *deflate)
{
    c->reader.deflate = deflate;
}

/* Whether something can be queued: 0, or what ws_conn_send answers. */
static int make_room(struct ws_conn *c)
{
    if (c->state != WS_OPEN || c->broken)
        return SIOC_ECLOSED;
    if (c->outq.bytes > c->config->max_queue_bytes) {
        if (flush_queue(c) == SIOC_EIO) {
            c->broken = true; /* the user is not called back from here */
            net_task_add(c->outq.loop, &c->task);
            return SIOC_ECLOSED;
        }
        if (c->outq.bytes > c->config->max_queue_bytes)
            return SIOC_EFULL;
    }
    return 0;
}

int ws_conn_send(struct ws_conn *c, struct net_chunk *chunk)
{
    int error = make_room(c);
    return error < 0 ? error : queue(c, chunk);
}

uint8_t *ws_conn_reserve(struct ws_conn *c, enum ws_opcode opcode, size_t len, int *ret_error)
{
    size_t head_len = ws_frame_head_len(len);
    int error =
        c->reader.deflate || head_len + len > NET_OUTQ_SMALL ? SIOC_ETOOBIG : make_room(c);
    uint8_t *at = error < 0 ? NULL : net_outq_reserve(&c->outq, head_len + len);
    if (!at) {
        *ret_error = error < 0 ? error : SIOC_ENOMEM;
        return NULL;
    }
    c->undrained = true;
    net_task_add(c->outq.loop, &c->task);
    return at + ws_frame_write_head(at, opcode, false, len);
}

/* The frame's head and the packet's in one chunk; NULL when they are too long, or out of
 * memory.
 */
static struct net_chunk *long_start(enum ws_opcode opcode, struct sioc_str head, size_t len)
{
    uint8_t start[WS_SERVER_HEAD_MAX + LONG_HEAD_MAX];
    if (head.len > LONG_HEAD_MAX)
        return NULL;
    size_t at = ws_frame_write_head(start, opcode, false, head.len + len);
    memcpy(start + at, head.ptr, head.len);
    return net_chunk_new(sioc_str_n(start, at + head.len));
}

int ws_conn_send_long(struct ws_conn *c, enum ws_opcode opcode, struct sioc_str head,
                      struct buf *body)
{
    int error = c->reader.deflate || body->error ? SIOC_ETOOBIG : make_room(c);
    if (error < 0)
        return error;
    struct net_chunk *start = long_start(opcode, head, body->len);
    struct net_chunk *rest = start ? net_chunk_take(body->bytes, body->len) : NULL;
    if (rest)
        *body = (struct buf){.max = body->max};
    error = rest ? queue(c, start) : SIOC_ETOOBIG;
    /* Written at once: it is in the processor's cache still, and not behind 99 others. */
    if (error == 0 && (queue(c, rest) < 0 || flush_queue(c) == SIOC_EIO))
        c->broken = true; /* the task tells; after half a frame nothing can follow */
    net_chunk_unref(start);
    net_chunk_unref(rest);
    return error;
}

/* With context takeover: what the peer does not get, the next message must not refer to. */
static int send_own(struct ws_conn *c, struct net_chunk *plain)
{
    int error = make_room(c);
    if (error < 0)
        return error;
    struct net_chunk *chunk = ws_variants_make(c->reader.deflate, plain);
    error = queue(c, chunk ? chunk : plain);
    if (error < 0)
        ws_deflate_forget(c->reader.deflate);
    net_chunk_unref(chunk);
    return error;
}

int ws_conn_send_shared(struct ws_conn *c, struct net_chunk *chunk,
                        struct ws_variants *variants)
{
    struct ws_deflate *deflate = c->reader.deflate;
    if (deflate && ws_deflate_params(deflate)->server_takeover)
        return send_own(c, chunk);
    return ws_conn_send(c, ws_variants_get(variants, deflate, chunk));
}

bool ws_conn_idle(const struct ws_conn *c)
{
    return c->outq.count == 0 || c->pausing;
}

size_t ws_conn_waiting(const struct ws_conn *c)
{
    return c->outq.count;
}

size_t ws_conn_queued(const struct ws_conn *c)
{
    return c->outq.bytes;
}

void ws_conn_pause(struct ws_conn *c, struct ws_pauses *pauses)
{
    if (c->state != WS_OPEN || c->broken || c->pausing)
        return;
    if (flush_queue(c) == SIOC_EIO)
        c->broken = true; /* as in make_room */
    c->pausing = ws_pause(pauses, &c->task);
    if (c->broken && !c->pausing)
        net_task_add(c->outq.loop, &c->task);
}

int ws_conn_ping(struct ws_conn *c)
{
    if (c->state != WS_OPEN || c->broken)
        return SIOC_ECLOSED;
    struct net_chunk *ping = ws_control_chunk(WS_PING, (struct sioc_str){NULL, 0});
    int error = ping ? queue(c, ping) : SIOC_ENOMEM;
    net_chunk_unref(ping);
    return error;
}

void ws_conn_hold(struct ws_conn *c, bool held)
{
    if (c->state != WS_OPEN)
        return;
    c->held = held;
    if (held) {
        net_stream_read_stop(c->stream);
    } else if (c->extra && c->extra->waiting) {
        net_task_add(c->outq.loop, &c->task);
    } else {
        net_stream_read_start(c->stream);
    }
}

void ws_conn_close(struct ws_conn *c, uint16_t status, struct sioc_str reason)
{
    if (c->state != WS_OPEN)
        return;
    if (c->held)
        ws_conn_hold(c, false); /* the peer's close frame is awaited */
    if (!queue_close(c, status, reason)) {
        finish(c);
        return;
    }
    c->state = WS_CLOSING;
    if (!ws_conn_start_timer(c, c->config->close_timeout_ms))
        finish(c);
}

void ws_conn_destroy(struct ws_conn *c)
{
    if (c->state != WS_DEAD)
        dispose(c, false);
}

struct net_stream *ws_conn_stream(struct ws_conn *c)
{
    return c->stream;
}

void ws_conns_destroy(struct list *connections)
{
    while (!list_empty(connections))
        ws_conn_destroy(LIST_ENTRY(connections->next, struct ws_conn, node));
}
