/* socketio/servers.h -- questions of other servers that wait for the answer of a handler. */
#ifndef SOCKETIO_SERVERS_H
#define SOCKETIO_SERVERS_H

#include "socketio/internal.h"

/* As sioc_reply_send, for a reply without a socket. */
int sio_servers_answer(struct sioc_server *server, uint64_t question,
                       struct sioc_message *message);
/* Of a server that is freed: nobody will answer. */
void sio_questions_end(struct sioc_server *server);
/* Those whose handler is `mine` are not answered any more. */
void sio_questions_forget(struct sioc_server *server,
                          bool (*mine)(void *user, const struct sioc_handler *handler),
                          void *user);

#endif
