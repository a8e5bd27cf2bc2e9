/* The cursor: typed reads that stay where they were when the type is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "codec/cursor.h"
#include "codec/helper_data.h"
#include <stdlib.h>

static struct sioc_cursor start(const char *json)
{
    struct sioc_cursor c;
    assert_int_equal(sioc_cursor_init(&c, sioc_str(json)), 0);
    return c;
}

static void test_values(void **state)
{
    (void)state;
    struct sioc_cursor c =
        start(" [ \"room\" , -5 , 2.5 , true , false , null , [1,[2]] , {} ] ");
    struct sioc_str s;
    int64_t i;
    double d;
    bool b;
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_STRING);
    assert_int_equal(sioc_cursor_str(&c, &s), 0);
    assert_true(str_eq(s, STR("room")));
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_NUMBER);
    assert_int_equal(sioc_cursor_int(&c, &i), 0);
    assert_int_equal(i, -5);
    assert_int_equal(sioc_cursor_number(&c, &d), 0);
    assert_true(d == 2.5);
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_BOOL);
    assert_int_equal(sioc_cursor_bool(&c, &b), 0);
    assert_true(b);
    assert_int_equal(sioc_cursor_bool(&c, &b), 0);
    assert_false(b);
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_NULL);
    assert_int_equal(sioc_cursor_skip(&c), 0);
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_ARRAY);
    assert_int_equal(sioc_cursor_raw(&c, &s), 0);
    assert_true(str_eq(s, STR("[1,[2]]")));
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_MAP);
    assert_int_equal(sioc_cursor_skip(&c), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_END);
        assert_int_equal(sioc_cursor_skip(&c), SIOC_ENOTFOUND);
        assert_int_equal(sioc_cursor_int(&c, &i), SIOC_ENOTFOUND);
        assert_int_equal(sioc_cursor_str(&c, &s), SIOC_ENOTFOUND);
        assert_int_equal(sioc_cursor_enter(&c, &c), SIOC_ENOTFOUND);
    }
}

static void test_mismatch(void **state)
{
    (void)state;
    static const char *const texts[] = {"[\"s\"]", "[1]",   "[true]",
                                        "[null]",  "[[0]]", "[{\"a\":0}]"};
    for (size_t n = 0; n < 6; n++) {
        struct sioc_cursor c = start(texts[n]), inner = {.at = 99};
        struct sioc_buffer *data = NULL;
        struct sioc_str s = STR("x");
        int64_t i = 9;
        double d = 9;
        bool b = true;
        char text[8];
        if (n != 0) {
            assert_int_equal(sioc_cursor_str(&c, &s), SIOC_EINVAL);
            assert_int_equal(sioc_cursor_copy_str(&c, text, 8), SIOC_EINVAL);
        }
        if (n != 1) {
            assert_int_equal(sioc_cursor_int(&c, &i), SIOC_EINVAL);
            assert_int_equal(sioc_cursor_number(&c, &d), SIOC_EINVAL);
        }
        if (n != 2)
            assert_int_equal(sioc_cursor_bool(&c, &b), SIOC_EINVAL);
        if (n < 4)
            assert_int_equal(sioc_cursor_enter(&c, &inner), SIOC_EINVAL);
        assert_int_equal(sioc_cursor_binary(&c, &data), SIOC_EINVAL);
        assert_int_equal(sioc_cursor_key(&c, &s), SIOC_EINVAL);
        assert_int_equal(c.at, 1);
        assert_true(str_eq(s, STR("x")) && i == 9 && d == 9 && b && !data && inner.at == 99);
        assert_int_equal(sioc_cursor_skip(&c), 0);
        assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_END);
    }
    struct sioc_cursor c;
    assert_int_equal(sioc_cursor_init(&c, STR("{}")), SIOC_EINVAL);
    assert_int_equal(sioc_cursor_init(&c, STR("")), SIOC_EINVAL);
    assert_int_equal(sioc_cursor_init(&c, sioc_str_n(NULL, 0)), SIOC_EINVAL);
    c = start("[]");
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_END);
}

static void test_integers(void **state)
{
    (void)state;
    struct sioc_cursor c = start("[9223372036854775807,3.0,1e3,-0,9007199254740992.0]");
    static const int64_t expected[] = {INT64_MAX, 3, 1000, 0, 9007199254740992};
    int64_t i;
    for (size_t n = 0; n < 5; n++) {
        assert_int_equal(sioc_cursor_int(&c, &i), 0);
        assert_true(i == expected[n]);
    }
    static const char *const bad[] = {"[0.5]", "[1e400]", "[-1e400]", "[9223372036854775808]",
                                      "[1e17]"};
    for (size_t n = 0; n < 5; n++) {
        c = start(bad[n]);
        assert_int_equal(sioc_cursor_int(&c, &i), SIOC_EINVAL);
    }
}

static void test_strings(void **state)
{
    (void)state;
    struct sioc_cursor c = start("[\"a\\nb\\u00e9\",\"\",\"plain\"]");
    struct sioc_str s;
    assert_int_equal(sioc_cursor_str(&c, &s), SIOC_EINVAL);
    for (size_t cap = 0; cap < 5; cap++) {
        char *out = malloc(cap ? cap : 1);
        assert_int_equal(sioc_cursor_copy_str(&c, out, cap), SIOC_ETOOBIG);
        free(out);
    }
    char out[5];
    assert_int_equal(sioc_cursor_copy_str(&c, out, 5), 5);
    assert_memory_equal(out, "a\nb\xc3\xa9", 5);
    assert_int_equal(sioc_cursor_copy_str(&c, out, 0), 0);
    assert_int_equal(sioc_cursor_copy_str(&c, out, 5), 5);
    assert_memory_equal(out, "plain", 5);
}

static void test_maps(void **state)
{
    (void)state;
    struct sioc_cursor c =
        start("[ { \"a\" : 1 , \"b\" : [ 2 , {\"c\":\"x:y\"} ] , \"d\":\":\", \"e\":5 } , 9 ]");
    struct sioc_cursor map, list, inner;
    struct sioc_str key, s;
    int64_t i;
    assert_int_equal(sioc_cursor_enter(&c, &map), 0);
    assert_int_equal(sioc_cursor_int(&c, &i), 0); /* the outer one is behind the map already */
    assert_int_equal(i, 9);
    assert_int_equal(sioc_cursor_peek(&map), SIOC_KIND_NUMBER);
    assert_int_equal(sioc_cursor_key(&map, &key), 0);
    assert_true(str_eq(key, STR("a")));
    assert_int_equal(sioc_cursor_key(&map, &key), SIOC_EINVAL); /* the value is due */
    assert_int_equal(sioc_cursor_peek(&map), SIOC_KIND_NUMBER);
    assert_int_equal(sioc_cursor_int(&map, &i), 0);
    assert_int_equal(i, 1);
    assert_int_equal(sioc_cursor_key(&map, &key), 0);
    assert_true(str_eq(key, STR("b")));
    assert_int_equal(sioc_cursor_enter(&map, &list), 0);
    assert_int_equal(sioc_cursor_int(&list, &i), 0);
    assert_int_equal(i, 2);
    assert_int_equal(sioc_cursor_enter(&list, &inner), 0);
    assert_int_equal(sioc_cursor_peek(&list), SIOC_KIND_END);
    /* The key may be left out: the value is what counts. */
    assert_int_equal(sioc_cursor_str(&inner, &s), 0);
    assert_true(str_eq(s, STR("x:y")));
    assert_int_equal(sioc_cursor_key(&inner, &key), SIOC_ENOTFOUND);
    assert_int_equal(sioc_cursor_str(&map, &s), 0);
    assert_true(str_eq(s, STR(":")));
    assert_int_equal(sioc_cursor_key(&map, &key), 0);
    assert_true(str_eq(key, STR("e")));
    assert_int_equal(sioc_cursor_skip(&map), 0);
    assert_int_equal(sioc_cursor_peek(&map), SIOC_KIND_END);
    assert_int_equal(sioc_cursor_key(&map, &key), SIOC_ENOTFOUND);
}

