/* sioc/adapter.h -- an adapter of your own: who is in which room, and how servers tell each
 * other.
 *
 * Each namespace has an adapter.  The *local* one is built in: it knows the sockets of this
 * server, and calls to it are direct.  An adapter that is set here is asked in its place for
 * whatever it has a function for, and calls the local one's (sioc_local_...) for the part of
 * this server.  So an adapter for a cluster is mostly this, for each function: tell the others,
 * then do it here; and when another one tells: do it here.
 *
 *     static int broadcast(struct sioc_adapter *adapter, const struct sioc_target *target,
 *                          struct sioc_message *message, const struct sioc_emit *emit)
 *     {
 *         struct mine *mine = (struct mine *)adapter;
 *
 *         if (!target->local)
 *             publish(mine, target, message);          // sioc_message_read, into any encoder
 *         return sioc_local_broadcast(mine->nsp, target, message, emit);
 *     }
 *
 * All functions run in the thread of the server's loop.  What is said of Node's
 * socket.io-adapter holds here too, function by function (their names are given), but for
 * these: an answer that takes time is given to a *survey* instead of a promise, and a socket
 * that is left out (`except_socket`) is a handle: for other servers its id is one more room to
 * except, though it can only be here.
 */
#ifndef SIOC_ADAPTER_H
#define SIOC_ADAPTER_H

#include <sioc/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_session;

/* Embedded as the first member of a concrete adapter. */
struct sioc_adapter {
    const struct sioc_adapter_ops *ops;
};

/* A function that is NULL is the local adapter's.  Arguments are borrowed for the call.  Those
 * with a `survey` are asked for answers: see below. */
struct sioc_adapter_ops {
    /* close.  The namespace or its server ends, or another adapter is set: called once, last.
     * The adapter frees itself. */
    void (*close)(struct sioc_adapter *adapter);

    /* addAll, for one room; the socket's own id is the first.  0, SIOC_ELIMIT, SIOC_ENOMEM. */
    int (*add)(struct sioc_adapter *adapter, struct sioc_socket *socket, struct sioc_str room);
    /* del */
    void (*del)(struct sioc_adapter *adapter, struct sioc_socket *socket, struct sioc_str room);
    /* delAll: the socket goes.  What it is still in afterwards, it is taken out of. */
    void (*del_all)(struct sioc_adapter *adapter, struct sioc_socket *socket);

    /* broadcast, without emit->ack.  How many sockets got it here, or an error. */
    int (*broadcast)(struct sioc_adapter *adapter, const struct sioc_target *target,
                     struct sioc_message *message, const struct sioc_emit *emit);
    /* broadcastWithAck: an answer of each socket that is meant.  As broadcast. */
    int (*broadcast_with_ack)(struct sioc_adapter *adapter, const struct sioc_target *target,
                              struct sioc_message *message, const struct sioc_emit *emit,
                              uint64_t survey);
    /* fetchSockets (ids false) and sockets (ids true): an answer for each socket that is meant.
     * Of one on this server it is its id, a string; of another's its id or, if ids is false, a
     * map {id, handshake, rooms, data}. */
    void (*fetch)(struct sioc_adapter *adapter, const struct sioc_target *target, bool ids,
                  uint64_t survey);
    /* addSockets, delSockets, disconnectSockets */
    void (*join)(struct sioc_adapter *adapter, const struct sioc_target *target,
                 const struct sioc_str *rooms, size_t count);
    void (*leave)(struct sioc_adapter *adapter, const struct sioc_target *target,
                  const struct sioc_str *rooms, size_t count);
    void (*disconnect)(struct sioc_adapter *adapter, const struct sioc_target *target,
                       bool close);
    /* serverSideEmit: an event for the other servers, which hand it to sioc_servers_event.
     *   survey  0: no answers are wanted; else one of each of them
     * How many servers are told, or an error. */
    int (*server_side_emit)(struct sioc_adapter *adapter, struct sioc_message *message,
                            uint64_t survey);

    /* persistSession, with the option connection_state_recovery: the socket may come back,
     * perhaps to another server.  restore_session has to be there, too. */
    void (*persist_session)(struct sioc_adapter *adapter, const struct sioc_session *session);
    /* restoreSession: a client that connects (socket: its handle) asks for the session, and has
     * seen the events up to `offset`.  To be answered by sioc_session_restore, now or later;
     * the client waits.  An adapter with this function keeps the events itself: it puts an
     * offset of its own behind the arguments (broadcast; what is sent to a single socket comes
     * that way, too), and the server keeps none. */
    void (*restore_session)(struct sioc_adapter *adapter, uint64_t socket, struct sioc_str pid,
                            struct sioc_str offset);
};

/* Sets the adapter of all namespaces of the server, those that come later included; parents of
 * dynamic ones have none, their children each their own.  An adapter that was there is closed.
 * Sockets stay in their rooms; what was done before is not told to the new one.
 *   open  makes the adapter of a namespace (*ret_adapter; NULL: the local one).  An error of it
 *         is that of making the namespace.  NULL: the local one for all.
 * 0 or the first error of `open`: the namespaces have local adapters then. */
SIOC_API int sioc_server_set_adapter(struct sioc_server *server,
                                     int (*open)(void *user, struct sioc_namespace *nsp,
                                                 struct sioc_adapter **ret_adapter),
                                     void *user);
/* NULL: the local one. */
SIOC_API struct sioc_adapter *sioc_namespace_adapter(const struct sioc_namespace *nsp);

