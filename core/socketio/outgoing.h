/* socketio/outgoing.h -- handlers that hear of what is sent to their socket. */
#ifndef SOCKETIO_OUTGOING_H
#define SOCKETIO_OUTGOING_H

#include "socketio/message.h"

/* Before the message (complete) goes to the socket: calls its handlers, which may do anything.
 */
void sio_outgoing_tell(struct sioc_socket *socket, const struct sioc_message *message);
/* The same for all sockets with those handles. */
void sio_outgoing_tell_all(struct sioc_server *server, const uint64_t *handles, size_t count,
                           const struct sioc_message *message);
/* Handlers have come or gone, or the socket has: brings the namespace's counter up to date. */
void sio_outgoing_recount(struct sioc_socket *socket);

#endif
