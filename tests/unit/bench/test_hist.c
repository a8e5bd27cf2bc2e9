/* The histogram: every quantile within 1.6 %. */
#include "../../../bindings/bench/hist.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void near(double got, double wanted)
{
    if (got < wanted * 0.984 || got > wanted * 1.016)
        fail_msg("%.1f is not about %.1f", got, wanted);
}

static void test_nothing(void **state)
{
    const struct hist *h = *state;

    assert_true(bench_hist_quantile(h, 0.5) <= 0);
}

static void test_quantiles(void **state)
{
    struct hist *h = *state;

    for (uint64_t i = 1; i <= 100000; i++)
        bench_hist_add(h, i * 1000);
    near(bench_hist_quantile(h, 0.5), 5e7);
    near(bench_hist_quantile(h, 0.9), 9e7);
    near(bench_hist_quantile(h, 0.999), 9.99e7);
    assert_true(bench_hist_quantile(h, 1) <= 1e8);
    assert_int_equal(h->max_ns, 100000000);
}

static void test_any_size(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns < UINT64_MAX / 4; ns = ns * 3 + 1) {
        struct hist *h = calloc(1, sizeof *h);
        assert_non_null(h);
        bench_hist_add(h, ns);
        bench_hist_add(h, UINT64_MAX);
        near(bench_hist_quantile(h, 0.5), (double)ns);
        free(h);
    }
}

static int new_hist(void **state)
{
    *state = calloc(1, sizeof(struct hist));
    return *state ? 0 : -1;
}

static int free_hist(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, new_hist, free_hist),
        cmocka_unit_test_setup_teardown(test_quantiles, new_hist, free_hist),
        cmocka_unit_test(test_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
