/* engineio/session.c -- see session.h; what is sent: session_send.c. */
#include "engineio/session.h"
#include "base/base64.h"
#include "base/pool.h"
#include "base/str.h"
#include "engineio/eio3.h"
#include "engineio/local.h"
#include "engineio/polling.h"
#include "engineio/upgrade.h"
#include "engineio/websocket.h"
#include <stdio.h>

#define CLOSING_TIMEOUT_MS \
    30000 /* how long a closing session waits for a GET (protocol.md 1.14) */

#define CLOCK_SLACK_MS 2 /* of the shortest ping_timeout, 50 ms, enough is left */

static void on_timer(struct net_timer *timer);

/* ---- life ---- */

static size_t size_of(const struct eio_session *s)
{
    return sizeof *s + s->sid_len + 1u;
}

struct eio_session *eio_session_make(struct eio_engine *engine, struct eio_handshake *handshake,
                                     struct sioc_str sid)
{
    char made[RAND_ID_LEN + 1];
    struct pool *pool = net_loop_pool(engine->loop);
    struct eio_session *s = NULL;
    if (!sid.ptr && rand_id(made) == 0)
        sid = sioc_str_n(made, RAND_ID_LEN);
    if (sid.ptr && handshake)
        s = pool_zalloc(pool, sizeof *s + sid.len + 1);
    if (!s) {
        eio_handshake_free(engine->loop, handshake);
        return NULL;
    }
    memcpy(s->sid, sid.ptr, sid.len);
    s->sid_len = (uint8_t)sid.len;
    s->engine = engine;
    s->ping_interval_ms = (uint32_t)engine->options->ping_interval_ms;
    s->ping_timeout_ms = (uint32_t)engine->options->ping_timeout_ms;
    s->handshake = handshake;
    net_timer_init(&s->timer, on_timer);
    if (keyset_add(&engine->sessions, s) < 0) {
        eio_handshake_free(engine->loop, s->handshake);
        pool_free(pool, s, size_of(s));
        return NULL;
    }
    s->state = EIO_STATE_OPEN;
    s->protocol = 4;
    engine->metrics->sessions_opened++;
    return s;
}

struct eio_session *eio_session_new(struct eio_engine *engine, struct http_request *request,
                                    struct sioc_str sid)
{
    return eio_session_make(engine, eio_handshake_new(request, engine->options->proxies), sid);
}

static void session_free(struct net_loop *loop, struct net_garbage *garbage)
{
    struct eio_session *s =
        (struct eio_session *)(void *)((char *)garbage - offsetof(struct eio_session, garbage));
    eio_polling_free(loop, s->polling);
    eio_handshake_free(loop, s->handshake);
    pool_free(net_loop_pool(loop), s, size_of(s));
}

/* The one way out: from here on the session is in no table and nobody above hears of it. */
static void session_end(struct eio_session *s, const char *reason, const char *details)
{
    struct eio_engine *engine = s->engine;
    s->state = EIO_STATE_CLOSED;
    net_timer_stop(&s->timer);
    keyset_remove(&engine->sessions, eio_session_id(s));
    eio_upgrade_cancel(s);
    engine->metrics->sessions_closed++;
    net_loop_discard(engine->loop, &s->garbage, session_free);
    if (s->user) {
        void *user = s->user;
        s->user = NULL;
        engine->ops->closed(user, reason, details);
    }
}

/* The open packet, keys in the reference's order (protocol.md 1.5). */
static struct eio_frame *open_packet(const struct eio_session *s)
{
    const struct eio_options *o = s->engine->options;
    bool can_upgrade = s->polling && o->websocket && o->allow_upgrades;
    char text[256];
    int len = snprintf(
        text, sizeof text,
        "0{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%llu,\"pingTimeout\":%llu,"
        "\"maxPayload\":%zu}",
        s->sid, can_upgrade ? "\"websocket\"" : "", (unsigned long long)o->ping_interval_ms,
        (unsigned long long)o->ping_timeout_ms, o->max_payload_bytes);
    return eio_frame_packet(sioc_str_n(text, (size_t)len));
}

