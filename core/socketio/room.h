/* socketio/room.h -- who is in which room: join, leave and walk cost O(members touched). */
#ifndef SOCKETIO_ROOM_H
#define SOCKETIO_ROOM_H

#include "socketio/internal.h"

struct sio_room *sio_room_find(const struct sioc_namespace *nsp,
                               struct sioc_str name); /* or NULL */
int sio_room_join(struct sioc_socket *socket,
                  struct sioc_str name); /* 0, SIOC_ELIMIT, SIOC_ENOMEM */
void sio_room_leave(struct sioc_socket *socket, struct sioc_str name);
/* The room of the socket's own id, which has no record: both only change who hears of it. */
void sio_room_join_own(struct sioc_socket *socket);
void sio_room_leave_own(struct sioc_socket *socket);
void sio_room_leave_all(struct sioc_socket *socket);

#endif
