/* engineio/refuse.c -- see refuse.h. */
#include "engineio/refuse.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/json_write.h"
#include "engineio/session.h"
#include "http/url.h"
#include "ws/handshake.h"

static const char *const texts[] = {
    "Transport unknown", "Session ID unknown", "Bad handshake method",
    "Bad request",       "Forbidden",          "Unsupported protocol version",
};

static void put_fact(struct eio_refused *r, const char *name, struct sioc_str value)
{
    r->facts[r->fact_count++] = (struct eio_fact){name, value};
}

/* A parameter of the query; decoded into `scratch` where that is needed. */
static struct sioc_str parameter(const struct http_request *request, struct sioc_str name,
                                 struct buf *scratch)
{
    return url_query_get(request->head.query, name, scratch);
}

static void put_bad_request(const struct eio_engine *e, const struct http_request *request,
                            const char *name, struct buf *scratch, struct eio_refused *r)
{
    put_fact(r, "name", sioc_str(name));
    if (strcmp(name, "TRANSPORT_MISMATCH") == 0) {
        const struct eio_session *s =
            keyset_get(&e->sessions, parameter(request, STR("sid"), scratch));
        if (s)
            put_fact(r, "previousTransport", sioc_str(eio_session_transport(s)));
        put_fact(r, "transport", parameter(request, STR("transport"), scratch));
    }
}

static void put_facts(const struct eio_engine *e, const struct http_request *request,
                      const char *name, struct sioc_str text, struct buf *scratch,
                      struct eio_refused *r)
{
    switch ((enum eio_refusal)r->code) {
    case EIO_REFUSE_TRANSPORT:
        put_fact(r, "transport", parameter(request, STR("transport"), scratch));
        break;
    case EIO_REFUSE_SID:
        put_fact(r, "sid", parameter(request, STR("sid"), scratch));
        break;
    case EIO_REFUSE_METHOD:
        put_fact(r, "method", request->head.method_name);
        break;
    case EIO_REFUSE_REQUEST:
        put_bad_request(e, request, name ? name : "", scratch, r);
        break;
    case EIO_REFUSE_FORBIDDEN:
        if (name) {
            put_fact(r, "name", sioc_str(name));
            put_fact(r, "origin", http_header_get(&request->head, STR("origin")));
        }
        put_fact(r, "message", text);
        break;
    case EIO_REFUSE_VERSION:
        put_fact(r, "protocol", STR("3")); /* whatever is not 4 is taken for it */
        break;
    case EIO_ACCEPT:
        break;
    }
}

static void tell(struct eio_engine *e, struct http_request *request, enum eio_refusal why,
                 const char *name, struct sioc_str text)
{
    struct eio_refused told = {.code = (int)why, .message = sioc_str(texts[why])}, *r = &told;
    struct buf scratch;
    if (!e->ops->refused)
        return;
    buf_init(&scratch);
    put_facts(e, request, name, text, &scratch, r);
    e->ops->refused(e->user, request, r);
    buf_deinit(&scratch);
}

/* "HTTP 403" is for those who did not ask for an upgrade; see protocol.md 1.4. */
static void answer_upgrade(struct http_request *request, bool foreign, struct sioc_str message)
{
    struct buf raw;
    buf_init(&raw);
    ws_handshake_refuse(&raw, foreign ? 403 : 400, message);
    http_respond_raw_close(request, buf_str(&raw));
    buf_deinit(&raw);
}

static void answer_json(struct http_request *request, enum eio_refusal why,
                        struct sioc_str message)
{
    struct http_field type = {"Content-Type", STR("application/json")};
    struct buf body;
    buf_init(&body);
    buf_printf(&body, "{\"code\":%d,\"message\":", (int)why);
    json_put_string(&body, message);
    buf_putc(&body, '}');
    http_respond(request, why == EIO_REFUSE_FORBIDDEN ? 403 : 400, &type, 1, buf_str(&body));
    buf_deinit(&body);
}

void eio_refuse(struct eio_engine *e, struct http_request *request, enum eio_refusal why,
                const char *name, struct sioc_str text)
{
    bool foreign = why == EIO_REFUSE_FORBIDDEN && name;
    if (!text.ptr || !utf8_valid(text))
        text = sioc_str(texts[why]);
    e->metrics->reject_handshake++;
    if (why == EIO_REFUSE_SID)
        e->metrics->reject_sid_unknown++;
    if (name && strstr(name, "_MISMATCH"))
        e->metrics->reject_sid_mismatch++;
    tell(e, request, why, name, text);
    if (why == EIO_REFUSE_SID && !http_request_may_not_know(request))
        eio_refuse_flood(request, "60");
    else if (request->head.upgrade)
        answer_upgrade(request, foreign, text);
    else
        answer_json(request, why, text);
}

void eio_refuse_busy(struct http_request *request)
{
    struct http_field retry = {"Retry-After", STR("1")};
    http_respond_close(request, 503, &retry, 1, STR(""));
}

void eio_refuse_flood(struct http_request *request, const char *retry_after_s)
{
    struct http_field retry = {"Retry-After", sioc_str(retry_after_s)};
    http_respond_close(request, 429, &retry, 1, STR(""));
}
