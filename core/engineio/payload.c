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
