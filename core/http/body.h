/* http/body.h -- request bodies, sans I/O: a counted length, or chunks (RFC 9112, 7.1).
 *
 * Chunks are read strictly: CRLF only, at most 16 hex digits, extensions and trailers bounded
 * and thrown away.  Knows no connection.  Invariant: memory grows with bytes that have come,
 * never with what a peer announces.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/buf.h"

struct http_body {
    uint64_t left;      /* of the body or of this chunk */
    size_t max_bytes;   /* more in all is SIOC_ETOOBIG */
    uint16_t discarded; /* bytes of extensions and trailers */
    uint8_t digits;     /* of the chunk size */
    uint8_t state;
};

void http_body_init_length(struct http_body *b, uint64_t length, size_t max_bytes);
void http_body_init_chunked(struct http_body *b, size_t max_bytes);
bool http_body_complete(const struct http_body *b);

/* Reads from the front of `in`, appends the payload to `out`.  Bytes consumed (all, unless the
 * body is complete before the end), SIOC_EPROTO, SIOC_ETOOBIG or SIOC_ENOMEM. */
int64_t http_body_read(struct http_body *b, struct sioc_str in, struct buf *out);

#endif
