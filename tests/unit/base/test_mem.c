/* Memory: overflow, growth, ordered failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include <sioc/base.h>

static void test_mul_add(void **state)
{
    (void)state;
    size_t r = 7;
    assert_true(mem_mul(3, 5, &r));
    assert_int_equal(r, 15);
    assert_true(mem_mul(SIZE_MAX, 0, &r));
    assert_int_equal(r, 0);
    r = 7;
    assert_false(mem_mul(SIZE_MAX / 2 + 1, 2, &r));
    assert_int_equal(r, 7);
    assert_true(mem_add(SIZE_MAX - 1, 1, &r));
    assert_true(r == SIZE_MAX);
    r = 7;
    assert_false(mem_add(SIZE_MAX, 1, &r));
    assert_int_equal(r, 7);
}

static void test_alloc(void **state)
{
    (void)state;
    unsigned char *p = mem_zalloc(16);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(p[i], 0);
    p = mem_realloc(p, 32);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
    /* Size 0 is no failure. */
    p = mem_alloc(0);
    assert_non_null(p);
    mem_free(p);
}

static void test_dup(void **state)
{
    (void)state;
    char *copy = mem_dup("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 4);
    mem_free(copy);
    copy = mem_dup(NULL, 0);
    assert_int_equal(copy[0], 0);
    mem_free(copy);
    assert_null(mem_dup("", SIZE_MAX));
}

static void test_grow(void **state)
{
    (void)state;
    void *items = NULL;
    size_t cap = 0, moves = 0;
    for (size_t n = 1; n <= 10000; n++) {
        size_t before = cap;
        assert_int_equal(mem_grow(&items, &cap, n, sizeof(int)), 0);
        assert_true(cap >= n);
        moves += cap != before;
        ((int *)items)[n - 1] = (int)n;
    }
    for (int i = 0; i < 10000; i++)
        assert_int_equal(((int *)items)[i], i + 1);
    assert_true(moves < 30);
    size_t before = cap;
    void *old = items;
    assert_int_equal(mem_grow(&items, &cap, SIZE_MAX / 2, sizeof(int)), SIOC_ENOMEM);
    assert_int_equal(cap, before);
    assert_ptr_equal(items, old);
    mem_free(items);
}

#ifdef SIOC_TESTING
static void test_failures(void **state)
{
    (void)state;
    mem_test_fail_at(2, false);
    void *a = mem_alloc(1), *b = mem_alloc(1), *c = mem_zalloc(1);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    assert_int_equal(mem_test_count(), 3);
    mem_test_fail_at(1, true);
    assert_null(mem_realloc(a, 2));
    assert_null(mem_dup("", 0));
    mem_test_fail_at(0, false);
    assert_int_equal(mem_test_count(), 0);
    mem_free(a);
    mem_free(c);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mul_add),  cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_dup),      cmocka_unit_test(test_grow),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_failures),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
