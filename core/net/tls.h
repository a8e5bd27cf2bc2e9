/* net/tls.h -- TLS for the streams of a listener: certificates, names, policy.
 *
 * A context is counted and never changes: new certificates make a new one, which listeners take
 * over for the connections that come; those that are there keep theirs.  TLS 1.2 and 1.3 with
 * the suites of Mozilla's intermediate recommendation, no renegotiation, no compression, no
 * tickets; ALPN is http/1.1.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/listener.h"

struct net_tls;

struct net_tls_config {
    /* Pairs of PEM files: certificate chain and key.  The first pair is for clients that name
     * no server or an unknown one; the others are chosen by the names in their certificates
     * (SNI). */
    const char *const *cert_files;
    const char *const *key_files;
    size_t count;
    const char *client_ca_file; /* NULL: no client certificates; else one is required, signed by
                                   these */
    uint64_t handshake_timeout_ms;
    uint32_t max_key_updates; /* of one connection in a minute (TLS 1.3) */
};

/* Reads and checks everything.  On failure a sentence that names the file is in ret_error.
 * 0, SIOC_EINVAL, SIOC_ENOMEM. */
int net_tls_new(const struct net_tls_config *config, struct net_tls **ret_tls, char *ret_error,
                size_t cap);
struct net_tls *net_tls_ref(struct net_tls *tls);
void net_tls_unref(struct net_tls *tls); /* accepts NULL */

/* New connections of the listener speak TLS with this context (shared). */
void net_listener_set_tls(struct net_listener *listener, struct net_tls *tls);

#endif
