/* socketio/conn.h -- connections of Engine.IO, as the files of this floor see them. */
#ifndef SOCKETIO_CONN_H
#define SOCKETIO_CONN_H

#include "socketio/internal.h"
#include <sioc/conn.h>

struct sioc_conn {
    struct sioc_server *server;
    struct eio_session *session; /* NULL once it is closed */
    struct sio_client *client;   /* who is above it; NULL: it is raw (raw.c) */
    uint64_t handle;
    uint64_t number;
    uint32_t generation; /* of the server, when its handler was set (raw) */
    bool replaying;
    struct sioc_conn_handler handler;
    unsigned events;            /* of the handler */
    struct eio_frame **pending; /* sent and not flushed, when somebody wants to know */
    uint32_t pending_count, pending_cap;
    uint32_t holds;
    struct sio_kept *kept; /* messages, while it is held; NULL: none (conn_hold.c) */
    bool undrained;        /* something was sent, and no drain was told since */
    struct list node;      /* in server->conns */
    struct net_garbage garbage;
};

/* For an open session.  NULL when out of memory. */
struct sioc_conn *sio_conn_new(struct sioc_server *server, struct eio_session *session,
                               uint64_t number);
void sio_conns_init(struct sioc_server *server);
void sio_conns_deinit(struct sioc_server *server);
/* That of a client, if it has one. */
struct sioc_conn *sio_conn_find(const struct sio_client *client);
/* The same, made when there is none; NULL when out of memory or closed. */
struct sioc_conn *sio_conn_of(struct sio_client *client);

/* The client's session is open: who watches the engine is told.  It may be over afterwards. */
void sio_conn_opened(struct sio_client *client);
/* conn_events.c: tells the handler, if it wants to know. */
void sio_conn_tell(struct sioc_conn *conn, const struct sioc_conn_event *event);
/* A message; the session may be over afterwards. */
void sio_conn_message(struct sioc_conn *conn, struct sioc_str data, bool is_binary);
/* Tells the handler of a message, held or not. */
void sio_conn_deliver(struct sioc_conn *conn, struct sioc_str data, bool is_binary);
/* conn_hold.c: whether the message was kept for later; and all that were are delivered now. */
bool sio_conn_keep(struct sioc_conn *conn, struct sioc_str data, bool is_binary);
void sio_conn_let_go(struct sioc_conn *conn);
/* What is seen of the session. */
void sio_conn_seen(struct sioc_conn *conn, const struct eio_sight *sight);
/* The session is over: the last event, then it is forgotten. */
void sio_conn_closed(struct sioc_conn *conn, const char *reason, const char *details);

/* Handlers are exchanged: those below sockets go. */
void sio_conns_forget_handlers(struct sioc_server *server);
/* The engine's events "flush" and "drain" are wanted, or not any more. */
void sio_conns_watch_all(struct sioc_server *server);

#endif
