/* sioc/socket.h -- sockets, messages to them, rooms, broadcasts.
 *
 * A socket is one client in one namespace.  Its handle is a number that stays unique for the
 * server's life: keep handles, find the pointer when it is needed.
 */
#ifndef SIOC_SOCKET_H
#define SIOC_SOCKET_H

#include <sioc/server.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- identity ---- */

SIOC_API uint64_t sioc_socket_handle(const struct sioc_socket *socket);
/* The socket, or NULL when it is gone.  Borrowed until control returns to the loop. */
SIOC_API struct sioc_socket *sioc_socket_find(const struct sioc_server *server,
                                              uint64_t handle);
/* By its public id (20 characters), within a namespace. */
SIOC_API struct sioc_socket *sioc_socket_by_id(const struct sioc_namespace *nsp,
                                               struct sioc_str id);
SIOC_API struct sioc_str sioc_socket_id(const struct sioc_socket *socket);
SIOC_API struct sioc_namespace *sioc_socket_namespace(const struct sioc_socket *socket);
/* Joined, and not yet disconnected. */
SIOC_API bool sioc_socket_connected(const struct sioc_socket *socket);
/* It came back (option connection_state_recovery), with its id, rooms and data; from its first
 * middleware on. */
SIOC_API bool sioc_socket_recovered(const struct sioc_socket *socket);
/* Drives the sink with the value that was put aside when it went (sioc_server_on_socket_save).
 * SIOC_ENOTFOUND: it is not recovered, or there is none; the sink's error. */
SIOC_API int sioc_socket_read_data(const struct sioc_socket *socket, struct sioc_sink *sink);
/* "polling" or "websocket"; static. */
SIOC_API const char *sioc_socket_transport(const struct sioc_socket *socket);
/* The version of Engine.IO that the client speaks, 3 or 4; 0 when it has gone. */
SIOC_API int sioc_socket_protocol(const struct sioc_socket *socket);
/* The client's session, shared by its sockets in all namespaces: unique while it lives. */
SIOC_API uint64_t sioc_socket_client(const struct sioc_socket *socket);

/* One value for the host that drives the server (e.g. a reference to its own object), and whose
 * it is: while a script is reloaded there is more than one host.  0 when there is none, or it
 * is another one's. */
SIOC_API void sioc_socket_set_host_ref(struct sioc_socket *socket, void *owner, intptr_t ref);
SIOC_API intptr_t sioc_socket_host_ref(const struct sioc_socket *socket, const void *owner);
/* Whose host_ref it has; NULL: nobody's. */
SIOC_API void *sioc_socket_host_owner(const struct sioc_socket *socket);

/* ---- handshake: the first HTTP request of the client, and the auth of this namespace ---- */

struct sioc_handshake {
    struct sioc_str address; /* peer's numeric address */
    struct sioc_str url;     /* request target as sent */
    struct sioc_str auth;    /* JSON object, "{}" when the client sent none */
    int64_t issued_ms;       /* since 1970 */
    bool secure;             /* TLS */
    bool xdomain;            /* an Origin header was there */
};
/* Slices live as long as the socket. */
SIOC_API void sioc_socket_handshake(const struct sioc_socket *socket,
                                    struct sioc_handshake *ret_handshake);
/* issued_ms as the reference prints it: "Sat Nov 21 2026 07:14:42 GMT+0000 (...)". */
SIOC_API void sioc_handshake_time_text(int64_t issued_ms, char ret_text[64]);
/* Walk headers (names in lower case) and query pairs (decoded); *pos starts at 0; false at the
 * end. */
SIOC_API bool sioc_socket_header_next(const struct sioc_socket *socket, size_t *pos,
                                      struct sioc_str *ret_name, struct sioc_str *ret_value);
SIOC_API bool sioc_socket_query_next(const struct sioc_socket *socket, size_t *pos,
                                     struct sioc_str *ret_name, struct sioc_str *ret_value);

/* ---- handlers of one socket ---- */

/* name: "disconnecting", "disconnect", or a client event (ptr NULL = every event, called
 * first).  Handlers of "error" are called for client events of that name (SIOC_EVENT_CLIENT)
 * and for what middleware refuses and nobody can decode (SIOC_EVENT_ERROR; the latter has no
 * name). 0, SIOC_ERESERVED ("connect", "connect_error", "newListener", "removeListener"),
 * SIOC_ECLOSED, SIOC_ENOMEM. The handler is taken only on success. */
SIOC_API int sioc_socket_on(struct sioc_socket *socket, struct sioc_str name,
                            struct sioc_handler handler, unsigned flags);
