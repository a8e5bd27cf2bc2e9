/* bindings/cli/find.h -- who listens on a port of this machine. */
#ifndef CLI_FIND_H
#define CLI_FIND_H

#include <stdbool.h>
#include <stddef.h>

/* The number of the process, or -1 with a line in ret_error. */
long cli_find_listener(int port, char *ret_error, size_t cap);
/* Whether the process has a handler for the signal, which would end it else.  True when that
 * cannot be seen. */
bool cli_catches(long pid, int signum);

#endif
