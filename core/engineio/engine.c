/* engineio/engine.c -- see engine.h.  The order of the checks is the reference's
 * (protocol.md 1.3). */
#include "engineio/engine.h"
#include "base/mem.h"
#include "base/str.h"
#include "engineio/admission.h"
#include "engineio/polling.h"
#include "engineio/refuse.h"
#include "engineio/upgrade.h"
#include "engineio/websocket.h"
#include "http/url.h"

#define NOTHING             ((struct sioc_str){NULL, 0})
#define WS_CLOSE_TIMEOUT_MS 30000
/* Of ws/pause.h: behind the 101, which delays the connect of a client that comes alone, and
 * where nobody but such a client is delayed. */
#define PAUSE_MS      1
#define LONG_PAUSE_MS 6

/* What a request asks for. */
struct query {
    enum { TRANSPORT_UNKNOWN, TRANSPORT_POLLING, TRANSPORT_WEBSOCKET } transport;
    uint8_t protocol; /* 3 or 4 */
    bool base64;      /* asks for no binary frames (v3) */
    bool jsonp;       /* asks for a script (v3) */
    bool has_sid;
    struct eio_session *session; /* of the sid, NULL when there is none */
};

/* ---- life ---- */

static struct sioc_str id_of(const void *session)
{
    return eio_session_id(session);
}

int eio_engine_init(struct eio_engine *e, struct net_loop *loop,
                    const struct eio_options *options, const struct eio_engine_ops *ops,
                    void *user, const struct http_cors *cors, struct metrics *metrics,
                    const struct log *log)
{
    *e = (struct eio_engine){.loop = loop,
                             .options = options,
                             .ops = ops,
                             .user = user,
                             .cors = cors,
                             .metrics = metrics,
                             .log = log};
    e->ws = (struct ws_config){.max_message_bytes = options->max_payload_bytes,
                               .max_queue_bytes = options->max_queue_bytes,
                               .max_pings = options->max_pings,
                               .share = {options->max_packets_per_turn, options->rate, metrics},
                               .close_timeout_ms = WS_CLOSE_TIMEOUT_MS,
                               .message_timeout_ms = options->message_timeout_ms,
                               .max_empty_fragments = options->max_empty_fragments,
                               .metrics = metrics,
                               .connections = &e->websockets};
    ws_pauses_init(&e->pauses, loop, PAUSE_MS);
    ws_pauses_init(&e->long_pauses, loop, LONG_PAUSE_MS);
    list_init(&e->websockets);
    keyset_init(&e->sessions, id_of);
    buf_init(&e->scratch);
    buf_init(&e->compressed);
    if (options->per_message_deflate &&
        !(e->ws.deflate = ws_deflate_pool_new(&options->deflate, metrics)))
        return SIOC_ENOMEM;
    e->ping = eio_frame_packet(STR("2"));
    e->pong = eio_frame_packet(STR("3"));
    return e->ping && e->pong ? 0 : SIOC_ENOMEM;
}

void eio_engine_deinit(struct eio_engine *e)
{
    keyset_deinit(&e->sessions);
    ws_pauses_deinit(&e->pauses);
    ws_pauses_deinit(&e->long_pauses);
    buf_deinit(&e->scratch);
    buf_deinit(&e->compressed);
    http_compressor_free(e->compressor);
    eio_frame_unref(e->ping);
    eio_frame_unref(e->pong);
    ws_deflate_pool_free(e->ws.deflate);
}

void eio_engine_end_sessions(struct eio_engine *e, const char *reason)
{
    uint32_t pos = 0;
    struct eio_session *s;
    while ((s = keyset_any(&e->sessions, &pos)))
        eio_session_fail(s, reason, "");
}

void eio_engine_close_all(struct eio_engine *e, const char *reason)
{
    e->closing = true;
    eio_engine_end_sessions(e, reason);
}

/* ---- refusing ---- */

static void refuse_origin(struct eio_engine *e, struct http_request *request)
{
    char clean[LOG_CLEAN_MAX * 4 + 4];
    struct sioc_str origin = http_cors_page(request);
    e->metrics->reject_origin++;
    log_write(e->log, SIOC_LOG_WARN,
              "refused a page from origin %s; to allow it: cors = { origin = \"%s\" }",
              log_clean(origin, clean), clean);
    eio_refuse(e, request, EIO_REFUSE_FORBIDDEN, "INVALID_ORIGIN", NOTHING);
}

/* ---- the request ---- */

static void read_query(struct eio_engine *e, const struct http_request *request,
                       struct query *ret)
{
    struct sioc_str query = request->head.query;
    *ret = (struct query){0};
    struct sioc_str value = url_query_get(query, STR("transport"), &e->scratch);
    if (str_eq(value, STR("polling")))
        ret->transport = TRANSPORT_POLLING;
    else if (str_eq(value, STR("websocket")))
        ret->transport = TRANSPORT_WEBSOCKET;
    /* Whatever is not 4 means 3 (protocol.md 1.2). */
    bool is_4 = str_eq(url_query_get(query, STR("EIO"), &e->scratch), STR("4"));
    ret->protocol = is_4 ? 4 : 3;
    ret->base64 = url_query_get(query, STR("b64"), &e->scratch).len > 0;
    ret->jsonp = !is_4 && url_query_get(query, STR("j"), &e->scratch).ptr;
    value = url_query_get(query, STR("sid"), &e->scratch);
    ret->has_sid = value.len > 0;
    if (ret->has_sid)
        ret->session = keyset_get(&e->sessions, value);
}

static bool transport_enabled(const struct eio_engine *e, const struct query *q)
{
    return (q->transport == TRANSPORT_POLLING && e->options->polling) ||
           (q->transport == TRANSPORT_WEBSOCKET && e->options->websocket);
}

