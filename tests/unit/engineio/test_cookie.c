/* The cookie of a session: attributes and their order (protocol.md 1.5). */
#include "base/str.h"
#include "engineio/cookie.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_cookie(struct eio_cookie cookie, const char *line)
{
    struct buf out;
    buf_init(&out);
    eio_cookie_put(&cookie, STR("SID"), &out);
    buf_putc(&out, '\0');
    assert_string_equal((const char *)out.bytes, line);
    buf_deinit(&out);
}

static void writes_attributes_in_order(void **state)
{
    (void)state;
    assert_cookie(
        (struct eio_cookie){
            .name = "io", .path = "/", .same_site = "Lax", .http_only = true, .max_age_s = -1},
        "Set-Cookie: io=SID; Path=/; HttpOnly; SameSite=Lax\r\n");
    assert_cookie((struct eio_cookie){.name = "x",
                                      .path = "/p",
                                      .domain = "ex.com",
                                      .same_site = "none",
                                      .secure = true,
                                      .max_age_s = 86400},
                  "Set-Cookie: x=SID; Max-Age=86400; Domain=ex.com; Path=/p; Secure; "
                  "SameSite=None\r\n");
    assert_cookie((struct eio_cookie){.name = "x",
                                      .path = "",
                                      .domain = "",
                                      .same_site = "STRICT",
                                      .http_only = true,
                                      .secure = true,
                                      .max_age_s = 0},
                  "Set-Cookie: x=SID; Max-Age=0; HttpOnly; Secure; SameSite=Strict\r\n");
    assert_cookie((struct eio_cookie){.name = "x", .same_site = "", .max_age_s = -1},
                  "Set-Cookie: x=SID\r\n");
}

static void knows_what_may_be_written(void **state)
{
    (void)state;
    static const char *const bad_names[] = {"",      "a b",      "a;b",  "a=b", "a,b",
                                            "a\r\n", "\xc3\xa4", "a\"b", "a(b"};
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++)
        assert_false(eio_cookie_name_ok(sioc_str(bad_names[i])));
    assert_true(eio_cookie_name_ok(STR("io")));
    assert_true(eio_cookie_name_ok(STR("__Host-io!")));
    assert_false(eio_cookie_name_ok(sioc_str_n("a\0b", 3)));
    static const char *const bad_values[] = {"/;", "/\r", "/\n", "\t", "\x7f", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad_values / sizeof bad_values[0]; i++)
        assert_false(eio_cookie_attribute_ok(sioc_str(bad_values[i])));
    assert_true(eio_cookie_attribute_ok(STR("/a b,c=d")));
    assert_false(eio_cookie_attribute_ok(sioc_str_n("/\0", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_attributes_in_order),
        cmocka_unit_test(knows_what_may_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
