/* http/conn.h -- an HTTP/1.1 connection on a stream: heads in, responses out, one request in
 * flight.
 *
 * Pipelined bytes wait until the response before them is complete.  Every accepted request ends
 * in a response or a close before a deadline (header, body and keep-alive timers; a response
 * that a handler never gives is the handler's matter, polling GETs may hang).  Responses are
 * written once per turn. Knows no routes: the handler gets each head. Invariant:
 * `request->aborted` or the response comes exactly once for each head handed out.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "http/gate.h"
#include "http/parser.h"
#include "net/stream.h"

struct http_request;
struct http_conn;

/* What a server is to its connections; borrowed, outlives them. */
struct http_config {
    struct http_limits limits;
    uint64_t header_timeout_ms; /* from the first byte (or the accept) to the end of the head */
    uint64_t body_timeout_ms;   /* from the head to the end of the body */
    uint32_t min_body_rate;     /* bytes per second, after the first 2 s; 0: any */
    uint64_t keepalive_timeout_ms; /* between a response and the next head */
    size_t max_body_bytes;         /* default for http_request.max_body_bytes */
    uint32_t max_requests;         /* on one connection; 0: no limit */
    struct http_gate *gate;        /* who may come; NULL: everyone */
    struct metrics *metrics;
    const struct log *log;
    /* Gets each request when its head is complete; must set `ops`, or respond at once. */
    void (*handle)(void *user, struct http_request *request);
    void *user;
    struct list *connections; /* every open http_conn is linked here (http_conns_close) */
};

struct http_request_ops {
    /* The body is complete in request->body.  Respond now or later. */
    void (*complete)(struct http_request *request);
    /* The connection is gone before the response was complete: forget the request.  Also called
     * when the body broke (bad chunk, timeout). */
    void (*aborted)(struct http_request *request);
    /* The body exceeds max_body_bytes: NULL = answer 413 with an empty body and close.
     * Otherwise the handler must respond. */
    void (*too_big)(struct http_request *request);
    /* After http_respond_piece has said SIOC_EAGAIN: more may come.  May be NULL for others. */
    void (*drained)(struct http_request *request);
};

struct http_request {
    struct http_conn *conn;
    struct http_head
        head; /* valid until the response is complete (or the request is aborted) */
    struct sioc_str raw_head; /* the bytes of it; the same */
    struct buf body;          /* the same */
    size_t max_body_bytes;    /* the handler may lower or raise it when it gets the head */
    const struct http_request_ops *ops;
    void *user;             /* the handler's */
    struct sioc_str params; /* the router's */
    struct buf
        extra_headers; /* complete lines "Name: value\r\n" that go into the response (CORS) */
    bool responded;
};

/* Takes the stream.  On ENOMEM it is closed. */
void http_conn_open(const struct http_config *config, struct net_stream *stream);
/* Closes all connections of the config: those without a request at once; those with one when
 * their response is out.  The config must stay until `connections` is empty. */
void http_conns_close(const struct http_config *config);
/* Closes all of them now, whatever is going on. */
void http_conns_destroy(const struct http_config *config);
/* Closes this connection now, whatever is going on; `aborted` is called if a request is open.
 */
void http_conn_destroy(struct http_conn *conn);

/* Asks the gate about the request's address: false = too many from there. */
bool http_request_may_open(struct http_request *request);     /* a session */
bool http_request_may_not_know(struct http_request *request); /* a session id */
/* False: memory is short (counted). */
bool http_request_has_room(struct http_request *request);

struct net_stream *http_request_stream(struct http_request *request); /* borrowed */

/* One header of a response; values are checked (no CR, LF, NUL): bad ones are left out. */
struct http_field {
    const char *name;
    struct sioc_str value;
};

/* Responds.  Content-Length, Connection and Date are added.  body is copied; a HEAD request
 * gets the headers only.  0, or SIOC_ENOMEM (the connection is closed), SIOC_ESTATE (responded
 * already). The request is gone after this. */
int http_respond(struct http_request *request, int status, const struct http_field *fields,
                 size_t field_count, struct sioc_str body);
/* The same with a counted body that is not copied. */
struct net_chunk;
int http_respond_chunk(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count,
                       struct net_chunk *body);
/* The same with `len` bytes of an open file from where it stands; the descriptor is taken. */
int http_respond_file(struct http_request *request, int status, const struct http_field *fields,
                      size_t field_count, int fd, uint64_t len);
/* The same in pieces: begin, then pieces, then the end; the request lasts until then.
 *   len  of the body, or HTTP_LENGTH_UNKNOWN (chunks; to HTTP/1.0, up to the connection's end)
 * piece: bytes are copied.  0, or SIOC_EAGAIN: taken, but much waits to be written, so the
 * handler should wait for `drained`.  SIOC_ETOOBIG: more than `len`, nothing was taken.
 * end: SIOC_EINVAL: less than `len` came, so the connection is closed.
 * All: SIOC_ESTATE out of order, SIOC_ENOMEM: the connection is closed, without `aborted`. */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX
int http_respond_begin(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count, uint64_t len);
int http_respond_piece(struct http_request *request, struct sioc_str bytes);
int http_respond_end(struct http_request *request);
/* Refuses and closes the connection after the answer. */
int http_respond_close(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count,
                       struct sioc_str body);
/* Writes `raw` as the last bytes of the connection, then closes it gently (failed upgrades). */
void http_respond_raw_close(struct http_request *request, struct sioc_str raw);

/* For upgrades: takes the stream away from the connection, which is gone after this together
 * with the request; its head may be read until the end of the turn.
 *   response   written first, e.g. the 101 head
 *   ret_rest   bytes that came behind the head already (mem_free), NULL when there are none
 * Returns the stream (taken), without owner, or NULL when the peer is gone; `aborted` is not
 * called in either case. */
struct net_stream *http_upgrade(struct http_request *request, struct sioc_str response,
                                uint8_t **ret_rest, size_t *ret_rest_len);

const char *http_status_text(int status);

#endif
