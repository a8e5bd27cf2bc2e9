/* ws/conn.c -- a WebSocket connection: a reader and an output queue on one stream.
 *
 * The data: `reader` turns bytes into messages, `outq` holds frames until the end of the turn,
 * `state` says how far the closing handshake is.  One timer serves two deadlines that never
 * overlap: the message that has begun, then the end of the connection.
 *
 * Knows nothing of Engine.IO.  Invariants: the user is told `closed` only by tell_closed, which
 * leaves WS_OPEN first; whoever calls the user back touches the connection afterwards only
 * after a look at `state`; memory goes at the end of the turn (dispose).
 */
#include "ws/conn.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/loop.h"
#include "net/outq.h"
#include "net/timer.h"

enum conn_state {
    WS_OPEN,
    WS_CLOSING,   /* our close frame is queued; the peer's is awaited */
    WS_FINISHING, /* nothing to read any more; TCP ends when the queue is out */
    WS_DEAD,
};

enum {
    CLOSED_EMPTY = 1005,
    CLOSED_ABRUPTLY = 1006,
    CLOSED_POLICY = 1008,
    CLOSED_NO_MEMORY = 1011,
};

#define DEFAULT_PINGS    50
#define PONGS_WAITING    16 /* beyond, only the newest counts */
#define PING_WINDOW_MS   10000
#define CLOSE_REASON_MAX 123
#define CONTROL_MAX      125

/* Bytes that came and were not looked at yet: those behind the upgrade request, until the
 * turn's end; and those of a peer that has had its share, until its time.  Then nothing is read
 * meanwhile. */
struct waiting {
    struct ws_conn *conn;
    struct net_task task;
    struct net_timer timer;
    struct buf bytes;
    size_t at;
    bool shared_out; /* task or timer will say when */
};

struct ws_conn {
    struct list node;          /* in config->connections */
    struct net_stream *stream; /* owned; NULL when dead */
    const struct ws_config *config;
    const struct ws_conn_events *events;
    void *user;
    struct net_outq outq;
    struct net_task task;
    struct ws_reader reader;
    struct net_chunk *pong;      /* the last one in outq; shared with it */
    struct net_chunk *next_pong; /* the newest, waiting for `pong` to be out */
    struct waiting *waiting;
    struct net_share share;
    union {
        struct net_timer timer;
        struct net_garbage garbage; /* when dead */
    } end;
    uint32_t delay_ms;    /* of what the last feed has left, 0: the next turn */
    uint32_t ping_window; /* when it began, in ms that may wrap */
    uint32_t pings;       /* in that window */
    uint8_t state;        /* enum conn_state */
    uint8_t pongs;        /* in outq, at most */
    bool broken;          /* writing failed; to be told at the end of the turn */
    bool held;            /* by ws_conn_hold */
    bool undrained;       /* something was queued since the last `drained` */
    bool pausing;         /* the task waits in config->pauses */
};

#define CONN_OF(ptr, member) \
    ((struct ws_conn *)(void *)((char *)(ptr)-offsetof(struct ws_conn, member)))

static void stop_waiting(struct ws_conn *c)
{
    if (!c->waiting)
        return;
    net_task_cancel(&c->waiting->task);
    net_timer_stop(&c->waiting->timer);
}

static void free_waiting(struct ws_conn *c)
{
    if (!c->waiting)
        return;
    stop_waiting(c);
    buf_deinit(&c->waiting->bytes);
    mem_free(c->waiting);
    c->waiting = NULL;
}

static void free_conn(struct net_garbage *garbage)
{
    struct ws_conn *c = CONN_OF(garbage, end.garbage);
    ws_reader_deinit(&c->reader);
    net_outq_deinit(&c->outq);
    net_chunk_unref(c->pong);
    net_chunk_unref(c->next_pong);
    ws_deflate_free(c->reader.deflate);
    net_share_deinit(&c->share);
    free_waiting(c);
    mem_free(c);
}

