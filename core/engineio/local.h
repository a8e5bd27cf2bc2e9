/* engineio/local.h -- a session without a network: its client is in this process.
 *
 * For tests of what lies above.  There is no heartbeat: it lives as long as its client wants it
 * to, or until the floor above closes it.
 */
#ifndef ENGINEIO_LOCAL_H
#define ENGINEIO_LOCAL_H

#include "engineio/session.h"

/* Embedded in the client. */
struct eio_local {
    /* What a transport does with a frame; takes its own reference.  Called in the middle of
     * broadcasts: calls nobody back.  0, SIOC_EFULL, SIOC_ENOMEM. */
    int (*send)(struct eio_local *local, struct eio_frame *frame);
    /* The session is over. */
    void (*gone)(struct eio_local *local);
    struct eio_session *session; /* NULL before and after */
};

/* Opens a session for `local`, whose functions are set.  handshake: taken; NULL = out of
 * memory. 0, SIOC_ENOMEM. */
int eio_local_open(struct eio_engine *engine, struct eio_handshake *handshake,
                   struct eio_local *local);

/* ---- for session.c ---- */

static inline int eio_local_carry(struct eio_local *local, struct eio_frame *frame)
{
    return local->send(local, frame);
}
static inline void eio_local_gone(struct eio_local *local)
{
    local->session = NULL;
    local->gone(local);
}

#endif
