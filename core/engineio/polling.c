/* engineio/polling.c -- see polling.h. */
#include "engineio/polling.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/utf8.h"
#include "engineio/eio3_polling.h"
#include "engineio/inflow.h"
#include "engineio/payload.h"
#include "engineio/websocket.h"

static void on_flush(struct net_task *task);

/* ---- life ---- */

static bool is_legacy_browser(const struct http_head *head)
{
    struct sioc_str agent = http_header_get(head, STR("user-agent"));
    return agent.len && (memmem(agent.ptr, agent.len, ";MSIE", 5) ||
                         memmem(agent.ptr, agent.len, "Trident/", 8));
}

int eio_polling_start(struct eio_session *session, struct http_request *handshake)
{
    struct eio_polling *p = pool_zalloc(net_loop_pool(session->engine->loop), sizeof *p);
    if (!p)
        return SIOC_ENOMEM;
    p->session = session;
    p->legacy_browser = is_legacy_browser(&handshake->head);
    p->jsonp = session->protocol == 3 && eio_v3_wants_jsonp(session);
    net_task_init(&p->flush, on_flush);
    session->polling = p;
    return 0;
}

static void drop_queue(struct eio_polling *p)
{
    for (size_t i = 0; i < p->count; i++)
        eio_frame_unref(p->queue[i]);
    p->count = 0;
    p->bytes = 0;
}

void eio_polling_free(struct net_loop *loop, struct eio_polling *p)
{
    if (!p)
        return;
    net_task_cancel(&p->flush);
    eio_inflow_drop(p);
    net_share_deinit(&p->share);
    drop_queue(p);
    mem_free(p->queue);
    pool_free(net_loop_pool(loop), p, sizeof *p);
}

/* ---- answers ---- */

static void respond(struct eio_polling *p, struct http_request *request, int status,
                    const char *type, enum http_coding coding, struct sioc_str body)
{
    struct http_field fields[4];
    size_t count = 0;
    if (type) {
        fields[count++] = (struct http_field){"Content-Type", sioc_str(type)};
        fields[count++] = (struct http_field){"Cache-Control", STR("no-store")};
    }
    if (coding != HTTP_IDENTITY)
        fields[count++] = (struct http_field){"Content-Encoding", http_coding_name(coding)};
    if (p->legacy_browser)
        fields[count++] = (struct http_field){"X-XSS-Protection", STR("0")};
    http_respond(request, status, fields, count, body);
}

static void refuse(struct eio_polling *p, struct http_request *request, int status)
{
    respond(p, request, status, NULL, HTTP_IDENTITY, STR(""));
}

/* Takes the pending GET and answers it. */
static void answer_get(struct eio_polling *p, const char *type, enum http_coding coding,
                       struct sioc_str payload)
{
    struct http_request *get = p->get;
    p->get = NULL;
    respond(p, get, 200, type, coding, payload);
}

/* Lets the application add headers, as the last thing before the answer is made. */
static void tell_headers(struct eio_polling *p, struct http_request *request)
{
    struct eio_engine *e = p->session->engine;
    if (e->tells_headers)
        e->ops->headers(e->user, request, !p->greeted);
    p->greeted = true;
}

static void answer_post(struct eio_polling *p, struct http_request *post)
{
    p->post = NULL;
    tell_headers(p, post);
    respond(p, post, 200, "text/html", HTTP_IDENTITY, STR("ok"));
}

/* ---- GET: the client receives ---- */

/* Whether some packet of the queue wants it (protocol.md 1.10); what we add ourselves, a noop
 * or a close, has no say. */
static bool wants_compression(const struct eio_polling *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->queue[i]->no_compress)
            return true;
    return false;
}

/* Answers with the payload, compressed if client and size ask for it.  Without memory for that
 * the plain payload will do. */
static void answer_payload(struct eio_polling *p, const char *type, bool may_compress,
                           struct sioc_str payload)
{
    struct eio_engine *e = p->session->engine;
    enum http_coding coding = HTTP_IDENTITY;
    size_t threshold = e->options->compress_bytes;
    if (may_compress && threshold && payload.len >= threshold)
        coding = http_coding_wanted(http_header_get(&p->get->head, STR("Accept-Encoding")));
    if (coding != HTTP_IDENTITY) {
        buf_reset(&e->compressed);
        if (!e->compressor)
            e->compressor = http_compressor_new();
        if (!e->compressor || http_compress(e->compressor, coding, payload, &e->compressed) < 0)
            coding = HTTP_IDENTITY;
        else
            payload = buf_str(&e->compressed);
    }
    answer_get(p, type, coding, payload);
}