/* A peer that counts the same time as we do shall find the session gone when its clock, which
 * ticks in whole milliseconds as ours does, says so. */
static uint64_t pong_timeout_ms(const struct eio_session *s)
{
    return s->ping_timeout_ms - CLOCK_SLACK_MS;
}

/* v4: the time until our next ping.  v3: until the client's, at the latest. */
static uint64_t heartbeat_ms(const struct eio_session *s)
{
    return s->ping_interval_ms + (s->protocol == 3 ? pong_timeout_ms(s) : 0);
}

static void start_heartbeat(struct eio_session *s)
{
    s->fresh = false;
    if (s->is_local)
        return; /* it lives as long as whoever has opened it */
    net_timer_start(s->engine->loop, &s->timer, heartbeat_ms(s));
}

/* Over polling the client has to ask for what comes next; who never does is not waited for as
 * long as for a pong. */
static void await_first_request(struct eio_session *s)
{
    uint64_t ms = s->engine->options->first_request_timeout_ms;
    start_heartbeat(s);
    if (!s->polling || ms == 0 || ms >= heartbeat_ms(s))
        return;
    s->fresh = true;
    net_timer_start(s->engine->loop, &s->timer, ms);
}

static void judge_first_request(struct eio_session *s)
{
    uint64_t ms = s->engine->options->first_request_timeout_ms;
    s->fresh = false;
    if (s->polling && !s->polling->used && !s->polling->upgrade) {
        s->engine->metrics->reject_hs_abandoned++;
        eio_session_fail(s, "ping timeout", "");
        return;
    }
    net_timer_start(s->engine->loop, &s->timer, heartbeat_ms(s) - ms);
}

static int send_new(struct eio_session *s, struct eio_frame *frame)
{
    int error = frame ? eio_session_send(s, frame) : SIOC_ENOMEM;
    eio_frame_unref(frame);
    return error;
}

/* The open packet, and what the options put behind it. */
static int greet(struct eio_session *s)
{
    const char *initial = s->engine->options->initial_packet;
    int error = send_new(s, open_packet(s));
    if (error == 0 && initial)
        error = send_new(s, eio_frame_message(STR(""), sioc_str(initial), NULL, 0));
    return error;
}

void eio_session_start(struct eio_session *s)
{
    int error = greet(s);
    /* What `opened` sends goes with the next answer: clients want the open packet alone. */
    if (error == 0 && s->polling)
        eio_polling_flush(s->polling);
    if (s->state == EIO_STATE_CLOSED)
        return; /* by the application, that heard of the answer */
    if (error == 0)
        error = s->engine->ops->opened(s->engine->user, s);
    if (error < 0 && s->state != EIO_STATE_CLOSED) {
        eio_session_fail(s, "transport error", "out of memory");
        return;
    }
    if (s->state == EIO_STATE_OPEN)
        await_first_request(s);
}

void eio_session_set_user(struct eio_session *s, void *user)
{
    s->user = user;
}

/* ---- heartbeat: the server pings (protocol.md 1.13), the client does in v3 (2.1) ---- */

static void restart_interval(struct eio_session *s)
{
    if (s->choked)
        return; /* the timer has another task by now */
    s->awaiting_pong = false;
    start_heartbeat(s);
}

static void await_pong(struct eio_session *s, uint64_t late_ms)
{
    s->awaiting_pong = true;
    s->deadline_extended = false;
    net_timer_start(s->engine->loop, &s->timer, pong_timeout_ms(s) - late_ms);
}

/* How late we are, as long as it is little.  A busy loop looks at its timers some milliseconds
 * after they are due; a peer that counts with us need not know.  But what a real stall of ours
 * costs is not taken from the peer's time. */
