/* net/proxied.c -- the transport of a stream that begins with a PROXY head.
 *
 * It takes exactly the head off the socket, whatever the pieces it comes in, then steps aside
 * for the transport below (plain or TLS).  Until then nothing is written: the owner has nothing
 * to answer.
 */
#include "base/mem.h"
#include "net/internal.h"
#include "net/proxy.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct net_proxied {
    const struct net_transport_ops *below;
    struct net_tls_conn *tls; /* of the one below */
    size_t len;
    char bytes[NET_PROXY_HEAD_MAX];
};

static void step_aside(struct net_stream *stream)
{
    struct net_proxied *p = stream->proxied;
    stream->transport = p->below;
    stream->tls = p->tls;
    mem_free(p);
}

/* How many of the `len` bytes that lie ready behind what we have belong to the head. */
static int share(struct net_proxied *p, size_t len, size_t *ret_share,
                 struct net_proxy_head *ret_head)
{
    int head_len = net_proxy_read(sioc_str_n(p->bytes, p->len + len), ret_head);
    *ret_share = head_len > 0 ? (size_t)head_len - p->len : len;
    return head_len;
}

static int64_t proxied_read(struct net_stream *stream, uint8_t *bytes, size_t len)
{
    struct net_proxied *p = stream->proxied;
    struct net_proxy_head head;
    size_t ours;
    ssize_t ready = recv(stream->fd, p->bytes + p->len, sizeof p->bytes - p->len, MSG_PEEK);
    if (ready <= 0)
        return ready < 0 && (errno == EAGAIN || errno == EINTR) ? SIOC_EAGAIN : SIOC_EIO;
    int result = share(p, (size_t)ready, &ours, &head);
    if (result < 0 || recv(stream->fd, p->bytes + p->len, ours, 0) != (ssize_t)ours)
        return SIOC_EIO;
    p->len += ours;
    if (result == 0)
        return p->len == sizeof p->bytes ? SIOC_EIO : SIOC_EAGAIN;
    if (head.known) {
        memcpy(stream->address, head.address, sizeof stream->address);
        stream->port = head.port;
    }
    step_aside(stream);
    return stream->transport->read(stream, bytes, len);
}

static int64_t proxied_write(struct net_stream *stream, const struct net_span *spans,
                             size_t count)
{
    (void)stream;
    (void)spans;
    (void)count;
    return SIOC_EIO;
}

static void proxied_shutdown(struct net_stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

static void proxied_close(struct net_stream *stream)
{
    step_aside(stream);
    stream->transport->close(stream);
}

static const struct net_transport_ops proxied_ops = {
    .read = proxied_read,
    .write = proxied_write,
    .shutdown = proxied_shutdown,
    .close = proxied_close,
};

int net_proxied_wrap(struct net_stream *stream)
{
    struct net_proxied *p = mem_alloc(sizeof *p);
    if (!p)
        return SIOC_ENOMEM;
    p->below = stream->transport;
    p->tls = stream->tls;
    p->len = 0;
    stream->proxied = p;
    stream->transport = &proxied_ops;
    return 0;
}
