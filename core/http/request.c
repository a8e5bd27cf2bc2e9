/* http/request.c -- from bytes to requests: heads, bodies, and what ends a request early.
 *
 * Bytes are parsed where they were read.  A head is copied into its request, so that its slices
 * live as long as the request does.
 * Knows no routes and no deadlines.  Invariants: after a handler was called, the connection is
 * looked at again only after a look at `phase`; a request leaves the connection exactly once
 * (http_conn_release), by response, abort or upgrade.
 */
#include "base/pool.h"
#include "http/conn_internal.h"

/* ---- the end of a request ---- */

static void free_request(struct net_loop *loop, struct net_garbage *garbage)
{
    struct request *r = LIST_ENTRY(garbage, struct request, garbage);
    buf_deinit(&r->pub.body);
    buf_deinit(&r->pub.extra_headers);
    pool_free(net_loop_pool(loop), r, r->size);
}

void http_conn_release(struct http_conn *c)
{
    struct request *r = c->request;
    c->request = NULL;
    r->pub.responded = true;
    net_loop_discard(net_stream_loop(c->stream), &r->garbage, free_request);
}

static void abort_request(struct http_conn *c)
{
    struct request *r = c->request;
    http_conn_release(c);
    if (r->pub.ops && r->pub.ops->aborted)
        r->pub.ops->aborted(&r->pub);
}

/* ---- heads ---- */

static struct sioc_str moved(struct sioc_str slice, const char *from, const char *to)
{
    /* Empty ones need not lie in the head. */
    return slice.len ? sioc_str_n(to + (slice.ptr - from), slice.len) : sioc_str_n("", 0);
}

/* bytes: the copy of the head at `from`; to->headers has room. */
static void move_head(struct http_head *to, const char *from, const char *bytes)
{
    to->method_name = moved(to->method_name, from, bytes);
    to->target = moved(to->target, from, bytes);
    to->path = moved(to->path, from, bytes);
    to->query = moved(to->query, from, bytes);
    to->host = moved(to->host, from, bytes);
    for (size_t i = 0; i < to->header_count; i++) {
        to->headers[i].name = moved(to->headers[i].name, from, bytes);
        to->headers[i].value = moved(to->headers[i].value, from, bytes);
    }
}

static struct request *new_request(struct http_conn *c, const struct http_head *head,
                                   struct sioc_str bytes)
{
    size_t headers_size = head->header_count * sizeof head->headers[0];
    size_t size = sizeof(struct request) + headers_size + bytes.len;
    struct request *r = pool_zalloc(net_loop_pool(c->outq.loop), size);
    if (!r)
        return NULL;
    r->size = size;
    r->pub.head = *head;
    r->pub.head.headers = r->headers;
    if (headers_size)
        memcpy(r->headers, head->headers, headers_size);
    char *copy = (char *)(r->headers + head->header_count);
    memcpy(copy, bytes.ptr, bytes.len);
    move_head(&r->pub.head, bytes.ptr, copy);
    r->pub.raw_head = sioc_str_n(copy, bytes.len);
    r->pub.conn = c;
    r->pub.max_body_bytes = c->config->max_body_bytes;
    buf_init(&r->pub.body);
    buf_init(&r->pub.extra_headers);
    return r;
}

void http_conn_reject(struct http_conn *c, int status)
{
    struct metrics *metrics = c->config->metrics;
    if (status == 431 || status == 414)
        metrics->reject_hdr_size++;
    else if (status != 408)
        metrics->reject_http_syntax++;
    http_conn_refuse(c, status);
}

/* A half head is parsed again only when that can tell something new, so that a head that comes
 * byte by byte costs no square. */
static bool worth_parsing(const struct http_conn *c)
{
    size_t seen = c->seen;
    return seen == 0 || c->rest.len >= c->config->limits.head_bytes ||
           (c->rest.len > seen && memchr(c->rest.ptr + seen, '\n', c->rest.len - seen));
}

static void begin_body(struct http_conn *c);

static void begin_request(struct http_conn *c, struct request *r)
{
    c->request = r;
    c->phase = HTTP_PHASE_HANDLE;
    c->fresh = false;
    http_conn_clear_deadline(c);
    if (!r->pub.head.keep_alive)
        c->closing = true;
    if (++c->requests == c->config->max_requests && !c->closing) {
        c->config->metrics->reject_keepalive++;
        c->closing = true;
    }
    c->config->handle(c->config->user, &r->pub);
    if (c->phase == HTTP_PHASE_HANDLE)
        begin_body(c);
}

