/* net/poller_epoll.c -- an epoll descriptor of our own inside libuv's (Linux).
 *
 * libuv wakes when ours has something, and then all of it is handed out.  A stream that is
 * closed meanwhile may still come up in the same batch: its memory stays until the turn's end.
 * Invariant: a stream with events == 0 is not in the kernel's list, which would tell of errors
 * all the time.
 */
#include "net/internal.h"

#ifdef NET_POLLER_EPOLL

#include <sys/epoll.h>
#include <unistd.h>

#define READY_MAX   1024 /* of one turn */
#define CACHE_LINE  64
#define OWNER_BYTES 256 /* a WebSocket's, about */

static uint8_t meaning(uint32_t events)
{
    /* Reading or writing tells what the matter is. */
    if (events & (EPOLLERR | EPOLLHUP))
        return NET_READABLE | NET_WRITABLE;
    return (uint8_t)((events & EPOLLIN ? NET_READABLE : 0) |
                     (events & EPOLLOUT ? NET_WRITABLE : 0));
}

/* With 1,000 clients none of them is in the processor's cache any more: what the next ones need
 * comes while this one is served (3 % of a message that comes alone). */
static void look_ahead(const struct epoll_event *ready, int count)
{
    if (count <= 2)
        return;
    const struct net_stream *next = ready[1].data.ptr, *far = ready[2].data.ptr;
    __builtin_prefetch(far);
    __builtin_prefetch((const char *)far + CACHE_LINE);
    for (size_t at = 0; at < OWNER_BYTES; at += CACHE_LINE)
        __builtin_prefetch((const char *)next->owner + at);
}

static void on_ready(uv_poll_t *poll, int status, int unused)
{
    struct epoll_event ready[READY_MAX];
    struct net_loop *loop = net_loop_of(poll->loop);
    (void)status;
    (void)unused;
    int count = epoll_wait(loop->poller.fd, ready, READY_MAX, 0);
    for (int i = 0; i < count; i++) {
        struct net_stream *stream = ready[i].data.ptr;
        look_ahead(ready + i, count - i);
        if (!stream->closed)
            net_stream_ready(stream, meaning(ready[i].events));
    }
}

int net_poller_open(struct net_loop *loop)
{
    struct net_poller *p = &loop->poller;
    p->watched = 0;
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->fd < 0)
        return SIOC_EIO;
    if (uv_poll_init(&loop->uv, &p->poll, p->fd)) {
        close(p->fd);
        return SIOC_EIO;
    }
    uv_poll_start(&p->poll, UV_READABLE, on_ready);
    uv_unref((uv_handle_t *)&p->poll);
    return 0;
}

void net_poller_close(struct net_loop *loop)
{
    uv_close((uv_handle_t *)&loop->poller.poll, NULL);
    close(loop->poller.fd);
}

/* Streams that wait for something are what the loop waits for. */
static void count(struct net_poller *p, bool before, bool now)
{
    p->watched += (size_t)now;
    p->watched -= (size_t)before;
    if (p->watched)
        uv_ref((uv_handle_t *)&p->poll);
    else
        uv_unref((uv_handle_t *)&p->poll);
}

static int control(struct net_stream *s, int operation, uint8_t events)
{
    struct epoll_event event = {.events = (events & NET_READABLE ? EPOLLIN : 0u) |
                                          (events & NET_WRITABLE ? EPOLLOUT : 0u),
                                .data.ptr = s};
    int failed = epoll_ctl(s->loop->poller.fd, operation, s->fd, &event);
    if (failed)
        return SIOC_EIO;
    count(&s->loop->poller, s->events, events);
    s->events = events;
    return 0;
}

int net_poller_add(struct net_stream *s)
{
    return control(s, EPOLL_CTL_ADD, NET_READABLE);
}

void net_poller_change(struct net_stream *s, uint8_t events)
{
    int operation = !events ? EPOLL_CTL_DEL : s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (control(s, operation, events) < 0)
        net_stream_fail(s); /* out of the kernel's memory */
}

static void free_stream(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    net_stream_free(NET_OF(garbage, struct net_stream, garbage));
}

void net_poller_drop(struct net_stream *s)
{
    /* Closing the descriptor would not do: another process may have inherited it. */
    if (s->events)
        (void)control(s, EPOLL_CTL_DEL, 0);
    net_loop_discard(s->loop, &s->garbage, free_stream);
}

#endif