/* All that can be said before somebody is asked; *ret_name tells bad requests apart. */
static enum eio_refusal check(const struct eio_engine *e, const struct http_request *request,
                              const struct query *q, const char **ret_name)
{
    bool upgrade = request->head.upgrade;
    if (!transport_enabled(e, q))
        return EIO_REFUSE_TRANSPORT;
    if (q->has_sid) {
        if (!q->session)
            return EIO_REFUSE_SID;
        *ret_name = "TRANSPORT_MISMATCH";
        if (!upgrade && (!q->session->polling || q->transport != TRANSPORT_POLLING))
            return EIO_REFUSE_REQUEST;
        *ret_name = "PROTOCOL_MISMATCH";
        return q->protocol == q->session->protocol ? EIO_ACCEPT : EIO_REFUSE_REQUEST;
    }
    if (request->head.method != HTTP_GET)
        return EIO_REFUSE_METHOD;
    *ret_name = "TRANSPORT_HANDSHAKE_ERROR";
    return q->transport == TRANSPORT_WEBSOCKET && !upgrade ? EIO_REFUSE_REQUEST : EIO_ACCEPT;
}

static bool speaks(const struct eio_engine *e, const struct query *q)
{
    return q->protocol == 4 || e->options->allow_eio3;
}

bool eio_engine_speaks(struct eio_engine *e, const struct http_request *request)
{
    struct query q;
    read_query(e, request, &q);
    return speaks(e, &q);
}

/* ---- new sessions ---- */

static struct eio_session *new_session(struct eio_engine *e, struct http_request *request,
                                       struct sioc_str sid)
{
    struct query q;
    struct eio_session *s = eio_session_new(e, request, sid);
    if (s) {
        read_query(e, request, &q);
        s->protocol = q.protocol;
        s->base64 = q.base64;
    }
    return s;
}

static void open_polling(struct eio_engine *e, struct http_request *request,
                         struct sioc_str sid)
{
    struct eio_session *s = new_session(e, request, sid);
    if (!s || eio_polling_start(s, request) < 0) {
        if (s)
            eio_session_fail(s, "transport error", "out of memory");
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    if (e->options->cookie.name)
        eio_cookie_put(&e->options->cookie, sioc_str(s->sid), &request->extra_headers);
    eio_polling_take_get(s->polling, request);
    eio_session_start(s);
}

static void open_websocket(struct eio_engine *e, struct http_request *request,
                           struct sioc_str sid)
{
    /* The session first: it copies from the request, which is gone once the stream was taken.
     */
    struct eio_session *s = new_session(e, request, sid);
    if (!s) {
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    struct ws_conn *ws = eio_websocket_accept(e, request, true, &eio_websocket_events, s);
    if (ws &&
        s->state == EIO_STATE_CLOSED) { /* by the application, that heard of the request */
        eio_websocket_drop(ws);
        return;
    }
    if (!ws) {
        eio_session_fail(s, "transport close", "");
        return;
    }
    eio_websocket_attach(s, ws);
    /* Who hears of the 101 hears the open packet, too (ws/pause.h). */
    ws_conn_pause(ws, s->protocol == 3 ? &e->long_pauses : &e->pauses);
    eio_session_start(s);
}

void eio_engine_open(struct eio_engine *e, struct http_request *request, struct sioc_str sid)
{
    if (request->head.upgrade)
        open_websocket(e, request, sid);
    else
        open_polling(e, request, sid);
}

/* A request that wants a new session; nobody needs to be asked as a rule. */
static void admit(struct eio_engine *e, struct http_request *request, const struct query *q)
{
    if (!http_request_has_room(request))
        eio_refuse_busy(request);
    else if (!http_request_may_open(request))
        eio_refuse_flood(request, "10");
    else if (e->asks_allow || e->asks_id)
        eio_admission_begin(e, request);
    else if (!speaks(e, q))
        eio_refuse(e, request, EIO_REFUSE_VERSION, NULL, NOTHING);
    else
        eio_engine_open(e, request, NOTHING);
}

static void handle_upgrade(struct eio_engine *e, struct http_request *request,
                           const struct query *q)
{
    if (q->transport == TRANSPORT_POLLING)
        eio_websocket_reject(e, request);
    else if (q->session)
        eio_upgrade_request(q->session, request, q->base64);
    else
        admit(e, request, q);
}

void eio_engine_handle(struct eio_engine *e, struct http_request *request)
{
    http_cors_apply(e->cors, request);
    if (!http_cors_allows(e->cors, request)) {
        refuse_origin(e, request);
        return;
    }
    if (http_cors_preflight(e->cors, request))
        return;
    struct query q;
    const char *name = NULL;
    if (e->asks_all && !e->ops->passes(e->user, request)) {
        eio_refuse(e, request, EIO_REFUSE_REQUEST, "MIDDLEWARE_FAILURE", NOTHING);
        return;
    }
    if (e->closing) { /* since the application was asked */
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    read_query(e, request, &q);
    if (q.session && eio_session_expired(q.session))
        q.session = NULL;
    if (q.jsonp && !http_cors_allows_script(e->cors, request)) {
        refuse_origin(e, request);
        return;
    }
    bool websocket_off = request->head.upgrade && !e->options->websocket;
    if (websocket_off)
        request->head.upgrade = false; /* then it is an ordinary request: E025 */
    enum eio_refusal why = check(e, request, &q, &name);
    if (why != EIO_ACCEPT)
        eio_refuse(e, request, why, name, NOTHING);
    else if (request->head.upgrade)
        handle_upgrade(e, request, &q);
    else if (q.session)
        eio_polling_request(q.session->polling, request);
    else
        admit(e, request, &q);
}