/* ---- the local adapter, for others to call ---- */

SIOC_API int sioc_local_add(struct sioc_socket *socket, struct sioc_str room);
SIOC_API void sioc_local_del(struct sioc_socket *socket, struct sioc_str room);
SIOC_API void sioc_local_del_all(struct sioc_socket *socket);
/* As sioc_broadcast, without emit->ack; but the message is borrowed, and may be used again. */
SIOC_API int sioc_local_broadcast(struct sioc_namespace *nsp, const struct sioc_target *target,
                                  struct sioc_message *message, const struct sioc_emit *emit);
/* Asks the sockets of this server for the survey. */
SIOC_API int sioc_local_broadcast_with_ack(struct sioc_namespace *nsp,
                                           const struct sioc_target *target,
                                           struct sioc_message *message,
                                           const struct sioc_emit *emit, uint64_t survey);
/* Asks them for somebody else's survey: emit->ack is called once for each socket that was
 * asked, as if each had been asked alone (sioc_socket_emit), but never dropped.  Returns how
 * many those are. */
SIOC_API int sioc_local_ask(struct sioc_namespace *nsp, const struct sioc_target *target,
                            struct sioc_message *message, const struct sioc_emit *emit);
SIOC_API void sioc_local_fetch(struct sioc_namespace *nsp, const struct sioc_target *target,
                               uint64_t survey); /* ids */
SIOC_API void sioc_local_join(struct sioc_namespace *nsp, const struct sioc_target *target,
                              const struct sioc_str *rooms, size_t count);
SIOC_API void sioc_local_leave(struct sioc_namespace *nsp, const struct sioc_target *target,
                               const struct sioc_str *rooms, size_t count);
SIOC_API void sioc_local_disconnect(struct sioc_namespace *nsp,
                                    const struct sioc_target *target, bool close);

/* Drives the sink with what the message says, one value each: the event's name, then its
 * arguments.  *ret_count of them (may be NULL).  Its own sink takes nothing more after this. */
SIOC_API int sioc_message_read(struct sioc_message *message, struct sioc_sink *sink,
                               size_t *ret_count);

/* ---- surveys: answers that are waited for ---- */

/* A survey has a number, and ends by itself when no answer is missing any more (not before the
 * function that was given it has returned), or when its time is over; after that its number
 * stands for nothing, and these return SIOC_ECLOSED.  A server that has yet to say how many
 * sockets it has asked is counted as one missing answer, too. */
SIOC_API int sioc_survey_expect(struct sioc_server *server, uint64_t survey, size_t count);
/* So many will not come (the client has gone), or have been something else. */
SIOC_API int sioc_survey_less(struct sioc_server *server, uint64_t survey, size_t count);
/* One that was expected: put(user, sink) drives the sink with its one value.  When it fails
 * (< 0, which is returned), the answer is null. */
SIOC_API int sioc_survey_answer(struct sioc_server *server, uint64_t survey,
                                int (*put)(void *user, struct sioc_sink *sink), void *user);
/* Ends it now: status is 0 or SIOC_ETIMEDOUT. */
SIOC_API int sioc_survey_end(struct sioc_server *server, uint64_t survey, int status);

/* ---- events of other servers ---- */

/* Calls what is registered for the event (sioc_namespace_on_servers): another server has sent
 * it.
 *   message  from sioc_message_new_for_servers, with its arguments; taken in any case
 *   reply    called once with the answer (SIOC_EVENT_ACK), when a handler gives one
 *            (sioc_reply_send); dropped when it cannot come any more.  Taken in any case; NULL:
 *            nobody wants one
 * 0 or an error. */
SIOC_API int sioc_servers_event(struct sioc_namespace *nsp, struct sioc_message *message,
                                const struct sioc_handler *reply);

/* ---- sessions (option connection_state_recovery) ---- */

SIOC_API struct sioc_str sioc_session_id(const struct sioc_session *session);
SIOC_API struct sioc_str sioc_session_pid(const struct sioc_session *session);
/* The rooms, its own id not among them; *pos starts at 0; false at the end. */
SIOC_API bool sioc_session_room_next(const struct sioc_session *session, size_t *pos,
                                     struct sioc_str *ret_room);
/* Its data (sioc_server_on_socket_save).  SIOC_ENOTFOUND: there is none. */
SIOC_API int sioc_session_read_data(const struct sioc_session *session, struct sioc_sink *sink);

/* One to be restored.  pid and id as they were; at most 20 bytes each.  NULL: no memory, or too
 * long. */
SIOC_API struct sioc_session *sioc_session_new(struct sioc_namespace *nsp, struct sioc_str pid,
                                               struct sioc_str id);
SIOC_API void sioc_session_free(struct sioc_session *session); /* accepts NULL */
SIOC_API int sioc_session_add_room(struct sioc_session *session, struct sioc_str room);
/* Put one value: its data.  Borrowed from the session. */
SIOC_API struct sioc_sink *sioc_session_data(struct sioc_session *session);
/* An event that was missed, its offset the last argument; in their order.  message: taken. */
SIOC_API int sioc_session_add_missed(struct sioc_session *session,
                                     struct sioc_message *message);
/* Answers restore_session, once.  session: taken in any case; NULL: there is none, the client
 * begins anew.  SIOC_ECLOSED: the client has gone; SIOC_ESTATE: answered before. */
SIOC_API int sioc_session_restore(struct sioc_server *server, uint64_t socket,
                                  struct sioc_session *session);

#ifdef __cplusplus
}
#endif

#endif
