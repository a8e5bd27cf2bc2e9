#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "helper_frames.h"
#include "helper_pair.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- events ---- */

int send_text(struct pair *p, const void *bytes, size_t len)
{
    struct buf frame;
    uint8_t head[WS_SERVER_HEAD_MAX];
    buf_init(&frame);
    buf_put(&frame, head, ws_frame_write_head(head, WS_TEXT, false, len));
    buf_put(&frame, bytes, len);
    struct net_chunk *chunk = net_chunk_new(buf_str(&frame));
    p->inside_send = true;
    int result = ws_conn_send(p->conn, chunk);
    p->inside_send = false;
    net_chunk_unref(chunk);
    buf_deinit(&frame);
    return result;
}

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct pair *p = user;
    buf_printf(&p->log, "%s(%.*s) ", binary ? "binary" : "text", (int)len, (char *)bytes);
    if (p->echo)
        assert_int_equal(send_text(p, bytes, len), 0);
    if (p->close_at_message)
        ws_conn_close(p->conn, 3001, STR("enough"));
    if (p->destroy_at_message)
        ws_conn_destroy(p->conn);
}

static void on_closed(void *user, enum ws_closed_by by, uint16_t status, struct sioc_str reason)
{
    struct pair *p = user;
    assert_false(p->inside_send);
    p->closed_count++;
    buf_printf(&p->log, "closed(%d,%u,%.*s) ", by, status, SIOC_STR_ARG(reason));
}

static void on_drained(void *user)
{
    struct pair *p = user;
    buf_put_str(&p->log, STR("drained "));
}

const struct ws_conn_events quiet_events = {.message = on_message, .closed = on_closed};
const struct ws_conn_events events = {
    .message = on_message, .closed = on_closed, .drained = on_drained};

static void on_accept(void *user, struct net_stream *stream)
{
    struct pair *p = user;
    p->stream = stream;
    /* Nothing is read before ws_conn_open. */
}

/* ---- the pair ---- */

static int connect_peer(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void pair_connect(struct pair *p)
{
    memset(p, 0, sizeof *p);
    buf_init(&p->in);
    buf_init(&p->log);
    p->config = (struct ws_config){.max_message_bytes = 100000,
                                   .max_queue_bytes = 100000,
                                   .close_timeout_ms = 1000,
                                   .message_timeout_ms = 5000,
                                   .share = {.metrics = &p->metrics},
                                   .metrics = &p->metrics};
    assert_int_equal(net_loop_new(&p->loop), 0);
    assert_int_equal(net_listen(p->loop, "127.0.0.1", 0, on_accept, p, &p->listener), 0);
    p->peer = connect_peer(net_listener_port(p->listener));
    while (!p->stream)
        net_loop_step(p->loop, true);
}

void pair_open(struct pair *p, const struct ws_conn_events *with, struct sioc_str rest)
{
    pair_connect(p);
    assert_int_equal(ws_conn_open(&p->config, p->stream, rest, with, p, &p->conn), 0);
}

void pair_end(struct pair *p)
{
    if (p->peer >= 0)
        close(p->peer);
    net_listener_close(p->listener);
    for (int i = 0; i < 10; i++)
        net_loop_step(p->loop, false);
    net_loop_free(p->loop);
    buf_deinit(&p->in);
    buf_deinit(&p->log);
}

void peer_read(struct pair *p)
{
    uint8_t bytes[65536];
    if (p->peer < 0 || p->eof)
        return;
    ssize_t n = recv(p->peer, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        buf_put(&p->in, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        p->eof = true;
}

void turn(struct pair *p)
{
    net_loop_step(p->loop, false);
    usleep(500);
}

bool log_is(struct pair *p, const char *text)
{
    return str_eq(buf_str(&p->log), sioc_str(text));
}

void await_log(struct pair *p, const char *text)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!log_is(p, text) && clock_mono_ms() < end)
        turn(p);
    buf_putc(&p->log, '\0');
    assert_string_equal((char *)p->log.bytes, text);
    p->log.len--;
}

void await_in(struct pair *p, const char *bytes, size_t len, bool eof)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while ((p->in.len < len || p->eof != eof) && clock_mono_ms() < end) {
        turn(p);
        peer_read(p);
    }
    assert_int_equal(p->in.len, len);
    if (len)
        assert_memory_equal(p->in.bytes, bytes, len);
    assert_int_equal(p->eof, eof);
    buf_reset(&p->in);
}

void settle(struct pair *p)
{
    for (int i = 0; i < 20; i++) {
        turn(p);
        peer_read(p);
    }
}

void peer_send(struct pair *p, struct buf *bytes)
{
    assert_int_equal(send(p->peer, bytes->bytes, bytes->len, MSG_NOSIGNAL), bytes->len);
    buf_deinit(bytes);
    buf_init(bytes);
}

void peer_text(struct pair *p, const char *text)
{
    struct buf b;
    buf_init(&b);
    put_text(&b, text);
    peer_send(p, &b);
}

void peer_reset(struct pair *p)
{
    struct linger hard = {1, 0};
    setsockopt(p->peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(p->peer);
    p->peer = -1;
}
