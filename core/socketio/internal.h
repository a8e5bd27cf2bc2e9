/* socketio/internal.h -- the structures of this floor: server, client, namespace, socket, room.
 *
 * How they hang together: an Engine.IO session is a *client*; a client has one *socket* in each
 * namespace it joined; a socket is a member of *rooms* of its namespace.  Sockets are known to
 * the world by handle (server->sockets).  Objects that close are freed at the end of the turn.
 */
#ifndef SOCKETIO_INTERNAL_H
#define SOCKETIO_INTERNAL_H

#include "base/handle.h"
#include "base/keyset.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "engineio/engine.h"
#include "engineio/session.h"
#include "http/client_files.h"
#include "http/router.h"
#include "http/static.h"
#include "net/listener.h"
#include "net/timer.h"
#include "net/tls.h"
#include "socketio/options.h"
#include "socketio/packet.h"
#include <sioc/args.h>
#include <sioc/engine.h>
#include <sioc/parser.h>
#include <sioc/reload.h>
#include <sioc/socket.h>

#define SIO_MAX_NAMESPACE_NAME 128 /* bytes; longer ones are a protocol error of the client */
#define SIO_MAX_ROOM_NAME      256

struct sio_client;
struct sioc_conn;    /* conn.h */
struct sio_recovery; /* recovery.h */
struct sioc_adapter;
struct sio_tracking;
struct sio_tests; /* test_client.c */

/* ---- handlers (handlers.c) ---- */

struct sio_listener {
    uint64_t tag; /* of the name; see handlers.c */
    char *name;   /* owned; NULL = every event */
    uint32_t name_len;
    bool once;
    struct sioc_handler handler;
};

/* A dense list in the order of calls; most sockets have none and pay one pointer. */
struct sio_listeners {
    uint32_t count, cap;
    uint32_t every; /* of them are for every event */
    struct sio_listener items[];
};

/* ---- the server (server.c) ---- */

/* Where it listens, by the words it was asked for. */
struct sio_address {
    struct net_listener *listener;
    char *host;
    uint16_t port;
};

struct sioc_server {
    struct net_loop *loop;
    struct sioc_options *options;
    const struct sioc_parser *parser;
    struct log log;
    struct log_limit log_limit;
    struct metrics metrics;
    struct sio_pressure {
        struct net_timer timer;
        uint64_t machine; /* bytes of memory that there are */
        int level;        /* enum sio_pressure_level */
        int fd;
        bool started;
    } pressure;
    struct eio_engine engine;
    struct map namespaces;       /* by name */
    struct sioc_namespace *root; /* "/" */
    struct handle_table sockets;
    struct handle_table conn_handles; /* of struct sioc_conn */
    struct list conns;                /* the same */
    struct keyset client_conns; /* of these, those below sockets, by their client's serial */
    struct list raws;           /* routes of raw Engine.IO (raw.c) */
    struct handle_table websockets; /* plain ones */
    struct list plain_websockets;   /* those that are open */
    struct http_router websocket_routes;
    struct list websocket_handlers; /* of those routes (websocket.c) */
    struct map topics;              /* of plain WebSockets, by name (topic.c) */
    struct handle_table requests;   /* HTTP requests with a route */
    struct handle_table matches;    /* clients that wait for a dynamic namespace (dynamic.c) */
    struct list parents;            /* of dynamic namespaces, in the order of registration */
    struct list dynamic; /* all children, also those that are closed but referenced */
    size_t parent_count;
    size_t room_count;    /* with a record, of all namespaces */
    size_t dynamic_count; /* children that are open */
    uint32_t mark;        /* of the last broadcast; see broadcast.c */
    uint64_t last_client;
    struct sioc_message *spare_message;
    struct buf scratch;

    struct http_config http;
    struct http_gate gate;
    struct http_router router;
    struct list connections;
    struct list surveys; /* broadcasts that wait for answers */
    struct handle_table survey_handles;
    struct handle_table questions; /* of other servers, that wait for an answer (servers.c) */
    int (*adapter_open)(void *user, struct sioc_namespace *nsp, struct sioc_adapter **ret);
    void *adapter_user;
    struct http_client_files *client_files;
    const struct http_proxies *proxies; /* that are trusted; NULL: none */
    struct net_tls *tls;                /* NULL: plain */

    struct sioc_http_handler allow_hook, id_hook; /* call NULL: none */
    struct sioc_engine_events engine_events;

