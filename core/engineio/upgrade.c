/* engineio/upgrade.c -- see upgrade.h. */
#include "engineio/upgrade.h"
#include "base/mem.h"
#include "engineio/polling.h"
#include "engineio/websocket.h"

#define NOOP_INTERVAL_MS 100 /* how often a hanging GET is released while a probe runs */

struct eio_upgrade {
    struct eio_session *session;
    struct ws_conn *ws;
    struct net_timer deadline, noop;
    struct net_garbage garbage;
    bool base64; /* what the WebSocket's client asks for; see struct eio_session */
};

static void upgrade_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    mem_free((char *)garbage - offsetof(struct eio_upgrade, garbage));
}

/* Takes the upgrade off its session; its connection is the caller's business. */
static void detach(struct eio_upgrade *u)
{
    struct eio_session *s = u->session;
    net_timer_stop(&u->deadline);
    net_timer_stop(&u->noop);
    s->polling->upgrade = NULL;
    net_loop_discard(s->engine->loop, &u->garbage, upgrade_free);
}

void eio_upgrade_cancel(struct eio_session *s)
{
    struct eio_upgrade *u = s->polling ? s->polling->upgrade : NULL;
    if (!u)
        return;
    detach(u);
    ws_conn_close(u->ws, 0, STR(""));
}

/* It is the client's fault; the session goes on over polling. */
static void give_up(struct eio_upgrade *u)
{
    u->session->engine->metrics->reject_upgrade++;
    eio_upgrade_cancel(u->session);
}

static void on_deadline(struct net_timer *timer)
{
    give_up(LIST_ENTRY(timer, struct eio_upgrade, deadline));
}

/* A GET that hangs would keep the client from switching: answer it with a noop. */
static void on_noop(struct net_timer *timer)
{
    struct eio_upgrade *u = LIST_ENTRY(timer, struct eio_upgrade, noop);
    struct eio_session *s = u->session;
    if (s->polling->get && s->polling->count == 0)
        eio_polling_answer_close(s->polling);
    if (s->polling->upgrade == u) /* the application may have closed the session */
        net_timer_start(s->engine->loop, &u->noop, NOOP_INTERVAL_MS);
}

static void answer_probe(struct eio_upgrade *u)
{
    struct eio_session *s = u->session;
    struct eio_frame *pong = eio_frame_packet(STR("3probe"));
    if (!pong || eio_websocket_send(u->ws, pong) < 0)
        eio_upgrade_cancel(s);
    else if (!net_timer_active(&u->noop))
        net_timer_start(s->engine->loop, &u->noop, NOOP_INTERVAL_MS);
    eio_frame_unref(pong);
    eio_session_tell(s, EIO_UPGRADING);
}

/* The client is ready: from here on the WebSocket carries the session. */
static void switch_transport(struct eio_upgrade *u)
{
    struct eio_session *s = u->session;
    struct eio_polling *polling = s->polling;
    struct ws_conn *ws = u->ws;
    s->base64 = u->base64;
    detach(u);
    int error = eio_polling_move(polling, ws);
    if (s->state == EIO_STATE_CLOSED) { /* by the application, that was told of an answer */
        eio_websocket_drop(ws);
        return;
    }
    s->polling = NULL;
    eio_polling_free(s->engine->loop, polling);
    eio_websocket_attach(s, ws);
    if (s->state == EIO_STATE_CLOSING)
        eio_session_fail(s, "forced close", "");
    else if (error < 0)
        eio_session_fail(s, "transport error", "output lost while upgrading");
    else {
        eio_session_switched(s);
        eio_session_tell(s, EIO_UPGRADED);
    }
}

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct eio_upgrade *u = user;
    struct sioc_str packet = sioc_str_n(bytes, len);
    if (!binary && str_eq(packet, STR("2probe")))
        answer_probe(u);
    else if (!binary && len > 0 && bytes[0] == EIO_UPGRADE)
        switch_transport(u);
    else
        give_up(u);
}

static void on_closed(void *user, enum ws_closed_by by, uint16_t status, struct sioc_str reason)
{
    (void)by;
    (void)status;
    (void)reason;
    struct eio_upgrade *u = user;
    u->session->engine->metrics->reject_upgrade++;
    detach(u);
}

static const struct ws_conn_events probe_events = {.message = on_message, .closed = on_closed};

void eio_upgrade_request(struct eio_session *s, struct http_request *request, bool base64)
{
    struct eio_engine *engine = s->engine;
    struct eio_upgrade *u;
    if (!s->polling || s->polling->upgrade || !engine->options->allow_upgrades ||
        !(u = mem_zalloc(sizeof *u))) {
        eio_websocket_reject(engine, request);
        return;
    }
    u->session = s;
    u->base64 = base64;
    net_timer_init(&u->deadline, on_deadline);
    net_timer_init(&u->noop, on_noop);
    u->ws = eio_websocket_accept(engine, request, false, &probe_events, u);
    /* The application has heard of the request: it may have closed the session. */
    if (!u->ws || !s->polling || s->state == EIO_STATE_CLOSED) {
        if (u->ws)
            eio_websocket_drop(u->ws);
        mem_free(u);
        return;
    }
    s->polling->upgrade = u;
    net_timer_start(engine->loop, &u->deadline, engine->options->upgrade_timeout_ms);
}
