/* socketio/dynamic.h -- namespaces that come to be when a client asks for them, and go when
 * they are empty. */
#ifndef SOCKETIO_DYNAMIC_H
#define SOCKETIO_DYNAMIC_H

#include "socketio/internal.h"

/* A client asks for a namespace that does not exist: the matchers are asked, and the client is
 * answered (sio_connect_to, or CONNECT_ERROR), now or later.  auth: JSON object or "". */
void sio_match(struct sio_client *client, struct sioc_str name, struct sioc_str auth);
/* Whether the client waits for the answer to such a CONNECT. */
bool sio_match_waits(const struct sio_client *client, struct sioc_str name);
/* The client has gone. */
void sio_matches_drop(struct sio_client *client);

/* Closes the namespace if it is dynamic, has no sockets, and is not to stay. */
void sio_dynamic_sweep(struct sioc_namespace *nsp);
/* Frees all parents and children of a server that is freed. */
void sio_dynamic_free_all(struct sioc_server *server);

#endif
