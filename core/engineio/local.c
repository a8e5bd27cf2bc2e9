/* engineio/local.c -- see local.h. */
#include "engineio/local.h"

int eio_local_open(struct eio_engine *engine, struct eio_handshake *handshake,
                   struct eio_local *local)
{
    struct eio_session *s = eio_session_make(engine, handshake, (struct sioc_str){NULL, 0});
    if (!s)
        return SIOC_ENOMEM;
    s->is_local = true;
    s->local = local;
    local->session = s;
    eio_session_start(s);
    return local->session ? 0 : SIOC_ENOMEM;
}
