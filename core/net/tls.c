/* net/tls.c -- TLS over a socket, as one more transport; the only file of this floor that names
 * OpenSSL.
 *
 * OpenSSL moves the bytes of a non-blocking descriptor itself.  Each call is preceded by
 * ERR_clear_error and followed by SSL_get_error, on the same thread: a stale error of one
 * connection must not end another. Whole records are read only when they fit, so nothing is
 * ever left inside OpenSSL while the kernel is silent.  Invariant: after a fatal error nothing
 * but SSL_free is called on that connection.
 */
#include "net/tls.h"
#include "base/mem.h"
#include "base/metric.h"
#include "net/internal.h"
#include "net/tls_context.h"
#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_MAX    16384 /* plaintext bytes of one record (RFC 8446, 5.1) */
#define KEY_WINDOW_MS 60000

struct net_tls_conn {
    struct net_stream *stream;
    SSL *ssl;
    struct net_tls *tls;
    struct metrics *metrics;   /* or NULL */
    struct net_timer deadline; /* of the handshake */
    uint32_t key_since;        /* when key_updates was 0, in ms that may wrap */
    uint32_t key_updates;      /* since then */
    bool greeted;              /* the first byte was looked at */
    bool abused;               /* too many key updates */
    bool failed;
};

/* ---- errors ---- */

/* What an OpenSSL call has come to: SIOC_EAGAIN, 0 (orderly end) or SIOC_EIO. */
static int outcome(struct net_tls_conn *c, int result)
{
    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return SIOC_EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        net_stream_want_write(c->stream);
        return SIOC_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default: /* an end without close_notify is an error, too */
        c->failed = true;
        return SIOC_EIO;
    }
}

static void on_deadline(struct net_timer *timer)
{
    struct net_tls_conn *c = NET_OF(timer, struct net_tls_conn, deadline);
    c->failed = true;
    if (c->metrics)
        c->metrics->reject_tls_timeout++;
    net_stream_fail(c->stream);
}

/* Counts new keys that the peer wants, in windows of a minute: each costs it less than us. */
static void on_message(int written, int version, int type, const void *bytes, size_t len,
                       SSL *ssl, void *arg)
{
    struct net_tls_conn *c = arg;
    (void)version, (void)ssl;
    if (written || type != SSL3_RT_HANDSHAKE || len == 0 ||
        *(const unsigned char *)bytes != SSL3_MT_KEY_UPDATE)
        return;
    uint32_t now = (uint32_t)net_loop_now_ms(net_stream_loop(c->stream));
    if (c->key_updates == 0 || now - c->key_since >= KEY_WINDOW_MS) {
        c->key_since = now;
        c->key_updates = 0;
    }
    if (++c->key_updates > net_tls_limits(c->tls)->max_key_updates)
        c->abused = true;
}

static int end_abuse(struct net_tls_conn *c)
{
    c->failed = true;
    if (c->metrics)
        c->metrics->reject_tls_abuse++;
    return SIOC_EIO;
}

/* ---- people who come with plain HTTP ---- */

static const char plain_http_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Length: 48\r\n"
                                        "Connection: close\r\n"
                                        "\r\n"
                                        "This port speaks HTTPS: use https:// in the URL\n";

/* A TLS client begins with a record of type 22; a letter is the method of an HTTP request.
 * Returns SIOC_EIO when it was one (answered), SIOC_EAGAIN when nothing is there yet, else 0.
 */
static int greet(struct net_tls_conn *c)
{
    unsigned char first;
    ssize_t n = recv(c->stream->fd, &first, 1, MSG_PEEK);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? SIOC_EAGAIN : SIOC_EIO;
    c->greeted = true;
    if (n == 0 || first < 'A' || first > 'Z')
        return 0;
    /* The request is read away first: unread input would turn the close into a reset. */
    char away[4096];
    while (recv(c->stream->fd, away, sizeof away, MSG_DONTWAIT) == (ssize_t)sizeof away)
        ;
    if (send(c->stream->fd, plain_http_answer, sizeof plain_http_answer - 1, MSG_NOSIGNAL) > 0)
        shutdown(c->stream->fd, SHUT_WR);
    c->failed = true;
    return SIOC_EIO;
}

