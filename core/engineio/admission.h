/* engineio/admission.h -- a request that wants a new session and waits for those who may say no
 * (protocol.md 1.3, 4 and 5).
 *
 * First the application is asked whether it allows the request, then the protocol's version is
 * looked at, then the application may name the session.  Each answer may come at once or later;
 * the client may go meanwhile.
 * Invariant: an admission ends in an answer to its request, or in the request's abortion.
 */
#ifndef ENGINEIO_ADMISSION_H
#define ENGINEIO_ADMISSION_H

#include "engineio/engine.h"

#define EIO_SID_MIN 20 /* bytes of an id that the application makes */
#define EIO_SID_MAX 64

struct eio_admission {
    struct eio_engine *engine;
    struct http_request *request;
    bool asked_id; /* this is the question that waits, not the first one */
    void *user;    /* the floor's above */
    struct net_garbage garbage;
};

/* Asks; the request is the admission's from here on. */
void eio_admission_begin(struct eio_engine *engine, struct http_request *request);
/* The answer to ask_allow.  text: why not, for the client; ptr NULL: the usual one. */
void eio_admission_allow(struct eio_admission *admission, bool allowed, struct sioc_str text);
/* The answer to ask_id.  0; SIOC_EINVAL: not 20 to 64 characters of A-Za-z0-9_-;
 * SIOC_EEXIST: the id of another session.  The client was refused then. */
int eio_admission_give_id(struct eio_admission *admission, struct sioc_str sid);

#endif
