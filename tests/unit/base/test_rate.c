/* Rates: what may come at once, how long the rest waits, and when patience ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rate.h"

static void test_messages(void **state)
{
    (void)state;
    struct rate_limits limits = {.messages_per_s = 100, .burst = 20, .patience_ms = 1000};
    struct rate r;
    rate_init(&r, &limits, 5000);
    for (int i = 0; i < 20; i++)
        assert_int_equal(rate_take(&r, &limits, 1000000, 5000), 0);
    /* One too many: until there are tokens for 50 ms, five, and one is owed. */
    assert_int_equal(rate_take(&r, &limits, 0, 5000), 61);
    for (int i = 0; i < 5; i++)
        assert_int_equal(rate_take(&r, &limits, 0, 5060), 0);
    assert_int_equal(rate_take(&r, &limits, 0, 5060), 61);
    /* An hour later there are no more than at the beginning. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(rate_take(&r, &limits, 0, 3600000), 0);
    assert_true(rate_take(&r, &limits, 0, 3600000) > 0);
}

static void test_bytes(void **state)
{
    (void)state;
    struct rate_limits limits = {.bytes_per_s = 1000, .patience_ms = 1000};
    struct rate r;
    rate_init(&r, &limits, 0);
    assert_int_equal(rate_take(&r, &limits, 999, 0), 0);
    assert_int_equal(rate_take(&r, &limits, 1, 0), 0);
    assert_int_equal(rate_take(&r, &limits, 1, 0), 52);
    rate_init(&r, &limits, 0);
    assert_int_equal(rate_take(&r, &limits, 3000, 0), 2051); /* one may be bigger than all */
}

static void test_patience(void **state)
{
    (void)state;
    struct rate_limits limits = {.messages_per_s = 10, .burst = 10, .patience_ms = 1000};
    struct rate r;
    uint64_t now = 100;
    rate_init(&r, &limits, now);
    for (int i = 0; i < 10; i++)
        assert_int_equal(rate_take(&r, &limits, 0, now), 0);
    assert_int_equal(rate_take(&r, &limits, 0, now), 151); /* in trouble since now */
    for (now = 250; now < 1100; now += 150)
        assert_true(rate_take(&r, &limits, 0, now) < 1000);
    while (rate_take(&r, &limits, 0, 1099) == 0)
        ;
    assert_true(rate_take(&r, &limits, 0, 1100) == RATE_TOO_LONG);
    now = 100;
    /* Who was quiet until the bucket was half full again begins anew. */
    rate_init(&r, &limits, now);
    for (int i = 0; i < 11; i++)
        (void)rate_take(&r, &limits, 0, now);
    assert_int_equal(rate_take(&r, &limits, 0, 100 + 600), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rate_take(&r, &limits, 0, 700), 0);
    assert_int_equal(rate_take(&r, &limits, 0, 700), 151);
    assert_true(rate_take(&r, &limits, 0, 1699) != RATE_TOO_LONG);
}

static void test_both_and_none(void **state)
{
    (void)state;
    struct rate_limits none = {0}, both = {10, 2, 1000, 1000};
    struct rate r;
    assert_false(rate_is_limited(&none));
    assert_true(rate_is_limited(&both));
    rate_init(&r, &both, 0);
    assert_int_equal(rate_take(&r, &both, 500, 0), 0);
    assert_int_equal(rate_take(&r, &both, 500, 0), 0);
    assert_int_equal(rate_take(&r, &both, 1000, 0), 1051); /* the longer wait counts */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_both_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
