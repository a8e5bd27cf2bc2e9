/* socketio/adopt.h -- a server takes over the handlers of another one; sockets are re-bound. */
#ifndef SOCKETIO_ADOPT_H
#define SOCKETIO_ADOPT_H

#include "socketio/internal.h"

/* A connected socket that still has handlers of before gets the new ones, with all that
 * follows. Does nothing for all others.  Before anything of the socket is dispatched. */
void sio_socket_rebind(struct sioc_socket *socket);
/* A socket that is not connected yet: only its host_ref is moved.  Whether there was anything
 * to do. */
bool sio_socket_rehost(struct sioc_socket *socket);
/* Its handlers are set and nothing is held any more: calls "reload", if that is due. */
void sio_socket_reloaded(struct sioc_socket *socket);

/* The parts of sioc_server_adopt that belong to others. */
void sio_server_swap_options(struct sioc_server *server,
                             struct sioc_server *draft);                     /* server.c */
void sio_routes_swap(struct sioc_server *server, struct sioc_server *draft); /* http_api.c */
void sio_websockets_swap(struct sioc_server *server,
                         struct sioc_server *draft); /* websocket_route.c */
/* As sioc_server_rebind, for plain WebSockets. */
bool sio_websockets_rebind(struct sioc_server *server, size_t max, size_t *ret_count);
void sio_surveys_forget(struct sioc_server *server,
                        bool (*mine)(void *user, const struct sioc_handler *handler),
                        void *user); /* survey.c */
/* The handler is dropped, and nobody is called in its place. */
void sio_handler_forget(struct sioc_handler *handler);

#endif
