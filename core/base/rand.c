/* base/rand.c -- random bytes of the system, and ids made of them.
 *
 * Knows getrandom(2) only; keeps no pool, so there is nothing to share, to fork or to leak.
 * Invariant: on success every byte asked for is random.
 */
#include "base/rand.h"

#include <errno.h>
#include <sioc/base.h>
#include <sys/random.h>

int rand_bytes(void *out, size_t len)
{
    uint8_t *to = out;
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return SIOC_EIO;
        to += got;
        len -= (size_t)got;
    }
    return 0;
}

int rand_id(char ret_id[RAND_ID_LEN + 1])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[RAND_ID_LEN]; /* 6 of each 8 bits are used: 20 bytes cost no more than 15 */
    int rc = rand_bytes(bytes, sizeof bytes);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < RAND_ID_LEN; i++)
        ret_id[i] = alphabet[bytes[i] & 63];
    ret_id[RAND_ID_LEN] = '\0';
    return 0;
}
