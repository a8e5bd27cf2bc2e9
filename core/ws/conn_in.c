/* ws/conn_in.c -- what a connection's reader finds, and how much of it may be looked at now.
 *
 * Invariant: as in conn.c: after a call of the user a look at `state` comes first.
 */
#include "base/mem.h"
#include "ws/conn_internal.h"

#define DEFAULT_PINGS 50

/* ---- what the reader finds ---- */

/* Whether the next message may be looked at now. */
static void share_out(struct ws_conn *c, size_t len)
{
    switch (net_share_take(&c->share, &c->config->share, c->outq.loop, len, &c->delay_ms)) {
    case NET_SHARE_GO_ON:
        break;
    case NET_SHARE_LATER:
    case NET_SHARE_NEXT_TURN:
        ws_reader_yield(&c->reader);
        break;
    case NET_SHARE_TOO_MUCH:
        ws_conn_fail(c, WS_FAULT_FLOOD, 0);
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

static void on_ping(void *user, struct sioc_str payload)
{
    struct ws_conn *c = user;
    uint32_t max = c->config->max_pings ? c->config->max_pings : DEFAULT_PINGS;
    if (c->state != WS_OPEN || !ws_conn_want_extra(c))
        return;
    if (!ws_extra_ping_allowed(c->extra, net_loop_now_ms(c->outq.loop), max)) {
        c->config->metrics->reject_ws_ping++;
        ws_conn_fail(c, WS_FAULT_PINGS, 0);
        return;
    }
    struct net_chunk *pong = ws_control_chunk(WS_PONG, payload);
    if (!pong)
        return; /* an unanswered ping harms nobody */
    net_chunk_unref(c->extra->next_pong);
    c->extra->next_pong = pong;
    ws_conn_turn_pongs(c);
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
    if (c->state < WS_FINISHING)
        ws_conn_peer_closes(c, status, reason);
}

static const struct ws_reader_events reader_events = {
    .message = on_message, .ping = on_ping, .pong = on_pong, .close = on_close};

/* A frame or message that has begun must be complete in time; one that begins later gets its
 * own time. */
static void watch_message(struct ws_conn *c)
{
    bool ended = ws_reader_take_ended(&c->reader);
    if (ws_reader_busy(&c->reader) && c->config->message_timeout_ms) {
        bool runs = c->extra && net_timer_active(&c->extra->timer);
        if ((ended || !runs) && !ws_conn_start_timer(c, c->config->message_timeout_ms))
            ws_conn_fail(c, WS_FAULT_MEMORY, 0);
    } else if (c->extra) {
        net_timer_stop(&c->extra->timer);
        ws_conn_settle_extra(c);
    }
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
    struct ws_feed how = {.events = &reader_events,
                          .user = c,
                          .max_message_bytes = c->config->max_message_bytes,
                          .max_empty_fragments = c->config->max_empty_fragments};
    c->delay_ms = 0;
    int status = ws_reader_feed(&c->reader, &how, bytes, len);
    if (status) {
        count_violation(c->config->metrics, status);
        ws_conn_fail(c, how.fault, how.fault_number);
    }
    if (c->state >= WS_FINISHING)
        return len;
    if (c->state == WS_OPEN)
        watch_message(c);
    return len - how.left;
}

/* ---- input that has to wait ---- */

static struct ws_waiting *waiting_of(const struct ws_conn *c)
{
    return c->extra ? c->extra->waiting : NULL;
}

static void on_next_turn(struct net_task *task)
{
    struct ws_waiting *w = LIST_ENTRY(task, struct ws_waiting, task);
    w->shared_out = false;
    ws_conn_feed_waiting(w->conn);
}

static void on_time(struct net_timer *timer)
{
    struct ws_waiting *w = LIST_ENTRY(timer, struct ws_waiting, timer);
    w->shared_out = false;
    ws_conn_feed_waiting(w->conn);
}

static bool want_waiting(struct ws_conn *c)
{
    if (!ws_conn_want_extra(c))
        return false;
    if (c->extra->waiting)
        return true;
    struct ws_waiting *w = mem_zalloc(sizeof *w);
    if (!w)
        return false;
    w->conn = c;
    net_task_init(&w->task, on_next_turn);
    net_timer_init(&w->timer, on_time);
    buf_init(&w->bytes);
    c->extra->waiting = w;
    return true;
}

/* What is left is for the next turn, or later; nothing is read until then.  The deadline of a
 * message does not run while it is us who wait. */
static void wait_for_turn(struct ws_conn *c)
{
    struct ws_waiting *w = c->extra->waiting;
    struct net_loop *loop = c->outq.loop;
    w->shared_out = true;
    if (c->delay_ms) {
        net_timer_start(loop, &w->timer, c->delay_ms);
    } else {
        net_task_add_next(loop, &w->task);
        c->config->metrics->deferred++;
    }
    net_stream_read_stop(c->stream);
    if (c->state == WS_OPEN)
        net_timer_stop(&c->extra->timer);
}

void ws_conn_feed_waiting(struct ws_conn *c)
{
    struct ws_waiting *w = waiting_of(c);
    if (!w || c->held || (w->shared_out && c->state == WS_OPEN) || c->state >= WS_FINISHING)
        return;
    w->at += feed(c, w->bytes.bytes + w->at, w->bytes.len - w->at);
    if (c->state >= WS_FINISHING)
        return;
    if (w->at < w->bytes.len || c->delay_ms) {
        wait_for_turn(c);
    } else {
        ws_extra_drop_waiting(c->extra);
        ws_conn_settle_extra(c);
        net_stream_read_start(c->stream);
    }
}

void ws_conn_feed_new(struct ws_conn *c, uint8_t *bytes, size_t len)
{
    size_t used = waiting_of(c) ? 0 : feed(c, bytes, len);
    if (c->state >= WS_FINISHING || (used == len && !c->delay_ms))
        return;
    bool waits = waiting_of(c) && waiting_of(c)->shared_out;
    if (want_waiting(c))
        buf_put(&c->extra->waiting->bytes, bytes + used, len - used);
    if (!waiting_of(c) || waiting_of(c)->bytes.error)
        ws_conn_fail(c, WS_FAULT_MEMORY, 0);
    else if (!waits)
        wait_for_turn(c);
}

bool ws_conn_keep_early(struct ws_conn *c, struct sioc_str bytes)
{
    if (bytes.len == 0)
        return true;
    if (!want_waiting(c))
        return false;
    buf_put_str(&c->extra->waiting->bytes, bytes);
    return c->extra->waiting->bytes.error == 0;
}
