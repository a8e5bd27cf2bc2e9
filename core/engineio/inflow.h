/* engineio/inflow.h -- what a POST brings: its packets go to the session in order, a share at a
 * time (net/share.h).
 *
 * A small payload is worked on at once.  What is above a share waits for the next turn, and the
 * POST for its answer, so that one client's payload stops nobody else.  Knows no HTTP but the
 * body.  Invariant: polling->inflow is set while packets of its POST wait, and only then.
 */
#ifndef ENGINEIO_INFLOW_H
#define ENGINEIO_INFLOW_H

#include "engineio/polling.h"

enum eio_form {
    EIO_FORM_V4,        /* packets with EIO_SEPARATOR in between */
    EIO_FORM_V3,        /* length:packet */
    EIO_FORM_V3_BINARY, /* see eio_v3_binary_next */
};

/* Works on a payload.  text: taken, what `payload` lies in, unless that is the POST's body.
 * The session may be closed inside.  False: too many packets, and nothing was done. */
bool eio_inflow_begin(struct eio_polling *polling, enum eio_form form, struct sioc_str payload,
                      struct buf *text);
/* The same for text that may have to be repaired (polling.c). */
bool eio_polling_take_text(struct eio_polling *polling, enum eio_form form,
                           struct sioc_str text, struct buf *scratch);
/* Works on all that waits, now. */
void eio_inflow_finish(struct eio_polling *polling);
/* Forgets what waits. */
void eio_inflow_drop(struct eio_polling *polling);

#endif
