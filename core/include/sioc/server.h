/* sioc/server.h -- a Socket.IO server: namespaces, handlers, listening, closing.
 *
 * A server lives in one loop, and is used from the thread that runs the loop only.  Callbacks
 * may call anything, also close or disconnect what they were called for: objects are freed at
 * the end of the turn at the earliest, so a pointer that a callback was given stays good until
 * it returns.  Whoever wants to keep a socket keeps its handle (socket.h), never the pointer.
 */
#ifndef SIOC_SERVER_H
#define SIOC_SERVER_H

#include <sioc/log.h>
#include <sioc/loop.h>
#include <sioc/options.h>
#include <sioc/sink.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_server;
struct sioc_namespace;
struct sioc_socket;
struct sioc_event;

/* ---- life ---- */

/* loop: borrowed, outlives the server.  options: taken in any case; NULL = all defaults. */
SIOC_API int sioc_server_new(struct sioc_loop *loop, struct sioc_options *options,
                             struct sioc_server **ret_server);
/* Where records go; the default is nowhere.  fn, user: borrowed as long as the server lives. */
SIOC_API void sioc_server_set_log(struct sioc_server *server, enum sioc_log_level level,
                                  sioc_log_fn fn, void *user);
/* The folder of the browser client's files (socket.io.js, ...); copied.  Without it they are
 * 404. */
SIOC_API int sioc_server_set_client_dir(struct sioc_server *server, const char *dir);

/* Reads the certificates that the options tls.* name; without such an option nothing is done.
 * Listening does it when it was not done before.  Called again, the files are read anew and new
 * connections use what they hold now; those that are there go on.  On failure a sentence that
 * names the file is in ret_error and everything stays as it was.  0, SIOC_EINVAL, SIOC_ENOMEM.
 */
SIOC_API int sioc_server_load_tls(struct sioc_server *server, char *ret_error, size_t cap);
SIOC_API bool sioc_server_secure(const struct sioc_server *server); /* TLS is on */

/* Starts to accept connections; may be called for several addresses.
 *   ret_port  the port it is (for port 0); may be NULL
 * 0, SIOC_EADDRINUSE, SIOC_EACCES, SIOC_ENOTFOUND, SIOC_EIO, SIOC_ENOMEM */
SIOC_API int sioc_server_listen(struct sioc_server *server, const char *host, uint16_t port,
                                uint16_t *ret_port);
/* Stops accepting, disconnects every socket ("server shutting down"), closes every connection
 * when its output is out.  done(user) is called once all are gone, or after the close timeout
 * (may be NULL). */
SIOC_API void sioc_server_close(struct sioc_server *server, void (*done)(void *user),
                                void *user);
/* Frees the server; what is still open is closed hard.  Not from inside one of its callbacks.
 */
SIOC_API void sioc_server_free(struct sioc_server *server);
/* fn(owner, host_ref) whenever a socket with a host_ref (socket.h) that is not 0 ends for good,
 * after its handlers: the host drops its object then. */
SIOC_API void sioc_server_on_socket_gone(struct sioc_server *server,
                                         void (*fn)(void *owner, intptr_t host_ref));
/* With the option connection_state_recovery: fn is called when a socket goes that may come
 * back, between its DISCONNECTING and DISCONNECT handlers, and puts one value into the sink, or
 * nothing; < 0 means nothing as well.  sioc_socket_read_data gives it back. */
SIOC_API void sioc_server_on_socket_save(struct sioc_server *server,
                                         int (*fn)(void *user, struct sioc_socket *socket,
                                                   struct sioc_sink *sink),
                                         void *user);
SIOC_API struct sioc_loop *sioc_server_loop(const struct sioc_server *server);
/* Engine.IO sessions that are open now (clients, not sockets). */
SIOC_API size_t sioc_server_client_count(const struct sioc_server *server);
/* Counters: name and value of the i-th; false at the end.  The last one is no counter:
 * "connection_bytes", the memory that the connections, sessions and sockets of the server's
 * loop have now. */
SIOC_API bool sioc_server_metric(const struct sioc_server *server, size_t index,
                                 const char **ret_name, uint64_t *ret_value);

/* ---- namespaces ---- */

/* The namespace of that name, created when there is none; a missing leading "/" is added.
 * Lives as long as the server.  0, SIOC_EINVAL (too long, control characters), SIOC_ENOMEM. */
SIOC_API int sioc_server_of(struct sioc_server *server, struct sioc_str name,
                            struct sioc_namespace **ret_namespace);
/* One value for the host that drives the server; 0 at first. */
SIOC_API void sioc_namespace_set_host_ref(struct sioc_namespace *nsp, intptr_t ref);
SIOC_API intptr_t sioc_namespace_host_ref(const struct sioc_namespace *nsp);
SIOC_API struct sioc_str sioc_namespace_name(const struct sioc_namespace *nsp);
SIOC_API struct sioc_server *sioc_namespace_server(const struct sioc_namespace *nsp);
SIOC_API size_t sioc_namespace_socket_count(const struct sioc_namespace *nsp);

