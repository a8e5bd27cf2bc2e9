/* engineio/eio3_polling.h -- what a polling session of a v3 client gets and sends: payloads in
 * the text form, in the binary one, or in JSONP (protocol.md 2.2 to 2.4).
 */
#ifndef ENGINEIO_EIO3_POLLING_H
#define ENGINEIO_EIO3_POLLING_H

#include "engineio/polling.h"

/* Whether the handshake asked for JSONP. */
bool eio_v3_wants_jsonp(const struct eio_session *session);

/* Begins to give the packets of a POST's body to the session, in order.  A parse error ends it;
 * what stands before is delivered.  False: too many packets, and nothing was done. */
bool eio_v3_receive(struct eio_polling *polling, struct http_request *post);

/* Writes what is queued, then `last` (packets, with EIO_SEPARATOR between them, or empty), as
 * the body of an answer.  Returns its content type. */
const char *eio_v3_put_answer(const struct eio_polling *polling, struct sioc_str last,
                              struct buf *out);

#endif
