/* A connection over a real loopback socket: the peer is a plain blocking descriptor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "helper_frames.h"
#include "net/listener.h"
#include "net/loop.h"
#include "ws/conn.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_MS 3000

struct pair {
    struct net_loop *loop;
    struct net_listener *listener;
    struct net_stream *stream; /* accepted, not yet taken */
    struct ws_conn *conn;
    struct ws_config config;
    struct metrics metrics;
    int peer;
    struct buf in; /* what the peer has read */
    bool eof;
    struct buf log; /* "text(hi) closed(1,1000,bye) drained " */
    bool echo, destroy_at_message, close_at_message, inside_send;
    int closed_count;
};

/* ---- events ---- */

static int send_text(struct pair *p, const void *bytes, size_t len)
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

static const struct ws_conn_events quiet_events = {on_message, on_closed, NULL};
static const struct ws_conn_events events = {on_message, on_closed, on_drained};

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

static void pair_connect(struct pair *p)
{
    memset(p, 0, sizeof *p);
    buf_init(&p->in);
    buf_init(&p->log);
    p->config = (struct ws_config){.max_message_bytes = 100000,
                                   .max_queue_bytes = 100000,
                                   .close_timeout_ms = 1000,
                                   .message_timeout_ms = 5000,
                                   .metrics = &p->metrics};
    assert_int_equal(net_loop_new(&p->loop), 0);
    assert_int_equal(net_listen(p->loop, "127.0.0.1", 0, on_accept, p, &p->listener), 0);
    p->peer = connect_peer(net_listener_port(p->listener));
    while (!p->stream)
        net_loop_step(p->loop, true);
}

static void pair_open(struct pair *p, const struct ws_conn_events *with, struct sioc_str rest)
{
    pair_connect(p);
    assert_int_equal(ws_conn_open(&p->config, p->stream, rest, with, p, &p->conn), 0);
}

static void pair_end(struct pair *p)
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

static void peer_read(struct pair *p)
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

/* One turn that lasts a few ms at most. */
static void turn(struct pair *p)
{
    net_loop_step(p->loop, false);
    usleep(500);
}

static bool log_is(struct pair *p, const char *text)
{
    return str_eq(buf_str(&p->log), sioc_str(text));
}

static void await_log(struct pair *p, const char *text)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!log_is(p, text) && clock_mono_ms() < end)
        turn(p);
    buf_putc(&p->log, '\0');
    assert_string_equal((char *)p->log.bytes, text);
    p->log.len--;
}

/* The peer gets exactly these bytes (and then, if `eof`, the end). */
static void await_in(struct pair *p, const char *bytes, size_t len, bool eof)
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

static void settle(struct pair *p)
{
    for (int i = 0; i < 20; i++) {
        turn(p);
        peer_read(p);
    }
}

static void peer_send(struct pair *p, struct buf *bytes)
{
    assert_int_equal(send(p->peer, bytes->bytes, bytes->len, MSG_NOSIGNAL), bytes->len);
    buf_deinit(bytes);
    buf_init(bytes);
}

static void peer_text(struct pair *p, const char *text)
{
    struct buf b;
    buf_init(&b);
    put_text(&b, text);
    peer_send(p, &b);
}

static void peer_reset(struct pair *p)
{
    struct linger hard = {1, 0};
    setsockopt(p->peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(p->peer);
    p->peer = -1;
}

/* ---- messages ---- */

static void test_echo(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &events, STR(""));
    p.echo = true;
    assert_true(ws_conn_idle(p.conn));
    peer_text(&p, "one");
    await_in(&p, "\x81\x03one", 5, false);
    await_log(&p, "text(one) drained ");
    assert_true(ws_conn_idle(p.conn));
    ws_conn_destroy(p.conn);
    await_in(&p, "", 0, true);
    assert_true(log_is(&p, "text(one) drained ")); /* no `closed` */
    pair_end(&p);
}

static void test_many_packets_of_a_turn_are_one_write(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &quiet_events, STR(""));
    for (int i = 0; i < 10; i++)
        assert_int_equal(send_text(&p, "abc", 3), 0);
    assert_false(ws_conn_idle(p.conn));
    peer_read(&p);
    assert_int_equal(p.in.len, 0); /* not before the turn's end */
    settle(&p);
    assert_int_equal(p.in.len, 50);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

