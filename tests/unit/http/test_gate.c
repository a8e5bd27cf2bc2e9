/* The gate at each limit: one below, at it, one above; times; and what it forgets. */
#include "http/gate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct metrics metrics;
static struct http_gate gate;

static int setup(void **state)
{
    (void)state;
    metrics = (struct metrics){0};
    http_gate_init(&gate, &metrics);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_gate_deinit(&gate);
    return 0;
}

/* Addresses that differ in their last byte; 0 = none. */
static struct http_peer *enter(uint32_t address, uint64_t now_ms)
{
    uint8_t key[HTTP_GATE_KEY] = {0};
    memcpy(key + 12, &address, sizeof address);
    return http_gate_enter(&gate, key, now_ms);
}

static void connections_of_all(void **state)
{
    (void)state;
    gate.limits.conns = 3;
    struct http_peer *a = enter(1, 0);
    assert_non_null(enter(2, 0));
    assert_non_null(enter(3, 0));
    assert_int_equal(metrics.reject_conn_limit, 0);
    assert_null(enter(4, 0));
    assert_null(enter(1, 0));
    assert_int_equal(metrics.reject_conn_limit, 2);
    http_gate_leave(a);
    assert_non_null(enter(4, 0));
    assert_null(enter(5, 0));
    assert_int_equal(gate.conns, 3);
    assert_int_equal(gate.peers.count, 0); /* nobody asks for addresses */
}

static void connections_of_one(void **state)
{
    (void)state;
    gate.limits.conns_per_ip = 2;
    struct http_peer *a = enter(1, 0), *b = enter(1, 0);
    assert_ptr_equal(a, b);
    assert_null(enter(1, 0));
    assert_int_equal(metrics.reject_conn_ip, 1);
    assert_non_null(enter(2, 0)); /* others come in */
    http_gate_leave(a);
    assert_non_null(enter(1, 0));
    assert_null(enter(1, 0));
    http_gate_leave(b);
    http_gate_leave(b);
    assert_int_equal(gate.peers.count, 1); /* forgotten with its last connection */
}

static void who_has_no_address_is_not_limited(void **state)
{
    (void)state;
    gate.limits = (struct http_gate_limits){100, 1, 1, 1};
    struct http_peer *a = enter(0, 0);
    assert_ptr_equal(enter(0, 0), a);
    for (int i = 0; i < 3; i++) {
        assert_true(http_gate_handshake(a, 0));
        assert_true(http_gate_unknown_sid(a, 0));
    }
    assert_int_equal(gate.peers.count, 0);
}

static void handshakes_within_ten_seconds(void **state)
{
    (void)state;
    gate.limits.handshakes_per_ip = 2;
    struct http_peer *a = enter(1, 0), *b = enter(2, 0);
    assert_true(http_gate_handshake(a, 1000));
    assert_true(http_gate_handshake(a, 2000));
    assert_int_equal(metrics.reject_hs_rate, 0);
    assert_false(http_gate_handshake(a, 10999));
    assert_int_equal(metrics.reject_hs_rate, 1);
    assert_true(http_gate_handshake(b, 10999));
    assert_true(http_gate_handshake(a, 11000)); /* 10 s after the first */
    assert_true(http_gate_handshake(a, 11000));
    assert_false(http_gate_handshake(a, 20999));
    assert_true(http_gate_unknown_sid(a, 0)); /* that has no limit */
}

static void unknown_sids_within_a_minute(void **state)
{
    (void)state;
    gate.limits.unknown_sids_per_ip = 2;
    struct http_peer *a = enter(1, 0);
    assert_true(http_gate_unknown_sid(a, 0));
    assert_true(http_gate_unknown_sid(a, 0));
    assert_false(http_gate_unknown_sid(a, 59999));
    assert_int_equal(metrics.reject_sid_flood, 1);
    assert_true(http_gate_unknown_sid(a, 60000));
}

static void reconnecting_does_not_forgive(void **state)
{
    (void)state;
    gate.limits.handshakes_per_ip = 1;
    struct http_peer *a = enter(1, 0);
    assert_true(http_gate_handshake(a, 0));
    http_gate_leave(a);
    assert_int_equal(gate.peers.count, 1);
    a = enter(1, 9999);
    assert_false(http_gate_handshake(a, 9999));
    http_gate_leave(a);
    a = enter(1, 10000);
    assert_true(http_gate_handshake(a, 10000));
    http_gate_leave(a);
}

static void forgets_old_addresses(void **state)
{
    (void)state;
    gate.limits.handshakes_per_ip = 1;
    for (uint32_t i = 1; i <= 100000; i++) {
        struct http_peer *a = enter(i, i * 10); /* a hundred in a second */
        assert_true(http_gate_handshake(a, i * 10));
        http_gate_leave(a);
    }
    assert_in_range(gate.peers.count, 1000, 4096); /* those of ten seconds, and a few */
}

static void holds_no_more_than_it_can(void **state)
{
    (void)state;
    gate.limits.handshakes_per_ip = 1;
    for (uint32_t i = 1; i <= 100000; i++) {
        struct http_peer *a = enter(i, 0); /* all at once: nobody is old */
        assert_true(http_gate_handshake(a, 0));
        http_gate_leave(a);
    }
    assert_int_equal(gate.peers.count, 65536);
    assert_int_equal(gate.conns, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(connections_of_all),
        TEST(connections_of_one),
        TEST(who_has_no_address_is_not_limited),
        TEST(handshakes_within_ten_seconds),
        TEST(unknown_sids_within_a_minute),
        TEST(reconnecting_does_not_forgive),
        TEST(forgets_old_addresses),
        TEST(holds_no_more_than_it_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
