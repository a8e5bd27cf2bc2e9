/* socketio/adapter.h -- the adapters of namespaces, where somebody has set one.  The local one
 * is no object: namespace->adapter is NULL, and what it does is done directly. */
#ifndef SOCKETIO_ADAPTER_H
#define SOCKETIO_ADAPTER_H

#include "socketio/internal.h"
#include <sioc/adapter.h>

/* Makes the namespace's adapter, if the server has some.  0 or an error. */
int sio_adapter_open(struct sioc_namespace *nsp);
void sio_adapter_close(struct sioc_namespace *nsp);
void sio_adapters_close(struct sioc_server *server); /* those of all namespaces */
/* The socket is about to have joined: its own room comes first. */
int sio_adapter_add_own(struct sioc_socket *socket);
/* The socket goes: it leaves all rooms. */
void sio_adapter_del_all(struct sioc_socket *socket);
/* An event for one socket, which an adapter that restores sessions has to see. */
int sio_adapter_emit(struct sioc_socket *socket, struct sioc_message *message,
                     const struct sioc_emit *emit);

/* Whether it keeps events and sessions of those that come back. */
static inline bool sio_adapter_restores(const struct sioc_namespace *nsp)
{
    return nsp->adapter && nsp->adapter->ops->restore_session;
}

#endif
