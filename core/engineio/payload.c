/* engineio/payload.c -- see payload.h.  Linear in the payload. */
#include "engineio/payload.h"

void eio_payload_receive(struct eio_session *session, struct sioc_str payload)
{
    size_t packets = 0;
    bool more = true;
    while (more && session->state == EIO_STATE_OPEN) {
        size_t end = str_find(payload, EIO_SEPARATOR);
        more = end < payload.len;
        if (++packets > EIO_MAX_PACKETS_PER_PAYLOAD) {
            session->engine->metrics->reject_eio_packet++;
            eio_session_fail(session, "parse error", "too many packets");
            return;
        }
        eio_session_receive_text(session, str_part(payload, 0, end));
        payload = str_from(payload, more ? end + 1 : end);
    }
}
