/* tests/bench/loadgen_client.c -- see loadgen_client.h. */
#include "loadgen_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadgen_modes.h"

static const uint8_t control_key[4] = {0x5a, 0xc3, 0x0f, 0x96};

static void client_lost(struct run *r, struct client *c, const char *why)
{
    if (!r->closing) {
        r->lost_count++;
        run_complain(r, c, why, errno ? strerror(errno) : "",
                     errno ? strlen(strerror(errno)) : 0);
    }
    client_close(r, c);
}

static void client_watch(struct run *r, struct client *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = c};
    epoll_ctl(r->epoll_fd, operation, c->fd, &event);
}

static int client_socket(const struct run *r, const struct client *c)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (r->opt.source_spread > 1) {
        uint32_t last = 1 + (r->opened_count + c->index) % r->opt.source_spread;
        struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(0x7f000000u + last)};
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&from, sizeof from)) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

void client_open(struct run *r, struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(r->opt.port)};
    inet_pton(AF_INET, r->opt.host, &to.sin_addr);
    c->opened_ns = clock_now_ns();
    c->fd = client_socket(r, c);
    r->opened_count++;
    if (c->fd < 0 ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)) {
        client_lost(r, c, "cannot connect");
        return;
    }
    c->state = CLIENT_CONNECTING;
    c->wants_write = true;
    client_watch(r, c, EPOLL_CTL_ADD);
}

/* Ends with RST: a bench that opens thousands of connections must not leave them in TIME_WAIT.
 */
void client_close(struct run *r, struct client *c)
{
    struct linger now = {.l_onoff = 1};
    if (c->fd >= 0) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(c->fd);
    }
    if (c->state == CLIENT_JOINED)
        r->joined_count--;
    c->fd = -1;
    c->state = CLIENT_CLOSED;
    c->wants_write = false;
    c->in.len = c->out.len = r->write.len = 0;
}

static void queue_frame(struct run *r, uint8_t opcode, const char *text, size_t len)
{
    uint8_t *to = bytes_reserve(&r->write, WS_HEAD_MAX + len);
    size_t head = ws_head_write(to, opcode, len, control_key);
    for (size_t i = 0; i < len; i++)
        to[head + i] = (uint8_t)text[i] ^ control_key[i & 3];
    r->write.len += head + len;
}

void client_queue_message(struct run *r, struct client *c)
{
    uint8_t *to = bytes_reserve(&r->write, r->message.frame_len);
    message_write(&r->message, to, c->index, c->sent_count++);
    r->write.len += r->message.frame_len;
}

static void keep_rest(struct run *r, struct client *c, size_t sent)
{
    size_t rest = r->write.len - sent;
    memcpy(bytes_reserve(&c->out, rest), r->write.at + sent, rest);
    c->out.len += rest;
    if (!c->wants_write) {
        c->wants_write = true;
        client_watch(r, c, EPOLL_CTL_MOD);
    }
}

void client_flush(struct run *r, struct client *c)
{
    if (r->write.len == 0)
        return;
    ssize_t sent = 0;
    if (c->out.len == 0)
        sent = send(c->fd, r->write.at, r->write.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        client_lost(r, c, "cannot send");
        return;
    }
    if (sent < 0)
        sent = 0;
    if ((size_t)sent < r->write.len)
        keep_rest(r, c, (size_t)sent);
    r->write.len = 0;
}

static void client_writable(struct run *r, struct client *c)
{
    ssize_t sent = send(c->fd, c->out.at, c->out.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        client_lost(r, c, "cannot send");
        return;
    }
    if (sent > 0) {
        c->out.len -= (size_t)sent;
        memmove(c->out.at, c->out.at + sent, c->out.len);
    }
    if (c->out.len == 0) {
        c->wants_write = false;
        client_watch(r, c, EPOLL_CTL_MOD);
    }
}

static void client_connected(struct run *r, struct client *c)
{
    socklen_t len = sizeof errno;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &errno, &len);
    if (errno) {
        client_lost(r, c, "cannot connect");
        return;
    }
    c->state = CLIENT_UPGRADING;
    c->wants_write = false;
    client_watch(r, c, EPOLL_CTL_MOD);
    char *to = (char *)bytes_reserve(&r->write, 512);
    r->write.len += ws_request_write(to, 512, r->opt.host, r->opt.port);
    client_flush(r, c);
}

void client_leave(struct run *r, struct client *c)
{
    if (c->state == CLIENT_JOINED)
        r->joined_count--;
    c->state = CLIENT_LEAVING;
    queue_frame(r, WS_CLOSE, "", 0);
    client_flush(r, c);
}

