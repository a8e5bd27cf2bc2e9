/* net/stream.c -- a descriptor and its owner.
 *
 * The poller only says when the descriptor is ready; the transport moves the bytes, so nothing
 * is allocated or copied on the way.  Changing what is polled for costs system calls, so
 * "writable" is asked for only when the kernel has refused bytes.
 * Invariant: `events` is what is polled for; a closed stream polls for nothing and is freed
 * after all callers of the turn are gone.
 */
#include "base/mem.h"
#include "base/poison.h"
#include "net/internal.h"
#include <arpa/inet.h>
#include <unistd.h>

#define LINGER_MS 2000

static void update_poll(struct net_stream *s)
{
    uint8_t events =
        (uint8_t)((s->reading ? NET_READABLE : 0) | (s->want_write ? NET_WRITABLE : 0));
    if (s->closed || events == s->events)
        return;
    net_poller_change(s, events);
    net_loop_touch(s->loop);
}

static void set_peer(struct net_stream *s, const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
        memcpy(s->address, &in6->sin6_addr, 16);
        s->port = ntohs(in6->sin6_port);
    } else if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
        s->address[10] = s->address[11] = 0xff;
        memcpy(s->address + 12, &in->sin_addr, 4);
        s->port = ntohs(in->sin_port);
    }
}

int net_stream_open(struct net_loop *loop, int fd, const struct net_transport_ops *transport,
                    const struct sockaddr_storage *peer, struct net_stream **ret_stream)
{
    struct net_stream *s = pool_zalloc(&loop->pool, sizeof *s);
    int error = SIOC_ENOMEM;
    if (s) {
        s->loop = loop;
        s->fd = fd;
        s->transport = transport;
        s->reading = true;
        error = net_poller_add(s);
    }
    if (error) {
        close(fd);
        pool_free(&loop->pool, s, sizeof *s);
        return error;
    }
    set_peer(s, peer);
    *ret_stream = s;
    return 0;
}

void net_stream_set_owner(struct net_stream *s, const struct net_stream_ops *ops, void *owner)
{
    s->ops = ops;
    s->owner = owner;
}

void net_stream_on_close(struct net_stream *s, void (*fn)(void *user), void *user)
{
    s->on_close.fn = fn;
    s->on_close.user = user;
}

/* ---- in ---- */

void net_stream_read_start(struct net_stream *s)
{
    s->reading = true;
    update_poll(s);
}

void net_stream_read_stop(struct net_stream *s)
{
    s->reading = false;
    update_poll(s);
}

static void tell_gone(struct net_stream *s, int error)
{
    s->reading = s->want_write = false; /* said once */
    update_poll(s);
    s->ops->gone(s->owner, error);
}

void net_stream_fail(struct net_stream *s)
{
    if (!s->closed && s->ops)
        tell_gone(s, SIOC_EIO);
}

/* Once for an event, whatever is left: others want their turn, too, and the poller tells of it
 * again. */
static void read_ready(struct net_stream *s)
{
    struct net_loop *loop = net_stream_loop(s);
    int64_t n = s->transport->read(s, loop->read_buffer, NET_READ_BUFFER_BYTES);
    if (n == SIOC_EAGAIN)
        return;
    if (n <= 0) {
        tell_gone(s, (int)n);
        return;
    }
    uint8_t *rest = loop->read_buffer + n; /* of others, who came before */
    size_t rest_len = NET_READ_BUFFER_BYTES - (size_t)n;
    poison(rest, rest_len);
    s->ops->data(s->owner, loop->read_buffer, (size_t)n);
    unpoison(rest, rest_len);
}

void net_stream_ready(struct net_stream *s, uint8_t events)
{
    if (!s->ops)
        return;
    /* TLS may have had to write before it could read on. */
    if (s->reading && ((events & NET_READABLE) || s->transport->secure))
        read_ready(s);
    if ((events & NET_WRITABLE) && s->want_write && !s->closed) {
        s->want_write = false;
        s->ops->writable(s->owner);
        update_poll(s); /* after the call: it may want to write again */
    }
}

