/* socketio/ack.h -- answers that a server waits for.
 *
 * Each waits in its socket's list; it ends exactly once: answered, timed out, or because the
 * socket goes. Ids count per namespace (protocol.md 3.4).
 */
#ifndef SOCKETIO_ACK_H
#define SOCKETIO_ACK_H

#include "socketio/internal.h"

struct sio_ack {
    struct list node;  /* in socket->acks */
    struct list peers; /* in a survey's list, or alone */
    struct sioc_socket *socket;
    uint64_t id;
    struct sioc_handler handler;
    struct net_timer timer;
};

/* Waits for the answer `id` of the socket.  0, SIOC_ELIMIT, SIOC_ENOMEM. */
int sio_ack_wait(struct sioc_socket *socket, uint64_t id, const struct sioc_emit *emit);
/* Takes back a wait that was just begun, without calling anybody. */
void sio_ack_forget(struct sioc_socket *socket, uint64_t id);
/* The same for one that is at hand. */
void sio_ack_drop(struct sio_ack *ack);
/* The client has answered.  False when nobody waits for that id. */
bool sio_ack_answered(struct sioc_socket *socket, uint64_t id, struct sioc_event *event);
/* The socket goes: everybody who waits is told. */
void sio_ack_fail_all(struct sioc_socket *socket);

#endif
