/* engineio/polling.h -- the HTTP long-polling transport (protocol.md 1.6, 1.7).
 *
 * Packets wait here until a GET takes them all; each POST brings a payload.  At most one GET
 * and one POST are open at a time: a second one is an error of the client that ends the
 * session. Invariant: `get` and `post` are requests without an answer yet.
 */
#ifndef ENGINEIO_POLLING_H
#define ENGINEIO_POLLING_H

#include "engineio/session.h"

#define EIO_TYPE_TEXT  "text/plain; charset=UTF-8" /* of payloads */
#define EIO_TYPE_BYTES "application/octet-stream"  /* of those in the binary form of v3 */

struct eio_inflow;
struct eio_upgrade;

struct eio_polling {
    struct eio_session *session;
    struct eio_upgrade *upgrade; /* a probing WebSocket, or NULL */
    struct http_request *get, *post;
    struct eio_frame **queue;
    size_t count, cap;
    size_t bytes; /* in the queue */
    struct net_task flush;
    struct net_share share;
    struct eio_inflow *inflow; /* packets of `post` that wait, or NULL */
    bool used;                 /* the client has come again after the handshake */
    bool greeted;              /* the session's first answer is out */
    bool jsonp;                /* v3: answers are scripts, bodies are forms */
    bool legacy_browser;       /* old IE: its answers carry X-XSS-Protection: 0 */
};

/* Makes `session` a polling session.  0 or SIOC_ENOMEM. */
int eio_polling_start(struct eio_session *session, struct http_request *handshake);
/* Accepts NULL; drops what is queued.  The engine may be gone. */
void eio_polling_free(struct net_loop *loop, struct eio_polling *polling);

/* A request that belongs to the session. */
void eio_polling_request(struct eio_polling *polling, struct http_request *request);
/* Answers the handshake request itself: it takes what is queued, as any GET. */
void eio_polling_take_get(struct eio_polling *polling, struct http_request *request);
/* Answers a pending GET now, if something is queued, and not at the end of the turn. */
void eio_polling_flush(struct eio_polling *polling);

int eio_polling_send(struct eio_polling *polling,
                     struct eio_frame *frame);                 /* 0, EFULL, ENOMEM */
size_t eio_polling_waiting(const struct eio_polling *polling); /* packets that are queued */
bool eio_polling_writable(const struct eio_polling *polling);
/* Whether an orderly close can be told now: a GET is pending and nothing else waits to go. */
bool eio_polling_can_close_now(const struct eio_polling *polling);

/* All that the POST has brought was worked on. */
void eio_polling_post_done(struct eio_polling *polling);
/* The client sent a close packet: a pending GET is answered with a noop. */
void eio_polling_answer_close(struct eio_polling *polling);
/* The session has ended: a pending GET gets what is queued and a close packet, a pending POST
 * its ok. */
void eio_polling_close(struct eio_polling *polling);
/* The session moves to a WebSocket: what is queued is sent to `ws` in order, a pending GET gets
 * a noop, an unfinished POST is cut. */
int eio_polling_move(struct eio_polling *polling, struct ws_conn *ws);

#endif
