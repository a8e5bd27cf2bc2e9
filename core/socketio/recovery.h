/* socketio/recovery.h -- clients that come back find what they left (protocol.md 3.5).
 *
 * A namespace with this option has a struct sio_recovery: the last packets (backlog.h), and
 * sessions of sockets that went, by their private id (pid).  Each of its sockets has a struct
 * sio_tracking.  Without the option both are NULL.
 *
 * Packets are numbered; what a client is given is a number in text, the *offset*, as the last
 * argument of every event that asks for no answer.  Where the reference wants the client's
 * offset to be in the log, we need less: whoever has got all that was sent to him while he was
 * there has missed only what was sent after.
 */
#ifndef SOCKETIO_RECOVERY_H
#define SOCKETIO_RECOVERY_H

#include "socketio/internal.h"

/* ---- of a namespace ---- */

/* Makes nsp->recovery, if the option says so.  0 or SIOC_ENOMEM. */
int sio_recovery_init(struct sioc_namespace *nsp);
void sio_recovery_free(struct sioc_namespace *nsp);
/* Whether somebody may come back. */
bool sio_recovery_holds(const struct sioc_namespace *nsp);

/* ---- of a message: between its last argument and its frame, and behind that ---- */

/* Gives the message its offset.  A volatile event is not kept, but an offset must stand behind
 * its arguments as well: clients take any text that comes last for one. */
void sio_recovery_stamp(struct sioc_namespace *nsp, struct sioc_message *message,
                        bool is_volatile);
/* Keeps the frame for those who are gone.  Returns its number. */
uint64_t sio_recovery_keep(struct sioc_namespace *nsp, struct eio_frame *frame,
                           const struct sioc_target *target);
uint64_t sio_recovery_keep_own(struct sioc_socket *socket, struct eio_frame *frame);
/* The socket was sent that packet, or is about to be. */
void sio_recovery_sent(struct sioc_socket *socket, uint64_t number);

/* ---- of a socket ---- */

/* A socket was made: it gets a pid, or a session that auth (JSON) asks for, with its id.
 * 0 or SIOC_ENOMEM; 1: an adapter is asked for the session, and sio_connect_begun follows. */
int sio_recovery_begin(struct sioc_socket *socket);
/* It has joined: its rooms, and what it has missed.  SIOC_ECLOSED: it is gone. */
int sio_recovery_resume(struct sioc_socket *socket);
/* Its connection is lost; before its handlers hear of it. */
void sio_recovery_leaving(struct sioc_socket *socket);
/* They have heard, and its rooms are still there: keeps the session, if the reason allows. */
void sio_recovery_save(struct sioc_socket *socket, const char *reason);
/* It was not let in: the session waits on. */
void sio_recovery_refused(struct sioc_socket *socket);
void sio_tracking_free(struct sioc_socket *socket);
/* "" without recovery */
struct sioc_str sio_recovery_pid(const struct sioc_socket *socket);

#endif