/* gently: what was written still has to arrive. */
static void dispose(struct ws_conn *c, bool gently)
{
    struct net_loop *loop = net_stream_loop(c->stream);
    c->state = WS_DEAD;
    list_remove(&c->node);
    ws_reader_stop(&c->reader);
    net_task_cancel(&c->task);
    net_timer_stop(&c->end.timer);
    stop_waiting(c);
    if (gently)
        net_stream_close_gently(c->stream);
    else
        net_stream_close(c->stream);
    c->stream = NULL;
    net_loop_discard(loop, &c->end.garbage, free_conn);
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
    tell_closed(c, was_open, WS_CLOSED_BY_PEER, CLOSED_ABRUPTLY, (struct sioc_str){NULL, 0});
}

/* ---- output ---- */

static int queue(struct ws_conn *c, struct net_chunk *chunk)
{
    int error = net_outq_push(&c->outq, chunk);
    if (error)
        return error;
    c->undrained = true;
    net_task_add(net_stream_loop(c->stream), &c->task);
    return 0;
}

static struct net_chunk *control_chunk(enum ws_opcode opcode, struct sioc_str body)
{
    uint8_t frame[WS_SERVER_HEAD_MAX + CONTROL_MAX];
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
    struct net_chunk *chunk = control_chunk(WS_CLOSE, sioc_str_n(body, len));
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
static void turn_pongs(struct ws_conn *c)
{
    if (c->pong && !still_queued(c->pong)) {
        net_chunk_unref(c->pong);
        c->pong = NULL;
        c->pongs = 0;
    }
    if (c->pongs >= PONGS_WAITING || !c->next_pong || c->state != WS_OPEN)
        return;
    struct net_chunk *next = c->next_pong;
    c->next_pong = NULL;
    if (queue(c, next) == 0) {
        net_chunk_unref(c->pong);
        c->pong = next;
        c->pongs++;
    } else {
        net_chunk_unref(next);
    }
}

static int flush_queue(struct ws_conn *c)
{
    int result = net_outq_flush(&c->outq, c->stream);
    if (result != SIOC_EIO)
        turn_pongs(c);
    return result;
}

static void flush(struct ws_conn *c)
{
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
    struct net_loop *loop = net_stream_loop(c->stream);
    c->state = WS_FINISHING;
    ws_reader_stop(&c->reader);
    stop_waiting(c);
    net_stream_read_start(c->stream); /* the peer's end is worth knowing */
    net_timer_start(loop, &c->end.timer, c->config->close_timeout_ms);
    net_task_add(loop, &c->task);
}

/* The peer broke the protocol: say so, hear nothing more. */
static void fail(struct ws_conn *c, uint16_t status)
{
    struct sioc_str no_reason = {NULL, 0};
    bool was_open = c->state == WS_OPEN;
    if (c->state >= WS_FINISHING)
        return;
    if (was_open)
        (void)queue_close(c, status, no_reason);
    finish(c);
    tell_closed(c, was_open, WS_CLOSED_BY_ERROR, status, no_reason);
}

static void on_timer(struct net_timer *timer)
{
    struct ws_conn *c = CONN_OF(timer, end.timer);
    if (c->state == WS_OPEN) {
        c->config->metrics->reject_ws_frag++;
        fail(c, CLOSED_POLICY);
    } else {
        dispose(c, false);
    }
}

/* ---- input: what the reader finds ---- */

/* Whether the next message may be looked at now. */
static void share_out(struct ws_conn *c, size_t len)
{
    switch (net_share_take(&c->share, &c->config->share, net_stream_loop(c->stream), len,
                           &c->delay_ms)) {
    case NET_SHARE_GO_ON:
        break;
    case NET_SHARE_LATER:
    case NET_SHARE_NEXT_TURN:
        ws_reader_yield(&c->reader);
        break;
    case NET_SHARE_TOO_MUCH:
        fail(c, CLOSED_POLICY);
        break;
    }
}

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct ws_conn *c = user;
    if (c->state != WS_OPEN)
        return;
    c->events->message(c->user, binary, bytes, len);
    if (c->state == WS_OPEN)
        share_out(c, len);
}

