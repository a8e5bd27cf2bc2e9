/* net/tls_context.h -- between tls.c (connections) and tls_context.c (certificates). */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdint.h>

struct net_tls;

struct metrics;

struct net_tls_limits {
    uint64_t handshake_timeout_ms;
    uint32_t max_key_updates; /* in a minute */
};

const struct net_tls_limits *net_tls_limits(const struct net_tls *tls);
/* The context that new connections start with; borrowed. */
SSL_CTX *net_tls_context(const struct net_tls *tls);

#endif
