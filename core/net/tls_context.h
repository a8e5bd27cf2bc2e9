/* net/tls_context.h -- between tls.c (connections) and tls_context.c (certificates). */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>

struct net_tls;

/* The context that new connections start with; borrowed. */
SSL_CTX *net_tls_context(const struct net_tls *tls);

#endif