static uint64_t lateness_ms(const struct eio_session *s)
{
    uint64_t late = net_loop_now_ms(s->engine->loop) - s->timer.due_ms;
    return late <= s->ping_timeout_ms / 2 ? late : 0;
}

static void on_timer(struct net_timer *timer)
{
    struct eio_session *s = LIST_ENTRY(timer, struct eio_session, timer);
    if (s->state == EIO_STATE_CLOSING) {
        eio_session_fail(s, "forced close", "");
    } else if (s->choked) {
        eio_session_fail(s, "transport error", "slow reader");
    } else if (s->fresh) {
        judge_first_request(s);
    } else if (s->awaiting_pong || s->protocol == 3) {
        s->engine->metrics->reject_ping_timeout++;
        eio_session_fail(s, "ping timeout", "");
    } else {
        await_pong(s, lateness_ms(s));
        eio_session_send(s, s->engine->ping);
    }
}

bool eio_session_expired(struct eio_session *s)
{
    bool awaits = s->awaiting_pong || (s->protocol == 3 && !s->fresh);
    if (s->state != EIO_STATE_OPEN || s->choked || !awaits || !net_timer_active(&s->timer))
        return false;
    uint64_t now = net_loop_now_ms(s->engine->loop);
    if (now < s->timer.due_ms || now - s->timer.due_ms > s->ping_timeout_ms / 2)
        return false;
    on_timer(&s->timer);
    return true;
}

/* Any packet shows that the client lives, but only the first one after a ping counts: the
 * reference extends the deadline once. */
static void note_activity(struct eio_session *s)
{
    s->unasked_pongs = 0;
    if (s->awaiting_pong && !s->deadline_extended && !s->choked) {
        s->deadline_extended = true;
        net_timer_start(s->engine->loop, &s->timer, pong_timeout_ms(s));
    }
}

void eio_session_switched(struct eio_session *s)
{
    /* A ping that went out by polling may be lost to the client: give it a full deadline again.
     */
    if (s->awaiting_pong)
        await_pong(s, 0);
    s->engine->metrics->upgrades++;
}

/* ---- those who watch ---- */

void eio_session_show(struct eio_session *s, const struct eio_sight *sight)
{
    if (s->user)
        s->engine->ops->seen(s->user, sight);
}

void eio_session_tell(struct eio_session *s, enum eio_sight_kind kind)
{
    struct eio_sight sight = {.kind = kind};
    if (s->watched)
        eio_session_show(s, &sight);
}

/* False: the session is over. */
static bool show_packet(struct eio_session *s, enum eio_packet_type type, struct sioc_str data)
{
    struct eio_sight sight = {.kind = EIO_PACKET_IN, .type = type, .data = data};
    eio_session_show(s, &sight);
    return s->state == EIO_STATE_OPEN;
}

void eio_session_watch(struct eio_session *s, bool watched)
{
    s->watched = watched;
    if (s->ws && s->state != EIO_STATE_CLOSED)
        eio_websocket_attach(s, s->ws);
}

/* ---- receiving ---- */

static void receive_bytes(struct eio_session *s, struct sioc_str bytes)
{
    if (!s->watched || show_packet(s, EIO_BINARY, bytes))
        s->engine->ops->binary(s->user, bytes);
}

static void receive_base64(struct eio_session *s, struct sioc_str text)
{
    struct buf bytes;
    buf_init(&bytes);
    base64_decode_lenient(&bytes, text);
    if (bytes.error)
        eio_session_fail(s, "transport error", "out of memory");
    else
        receive_bytes(s, buf_str(&bytes));
    buf_deinit(&bytes);
}

/* Pongs that nobody asked for mean nothing, but each moves the next ping away. */
static bool unasked_pong_allowed(struct eio_session *s)
{
    uint16_t now_s = (uint16_t)(net_loop_now_ms(s->engine->loop) / 1000);
    if (s->unasked_pongs == 0 ||
        (uint16_t)(now_s - s->unasked_since_s) * 1000u > s->ping_interval_ms) {
        s->unasked_since_s = now_s;
        s->unasked_pongs = 0;
    }
    return ++s->unasked_pongs <= s->engine->options->max_unasked_pongs;
}

