/* socketio/client.h -- one Engine.IO session as Socket.IO sees it: packets in, sockets by
 * namespace. */
#ifndef SOCKETIO_CLIENT_H
#define SOCKETIO_CLIENT_H

#include "socketio/internal.h"

/* The engine's callbacks; engine user is the server. */
extern const struct eio_engine_ops sio_client_ops;

struct sioc_socket *sio_client_socket(const struct sio_client *client,
                                      const struct sioc_namespace *nsp);
/* Sends to the client.  SIOC_ECLOSED when its session is over. */
int sio_client_send(struct sio_client *client, struct eio_frame *frame);
/* The client sent something undecodable: its connection is closed ("forced close"). */
void sio_client_malformed(struct sio_client *client, const char *what);
/* The client sent what the state forbids: closed as well, now in any case. */
void sio_client_violation(struct sio_client *client, const char *what);
/* It is in a namespace: its time for that is over. */
void sio_client_joined(struct sio_client *client);
/* Closes the connection of a client whose sockets were told already. */
void sio_client_close(struct sio_client *client);

#endif
