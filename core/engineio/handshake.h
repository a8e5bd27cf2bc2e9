/* engineio/handshake.h -- what is kept of a client's first request, and the open packet.
 *
 * Kept in one compact block: target, peer address, headers.  Invariant: immutable after it was
 * made.
 */
#ifndef ENGINEIO_HANDSHAKE_H
#define ENGINEIO_HANDSHAKE_H

#include "http/conn.h"

struct eio_handshake {
    int64_t issued_ms; /* since 1970 */
    bool secure;       /* TLS */
    bool xdomain;      /* an Origin header was there */
    struct sioc_str url, address;
    struct sioc_str headers; /* packed; eio_handshake_header_next reads it */
    char bytes[];
};

/* proxies: whose word on the client counts; may be NULL.  NULL when out of memory. */
struct http_proxies;
struct eio_handshake *eio_handshake_new(struct http_request *request,
                                        const struct http_proxies *proxies);
/* Walks the headers, names in lower case; *pos starts at 0. */
bool eio_handshake_header_next(const struct eio_handshake *h, size_t *pos,
                               struct sioc_str *ret_name, struct sioc_str *ret_value);
/* The query part of the url. */
struct sioc_str eio_handshake_query(const struct eio_handshake *h);

#endif