static void test_bytes_behind_the_upgrade(void **state)
{
    (void)state;
    struct pair p;
    struct buf rest;
    buf_init(&rest);
    put_text(&rest, "early");
    put_text(&rest, "halved");
    size_t half = rest.len - 3;
    pair_open(&p, &quiet_events, str_part(buf_str(&rest), 0, half));
    assert_true(log_is(&p, ""));
    assert_int_equal(send(p.peer, rest.bytes + half, 3, 0), 3);
    await_log(&p, "text(early) text(halved) ");
    ws_conn_destroy(p.conn);
    buf_deinit(&rest);
    pair_end(&p);
}

static void test_user_may_change(void **state)
{
    (void)state;
    struct pair p, other;
    memset(&other, 0, sizeof other);
    buf_init(&other.log);
    pair_open(&p, &quiet_events, STR(""));
    ws_conn_set_user(p.conn, &quiet_events, &other);
    peer_text(&p, "hello");
    settle(&p);
    assert_true(log_is(&other, "text(hello) "));
    assert_true(log_is(&p, ""));
    ws_conn_destroy(p.conn);
    buf_deinit(&other.log);
    pair_end(&p);
}

static void test_events_may_end_it(void **state)
{
    (void)state;
    struct pair p;
    for (int round = 0; round < 2; round++) {
        struct buf b;
        buf_init(&b);
        pair_open(&p, &quiet_events, STR(""));
        p.close_at_message = round == 0;
        p.destroy_at_message = round == 1;
        put_text(&b, "first");
        put_text(&b, "second");
        peer_send(&p, &b);
        if (round == 0) {
            await_in(&p,
                     "\x88\x08\x0b\xb9"
                     "enough",
                     10, false);
            put_close(&b, 3001, "enough");
            peer_send(&p, &b);
        }
        await_in(&p, "", 0, true);
        assert_true(log_is(&p, "text(first) "));
        pair_end(&p);
    }
}

/* ---- pings ---- */

static void test_ping_is_answered(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &quiet_events, STR(""));
    p.echo = true;
    put_frame(&b, 0x01, "ec", 2);
    put_frame(&b, 0x89, "hello", 5);
    put_frame(&b, 0x80, "ho", 2);
    peer_send(&p, &b);
    await_in(&p,
             "\x8a\x05hello\x81\x04"
             "echo",
             13, false);
    put_frame(&b, 0x89, "", 0);
    peer_send(&p, &b);
    await_in(&p, "\x8a\x00", 2, false);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

static void test_only_the_newest_pong_waits(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &quiet_events, STR(""));
    for (int i = 0; i < 50; i++) /* as many as are allowed */
        put_frame(&b, 0x89, &"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[i], 1);
    peer_send(&p, &b);
    await_in(&p,
             "\x8a\x01"
             "a\x8a\x01X",
             6, false);
    assert_true(log_is(&p, ""));
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

static void test_ping_flood(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &quiet_events, STR(""));
    for (int i = 0; i < 51; i++)
        put_frame(&b, 0x89, "", 0);
    put_text(&b, "never seen");
    peer_send(&p, &b);
    await_in(&p, "\x8a\x00\x88\x02\x03\xf0", 6, true);
    assert_true(log_is(&p, "closed(2,1008,) "));
    assert_int_equal(p.metrics.reject_ws_proto, 1);
    pair_end(&p);
}

/* ---- the closing handshake ---- */

static void test_peers_close_is_echoed(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        const char *reason, *echo;
        size_t len;
        const char *log;
    } cases[] = {
        {0, "", "\x88\x00", 2, "closed(1,1005,) "},
        {1000, "", "\x88\x02\x03\xe8", 4, "closed(1,1000,) "},
        {1000, "bye",
         "\x88\x05\x03\xe8"
         "bye",
         7, "closed(1,1000,bye) "},
        {3000, "", "\x88\x02\x0b\xb8", 4, "closed(1,3000,) "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p;
        struct buf b;
        buf_init(&b);
        pair_open(&p, &events, STR(""));
        put_close(&b, cases[i].code, cases[i].reason);
        put_text(&b, "never seen");
        peer_send(&p, &b);
        await_log(&p, cases[i].log);
        await_in(&p, cases[i].echo, cases[i].len, true);
        assert_true(log_is(&p, cases[i].log));
        pair_end(&p);
    }
}