/* ---- the transport ---- */

static int64_t tls_read(struct net_stream *stream, uint8_t *bytes, size_t len)
{
    struct net_tls_conn *c = stream->tls;
    size_t got = 0;
    if (c->failed)
        return SIOC_EIO;
    if (!c->greeted) {
        int error = greet(c);
        if (error < 0)
            return error;
    }
    while (len - got >= RECORD_MAX) {
        size_t n = 0;
        ERR_clear_error();
        int result = SSL_read_ex(c->ssl, bytes + got, len - got, &n);
        if (c->abused)
            return end_abuse(c);
        if (result <= 0) {
            int end = outcome(c, result);
            return got ? (int64_t)got : end;
        }
        got += n;
    }
    return (int64_t)got;
}

static int64_t tls_write(struct net_stream *stream, const struct net_span *spans, size_t count)
{
    struct net_tls_conn *c = stream->tls;
    int64_t taken = 0;
    if (c->failed)
        return SIOC_EIO;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < spans[i].len) {
            size_t n = 0;
            ERR_clear_error();
            int result =
                SSL_write_ex(c->ssl, (const char *)spans[i].ptr + at, spans[i].len - at, &n);
            if (result <= 0) {
                int end = outcome(c, result);
                return taken || end == SIOC_EAGAIN ? taken : SIOC_EIO;
            }
            at += n;
            taken += (int64_t)n;
        }
    }
    return taken;
}

static void tls_shutdown(struct net_stream *stream)
{
    struct net_tls_conn *c = stream->tls;
    if (!c->failed && SSL_is_init_finished(c->ssl)) {
        ERR_clear_error();
        SSL_shutdown(c->ssl); /* sends close_notify; whether it leaves is not waited for */
    }
    shutdown(stream->fd, SHUT_WR);
}

static void tls_close(struct net_stream *stream)
{
    struct net_tls_conn *c = stream->tls;
    stream->tls = NULL;
    net_timer_stop(&c->deadline);
    SSL_free(c->ssl);
    net_tls_unref(c->tls);
    mem_free(c);
    close(stream->fd);
}

static const struct net_transport_ops tls_ops = {
    .secure = true,
    .read = tls_read,
    .write = tls_write,
    .shutdown = tls_shutdown,
    .close = tls_close,
};

static void on_handshake_info(const SSL *ssl, int where, int value)
{
    (void)value;
    if (where & SSL_CB_HANDSHAKE_DONE) {
        struct net_tls_conn *c = SSL_get_app_data(ssl);
        net_timer_stop(&c->deadline);
    }
}

int net_tls_wrap(struct net_tls *tls, struct net_stream *stream, struct metrics *metrics)
{
    struct net_tls_conn *c = mem_zalloc(sizeof *c);
    if (!c)
        return SIOC_ENOMEM;
    c->ssl = SSL_new(net_tls_context(tls));
    if (!c->ssl || SSL_set_fd(c->ssl, stream->fd) != 1) {
        SSL_free(c->ssl);
        mem_free(c);
        return SIOC_ENOMEM;
    }
    SSL_set_accept_state(c->ssl);
    SSL_set_app_data(c->ssl, c);
    SSL_set_info_callback(c->ssl, on_handshake_info);
    SSL_set_msg_callback(c->ssl, on_message);
    SSL_set_msg_callback_arg(c->ssl, c);
    c->tls = net_tls_ref(tls);
    c->metrics = metrics;
    c->stream = stream;
    net_timer_init(&c->deadline, on_deadline);
    net_timer_start(net_stream_loop(stream), &c->deadline,
                    net_tls_limits(tls)->handshake_timeout_ms);
    stream->tls = c;
    stream->transport = &tls_ops;
    return 0;
}