/* Writes what is queued, then `last`; returns the content type. */
static const char *put_answer(const struct eio_polling *p, struct sioc_str last,
                              struct buf *payload)
{
    if (p->session->protocol == 3)
        return eio_v3_put_answer(p, last, payload);
    for (size_t i = 0; i < p->count; i++)
        eio_frame_to_payload(p->queue[i], payload);
    if (last.len && payload->len)
        buf_putc(payload, EIO_SEPARATOR);
    buf_put_str(payload, last);
    return EIO_TYPE_TEXT;
}

/* Everything that is queued, then `last` (packets as v4 joins them, or empty), as one payload.
 */
static void flush_to_get(struct eio_polling *p, struct sioc_str last)
{
    struct eio_session *session = p->session;
    struct buf *payload = &session->engine->scratch;
    bool drains = p->count > 0;
    if (drains)
        eio_session_tell(session, EIO_FLUSHING);
    if (p->get)
        tell_headers(p, p->get);
    if (!p->get)
        return; /* the application has closed the session: it was answered then */
    bool may_compress = wants_compression(p);
    buf_reset(payload);
    const char *type = put_answer(p, last, payload);
    drop_queue(p);
    if (payload->error) {
        struct http_request *get = p->get;
        p->get = NULL;
        http_conn_destroy(get->conn);
        return;
    }
    answer_payload(p, type, may_compress, buf_str(payload));
    if (drains)
        eio_session_tell(session, EIO_DRAINED);
}

void eio_polling_flush(struct eio_polling *p)
{
    if (p->get && p->count)
        flush_to_get(p, STR(""));
}

static void on_flush(struct net_task *task)
{
    eio_polling_flush(LIST_ENTRY(task, struct eio_polling, flush));
}

static void on_get_aborted(struct http_request *request)
{
    struct eio_polling *p = request->user;
    p->get = NULL;
    eio_session_fail(p->session, "transport error", "poll connection closed prematurely");
}

static void on_get_complete(struct http_request *request)
{
    (void)request; /* a body on a GET is of no interest; the answer comes from on_flush */
}

static const struct http_request_ops get_ops = {
    .complete = on_get_complete,
    .aborted = on_get_aborted,
};

static void overlap(struct eio_polling *p, struct http_request *second, const char *details)
{
    p->session->engine->metrics->reject_eio_overlap++;
    refuse(p, second, 400);
    eio_session_fail(p->session, "transport error", details);
}

/* A closing session that the client asks again: what is left, or the end ("6", "1":
 * protocol.md 1.14). */
static void finish_closing(struct eio_polling *p)
{
    if (p->count) {
        flush_to_get(p, STR(""));
        return;
    }
    flush_to_get(p, STR("6\x1e"
                        "1"));
    eio_session_fail(p->session, "forced close", "");
}

void eio_polling_take_get(struct eio_polling *p, struct http_request *request)
{
    if (p->get) {
        overlap(p, request, "overlap from client");
        return;
    }
    request->ops = &get_ops;
    request->user = p;
    p->get = request;
    if (p->session->state == EIO_STATE_CLOSING)
        finish_closing(p);
    else if (p->count)
        net_task_add(p->session->engine->loop, &p->flush);
}

/* ---- POST: the client sends ---- */

/* None of them is worked on: a client that sends so many is no client. */
static void refuse_packets(struct eio_polling *p, struct http_request *post)
{
    p->post = NULL;
    p->session->engine->metrics->reject_eio_packets++;
    refuse(p, post, 400);
    eio_session_fail(p->session, "parse error", "too many packets");
}

/* Text that is not UTF-8 is repaired: the reference replaces, it does not refuse.  False: too
 * many packets, and nothing was done. */
bool eio_polling_take_text(struct eio_polling *p, enum eio_form form, struct sioc_str text,
                           struct buf *scratch)
{
    struct buf repaired;
    if (utf8_valid(text))
        return eio_inflow_begin(p, form, text, scratch);
    buf_init(&repaired);
    utf8_repair(&repaired, text);
    buf_deinit(scratch);
    if (!repaired.error)
        return eio_inflow_begin(p, form, buf_str(&repaired), &repaired);
    buf_deinit(&repaired);
    eio_session_fail(p->session, "transport error", "out of memory");
    return true;
}

static void on_post_complete(struct http_request *request)
{
    struct eio_polling *p = request->user;
    struct buf none;
    bool fits;
    buf_init(&none);
    if (p->session->protocol == 3)
        fits = eio_v3_receive(p, request);
    else
        fits = eio_polling_take_text(p, EIO_FORM_V4, buf_str(&request->body), &none);
    if (!fits)
        refuse_packets(p, request);
    /* The session may have ended: eio_polling_close has answered then. */
    if (p->post == request && !p->inflow)
        answer_post(p, request);
}

void eio_polling_post_done(struct eio_polling *p)
{
    if (p->post)
        answer_post(p, p->post);
}

