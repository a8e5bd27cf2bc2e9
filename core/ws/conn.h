/* ws/conn.h -- a WebSocket connection on a stream: messages in, chunks out, the closing
 * handshake.
 *
 * Output is queued and written once at the end of the turn.  16 pongs are pending at most, and
 * the newest behind them.  A peer that sends more than its share (net/share.h) is read from
 * later.  After ws_conn_close a close frame is sent behind what is queued,
 * input is ignored but for the peer's close frame, and the TCP connection ends when that came
 * or after 30 s. Knows nothing of Engine.IO.  Invariant: `closed` comes exactly once, and
 * nothing after it; the connection frees itself at the end of the turn in which the stream is
 * done.
 */
#ifndef WS_CONN_H
#define WS_CONN_H

#include "base/list.h"
#include "base/metric.h"
#include "net/chunk.h"
#include "net/share.h"
#include "net/stream.h"
#include "ws/message.h"
#include "ws/pause.h"
#include "ws/variants.h"

struct ws_conn;

enum ws_closed_by {
    WS_CLOSED_BY_PEER = 1, /* close frame, FIN or reset */
    WS_CLOSED_BY_ERROR, /* the peer broke the protocol; a close frame with `status` was sent */
    WS_CLOSED_BY_US,    /* never told by `closed`; for those who note why it ended */
};

struct ws_conn_events {
    void (*message)(void *user, bool binary, uint8_t *bytes, size_t len);
    /* The connection is over for its user, who must forget it: no further event comes.  Never
     * called from inside ws_conn_send, nor after ws_conn_close or ws_conn_destroy.
     *   status  1005 = empty close frame, 1006 = no close frame at all
     *   reason  the close frame's; BY_ERROR: what was wrong (fault.h), NUL-terminated */
    void (*closed)(void *user, enum ws_closed_by by, uint16_t status, struct sioc_str reason);
    /* Optional: what was queued is about to be written.  Also called when the rest of what did
     * not fit is. */
    void (*flushing)(void *user);
    /* Optional: everything queued has been handed to the kernel. */
    void (*drained)(void *user);
    /* Optional: an answer to ws_conn_ping, or a pong that nobody asked for. */
    void (*pong)(void *user);
};

struct ws_config {
    size_t max_message_bytes;
    size_t max_queue_bytes;       /* see ws_conn_send */
    uint64_t close_timeout_ms;    /* waiting for the peer's close frame */
    uint64_t message_timeout_ms;  /* a started message or frame must be complete after that; 0:
                                     none */
    uint32_t max_pings;           /* within 10 s; 0: 50 */
    uint16_t max_empty_fragments; /* of one message; 0: 32 */
    struct net_share_limits share;
    struct metrics *metrics;
    struct ws_deflate_pool *deflate; /* borrowed; NULL: offers of compression are ignored */
    struct list *connections;        /* every open ws_conn is linked here; NULL: not */
};

/* Takes the stream.  config, events: borrowed, outlive the connection.
 *   rest  bytes that came behind the upgrade request already; they are fed in the next turn end
 * 0, or SIOC_ENOMEM (stream closed). */
int ws_conn_open(const struct ws_config *config, struct net_stream *stream,
                 struct sioc_str rest, const struct ws_conn_events *events, void *user,
                 struct ws_conn **ret_conn);
/* Right after ws_conn_open: compression was agreed upon.  deflate: taken. */
void ws_conn_set_deflate(struct ws_conn *conn, struct ws_deflate *deflate);
/* For the session that changes hands (upgrade): from now on, events go there. */
void ws_conn_set_user(struct ws_conn *conn, const struct ws_conn_events *events, void *user);

/* Queues complete frames (already framed bytes).  Takes its own reference.  0, SIOC_ENOMEM,
 * SIOC_ECLOSED, or SIOC_EFULL: more than max_queue_bytes were pending already and a flush on
 * the spot did not help; the chunk was not queued (the caller decides what becomes of the slow
 * reader). */
int ws_conn_send(struct ws_conn *conn, struct net_chunk *chunk);
/* The same in the form that the connection has agreed to: compressed, when it is, once for all
 * that share `variants`; these belong to the chunk. */
int ws_conn_send_shared(struct ws_conn *conn, struct net_chunk *chunk,
                        struct ws_variants *variants);
/* Begins a message of `len` bytes for this peer alone: its payload is to be written to where
 * the result points, before anything else is done.  The way of small messages to one client: no
 * frame is allocated, counted, copied and freed (700 instructions), for they gather in a buffer
 * until the turn's end.
 *   ret_error  when NULL is returned: as ws_conn_send; SIOC_ETOOBIG: not this way, it is too
 * long for that, or would have to be compressed */
uint8_t *ws_conn_reserve(struct ws_conn *conn, enum ws_opcode opcode, size_t len,
                         int *ret_error);
/* Sends a message, head + body, of which the body is long and for this peer alone: its memory
 * is taken and sent from where it is (one copy of the five that 64 KiB had).  The buffer is
 * empty afterwards, but after SIOC_ETOOBIG as before.  Results as those of ws_conn_reserve. */
int ws_conn_send_long(struct ws_conn *conn, enum ws_opcode opcode, struct sioc_str head,
                      struct buf *body);
/* Whether nothing is pending, but for a pause's sake: what `volatile` asks. */
bool ws_conn_idle(const struct ws_conn *conn);
/* Chunks, and bytes, that are pending. */
size_t ws_conn_waiting(const struct ws_conn *conn);
size_t ws_conn_queued(const struct ws_conn *conn);
/* Writes what is queued now, and what is queued from here on some milliseconds later, or once
 * the peer has said something: for what a client should find alone in what it reads (pause.h).
 * While it pauses already nothing is done; while many pause there is no pause. */
void ws_conn_pause(struct ws_conn *conn, struct ws_pauses *pauses);
/* Queues a ping; as ws_conn_send, but for the limit. */
int ws_conn_ping(struct ws_conn *conn);
/* While it is held nothing is read, from the bytes that came behind the upgrade request on.
 * From inside `message` its neighbours, which have been read already, are still handed out. */
void ws_conn_hold(struct ws_conn *conn, bool held);
/* status 0: an empty close frame (88 00), as Engine.IO wants it.  `closed` is not called for
 * this. */
void ws_conn_close(struct ws_conn *conn, uint16_t status, struct sioc_str reason);
/* Closes the TCP connection at once, without a frame.  `closed` is not called. */
void ws_conn_destroy(struct ws_conn *conn);
/* The same for every connection in config->connections, those in their closing handshake too.
 */
void ws_conns_destroy(struct list *connections);
struct net_stream *ws_conn_stream(struct ws_conn *conn); /* borrowed */

#endif