static void test_close_and_fin_together(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &quiet_events, STR(""));
    put_close(&b, 1000, "");
    peer_send(&p, &b);
    shutdown(p.peer, SHUT_WR);
    await_in(&p, "\x88\x02\x03\xe8", 4, true);
    assert_true(log_is(&p, "closed(1,1000,) "));
    pair_end(&p);
}

static void test_our_close(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &events, STR(""));
    assert_int_equal(send_text(&p, "last", 4), 0);
    ws_conn_close(p.conn, 0, STR(""));
    ws_conn_close(p.conn, 1000, STR("again")); /* nothing happens */
    assert_int_equal(send_text(&p, "late", 4), SIOC_ECLOSED);
    await_in(&p, "\x81\x04last\x88\x00", 8, false);
    put_text(&b, "not heard");
    put_frame(&b, 0x89, "not answered", 12);
    peer_send(&p, &b);
    settle(&p);
    assert_int_equal(p.in.len, 0);
    put_close(&b, 1000, "");
    peer_send(&p, &b);
    await_in(&p, "", 0, true);
    assert_true(log_is(&p, ""));
    pair_end(&p);
}

static void test_long_reason_is_cut_at_a_character(void **state)
{
    (void)state;
    struct pair p;
    char reason[201], expected[127] = "\x88\x7c\x03\xe8";
    for (int i = 0; i < 200; i += 2)
        memcpy(reason + i, "\xc3\xbc", 2);
    memcpy(expected + 4, reason, 122); /* 123 would cut one */
    pair_open(&p, &quiet_events, STR(""));
    ws_conn_close(p.conn, 1000, sioc_str_n(reason, 200));
    await_in(&p, expected, 126, false);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

static void test_peer_that_never_answers_the_close(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &quiet_events, STR(""));
    p.config.close_timeout_ms = 60;
    uint64_t start = clock_mono_ms();
    ws_conn_close(p.conn, 0, STR(""));
    await_in(&p, "\x88\x00", 2, true);
    assert_in_range(clock_mono_ms() - start, 55, 1000);
    pair_end(&p);
}

static void test_violations_are_told_to_both(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *answer, *log;
    } cases[] = {
        {"\x81\x02hi", 4, "\x88\x02\x03\xea", "closed(2,1002,) "},
        {"\x81\x81\0\0\0\0\xff", 7, "\x88\x02\x03\xef", "closed(2,1007,) "},
        {"\x81\xff\0\0\0\0\0\x01\x86\xa1\0\0\0\0", 14, "\x88\x02\x03\xf1", "closed(2,1009,) "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p;
        pair_open(&p, &quiet_events, STR(""));
        assert_int_equal(send(p.peer, cases[i].bytes, cases[i].len, 0), cases[i].len);
        await_in(&p, cases[i].answer, 4, true);
        assert_true(log_is(&p, cases[i].log));
        assert_int_equal(p.metrics.reject_ws_proto, i == 0);
        assert_int_equal(p.metrics.reject_utf8, i == 1);
        assert_int_equal(p.metrics.reject_too_big, i == 2);
        pair_end(&p);
    }
}

/* ---- a peer that goes, stalls, or reads slowly ---- */

static void test_fin_and_reset(void **state)
{
    (void)state;
    for (int hard = 0; hard < 2; hard++) {
        struct pair p;
        pair_open(&p, &events, STR(""));
        if (hard)
            peer_reset(&p);
        else
            shutdown(p.peer, SHUT_WR);
        await_log(&p, "closed(1,1006,) ");
        settle(&p);
        assert_true(log_is(&p, "closed(1,1006,) "));
        pair_end(&p);
    }
}

static void test_failed_write_is_told_later(void **state)
{
    (void)state;
    struct pair p;
    int result = 0;
    pair_open(&p, &quiet_events, STR(""));
    peer_reset(&p);
    usleep(20000);
    p.config.max_queue_bytes = 0;
    for (int i = 0; i < 10 && result == 0; i++)
        result = send_text(&p, "x", 1);
    assert_int_equal(result, SIOC_ECLOSED);
    assert_true(log_is(&p, ""));
    assert_int_equal(send_text(&p, "x", 1), SIOC_ECLOSED);
    await_log(&p, "closed(1,1006,) ");
    settle(&p);
    assert_true(log_is(&p, "closed(1,1006,) "));
    pair_end(&p);
}

