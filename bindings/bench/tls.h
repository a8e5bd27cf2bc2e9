/* bindings/bench/tls.h -- TLS for a client; the one file of this folder that knows OpenSSL. */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls;
struct tls_context;

/* NULL: no memory.  insecure: certificates are not checked. */
struct tls_context *bench_tls_context_new(bool insecure);
void bench_tls_context_free(struct tls_context *context);

/* host: whose certificate it must be.  NULL: no memory. */
struct tls *bench_tls_new(struct tls_context *context, int fd, const char *host);
void bench_tls_free(struct tls *tls);

/* 1 done, 0 not yet (ret_wants_write says for what it waits), -1 with a text in ret_error. */
int bench_tls_handshake(struct tls *tls, bool *ret_wants_write, char *ret_error, size_t cap);
/* As send and recv. */
ssize_t bench_tls_send(struct tls *tls, const void *bytes, size_t len);
ssize_t bench_tls_recv(struct tls *tls, void *bytes, size_t cap);

#endif
