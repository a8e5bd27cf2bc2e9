/* http/forwarded.h -- who really asks, when proxies that we trust stand in between.
 *
 * Only the word of a trusted proxy counts: the list of addresses is read from its end, where
 * the proxy next to us wrote, up to the first address that is no trusted proxy.  `Forwarded`
 * (RFC 7239) goes before X-Forwarded-For and -Proto.  Without trusted proxies these headers
 * mean nothing.
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/cidr.h"
#include "http/conn.h"

struct http_proxies {
    struct cidr *ranges;
    size_t count;
};

struct http_client {
    char address[NET_ADDRESS_MAX]; /* numeric; "" when unknown (Unix sockets) */
    bool secure;                   /* the client came over TLS, to us or to the proxy */
};

/* proxies may be NULL. */
void http_client_of(const struct http_proxies *proxies, const struct http_head *head,
                    const struct net_stream *stream, struct http_client *ret_client);

#endif
