/* bindings/bench/client.c -- see client.h. */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "modes.h"
#include "tls.h"
#include "wire.h"

void bench_client_lost(struct run *r, struct client *c, const char *why)
{
    const char *how = errno ? strerror(errno) : "";

    if (!r->closing) {
        r->lost_count++;
        bench_run_complain(r, c, why, how, strlen(how));
    }
    bench_client_close(r, c);
}

void bench_client_wrong(struct run *r, struct client *c, const char *why, const char *text,
                        size_t len)
{
    r->wrong_count++;
    bench_run_complain(r, c, why, text, len);
    bench_client_close(r, c);
}

static void watch(struct run *r, struct client *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = c};

    epoll_ctl(r->epoll_fd, operation, c->fd, &event);
}

static void want_write(struct run *r, struct client *c, bool wanted)
{
    if (c->wants_write == wanted)
        return;
    c->wants_write = wanted;
    watch(r, c, EPOLL_CTL_MOD);
}

/* ---- the ends of a connection ---- */

static void link_open(struct run *r, struct client *c)
{
    errno = 0;
    if (bench_wire_open(r, c)) {
        bench_client_lost(r, c, "cannot connect");
        return;
    }
    c->link = LINK_CONNECTING;
    c->wants_write = true;
    watch(r, c, EPOLL_CTL_ADD);
}

static void link_close(struct run *r, struct client *c)
{
    bench_wire_close(c);
    c->link = LINK_DOWN;
    c->wants_write = c->asking = c->reconnect = false;
    c->in.len = c->out.len = r->write.len = 0;
}

void bench_client_open(struct run *r, struct client *c)
{
    c->opened_ns = bench_clock_now_ns();
    c->state = r->transport->first;
    r->opened_count++;
    link_open(r, c);
}

void bench_client_close(struct run *r, struct client *c)
{
    link_close(r, c);
    if (c->state == CLIENT_JOINED)
        r->joined_count--;
    c->state = CLIENT_CLOSED;
    c->outbox.len = c->parts.len = 0;
    c->in_parts = false;
    free(c->sid);
    c->sid = NULL;
}

void bench_client_reopen(struct run *r, struct client *c)
{
    link_close(r, c);
    r->opened_count++;
    link_open(r, c);
}

void bench_client_leave(struct run *r, struct client *c)
{
    if (c->state == CLIENT_JOINED)
        r->joined_count--;
    c->state = CLIENT_LEAVING;
    r->transport->leave(r, c);
}

void bench_client_left(struct run *r, struct client *c)
{
    bench_client_close(r, c);
    bench_mode_closed(r, c);
}

/* ---- writing ---- */

void bench_client_request(struct run *r, const char *method, const char *transport)
{
    bench_bytes_text(&r->write, method);
    bench_bytes_text(&r->write, r->opt.path);
    bench_bytes_text(&r->write, "?EIO=4&transport=");
    bench_bytes_text(&r->write, transport);
    bench_bytes_text(&r->write, r->opt.url.query);
}

