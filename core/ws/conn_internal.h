/* ws/conn_internal.h -- the connection, as conn.c (life, out) and conn_in.c (in) share it. */
#ifndef WS_CONN_INTERNAL_H
#define WS_CONN_INTERNAL_H

#include "net/loop.h"
#include "net/outq.h"
#include "ws/conn.h"
#include "ws/extra.h"

enum ws_conn_state {
    WS_OPEN,
    WS_CLOSING,   /* our close frame is queued; the peer's is awaited */
    WS_FINISHING, /* nothing to read any more; TCP ends when the queue is out */
    WS_DEAD,
};

enum {
    WS_CLOSED_EMPTY = 1005,
    WS_CLOSED_ABRUPTLY = 1006,
};

/* Every client has one: mind the bytes. */
struct ws_conn {
    union {
        struct list node;           /* in config->connections */
        struct net_garbage garbage; /* when dead */
    };
    struct net_stream *stream; /* owned; NULL when dead */
    const struct ws_config *config;
    const struct ws_conn_events *events;
    void *user;
    struct net_outq outq;
    struct net_task task;
    struct ws_reader reader;
    struct ws_extra *extra; /* NULL: not needed now */
    struct net_share share;
    uint32_t delay_ms;  /* of what the last feed has left, 0: the next turn */
    uint8_t state;      /* enum ws_conn_state */
    bool broken : 1;    /* writing failed; to be told at the end of the turn */
    bool held : 1;      /* by ws_conn_hold */
    bool undrained : 1; /* something was queued since the last `drained` */
    bool pausing : 1;   /* the task waits in a ws_pauses */
};

/* ---- conn.c ---- */

/* NULL when out of memory. */
struct ws_extra *ws_conn_want_extra(struct ws_conn *c);
/* Frees what nobody needs. */
void ws_conn_settle_extra(struct ws_conn *c);
/* The deadline; false when there is no memory for it. */
bool ws_conn_start_timer(struct ws_conn *c, uint64_t delay_ms);
/* The peer broke the protocol: says so, hears nothing more. */
void ws_conn_fail(struct ws_conn *c, enum ws_fault fault, unsigned number);
/* The peer has sent its close frame. */
void ws_conn_peer_closes(struct ws_conn *c, uint16_t status, struct sioc_str reason);
/* Queues the pong that waits, if it may go. */
void ws_conn_turn_pongs(struct ws_conn *c);

/* ---- conn_in.c ---- */

void ws_conn_feed_new(struct ws_conn *c, uint8_t *bytes, size_t len);
/* What came and was not looked at yet, if it may be now. */
void ws_conn_feed_waiting(struct ws_conn *c);
/* Keeps bytes for the end of the turn.  False when out of memory. */
bool ws_conn_keep_early(struct ws_conn *c, struct sioc_str bytes);

/* A control frame as a chunk; NULL when out of memory. */
struct net_chunk *ws_control_chunk(enum ws_opcode opcode, struct sioc_str body);

#endif
