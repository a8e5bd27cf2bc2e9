/* tests/bench/loadgen_client.h -- one connection: TCP, upgrade, Engine.IO, CONNECT, frames.
 * Reads as much as there is and writes once for all that it caused. */
#ifndef LOADGEN_CLIENT_H
#define LOADGEN_CLIENT_H

#include "loadgen_run.h"

/* Starts to connect; a failure counts as a lost connection. */
void client_open(struct run *r, struct client *c);
/* What epoll said about it. */
void client_event(struct run *r, struct client *c, uint32_t events);
/* Sends the close frame; what follows is no fault. */
void client_leave(struct run *r, struct client *c);
void client_close(struct run *r, struct client *c);

/* Adds the client's next event to what is sent by the next client_flush of the same client. */
void client_queue_message(struct run *r, struct client *c);
void client_flush(struct run *r, struct client *c);

#endif
