/* bindings/bench/wire.c -- see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls.h"

/* A server that listens on one of several addresses of its name (localhost: ::1 and 127.0.0.1)
 * is found by trying them, once. */
static bool answers(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0;
    int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
    return good;
}

int bench_wire_init(struct run *r, char *ret_error, size_t cap)
{
    const struct url *url = &r->opt.url;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *at;
    int code = getaddrinfo(url->host, url->port, &hints, &list);

    if (code) {
        snprintf(ret_error, cap, "%s: %s", url->host, gai_strerror(code));
        return -1;
    }
    for (at = list; at && !answers(at); at = at->ai_next)
        ;
    if (!at) {
        snprintf(ret_error, cap, "cannot connect to %s port %s: %s", url->host, url->port,
                 strerror(errno));
        freeaddrinfo(list);
        return -1;
    }
    memcpy(&r->address, at->ai_addr, at->ai_addrlen);
    r->address_len = at->ai_addrlen;
    freeaddrinfo(list);
    if (url->secure && !(r->tls = bench_tls_context_new(r->opt.insecure))) {
        snprintf(ret_error, cap, "cannot set TLS up");
        return -1;
    }
    return 0;
}

void bench_wire_deinit(struct run *r)
{
    bench_tls_context_free(r->tls);
}

/* From 127.0.0.1, .2, .3 ...: each address has its own ports. */
static int bind_source(const struct run *r, const struct client *c, int fd)
{
    uint32_t last = 1 + (r->opened_count + c->index) % r->opt.source_spread;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000000u + last)};
    int on = 1;

    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&from, sizeof from);
}

int bench_wire_open(struct run *r, struct client *c)
{
    int on = 1;

    c->fd = socket(r->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (r->opt.source_spread > 1 && r->address.ss_family == AF_INET && bind_source(r, c, c->fd))
        return -1;
    if (r->tls && !(c->tls = bench_tls_new(r->tls, c->fd, r->opt.url.host))) {
        errno = ENOMEM;
        return -1;
    }
    if (connect(c->fd, (struct sockaddr *)&r->address, r->address_len) && errno != EINPROGRESS)
        return -1;
    return 0;
}

void bench_wire_close(struct client *c)
{
    struct linger now = {.l_onoff = 1};

    bench_tls_free(c->tls);
    c->tls = NULL;
    if (c->fd >= 0) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(c->fd);
    }
    c->fd = -1;
}

ssize_t bench_wire_send(struct client *c, const void *bytes, size_t len)
{
    return c->tls ? bench_tls_send(c->tls, bytes, len) : send(c->fd, bytes, len, MSG_NOSIGNAL);
}

ssize_t bench_wire_recv(struct client *c, void *bytes, size_t cap)
{
    return c->tls ? bench_tls_recv(c->tls, bytes, cap) : recv(c->fd, bytes, cap, 0);
}
