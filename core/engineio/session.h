/* engineio/session.h -- one client's session, whatever carries it (protocol.md 1.6 to 1.14).
 *
 * A session sends frames and gets packets; which transport does it (engineio/polling.h,
 * engineio/websocket.h) may change once, by an upgrade.  The heartbeat is the session's.
 * Invariant: in state CLOSED the session is in no table, its user is never called again, and it
 * is freed at the end of the turn.
 */
#ifndef ENGINEIO_SESSION_H
#define ENGINEIO_SESSION_H

#include "base/rand.h"
#include "engineio/engine.h"
#include "net/timer.h"

struct eio_polling;
struct eio_local;

enum eio_state {
    EIO_STATE_OPEN = 1,
    EIO_STATE_CLOSING, /* orderly close, waiting for the client's next GET */
    EIO_STATE_CLOSED,
};

/* Every client has one: mind the bytes. */
struct eio_session {
    struct eio_engine *engine;
    void *user;
    struct eio_polling *polling; /* exactly one of these three is set while open */
    union {
        struct ws_conn *ws;
        struct eio_local *local; /* is_local */
    };
    struct eio_handshake *handshake;
    union {
        struct net_timer timer; /* next ping, or the pong's deadline, or the closing deadline */
        struct net_garbage garbage; /* when closed */
    };
    uint32_t ping_interval_ms, ping_timeout_ms; /* as its open packet has promised */
    uint16_t unasked_since_s; /* when the first of unasked_pongs came; may wrap */
    uint8_t unasked_pongs;    /* in a row, and within one ping_interval */
    uint8_t state;
    uint8_t protocol; /* 4, or 3 (eio3.h) */
    bool base64;      /* v3: binary goes out as base64 even where bytes could */
    bool awaiting_pong;
    bool deadline_extended; /* once per ping (protocol.md 1.13) */
    bool fresh;             /* the timer is for the client's first request */
    bool choked;            /* its queue is full: it will be closed in the next turn */
    bool is_local;          /* its client is in this process (local.h) */
    bool watched;           /* eio_engine_ops.seen is wanted */
    uint8_t sid_len;
    char sid[]; /* NUL-terminated */
};

/* ---- for the floor above ---- */

void eio_session_set_user(struct eio_session *session, void *user);
/* Sends a message, `head` and `text`, that no other client gets; the same results as
 * eio_session_send.  The text's memory may be taken: then it is empty afterwards. */
int eio_session_send_own(struct eio_session *session, bool binary, struct sioc_str head,
                         struct buf *text, bool no_compress);
/* Sends a frame; takes its own reference.
 * 0; SIOC_ECLOSED; SIOC_EFULL: the peer reads too slowly, the session was closed ("transport
 * error"); SIOC_ENOMEM. */
int eio_session_send(struct eio_session *session, struct eio_frame *frame);
/* From now on eio_engine_ops.seen is told what happens; costs nothing while it is off. */
void eio_session_watch(struct eio_session *session, bool watched);
/* Packets, or on a WebSocket what was queued together, that wait to leave; and their bytes. */
size_t eio_session_waiting(const struct eio_session *session);
size_t eio_session_queued_bytes(const struct eio_session *session);
/* Whether a packet would leave at once: what `volatile` asks. */
bool eio_session_writable(const struct eio_session *session);
/* What was sent last shall reach the client alone: on a WebSocket it leaves now, and the rest
 * some milliseconds later (ws/pause.h). */
void eio_session_pause(struct eio_session *session);
/* The deadline of its heartbeat has passed, though its timer was not looked at yet; then the
 * session has just ended. */
bool eio_session_expired(struct eio_session *session);
/* Closes it in the next turn, as one that reads too slowly. */
void eio_session_choke(struct eio_session *session);
/* Orderly close, reason "forced close": at once on a WebSocket or with a GET pending, else with
 * the client's next GET or after 30 s.  `closed` is called when it is done, maybe inside this
 * call. */
void eio_session_close(struct eio_session *session);
/* 3 or 4: the version of Engine.IO that the client speaks. */
static inline int eio_session_protocol(const struct eio_session *session)
{
    return session->protocol;
}
static inline struct sioc_str eio_session_id(const struct eio_session *session)
{
    return sioc_str_n(session->sid, session->sid_len);
}
static inline const char *eio_session_transport(const struct eio_session *session)
{
    return session->polling ? "polling" : "websocket";
}
static inline bool eio_session_is_open(const struct eio_session *session)
{
    return session->state == EIO_STATE_OPEN;
}

/* ---- for the transports ---- */

/* A new session of v4 without transport; adds it to the engine's table.  handshake: taken, NULL
 * = out of memory.  sid: ptr NULL = make one.  NULL when out of memory. */
struct eio_session *eio_session_make(struct eio_engine *engine, struct eio_handshake *handshake,
                                     struct sioc_str sid);
/* The same with the handshake of a request. */
struct eio_session *eio_session_new(struct eio_engine *engine, struct http_request *request,
                                    struct sioc_str sid);
/* The transport is set: sends the open packet, tells the floor above, starts the heartbeat. */
void eio_session_start(struct eio_session *session);
/* A text packet (with its letter), or a binary message. */
void eio_session_receive_text(struct eio_session *session, struct sioc_str packet);
void eio_session_receive_binary(struct eio_session *session, struct sioc_str bytes);
/* The session is over because of the transport or the peer.  Closes the transport. */
void eio_session_fail(struct eio_session *session, const char *reason, const char *details);
/* The transport has changed from polling to a WebSocket. */
void eio_session_switched(struct eio_session *session);
/* To who watches the session; somebody does. */
void eio_session_show(struct eio_session *session, const struct eio_sight *sight);
/* The same, if anybody does. */
void eio_session_tell(struct eio_session *session, enum eio_sight_kind kind);

#endif
