/* The closing handshake of a connection, from either side, and after violations. */
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

/* E090: TCP ends all the same, after the time that the engine sets (30 s, as in the reference).
 */
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
        {"\x81\x02hi", 4, "\x88\x02\x03\xea",
         "closed(2,1002,Invalid WebSocket frame: MASK must be set) "},
        {"\x81\x81\0\0\0\0\xff", 7, "\x88\x02\x03\xef",
         "closed(2,1007,Invalid WebSocket frame: invalid UTF-8 sequence) "},
        {"\x81\xff\0\0\0\0\0\x01\x86\xa1\0\0\0\0", 14, "\x88\x02\x03\xf1",
         "closed(2,1009,Max payload size exceeded) "},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_close_is_echoed),
        cmocka_unit_test(test_close_and_fin_together),
        cmocka_unit_test(test_our_close),
        cmocka_unit_test(test_long_reason_is_cut_at_a_character),
        cmocka_unit_test(test_peer_that_never_answers_the_close),
        cmocka_unit_test(test_violations_are_told_to_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
