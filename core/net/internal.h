/* net/internal.h -- what the files of this folder share; the only header that names libuv.
 *
 * Invariant: every uv handle lies at a fixed place in an object that is freed in (or after) the
 * handle's close callback.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "base/pool.h"
#include "net/chunk.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timer.h"
#include <netinet/in.h>
#include <uv.h>

#define NET_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct net_post;

/* ---- the poller: who says when the streams' descriptors are ready ---- */

/* On Linux one epoll descriptor of our own, which libuv watches: a uv_poll_t for each stream
 * would be 160 of its 240 bytes, and three system calls more for each connection (libuv tries
 * each descriptor out).  Elsewhere libuv polls (poller_uv.c). */
#if defined(__linux__) && !defined(NET_POLLER_UV)
#define NET_POLLER_EPOLL
#endif

struct net_poller {
#ifdef NET_POLLER_EPOLL
    uv_poll_t poll; /* says that some of ours are ready */
    int fd;
    size_t watched; /* streams that are polled for something: they keep the loop alive */
#else
    char nothing;
#endif
};

/* What the loop's scratch holds: these chunks, copied one behind the other (outq.c).  Of the 16
 * broadcasts of a turn each of 1,000 receivers would else get a copy of its own: 70 of 320
 * instructions for each delivery. */
#define NET_COPIED_MAX 64
struct net_copied {
    struct net_chunk *chunks[NET_COPIED_MAX]; /* references */
    uint32_t count;
    size_t bytes;
};

struct net_loop {
    uv_loop_t uv;
    uv_prepare_t prepare;   /* before sleeping: the end of a turn that only timers made */
    uv_check_t check;       /* after input: the end of a turn */
    uv_timer_t wheel_timer; /* armed for the wheel's next due time */
    uv_timer_t idle_timer;  /* armed for what the idles wish */
    uv_timer_t next_timer;  /* armed while a task waits for the next turn */
    uv_async_t async;       /* wakes the loop for net_loop_post */
    struct net_poller poller;
    struct pool pool;
    struct net_copied copied; /* gone at the turn's end */
    struct net_cork *corks;   /* spare ones (cork.c) */
    size_t spare_corks;
    struct net_wheel wheel;
    uint64_t armed_ms; /* when wheel_timer fires; 0: not armed */
    struct list tasks, next_tasks;
    struct list idles;
    struct list lingering; /* streams that close gently */
    struct net_garbage *garbage;
    uv_mutex_t post_lock;
    struct net_post *posts; /* under post_lock, newest first */
    uint32_t turn;
    void (*on_work)(void *user); /* for whoever embeds the loop; may be NULL */
    void *on_work_user;
    bool running;
    bool told; /* on_work was called since the last step */
    bool stopped;
    bool idle_wish; /* an idle wants its next step at some time */
    uint8_t read_buffer[NET_READ_BUFFER_BYTES];
    uint8_t scratch[NET_WRITE_BUFFER_BYTES];
};

static inline struct net_loop *net_loop_of(const uv_loop_t *uv)
{
    return NET_OF(uv, struct net_loop, uv);
}

/* Something new is to be done, or to be waited for.  Whoever embeds the loop has to know when
 * that is asked for between two steps: nobody else would make it turn. */
static inline void net_loop_touch(struct net_loop *loop)
{
    if (loop->running || loop->told || !loop->on_work)
        return;
    loop->told = true;
    loop->on_work(loop->on_work_user);
}

/* loop.c: The time; up to date even when the loop does not run. */
uint64_t net_loop_fresh_now(struct net_loop *loop);

/* poller_*.c */
int net_poller_open(struct net_loop *loop); /* 0 or SIOC_EIO */
void net_poller_close(struct net_loop *loop);
/* Polls for input, as stream->events says from then on.  0, SIOC_ENOMEM or SIOC_EIO. */
int net_poller_add(struct net_stream *stream);
/* Polls for what `events` says (NET_READABLE, NET_WRITABLE, both or nothing). */
void net_poller_change(struct net_stream *stream, uint8_t events);
/* Nothing is told of the stream any more, which frees itself when nobody looks at it. */
void net_poller_drop(struct net_stream *stream);

