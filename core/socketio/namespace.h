/* socketio/namespace.h -- namespaces: their sockets, handlers and middleware. */
#ifndef SOCKETIO_NAMESPACE_H
#define SOCKETIO_NAMESPACE_H

#include "socketio/internal.h"

/* One that nobody finds. */
int sio_namespace_new(struct sioc_server *server, struct sioc_str name,
                      struct sioc_namespace **ret_nsp);
/* One in the table, with its adapter.  parent: NULL = none. */
int sio_namespace_make(struct sioc_server *server, struct sioc_str name,
                       struct sioc_namespace *parent, struct sioc_namespace **ret_nsp);
/* The children as they are now, each with a reference, because handlers may close them; the
 * array is the caller's (mem_free). */
struct sioc_namespace **sio_namespace_children(struct sioc_namespace *parent,
                                               size_t *ret_count);
/* Calls the "new_namespace" handlers of "/". */
void sio_namespace_announce(struct sioc_namespace *nsp);
void sio_namespace_drop_handlers(struct sioc_namespace *nsp); /* but for a matcher */
void sio_namespace_free(struct sioc_namespace *nsp);          /* no socket may be left */
struct sioc_namespace *sio_namespace_find(const struct sioc_server *server,
                                          struct sioc_str name);
int sio_namespace_add(struct sioc_namespace *nsp,
                      struct sioc_socket *socket); /* 0 or SIOC_ENOMEM */
void sio_namespace_remove(struct sioc_namespace *nsp, struct sioc_socket *socket);
/* The i-th middleware, those of its parent first; NULL at the end. */
const struct sioc_handler *sio_namespace_middleware(const struct sioc_namespace *nsp, size_t i);
/* Calls the lifecycle handlers of that name: its parent's, then its own. */
void sio_namespace_tell(struct sioc_namespace *nsp, struct sioc_str name,
                        struct sioc_event *event);
/* Printable, starts with '/', no comma, not too long. */
bool sio_namespace_name_ok(struct sioc_str name);

#endif
