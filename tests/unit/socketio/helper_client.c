/* See helper_client.h. */
#include "helper_client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 400

static void put(struct wire *w, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = send(w->fd, at, len, MSG_NOSIGNAL);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            sioc_loop_step(w->loop, false);
        } else {
            return;
        }
    }
}

static void tcp_connect(struct wire *w, struct sioc_loop *loop, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(w, 0, sizeof *w);
    w->loop = loop;
    w->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(w->fd, (struct sockaddr *)&to, sizeof to) < 0)
        w->eof = true;
    int on = 1; /* a frame is sent in two pieces: do not wait in between */
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(w->fd, F_SETFL, O_NONBLOCK);
}

void wire_connect_path(struct wire *w, struct sioc_loop *loop, uint16_t port, const char *path)
{
    static const char headers[] = " HTTP/1.1\r\nHost: x\r\n"
                                  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n\r\n";
    tcp_connect(w, loop, port);
    put(w, "GET ", 4);
    put(w, path, strlen(path));
    put(w, headers, sizeof headers - 1);
}

void wire_connect_query(struct wire *w, struct sioc_loop *loop, uint16_t port,
                        const char *query)
{
    char path[512];
    snprintf(path, sizeof path, "/socket.io/?%s", query);
    wire_connect_path(w, loop, port, path);
}

void wire_connect(struct wire *w, struct sioc_loop *loop, uint16_t port)
{
    wire_connect_query(w, loop, port, "EIO=4&transport=websocket");
}

/* One turn of the loop, then what has arrived; false when nothing new can be expected. */
static bool pump(struct wire *w)
{
    sioc_loop_step(w->loop, false);
    ssize_t n = recv(w->fd, w->in + w->len, sizeof w->in - w->len, 0);
    if (n > 0) {
        w->len += (size_t)n;
    } else if (n == 0 || errno != EAGAIN) {
        w->eof = true;
    } else {
        struct pollfd p = {w->fd, POLLIN, 0};
        poll(&p, 1, 1);
    }
    return true;
}

static void drop(struct wire *w, size_t n)
{
    memmove(w->in, w->in + n, w->len - n);
    w->len -= n;
}

bool wire_upgraded(struct wire *w)
{
    for (int turn = 0; turn < TURNS && !w->eof; turn++) {
        unsigned char *end = memmem(w->in, w->len, "\r\n\r\n", 4);
        if (end) {
            bool ok = w->len > 12 && memcmp(w->in, "HTTP/1.1 101", 12) == 0;
            drop(w, (size_t)(end + 4 - w->in));
            return ok;
        }
        pump(w);
    }
    return false;
}

bool wire_open(struct wire *w)
{
    const char *open = wire_upgraded(w) ? wire_next(w) : NULL;
    return open && open[0] == '0';
}

const char *wire_http(struct sioc_loop *loop, uint16_t port, const char *head, const void *body,
                      size_t len)
{
    static struct wire w;
    static char answer[65536];
    char more[96];
    tcp_connect(&w, loop, port);
    snprintf(more, sizeof more,
             " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n", len);
    size_t line = strcspn(head, "\n"); /* the request line, then header lines, ended by \n */
    put(&w, head, line);
    put(&w, more, strlen(more));
    if (head[line])
        put(&w, head + line + 1, strlen(head + line + 1));
    put(&w, "\r\n", 2);
    put(&w, body, len);
    for (int turn = 0; turn < TURNS && !w.eof; turn++)
        pump(&w);
    snprintf(answer, sizeof answer, "%.*s", (int)w.len, w.in);
    char *end = strstr(answer, "\r\n\r\n");
    close(w.fd); /* the server has closed already */
    return end ? end + 4 : "";
}

static void put_frame(struct wire *w, unsigned char opcode, const void *bytes, size_t len)
{
    unsigned char head[8] = {(unsigned char)(0x80 | opcode)};
    size_t n = 2;
    head[1] = (unsigned char)(0x80 | (len < 126 ? len : 126));
    if (len >= 126) {
        head[n++] = (unsigned char)(len >> 8);
        head[n++] = (unsigned char)len;
    }
    memset(head + n, 0, 4); /* a mask of zeros: allowed, and easy to read in a trace */
    put(w, head, n + 4);
    put(w, bytes, len);
}

void wire_text(struct wire *w, const char *text)
{
    put_frame(w, 1, text, strlen(text));
}

void wire_binary(struct wire *w, const void *bytes, size_t len)
{
    put_frame(w, 2, bytes, len);
}

const char *wire_next(struct wire *w)
{
    static char text[65537];
    for (int turn = 0; turn < TURNS; turn++) {
        size_t head = 2, len = w->len >= 2 ? w->in[1] : 0;
        if (len == 126 && w->len >= 4) {
            head = 4;
            len = (size_t)w->in[2] << 8 | w->in[3];
        }
        if (w->len >= head && w->len >= head + len) {
            bool close = (w->in[0] & 15) == 8;
            memcpy(text, w->in + head, len); /* it may be bytes */
            text[len] = '\0';
            drop(w, head + len);
            return close ? "CLOSE" : text;
        }
        if (w->eof)
            return "EOF";
        pump(w);
    }
    return NULL;
}

void wire_close(struct wire *w)
{
    close(w->fd);
    w->fd = -1;
    wire_settle(w->loop);
}

void wire_settle(struct sioc_loop *loop)
{
    for (int turn = 0; turn < 20; turn++) {
        sioc_loop_step(loop, false);
        usleep(200);
    }
}