/* post.c */
void net_posts_run(struct net_loop *loop);
void net_posts_drop(struct net_loop *loop);

/* watch.c: Steps all idles; how long the loop may sleep, in ms, or -1. */
int net_idles_run(struct net_loop *loop);

/* outq.c: The scratch is somebody else's now, or the turn ends. */
void net_copied_forget(struct net_loop *loop);

/* timer.c: Forgets all timers (each is stopped). */
void net_wheel_clear(struct net_wheel *wheel);

/* stream.c: Closes all that close gently, at once. */
void net_lingering_close(struct net_loop *loop);

/* How bytes go in and out of one stream.  All are called with a descriptor that is open. */
struct net_transport_ops {
    bool secure;
    /* Bytes read (> 0), 0 at the end of the stream, SIOC_EAGAIN or SIOC_EIO. */
    int64_t (*read)(struct net_stream *stream, uint8_t *bytes, size_t len);
    /* Bytes taken, 0 when none can be taken now, or SIOC_EIO. */
    int64_t (*write)(struct net_stream *stream, const struct net_span *spans, size_t count);
    /* Says to the peer that nothing more comes. */
    void (*shutdown)(struct net_stream *stream);
    /* Closes the descriptor and frees what the transport keeps. */
    void (*close)(struct net_stream *stream);
};

extern const struct net_transport_ops net_tcp_ops;

/* What streams are polled for. */
#define NET_READABLE 1
#define NET_WRITABLE 2

/* Every connection has one: mind the bytes. */
struct net_stream {
    struct net_loop *loop;
    const struct net_transport_ops *transport;
    const struct net_stream_ops *ops;
    void *owner;
    union { /* the transport's; NULL for plain TCP */
        struct net_tls_conn *tls;
        struct net_proxied *proxied;
    };
    union {
        struct {
            void (*fn)(void *user); /* called once when the stream closes, or NULL */
            void *user;
        } on_close;
        struct net_garbage garbage; /* when it is closed */
    };
    int fd;
    bool reading : 1;
    bool want_write : 1;
    bool closed : 1;
    uint8_t events; /* what it is polled for now */
    uint16_t port;
    uint8_t address[16]; /* IPv6, or IPv4 mapped into it; all zero: unknown */
#ifndef NET_POLLER_EPOLL
    uv_poll_t poll;
#endif
};

/* stream.c: The descriptor is ready; on an error for everything. */
void net_stream_ready(struct net_stream *stream, uint8_t events);
/* Frees the memory of a closed one. */
void net_stream_free(struct net_stream *stream);

/* The transport has given up: tells the owner that the peer is gone. */
void net_stream_fail(struct net_stream *stream);

/* unix.c: A listening socket in the file system.  0, SIOC_EADDRINUSE (somebody listens there),
 * SIOC_EACCES, SIOC_ENOTFOUND (no such folder), SIOC_EINVAL (path too long), SIOC_EIO. */
int net_listen_unix(const char *path, int backlog, int *ret_fd);

/* tls.c: Makes a fresh stream speak TLS, as the server.  tls: referenced; metrics: borrowed.  0
 * or SIOC_ENOMEM (the stream is as it was). */
struct net_tls;
struct metrics;
int net_tls_wrap(struct net_tls *tls, struct net_stream *stream, struct metrics *metrics);

/* proxied.c: Makes a fresh stream expect a PROXY head.  0 or SIOC_ENOMEM (the stream is as it
 * was). */
int net_proxied_wrap(struct net_stream *stream);

/* Wraps a connected, non-blocking descriptor (taken; closed on failure).  Reading is on.
 *   peer   as accept gave it
 * 0, SIOC_ENOMEM or SIOC_EIO. */
int net_stream_open(struct net_loop *loop, int fd, const struct net_transport_ops *transport,
                    const struct sockaddr_storage *peer, struct net_stream **ret_stream);

#endif
