/* base/rand.h -- random bytes of the system (getrandom), and ids made of them. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>

#define RAND_ID_LEN \
    20 /* characters; exactly as long as the reference's ids (protocol.md 1.5) */

/* 0, or SIOC_EIO when the system gives none. */
int rand_bytes(void *out, size_t len);
/* RAND_ID_LEN characters of [A-Za-z0-9_-], 120 random bits, and a NUL. */
int rand_id(char ret_id[RAND_ID_LEN + 1]);

#endif