/* Only one side pings: the server, with v3 the client. */
static void receive_heartbeat(struct eio_session *s, enum eio_packet_type type)
{
    bool is_v3 = s->protocol == 3;
    if (is_v3 != (type == EIO_PING)) {
        eio_session_fail(s, "transport error", "invalid heartbeat direction");
        return;
    }
    if (!is_v3 && !s->awaiting_pong && !unasked_pong_allowed(s)) {
        s->engine->metrics->reject_unasked_pong++;
        eio_session_fail(s, "parse error", "too many pongs");
        return;
    }
    restart_interval(s);
    if (is_v3)
        eio_session_send(s, s->engine->pong);
    eio_session_tell(s, EIO_HEARTBEAT);
}

static void receive(struct eio_session *s, enum eio_packet_type type, struct sioc_str data)
{
    switch (type) {
    case EIO_MESSAGE:
        s->engine->ops->text(s->user, data);
        break;
    case EIO_PING:
    case EIO_PONG:
        receive_heartbeat(s, type);
        break;
    case EIO_BINARY:
        receive_base64(s, data);
        break;
    case EIO_CLOSE:
        if (s->polling)
            eio_polling_answer_close(s->polling);
        eio_session_fail(s, "transport close", "");
        break;
    case EIO_OPEN:
    case EIO_UPGRADE:
    case EIO_NOOP:
        break; /* harmless here; the reference ignores them too */
    case EIO_INVALID:
        s->engine->metrics->reject_eio_packet++;
        eio_session_fail(s, "parse error", "");
        break;
    }
}

void eio_session_receive_text(struct eio_session *s, struct sioc_str packet)
{
    if (s->state == EIO_STATE_CLOSED)
        return;
    struct sioc_str data = {NULL, 0};
    enum eio_packet_type type =
        s->protocol == 3 ? eio_v3_packet_split(packet, &data) : eio_packet_split(packet, &data);
    s->engine->metrics->packets_in++;
    if (s->state == EIO_STATE_CLOSING) { /* all the same now, unless the client closes, too */
        if (type == EIO_CLOSE)
            eio_session_fail(s, "transport close", "");
        return;
    }
    if (type != EIO_PONG)
        note_activity(s);
    if (!s->watched || type == EIO_BINARY || show_packet(s, type, data))
        receive(s, type, data);
}

void eio_session_receive_binary(struct eio_session *s, struct sioc_str bytes)
{
    if (s->state != EIO_STATE_OPEN)
        return;
    enum eio_packet_type type = EIO_BINARY;
    if (s->protocol == 3)
        type = eio_v3_binary_split(bytes, &bytes);
    s->engine->metrics->packets_in++;
    note_activity(s);
    if (type == EIO_BINARY)
        receive_bytes(s, bytes);
    else if (!s->watched || show_packet(s, type, STR("")))
        receive(s, type, STR(""));
}

/* ---- closing ---- */

void eio_session_close(struct eio_session *s)
{
    if (s->state != EIO_STATE_OPEN)
        return;
    if (s->polling && !eio_polling_can_close_now(s->polling)) {
        s->state = EIO_STATE_CLOSING;
        net_timer_start(s->engine->loop, &s->timer, CLOSING_TIMEOUT_MS);
        return;
    }
    eio_session_fail(s, "forced close", "");
}

void eio_session_fail(struct eio_session *s, const char *reason, const char *details)
{
    if (s->state == EIO_STATE_CLOSED)
        return;
    /* The table and the floor above first: the transport's closing may not find the session
     * alive. */
    session_end(s, reason, details);
    if (s->polling)
        eio_polling_close(s->polling);
    if (s->is_local)
        eio_local_gone(s->local);
    else if (s->ws)
        ws_conn_close(s->ws, 0, STR(""));
    s->ws = NULL;
}
