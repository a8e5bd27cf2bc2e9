/* tests/bench/peers/limit_accept.h -- Sec-WebSocket-Accept, so that the limit server needs no
 * library. */
#ifndef LIMIT_ACCEPT_H
#define LIMIT_ACCEPT_H

#include <stddef.h>

#define LIMIT_ACCEPT_LEN 28

/* base64(SHA-1(key + the GUID of RFC 6455)), with a NUL.  Keys are 24 characters. */
void limit_accept(const char *key, size_t len, char ret_accept[LIMIT_ACCEPT_LEN + 1]);

#endif