static void on_post_aborted(struct http_request *request)
{
    struct eio_polling *p = request->user;
    p->post = NULL;
    eio_session_fail(p->session, "transport error",
                     "data request connection closed prematurely");
}

static void on_post_too_big(struct http_request *request)
{
    struct eio_polling *p = request->user;
    p->post = NULL;
    http_respond_close(request, 413, NULL, 0, STR("")); /* the session lives on: E051 */
}

static const struct http_request_ops post_ops = {
    .complete = on_post_complete,
    .aborted = on_post_aborted,
    .too_big = on_post_too_big,
};

static void cut_post(struct eio_polling *p)
{
    struct http_request *post = p->post;
    p->post = NULL;
    if (post) {
        post->ops = &eio_forget_ops;
        http_conn_destroy(post->conn);
    }
}

static void take_post(struct eio_polling *p, struct http_request *request)
{
    if (p->post) {
        cut_post(p);
        overlap(p, request, "data request overlap from client");
        return;
    }
    struct sioc_str coding = http_header_get(&request->head, STR("content-encoding"));
    if (coding.len && !str_eq_nocase(coding, STR("identity"))) {
        p->session->engine->metrics->reject_encoding++; /* nothing is unpacked for a peer */
        refuse(p, request, 415);
        return;
    }
    struct sioc_str type = http_header_get(&request->head, STR("content-type"));
    if (p->session->protocol == 4 && str_eq(type, STR(EIO_TYPE_BYTES))) {
        refuse(p, request, 400);
        eio_session_fail(p->session, "transport error", "invalid content");
        return;
    }
    request->ops = &post_ops;
    request->user = p;
    request->max_body_bytes = p->session->engine->options->max_payload_bytes;
    p->post = request;
}

static void ignore(struct http_request *request)
{
    (void)request;
}

const struct http_request_ops eio_forget_ops = {.complete = ignore, .aborted = ignore};

void eio_polling_request(struct eio_polling *p, struct http_request *request)
{
    p->used = true;
    switch (request->head.method) {
    case HTTP_GET:
        eio_polling_take_get(p, request);
        break;
    case HTTP_POST:
        take_post(p, request);
        break;
    case HTTP_HEAD:
    case HTTP_PUT:
    case HTTP_DELETE:
    case HTTP_PATCH:
    case HTTP_OPTIONS:
    case HTTP_METHOD_OTHER:
        refuse(p, request, 500); /* as the reference does; the session lives on */
        break;
    }
}

/* ---- sending ---- */

int eio_polling_send(struct eio_polling *p, struct eio_frame *frame)
{
    if (p->bytes >= p->session->engine->options->max_queue_bytes)
        return SIOC_EFULL;
    if (mem_grow((void **)&p->queue, &p->cap, p->count + 1, sizeof *p->queue) < 0)
        return SIOC_ENOMEM;
    p->queue[p->count++] = eio_frame_ref(frame);
    p->bytes += frame->chunk.len;
    if (p->get)
        net_task_add(p->session->engine->loop, &p->flush);
    return 0;
}

size_t eio_polling_waiting(const struct eio_polling *p)
{
    size_t packets = 0;
    bool binary;
    struct sioc_str packet;
    for (size_t i = 0; i < p->count; i++)
        for (size_t pos = 0; eio_frame_next(p->queue[i], &pos, &binary, &packet);)
            packets++;
    return packets;
}

bool eio_polling_writable(const struct eio_polling *p)
{
    return p->get && p->count == 0;
}

bool eio_polling_can_close_now(const struct eio_polling *p)
{
    return p->get && p->count == 0;
}

/* ---- the end ---- */

void eio_polling_answer_close(struct eio_polling *p)
{
    if (p->get)
        flush_to_get(p, STR("6"));
}

void eio_polling_close(struct eio_polling *p)
{
    net_task_cancel(&p->flush);
    eio_inflow_drop(p);
    if (p->get)
        flush_to_get(p, STR("1"));
    if (!p->post)
        return;
    /* A POST whose body is being worked on gets its "ok" (protocol.md 1.7); one whose body
     * still comes is answered when it is complete, by nobody: the session is gone.  Both get
     * the same word now. */
    answer_post(p, p->post);
}

int eio_polling_move(struct eio_polling *p, struct ws_conn *ws)
{
    int error = 0;
    eio_inflow_finish(p);
    if (p->session->state == EIO_STATE_CLOSED)
        return 0;
    net_task_cancel(&p->flush);
    for (size_t i = 0; i < p->count && error == 0; i++)
        error = eio_websocket_carry(p->session, ws, p->queue[i]);
    drop_queue(p);
    if (p->get)
        flush_to_get(p, STR("6"));
    cut_post(p);
    return error;
}
