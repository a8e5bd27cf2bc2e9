/* Slices: comparison, cutting, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static void test_compare(void **state)
{
    (void)state;
    const struct sioc_str none = {NULL, 0};
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_false(str_eq(STR("ab"), STR("aB")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(none, STR("")));
    assert_true(str_eq_nocase(STR("Keep-ALIVE"), STR("keep-alive")));
    assert_false(str_eq_nocase(STR("@"), STR("`"))); /* differ in 0x20, but are no letters */
    assert_false(str_eq_nocase(STR("[k"), STR("{k")));
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    assert_true(str_starts(STR("/socket.io/"), STR("/socket")));
    assert_true(str_starts(STR("a"), none));
    assert_false(str_starts(STR("/s"), STR("/socket")));
    assert_false(str_starts(STR("/Socket"), STR("/s")));
}

static void test_cut(void **state)
{
    (void)state;
    assert_true(str_eq(str_from(STR("hello"), 2), STR("llo")));
    assert_true(str_eq(str_from(STR("hello"), 5), STR("")));
    assert_true(str_eq(str_from(STR("hello"), 9), STR("")));
    assert_true(str_eq(str_part(STR("hello"), 1, 3), STR("ell")));
    assert_true(str_eq(str_part(STR("hello"), 3, SIZE_MAX), STR("lo")));
    assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
    assert_true(str_eq(str_trim(STR("\ra\n")), STR("\ra\n")));
    assert_int_equal(str_find(STR("abc"), 'c'), 2);
    assert_int_equal(str_find(STR("abc"), 'x'), 3);
    assert_int_equal(str_find(sioc_str_n(NULL, 0), 'x'), 0);
}

static void expect_parts(const char *text, const char *const *parts)
{
    struct sioc_str rest = sioc_str(text), part;
    for (; *parts; parts++) {
        assert_true(str_next(&rest, ',', &part));
        assert_true(str_eq(part, sioc_str(*parts)));
    }
    assert_false(str_next(&rest, ',', &part));
    assert_false(str_next(&rest, ',', &part));
}

static void test_next(void **state)
{
    (void)state;
    expect_parts("a,,b", (const char *[]){"a", "", "b", NULL});
    expect_parts("a,", (const char *[]){"a", "", NULL});
    expect_parts(",", (const char *[]){"", "", NULL});
    expect_parts("a", (const char *[]){"a", NULL});
    expect_parts("", (const char *[]){"", NULL});
    struct sioc_str rest = {NULL, 0}, part;
    assert_false(str_next(&rest, ',', &part));
}

static void test_to_u64(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(str_to_u64(STR("0"), 10, &v) && v == 0);
    assert_true(str_to_u64(STR("0042"), 100, &v) && v == 42);
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    assert_true(str_to_u64(STR("100"), 100, &v) && v == 100);
    v = 7;
    const char *bad[] = {"",
                         "101",
                         "-1",
                         "+1",
                         " 1",
                         "1 ",
                         "1a",
                         "18446744073709551616",
                         "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_to_u64(sioc_str(bad[i]), i == 1 ? 100 : UINT64_MAX, &v));
    assert_false(str_to_u64(STR("1\0"), 10, &v));
    assert_int_equal(v, 7);
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(sioc_edit_distance(STR(""), STR("")), 0);
    assert_int_equal(sioc_edit_distance(STR(""), STR("abc")), 3);
    assert_int_equal(sioc_edit_distance(STR("kitten"), STR("sitting")), 3);
    assert_int_equal(sioc_edit_distance(STR("sitting"), STR("kitten")), 3);
    assert_int_equal(sioc_edit_distance(STR("pots"), STR("ports")), 1);
    char longest[64] = "";
    memset(longest, 'a', 64);
    assert_int_equal(sioc_edit_distance(sioc_str_n(longest, 63), STR("a")), 62);
    assert_true(sioc_edit_distance(sioc_str_n(longest, 64), STR("a")) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),       cmocka_unit_test(test_cut),
        cmocka_unit_test(test_next),          cmocka_unit_test(test_to_u64),
        cmocka_unit_test(test_edit_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
