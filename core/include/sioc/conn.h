/* sioc/conn.h -- connections of Engine.IO: those below the sockets of Socket.IO, and those of
 * routes that speak nothing else.
 *
 * A connection is one client, whatever carries it: it begins over HTTP, may move to a
 * WebSocket, has a heartbeat, and carries messages.  It is known by its handle, which stays
 * unique for the server's life and finds nothing once it is closed.  One handler hears what
 * happens to it, and only what it asks for: the rest costs nothing.
 */
#ifndef SIOC_CONN_H
#define SIOC_CONN_H

#include <sioc/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_conn;

/* ---- where they come from ---- */

/* Of a route.  Pointers are borrowed for the call. */
struct sioc_conn_opener {
    /* It is open: call sioc_conn_listen here.  Messages may be sent, and come from the next
     * turn on.  Called again after a reload (sioc_conn_replayed). */
    void (*open)(void *user, intptr_t ref, struct sioc_conn *conn);
    void (*drop)(void *user, intptr_t ref); /* never called again; may be NULL */
    void *user;
    intptr_t ref;
};
/* Serves raw Engine.IO below `path` ("/engine.io/"; a slash at the end as the option
 * add_trailing_slash says), apart from the clients of Socket.IO, and before routes and folders
 * of http.h.  Options, hooks and limits are the server's.
 * 0, SIOC_EINVAL (no path), SIOC_EEXIST (served already), SIOC_ENOMEM; taken on success. */
SIOC_API int sioc_engineio_route(struct sioc_server *server, struct sioc_str path,
                                 struct sioc_conn_opener opener);
/* The connection of a socket; all sockets of one client have the same.  NULL when it has gone
 * or there is no memory. */
SIOC_API struct sioc_conn *sioc_socket_conn(struct sioc_socket *socket);
/* Walks the connections of the Socket.IO server; *pos starts at 0.  NULL at the end, or without
 * memory.  None may open or close meanwhile. */
SIOC_API struct sioc_conn *sioc_conn_next(struct sioc_server *server, size_t *pos);

/* In `open`: the connection has been there already; its handler is that of before. */
SIOC_API bool sioc_conn_replayed(const struct sioc_conn *conn);

SIOC_API uint64_t sioc_conn_handle(const struct sioc_conn *conn);
/* The connection, or NULL when it is gone.  Borrowed until control returns to the loop. */
SIOC_API struct sioc_conn *sioc_conn_find(const struct sioc_server *server, uint64_t handle);

/* ---- what happens to them ---- */

enum sioc_conn_event_kind {
    SIOC_CONN_MESSAGE = 1,       /* a message has come: packet.data */
    SIOC_CONN_CLOSE = 2,         /* it is over: reason, details.  The last one */
    SIOC_CONN_PACKET = 4,        /* a packet of any type has come, and is worked on next */
    SIOC_CONN_PACKET_CREATE = 8, /* a packet of any type is sent; it may still be dropped */
    SIOC_CONN_HEARTBEAT = 16,    /* the client has answered a ping, or (v3) sent one */
    SIOC_CONN_UPGRADING = 32,    /* a WebSocket knocks, and was answered */
    SIOC_CONN_UPGRADE = 64,      /* the WebSocket carries it from now on */
    SIOC_CONN_FLUSH = 128,       /* packets are about to leave: packets */
    SIOC_CONN_DRAIN = 256,       /* everything is with the kernel, or in the answer to a GET */
};

struct sioc_conn_packet {
    const char *type; /* "message", "ping", "pong", "close", ...; "error": not a packet */
    struct sioc_str data;
    bool is_binary;
    bool no_compress; /* of one that is sent */
};

struct sioc_conn_event {
    enum sioc_conn_event_kind kind;
    struct sioc_conn_packet packet;
    const struct sioc_conn_packet *packets;
    size_t packet_count;
    const char *reason;  /* as of a socket's "disconnect" */
    const char *details; /* "": none */
};

