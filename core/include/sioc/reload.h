/* sioc/reload.h -- changing what a server does while it serves, and keeping every connection.
 *
 * New handlers are registered on a *draft*: a server of its own (sioc_server_new) that never
 * listens, so whatever is done to it is seen by nobody.  sioc_server_adopt takes all of it over
 * at once, between two events.  The sockets that are connected are *re-bound* then: each loses
 * its own handlers, and the new "connection" handlers are called for it again
 * (sioc_event_replayed), followed by the "reload" handlers.  That happens in slices, or with
 * the next thing that happens to a socket, so no handler of before is ever called again.
 *
 * Who drives all this, and when, is script.h.
 */
#ifndef SIOC_RELOAD_H
#define SIOC_RELOAD_H

#include <sioc/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes over what the draft has: handlers, middleware, namespaces, routes, folders, options,
 * the functions of sioc_server_on_rebind and ..._on_socket_save.  What the server had is the
 * draft's afterwards and goes with it, so free the draft soon (sioc_server_free calls `drop` of
 * the handlers of before).
 *   - Sockets, rooms, acks, HTTP requests and connections stay as they are.
 *   - A namespace that the draft does not have keeps its sockets, but their events find no
 *     handler and nobody can join it; with the option drop_missing_namespaces they are
 *     disconnected ("server namespace disconnect").
 *   - Plain WebSockets (websocket.h) stay with their topics when the draft has a route of the
 *     same path (names of parameters may differ); they are re-bound, too.  Those of a route
 *     that is gone are closed with 1012, "service restart".
 *   - Connections of raw Engine.IO (conn.h) stay and are re-bound in the same way, or are
 *     closed, "forced close".  Those below sockets have no handler any more.
 *   - Options hold for what comes: a session keeps the heartbeat it was promised.  "path",
 *     "transports" and "per_message_deflate" stay what they were.
 *   - A socket whose middleware is being asked is asked by all of the new ones, too.
 * Addresses are not touched.  Not from inside one of the server's callbacks.
 * 0, SIOC_ENOMEM (then nothing has changed). */
SIOC_API int sioc_server_adopt(struct sioc_server *server, struct sioc_server *draft);

/* Re-binds up to `max` sockets, plain WebSockets and raw connections; how many were is added to
 * *ret_count. Whether there may be more. */
SIOC_API bool sioc_server_rebind(struct sioc_server *server, size_t max, size_t *ret_count);
/* fn(user, socket) when a socket is re-bound, before its handlers are called again: the host
 * moves its host_ref to the new owner.  Without it the host_ref is dropped. */
SIOC_API void sioc_server_on_rebind(struct sioc_server *server,
                                    void (*fn)(void *user, struct sioc_socket *socket),
                                    void *user);
/* CONNECTION: the socket has been there already. */
SIOC_API bool sioc_event_replayed(const struct sioc_event *event);

/* Acks whose handler `mine` recognises are not called any more (`drop` is): whoever waited for
 * them goes away. */
SIOC_API void sioc_server_forget_acks(struct sioc_server *server,
                                      bool (*mine)(void *user,
                                                   const struct sioc_handler *handler),
                                      void *user);

/* The namespace of `server` that has the place of `other`, one of its draft: of the same name,
 * or the parent that was registered as the same of its kind.  NULL: there is none. */
SIOC_API struct sioc_namespace *sioc_server_same_namespace(struct sioc_server *server,
                                                           struct sioc_namespace *other);

/* ---- addresses ---- */

/* Whether sioc_server_listen was called with that host and port (0 is 0). */
SIOC_API bool sioc_server_listens(const struct sioc_server *server, const char *host,
                                  uint16_t port);
/* Stops accepting there; connections stay.  0, SIOC_ENOTFOUND. */
SIOC_API int sioc_server_unlisten(struct sioc_server *server, const char *host, uint16_t port);
/* Walks them; *pos starts at 0; false at the end.  Host: valid until it is closed. */
SIOC_API bool sioc_server_address_next(const struct sioc_server *server, size_t *pos,
                                       const char **ret_host, uint16_t *ret_port);

/* Walks the namespaces; *pos starts at 0; NULL at the end.  Includes those that were kept for
 * their sockets only (ret_missing, may be NULL). */
SIOC_API struct sioc_namespace *sioc_server_namespace_next(const struct sioc_server *server,
                                                           size_t *pos, bool *ret_missing);

#ifdef __cplusplus
}
#endif

#endif
