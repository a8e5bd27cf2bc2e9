/* Shares: at the limit of a turn, one below and one above; the next turn; rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/share.h"

static struct net_loop *loop;
static struct metrics metrics;

static enum net_share_verdict take(struct net_share *share,
                                   const struct net_share_limits *limits, int times)
{
    uint32_t delay_ms;
    enum net_share_verdict last = NET_SHARE_GO_ON;
    while (times--)
        last = net_share_take(share, limits, loop, 10, &delay_ms);
    return last;
}

static void test_turns(void **state)
{
    (void)state;
    struct net_share share = {0};
    struct net_share_limits limits = {.per_turn = 4, .metrics = &metrics};
    for (int round = 0; round < 3; round++) {
        assert_int_equal(take(&share, &limits, 3), NET_SHARE_GO_ON);
        assert_int_equal(take(&share, &limits, 1), NET_SHARE_NEXT_TURN);
        assert_int_equal(take(&share, &limits, 1), NET_SHARE_NEXT_TURN);
        net_loop_step(loop, false);
    }
    limits.per_turn = 0;
    assert_int_equal(take(&share, &limits, 100000), NET_SHARE_GO_ON);
    assert_null(share.rate);
    net_share_deinit(&share);
}

static void test_rates(void **state)
{
    (void)state;
    struct net_share share = {0};
    struct net_share_limits limits = {
        .rate = {.messages_per_s = 1, .burst = 5, .patience_ms = 0}, .metrics = &metrics};
    assert_int_equal(take(&share, &limits, 5), NET_SHARE_GO_ON);
    assert_int_equal(metrics.throttled, 0);
    assert_int_equal(take(&share, &limits, 1), NET_SHARE_LATER);
    assert_int_equal(metrics.throttled, 1);
    assert_int_equal(metrics.reject_rate, 0);
    assert_int_equal(take(&share, &limits, 1), NET_SHARE_TOO_MUCH);
    assert_int_equal(metrics.reject_rate, 1);
    net_share_deinit(&share);
    mem_test_fail_at(1, false);
    assert_int_equal(take(&share, &limits, 1), NET_SHARE_GO_ON); /* no memory: not limited */
    mem_test_fail_at(0, false);
    net_share_deinit(&share);
}

static struct net_task task;

static void nothing(struct net_task *t)
{
    (void)t;
}

static void test_next_turn_is_another(void **state)
{
    (void)state;
    struct net_share share = {0};
    struct net_share_limits limits = {.per_turn = 2, .metrics = &metrics};
    assert_int_equal(take(&share, &limits, 2), NET_SHARE_NEXT_TURN);
    net_task_init(&task, nothing);
    net_task_add_next(loop, &task);
    while (net_task_waits(&task))
        net_loop_step(loop, false);
    assert_int_equal(take(&share, &limits, 1), NET_SHARE_GO_ON);
    assert_int_equal(take(&share, &limits, 1), NET_SHARE_NEXT_TURN);
}

static int setup(void **state)
{
    (void)state;
    metrics = (struct metrics){0};
    return net_loop_new(&loop);
}

static int teardown(void **state)
{
    (void)state;
    net_loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_turn_is_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rates, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