static bool starts_with(const char *text, size_t len, const char *start)
{
    size_t n = strlen(start);
    return len >= n && memcmp(text, start, n) == 0;
}

static void client_wrong(struct run *r, struct client *c, const char *why, const char *text,
                         size_t len)
{
    r->wrong_count++;
    run_complain(r, c, why, text, len);
    client_close(r, c);
}

/* One Engine.IO packet.  Anything unexpected is wrong: benchmarks have no surprises. */
static void client_packet(struct run *r, struct client *c, const char *text, size_t len)
{
    if (len == 1 && text[0] == '2') {
        r->ping_count++;
        queue_frame(r, WS_TEXT, "3", 1);
    } else if (c->state == CLIENT_JOINED && starts_with(text, len, "4")) {
        mode_event(r, c, text, len);
    } else if (c->state == CLIENT_OPENING && starts_with(text, len, "0{\"sid\":\"")) {
        c->state = CLIENT_JOINING;
        queue_frame(r, WS_TEXT, "40", 2);
    } else if (c->state == CLIENT_JOINING && starts_with(text, len, "40{\"sid\":\"")) {
        c->state = CLIENT_JOINED;
        r->joined_count++;
        mode_joined(r, c);
    } else if (c->state != CLIENT_LEAVING) {
        client_wrong(r, c, "unexpected packet", text, len);
    }
}

static void client_frame(struct run *r, struct client *c, const struct ws_frame *frame,
                         const char *payload)
{
    if (frame->opcode == WS_TEXT) {
        client_packet(r, c, payload, frame->len);
    } else if (frame->opcode == WS_PING) {
        queue_frame(r, WS_PONG, payload, frame->len);
    } else if (frame->opcode == WS_CLOSE && c->state == CLIENT_LEAVING) {
        client_close(r, c);
        mode_closed(r, c);
    } else if (frame->opcode == WS_CLOSE) {
        errno = 0;
        client_lost(r, c, "closed by the server");
    } else {
        client_wrong(r, c, "unexpected frame", payload, frame->len);
    }
}

/* Takes all complete frames from the front; returns how many bytes they were. */
static size_t client_frames(struct run *r, struct client *c, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    struct ws_frame frame;
    while (c->state >= CLIENT_OPENING) {
        int head = ws_frame_read(bytes + at, len - at, &frame);
        if (head < 0 || (head > 0 && frame.len + WS_HEAD_MAX > r->read.cap)) {
            client_wrong(r, c, "broken frame", (const char *)bytes + at, len - at);
            break;
        }
        if (head == 0 || len - at < frame.head_len + frame.len)
            break;
        client_frame(r, c, &frame, (const char *)bytes + at + frame.head_len);
        at += frame.head_len + frame.len;
    }
    return at;
}

static size_t client_parse(struct run *r, struct client *c, const uint8_t *bytes, size_t len)
{
    size_t answer = 0;
    if (c->state == CLIENT_UPGRADING) {
        int read = ws_answer_read(bytes, len);
        if (read < 0)
            client_wrong(r, c, "upgrade refused", (const char *)bytes, len);
        if (read <= 0)
            return 0;
        answer = (size_t)read;
        c->state = CLIENT_OPENING;
    }
    return answer + client_frames(r, c, bytes + answer, len - answer);
}

static void client_readable(struct run *r, struct client *c)
{
    size_t kept = c->in.len;
    memcpy(r->read.at, c->in.at ? c->in.at : r->read.at, kept);
    errno = 0;
    ssize_t got = recv(c->fd, r->read.at + kept, r->read.cap - kept, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        bool left = c->state == CLIENT_LEAVING;
        if (left)
            client_close(r, c);
        else
            client_lost(r, c, "connection ended");
        if (left)
            mode_closed(r, c);
        return;
    }
    r->now_ns = clock_now_ns();
    c->in.len = 0;
    size_t len = kept + (size_t)got;
    size_t used = client_parse(r, c, r->read.at, len);
    if (c->state < CLIENT_UPGRADING)
        return; /* closed meanwhile, or already connecting anew */
    if (used < len) {
        memcpy(bytes_reserve(&c->in, len - used), r->read.at + used, len - used);
        c->in.len = len - used;
    }
    client_flush(r, c);
}

void client_event(struct run *r, struct client *c, uint32_t events)
{
    if (c->state == CLIENT_CONNECTING) {
        client_connected(r, c);
        return;
    }
    if (events & EPOLLOUT)
        client_writable(r, c);
    if (c->state >= CLIENT_UPGRADING && (events & ~(uint32_t)EPOLLOUT))
        client_readable(r, c);
}
