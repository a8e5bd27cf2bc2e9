/* Ranges of addresses: what is one, and who is in it. */
#include "base/cidr.h"
#include "base/str.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool contains(const char *range, const char *address)
{
    struct cidr r;
    uint8_t bytes[16];
    assert_true(cidr_parse(sioc_str(range), &r));
    assert_true(cidr_parse_address(sioc_str(address), bytes));
    return cidr_contains(&r, 1, bytes);
}

static void knows_who_is_in_a_range(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.1.2"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.168.4.0/22", "192.168.7.255"));
    assert_false(contains("192.168.4.0/22", "192.168.8.0"));
    assert_true(contains("127.0.0.1", "127.0.0.1"));
    assert_false(contains("127.0.0.1", "127.0.0.2"));
    assert_true(contains("0.0.0.0/0", "8.8.8.8"));
    assert_false(contains("0.0.0.0/0", "2001:db8::1"));
    assert_true(contains("::/0", "8.8.8.8"));
    assert_true(contains("fd00::/8", "fdff::1"));
    assert_false(contains("fd00::/8", "fe00::1"));
    assert_true(contains("::1", "::1"));
    assert_true(
        contains("10.0.0.0/8", "::ffff:10.1.1.1")); /* the mapped form is the same address */
    assert_true(contains("128.0.0.0/1", "200.1.1.1"));
    assert_false(contains("128.0.0.0/1", "100.1.1.1"));
}

static void refuses_what_is_no_range(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "10",         "10.0.0.0/33", "10.0.0.0/",   "10.0.0.0/-1",
        "::1/129", "10.0.0.1/8", "localhost",   "10.0.0.0/8 ", "1.2.3.4:80",
        "[::1]",   "fd00::1/8",  "10.0.0.0/+8", "10.0.0.0/0x8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cidr range;
        print_message("%s\n", bad[i]);
        assert_false(cidr_parse(sioc_str(bad[i]), &range));
    }
    uint8_t bytes[16];
    assert_false(cidr_parse_address(sioc_str_n("1.2.3.4\0", 8), bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_who_is_in_a_range),
        cmocka_unit_test(refuses_what_is_no_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
