/* Whole numbers beyond 64 bits: a sink that has `big_integer` gets their digits, any other the
 * nearest number; everything that fits goes to `integer`, what is not whole to `number`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/helper_sink.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char digits_got[512];
static int answer;

static int put_big_integer(struct sioc_sink *sink, struct sioc_str digits)
{
    (void)sink;
    assert_true(digits.len < sizeof digits_got);
    memcpy(digits_got, digits.ptr, digits.len);
    digits_got[digits.len] = '\0';
    return answer;
}

/* What the sink got, with or without the operation; "!N" for an error. */
static const char *told(const char *json, bool has_operation)
{
    static char text[512];
    struct sioc_sink_ops ops;
    struct helper_sink h;
    int r;

    helper_sink_init(&h);
    ops = *h.sink.ops;
    ops.big_integer = has_operation ? put_big_integer : NULL;
    h.sink.ops = &ops;
    strcpy(digits_got, "-");
    r = sioc_json_decode(sioc_str(json), 8, &h.sink, NULL);
    if (r < 0)
        snprintf(text, sizeof text, "!%d", r);
    else
        snprintf(text, sizeof text, "%s", helper_sink_text(&h));
    helper_sink_deinit(&h);
    return text;
}

static void test_digits(void **state)
{
    static const char *const big[] = {"9223372036854775808", "-9223372036854775809",
                                      "18446744073709551616", "100000000000000000000000000001"};

    (void)state;
    for (size_t i = 0; i < sizeof big / sizeof *big; i++) {
        assert_string_equal(told(big[i], true), "");
        assert_string_equal(digits_got, big[i]);
    }
}

static void test_what_64_bits_hold_is_an_integer(void **state)
{
    (void)state;
    assert_string_equal(told("9223372036854775807", true), "i9223372036854775807");
    assert_string_equal(told("-9223372036854775808", true), "i-9223372036854775808");
    assert_string_equal(told("0", true), "i0");
    assert_string_equal(digits_got, "-");
}

static void test_what_is_not_whole_is_a_number(void **state)
{
    (void)state;
    assert_string_equal(told("1e30", true), "d1e+30");
    assert_string_equal(told("1E30", true), "d1e+30");
    assert_string_equal(told("9223372036854775808.5", true), "d9.2233720368547758e+18");
    assert_string_equal(digits_got, "-");
}

static void test_without_the_operation_it_is_the_nearest_number(void **state)
{
    (void)state;
    assert_string_equal(told("9223372036854775808", false), "d9.2233720368547758e+18");
    assert_string_equal(told("-100000000000000000000", false), "d-1e+20");
}

static void test_inside_of_containers(void **state)
{
    (void)state;
    assert_string_equal(told("[1,9223372036854775808,{\"a\":2}]", false),
                        "[ i1 d9.2233720368547758e+18 { k\"a\" i2 } ]");
    assert_string_equal(told("[9223372036854775808]", true), "[ ]");
    assert_string_equal(digits_got, "9223372036854775808");
}

static void test_what_the_sink_answers_counts(void **state)
{
    char expected[16];

    (void)state;
    answer = SIOC_ENOMEM;
    snprintf(expected, sizeof expected, "!%d", SIOC_ENOMEM);
    assert_string_equal(told("[9223372036854775808,1]", true), expected);
    answer = 7; /* any number that is not negative is good */
    assert_string_equal(told("[9223372036854775808,1]", true), "[ i1 ]");
    answer = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_what_64_bits_hold_is_an_integer),
        cmocka_unit_test(test_what_is_not_whole_is_a_number),
        cmocka_unit_test(test_without_the_operation_it_is_the_nearest_number),
        cmocka_unit_test(test_inside_of_containers),
        cmocka_unit_test(test_what_the_sink_answers_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
