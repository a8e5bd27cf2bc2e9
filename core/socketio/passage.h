/* socketio/passage.h -- events on their way through the middleware of their socket. */
#ifndef SOCKETIO_PASSAGE_H
#define SOCKETIO_PASSAGE_H

#include "socketio/incoming.h"

/* Asks the socket's middleware about an event (borrowed, as `in`).
 * 1: it may pass, go on.  0: it was refused, or waits for an answer and goes on by itself then,
 * while what the client sends meanwhile is held back.  SIOC_E*: its text is malformed. */
int sio_passage_begin(struct sioc_socket *socket, const struct sio_incoming *in,
                      struct sioc_event *event);
/* Takes all middleware off; events that wait for it are asked about again by what comes then.
 */
void sio_gate_clear(struct sioc_socket *socket);
void sio_gate_free(struct sioc_socket *socket);

#endif