/* Counts pings in windows of ten seconds; false when there are too many. */
static bool ping_allowed(struct ws_conn *c)
{
    uint32_t now = (uint32_t)net_loop_now_ms(net_stream_loop(c->stream));
    if (c->pings == 0 || now - c->ping_window >= PING_WINDOW_MS) {
        c->ping_window = now;
        c->pings = 0;
    }
    uint32_t max = c->config->max_pings ? c->config->max_pings : DEFAULT_PINGS;
    return ++c->pings <= max;
}

static void on_ping(void *user, struct sioc_str payload)
{
    struct ws_conn *c = user;
    if (c->state != WS_OPEN)
        return;
    if (!ping_allowed(c)) {
        c->config->metrics->reject_ws_ping++;
        fail(c, CLOSED_POLICY);
        return;
    }
    struct net_chunk *pong = control_chunk(WS_PONG, payload);
    if (!pong)
        return; /* an unanswered ping harms nobody */
    net_chunk_unref(c->next_pong);
    c->next_pong = pong;
    turn_pongs(c);
}

static void on_pong(void *user, struct sioc_str payload)
{
    struct ws_conn *c = user;
    (void)payload;
    if (c->state == WS_OPEN && c->events->pong)
        c->events->pong(c->user);
}

static void on_close(void *user, uint16_t status, struct sioc_str reason)
{
    struct ws_conn *c = user;
    bool was_open = c->state == WS_OPEN;
    if (c->state >= WS_FINISHING)
        return;
    if (was_open)
        (void)queue_close(c, status, reason);
    finish(c);
    tell_closed(c, was_open, WS_CLOSED_BY_PEER, status ? status : CLOSED_EMPTY, reason);
}

static const struct ws_reader_events reader_events = {
    .message = on_message, .ping = on_ping, .pong = on_pong, .close = on_close};

/* A frame or message that has begun must be complete in time; one that begins later gets its
 * own time. */
static void watch_message(struct ws_conn *c)
{
    bool ended = ws_reader_take_ended(&c->reader);
    if (!ws_reader_busy(&c->reader) || c->config->message_timeout_ms == 0)
        net_timer_stop(&c->end.timer);
    else if (ended || !net_timer_active(&c->end.timer))
        net_timer_start(net_stream_loop(c->stream), &c->end.timer,
                        c->config->message_timeout_ms);
}

static void count_violation(struct metrics *metrics, int status)
{
    if (status == 1002)
        metrics->reject_ws_proto++;
    else if (status == 1007)
        metrics->reject_utf8++;
    else if (status == 1008)
        metrics->reject_ws_frag++;
    else if (status == 1009)
        metrics->reject_too_big++;
}

/* Returns how many bytes were looked at. */
static size_t feed(struct ws_conn *c, uint8_t *bytes, size_t len)
{
    c->delay_ms = 0;
    int status = ws_reader_feed(&c->reader, bytes, len);
    if (status) {
        count_violation(c->config->metrics, status);
        fail(c, (uint16_t)status);
    }
    if (c->state >= WS_FINISHING)
        return len;
    if (c->state == WS_OPEN)
        watch_message(c);
    return len - ws_reader_left(&c->reader);
}

/* ---- input that has to wait ---- */

static void feed_waiting(struct ws_conn *c);

static void on_next_turn(struct net_task *task)
{
    struct waiting *w = LIST_ENTRY(task, struct waiting, task);
    w->shared_out = false;
    feed_waiting(w->conn);
}

static void on_time(struct net_timer *timer)
{
    struct waiting *w = LIST_ENTRY(timer, struct waiting, timer);
    w->shared_out = false;
    feed_waiting(w->conn);
}

static bool want_waiting(struct ws_conn *c)
{
    struct waiting *w = c->waiting ? c->waiting : mem_zalloc(sizeof *w);
    if (c->waiting || !w)
        return w != NULL;
    w->conn = c;
    net_task_init(&w->task, on_next_turn);
    net_timer_init(&w->timer, on_time);
    buf_init(&w->bytes);
    c->waiting = w;
    return true;
}

/* What is left is for the next turn, or later; nothing is read until then.  The deadline of a
 * message does not run while it is us who wait. */
