/* engineio/payload.c -- see payload.h.  Linear in the payload. */
#include "engineio/payload.h"

bool eio_payload_fits(struct sioc_str payload, size_t max)
{
    size_t packets = 1;
    const char *at = payload.ptr, *end = payload.ptr + payload.len;
    if (payload.len < max)
        return true; /* that many separators are not in there */
    while (packets <= max && (at = memchr(at, EIO_SEPARATOR, (size_t)(end - at)))) {
        at++;
        packets++;
    }
    return packets <= max;
}

void eio_payload_receive(struct eio_session *session, struct sioc_str payload)
{
    bool more = true;
    while (more && session->state == EIO_STATE_OPEN) {
        size_t end = str_find(payload, EIO_SEPARATOR);
        more = end < payload.len;
        eio_session_receive_text(session, str_part(payload, 0, end));
        payload = str_from(payload, more ? end + 1 : end);
    }
}