    bool completing;    /* see on_complete in http_api.c */
    struct list routes; /* those of `router` that are the application's (http_api.c) */
    struct sio_address *addresses;
    size_t address_count, address_cap;

    void (*socket_gone)(void *owner, intptr_t host_ref);
    void (*rebind)(void *user, struct sioc_socket *socket);
    void *rebind_user;
    uint32_t
        generation; /* how often it has adopted a draft; a socket has the one it is bound to */
    uint32_t rebind_at;           /* slots of `sockets` below this one are bound */
    uint32_t rebind_websocket_at; /* ... and of `websockets` */
    uint32_t rebind_conn_at;      /* ... and of `conn_handles` */
    int (*socket_save)(void *user, struct sioc_socket *socket, struct sioc_sink *sink);
    void *socket_save_user;

    struct sio_tests *tests; /* while test clients are open (test_client.c) */

    bool closing;
    void (*closed)(void *user);
    void *closed_user;
    struct net_timer close_timer;
    uint64_t close_deadline_ms;
};

/* ---- HTTP requests that the application sees (http_api.c, engine_api.c) ---- */

struct sio_route;
struct eio_admission;

struct sioc_request {
    struct sioc_server *server;
    struct http_request *http;       /* NULL once it is answered or its client has gone */
    struct sio_route *route;         /* NULL: the request is the engine's */
    struct eio_admission *admission; /* of such a one that waits for an answer */
    uint64_t handle;                 /* 0: it is shown for a call only */
    bool called;                     /* the route's handler was */
    bool stale;                      /* the route has gone before the request was complete */
    bool sending;                    /* its answer comes in pieces */
    struct sioc_request_watcher watcher;
    struct buf scratch;      /* what the walkers decode into */
    struct buf path;         /* decoded */
    struct sioc_str address; /* of one that became a WebSocket; else NULL */
    struct net_garbage garbage;
};

/* For a call, without handle; or with one, until it is retired. */
void sio_request_init(struct sioc_request *request, struct sioc_server *server,
                      struct http_request *http);
void sio_request_deinit(struct sioc_request *request);
struct sioc_request *sio_request_new(struct sioc_server *server, struct http_request *http);
void sio_request_retire(struct sioc_request *request);

/* ---- namespaces (namespace.c) ---- */

struct sioc_namespace {
    struct sioc_server *server;
    char *name;
    uint32_t name_len;
    struct keyset sockets_by_id;
    struct sioc_socket **sockets; /* connected ones; dense, socket->index is the place */
    size_t socket_count, socket_cap;
    struct map rooms;
    struct sio_listeners *events;    /* client events */
    struct sio_listeners *lifecycle; /* "connection", "disconnecting", "disconnect" */
    struct sioc_handler *middleware;
    size_t middleware_count, middleware_cap;
    uint64_t next_ack_id;
    struct sio_recovery *recovery; /* NULL: without the option */
    struct sioc_adapter *adapter;  /* NULL: the local one (adapter.c) */
    struct sio_listeners *servers; /* events of other servers */
    intptr_t host_ref;
    size_t inhabitants; /* sockets in any state: what keeps a dynamic namespace open */
    size_t overheard;   /* sockets with handlers of what is sent to them */
    bool hears_rooms;   /* "join-room" and the like have had a handler */

    /* Dynamic namespaces (dynamic.c): a parent has children, a child has a parent. */
    struct sioc_namespace *parent;
    struct list node;     /* in server->parents, server->dynamic */
    struct list children; /* of a parent: those that are open */
    struct list sibling;  /* in parent->children */
    struct sioc_handler matcher;
    size_t refs;
    bool is_parent, listed, discarded;
    struct net_garbage garbage;
    bool missing; /* the script that runs now does not know it (adopt.c) */
};

static inline struct sioc_str sio_namespace_name(const struct sioc_namespace *nsp)
{
    return sioc_str_n(nsp->name, nsp->name_len);
}

/* ---- handshakes (handshake.c) ---- */

/* All but auth. */
void sio_handshake_facts(const struct eio_handshake *handshake, struct sioc_handshake *ret);
bool sio_handshake_query_next(const struct eio_handshake *handshake, size_t *pos,
                              struct buf *scratch, struct sioc_str *ret_name,
                              struct sioc_str *ret_value);

/* ---- rooms (room.c) ---- */

struct sio_room {
    struct sio_member *members; /* dense */
    size_t count, cap;
    uint32_t name_len;
    char name[];
};

