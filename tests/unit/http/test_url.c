/* Percent-decoding, query strings, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "http/url.h"

#define FFFD "\xef\xbf\xbd"

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out, *out_plus;
    } cases[] = {
        {"", "", ""},
        {"abc", "abc", "abc"},
        {"a+b", "a+b", "a b"},
        {"%41%2b%2B", "A++", "A++"},
        {"%zz%", "%zz%", "%zz%"},
        {"%4", "%4", "%4"},
        {"%%41", "%A", "%A"},
        {"%c3%A9", "\xc3\xa9", "\xc3\xa9"},
        {"%c3", FFFD, FFFD},
        {"a%ff%feb", "a" FFFD FFFD "b", "a" FFFD FFFD "b"},
        {"%ed%a0%80", FFFD FFFD FFFD, FFFD FFFD FFFD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b);
        url_decode(&b, sioc_str(cases[i].in), false);
        assert_true(str_eq(buf_str(&b), sioc_str(cases[i].out)));
        buf_reset(&b);
        buf_put_str(&b, STR("\xff")); /* what was there is left alone */
        url_decode(&b, sioc_str(cases[i].in), true);
        assert_true(str_eq(str_from(buf_str(&b), 1), sioc_str(cases[i].out_plus)));
        buf_deinit(&b);
    }
}

static void test_get(void **state)
{
    (void)state;
    static const struct {
        const char *query, *name, *value; /* NULL: absent */
    } cases[] = {
        {"", "a", NULL},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"a=1", "a", "1"},
        {"a=1", "A", NULL},
        {"aa=1", "a", NULL},
        {"a=1", "aa", NULL},
        {"a=1&a=2", "a", "2"},
        {"a=1&b=2&a", "a", ""},
        {"&&a=1&&", "a", "1"},
        {"a=b=c", "a", "b=c"},
        {"=1", "", "1"},
        {"%61=%62+c", "a", "b c"},
        {"a+b=1", "a b", "1"},
        {"EIO=4&transport=polling&t=x&sid=q", "sid", "q"},
    };
    struct buf b;
    buf_init(&b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sioc_str value =
            url_query_get(sioc_str(cases[i].query), sioc_str(cases[i].name), &b);
        assert_int_equal(value.ptr != NULL, cases[i].value != NULL);
        if (cases[i].value)
            assert_true(str_eq(value, sioc_str(cases[i].value)));
    }
    buf_deinit(&b);
}

static void test_next(void **state)
{
    (void)state;
    static const char *pairs[][2] = {{"a", "1"}, {"b c", "d e"}, {"e", ""}, {"", "x"}};
    struct sioc_str rest = STR("a=1&b+c=d%20e&&e&=x"), name, value;
    struct buf b;
    buf_init(&b);
    for (size_t i = 0; i < 4; i++) {
        assert_true(url_query_next(&rest, &b, &name, &value));
        assert_true(str_eq(name, sioc_str(pairs[i][0])));
        assert_true(str_eq(value, sioc_str(pairs[i][1])));
    }
    assert_false(url_query_next(&rest, &b, &name, &value));
    buf_deinit(&b);
}

static void test_path(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {"", "/"},
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a/b.js", "/a/b.js"},
        {"//a///b", "/a/b"},
        {"/a/./b/.", "/a/b/"},
        {"/a/../b", "/b"},
        {"/a/b/..", "/a/"},
        {"/a/..", "/"},
        {"/%61%2Fb", "/a/b"},
        {"/a+b", "/a+b"},
        {"/...", "/..."},
        {"/..a/.b", "/..a/.b"},
        {"/caf%c3%a9", "/caf\xc3\xa9"},
        {"/..", NULL},
        {"/../a", NULL},
        {"/a/../../b", NULL},
        {"/%2e%2e/a", NULL},
        {"/a/%2e%2e%2f%2e%2e/b", NULL},
        {"/..%2f", NULL},
        {"/a%00b", NULL},
        {"/a\\b", NULL},
        {"/%5c..", NULL},
        {"/%ff", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b);
        buf_put_str(&b, STR("/base/dir"));
        int result = url_clean_path(&b, sioc_str(cases[i].in));
        assert_int_equal(result, cases[i].out ? 0 : SIOC_EINVAL);
        if (cases[i].out)
            assert_true(str_eq(str_from(buf_str(&b), 9), sioc_str(cases[i].out)));
        assert_true(b.len >= 9 && memcmp(b.bytes, "/base/dir", 9) == 0);
        buf_deinit(&b);
    }
}

static void test_failing_memory(void **state)
{
    (void)state;
    for (size_t i = 1; i < 6; i++) {
        struct buf b;
        struct sioc_str rest = STR("a=1"), name, value;
        buf_init(&b);
        mem_test_fail_at(i, true);
        url_decode(&b, STR("%ff%ff"), true);
        int result = url_clean_path(&b, STR("/a/b"));
        if (i == 1) {
            assert_int_equal(result, SIOC_ENOMEM);
            assert_null(url_query_get(STR("a=1"), STR("a"), &b).ptr);
            assert_false(url_query_next(&rest, &b, &name, &value));
        }
        mem_test_fail_at(0, false);
        buf_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),         cmocka_unit_test(test_get),
        cmocka_unit_test(test_next),           cmocka_unit_test(test_path),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
