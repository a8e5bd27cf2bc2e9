/* socketio/incoming.h -- an event that the client has sent, before its name is looked at. */
#ifndef SOCKETIO_INCOMING_H
#define SOCKETIO_INCOMING_H

#include "socketio/internal.h"

/* Borrowed from what was read, and gone when the read is over. */
struct sio_incoming {
    struct sioc_str args; /* an array as the parser has it; "" = none */
    struct sioc_buffer *const *attachments;
    size_t attachment_count;
    bool has_id;
    uint64_t id;
};

/* One that may be kept: a copy of the text, and references to the attachments.  NULL when out
 * of memory. */
struct sio_incoming *sio_incoming_copy(const struct sio_incoming *in);
void sio_incoming_free(struct sio_incoming *copy); /* accepts NULL */

#endif
