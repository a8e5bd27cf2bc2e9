/* http/response.c -- the way out: response heads, bodies, files.
 *
 * A head (with a small body) is built right behind the chunk it becomes: one allocation for a
 * response.  Files are read a piece at a time into the loop's scratch, when all before them is
 * out.  Knows no routes.
 * Invariants: no byte of a field can end its line; a response leaves the connection in
 * HTTP_PHASE_RESPONDED or dead.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/chars.h"
#include "http/conn_internal.h"
#include <errno.h>
#include <unistd.h>

#define HEAD_ESTIMATE  256   /* status line, Content-Length, Date, Connection */
#define FILE_PIECE     65536 /* read and written at once */
#define FILE_PER_TURN  8     /* pieces; other connections want their turn */
#define MAX_COPY_BYTES (1u << 30)

_Static_assert(FILE_PIECE <= NET_WRITE_BUFFER_BYTES, "a piece fits into the scratch");

/* ---- chunks that grow ---- */

static void free_grown(struct net_chunk *chunk)
{
    mem_free(chunk);
}

/* Leaves room for the chunk at the front of `b`. */
static void grown_begin(struct buf *b, size_t estimate)
{
    buf_init(b);
    (void)buf_reserve(b, sizeof(struct net_chunk) + estimate);
    if (!b->error)
        buf_commit(b, sizeof(struct net_chunk));
}

static struct net_chunk *grown_end(struct buf *b)
{
    size_t len;
    struct net_chunk *chunk = (struct net_chunk *)(void *)buf_steal(b, &len);
    if (!chunk)
        return NULL;
    atomic_init(&chunk->refs, 1);
    chunk->len = (uint32_t)(len - sizeof *chunk);
    chunk->bytes = (uint8_t *)(chunk + 1);
    chunk->free = free_grown;
    return chunk;
}

/* ---- heads ---- */

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* What the connection says itself; from a handler it would contradict. */
static bool is_ours(struct sioc_str name)
{
    return str_eq_nocase(name, STR("content-length")) ||
           str_eq_nocase(name, STR("transfer-encoding")) ||
           str_eq_nocase(name, STR("connection")) || str_eq_nocase(name, STR("date"));
}

static bool is_sound(const struct http_field *field)
{
    struct sioc_str name = sioc_str(field->name);
    for (size_t i = 0; i < name.len; i++)
        if (!http_is_token_char((uint8_t)name.ptr[i]))
            return false;
    for (size_t i = 0; i < field->value.len; i++)
        if (!http_is_value_char((uint8_t)field->value.ptr[i]))
            return false;
    return name.len > 0 && !is_ours(name);
}

static void put_fields(struct buf *b, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_sound(&fields[i]))
            continue;
        buf_put_str(b, sioc_str(fields[i].name));
        buf_put(b, ": ", 2);
        buf_put_str(b, fields[i].value);
        buf_put(b, "\r\n", 2);
    }
}

static void put_status(struct buf *b, int status)
{
    buf_put_str(b, STR("HTTP/1.1 "));
    buf_put_u64(b, (uint64_t)status);
    buf_putc(b, ' ');
    buf_put_str(b, sioc_str(http_status_text(status)));
    buf_put(b, "\r\n", 2);
}

static void put_own_fields(struct buf *b, const struct http_conn *c, int minor, int status,
                           uint64_t body_len)
{
    char date[30];
    if (has_body(status) && body_len == HTTP_LENGTH_CHUNKED) {
        buf_put_str(b, STR("Transfer-Encoding: chunked\r\n"));
    } else if (has_body(status) && body_len != HTTP_LENGTH_UNKNOWN) {
        buf_put_str(b, STR("Content-Length: "));
        buf_put_u64(b, body_len);
        buf_put(b, "\r\n", 2);
    }
    clock_http_date(clock_wall_ms(), date);
    buf_put_str(b, STR("Date: "));
    buf_put_str(b, sioc_str(date));
    buf_put(b, "\r\n", 2);
    if (c->closing)
        buf_put_str(b, STR("Connection: close\r\n"));
    else if (minor == 0)
        buf_put_str(b, STR("Connection: keep-alive\r\n"));
    buf_put(b, "\r\n", 2);
}

/* ---- responding ---- */

/* A body that nobody has read or will: if all of it has come already it is passed over, else
 * the connection cannot be used again. */
static void leave_body(struct http_conn *c, const struct http_head *head)
{
    bool unread = c->phase == HTTP_PHASE_BODY ||
                  (c->phase == HTTP_PHASE_HANDLE && (head->chunked || head->content_length));
    if (!unread)
        return;
    if (c->phase == HTTP_PHASE_HANDLE && !head->chunked && head->content_length <= c->rest.len)
        c->skip = (size_t)head->content_length;
    else
        c->closing = c->deaf = true;
}

