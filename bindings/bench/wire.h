/* bindings/bench/wire.h -- bytes to and from one server: TCP, and TLS over it.  Reads and
 * writes never wait: -1 with errno EAGAIN says that there is nothing, or no room. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <sys/types.h>

#include "run.h"

/* Looks the host up, and sets TLS up where it is wanted.  0; -1 with a line in ret_error. */
int bench_wire_init(struct run *r, char *ret_error, size_t cap);
void bench_wire_deinit(struct run *r);

/* Begins to connect: 0, or -1 with errno. */
int bench_wire_open(struct run *r, struct client *c);
/* Ends with RST: a bench that opens thousands of connections must not leave them in TIME_WAIT.
 */
void bench_wire_close(struct client *c);

ssize_t bench_wire_send(struct client *c, const void *bytes, size_t len);
/* 0: it ended. */
ssize_t bench_wire_recv(struct client *c, void *bytes, size_t cap);

#endif
