/* bindings/bench/tls.c -- see tls.h.  OpenSSL works on the descriptor itself: it never waits,
 * because the descriptor does not.
 *
 * Invariant: the library's queue of errors is empty between two calls.
 */
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_context {
    SSL_CTX *ctx;
};

struct tls {
    SSL *ssl;
};

struct tls_context *bench_tls_context_new(bool insecure)
{
    struct tls_context *context = calloc(1, sizeof *context);

    if (!context)
        return NULL;
    context->ctx = SSL_CTX_new(TLS_client_method());
    if (!context->ctx || SSL_CTX_set_default_verify_paths(context->ctx) != 1) {
        bench_tls_context_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context->ctx, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    return context;
}

void bench_tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    free(context);
}

static bool expect_host(SSL *ssl, const char *host)
{
    struct in6_addr address;

    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

struct tls *bench_tls_new(struct tls_context *context, int fd, const char *host)
{
    struct tls *tls = calloc(1, sizeof *tls);

    if (!tls)
        return NULL;
    tls->ssl = SSL_new(context->ctx);
    if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1 || !expect_host(tls->ssl, host)) {
        bench_tls_free(tls);
        return NULL;
    }
    return tls;
}

void bench_tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

int bench_tls_handshake(struct tls *tls, bool *ret_wants_write, char *ret_error, size_t cap)
{
    int code = SSL_connect(tls->ssl), why = SSL_get_error(tls->ssl, code);
    long verdict = SSL_get_verify_result(tls->ssl);

    if (code == 1)
        return 1;
    *ret_wants_write = why == SSL_ERROR_WANT_WRITE;
    if (*ret_wants_write || why == SSL_ERROR_WANT_READ)
        return 0;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (verdict != X509_V_OK)
        snprintf(ret_error, cap, "%s (--insecure takes any certificate)",
                 X509_verify_cert_error_string(verdict));
    else
        snprintf(ret_error, cap, "%s", reason ? reason : "the server hung up");
    ERR_clear_error();
    return -1;
}

/* What send and recv would say. */
static ssize_t outcome(struct tls *tls, int code)
{
    int why = code > 0 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, code);

    if (code > 0)
        return code;
    ERR_clear_error();
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        errno = EAGAIN;
    else if (why != SSL_ERROR_SYSCALL)
        errno = EPROTO;
    return -1;
}

static int at_most(size_t len)
{
    return len < 1u << 30 ? (int)len : 1 << 30;
}

ssize_t bench_tls_send(struct tls *tls, const void *bytes, size_t len)
{
    ERR_clear_error();
    return outcome(tls, SSL_write(tls->ssl, bytes, at_most(len)));
}

ssize_t bench_tls_recv(struct tls *tls, void *bytes, size_t cap)
{
    ERR_clear_error();
    return outcome(tls, SSL_read(tls->ssl, bytes, at_most(cap)));
}
