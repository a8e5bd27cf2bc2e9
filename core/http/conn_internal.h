/* http/conn_internal.h -- the connection, as conn.c (life), request.c (in) and response.c (out)
 * share it.
 */
#ifndef HTTP_CONN_INTERNAL_H
#define HTTP_CONN_INTERNAL_H

#include "http/body.h"
#include "http/conn.h"
#include "net/loop.h"
#include "net/outq.h"
#include "net/timer.h"

enum http_phase {
    HTTP_PHASE_HEAD,      /* a head is awaited or half here */
    HTTP_PHASE_HANDLE,    /* the handler has the head; its body was not looked at yet */
    HTTP_PHASE_BODY,      /* the body is coming */
    HTTP_PHASE_WAIT,      /* the response is the handler's matter */
    HTTP_PHASE_SENDING,   /* the head is queued, its body comes in pieces */
    HTTP_PHASE_RESPONDED, /* the response is queued; the next head waits until it is out */
    HTTP_PHASE_DEAD,
};

enum http_deadline {
    HTTP_NO_DEADLINE,
    HTTP_DEADLINE_HEAD,
    HTTP_DEADLINE_IDLE,
    HTTP_DEADLINE_BODY,
    HTTP_DEADLINE_WRITE, /* the peer does not read */
};

struct http_conn {
    const struct http_config *config;
    struct net_stream *stream; /* owned; NULL when dead */
    struct list node;          /* in config->connections */
    struct http_peer *peer;    /* NULL when there is no gate */
    uint32_t requests;         /* that came */
    struct request *request;   /* in flight, or NULL */
    struct buf in;             /* came, but could not be used yet */
    struct sioc_str rest;      /* while feeding: what is behind the point reached */
    struct net_outq outq;
    struct net_task task;
    union {
        struct net_timer timer;
        struct net_garbage garbage; /* when dead */
    } end;
    uint64_t file_left; /* bytes of `file` that go behind the queue */
    uint64_t file_at;
    int file;        /* -1: none */
    uint32_t seen;   /* bytes of a half head that were parsed already */
    size_t skip;     /* bytes of a body nobody wants, which are in `rest` */
    uint8_t phase;   /* enum http_phase */
    uint8_t waiting; /* enum http_deadline */
    bool fresh;      /* no head has come yet */
    bool closing;    /* this response is the last thing */
    bool deaf;       /* what still comes is thrown away */
    bool feeding;
};

/* The body of a response that comes in pieces (pieces.c). */
struct http_pieces {
    uint64_t left; /* that were promised; not for chunks */
    bool chunked;
    bool counted;
    bool mute; /* to HEAD, or of a status without body: nothing is sent */
    bool full; /* the handler waits for `drained` */
};

/* What the handler sees, and what it does not; the head's bytes lie behind its headers.  A
 * request that hangs, as those of polling do, takes no more than it has said. */
struct request {
    struct http_request pub;
    struct http_body body;
    uint64_t body_since_ms; /* when the body began to come */
    struct http_pieces pieces;
    struct net_garbage garbage;
    size_t size; /* of all this */
    struct http_header headers[];
};

static inline struct request *http_request_private(struct http_request *request)
{
    return (struct request *)(void *)((char *)request - offsetof(struct request, pub));
}

/* conn.c */
/* The connection is over: the stream is closed and the memory goes with the garbage.  Calls
 * `aborted` if a request is open. */
void http_conn_end(struct http_conn *c, bool gently);
void http_conn_wake(struct http_conn *c); /* has the end of the turn look at the connection */

static inline void http_conn_clear_deadline(struct http_conn *c)
{
    c->waiting = HTTP_NO_DEADLINE;
    net_timer_stop(&c->end.timer);
}

/* request.c */
/* Uses as much of `bytes` as can be used now.  Returns how many, or all if the connection is
 * not interested any more. */
size_t http_conn_feed(struct http_conn *c, struct sioc_str bytes);
/* Takes the request that is in flight out of the connection; its memory goes at the turn's end.
 */
void http_conn_release(struct http_conn *c);
/* What came was no request: counts it, answers, hears nothing more. */
void http_conn_reject(struct http_conn *c, int status);
/* The same when a body goes wrong: its request is aborted. */
void http_conn_break(struct http_conn *c, int status);

/* response.c */
#define HTTP_LENGTH_CHUNKED (HTTP_LENGTH_UNKNOWN - 1)
/* Queues the head, with `copied` behind it, which is the body or empty; body_len is what
 * Content-Length says, or one of HTTP_LENGTH_...  *ret_send: a body may follow.  The request
 * stays on the connection.  On failure both are over. */
int http_conn_push_head(struct http_request *request, int status,
                        const struct http_field *fields, size_t field_count,
                        struct sioc_str copied, uint64_t body_len, bool *ret_send);
/* Writes what is pending.  0 when all is out, SIOC_EAGAIN, or SIOC_EIO. */
int http_conn_flush(struct http_conn *c);
/* Queues a whole response without fields as the last one: for what never was a request. */
void http_conn_refuse(struct http_conn *c, int status);
int http_conn_push(struct http_conn *c, struct sioc_str bytes);

/* pieces.c */
/* After writing: tells a handler that was told to wait. */
void http_pieces_drained(struct http_conn *c);

#endif