void bench_client_host(struct run *r)
{
    const struct url *url = &r->opt.url;
    bool v6 = strchr(url->host, ':');

    bench_bytes_text(&r->write, v6 ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ");
    bench_bytes_text(&r->write, url->host);
    bench_bytes_text(&r->write, v6 ? "]:" : ":");
    bench_bytes_text(&r->write, url->port);
    bench_bytes_text(&r->write, "\r\n");
}

void bench_client_send(struct run *r, struct client *c)
{
    ssize_t sent = 0;

    if (r->write.len == 0 || c->link != LINK_UP)
        return;
    if (c->out.len == 0)
        sent = bench_wire_send(c, r->write.at, r->write.len);
    if (sent < 0 && errno != EAGAIN) {
        bench_client_lost(r, c, "cannot send");
        return;
    }
    if (sent < 0)
        sent = 0;
    if ((size_t)sent < r->write.len) {
        bench_bytes_add(&c->out, r->write.at + sent, r->write.len - (size_t)sent);
        want_write(r, c, true);
    }
    r->write.len = 0;
}

static void writable(struct run *r, struct client *c)
{
    ssize_t sent = c->out.len ? bench_wire_send(c, c->out.at, c->out.len) : 0;

    if (sent < 0 && errno != EAGAIN) {
        bench_client_lost(r, c, "cannot send");
        return;
    }
    if (sent > 0) {
        c->out.len -= (size_t)sent;
        memmove(c->out.at, c->out.at + sent, c->out.len);
    }
    want_write(r, c, c->out.len > 0);
}

/* ---- reading ---- */

static bool starts_with(const char *text, size_t len, const char *start)
{
    size_t n = strlen(start);

    return len >= n && memcmp(text, start, n) == 0;
}

static void opened(struct run *r, struct client *c, const char *text, size_t len)
{
    const char *sid = memmem(text, len, "\"sid\":\"", 7), *end = text + len;
    const char *sid_end = sid ? memchr(sid + 7, '"', (size_t)(end - sid - 7)) : NULL;

    if (!sid_end) {
        bench_client_wrong(r, c, "an open packet without sid", text, len);
        return;
    }
    if (r->opt.polling)
        c->sid = strndup(sid + 7, (size_t)(sid_end - sid - 7));
    c->state = CLIENT_JOINING;
    r->transport->packet(r, c, r->message.connect, strlen(r->message.connect));
}

static void joined(struct run *r, struct client *c)
{
    char text[MESSAGE_JOIN_MAX];

    if (c->state == CLIENT_JOINING && r->opt.rooms) {
        c->state = CLIENT_ENTERING;
        r->transport->packet(r, c, text,
                             bench_message_join(&r->message, c->index % r->room_count, text));
        return;
    }
    c->state = CLIENT_JOINED;
    r->joined_count++;
    bench_mode_joined(r, c);
}

/* Anything unexpected is wrong: benchmarks have no surprises. */
void bench_client_packet(struct run *r, struct client *c, const char *text, size_t len)
{
    const struct message *m = &r->message;

    if (len == 1 && text[0] == '2') {
        r->ping_count++;
        r->transport->packet(r, c, "3", 1);
    } else if (c->state == CLIENT_JOINED && starts_with(text, len, "41")) {
        errno = 0;
        bench_client_lost(r, c, "disconnected by the server");
    } else if (c->state == CLIENT_JOINED && starts_with(text, len, "4")) {
        bench_mode_event(r, c, text, len);
    } else if (c->state == CLIENT_OPENING && starts_with(text, len, "0{")) {
        opened(r, c, text, len);
    } else if ((c->state == CLIENT_JOINING && starts_with(text, len, m->connected)) ||
               (c->state == CLIENT_ENTERING && starts_with(text, len, m->entered))) {
        joined(r, c);
    } else if (c->state == CLIENT_JOINING && starts_with(text, len, "44")) {
        bench_client_wrong(r, c, "CONNECT refused", text, len);
    } else if (c->state != CLIENT_LEAVING) {
        bench_client_wrong(r, c, "unexpected packet", text, len);
    }
}

static void ended(struct run *r, struct client *c, int error)
{
    if (c->state == CLIENT_LEAVING) {
        bench_client_left(r, c);
    } else if (!r->transport->ended(r, c)) {
        errno = error;
        bench_client_lost(r, c,
                          c->state == CLIENT_UPGRADING || c->state == CLIENT_OPENING
                              ? "the connection ended before the server said anything"
                              : "the connection ended");
    }
}

/* What has come at once; false when there was nothing, or the link is another one by now. */
static bool read_once(struct run *r, struct client *c)
{
    size_t kept = c->in.len, len, used;
    ssize_t got;

    if (kept >= r->read.cap) {
        bench_client_wrong(r, c, "more than any answer may be", "", 0);
        return false;
    }
    if (kept)
        memcpy(r->read.at, c->in.at, kept);
    errno = 0;
    got = bench_wire_recv(c, r->read.at + kept, r->read.cap - kept);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0) {
        ended(r, c, got < 0 ? errno : 0);
        return false;
    }
    r->now_ns = bench_clock_now_ns();
    if (r->recording)
        r->bytes_in += (uint64_t)got;
    c->in.len = 0;
    len = kept + (size_t)got;
    used = r->transport->parse(r, c, r->read.at, len);
    if (c->link != LINK_UP)
        return false;
    if (used < len)
        bench_bytes_add(&c->in, r->read.at + used, len - used);
    r->transport->flush(r, c);
    return c->link == LINK_UP;
}

static void link_up(struct run *r, struct client *c)
{
    c->link = LINK_UP;
    want_write(r, c, false);
    r->transport->start(r, c);
}

static void secure(struct run *r, struct client *c)
{
    bool wants_write = false;
    char error[256];
    int done = bench_tls_handshake(c->tls, &wants_write, error, sizeof error);

    if (done > 0)
        link_up(r, c);
    else if (done == 0)
        want_write(r, c, wants_write);
    else
        bench_client_wrong(r, c, "TLS", error, strlen(error));
}

static void connected(struct run *r, struct client *c)
{
    int error = 0;
    socklen_t len = sizeof error;

    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    errno = error;
    if (error)
        bench_client_lost(r, c, "cannot connect");
    else if (!c->tls)
        link_up(r, c);
    else {
        c->link = LINK_SECURING;
        secure(r, c);
    }
}

void bench_client_event(struct run *r, struct client *c, uint32_t events)
{
    if (c->link == LINK_CONNECTING) {
        connected(r, c);
        return;
    }
    if (c->link == LINK_SECURING) {
        secure(r, c);
        return;
    }
    if (c->link == LINK_UP && (events & EPOLLOUT))
        writable(r, c);
    /* TLS may hold more than epoll knows of. */
    if (c->link == LINK_UP && (events & ~(uint32_t)EPOLLOUT))
        while (read_once(r, c) && c->tls)
            ;
}