static void wait_for_turn(struct ws_conn *c)
{
    struct waiting *w = c->waiting;
    struct net_loop *loop = net_stream_loop(c->stream);
    w->shared_out = true;
    if (c->delay_ms) {
        net_timer_start(loop, &w->timer, c->delay_ms);
    } else {
        net_task_add_next(loop, &w->task);
        c->config->metrics->deferred++;
    }
    net_stream_read_stop(c->stream);
    if (c->state == WS_OPEN)
        net_timer_stop(&c->end.timer);
}

static void feed_waiting(struct ws_conn *c)
{
    struct waiting *w = c->waiting;
    if (!w || c->held || (w->shared_out && c->state == WS_OPEN) || c->state >= WS_FINISHING)
        return;
    w->at += feed(c, w->bytes.bytes + w->at, w->bytes.len - w->at);
    if (c->state >= WS_FINISHING)
        return;
    if (w->at < w->bytes.len || c->delay_ms) {
        wait_for_turn(c);
    } else {
        free_waiting(c);
        net_stream_read_start(c->stream);
    }
}

static void feed_new(struct ws_conn *c, uint8_t *bytes, size_t len)
{
    size_t used = c->waiting ? 0 : feed(c, bytes, len);
    if (c->state >= WS_FINISHING || (used == len && !c->delay_ms))
        return;
    bool waits = c->waiting && c->waiting->shared_out;
    if (want_waiting(c))
        buf_put(&c->waiting->bytes, bytes + used, len - used);
    if (!c->waiting || c->waiting->bytes.error)
        fail(c, CLOSED_NO_MEMORY);
    else if (!waits)
        wait_for_turn(c);
}

/* ---- what the stream and the loop say ---- */

static void on_data(void *owner, uint8_t *bytes, size_t len)
{
    struct ws_conn *c = owner;
    feed_waiting(c);
    if (c->state < WS_FINISHING)
        feed_new(c, bytes, len);
}

static void on_writable(void *owner)
{
    flush(owner);
}

static void on_gone(void *owner, int error)
{
    struct ws_conn *c = owner;
    (void)error;
    feed_waiting(c);
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
    feed_waiting(c);
    if (c->state != WS_DEAD)
        flush(c);
}

/* ---- the interface ---- */

static bool keep_early(struct ws_conn *c, struct sioc_str rest)
{
    if (rest.len == 0)
        return true;
    if (!want_waiting(c))
        return false;
    buf_put_str(&c->waiting->bytes, rest);
    return c->waiting->bytes.error == 0;
}

int ws_conn_open(const struct ws_config *config, struct net_stream *stream,
                 struct sioc_str rest, const struct ws_conn_events *events, void *user,
                 struct ws_conn **ret_conn)
{
    struct ws_conn *c = mem_zalloc(sizeof *c);
    if (!c || !keep_early(c, rest)) {
        if (c)
            free_waiting(c);
        mem_free(c);
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
    net_outq_init(&c->outq);
    net_task_init(&c->task, on_turn_end);
    net_timer_init(&c->end.timer, on_timer);
    ws_reader_init(&c->reader, &reader_events, c, config->max_message_bytes);
    net_stream_set_owner(stream, &stream_ops, c);
    net_stream_read_start(stream);
    if (c->waiting)
        net_task_add(net_stream_loop(stream), &c->task);
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
            net_task_add(net_stream_loop(c->stream), &c->task);
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

size_t ws_conn_queued(const struct ws_conn *c)
{
    return c->outq.bytes;
}

void ws_conn_pause(struct ws_conn *c)
{
    if (c->state != WS_OPEN || c->broken || !c->config->pauses || c->pausing)
        return;
    if (flush_queue(c) == SIOC_EIO)
        c->broken = true; /* as in make_room */
    c->pausing = true;
    ws_pause(c->config->pauses, &c->task);
}

int ws_conn_ping(struct ws_conn *c)
{
    if (c->state != WS_OPEN || c->broken)
        return SIOC_ECLOSED;
    struct net_chunk *ping = control_chunk(WS_PING, (struct sioc_str){NULL, 0});
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
    } else if (c->waiting) {
        net_task_add(net_stream_loop(c->stream), &c->task);
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
    net_timer_start(net_stream_loop(c->stream), &c->end.timer, c->config->close_timeout_ms);
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