static void test_slow_reader(void **state)
{
    (void)state;
    struct pair p;
    static char big[60000];
    int result = 0, sent = 0;
    pair_open(&p, &events, STR(""));
    for (; sent < 2000 && result == 0; sent++)
        result = send_text(&p, big, sizeof big);
    assert_int_equal(result, SIOC_EFULL);
    assert_true(sent > 2);
    settle(&p);
    assert_false(ws_conn_idle(p.conn));
    /* Everything that was taken arrives, in order, when the peer reads at last. */
    size_t expected = (size_t)(sent - 1) * (4 + sizeof big);
    uint64_t end = clock_mono_ms() + 20000;
    while (p.in.len < expected && clock_mono_ms() < end) {
        net_loop_step(p.loop, false);
        peer_read(&p);
    }
    assert_int_equal(p.in.len, expected);
    await_log(&p, "drained ");
    assert_true(ws_conn_idle(p.conn));
    assert_int_equal(send_text(&p, "x", 1), 0);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

static void test_message_must_end_in_time(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_connect(&p);
    p.config.message_timeout_ms = 80;
    assert_int_equal(ws_conn_open(&p.config, p.stream, STR(""), &quiet_events, &p, &p.conn), 0);
    /* Cut all the time, but never the same message for long: fine. */
    put_text(&b, "m");
    put_text(&b, "m");
    uint64_t start = clock_mono_ms();
    assert_int_equal(send(p.peer, b.bytes, 3, 0), 3);
    while (clock_mono_ms() - start < 250) {
        turn(&p);
        assert_int_equal(send(p.peer, b.bytes + 3, 7, 0), 7);
    }
    settle(&p);
    assert_int_equal(p.in.len, 0);
    /* Left alone: over. */
    await_in(&p, "\x88\x02\x03\xf0", 4, true);
    assert_non_null(memmem(p.log.bytes, p.log.len, "closed(2,1008,) ", 16));
    buf_deinit(&b);
    pair_end(&p);
}

#ifdef SIOC_TESTING
static void fail_once(size_t n, bool *ret_failed)
{
    struct pair p;
    struct buf b;
    buf_init(&b);
    put_frame(&b, 0x01, "fr", 2);
    put_frame(&b, 0x89, "ping", 4);
    put_frame(&b, 0x80, "ag", 2);
    put_close(&b, 1000, "");
    pair_connect(&p);
    mem_test_fail_at(n, false);
    int result = ws_conn_open(&p.config, p.stream, STR("\x81"), &quiet_events, &p, &p.conn);
    send(p.peer, "\x81\0\0\0\0x", 6, MSG_NOSIGNAL);
    send(p.peer, b.bytes, b.len, MSG_NOSIGNAL);
    /* Whatever fails, the connection ends, and its user is told once. */
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!p.eof && clock_mono_ms() < end) {
        turn(&p);
        peer_read(&p);
    }
    *ret_failed = mem_test_count() >= n;
    mem_test_fail_at(0, false);
    assert_true(p.eof);
    assert_int_equal(p.closed_count, result == 0);
    buf_deinit(&b);
    pair_end(&p);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        assert_true(n < 200);
        fail_once(n, &failed);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_many_packets_of_a_turn_are_one_write),
        cmocka_unit_test(test_bytes_behind_the_upgrade),
        cmocka_unit_test(test_user_may_change),
        cmocka_unit_test(test_events_may_end_it),
        cmocka_unit_test(test_ping_is_answered),
        cmocka_unit_test(test_only_the_newest_pong_waits),
        cmocka_unit_test(test_ping_flood),
        cmocka_unit_test(test_peers_close_is_echoed),
        cmocka_unit_test(test_close_and_fin_together),
        cmocka_unit_test(test_our_close),
        cmocka_unit_test(test_long_reason_is_cut_at_a_character),
        cmocka_unit_test(test_peer_that_never_answers_the_close),
        cmocka_unit_test(test_violations_are_told_to_both),
        cmocka_unit_test(test_fin_and_reset),
        cmocka_unit_test(test_failed_write_is_told_later),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_message_must_end_in_time),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_every_allocation_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
