/* net/tcp.c -- bytes in and out of a plain socket.
 *
 * Knows neither libuv nor who owns the stream.  Invariant: never raises SIGPIPE, never blocks.
 */
#include "net/internal.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

static int64_t tcp_read(struct net_stream *stream, uint8_t *bytes, size_t len)
{
    ssize_t n;
    do
        n = recv(stream->fd, bytes, len, 0);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return would_block() ? SIOC_EAGAIN : SIOC_EIO;
}

/* One span needs neither a list of spans nor the kernel's reading of it: 3 % of a short write.
 */
static ssize_t send_one(int fd, const struct net_span *span)
{
    ssize_t n;
    do
        n = send(fd, span->ptr, span->len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t send_many(int fd, const struct net_span *spans, size_t count)
{
    struct iovec parts[NET_MAX_SPANS];
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = count < NET_MAX_SPANS ? count : NET_MAX_SPANS};
    for (size_t i = 0; i < message.msg_iovlen; i++) {
        parts[i].iov_base = (void *)(uintptr_t)spans[i].ptr; /* sendmsg only reads it */
        parts[i].iov_len = spans[i].len;
    }
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

static int64_t tcp_write(struct net_stream *stream, const struct net_span *spans, size_t count)
{
    ssize_t n = count == 1 ? send_one(stream->fd, spans) : send_many(stream->fd, spans, count);
    if (n >= 0)
        return n;
    return would_block() ? 0 : SIOC_EIO;
}

static void tcp_shutdown(struct net_stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

static void tcp_close(struct net_stream *stream)
{
    close(stream->fd);
}

const struct net_transport_ops net_tcp_ops = {
    .secure = false,
    .read = tcp_read,
    .write = tcp_write,
    .shutdown = tcp_shutdown,
    .close = tcp_close,
};