/* As sioc_namespace_off. */
SIOC_API int sioc_socket_off(struct sioc_socket *socket, struct sioc_str name, const void *user,
                             intptr_t ref);
/* Handlers of every event that is sent to the socket, broadcasts and volatile ones that are
 * dropped included, before it is; not of answers (SIOC_EVENT_OUTGOING).  off: all of them, or
 * the one with that user and ref; how many.  As for the rest sioc_socket_on. */
SIOC_API int sioc_socket_on_outgoing(struct sioc_socket *socket, struct sioc_handler handler,
                                     unsigned flags);
SIOC_API int sioc_socket_off_outgoing(struct sioc_socket *socket, const void *user,
                                      intptr_t ref);
/* Walk the handlers of one name (ptr NULL: of every event) in the order of calls, those of
 * what is sent, and the names that have handlers (one may come several times).  *pos starts at
 * 0; false at the end.  Adding and removing meanwhile is not allowed. */
SIOC_API bool sioc_socket_handler_next(const struct sioc_socket *socket, struct sioc_str name,
                                       size_t *pos, struct sioc_handler *ret_handler);
SIOC_API bool sioc_socket_outgoing_next(const struct sioc_socket *socket, size_t *pos,
                                        struct sioc_handler *ret_handler);
SIOC_API bool sioc_socket_name_next(const struct sioc_socket *socket, size_t *pos,
                                    struct sioc_str *ret_name);
/* Middleware for the client's events: runs in order of registration after the handlers of every
 * event and before those of its name (SIOC_EVENT_PACKET); each answers by sioc_pass.  Events
 * are asked for with the middleware that was there when they came.  At most 64 events (or
 * 256 KiB) of a socket wait; more are refused.  0, SIOC_ECLOSED, SIOC_ENOMEM; taken on success.
 */
SIOC_API int sioc_socket_use(struct sioc_socket *socket, struct sioc_handler handler);
/* Holds back what the client sends in this namespace (events, acks, disconnects keep their
 * order) until release; for a connection handler that waits, or handlers that run one after the
 * other.  Counted. Bounded (64 packets, 256 KiB, 10 s): beyond that everything is delivered as
 * if released. */
SIOC_API void sioc_socket_hold(struct sioc_socket *socket);
SIOC_API void sioc_socket_release(struct sioc_socket *socket);

/* ---- messages ---- */

/* One event on its way out: put the arguments into its sink, then send it.  Encoded once. */
struct sioc_message;

/* ret_message: to be given to exactly one of the sending functions or sioc_message_free.
 * SIOC_ERESERVED: "connect" and the like cannot be emitted. SIOC_EUTF8, SIOC_ENOMEM. */
SIOC_API int sioc_message_new(struct sioc_namespace *nsp, struct sioc_str event,
                              struct sioc_message **ret_message);
/* The same for an answer (sioc_reply_send). */
SIOC_API int sioc_message_new_answer(struct sioc_namespace *nsp,
                                     struct sioc_message **ret_message);
/* Put one value per argument.  Borrowed until the message is sent or freed. */
SIOC_API struct sioc_sink *sioc_message_sink(struct sioc_message *message);
SIOC_API void sioc_message_free(struct sioc_message *message); /* accepts NULL */

struct sioc_emit {
    bool is_volatile; /* may be dropped when the client cannot take it now */
    bool no_compress; /* a polling answer that holds only such packets goes out plain */
    /* call not NULL: ask for an answer.  Exactly one SIOC_EVENT_ACK follows if (and only if)
     * the emit returned 0.  timeout_ms 0 = none: it comes when the client answers or leaves. */
    struct sioc_handler ack;
    uint64_t timeout_ms;
};

/* message: taken in any case.  emit: borrowed, NULL = plain.
 * 0 = queued; SIOC_ECLOSED, SIOC_EAGAIN (volatile, dropped), SIOC_EFULL (slow reader: it is
 * being disconnected), an encoding error, SIOC_ENOMEM. */
SIOC_API int sioc_socket_emit(struct sioc_socket *socket, struct sioc_message *message,
                              const struct sioc_emit *emit);
/* Answers an event.  Only the first answer is sent, whoever of its handlers gives it:
 * SIOC_ESTATE for others (as far as the socket remembers: its last 64 events that want an
 * answer; clients ignore a second one).  SIOC_ECLOSED when the client has gone. message: taken.
 */
SIOC_API int sioc_reply_send(struct sioc_server *server, struct sioc_reply reply,
                             struct sioc_message *message);

/* ---- rooms ---- */

/* 0 (also when it is in already), SIOC_ECLOSED, SIOC_ETOOBIG (name above 256 bytes),
 * SIOC_ELIMIT (rooms per socket), SIOC_ENOMEM. */
