/* http/conn.c -- the life of a connection: input, the end of a turn, deadlines, upgrades.
 *
 * Only input that cannot be used yet is kept (`in`).  Whatever happens wakes the end-of-turn
 * task, which goes on with pipelined requests, writes once, and sets the deadline: a handler
 * that responds is never followed by the next handler within its own call.
 * Knows no routes.  Invariants: one request in flight at most; a connection that is not dead
 * either has a deadline or waits for its handler.
 */
#include "base/mem.h"
#include "base/pool.h"
#include "http/conn_internal.h"
#include <unistd.h>

#define CONN_OF(ptr, member) \
    ((struct http_conn *)(void *)((char *)(ptr)-offsetof(struct http_conn, member)))

#define MAX_WAITING_BYTES 65536 /* of pipelined input; then reading stops */
#define MAX_QUEUED_BYTES  65536 /* of output; then the next request waits */
#define BODY_GRACE_MS     2000  /* before a body is called slow */
#define BODY_CHECK_MS     1000

void http_conn_wake(struct http_conn *c)
{
    net_task_add(net_stream_loop(c->stream), &c->task);
}

/* ---- the end ---- */

static void free_conn(struct net_loop *loop, struct net_garbage *garbage)
{
    struct http_conn *c = CONN_OF(garbage, end.garbage);
    buf_deinit(&c->in);
    net_outq_deinit(&c->outq);
    pool_free(net_loop_pool(loop), c, sizeof *c);
}

/* The connection without its stream. */
static void dispose(struct http_conn *c, struct net_loop *loop)
{
    c->phase = HTTP_PHASE_DEAD;
    list_remove(&c->node);
    net_task_cancel(&c->task);
    net_timer_stop(&c->end.timer);
    if (c->file >= 0)
        close(c->file);
    c->file = -1;
    c->stream = NULL;
    net_loop_discard(loop, &c->end.garbage, free_conn);
}

void http_conn_end(struct http_conn *c, bool gently)
{
    if (c->phase == HTTP_PHASE_DEAD)
        return;
    struct request *open = c->request;
    if (open)
        http_conn_release(c);
    if (gently)
        net_stream_close_gently(c->stream);
    else
        net_stream_close(c->stream);
    dispose(c, net_stream_loop(c->stream));
    if (open && open->pub.ops && open->pub.ops->aborted)
        open->pub.ops->aborted(&open->pub);
}

void http_conn_destroy(struct http_conn *c)
{
    http_conn_end(c, false);
}

/* ---- input ---- */

static void keep(struct http_conn *c, const uint8_t *bytes, size_t len)
{
    buf_put(&c->in, bytes, len);
    if (c->in.error)
        http_conn_end(c, false);
}

/* The first bytes of what was kept are used. */
static void forget(struct http_conn *c, size_t used)
{
    if (c->phase == HTTP_PHASE_DEAD)
        return;
    buf_consume(&c->in, used);
    if (c->in.len == 0) /* an idle connection holds no buffer */
        buf_deinit(&c->in);
}

/* While a request is in flight, reading goes on, so that the peer's end is noticed, but not
 * without bound. */
static void balance_reading(struct http_conn *c)
{
    if (c->in.len > MAX_WAITING_BYTES && c->request && c->phase != HTTP_PHASE_BODY)
        net_stream_read_stop(c->stream);
    else
        net_stream_read_start(c->stream);
}

static void on_data(void *owner, uint8_t *bytes, size_t len)
{
    struct http_conn *c = owner;
    if (c->deaf)
        return;
    http_conn_wake(c);
    if (c->in.len == 0) {
        size_t used = http_conn_feed(c, sioc_str_n(bytes, len));
        if (c->phase != HTTP_PHASE_DEAD && used < len)
            keep(c, bytes + used, len - used);
    } else {
        keep(c, bytes, len);
        if (c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY)
            forget(c, http_conn_feed(c, buf_str(&c->in)));
    }
    if (c->phase != HTTP_PHASE_DEAD)
        balance_reading(c);
}

static void on_gone(void *owner, int error)
{
    struct http_conn *c = owner;
    if (error)
        c->config->metrics->peer_reset++;
    else
        c->config->metrics->peer_eof++;
    http_conn_end(c, false);
}

static void on_writable(void *owner)
{
    struct http_conn *c = owner;
    http_conn_clear_deadline(c); /* the peer reads: its time begins anew */
    http_conn_wake(c);
}

static const struct net_stream_ops stream_ops = {
    .data = on_data, .writable = on_writable, .gone = on_gone};

/* ---- deadlines ---- */

