/* The words of JSON: where plain text ends, at every alignment; unescaping into little room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/json_token.h"
#include <stdlib.h>

/* Each byte value at each place of texts of each length up to all widths of vectors and a rest.
 */
static void test_plain_end(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 150; len++) {
        char *text = malloc(len ? len : 1);
        memset(text, 'x', len ? len : 1);
        assert_ptr_equal(json_plain_end(text, text + len), text + len);
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
                text[at] = (char)byte;
                assert_ptr_equal(json_plain_end(text, text + len), text + (plain ? len : at));
            }
            text[at] = 'x';
        }
        /* Two in one text: the first one counts. */
        for (size_t at = 0; at + 1 < len; at++) {
            text[at] = '\\';
            text[len - 1] = '"';
            assert_ptr_equal(json_plain_end(text, text + len), text + at);
            text[at] = text[len - 1] = 'x';
        }
        free(text);
    }
}

static void test_unescape(void **state)
{
    (void)state;
    const struct sioc_str raw = STR("a\\n\\u00e9b\\ud83d\\ude00\\ud800c\\\\");
    const struct sioc_str plain = STR("a\n\xc3\xa9"
                                      "b\xf0\x9f\x98\x80\xef\xbf\xbd"
                                      "c\\");
    for (size_t cap = 0; cap <= raw.len; cap++) {
        char *out = malloc(cap ? cap : 1);
        size_t len = 99;
        int rc = json_unescape(out, cap, raw, &len);
        if (cap < plain.len) {
            assert_int_equal(rc, SIOC_ETOOBIG);
            assert_int_equal(len, 99);
        } else {
            assert_int_equal(rc, 0);
            assert_true(str_eq(sioc_str_n(out, len), plain));
        }
        free(out);
    }
    size_t len = 99;
    assert_int_equal(json_unescape(NULL, 0, sioc_str_n(NULL, 0), &len), 0);
    assert_int_equal(len, 0);
}

static void test_string_moves(void **state)
{
    (void)state;
    const char text[] = "abc\",";
    const char *at = text;
    struct json_string s;
    assert_int_equal(json_scan_string(&at, text + 5, &s), 0);
    assert_ptr_equal(at, text + 4);
    assert_true(str_eq(s.raw, STR("abc")));
    assert_false(s.escaped);
    at = "\\u0041\"";
    assert_int_equal(json_scan_string(&at, at + 7, &s), 0);
    assert_true(s.escaped);
    assert_true(str_eq(s.raw, STR("\\u0041")));
}

static void test_number_moves(void **state)
{
    (void)state;
    const char text[] = "-120,";
    const char *at = text;
    struct json_number n;
    assert_int_equal(json_scan_number(&at, text + 5, &n), 0);
    assert_ptr_equal(at, text + 4);
    assert_true(n.is_integer && n.integer == -120 && n.number == -120.0);
    at = text;
    assert_int_equal(json_scan_number(&at, text + 2, &n), 0); /* `end` is the end */
    assert_true(n.is_integer && n.integer == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_end),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_string_moves),
        cmocka_unit_test(test_number_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