/* Who is in a room, and where that room stands in the socket's own list. */
struct sio_member {
    struct sioc_socket *socket;
    uint32_t place; /* index in socket->rooms */
};

/* A room a socket is in, and where the socket stands in it. */
struct sio_membership {
    struct sio_room *room;
    uint32_t index; /* in room->members */
};

/* ---- sockets (socket.c) ---- */

enum sio_state {
    SIO_CONNECTING = 1, /* middleware runs */
    SIO_CONNECTED,
    SIO_LEAVING, /* disconnecting handlers run */
    SIO_GONE,
};

/* Every client has one in each namespace: mind the bytes. */
struct sioc_socket {
    uint64_t handle;
    struct sio_client *client;
    struct sioc_namespace *nsp;
    struct sioc_socket *next; /* of the same client */
    struct sio_listeners *listeners;
    struct sio_listeners *outgoing; /* of what is sent to it (outgoing.c) */
    struct sio_membership *rooms;   /* without its own id */
    struct list acks;               /* of struct sio_ack */
    struct sio_held *held;          /* NULL: nothing is held back */
    struct sio_gate *gate;          /* middleware of the socket (passage.c); NULL: none */
    char *auth;                     /* JSON object, owned; NULL = {} */
    intptr_t host_ref;
    struct sio_tracking *tracking; /* NULL: nothing is recovered */
    void *host_owner;
    union {
        struct {
            uint64_t reply_serial; /* events that wanted an answer */
            uint64_t replied;      /* bit i: the one i before the last was answered */
        };
        struct net_garbage garbage; /* when it is gone */
    };
    uint32_t generation; /* of the server, when its handlers were set */
    uint32_t room_count, room_cap;
    uint32_t index; /* in nsp->sockets */
    uint32_t mark;  /* of the broadcast that has seen it last */
    uint32_t auth_len;
    uint16_t middleware_at; /* next one to run */
    uint16_t ack_count;
    uint8_t state;
    bool left_own_room;
    bool overheard;    /* has handlers in `outgoing`, and counts in nsp->overheard */
    bool rooms_closed; /* it leaves all rooms, and joins none any more */
    bool admitted;     /* the middleware that runs has called sioc_admit already */
    bool in_middleware;
    bool reload_due; /* "reload" handlers are to be called once nothing is held */
    uint16_t id_len;
    char id[]; /* RAND_ID_LEN characters and a NUL; longer for v3 clients, see socket.c */
};

static inline struct sioc_str sio_socket_id(const struct sioc_socket *s)
{
    return sioc_str_n(s->id, s->id_len);
}

/* ---- clients (client.c) ---- */

struct sio_newcomer;
struct sio_partial;
struct sio_match;

/* Every client is one: mind the bytes. */
struct sio_client {
    struct sioc_server *server;
    struct eio_session *session; /* NULL once it is closed */
    struct sioc_socket *sockets; /* linked list, one per namespace */
    uint64_t serial;
    struct sio_match *matches; /* CONNECTs that wait for a matcher (dynamic.c); linked */
    union {
        struct {
            struct sio_newcomer *newcomer; /* its deadline, until it has joined a namespace */
            struct sio_partial *partial;   /* a packet that waits for attachments */
        };
        struct net_garbage garbage; /* when it is closed */
    };
    uint32_t socket_count;
    uint32_t match_count : 30;
    bool has_conn : 1; /* in server->client_conns: somebody has asked for it (conn.c) */
    bool is_v3 : 1;    /* speaks Socket.IO v4 on Engine.IO v3 (protocol.md 4) */
};

/* ---- events (event.c) ---- */

struct sioc_event {
    enum sioc_event_kind kind;
    struct sioc_socket *socket;
    struct sioc_namespace *nsp;
    struct sioc_str name;
    const struct sioc_parser *parser; /* who wrote args; NULL only when they are empty */
    struct sioc_str args;             /* an array as the parser has it */
    size_t skip; /* elements of args that are not arguments: the event's name */
    struct sioc_buffer *const *attachments;
    size_t attachment_count;
    struct sioc_reply reply;
    struct sioc_passage passage;
    uint64_t match;       /* of the CONNECT that asks for a namespace */
    struct sioc_str room; /* of "join-room" and the like */
    const char *reason, *details;
    int status;
    bool checked;                /* args were read whole without error */
    int decode_error;            /* the first error of the text itself */
    struct sio_event_json *json; /* what cursors read, when args are not JSON; owned */
    bool replayed;               /* CONNECTION again, for a socket that has new handlers */
};

#endif
