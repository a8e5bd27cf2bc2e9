/* engineio/engine.h -- the Engine.IO server: requests in, sessions out (protocol.md 1.1
 * to 1.5).
 *
 * The engine checks each request, makes sessions, finds the session of a request, and hands
 * messages up through eio_engine_ops.  Knows nothing of Socket.IO.
 */
#ifndef ENGINEIO_ENGINE_H
#define ENGINEIO_ENGINE_H

#include "base/keyset.h"
#include "base/log.h"
#include "base/metric.h"
#include "engineio/cookie.h"
#include "engineio/frame.h"
#include "engineio/handshake.h"
#include "engineio/packet.h"
#include "http/cors.h"
#include "http/deflate.h"
#include "net/loop.h"
#include "ws/conn.h"

struct eio_engine;
struct eio_session;
struct eio_admission;
struct eio_refused;

struct eio_options {
    bool polling, websocket; /* transports */
    bool allow_upgrades;
    const char *initial_packet; /* a message behind the open packet; NULL: none */
    bool allow_eio3;            /* clients that speak Engine.IO v3 */
    uint64_t ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms;
    size_t max_payload_bytes;
    size_t max_queue_bytes;
    size_t max_packets;                 /* of one payload */
    uint32_t max_packets_per_turn;      /* of one client */
    struct rate_limits rate;            /* of one client */
    uint64_t first_request_timeout_ms;  /* of a polling session; 0: none */
    uint32_t max_unasked_pongs;         /* in a row, within ping_interval_ms */
    uint64_t message_timeout_ms;        /* of a WebSocket message that has begun */
    uint16_t max_empty_fragments;       /* of one WebSocket message */
    uint32_t max_pings;                 /* WebSocket pings of one connection within 10 s */
    const struct http_proxies *proxies; /* NULL: none */
    size_t compress_bytes; /* payloads of at least that many are compressed; 0 = none are */
    struct eio_cookie cookie;
    bool per_message_deflate; /* compression on WebSockets, as `deflate` says */
    struct ws_deflate_options deflate;
};

/* What is told of a session that is watched (eio_session_watch), beside its messages. */
enum eio_sight_kind {
    EIO_PACKET_IN,  /* a packet has come, and is looked at next: type, data */
    EIO_PACKET_OUT, /* the packets of the frame are sent; they may still be dropped */
    EIO_HEARTBEAT,  /* a ping or pong in the right direction */
    EIO_UPGRADING,  /* a probe was answered */
    EIO_UPGRADED,   /* the WebSocket carries the session */
    EIO_FLUSHING,   /* what was sent is about to leave */
    EIO_DRAINED,    /* it was handed to the kernel; nothing is left */
};
struct eio_sight {
    enum eio_sight_kind kind;
    enum eio_packet_type type;
    struct sioc_str data; /* of EIO_BINARY: bytes, whatever form they came in */
    struct eio_frame *frame;
};

/* What goes up.  All with the user of eio_session_set_user, but for opened. */
struct eio_engine_ops {
    /* A session is open; the open packet is on its way.  Set its user here.  Returning < 0
     * closes it. */
    int (*opened)(void *engine_user, struct eio_session *session);
    /* A message; text is valid UTF-8 and may be empty.  Borrowed for the call. */
    void (*text)(void *user, struct sioc_str text);
    void (*binary)(void *user, struct sioc_str bytes);
    /* The session is over: no further call.  The reason is static (protocol.md 5); details are
     * borrowed for the call, "" when there are none. */
    void (*closed)(void *user, const char *reason, const char *details);
    /* Of sessions that are watched.  The session may be closed inside. */
    void (*seen)(void *user, const struct eio_sight *sight);

    /* The rest is about requests, and gets the engine's user.
     * While the engine asks_allow, asks_id: answer with eio_admission_allow or _give_id, now or
     * later, until admission_over. */
    void (*ask_allow)(void *engine_user, struct eio_admission *admission);
    void (*ask_id)(void *engine_user, struct eio_admission *admission);
    /* The admission is decided, or its client has gone: forget it. */
    void (*admission_over)(void *engine_user, struct eio_admission *admission);
    /* While the engine asks_all: may this request, any at all, go on?  No is code 3. */
    bool (*passes)(void *engine_user, struct http_request *request);
    /* The response of a session's request is on its way: add to request->extra_headers what it
     * shall carry.  initial: it is the session's first. */
    void (*headers)(void *engine_user, struct http_request *request, bool initial);
    /* A request is being refused; facts borrowed for the call.  May be NULL. */
    void (*refused)(void *engine_user, struct http_request *request,
                    const struct eio_refused *refused);
};

struct eio_engine {
    struct net_loop *loop;
    const struct eio_options *options;
    const struct eio_engine_ops *ops;
    void *user;
    const struct http_cors *cors;
    struct metrics *metrics;
    const struct log *log;
    struct keyset sessions; /* by sid */
    struct ws_config ws;    /* its `deflate` is owned */
    struct ws_pauses pauses, long_pauses;
    struct list websockets;        /* all of them, those that only finish closing too */
    struct eio_frame *ping, *pong; /* shared by all sessions */
    bool asks_all, asks_allow, asks_id, tells_headers; /* the floor above wants these calls */
    bool closing;
    struct buf scratch;
    struct http_compressor *compressor; /* of polling answers; NULL until the first */
    struct buf compressed;              /* the last of them */
};

/* All pointers are borrowed and outlive the engine. */
int eio_engine_init(struct eio_engine *engine, struct net_loop *loop,
                    const struct eio_options *options, const struct eio_engine_ops *ops,
                    void *user, const struct http_cors *cors, struct metrics *metrics,
                    const struct log *log);
void eio_engine_deinit(struct eio_engine *engine); /* no session may be left */
/* Answers, now or later. */
void eio_engine_handle(struct eio_engine *engine, struct http_request *request);
/* For engineio/admission.h: whether the request's protocol version is ours, and its session.
 * sid: checked; ptr NULL = make one. */
bool eio_engine_speaks(struct eio_engine *engine, const struct http_request *request);
void eio_engine_open(struct eio_engine *engine, struct http_request *request,
                     struct sioc_str sid);
/* Closes every session at once with that reason; pending output goes out first where it can. */
void eio_engine_end_sessions(struct eio_engine *engine, const char *reason);
/* The same, and opens none any more. */
void eio_engine_close_all(struct eio_engine *engine, const char *reason);

#endif
