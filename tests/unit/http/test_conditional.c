/* Entity tags, dates and ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/conditional.h"

static void test_etags(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool listed;
    } cases[] = {
        {"\"a\"", true}, {"W/\"a\"", true}, {"\"b\", \"a\"", true}, {" \"b\",W/\"a\" ", true},
        {"*", true},     {" * ", true},     {"\"b\"", false},       {"a", false},
        {"", false},     {"\"aa\"", false}, {"w/\"a\"", false},     {"\"b\", *", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(http_etag_listed(sioc_str(cases[i].header), STR("\"a\"")),
                         cases[i].listed);
}

static void test_dates(void **state)
{
    (void)state;
    int64_t s = 7;
    assert_true(http_date_read(STR("Thu, 01 Jan 1970 00:00:00 GMT"), &s));
    assert_int_equal(s, 0);
    assert_true(http_date_read(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &s)); /* RFC 9110 */
    assert_int_equal(s, 784111777);
    static const char *const bad[] = {
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT; length=1",
        "Sun, -6 Nov 1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(http_date_read(sioc_str(bad[i]), &s));
    assert_int_equal(s, 784111777); /* untouched */
}

static void test_dates_come_back(void **state)
{
    (void)state;
    for (int64_t s = 0; s < 4000000000; s += 86400 * 29 + 3607) {
        char text[30];
        int64_t back;
        clock_http_date(s * 1000, text);
        assert_true(http_date_read(sioc_str(text), &back));
        assert_int_equal(back, s);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        uint64_t size;
        enum http_range_kind kind;
        uint64_t first, last;
    } cases[] = {
        {"bytes=0-99", 1000, HTTP_RANGE_PART, 0, 99},
        {"bytes=0-0", 1000, HTTP_RANGE_PART, 0, 0},
        {"Bytes=5-5", 1000, HTTP_RANGE_PART, 5, 5},
        {"bytes=100-", 1000, HTTP_RANGE_PART, 100, 999},
        {"bytes=0-999", 1000, HTTP_RANGE_PART, 0, 999},
        {"bytes=0-1000", 1000, HTTP_RANGE_PART, 0, 999},
        {"bytes=999-5000", 1000, HTTP_RANGE_PART, 999, 999},
        {"bytes=0-18446744073709551615", 1000, HTTP_RANGE_PART, 0, 999},
        {"bytes=-100", 1000, HTTP_RANGE_PART, 900, 999},
        {"bytes=-5000", 1000, HTTP_RANGE_PART, 0, 999},
        {"bytes=1000-", 1000, HTTP_RANGE_BEYOND, 0, 0},
        {"bytes=1000-2000", 1000, HTTP_RANGE_BEYOND, 0, 0},
        {"bytes=-0", 1000, HTTP_RANGE_BEYOND, 0, 0},
        {"bytes=0-", 0, HTTP_RANGE_BEYOND, 0, 0},
        {"bytes=-1", 0, HTTP_RANGE_BEYOND, 0, 0},
        {"bytes=0-1,5-6", 1000, HTTP_RANGE_ALL, 0, 0},
        {"bytes=5-4", 1000, HTTP_RANGE_ALL, 0, 0},
        {"bytes=-", 1000, HTTP_RANGE_ALL, 0, 0},
        {"bytes=", 1000, HTTP_RANGE_ALL, 0, 0},
        {"bytes=a-b", 1000, HTTP_RANGE_ALL, 0, 0},
        {"bytes=1-2-3", 1000, HTTP_RANGE_ALL, 0, 0},
        {"bytes=18446744073709551616-", 1000, HTTP_RANGE_ALL, 0, 0},
        {"lines=1-2", 1000, HTTP_RANGE_ALL, 0, 0},
        {"", 1000, HTTP_RANGE_ALL, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t first = 0, last = 0;
        assert_int_equal(
            http_range_read(sioc_str(cases[i].header), cases[i].size, &first, &last),
            cases[i].kind);
        assert_true(first == cases[i].first && last == cases[i].last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_etags),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_dates_come_back),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