SIOC_API int sioc_socket_join(struct sioc_socket *socket, struct sioc_str room);
SIOC_API int sioc_socket_leave(struct sioc_socket *socket, struct sioc_str room);
/* Walks the rooms the socket is in, its own id first; *pos starts at 0; false at the end.
 * Joining and leaving meanwhile is not allowed. */
SIOC_API bool sioc_socket_room_next(const struct sioc_socket *socket, size_t *pos,
                                    struct sioc_str *ret_room);
SIOC_API size_t sioc_namespace_room_size(const struct sioc_namespace *nsp,
                                         struct sioc_str room);
/* Walks the rooms of the namespace in no order, ids of sockets included; *pos starts at 0;
 * false at the end.  Joining and leaving meanwhile is not allowed. */
SIOC_API bool sioc_namespace_room_next(const struct sioc_namespace *nsp, size_t *pos,
                                       struct sioc_str *ret_room);

/* Disconnects from the namespace ("server namespace disconnect"); close: also all other
 * namespaces of the client and its connection. */
SIOC_API void sioc_socket_disconnect(struct sioc_socket *socket, bool close);
/* Closes the client's connection without a packet ("forced close"). */
SIOC_API void sioc_socket_close_connection(struct sioc_socket *socket);

/* ---- many sockets at once ---- */

/* Who is meant: the union of rooms (none = everybody), minus everyone in an `except` room.  A
 * socket's id is a room.  Borrowed. */
struct sioc_target {
    const struct sioc_str *rooms;
    size_t room_count;
    const struct sioc_str *except;
    size_t except_count;
    uint64_t except_socket; /* handle, 0 = none: the sender */
    bool local;             /* this process only */
};

/* message: taken in any case.  Returns how many sockets got it on this node, or an encoding
 * error, SIOC_ENOMEM.  With emit->ack all are asked with one id, and exactly one SIOC_EVENT_ACK
 * follows (later, and only if this returned >= 0): its arguments are the first argument of each
 * answer in the order they came, its status SIOC_ETIMEDOUT when some are missing (timeout_ms 0
 * = 10 s; whoever leaves is not waited for), its socket NULL. */
SIOC_API int sioc_broadcast(struct sioc_namespace *nsp, const struct sioc_target *target,
                            struct sioc_message *message, const struct sioc_emit *emit);
/* An event for the other servers of the cluster, in the same namespace.  SIOC_ERESERVED:
 * "connect", "connection", "new_namespace"; else as sioc_message_new. */
SIOC_API int sioc_message_new_for_servers(struct sioc_namespace *nsp, struct sioc_str event,
                                          struct sioc_message **ret_message);
/* message: taken in any case.  Returns how many servers are told (0 without a cluster), or an
 * error.  With emit->ack exactly one SIOC_EVENT_ACK follows as for sioc_broadcast, with one
 * answer for each of them. */
SIOC_API int sioc_server_side_emit(struct sioc_namespace *nsp, struct sioc_message *message,
                                   const struct sioc_emit *emit);
/* Each socket that is meant, of all servers: joins the rooms, leaves them, is disconnected. */
SIOC_API void sioc_sockets_join(struct sioc_namespace *nsp, const struct sioc_target *target,
                                const struct sioc_str *rooms, size_t count);
SIOC_API void sioc_sockets_leave(struct sioc_namespace *nsp, const struct sioc_target *target,
                                 const struct sioc_str *rooms, size_t count);
SIOC_API void sioc_sockets_disconnect(struct sioc_namespace *nsp,
                                      const struct sioc_target *target, bool close);
/* Which sockets are meant, of all servers: exactly one SIOC_EVENT_ACK follows, with one
 * argument for each: of those on this server the id, of others the id or, if ids is false, a
 * map {id, handshake, rooms, data}; its status is SIOC_ETIMEDOUT when some are missing. 0 or
 * SIOC_ENOMEM (emit->ack is taken on success); SIOC_ENOTFOUND: there are no other servers,
 * sioc_for_each_socket knows all. */
SIOC_API int sioc_fetch_sockets(struct sioc_namespace *nsp, const struct sioc_target *target,
                                bool ids, const struct sioc_emit *emit);
/* Calls fn for each socket that is meant, on this node.  fn may join, leave and disconnect it.
 */
SIOC_API int sioc_for_each_socket(struct sioc_namespace *nsp, const struct sioc_target *target,
                                  void (*fn)(void *user, struct sioc_socket *socket),
                                  void *user);

#ifdef __cplusplus
}
#endif

#endif
