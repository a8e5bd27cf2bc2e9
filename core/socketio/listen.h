/* socketio/listen.h -- what the server's end needs of its addresses. */
#ifndef SOCKETIO_LISTEN_H
#define SOCKETIO_LISTEN_H

struct sioc_server;

void sio_server_stop_listening(struct sioc_server *server);
/* Each has the other's certificates from now on. */
void sio_listen_swap_tls(struct sioc_server *server, struct sioc_server *draft);

#endif