int http_conn_push_head(struct http_request *request, int status,
                        const struct http_field *fields, size_t field_count,
                        struct sioc_str copied, uint64_t body_len, bool *ret_send)
{
    struct http_conn *c = request->conn;
    bool send = has_body(status) && request->head.method != HTTP_HEAD;
    struct buf b;
    if (request->responded)
        return SIOC_ESTATE;
    leave_body(c, &request->head);
    grown_begin(&b, HEAD_ESTIMATE + field_count * 48 + request->extra_headers.len +
                        (send ? copied.len : 0));
    put_status(&b, status);
    put_fields(&b, fields, field_count);
    if (request->extra_headers.error)
        b.error = request->extra_headers.error; /* better none than one without CORS */
    buf_put_str(&b, buf_str(&request->extra_headers));
    put_own_fields(&b, c, request->head.minor, status, body_len);
    if (send)
        buf_put_str(&b, copied);
    struct net_chunk *chunk = grown_end(&b);
    buf_deinit(&b);
    int error = chunk ? net_outq_push(&c->outq, chunk) : SIOC_ENOMEM;
    net_chunk_unref(chunk);
    if (error) {
        http_conn_release(c);
        http_conn_end(c, false);
        return error;
    }
    request->responded = true;
    http_conn_wake(c);
    *ret_send = send;
    return 0;
}

/* The head, and the request is done with; *ret_send tells whether a body that is not copied is
 * to follow. */
static int begin_response(struct http_request *request, int status,
                          const struct http_field *fields, size_t field_count,
                          struct sioc_str copied, uint64_t body_len, bool *ret_send)
{
    struct http_conn *c = request->conn;
    int error =
        http_conn_push_head(request, status, fields, field_count, copied, body_len, ret_send);
    if (error)
        return error;
    http_conn_release(c);
    c->phase = HTTP_PHASE_RESPONDED;
    return 0;
}

int http_respond(struct http_request *request, int status, const struct http_field *fields,
                 size_t field_count, struct sioc_str body)
{
    bool send;
    if (body.len > MAX_COPY_BYTES)
        return SIOC_ETOOBIG;
    return begin_response(request, status, fields, field_count, body, body.len, &send);
}

int http_respond_chunk(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count,
                       struct net_chunk *body)
{
    struct http_conn *c = request->conn;
    bool send;
    int error = begin_response(request, status, fields, field_count, sioc_str_n(NULL, 0),
                               body->len, &send);
    if (error || !send)
        return error;
    error = net_outq_push(&c->outq, body);
    if (error)
        http_conn_end(c, false);
    return error;
}

int http_respond_file(struct http_request *request, int status, const struct http_field *fields,
                      size_t field_count, int fd, uint64_t len)
{
    struct http_conn *c = request->conn;
    bool send;
    int error =
        begin_response(request, status, fields, field_count, sioc_str_n(NULL, 0), len, &send);
    if (error || !send || len == 0) {
        close(fd);
        return error;
    }
    off_t start = lseek(fd, 0, SEEK_CUR);
    c->file = fd;
    c->file_at = start > 0 ? (uint64_t)start : 0;
    c->file_left = len;
    return 0;
}

int http_respond_close(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count,
                       struct sioc_str body)
{
    if (request->responded)
        return SIOC_ESTATE;
    request->conn->closing = true;
    return http_respond(request, status, fields, field_count, body);
}

int http_conn_push(struct http_conn *c, struct sioc_str bytes)
{
    struct net_chunk *chunk = net_chunk_new(bytes);
    if (!chunk)
        return SIOC_ENOMEM;
    int error = net_outq_push(&c->outq, chunk);
    net_chunk_unref(chunk);
    if (!error)
        http_conn_wake(c);
    return error;
}

/* The last bytes of the connection. */
static void push_last(struct http_conn *c, struct sioc_str bytes)
{
    c->closing = c->deaf = true;
    c->phase = HTTP_PHASE_RESPONDED;
    if (http_conn_push(c, bytes))
        http_conn_end(c, false);
}

void http_respond_raw_close(struct http_request *request, struct sioc_str raw)
{
    struct http_conn *c = request->conn;
    if (request->responded)
        return;
    http_conn_release(c);
    push_last(c, raw);
}

void http_conn_refuse(struct http_conn *c, int status)
{
    struct buf b;
    buf_init(&b);
    put_status(&b, status);
    buf_put_str(&b, STR("Connection: close\r\nContent-Length: 0\r\n\r\n"));
    if (b.error)
        http_conn_end(c, false);
    else
        push_last(c, buf_str(&b));
    buf_deinit(&b);
}

/* ---- writing ---- */

/* One piece of the file.  Bytes written, 0 when the peer takes none now, or SIOC_EIO. */
static int64_t send_piece(struct http_conn *c)
{
    uint8_t *scratch = net_loop_scratch(net_stream_loop(c->stream));
    size_t want = c->file_left < FILE_PIECE ? (size_t)c->file_left : FILE_PIECE;
    ssize_t have;
    do
        have = pread(c->file, scratch, want, (off_t)c->file_at);
    while (have < 0 && errno == EINTR);
    if (have <= 0) /* shorter than it was: what was promised cannot be kept */
        return SIOC_EIO;
    struct net_span span = {scratch, (size_t)have};
    int64_t taken = net_stream_write(c->stream, &span, 1);
    if (taken > 0) {
        c->file_at += (uint64_t)taken;
        c->file_left -= (uint64_t)taken;
    }
    return taken;
}

static int send_file(struct http_conn *c)
{
    for (int i = 0; i < FILE_PER_TURN && c->file_left; i++) {
        int64_t taken = send_piece(c);
        if (taken < 0)
            return (int)taken;
        if (taken == 0)
            break;
    }
    if (c->file_left) {
        net_stream_want_write(c->stream);
        return SIOC_EAGAIN;
    }
    close(c->file);
    c->file = -1;
    return 0;
}

int http_conn_flush(struct http_conn *c)
{
    int result = net_outq_flush(&c->outq, c->stream);
    return result == 0 && c->file >= 0 ? send_file(c) : result;
}
