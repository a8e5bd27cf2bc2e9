/* helper_pair.h -- a ws_conn and its peer: a plain descriptor on the other end of a loopback
 * connection, driven turn by turn.  What the connection's user is told is kept as text.
 */
#ifndef TEST_WS_HELPER_PAIR_H
#define TEST_WS_HELPER_PAIR_H

#include "base/str.h"
#include "net/listener.h"
#include "net/loop.h"
#include "ws/conn.h"

#define PATIENCE_MS 3000

struct pair {
    struct net_loop *loop;
    struct net_listener *listener;
    struct net_stream *stream; /* accepted, not yet taken */
    struct ws_conn *conn;
    struct ws_config config;
    struct metrics metrics;
    int peer;
    struct buf in; /* what the peer has read */
    bool eof;
    struct buf log; /* "text(hi) closed(1,1000,bye) drained " */
    bool echo, destroy_at_message, close_at_message, inside_send;
    int closed_count;
};

extern const struct ws_conn_events events;
extern const struct ws_conn_events quiet_events; /* without `drained` */

/* Connects; p->stream waits to be taken. */
void pair_connect(struct pair *p);
/* The same, and opens p->conn. */
void pair_open(struct pair *p, const struct ws_conn_events *with, struct sioc_str rest);
void pair_end(struct pair *p);

/* ws_conn_send of a text frame. */
int send_text(struct pair *p, const void *bytes, size_t len);

/* One turn that lasts a few ms at most. */
void turn(struct pair *p);
/* Some turns, in which the peer reads. */
void settle(struct pair *p);
bool log_is(struct pair *p, const char *text);
void await_log(struct pair *p, const char *text);
/* The peer gets exactly these bytes (and then, if `eof`, the end). */
void await_in(struct pair *p, const char *bytes, size_t len, bool eof);

void peer_read(struct pair *p);
void peer_send(struct pair *p, struct buf *bytes); /* empties `bytes` */
void peer_text(struct pair *p, const char *text);
void peer_reset(struct pair *p); /* RST */

#endif
