/* Clocks move on, dates are right: compared with the C library's calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void test_clocks(void **state)
{
    (void)state;
    uint64_t a = clock_mono_ns(), b = clock_mono_ns();
    assert_true(b >= a);
    assert_true(a > 0);
    assert_true(clock_mono_ms() >= a / 1000000);
    int64_t wall = clock_wall_ms() / 1000 - (int64_t)time(NULL);
    assert_true(wall >= -2 && wall <= 2);
}

static void test_texts(void **state)
{
    (void)state;
    char iso[25], js[64], http[30];
    clock_iso(1795245282123, iso);
    clock_js_date(1795245282123, js);
    clock_http_date(1795245282123, http);
    assert_string_equal(iso, "2026-11-21T07:14:42.123Z");
    assert_string_equal(js, "Sat Nov 21 2026 07:14:42 GMT+0000 (Coordinated Universal Time)");
    assert_string_equal(http, "Sat, 21 Nov 2026 07:14:42 GMT");
    clock_iso(-1, iso);
    assert_string_equal(iso, "1969-12-31T23:59:59.999Z");
    clock_iso(INT64_MIN, iso);
    assert_string_equal(iso, "0000-01-01T00:00:00.000Z");
    clock_iso(INT64_MAX, iso);
    assert_string_equal(iso, "9999-12-31T23:59:59.999Z");
}

static void test_calendar(void **state)
{
    (void)state;
    /* Every day of 800 years around now, at an odd time of day. */
    for (int64_t day = -160000; day < 160000; day++) {
        time_t t = (time_t)(day * 86400 + 45296);
        struct tm tm;
        char http[30], expected[30];
        gmtime_r(&t, &tm);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        clock_http_date((int64_t)t * 1000 + 7, http);
        assert_string_equal(http, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