static enum http_deadline deadline_of(const struct http_conn *c)
{
    if (c->outq.count || c->file >= 0)
        return HTTP_DEADLINE_WRITE;
    if (c->phase == HTTP_PHASE_BODY)
        return HTTP_DEADLINE_BODY;
    if (c->phase == HTTP_PHASE_HEAD)
        return c->in.len || c->fresh ? HTTP_DEADLINE_HEAD : HTTP_DEADLINE_IDLE;
    return HTTP_NO_DEADLINE;
}

static uint64_t at_most(uint64_t ms, uint64_t limit_ms)
{
    return ms < limit_ms ? ms : limit_ms;
}

static uint64_t delay_of(const struct http_conn *c, enum http_deadline deadline)
{
    const struct http_config *config = c->config;
    if (deadline == HTTP_DEADLINE_HEAD)
        return config->header_timeout_ms;
    if (deadline == HTTP_DEADLINE_IDLE)
        return config->keepalive_timeout_ms;
    if (deadline == HTTP_DEADLINE_BODY && config->min_body_rate)
        return at_most(BODY_GRACE_MS, config->body_timeout_ms);
    return config->body_timeout_ms; /* for writing, too */
}

/* A body that is late, or trickles: refused.  One that comes is looked at again soon. */
static void judge_body(struct http_conn *c)
{
    const struct http_config *config = c->config;
    const struct request *r = c->request;
    uint64_t ms = net_loop_now_ms(net_stream_loop(c->stream)) - r->body_since_ms;
    bool slow = (uint64_t)r->pub.body.len * 1000 < ms * config->min_body_rate;
    if (ms < config->body_timeout_ms && !slow) {
        c->waiting = HTTP_DEADLINE_BODY;
        net_timer_start(net_stream_loop(c->stream), &c->end.timer,
                        at_most(BODY_CHECK_MS, config->body_timeout_ms - ms));
        return;
    }
    if (ms >= config->body_timeout_ms)
        config->metrics->reject_body_timeout++;
    else
        config->metrics->reject_body_slow++;
    http_conn_break(c, 408);
}

/* A deadline that goes on is not moved: it is for the whole head, the whole body. */
static void set_deadline(struct http_conn *c)
{
    enum http_deadline deadline = deadline_of(c);
    if (deadline == c->waiting)
        return;
    http_conn_clear_deadline(c);
    c->waiting = (uint8_t)deadline;
    if (deadline != HTTP_NO_DEADLINE)
        net_timer_start(net_stream_loop(c->stream), &c->end.timer, delay_of(c, deadline));
}

static void on_timer(struct net_timer *timer)
{
    struct http_conn *c = CONN_OF(timer, end.timer);
    struct metrics *metrics = c->config->metrics;
    enum http_deadline missed = (enum http_deadline)c->waiting;
    c->waiting = HTTP_NO_DEADLINE;
    if (missed == HTTP_DEADLINE_HEAD) {
        metrics->reject_hdr_timeout++;
        if (c->in.len)
            http_conn_reject(c, 408);
        else
            http_conn_end(c, false);
    } else if (missed == HTTP_DEADLINE_BODY) {
        judge_body(c);
    } else {
        if (missed == HTTP_DEADLINE_IDLE)
            metrics->reject_idle++;
        http_conn_end(c, false);
    }
}

/* ---- the end of a turn ---- */

/* Whether the response is so far out that the next head may come. */
static bool may_go_on(const struct http_conn *c)
{
    return c->phase == HTTP_PHASE_RESPONDED && !c->closing && c->file < 0 &&
           c->outq.bytes <= MAX_QUEUED_BYTES;
}

/* Requests that wait, one after another; what they used is dropped in one go. */
static void go_on(struct http_conn *c)
{
    size_t used = 0;
    while (may_go_on(c)) {
        c->phase = HTTP_PHASE_HEAD;
        http_conn_clear_deadline(c);
        if (used < c->in.len)
            used += http_conn_feed(c, sioc_str_n(c->in.bytes + used, c->in.len - used));
    }
    forget(c, used);
}

static void on_turn_end(struct net_task *task)
{
    struct http_conn *c = CONN_OF(task, task);
    int result;
    do {
        go_on(c);
        if (c->phase == HTTP_PHASE_DEAD)
            return;
        result = http_conn_flush(c);
        http_pieces_drained(c);
    } while (result == 0 && may_go_on(c));
    if (c->phase == HTTP_PHASE_DEAD)
        return;
    if (result == SIOC_EIO)
        http_conn_end(c, false);
    else if (result == 0 && !c->outq.count && c->closing && !c->request &&
             c->phase == HTTP_PHASE_RESPONDED)
        http_conn_end(c, true);
    if (c->phase == HTTP_PHASE_DEAD)
        return;
    balance_reading(c);
    set_deadline(c);
}

/* ---- the gate ---- */

static uint64_t now_of(struct net_stream *stream)
{
    return net_loop_now_ms(net_stream_loop(stream));
}

static void on_uncounted_close(void *user)
{
    ((struct metrics *)user)->connections_closed++;
}

