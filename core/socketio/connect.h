/* socketio/connect.h -- how a client comes into a namespace, and how the server puts it out. */
#ifndef SOCKETIO_CONNECT_H
#define SOCKETIO_CONNECT_H

#include "socketio/internal.h"

/* A CONNECT packet.  data: a map as the parser has it, or empty. */
void sio_connect(struct sio_client *client, struct sioc_str nsp_name, struct sioc_str data);
/* The same for a namespace that is there.  auth: JSON object or empty. */
void sio_connect_to(struct sio_client *client, struct sioc_namespace *nsp,
                    struct sioc_str auth);
/* The rest of it, once it is known what the socket recovers (recovery.h). */
void sio_connect_begun(struct sioc_socket *socket);
/* Sends CONNECT_ERROR. */
void sio_connect_refuse(struct sio_client *client, struct sioc_str nsp_name, const char *text);
/* The same of a v3 client, whose auth is the query behind the name. */
void sio_connect_v3(struct sio_client *client, struct sioc_str nsp_name, struct sioc_str query);
/* A namespace as v3 clients write it, "/name?query": the name, and what is behind the mark. */
struct sioc_str sio_namespace_split(struct sioc_str written, struct sioc_str *ret_query);
/* Sends DISCONNECT and closes the socket ("server namespace disconnect"). */
void sio_disconnect_from_namespace(struct sioc_socket *socket);

#endif
