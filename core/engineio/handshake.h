/* engineio/handshake.h -- what is kept of a client's first request, as long as the client is
 * there.
 *
 * Kept in one compact block: target, peer address, headers, of which the usual ones are single
 * bytes.  Invariant: immutable after it was made.
 */
#ifndef ENGINEIO_HANDSHAKE_H
#define ENGINEIO_HANDSHAKE_H

#include "http/conn.h"

struct eio_handshake {
    int64_t issued_ms; /* since 1970 */
    uint32_t headers_len;
    uint32_t url_len;
    uint8_t address_len;
    bool secure;  /* TLS */
    bool xdomain; /* an Origin header was there */
    char bytes[]; /* url, address, headers */
};

/* Of a request, or of its parts.  proxies: whose word on the client counts; may be NULL.  NULL
 * when out of memory. */
struct http_proxies;
/* address: at most 255 bytes. */
struct eio_handshake *eio_handshake_of(struct net_loop *loop, struct sioc_str url,
                                       struct sioc_str address,
                                       const struct http_header *headers, size_t count);
struct eio_handshake *eio_handshake_new(struct http_request *request,
                                        const struct http_proxies *proxies);
void eio_handshake_free(struct net_loop *loop, struct eio_handshake *handshake);

static inline struct sioc_str eio_handshake_url(const struct eio_handshake *h)
{
    return sioc_str_n(h->bytes, h->url_len);
}
static inline struct sioc_str eio_handshake_address(const struct eio_handshake *h)
{
    return sioc_str_n(h->bytes + h->url_len, h->address_len);
}
/* Walks the headers, names in lower case; *pos starts at 0. */
bool eio_handshake_header_next(const struct eio_handshake *h, size_t *pos,
                               struct sioc_str *ret_name, struct sioc_str *ret_value);
/* The query part of the url. */
struct sioc_str eio_handshake_query(const struct eio_handshake *h);

#endif