static void on_counted_close(void *user)
{
    struct http_peer *peer = user;
    peer->gate->metrics->connections_closed++;
    http_gate_leave(peer);
}

/* Says why, if that fits into what the kernel takes at once; an attacker is not waited for. */
static void turn_away(struct net_stream *stream)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                                 "Retry-After: 1\r\nContent-Length: 0\r\n\r\n";
    struct net_span span = {answer, sizeof answer - 1};
    if (!net_stream_secure(stream))
        (void)net_stream_write(stream, &span, 1);
    net_stream_close(stream);
}

/* False: turned away. */
static bool enter(const struct http_config *config, struct net_stream *stream,
                  struct http_peer **ret_peer)
{
    uint8_t key[NET_ADDRESS_KEY];
    config->metrics->connections_opened++;
    *ret_peer = NULL;
    if (config->gate) {
        net_stream_peer_key(stream, key);
        *ret_peer = http_gate_enter(config->gate, key, now_of(stream));
    }
    if (*ret_peer)
        net_stream_on_close(stream, on_counted_close, *ret_peer);
    else
        net_stream_on_close(stream, on_uncounted_close, config->metrics);
    if (*ret_peer || !config->gate)
        return true;
    turn_away(stream);
    return false;
}

bool http_request_may_open(struct http_request *request)
{
    struct http_conn *c = request->conn;
    return !c->peer || http_gate_handshake(c->peer, now_of(c->stream));
}

bool http_request_has_room(struct http_request *request)
{
    struct http_peer *peer = request->conn->peer;
    if (!peer || !peer->gate->memory_short)
        return true;
    peer->gate->metrics->reject_memory++;
    return false;
}

bool http_request_may_not_know(struct http_request *request)
{
    struct http_conn *c = request->conn;
    return !c->peer || http_gate_unknown_sid(c->peer, now_of(c->stream));
}

/* ---- the interface ---- */

void http_conn_open(const struct http_config *config, struct net_stream *stream)
{
    struct http_peer *peer;
    if (!enter(config, stream, &peer))
        return;
    struct net_loop *loop = net_stream_loop(stream);
    struct http_conn *c = pool_zalloc(net_loop_pool(loop), sizeof *c);
    if (!c) {
        net_stream_close(stream);
        return;
    }
    c->peer = peer;
    c->config = config;
    c->stream = stream;
    c->phase = HTTP_PHASE_HEAD;
    c->fresh = true;
    c->file = -1;
    buf_init(&c->in);
    net_outq_init(&c->outq, loop);
    net_task_init(&c->task, on_turn_end);
    net_timer_init(&c->end.timer, on_timer);
    list_append(config->connections, &c->node);
    net_stream_set_owner(stream, &stream_ops, c);
    set_deadline(c);
}

void http_conns_close(const struct http_config *config)
{
    struct list *node = config->connections->next, *next;
    for (; node != config->connections; node = next) {
        struct http_conn *c = LIST_ENTRY(node, struct http_conn, node);
        next = node->next;
        c->closing = true;
        if (c->phase == HTTP_PHASE_HEAD && c->outq.count == 0)
            http_conn_end(c, false);
        else if (c->phase == HTTP_PHASE_HEAD)
            c->phase = HTTP_PHASE_RESPONDED; /* the last response is on its way still */
    }
}

void http_conns_destroy(const struct http_config *config)
{
    while (!list_empty(config->connections))
        http_conn_destroy(LIST_ENTRY(config->connections->next, struct http_conn, node));
}

struct net_stream *http_request_stream(struct http_request *request)
{
    return request->conn->stream;
}

/* What came behind the head, as memory of the caller's; false when there is none for it. */
static bool take_rest(struct http_conn *c, uint8_t **ret_rest, size_t *ret_len)
{
    struct sioc_str rest = c->feeding ? c->rest : buf_str(&c->in);
    uint8_t *copy = rest.len ? mem_dup(rest.ptr, rest.len) : NULL;
    if (rest.len && !copy)
        return false;
    *ret_rest = copy;
    *ret_len = rest.len;
    return true;
}

struct net_stream *http_upgrade(struct http_request *request, struct sioc_str response,
                                uint8_t **ret_rest, size_t *ret_rest_len)
{
    struct http_conn *c = request->conn;
    if (request->responded)
        return NULL;
    http_conn_release(c);
    /* The queue is practically always empty here; what does not go out at once ends it. */
    if (http_conn_push(c, response) || http_conn_flush(c) != 0 ||
        !take_rest(c, ret_rest, ret_rest_len)) {
        http_conn_end(c, false);
        return NULL;
    }
    struct net_stream *stream = c->stream;
    net_stream_set_owner(stream, NULL, NULL);
    net_stream_read_start(stream);
    dispose(c, net_stream_loop(stream));
    return stream;
}