/* ---- handlers ---- */

enum sioc_event_kind {
    SIOC_EVENT_MIDDLEWARE =
        1,                    /* a socket wants to join the namespace; answer with sioc_admit */
    SIOC_EVENT_CONNECTION,    /* it has joined */
    SIOC_EVENT_CLIENT,        /* the client sent an event */
    SIOC_EVENT_DISCONNECTING, /* rooms are still there */
    SIOC_EVENT_DISCONNECT,    /* rooms are left */
    SIOC_EVENT_ACK,           /* the client's answer to an emit with ack, or its failure */
    SIOC_EVENT_PACKET,        /* a client event asks its socket's middleware; see sioc_pass */
    SIOC_EVENT_ERROR,         /* middleware of a socket has refused an event, or its client has
                               * sent what cannot be decoded, and is being closed */
    SIOC_EVENT_MATCH,         /* a client asks for a namespace; answer with sioc_match */
    SIOC_EVENT_NEW_NAMESPACE, /* there is one: sioc_event_namespace */
    SIOC_EVENT_ROOM,          /* somebody joins or leaves a room */
    SIOC_EVENT_OUTGOING,      /* an event is about to be sent to the socket */
    SIOC_EVENT_RELOAD,        /* the socket has its new handlers (reload.h) */
    SIOC_EVENT_SERVERS,       /* another server of the cluster has sent an event */
};

/* A function with what it needs.  call: event is borrowed for the call.  drop (may be NULL):
 * the server will never call this handler again; called once per registration, for acks after
 * the call. */
struct sioc_handler {
    void (*call)(void *user, intptr_t ref, struct sioc_event *event);
    void (*drop)(void *user, intptr_t ref);
    void *user;
    intptr_t ref;
};

enum sioc_handler_flags {
    SIOC_ONCE = 1,    /* removed before its first call */
    SIOC_PREPEND = 2, /* before the handlers that are there */
};

/* Names for sioc_namespace_on: "connection" (also "connect"), "disconnecting", "disconnect",
 * "error", "reload" (reload.h).  The second and third are called for every socket of the
 * namespace, after the socket's own; "error" for sockets that have no handler of that name.
 * "new_namespace", at "/" only, when one other than "/" was made.  "create-room", "join-room",
 * "leave-room", "delete-room": SIOC_EVENT_ROOM with the room and, but for create and delete,
 * the socket, whose own id is a room, too. 0, SIOC_EINVAL (other name), SIOC_ENOMEM.  The
 * handler is taken only on success. */
SIOC_API int sioc_namespace_on(struct sioc_namespace *nsp, struct sioc_str name,
                               struct sioc_handler handler, unsigned flags);
/* Runs, in order of registration, before a socket joins. */
SIOC_API int sioc_namespace_use(struct sioc_namespace *nsp, struct sioc_handler handler);
/* A client event, for all sockets of the namespace; name NULL slice (ptr NULL) = every event.
 * A socket's own handlers for the same name go first and alone: these are called only when it
 * has none. SIOC_ERESERVED for a name that clients cannot send. */
SIOC_API int sioc_namespace_event(struct sioc_namespace *nsp, struct sioc_str name,
                                  struct sioc_handler handler, unsigned flags);
/* An event of other servers (sioc_server_side_emit). SIOC_ERESERVED for a name that they cannot
 * send. */
SIOC_API int sioc_namespace_on_servers(struct sioc_namespace *nsp, struct sioc_str name,
                                       struct sioc_handler handler, unsigned flags);
/* Removes handlers: all of that name, or only the one with that user and ref (user not NULL).
 * Returns how many. */
SIOC_API int sioc_namespace_off(struct sioc_namespace *nsp, struct sioc_str name,
                                const void *user, intptr_t ref);

/* ---- dynamic namespaces ---- */

/* Asks `matcher` (taken on success) whenever a client wants to join a namespace that does not
 * exist and no matcher registered before has accepted it: SIOC_EVENT_MATCH with the name
 * (sioc_event_name) and the client's auth (sioc_event_read: one value), answered by sioc_match.
 *   ret_parent  lives as long as the server.  What is registered at it (middleware, handlers,
 *               events) holds for all its children, before their own; broadcasts to it and
 *               sioc_for_each_socket mean the sockets of all of them.  It has no own.
 * A namespace that exists is joined without asking: who may enter is a question for middleware.
 * 0 or SIOC_ENOMEM. */
SIOC_API int sioc_server_match(struct sioc_server *server, struct sioc_handler matcher,
                               struct sioc_namespace **ret_parent);
