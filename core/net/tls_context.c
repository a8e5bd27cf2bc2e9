/* net/tls_context.c -- see tls.h: reading certificates, choosing one by name, and the policy.
 *
 * One SSL_CTX per pair of files; the first is what connections start with, and hands over to
 * another when the client's server name is in that one's certificate.  Invariant: immutable
 * once made, so that threads may share it.
 */
#include "net/tls_context.h"
#include "base/mem.h"
#include "net/tls.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>

/* Mozilla, "intermediate", version 6.0. */
#define SUITES_TLS12                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CURVES "X25519:P-256:P-384"

struct net_tls {
    atomic_uint refs;
    struct net_tls_limits limits;
    size_t count;
    SSL_CTX *contexts[];
};

SSL_CTX *net_tls_context(const struct net_tls *tls)
{
    return tls->contexts[0];
}

const struct net_tls_limits *net_tls_limits(const struct net_tls *tls)
{
    return &tls->limits;
}

struct net_tls *net_tls_ref(struct net_tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void net_tls_unref(struct net_tls *tls)
{
    if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < tls->count; i++)
        SSL_CTX_free(tls->contexts[i]); /* connections keep theirs alive */
    mem_free(tls);
}

/* ---- choosing ---- */

static int on_server_name(SSL *ssl, int *alert, void *user)
{
    const struct net_tls *tls = user;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; name && i < tls->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(tls->contexts[i]);
        if (X509_check_host(certificate, name, 0, 0, NULL) == 1) {
            SSL_set_SSL_CTX(ssl, tls->contexts[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK; /* the first certificate it is */
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *user)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- making ---- */

static int complain(char *ret_error, size_t cap, const char *what, const char *file)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(ret_error, cap, "%s %s: %s", what, file, reason ? reason : "unknown reason");
    ERR_clear_error();
    return SIOC_EINVAL;
}

static bool apply_policy(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, SUITES_TLS12) == 1 &&
           SSL_CTX_set1_groups_list(ctx, CURVES) == 1;
}

static int load_pair(SSL_CTX *ctx, const char *cert, const char *key, char *ret_error,
                     size_t cap)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return complain(ret_error, cap, "cannot use the TLS certificate", cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return complain(ret_error, cap, "cannot use the TLS key", key);
    return 0; /* that they belong together was checked with the key */
}

static int load_client_ca(SSL_CTX *ctx, const char *file, char *ret_error, size_t cap)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (!names || SSL_CTX_load_verify_locations(ctx, file, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return complain(ret_error, cap, "cannot use the authorities for client certificates",
                        file);
    }
    SSL_CTX_set_client_CA_list(ctx, names); /* taken */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

static int add_context(struct net_tls *tls, const struct net_tls_config *config, size_t i,
                       char *ret_error, size_t cap)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return SIOC_ENOMEM;
    tls->contexts[tls->count++] = ctx;
    if (!apply_policy(ctx))
        return complain(ret_error, cap, "cannot set up TLS for", config->cert_files[i]);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, tls);
    int error = load_pair(ctx, config->cert_files[i], config->key_files[i], ret_error, cap);
    if (error == 0 && config->client_ca_file)
        error = load_client_ca(ctx, config->client_ca_file, ret_error, cap);
    return error;
}

int net_tls_new(const struct net_tls_config *config, struct net_tls **ret_tls, char *ret_error,
                size_t cap)
{
    struct net_tls *tls = mem_zalloc(sizeof *tls + config->count * sizeof tls->contexts[0]);
    if (!tls)
        return SIOC_ENOMEM;
    atomic_init(&tls->refs, 1);
    tls->limits =
        (struct net_tls_limits){config->handshake_timeout_ms, config->max_key_updates};
    int error = 0;
    ERR_clear_error();
    for (size_t i = 0; i < config->count && error == 0; i++)
        error = add_context(tls, config, i, ret_error, cap);
    if (error < 0) {
        net_tls_unref(tls);
        return error;
    }
    *ret_tls = tls;
    return 0;
}
