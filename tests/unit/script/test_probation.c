/* When a generation is said to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/probation.h"

static struct script_probation p;
static char why[160];

static void begin(uint64_t failed, uint64_t handled)
{
    const struct sioc_script_rollback rules = {
        .window_ms = 1000, .threshold = 0.2, .min_handlers = 10};
    const struct sioc_script_stats old = {.handled = handled, .failed = failed};
    script_probation_begin(&p, &rules, &old, 5000);
}

static enum script_verdict judge(uint64_t failed, uint64_t handled, uint64_t now)
{
    const struct sioc_script_stats stats = {.handled = handled, .failed = failed};
    return script_probation_judge(&p, &stats, now, why, sizeof why);
}

static int setup(void **state)
{
    (void)state;
    p = (struct script_probation){.active = false};
    why[0] = '\0';
    return 0;
}

static void the_share_counts(void **state)
{
    (void)state;
    begin(10, 100); /* 10 %: 30 % are too many */
    assert_int_equal(judge(29, 100, 5001), SCRIPT_GOES_ON);
    assert_int_equal(judge(30, 100, 5002), SCRIPT_FAILED);
    assert_string_equal(why, "30 of 100 handlers threw, 10 of 100 before");
    assert_false(p.active);
    begin(0, 0);
    assert_int_equal(judge(1, 10, 5001), SCRIPT_GOES_ON);
    assert_int_equal(judge(2, 10, 5001), SCRIPT_FAILED);
    assert_string_equal(why, "2 of 10 handlers threw, 0 of 0 before");
}

static void few_are_not_judged(void **state)
{
    (void)state;
    begin(0, 0);
    assert_int_equal(judge(9, 9, 5500), SCRIPT_GOES_ON);
    assert_int_equal(judge(9, 9, 5999), SCRIPT_GOES_ON);
    assert_int_equal(judge(9, 9, 6000), SCRIPT_PASSED);
    assert_false(p.active);
}

static void late_is_better_than_never(void **state)
{
    (void)state;
    begin(0, 0);
    assert_int_equal(judge(10, 10, 7000), SCRIPT_FAILED); /* the loop was held up */
}

static void what_failed_before_may_fail_again(void **state)
{
    (void)state;
    begin(100, 100);
    assert_int_equal(judge(50, 50, 5100), SCRIPT_GOES_ON);
    assert_int_equal(judge(50, 50, 6000), SCRIPT_PASSED);
}

/* The one before had not passed yet: it may be as bad as this one. */
static void the_unproven_set_no_example(void **state)
{
    (void)state;
    begin(1, 100);
    assert_int_equal(judge(5, 5, 5100), SCRIPT_GOES_ON);
    begin(5, 5);
    assert_int_equal(judge(2, 10, 5200), SCRIPT_GOES_ON);
    assert_int_equal(judge(3, 10, 5200), SCRIPT_FAILED);
    begin(50, 100);
    assert_int_equal(judge(0, 10, 6000), SCRIPT_PASSED);
    begin(50, 100); /* that one had */
    assert_int_equal(judge(69, 100, 5200), SCRIPT_GOES_ON);
    begin(0, 5); /* an unproven one may be better, too */
    assert_int_equal(judge(2, 10, 5200), SCRIPT_FAILED);
}

static void replays_count_apart(void **state)
{
    struct sioc_script_stats stats = {.handled = 100, .replays = 5000, .replays_failed = 999};
    (void)state;
    begin(0, 100);
    assert_int_equal(script_probation_judge(&p, &stats, 5001, why, sizeof why), SCRIPT_GOES_ON);
    stats.replays_failed = 1000;
    assert_int_equal(script_probation_judge(&p, &stats, 5001, why, sizeof why), SCRIPT_FAILED);
    assert_string_equal(why, "1000 of 5000 connection handlers that were called again threw, "
                             "0 of 100 before");
    begin(0, 100);
    stats = (struct sioc_script_stats){.handled = 50, .failed = 10, .replays = 5000};
    assert_int_equal(script_probation_judge(&p, &stats, 5001, why, sizeof why), SCRIPT_FAILED);
}

static void without_a_window_nobody_is_judged(void **state)
{
    const struct sioc_script_rollback rules = {.threshold = 0.2, .min_handlers = 1};
    const struct sioc_script_stats old = {.handled = 1};
    (void)state;
    script_probation_begin(&p, &rules, &old, 5000);
    assert_false(p.active);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_share_counts, setup),
        cmocka_unit_test_setup(few_are_not_judged, setup),
        cmocka_unit_test_setup(late_is_better_than_never, setup),
        cmocka_unit_test_setup(what_failed_before_may_fail_again, setup),
        cmocka_unit_test_setup(the_unproven_set_no_example, setup),
        cmocka_unit_test_setup(replays_count_apart, setup),
        cmocka_unit_test_setup(without_a_window_nobody_is_judged, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