SIOC_API uint64_t sioc_event_match(const struct sioc_event *event);
/* Now or later, once.  SIOC_ECLOSED: the client has gone; SIOC_ESTATE: answered before. */
SIOC_API int sioc_match(struct sioc_server *server, uint64_t match, bool accepted);
/* The parent's child of that name (with its "/"), made when there is none.  A child closes when
 * its last socket leaves or is refused (option cleanup_empty_child_namespaces).  SIOC_EEXIST:
 * the name belongs to another namespace; SIOC_ELIMIT (max_dynamic_namespaces), SIOC_EINVAL,
 * SIOC_ENOMEM. */
SIOC_API int sioc_namespace_child(struct sioc_namespace *parent, struct sioc_str name,
                                  struct sioc_namespace **ret_child);
/* NULL for a namespace that is nobody's child. */
SIOC_API struct sioc_namespace *sioc_namespace_parent(const struct sioc_namespace *nsp);
/* Shared: a child that is closed stays usable (it has no sockets, and nobody joins it) until
 * the last reference is given back.  Others need none. */
SIOC_API void sioc_namespace_ref(struct sioc_namespace *nsp);
SIOC_API void sioc_namespace_unref(struct sioc_namespace *nsp);

/* ---- what a handler is told ---- */

SIOC_API enum sioc_event_kind sioc_event_kind(const struct sioc_event *event);
/* NULL: it is gone (ACK), or there is none (MATCH, NEW_NAMESPACE, ROOM, SERVERS). */
SIOC_API struct sioc_socket *sioc_event_socket(const struct sioc_event *event);
SIOC_API struct sioc_namespace *sioc_event_namespace(const struct sioc_event *event);
/* CLIENT, PACKET, OUTGOING, SERVERS: the event's name, valid UTF-8 (unescaped).  ERROR: that of
 * the event which was refused.  MATCH: that of the namespace.  ROOM: "join-room" and the like.
 * Borrowed. */
SIOC_API struct sioc_str sioc_event_room(const struct sioc_event *event); /* ROOM */
SIOC_API struct sioc_str sioc_event_name(const struct sioc_event *event);
/* DISCONNECTING, DISCONNECT: the reason (protocol.md 5) and details ("" when there are none).
 * ERROR: the reason is the middleware's message. */
SIOC_API struct sioc_str sioc_event_reason(const struct sioc_event *event);
SIOC_API struct sioc_str sioc_event_details(const struct sioc_event *event);
/* ACK: 0 = answered, SIOC_ETIMEDOUT, SIOC_ECLOSED (the client left). */
SIOC_API int sioc_event_status(const struct sioc_event *event);

/* CLIENT, PACKET, ACK, OUTGOING, SERVERS: drives the sink with the arguments, one value each;
 * *ret_count of them (may be NULL).  ERROR: with the middleware's data, if it gave any. May be
 * called more than once.  SIOC_E* of the decoder or of the sink. */
SIOC_API int sioc_event_read(const struct sioc_event *event, struct sioc_sink *sink,
                             size_t *ret_count);
/* The same for C: before the first argument (args.h).  Valid during the call. */
struct sioc_cursor;
SIOC_API int sioc_event_cursor(const struct sioc_event *event, struct sioc_cursor *ret_cursor);

/* MIDDLEWARE: lets the socket pass on to the next middleware (error NULL), or refuses it: the
 * client gets {"message": error, "data": data}.  Now or later, once; `socket` is the handle of
 * the socket. data  a JSON value, or ptr NULL for none; must be valid JSON SIOC_ECLOSED when
 * the client has gone meanwhile. */
SIOC_API int sioc_admit(struct sioc_server *server, uint64_t socket, const char *error,
                        struct sioc_str data_json);

/* PACKET: what the middleware of a socket (sioc_socket_use) answers for; plain data, may be
 * kept. */
struct sioc_passage {
    uint64_t socket;
    uint64_t id;
};
SIOC_API struct sioc_passage sioc_event_passage(const struct sioc_event *event);
/* Lets the event pass on to the next middleware, and at last to its handlers (error NULL), or
 * drops it: the client is told nothing, the socket's "error" handlers are (but for error "").
 * Now or later, once.  While the answer is awaited, what the client sends next is held back
 * (sioc_socket_hold).  data_json: as sioc_admit's.
 * SIOC_ECLOSED: the socket has gone, or the event was dropped; SIOC_ESTATE: answered before. */
SIOC_API int sioc_pass(struct sioc_server *server, struct sioc_passage passage,
                       const char *error, struct sioc_str data_json);

/* CLIENT, PACKET, SERVERS: the way back of an answer; plain data, may be kept. */
struct sioc_reply {
    uint64_t socket; /* its handle; 0: another server asks */
    uint64_t id;
    uint64_t serial; /* private: which of the socket's events it is */
    bool wanted;     /* false: the client did not ask for an ack */
};
SIOC_API struct sioc_reply sioc_event_reply(const struct sioc_event *event);

#ifdef __cplusplus
}
#endif

#endif
