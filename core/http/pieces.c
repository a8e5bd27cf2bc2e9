/* http/pieces.c -- responses whose body comes in pieces, while the handler makes it.
 *
 * The body is framed as the head says: counted (Content-Length), in chunks (RFC 9112, 7.1), or
 * to a client of HTTP/1.0 up to the end of the connection.  What waits to be written is bounded
 * by the handler's own patience: it is told when to wait, and when to go on.
 * Invariant: the request stays on its connection from begin to end, and the bytes that were
 * promised are sent or the connection is closed.
 */
#include "base/buf.h"
#include "base/str.h"
#include "http/conn_internal.h"
#include <stdio.h>

#define HIGH_WATER 65536 /* bytes that wait: the handler is asked to */
#define LOW_WATER  16384 /* it may go on */

static struct http_pieces *pieces_of(struct http_request *request)
{
    return &http_request_private(request)->pieces;
}

static bool is_open(const struct http_request *request)
{
    return request->conn->phase == HTTP_PHASE_SENDING;
}

int http_respond_begin(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count, uint64_t len)
{
    struct http_conn *c = request->conn;
    bool send, counted = len != HTTP_LENGTH_UNKNOWN;
    bool chunked = !counted && request->head.minor > 0;
    if (request->responded)
        return SIOC_ESTATE;
    if (!counted && !chunked)
        c->closing = true; /* its end is the body's */
    int error = http_conn_push_head(request, status, fields, field_count, sioc_str_n("", 0),
                                    chunked ? HTTP_LENGTH_CHUNKED : len, &send);
    if (error)
        return error;
    *pieces_of(request) = (struct http_pieces){
        .left = len, .chunked = chunked, .counted = counted, .mute = !send};
    c->phase = HTTP_PHASE_SENDING;
    return 0;
}

/* The connection cannot go on. */
static int give_up(struct http_conn *c, int error)
{
    http_conn_release(c);
    http_conn_end(c, false);
    return error;
}

static int push_chunk(struct http_conn *c, struct sioc_str bytes)
{
    char size[20];
    int len = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    struct buf b;
    buf_init(&b);
    (void)buf_reserve(&b, (size_t)len + bytes.len + 2);
    buf_put(&b, size, (size_t)len);
    buf_put_str(&b, bytes);
    buf_put(&b, "\r\n", 2);
    int error = b.error ? b.error : http_conn_push(c, buf_str(&b));
    buf_deinit(&b);
    return error;
}

int http_respond_piece(struct http_request *request, struct sioc_str bytes)
{
    struct http_conn *c = request->conn;
    struct http_pieces *pieces = pieces_of(request);
    if (!is_open(request))
        return SIOC_ESTATE;
    if (pieces->mute || bytes.len == 0) /* an empty chunk would be the last */
        return 0;
    if (pieces->counted && bytes.len > pieces->left)
        return SIOC_ETOOBIG;
    int error = pieces->chunked ? push_chunk(c, bytes) : http_conn_push(c, bytes);
    if (error)
        return give_up(c, error);
    if (pieces->counted)
        pieces->left -= bytes.len;
    pieces->full = c->outq.bytes > HIGH_WATER;
    return pieces->full ? SIOC_EAGAIN : 0;
}

int http_respond_end(struct http_request *request)
{
    struct http_conn *c = request->conn;
    const struct http_pieces *pieces = pieces_of(request);
    int error = 0;
    if (!is_open(request))
        return SIOC_ESTATE;
    if (!pieces->mute && pieces->counted && pieces->left)
        return give_up(c, SIOC_EINVAL);
    if (!pieces->mute && pieces->chunked)
        error = http_conn_push(c, STR("0\r\n\r\n"));
    if (error)
        return give_up(c, error);
    http_conn_release(c);
    c->phase = HTTP_PHASE_RESPONDED;
    http_conn_wake(c);
    return 0;
}

void http_pieces_drained(struct http_conn *c)
{
    if (c->phase != HTTP_PHASE_SENDING || c->outq.bytes > LOW_WATER)
        return;
    struct request *r = c->request;
    if (!r->pieces.full)
        return;
    r->pieces.full = false;
    r->pub.ops->drained(&r->pub);
}
