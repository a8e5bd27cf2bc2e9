/* socketio/hold.h -- events that wait because a handler of their socket waits. */
#ifndef SOCKETIO_HOLD_H
#define SOCKETIO_HOLD_H

#include "socketio/socket.h"

/* True when the event was put aside (copied); false: dispatch it now. */
bool sio_hold_event(struct sioc_socket *socket, const struct sio_incoming *in);
/* Delivers all that is held, whoever holds: the socket is leaving. */
void sio_hold_flush(struct sioc_socket *socket);
void sio_hold_free(struct sioc_socket *socket);

#endif
