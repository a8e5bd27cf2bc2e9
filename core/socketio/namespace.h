/* socketio/namespace.h -- namespaces: their sockets, handlers and middleware. */
#ifndef SOCKETIO_NAMESPACE_H
#define SOCKETIO_NAMESPACE_H

#include "socketio/internal.h"

int sio_namespace_new(struct sioc_server *server, struct sioc_str name,
                      struct sioc_namespace **ret_nsp);
void sio_namespace_free(struct sioc_namespace *nsp); /* no socket may be left */
struct sioc_namespace *sio_namespace_find(const struct sioc_server *server,
                                          struct sioc_str name);
int sio_namespace_add(struct sioc_namespace *nsp,
                      struct sioc_socket *socket); /* 0 or SIOC_ENOMEM */
void sio_namespace_remove(struct sioc_namespace *nsp, struct sioc_socket *socket);
/* Printable, starts with '/', no comma, not too long. */
bool sio_namespace_name_ok(struct sioc_str name);

#endif
