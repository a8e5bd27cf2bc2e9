/* Buffers: writing, limits, the sticky error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

static void expect(struct buf *b, const char *text)
{
    assert_int_equal(b->error, 0);
    assert_true(str_eq(buf_str(b), sioc_str(text)));
}

static void test_write(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    buf_put(&b, NULL, 0);
    expect(&b, "");
    buf_putc(&b, 'a');
    buf_put(&b, "bc", 2);
    buf_put_str(&b, STR("d"));
    buf_put_str(&b, sioc_str_n(NULL, 0));
    buf_printf(&b, "%d-%s", 5, "x");
    expect(&b, "abcd5-x");
    buf_consume(&b, 0);
    buf_consume(&b, 4);
    expect(&b, "5-x");
    buf_consume(&b, 99);
    expect(&b, "");
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, (char)('a' + i % 26));
    assert_int_equal(b.len, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(b.bytes[i], 'a' + i % 26);
    buf_deinit(&b);
    buf_deinit(&b);
}

static void test_integers(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    buf_put_u64(&b, 0);
    buf_putc(&b, ' ');
    buf_put_u64(&b, UINT64_MAX);
    buf_putc(&b, ' ');
    buf_put_i64(&b, INT64_MIN);
    buf_putc(&b, ' ');
    buf_put_i64(&b, -1);
    buf_putc(&b, ' ');
    buf_put_i64(&b, INT64_MAX);
    expect(&b, "0 18446744073709551615 -9223372036854775808 -1 9223372036854775807");
    buf_deinit(&b);
}

static void test_limit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    b.max = 100;
    for (int i = 0; i < 100; i++)
        buf_putc(&b, 'x');
    assert_int_equal(b.error, 0);
    buf_putc(&b, 'y');
    assert_int_equal(b.error, SIOC_ETOOBIG);
    assert_int_equal(b.len, 100);
    assert_true(b.cap <= 100);
    /* Sticky: what would fit is ignored too, until the reset. */
    buf_consume(&b, 50);
    buf_putc(&b, 'z');
    buf_put(&b, "z", 1);
    buf_printf(&b, "z");
    assert_null(buf_reserve(&b, 1));
    assert_int_equal(b.len, 50);
    buf_reset(&b);
    buf_put(&b, "z", 1);
    expect(&b, "z");
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.error, SIOC_ETOOBIG);
    buf_deinit(&b);
}

static void test_steal(void **state)
{
    (void)state;
    struct buf b;
    size_t len = 9;
    buf_init(&b);
    assert_null(buf_steal(&b, &len));
    assert_int_equal(len, 0);
    b.max = 10;
    buf_put(&b, "abc", 3);
    uint8_t *bytes = buf_steal(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "abc", 3);
    mem_free(bytes);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.max, 10);
    buf_put(&b, "abc", 3);
    assert_null(buf_reserve(&b, 11));
    assert_null(buf_steal(&b, &len));
    assert_int_equal(len, 0);
    assert_int_equal(b.error, 0);
    buf_deinit(&b);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    buf_put(&b, "abc", 3);
    mem_test_fail_at(1, false);
    assert_null(buf_reserve(&b, 1000));
    mem_test_fail_at(0, false);
    assert_int_equal(b.error, SIOC_ENOMEM);
    buf_putc(&b, 'd');
    assert_true(str_eq(buf_str(&b), STR("abc")));
    buf_deinit(&b);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),     cmocka_unit_test(test_integers),
        cmocka_unit_test(test_limit),     cmocka_unit_test(test_steal),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