static void test_binary(void **state)
{
    (void)state;
    struct sioc_buffer *data = sioc_buffer_new(STR("x")), *got = NULL;
    struct sioc_cursor c = start("[{\"_placeholder\":true,\"num\":0},{\"num\":0},"
                                 "{\"a\":{\"_placeholder\":true,\"num\":0}},"
                                 "{\"_placeholder\":true,\"num\":1}]");
    struct sioc_cursor inner;
    c.attachments = &data;
    c.attachment_count = 1;
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_BINARY);
    assert_int_equal(sioc_cursor_enter(&c, &inner), SIOC_EINVAL);
    assert_int_equal(sioc_cursor_binary(&c, &got), 0);
    assert_ptr_equal(got, data);
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_MAP);
    assert_int_equal(sioc_cursor_binary(&c, &got), SIOC_EINVAL);
    assert_int_equal(sioc_cursor_skip(&c), 0);
    got = NULL;
    assert_int_equal(sioc_cursor_enter(&c, &inner), 0);
    assert_int_equal(sioc_cursor_binary(&inner, &got), 0);
    assert_ptr_equal(got, data);
    assert_int_equal(sioc_cursor_binary(&c, &got), SIOC_EINVAL); /* no such attachment */
    sioc_buffer_unref(data);
}

/* The text should be checked; when it is not, nothing outside of it is read. */
static void test_unchecked_text(void **state)
{
    (void)state;
    static const char text[] = "[{\"a\":[1.5,\"\\u0041\",true]},\"b\",nul,{\"k\" 1}]";
    for (size_t len = 1; len < sizeof text; len++) {
        char *exact = helper_exact(sioc_str_n(text, len));
        struct sioc_cursor c, inner;
        assert_int_equal(sioc_cursor_init(&c, sioc_str_n(exact, len)), 0);
        for (int i = 0; i < 6; i++) {
            struct sioc_str s;
            bool b;
            double d;
            char out[4];
            inner = c;
            (void)sioc_cursor_peek(&c);
            (void)sioc_cursor_bool(&inner, &b);
            (void)sioc_cursor_number(&inner, &d);
            (void)sioc_cursor_copy_str(&inner, out, sizeof out);
            (void)sioc_cursor_key(&inner, &s);
            if (sioc_cursor_enter(&c, &inner) < 0)
                (void)sioc_cursor_skip(&c);
            else
                (void)sioc_cursor_key(&inner, &s);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),         cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_integers),       cmocka_unit_test(test_strings),
        cmocka_unit_test(test_maps),           cmocka_unit_test(test_binary),
        cmocka_unit_test(test_unchecked_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