/* Returns whether there is reason to look at the rest. */
static bool take_head(struct http_conn *c)
{
    struct http_header room[HTTP_MAX_HEADERS];
    struct http_head head;
    int status;
    if (c->rest.len == 0 || !worth_parsing(c))
        return false;
    int len = http_parse_head(c->rest, &c->config->limits, room, &head, &status);
    c->seen = len == 0 ? (uint32_t)c->rest.len : 0;
    if (len < 0)
        http_conn_reject(c, status);
    if (len <= 0)
        return false;
    struct request *r = new_request(c, &head, sioc_str_n(c->rest.ptr, (size_t)len));
    if (!r) {
        http_conn_end(c, false);
        return false;
    }
    c->rest = sioc_str_n(c->rest.ptr + len, c->rest.len - (size_t)len);
    begin_request(c, r);
    return true;
}

/* ---- bodies ---- */

static void complete(struct http_conn *c)
{
    struct request *r = c->request;
    c->phase = HTTP_PHASE_WAIT;
    if (r->pub.ops->complete)
        r->pub.ops->complete(&r->pub);
}

static void too_big(struct http_conn *c)
{
    struct request *r = c->request;
    c->config->metrics->reject_too_big++;
    c->phase = HTTP_PHASE_WAIT;
    c->closing = c->deaf = true; /* where the next head begins is not known */
    if (r->pub.ops->too_big)
        r->pub.ops->too_big(&r->pub);
    else
        http_respond(&r->pub, 413, NULL, 0, sioc_str_n(NULL, 0));
}

void http_conn_break(struct http_conn *c, int status)
{
    abort_request(c);
    if (c->phase != HTTP_PHASE_DEAD)
        http_conn_reject(c, status);
}

/* The handler has seen the head and wants the body, if there is one. */
static void begin_body(struct http_conn *c)
{
    struct request *r = c->request;
    const struct http_head *head = &r->pub.head;
    if (!r->pub.ops) { /* against the contract: it neither responded nor set them */
        http_respond_close(&r->pub, 500, NULL, 0, sioc_str_n(NULL, 0));
        return;
    }
    if (!head->chunked && head->content_length == 0) {
        complete(c);
        return;
    }
    if (head->content_length > r->pub.max_body_bytes) {
        too_big(c);
        return;
    }
    if (head->chunked)
        http_body_init_chunked(&r->body, r->pub.max_body_bytes);
    else
        http_body_init_length(&r->body, head->content_length, r->pub.max_body_bytes);
    c->phase = HTTP_PHASE_BODY;
    r->body_since_ms = net_loop_now_ms(net_stream_loop(c->stream));
    if (head->expect_continue && c->rest.len == 0 &&
        http_conn_push(c, sioc_str("HTTP/1.1 100 Continue\r\n\r\n")))
        http_conn_end(c, false);
}

static bool take_body(struct http_conn *c)
{
    struct request *r = c->request;
    int64_t n = http_body_read(&r->body, c->rest, &r->pub.body);
    if (n == SIOC_ETOOBIG) {
        too_big(c);
    } else if (n == SIOC_EPROTO) {
        http_conn_break(c, 400);
    } else if (n < 0) {
        http_conn_end(c, false);
    } else {
        c->rest = sioc_str_n(c->rest.ptr + n, c->rest.len - (size_t)n);
        if (http_body_complete(&r->body)) {
            complete(c);
            return true;
        }
    }
    return false;
}

/* ---- both ---- */

size_t http_conn_feed(struct http_conn *c, struct sioc_str bytes)
{
    bool more = true;
    c->rest = bytes;
    c->feeding = true;
    while (more && (c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY)) {
        more = c->phase == HTTP_PHASE_HEAD ? take_head(c) : take_body(c);
        bool begun = c->phase == HTTP_PHASE_RESPONDED || c->phase == HTTP_PHASE_SENDING;
        if (begun && c->skip) {
            c->rest = sioc_str_n(c->rest.ptr + c->skip, c->rest.len - c->skip);
            c->skip = 0;
        }
    }
    c->feeding = false;
    if (c->phase == HTTP_PHASE_DEAD || c->deaf)
        return bytes.len;
    return bytes.len - c->rest.len;
}
