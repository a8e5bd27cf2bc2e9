/* tests/bench/peers/limit_conn.c -- accept, read, write.  A connection that waits holds 32
 * bytes and no buffer. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limit.h"

#define READ_BYTES (1u << 21) /* twice the largest message, so that any rest and a read fit */

static void *must(void *memory)
{
    if (!memory) {
        fputs("bench_limit: out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

uint8_t *bytes_reserve(struct bytes *b, size_t more)
{
    if (b->cap - b->len < more) {
        b->cap = (b->len + more) * 2;
        b->at = must(realloc(b->at, b->cap));
    }
    return b->at + b->len;
}

static void bytes_free(struct bytes **b)
{
    if (*b)
        free((*b)->at);
    free(*b);
    *b = NULL;
}

static void bytes_keep(struct bytes **b, const uint8_t *bytes, size_t len)
{
    if (!*b)
        *b = must(calloc(1, sizeof **b));
    memcpy(bytes_reserve(*b, len), bytes, len);
    (*b)->len += len;
}

static void conn_watch(struct server *s, struct conn *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = c};
    epoll_ctl(s->epoll_fd, operation, c->fd, &event);
}

void conn_accept(struct server *s)
{
    int on = 1, fd;
    while ((fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *c = must(calloc(1, sizeof *c));
        c->fd = fd;
        c->slot = s->conn_count;
        if (s->conn_count == s->conn_cap) {
            s->conn_cap = s->conn_cap ? s->conn_cap * 2 : 1024;
            s->conns = must(realloc(s->conns, s->conn_cap * sizeof(struct conn *)));
        }
        s->conns[s->conn_count++] = c;
        conn_watch(s, c, EPOLL_CTL_ADD);
    }
}

void conn_free(struct server *s, struct conn *c)
{
    s->conns[c->slot] = s->conns[--s->conn_count];
    s->conns[c->slot]->slot = c->slot;
    close(c->fd);
    bytes_free(&c->in);
    bytes_free(&c->out);
    free(c);
}

/* A connection that is broken is not freed here, its end will be read: so a broadcast may go
 * over the list of connections without losing its place. */
void conn_send(struct server *s, struct conn *c, const uint8_t *bytes, size_t len)
{
    ssize_t sent = 0;
    if (len == 0)
        return;
    if (!c->out)
        sent = send(c->fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == len)
        return;
    bytes_keep(&c->out, bytes + sent, len - (size_t)sent);
    if (!c->wants_write) {
        c->wants_write = true;
        conn_watch(s, c, EPOLL_CTL_MOD);
    }
}

static void conn_writable(struct server *s, struct conn *c)
{
    if (c->out) {
        ssize_t sent = send(c->fd, c->out->at, c->out->len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        c->out->len -= (size_t)sent;
        memmove(c->out->at, c->out->at + sent, c->out->len);
        if (c->out->len)
            return;
        bytes_free(&c->out);
    }
    c->wants_write = false;
    conn_watch(s, c, EPOLL_CTL_MOD);
}

static int conn_readable(struct server *s, struct conn *c)
{
    if (!s->read)
        s->read = must(malloc(READ_BYTES));
    size_t kept = c->in ? c->in->len : 0, used;
    if (kept)
        memcpy(s->read, c->in->at, kept);
    ssize_t got = recv(c->fd, s->read + kept, READ_BYTES / 8, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : -1;
    bytes_free(&c->in);
    size_t len = kept + (size_t)got;
    if (packets_take(s, c, s->read, len, &used))
        return -1;
    if (used < len)
        bytes_keep(&c->in, s->read + used, len - used);
    return 0;
}

void conn_event(struct server *s, struct conn *c, uint32_t events)
{
    if (events & EPOLLOUT)
        conn_writable(s, c);
    if ((events & ~(uint32_t)EPOLLOUT) && conn_readable(s, c))
        conn_free(s, c);
}