/* ---- out ---- */

int64_t net_stream_write(struct net_stream *s, const struct net_span *spans, size_t count)
{
    return s->closed ? SIOC_EIO : s->transport->write(s, spans, count);
}

void net_stream_want_write(struct net_stream *s)
{
    s->want_write = true;
    update_poll(s);
}

/* ---- the end ---- */

void net_stream_free(struct net_stream *s)
{
    pool_free(&s->loop->pool, s, sizeof *s);
}

static void tell_closed(struct net_stream *s)
{
    void (*fn)(void *user) = s->on_close.fn;
    s->on_close.fn = NULL;
    if (fn)
        fn(s->on_close.user);
}

void net_stream_close(struct net_stream *s)
{
    if (!s || s->closed)
        return;
    s->closed = true;
    s->ops = NULL;
    tell_closed(s);
    net_poller_drop(s);
    s->transport->close(s);
}

/* The owner of a stream that closes gently. */
struct net_linger {
    struct list node; /* in loop->lingering */
    struct net_timer timer;
    struct net_stream *stream;
};

static void linger_end(struct net_linger *linger)
{
    list_remove(&linger->node);
    net_timer_stop(&linger->timer);
    net_stream_close(linger->stream);
    mem_free(linger);
}

static void linger_data(void *owner, uint8_t *bytes, size_t len)
{
    (void)owner, (void)bytes, (void)len;
}

static void linger_writable(void *owner)
{
    (void)owner;
}

static void linger_gone(void *owner, int error)
{
    (void)error;
    linger_end(owner);
}

static void linger_timeout(struct net_timer *timer)
{
    linger_end(NET_OF(timer, struct net_linger, timer));
}

static const struct net_stream_ops linger_ops = {
    .data = linger_data, .writable = linger_writable, .gone = linger_gone};

void net_stream_close_gently(struct net_stream *s)
{
    if (!s || s->closed)
        return;
    struct net_loop *loop = net_stream_loop(s);
    struct net_linger *linger = mem_alloc(sizeof *linger);
    if (!linger) {
        net_stream_close(s);
        return;
    }
    tell_closed(s);
    s->transport->shutdown(s);
    linger->stream = s;
    net_timer_init(&linger->timer, linger_timeout);
    net_timer_start(loop, &linger->timer, LINGER_MS);
    list_append(&loop->lingering, &linger->node);
    net_stream_set_owner(s, &linger_ops, linger);
    s->want_write = false;
    net_stream_read_start(s);
}

void net_lingering_close(struct net_loop *loop)
{
    while (!list_empty(&loop->lingering))
        linger_end(LIST_ENTRY(loop->lingering.next, struct net_linger, node));
}

/* ---- questions ---- */

struct net_loop *net_stream_loop(const struct net_stream *s)
{
    return s->loop;
}

bool net_stream_secure(const struct net_stream *s)
{
    return s->transport->secure;
}

void net_stream_peer_key(const struct net_stream *s, uint8_t ret_key[NET_ADDRESS_KEY])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool ipv4 = memcmp(s->address, mapped, sizeof mapped) == 0;
    memset(ret_key, 0, NET_ADDRESS_KEY);
    memcpy(ret_key, s->address, ipv4 ? 16 : 8);
}

void net_stream_peer(const struct net_stream *s, char ret_address[NET_ADDRESS_MAX],
                     uint16_t *ret_port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t unknown[16];
    ret_address[0] = '\0';
    *ret_port = s->port;
    if (memcmp(s->address, unknown, 16) == 0)
        return;
    if (memcmp(s->address, mapped, sizeof mapped) == 0)
        inet_ntop(AF_INET, s->address + sizeof mapped, ret_address, NET_ADDRESS_MAX);
    else
        inet_ntop(AF_INET6, s->address, ret_address, NET_ADDRESS_MAX);
}
