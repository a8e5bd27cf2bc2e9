/* Doubles as JavaScript prints them, in any locale, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/json_token.h"
#include "codec/json_write.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>

static void number_row(const struct helper_row *row)
{
    char bits_text[17] = "";
    double value;
    struct buf out;
    assert_int_equal(row->columns[0].len, 16);
    memcpy(bits_text, row->columns[0].ptr, 16);
    uint64_t bits = strtoull(bits_text, NULL, 16);
    memcpy(&value, &bits, sizeof value);
    buf_init(&out);
    json_put_double(&out, value);
    if (!str_eq(buf_str(&out), row->columns[1]))
        print_error("line %d: %.*s\n", row->line, SIOC_STR_ARG(buf_str(&out)));
    assert_true(str_eq(buf_str(&out), row->columns[1]));
    if (isfinite(value)) {
        struct json_number back;
        const char *at = (const char *)out.bytes;
        assert_int_equal(json_scan_number(&at, at + out.len, &back), 0);
        assert_true(back.number == value);
        assert_true(!back.is_integer || (double)back.integer == value);
    }
    buf_deinit(&out);
}

static void test_node(void **state)
{
    (void)state;
    helper_each_row("json_numbers.txt", number_row);
}

/* With a decimal comma, if the system has such a locale. */
static void test_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "sv_SE.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL;
    if (!found)
        skip();
    helper_each_row("json_numbers.txt", number_row);
    setlocale(LC_ALL, "C");
}

/* The limits of the ways that lead to a double: each spelling of a value reads as strtod says.
 */
static void test_read_spellings(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "9007199254740992e22",
        "9007199254740993e22",
        "9007199254740992e-22",
        "9007199254740993e-22",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "0.000123e-5",
        "123.456e20",
        "123456.789e-25",
        "1234567890123456789",
        "12345678901234567890",
        "0.1234567890123456789",
        "0.12345678901234567891",
        "179769313486231580793e289",
        "2.4703282292062327208e-324",
        "2.4703282292062328e-324",
        "4.9406564584124654e-324",
        "1e-45",
        "8.988465674311581e307",
        "9007199254740993",
        "9007199254740993.0000000000000000001",
        "100000000000000000000000e-23",
        "0.00000000000000000000000000000000000000000000001e47",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *at = texts[i];
        struct json_number n;
        assert_int_equal(json_scan_number(&at, at + strlen(at), &n), 0);
        assert_true(n.number == strtod(texts[i], NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_read_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
