/* net/poller_uv.c -- libuv polls for the streams, where there is no epoll. */
#include "net/internal.h"

#ifndef NET_POLLER_EPOLL

int net_poller_open(struct net_loop *loop)
{
    (void)loop;
    return 0;
}

void net_poller_close(struct net_loop *loop)
{
    (void)loop;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct net_stream *s = NET_OF(poll, struct net_stream, poll);
    if (status < 0) { /* libuv has stopped polling */
        s->events = 0;
        net_stream_fail(s);
        return;
    }
    net_stream_ready(s, (uint8_t)((events & UV_READABLE ? NET_READABLE : 0) |
                                  (events & UV_WRITABLE ? NET_WRITABLE : 0)));
}

int net_poller_add(struct net_stream *s)
{
    if (uv_poll_init(&s->loop->uv, &s->poll, s->fd))
        return SIOC_EIO;
    net_poller_change(s, NET_READABLE);
    return 0;
}

void net_poller_change(struct net_stream *s, uint8_t events)
{
    s->events = events;
    if (events)
        uv_poll_start(&s->poll,
                      (events & NET_READABLE ? UV_READABLE : 0) |
                          (events & NET_WRITABLE ? UV_WRITABLE : 0),
                      on_ready);
    else
        uv_poll_stop(&s->poll);
}

static void free_stream(uv_handle_t *handle)
{
    net_stream_free(NET_OF(handle, struct net_stream, poll));
}

void net_poller_drop(struct net_stream *s)
{
    uv_close((uv_handle_t *)&s->poll, free_stream);
}

#endif
