/* engineio/payload.h -- the body of a polling POST: packets joined with 0x1e (protocol.md 1.8).
 */
#ifndef ENGINEIO_PAYLOAD_H
#define ENGINEIO_PAYLOAD_H

#include "engineio/session.h"

/* Whether it holds at most `max` packets. */
bool eio_payload_fits(struct sioc_str payload, size_t max);
/* For requests whose outcome nobody waits for any more. */
extern const struct http_request_ops eio_forget_ops;

#endif
