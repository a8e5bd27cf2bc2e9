/* socketio/pressure.h -- what happens when memory gets short.
 *
 * Looked at four times a second while the server listens.  Above 80 % of the budget (option
 * max_memory, or what the machine has) nobody new is let in; above 95 % the clients for whom
 * most output waits are closed, as slow readers are.  Those who read are not touched.
 */
#ifndef SOCKETIO_PRESSURE_H
#define SOCKETIO_PRESSURE_H

#include <stdint.h>

struct sioc_server;

enum sio_pressure_level { SIO_PRESSURE_NONE, SIO_PRESSURE_SOFT, SIO_PRESSURE_HARD };

enum sio_pressure_level sio_pressure_level(uint64_t budget, uint64_t used);

void sio_pressure_start(struct sioc_server *server); /* again: does nothing */
void sio_pressure_stop(struct sioc_server *server);

#endif
