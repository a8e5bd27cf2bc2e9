/* A connection over a real loopback socket: messages, pings, and peers that stall, read slowly
 * or go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "helper_frames.h"
#include "helper_pair.h"
#include <sys/socket.h>
#include <unistd.h>

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

static void put_small(struct pair *p, enum ws_opcode opcode, const char *text)
{
    int error = 0;
    uint8_t *at = ws_conn_reserve(p->conn, opcode, strlen(text), &error);
    assert_non_null(at);
    memcpy(at, text, strlen(text));
}

/* What is for this peer alone and what it shares with others leaves in order. */
static void test_small_messages(void **state)
{
    (void)state;
    struct pair p;
    int error = 0;
    pair_open(&p, &events, STR(""));
    put_small(&p, WS_TEXT, "one");
    put_small(&p, WS_BINARY, "two");
    assert_int_equal(send_text(&p, "shared", 6), 0);
    put_small(&p, WS_TEXT, "");
    assert_false(ws_conn_idle(p.conn));
    assert_int_equal(ws_conn_queued(p.conn), 20);
    await_in(&p, "\x81\x03one\x82\x03two\x81\x06shared\x81\x00", 20, false);
    await_log(&p, "drained ");
    assert_null(ws_conn_reserve(p.conn, WS_TEXT, 1021, &error)); /* and 4 bytes of head */
    assert_int_equal(error, SIOC_ETOOBIG);
    assert_non_null(ws_conn_reserve(p.conn, WS_TEXT, 1020, &error));
    settle(&p);
    ws_conn_close(p.conn, 0, STR(""));
    assert_null(ws_conn_reserve(p.conn, WS_TEXT, 1, &error));
    assert_int_equal(error, SIOC_ECLOSED);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

static int put_long(struct pair *p, struct buf *body, size_t len)
{
    buf_reset(body);
    memset(buf_reserve(body, len), 'x', len);
    buf_commit(body, len);
    return ws_conn_send_long(p->conn, WS_TEXT, STR("42"), body);
}

/* They take their memory with them, and leave in order with what else is sent. */
static void test_long_messages(void **state)
{
    (void)state;
    enum { LEN = 70000 };
    static char expected[5 + 10 + 2 + LEN + 5];
    struct pair p;
    struct buf body;
    buf_init(&body);
    pair_open(&p, &events, STR(""));
    put_small(&p, WS_TEXT, "one");
    assert_int_equal(put_long(&p, &body, LEN), 0);
    assert_null(body.bytes);
    assert_int_equal(body.len + body.cap, 0);
    put_small(&p, WS_TEXT, "two");
    memcpy(expected,
           "\x81\x03one\x81\x7f\0\0\0\0\0\x01\x11\x72"
           "42",
           17);
    memset(expected + 17, 'x', LEN);
    memcpy(expected + 17 + LEN, "\x81\x03two", 5);
    await_in(&p, expected, sizeof expected, false);
    settle(&p);
    assert_true(ws_conn_idle(p.conn));
    /* Not this way, and not taken: a head that is too long; a connection that closes. */
    assert_int_equal(ws_conn_send_long(p.conn, WS_TEXT, sioc_str_n(expected, 257), &body),
                     SIOC_ETOOBIG);
    ws_conn_close(p.conn, 0, STR(""));
    assert_int_equal(put_long(&p, &body, 20000), SIOC_ECLOSED);
    assert_int_equal(body.len, 20000);
    buf_deinit(&body);
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

/* ---- when what is queued leaves ---- */

static struct {
    struct pair p;
    struct net_task task;
    bool shares;             /* a frame that others may get as well, too */
    size_t queued, turn_end; /* bytes behind the answer, and when the turn ended */
    bool ended;
} answering;

/* It was marked before the connection was, so it runs before it is flushed. */
static void note_turn_end(struct net_task *task)
{
    (void)task;
    answering.turn_end = ws_conn_queued(answering.p.conn);
    answering.ended = true;
}

static void answer(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct pair *p = user;
    (void)binary, (void)bytes, (void)len;
    net_task_add(p->loop, &answering.task);
    put_small(p, WS_TEXT, "answer");
    if (answering.shares)
        assert_int_equal(send_text(p, "shared", 6), 0);
    answering.queued = ws_conn_queued(p->conn);
}

static void await_answer(bool shares)
{
    uint64_t began_ms = clock_mono_ms();
    answering.shares = shares;
    answering.ended = false;
    peer_text(&answering.p, "ask");
    while (!answering.ended) {
        assert_true(clock_mono_ms() - began_ms < 10000);
        turn(&answering.p);
    }
}

/* Answers to what came do not wait for the end of the turn; what others may get as well does.
 */
static void test_answers_leave_at_once(void **state)
{
    (void)state;
    static const struct ws_conn_events answers = {.message = answer};
    struct pair *p = &answering.p;
    pair_open(p, &answers, STR(""));
    net_task_init(&answering.task, note_turn_end);
    await_answer(false);
    assert_int_equal(answering.queued, 8);
    assert_int_equal(answering.turn_end, 0);
    await_answer(true);
    assert_int_equal(answering.queued, 16);
    assert_int_equal(answering.turn_end, 16);
    await_in(p,
             "\x81\x06"
             "answer\x81\x06"
             "answer\x81\x06shared",
             24, false);
    ws_conn_destroy(p->conn);
    pair_end(p);
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

/* Each ping has its pong; of more than 16 at once, the newest counts (RFC 6455, 5.5.3). */
static void pings_at_once(const char *payloads, const char *answered)
{
    struct pair p;
    struct buf b, pongs;
    buf_init(&b);
    buf_init(&pongs);
    pair_open(&p, &quiet_events, STR(""));
    for (const char *c = payloads; *c; c++)
        put_frame(&b, 0x89, c, 1);
    for (const char *c = answered; *c; c++)
        buf_printf(&pongs, "\x8a\x01%c", *c);
    peer_send(&p, &b);
    await_in(&p, (const char *)pongs.bytes, pongs.len, false);
    put_text(&b, "and more");
    peer_send(&p, &b);
    await_log(&p, "text(and more) ");
    settle(&p);
    await_in(&p, "", 0, false);
    ws_conn_destroy(p.conn);
    buf_deinit(&pongs);
    pair_end(&p);
}

static void test_pongs(void **state)
{
    (void)state;
    pings_at_once("abcdefghij", "abcdefghij");
    pings_at_once("abcdefghijklmnop", "abcdefghijklmnop");
    pings_at_once("abcdefghijklmnopq", "abcdefghijklmnopq");
    pings_at_once("abcdefghijklmnopqr", "abcdefghijklmnopr");
    pings_at_once("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX", "abcdefghijklmnopX");
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
    char in[32 + 4];
    memcpy(in, "\x8a\x00\x8a\x00\x8a\x00\x8a\x00\x8a\x00\x8a\x00\x8a\x00\x8a\x00", 16);
    memcpy(in + 16, in, 16);
    memcpy(in + 32, "\x88\x02\x03\xf0", 4);
    await_in(&p, in, sizeof in, true);
    assert_true(log_is(&p, "closed(2,1008,too many pings) "));
    assert_int_equal(p.metrics.reject_ws_ping, 1);
    pair_end(&p);
}

/* ---- shares ---- */

/* Ten messages in one segment, and a ping; turn by turn. */
static void test_share_of_a_turn(void **state)
{
    (void)state;
    for (uint32_t per_turn = 9; per_turn <= 11; per_turn++) {
        struct pair p;
        struct buf b;
        buf_init(&b);
        pair_open(&p, &quiet_events, STR(""));
        p.config.share.per_turn = per_turn;
        for (int i = 0; i < 10; i++)
            put_frame(&b, 0x82, &"0123456789"[i], 1);
        put_frame(&b, 0x89, "", 0);
        peer_send(&p, &b);
        while (p.log.len == 0)
            turn(&p);
        assert_int_equal(p.log.len, (per_turn < 10 ? per_turn : 10) * strlen("binary(0) "));
        assert_int_equal(p.metrics.deferred, per_turn <= 10);
        await_in(&p, "\x8a\x00", 2, false);
        assert_true(log_is(&p, "binary(0) binary(1) binary(2) binary(3) binary(4) binary(5) "
                               "binary(6) binary(7) binary(8) binary(9) "));
        peer_text(&p, "read again");
        while (p.log.len == 100)
            turn(&p);
        ws_conn_destroy(p.conn);
        pair_end(&p);
    }
}

static void put_hundred(struct buf *b)
{
    for (int i = 0; i < 100; i++)
        put_text(b, "x");
}

/* What waits when it ends: here, by the peer, or by nobody. */
static void test_end_amid_a_share(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        struct pair p;
        struct buf b;
        buf_init(&b);
        pair_open(&p, &quiet_events, STR(""));
        p.config.share.per_turn = 3;
        p.destroy_at_message = how == 0;
        p.close_at_message = how == 1;
        put_hundred(&b);
        put_close(&b, 1000, "");
        peer_send(&p, &b);
        while (p.log.len == 0)
            turn(&p);
        if (how == 2)
            ws_conn_close(p.conn, 3001, STR("enough"));
        else if (how == 3)
            ws_conn_destroy(p.conn);
        if (how == 1 || how == 2) { /* the peer's close frame is behind what waits */
            await_in(&p,
                     "\x88\x08\x0b\xb9"
                     "enough",
                     10, true);
            assert_int_equal(p.log.len, strlen("text(x) ") * (how == 1 ? 1 : 3));
        } else if (how == 4) {
            await_in(&p, "\x88\x02\x03\xe8", 4, true);
            assert_int_equal(p.log.len, 100 * strlen("text(x) ") + strlen("closed(1,1000,) "));
        }
        pair_end(&p);
    }
}

static void test_hold_amid_a_share(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &quiet_events, STR(""));
    p.config.share.per_turn = 3;
    put_hundred(&b);
    peer_send(&p, &b);
    while (p.log.len == 0)
        turn(&p);
    size_t seen = p.log.len;
    ws_conn_hold(p.conn, true);
    settle(&p);
    assert_int_equal(p.log.len, seen);
    ws_conn_hold(p.conn, false);
    while (p.log.len < 100 * strlen("text(x) "))
        turn(&p);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

/* Behind the upgrade request as well. */
static void test_early_bytes_have_their_share(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    put_hundred(&b);
    pair_connect(&p);
    p.config.share.per_turn = 40;
    assert_int_equal(ws_conn_open(&p.config, p.stream, buf_str(&b), &quiet_events, &p, &p.conn),
                     0);
    buf_deinit(&b);
    turn(&p);
    assert_int_equal(p.log.len % (40 * strlen("text(x) ")), 0);
    peer_text(&p, "x");
    while (p.log.len < 101 * strlen("text(x) "))
        turn(&p);
    assert_int_equal(p.metrics.deferred, 2);
    ws_conn_destroy(p.conn);
    pair_end(&p);
}

/* A burst of ten; what comes above has to wait, and nothing is lost; who never stops is closed.
 */
static void test_rate(void **state)
{
    (void)state;
    for (int count = 9; count <= 12; count++) {
        struct pair p;
        struct buf b;
        buf_init(&b);
        pair_open(&p, &quiet_events, STR(""));
        p.config.share.rate =
            (struct rate_limits){.messages_per_s = 5, .burst = 10, .patience_ms = 1000000};
        for (int i = 0; i < count; i++)
            put_text(&b, "x");
        peer_send(&p, &b);
        while (p.log.len < (size_t)count * strlen("text(x) "))
            turn(&p);
        assert_int_equal(p.metrics.throttled, count > 10 ? count - 10 : 0);
        ws_conn_destroy(p.conn);
        pair_end(&p);
    }
}

static void test_rate_for_too_long(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    pair_open(&p, &quiet_events, STR(""));
    p.config.share.rate = (struct rate_limits){.bytes_per_s = 50, .patience_ms = 200};
    put_hundred(&b);
    peer_send(&p, &b);
    await_in(&p, "\x88\x02\x03\xf0", 4, true);
    assert_int_equal(p.metrics.reject_rate, 1);
    assert_int_equal(p.metrics.reject_ws_proto, 0);
    assert_int_equal(p.closed_count, 1);
    pair_end(&p);
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
    p.config.max_queue_bytes = 100000; /* it is not forgotten */
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
    assert_non_null(memmem(p.log.bytes, p.log.len, "closed(2,1008,a message was", 27));
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
        cmocka_unit_test(test_small_messages),
        cmocka_unit_test(test_long_messages),
        cmocka_unit_test(test_answers_leave_at_once),
        cmocka_unit_test(test_bytes_behind_the_upgrade),
        cmocka_unit_test(test_user_may_change),
        cmocka_unit_test(test_events_may_end_it),
        cmocka_unit_test(test_ping_is_answered),
        cmocka_unit_test(test_pongs),
        cmocka_unit_test(test_ping_flood),
        cmocka_unit_test(test_share_of_a_turn),
        cmocka_unit_test(test_end_amid_a_share),
        cmocka_unit_test(test_hold_amid_a_share),
        cmocka_unit_test(test_early_bytes_have_their_share),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_for_too_long),
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
