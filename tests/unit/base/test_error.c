/* Every result code has a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sioc/base.h>

static void test_texts(void **state)
{
    (void)state;
    for (int code = SIOC_E_BASE_ + 1; code < SIOC_E_END_; code++) {
        assert_true(code < 0);
        assert_string_not_equal(sioc_strerror(code), "unknown error");
    }
    assert_string_equal(sioc_strerror(SIOC_ENOMEM), "out of memory");
    assert_string_equal(sioc_strerror(SIOC_ESTATE), "not possible in this state");
    assert_string_equal(sioc_strerror(SIOC_E_END_), "unknown error");
    assert_string_equal(sioc_strerror(0), "unknown error");
    assert_string_equal(sioc_strerror(-1), "unknown error");
    assert_string_equal(sioc_version(), SIOC_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
