/* net/listener.c -- a listening socket: accepts a bounded number of peers per turn.
 *
 * When descriptors (or kernel memory) run out, a level-triggered poll would spin: accepting
 * pauses instead.  Invariant: a closed listener accepts nothing more, even within the same
 * event.
 */
#include "net/listener.h"
#include "base/cidr.h"
#include "base/mem.h"
#include "base/metric.h"
#include "net/internal.h"
#include "net/tls.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG           4096 /* the kernel cuts it at net.core.somaxconn */
#define ACCEPTS_PER_EVENT 128
#define PAUSE_MS          100
#define UNIX_PREFIX       "unix:"

struct net_listener {
    uv_poll_t poll;
    struct net_timer pause;
    int fd;
    bool closed;
    void (*accept)(void *user, struct net_stream *stream);
    void *user;
    struct metrics *metrics;    /* NULL: nobody counts */
    struct net_tls *tls;        /* NULL: plain */
    const struct cidr *proxies; /* who must begin with a PROXY head; NULL: nobody */
    size_t proxy_count;
    char *unix_path; /* removed at the end, or NULL */
};

/* ---- accepting ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_pause_over(struct net_timer *timer)
{
    struct net_listener *listener = NET_OF(timer, struct net_listener, pause);
    uv_poll_start(&listener->poll, UV_READABLE, on_poll);
    net_loop_touch(net_loop_of(listener->poll.loop));
}

static void pause_accepting(struct net_listener *listener)
{
    uv_poll_stop(&listener->poll);
    if (listener->metrics)
        listener->metrics->accept_paused++;
    net_timer_start(net_loop_of(listener->poll.loop), &listener->pause, PAUSE_MS);
}

/* Whether accept's errno is about this one peer only. */
static bool peer_failed(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTUNREACH ||
           error == EHOSTDOWN || error == ENONET || error == ENOPROTOOPT;
}

/* The layers between the socket and its owner. */
static int prepare(struct net_listener *listener, struct net_stream *stream)
{
    if (listener->tls && net_tls_wrap(listener->tls, stream, listener->metrics) < 0)
        return SIOC_ENOMEM;
    if (!listener->proxies)
        return 0;
    if (!cidr_contains(listener->proxies, listener->proxy_count, stream->address))
        return SIOC_EACCES;
    return net_proxied_wrap(stream);
}

static void hand_over(struct net_listener *listener, int fd,
                      const struct sockaddr_storage *peer)
{
    struct net_stream *stream;
    if (net_stream_open(net_loop_of(listener->poll.loop), fd, &net_tcp_ops, peer, &stream))
        return; /* costs only this peer */
    if (prepare(listener, stream) < 0) {
        net_stream_close(stream);
        return;
    }
    listener->accept(listener->user, stream);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct net_listener *listener = NET_OF(poll, struct net_listener, poll);
    (void)events;
    if (status < 0) {
        pause_accepting(listener);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_EVENT && !listener->closed; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof peer;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(listener, fd, &peer);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (!peer_failed(errno)) {
            pause_accepting(listener);
            return;
        }
    }
}

/* ---- opening ---- */

static int error_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return SIOC_EADDRINUSE;
    case EACCES:
    case EPERM:
        return SIOC_EACCES;
    case EADDRNOTAVAIL:
        return SIOC_ENOTFOUND;
    case ENOMEM:
        return SIOC_ENOMEM;
    default:
        return SIOC_EIO;
    }
}

static int listen_on(const struct addrinfo *address, int *ret_fd)
{
    const int on = 1, off = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_of(errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* Accepted sockets inherit it: no system call for each of them. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG)) {
        int error = error_of(errno);
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

/* Listens on the first of the host's addresses that this machine has. */
static int listen_on_host(const char *host, uint16_t port, int *ret_fd)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses;
    int failed = getaddrinfo(host, service, &hints, &addresses);
    if (failed)
        return failed == EAI_MEMORY ? SIOC_ENOMEM : SIOC_ENOTFOUND;
    int error = SIOC_ENOTFOUND;
    for (struct addrinfo *a = addresses; a && error; a = a->ai_next) {
        error = listen_on(a, ret_fd);
        if (error == SIOC_EADDRINUSE || error == SIOC_EACCES)
            break;
    }
    freeaddrinfo(addresses);
    return error;
}

/* The path of "unix:/path", or NULL. */
static const char *unix_path_of(const char *host)
{
    return host && strncmp(host, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0
               ? host + strlen(UNIX_PREFIX)
               : NULL;
}

static int listen_socket(const char *host, uint16_t port, int *ret_fd)
{
    if (unix_path_of(host))
        return net_listen_unix(unix_path_of(host), BACKLOG, ret_fd);
    bool everywhere = !host || !*host || strcmp(host, "*") == 0;
    if (!everywhere)
        return listen_on_host(host, port, ret_fd);
    int error = listen_on_host("::", port, ret_fd); /* takes IPv4 peers, too */
    if (error == SIOC_EADDRINUSE || error == SIOC_EACCES)
        return error;
    return error ? listen_on_host("0.0.0.0", port, ret_fd) : 0;
}

int net_listen(struct net_loop *loop, const char *host, uint16_t port,
               void (*accept)(void *user, struct net_stream *stream), void *user,
               struct net_listener **ret_listener)
{
    struct net_listener *listener = mem_zalloc(sizeof *listener);
    if (!listener)
        return SIOC_ENOMEM;
    int error = listen_socket(host, port, &listener->fd);
    if (error) {
        mem_free(listener);
        return error;
    }
    if (uv_poll_init(&loop->uv, &listener->poll, listener->fd)) {
        close(listener->fd);
        mem_free(listener);
        return SIOC_EIO;
    }
    net_timer_init(&listener->pause, on_pause_over);
    listener->accept = accept;
    listener->user = user;
    if (unix_path_of(host)) /* without memory for it, the file stays behind */
        listener->unix_path = mem_dup(unix_path_of(host), strlen(unix_path_of(host)));
    uv_poll_start(&listener->poll, UV_READABLE, on_poll);
    net_loop_touch(net_loop_of(listener->poll.loop));
    *ret_listener = listener;
    return 0;
}

uint16_t net_listener_port(const struct net_listener *listener)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(listener->fd, (struct sockaddr *)&address, &len))
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    if (address.ss_family != AF_INET)
        return 0; /* a socket in the file system has none */
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

void net_listener_expect_proxies(struct net_listener *listener, const struct cidr *ranges,
                                 size_t count)
{
    listener->proxies = ranges;
    listener->proxy_count = count;
}

void net_listener_count(struct net_listener *listener, struct metrics *metrics)
{
    listener->metrics = metrics;
}

void net_listener_set_tls(struct net_listener *listener, struct net_tls *tls)
{
    if (tls)
        net_tls_ref(tls);
    net_tls_unref(listener->tls);
    listener->tls = tls;
}

static void free_listener(uv_handle_t *handle)
{
    mem_free(NET_OF(handle, struct net_listener, poll));
}

void net_listener_close(struct net_listener *listener)
{
    if (!listener || listener->closed)
        return;
    listener->closed = true;
    net_timer_stop(&listener->pause);
    net_tls_unref(listener->tls);
    uv_close((uv_handle_t *)&listener->poll, free_listener);
    close(listener->fd);
    if (listener->unix_path)
        unlink(listener->unix_path);
    mem_free(listener->unix_path);
}
