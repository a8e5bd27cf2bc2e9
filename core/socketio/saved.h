/* socketio/saved.h -- what is kept of a socket that may come back: its ids, rooms and data; and
 * what an adapter brings of one that was kept elsewhere (<sioc/adapter.h>). */
#ifndef SOCKETIO_SAVED_H
#define SOCKETIO_SAVED_H

#include "socketio/internal.h"
#include <sioc/adapter.h>

/* What is told by numbers of packets: [joined, left) were sent while the client was there, the
 * last one that was for him is `sent`. */
struct sio_span {
    uint64_t joined, sent, left;
};

struct sio_brought; /* by an adapter */

struct sioc_session {
    struct list node; /* in by_age */
    uint64_t left_ms;
    size_t bytes;
    struct sio_span span;
    char pid[RAND_ID_LEN + 1], id[RAND_ID_LEN + 1];
    bool left_own_room;
    uint8_t *data; /* of the host, as msgpack; owned */
    size_t data_len;
    size_t names_len;
    const char *names; /* of the rooms, packed (sio_names_next): in `own`, or brought */
    struct sio_brought *brought; /* NULL: it was kept here */
    char own[];
};

/* What is kept of the socket, on the heap; NULL: no memory.  pid: RAND_ID_LEN + 1 bytes. */
struct sioc_session *sio_session_of(struct sioc_socket *socket, const struct sio_span *span,
                                    const char *pid);
static inline bool sio_session_is_brought(const struct sioc_session *session)
{
    return session->brought != NULL;
}
/* Sends the events that were brought.  As sio_socket_send. */
int sio_session_send_missed(struct sioc_socket *socket, const struct sioc_session *session);
/* Hands it to the adapter, and frees it. */
void sio_session_persist(struct sioc_namespace *nsp, struct sioc_session *session);

#endif
