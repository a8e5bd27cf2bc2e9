/* sioc/websocket.h -- plain WebSocket routes, for devices and tools that do not speak
 * Socket.IO, and topics that they subscribe to.
 *
 * Limits, compression, the check of origins and the heartbeat are those of the server's own
 * WebSockets: max_payload, max_queue, per_message_deflate, cors, ping_interval and ping_timeout
 * (by WebSocket pings, when a peer has been silent). A connection is known by its handle, which
 * stays unique for the server's life and finds nothing once it is closed.
 */
#ifndef SIOC_WEBSOCKET_H
#define SIOC_WEBSOCKET_H

#include <sioc/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_websocket;

/* What happens to the connections of a route; all but open and drop may be NULL.  Pointers are
 * borrowed for the call. */
struct sioc_websocket_handler {
    /* It is open: messages may be sent, and come from the next turn on.  The request can be
     * read during the call only, and not be answered.  Called again after a reload
     * (sioc_websocket_replayed): with the request as it was, and the route's own parameters. */
    void (*open)(void *user, intptr_t ref, struct sioc_websocket *websocket,
                 struct sioc_request *request);
    /* Text is valid UTF-8. */
    void (*message)(void *user, intptr_t ref, struct sioc_websocket *websocket,
                    struct sioc_str data, bool is_binary);
    /* It is over, whoever ended it; sending fails already, host_ref and topics are still there.
     *   code    1005: without a code; 1006: without a close frame
     *   reason  the peer's, or what the peer has done wrong */
    void (*close)(void *user, intptr_t ref, struct sioc_websocket *websocket, unsigned code,
                  struct sioc_str reason);
    /* Everything that was sent has been handed to the kernel. */
    void (*drained)(void *user, intptr_t ref, struct sioc_websocket *websocket);
    /* The server will never call this handler again: its route is gone, and all connections
     * have been closed or re-bound (reload.h). */
    void (*drop)(void *user, intptr_t ref);
    void *user;
    intptr_t ref;
};

/* path: "/chat", "/device/:id".  The same path may have an HTTP route, too. 0, SIOC_EINVAL,
 * SIOC_EEXIST, SIOC_ENOMEM; the handler is taken only on success. */
SIOC_API int sioc_websocket_route(struct sioc_server *server, struct sioc_str path,
                                  struct sioc_websocket_handler handler);

SIOC_API uint64_t sioc_websocket_handle(const struct sioc_websocket *websocket);
/* The connection, or NULL when it is gone.  Borrowed until control returns to the loop. */
SIOC_API struct sioc_websocket *sioc_websocket_find(const struct sioc_server *server,
                                                    uint64_t handle);
/* Not yet closed: false in and after `close`. */
SIOC_API bool sioc_websocket_connected(const struct sioc_websocket *websocket);
/* One value for the host, 0 at first, and for any owner but the one that has set it.  After a
 * reload `open` finds the old owner's, and puts its own in its place. */
SIOC_API void sioc_websocket_set_host_ref(struct sioc_websocket *websocket, void *owner,
                                          intptr_t ref);
SIOC_API intptr_t sioc_websocket_host_ref(const struct sioc_websocket *websocket,
                                          const void *owner);
SIOC_API void *sioc_websocket_host_owner(const struct sioc_websocket *websocket); /* or NULL */
/* In `open`: the connection has been there already. */
SIOC_API bool sioc_websocket_replayed(const struct sioc_websocket *websocket);

/* Sends one message; data is copied.  0; SIOC_EUTF8: text that is not UTF-8; SIOC_ECLOSED;
 * SIOC_EFULL: more than max_queue bytes wait already, the connection is being closed (1013);
 * SIOC_ENOMEM. */
SIOC_API int sioc_websocket_send(struct sioc_websocket *websocket, struct sioc_str data,
                                 bool is_binary);
/* Bytes that wait to be handed to the kernel. */
SIOC_API size_t sioc_websocket_queued(const struct sioc_websocket *websocket);
/* Closes it when everything is out; calls `close` with this code and reason.
 *   code    0 = none, or 1000 to 4999 without those that never go on the wire
 *   reason  at most 123 bytes of UTF-8
 * 0, SIOC_EINVAL, SIOC_ECLOSED */
SIOC_API int sioc_websocket_close(struct sioc_websocket *websocket, unsigned code,
                                  struct sioc_str reason);
/* Reads nothing until release; counted.  For an open handler that waits.  What was read before
 * comes after the release, or once it is too much (max_payload and 64 KiB). */
SIOC_API void sioc_websocket_hold(struct sioc_websocket *websocket);
SIOC_API void sioc_websocket_release(struct sioc_websocket *websocket);

/* ---- topics: of the whole server, whatever the route ---- */

/* 0 (also when it is subscribed already), SIOC_ETOOBIG (name above 256 bytes), SIOC_ELIMIT
 * (more than max_rooms topics), SIOC_ECLOSED, SIOC_ENOMEM. */
SIOC_API int sioc_websocket_subscribe(struct sioc_websocket *websocket, struct sioc_str topic);
SIOC_API void sioc_websocket_unsubscribe(struct sioc_websocket *websocket,
                                         struct sioc_str topic);
/* Walks its topics; *pos starts at 0; false at the end.  No changes meanwhile. */
SIOC_API bool sioc_websocket_topic_next(const struct sioc_websocket *websocket, size_t *pos,
                                        struct sioc_str *ret_topic);
/* One message for all subscribers, framed and compressed once.
 *   except  handle of one who does not get it; 0 = nobody
 * Returns how many got it, SIOC_EUTF8 or SIOC_ENOMEM. */
SIOC_API int sioc_publish(struct sioc_server *server, struct sioc_str topic,
                          struct sioc_str data, bool is_binary, uint64_t except);

#ifdef __cplusplus
}
#endif

#endif
