/* socketio/socket.h -- the life of a socket within this floor. */
#ifndef SOCKETIO_SOCKET_H
#define SOCKETIO_SOCKET_H

#include "socketio/incoming.h"

/* A socket in state CONNECTING, known by handle, in its client's list.  auth: copied JSON or
 * empty. */
struct sioc_socket *sio_socket_new(struct sio_client *client, struct sioc_namespace *nsp,
                                   struct sioc_str auth);
/* All middleware has passed: joins the namespace, tells the client, calls "connection". */
void sio_socket_join_namespace(struct sioc_socket *socket);
/* The end, whatever the cause: handlers, acks, rooms, tables.  Does nothing the second time. */
void sio_socket_close(struct sioc_socket *socket, const char *reason, const char *details);
/* Sends a frame to the socket's client.  SIOC_ECLOSED, SIOC_EFULL, SIOC_ENOMEM. */
int sio_socket_send(struct sioc_socket *socket, struct eio_frame *frame);

/* An event of the client, already checked by shape.  Calls the handlers, or holds it back.
 * Returns the first error of the text (the client is to be closed for it), else 0. */
int sio_socket_event(struct sioc_socket *socket, const struct sio_incoming *in);
/* The same without holding back (hold.c). */
int sio_socket_dispatch(struct sioc_socket *socket, const struct sio_incoming *in);
/* What is left of a dispatch once all middleware has let the event pass: the handlers of its
 * name. */
void sio_socket_call_named(struct sioc_socket *socket, struct sioc_event *event);
/* Tells the "error" handlers of the socket or, when it has none, those of the namespace.
 * name: of the event that it is about, or ""; data: JSON, or "" for none. */
void sio_socket_error(struct sioc_socket *socket, struct sioc_str name, const char *message,
                      struct sioc_str data);

#endif