struct sioc_conn_handler {
    /* Borrowed for the call; the connection may be closed inside. */
    void (*call)(void *user, intptr_t ref, struct sioc_conn *conn,
                 const struct sioc_conn_event *event);
    /* Another one has taken its place, the connection is over, or (not of routes) handlers were
     * exchanged (reload.h); may be NULL. */
    void (*drop)(void *user, intptr_t ref);
    void *user;
    intptr_t ref;
};
/* Its handler from now on.  events: of sioc_conn_event_kind, or'ed. */
SIOC_API void sioc_conn_listen(struct sioc_conn *conn, unsigned events,
                               struct sioc_conn_handler handler);
/* The same handler for other events. */
SIOC_API void sioc_conn_set_events(struct sioc_conn *conn, unsigned events);
/* Its handler; call NULL: none.  Borrowed. */
SIOC_API const struct sioc_conn_handler *sioc_conn_handler(const struct sioc_conn *conn);

/* Keeps messages until release; counted.  For an open handler that waits.  Bounded (64
 * messages, 256 KiB): beyond that everything is delivered, as if released. */
SIOC_API void sioc_conn_hold(struct sioc_conn *conn);
SIOC_API void sioc_conn_release(struct sioc_conn *conn);

/* ---- speaking ---- */

struct sioc_conn_send {
    bool is_binary;
    bool no_compress;
};
/* Sends one message; data is copied.  options: NULL = compressible text.
 * 0; SIOC_EUTF8: text that is not UTF-8; SIOC_ECLOSED; SIOC_EFULL: more than max_queue bytes
 * wait already, the connection is being closed; SIOC_ENOMEM. */
SIOC_API int sioc_conn_send(struct sioc_conn *conn, struct sioc_str data,
                            const struct sioc_conn_send *options);
/* Ends it, "forced close".
 *   discard  at once; else what is queued goes first, and a client that polls is told with its
 *            next GET */
SIOC_API void sioc_conn_close(struct sioc_conn *conn, bool discard);

/* ---- facts ---- */

enum sioc_conn_state {
    SIOC_CONN_OPEN = 1,
    SIOC_CONN_CLOSING, /* the client that polls is yet to be told */
    SIOC_CONN_CLOSED,
};
SIOC_API enum sioc_conn_state sioc_conn_state(const struct sioc_conn *conn);
/* A number for logs, unique for the server's life; that of sioc_socket_client. */
SIOC_API uint64_t sioc_conn_number(const struct sioc_conn *conn);
SIOC_API const char *sioc_conn_transport(const struct sioc_conn *conn); /* as of a socket */
SIOC_API int sioc_conn_protocol(const struct sioc_conn *conn);          /* 3 or 4 */
/* It began over HTTP and has moved to a WebSocket. */
SIOC_API bool sioc_conn_upgraded(const struct sioc_conn *conn);
/* Whether a packet would leave at once. */
SIOC_API bool sioc_conn_writable(const struct sioc_conn *conn);
/* What waits to leave: packets (on a WebSocket those that were sent together count as one), and
 * bytes. */
SIOC_API size_t sioc_conn_waiting(const struct sioc_conn *conn);
SIOC_API size_t sioc_conn_queued(const struct sioc_conn *conn);
/* The first request, as sioc_socket_handshake and its walks tell it; without auth. */
SIOC_API void sioc_conn_handshake(const struct sioc_conn *conn,
                                  struct sioc_handshake *ret_handshake);
SIOC_API bool sioc_conn_header_next(const struct sioc_conn *conn, size_t *pos,
                                    struct sioc_str *ret_name, struct sioc_str *ret_value);
SIOC_API bool sioc_conn_query_next(const struct sioc_conn *conn, size_t *pos,
                                   struct sioc_str *ret_name, struct sioc_str *ret_value);

#ifdef __cplusplus
}
#endif

#endif
