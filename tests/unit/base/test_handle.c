/* Handles: a stale one never finds anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/handle.h"
#include "base/mem.h"
#include <sioc/base.h>

static void test_life(void **state)
{
    (void)state;
    struct handle_table t;
    int a, b;
    uint64_t ha, hb, hc;
    handle_table_init(&t);
    assert_null(handle_get(&t, 0));
    assert_int_equal(handle_add(&t, NULL, &ha), SIOC_EINVAL);
    assert_int_equal(handle_add(&t, &a, &ha), 0);
    assert_int_equal(handle_add(&t, &b, &hb), 0);
    assert_true(ha != 0 && hb != 0 && ha != hb);
    assert_null(handle_get(&t, 0));
    assert_ptr_equal(handle_get(&t, ha), &a);
    assert_ptr_equal(handle_get(&t, hb), &b);
    handle_remove(&t, ha);
    assert_null(handle_get(&t, ha));
    handle_remove(&t, ha); /* stale: must not free the slot twice */
    assert_int_equal(handle_add(&t, &b, &hc), 0);
    assert_true(hc != ha);
    assert_null(handle_get(&t, ha));
    handle_remove(&t, ha);
    assert_ptr_equal(handle_get(&t, hc), &b);
    uint64_t hd, he;
    handle_add(&t, &a, &hd);
    handle_add(&t, &a, &he);
    assert_true(hd != he && hd != hc && he != hc);
    handle_table_deinit(&t);
}

/* A number that somebody made up: the serial that a free slot will have next. */
static void test_guess(void **state)
{
    (void)state;
    struct handle_table t;
    int a;
    uint64_t first, second, third;
    handle_table_init(&t);
    handle_add(&t, &a, &first);
    handle_remove(&t, first);
    uint64_t guess = first + ((uint64_t)1 << 32);
    assert_null(handle_get(&t, guess));
    handle_remove(&t, guess);
    handle_add(&t, &a, &second);
    handle_add(&t, &a, &third);
    assert_true((uint32_t)second != (uint32_t)third);
    assert_null(handle_get(&t, UINT64_MAX));
    handle_table_deinit(&t);
}

static void test_serial_wraps(void **state)
{
    (void)state;
    struct handle_table t;
    int a;
    uint64_t h;
    handle_table_init(&t);
    handle_add(&t, &a, &h);
    t.slots[0].serial = UINT32_MAX;
    handle_remove(&t, (uint64_t)UINT32_MAX << 32);
    handle_add(&t, &a, &h);
    assert_true(h != 0);
    assert_ptr_equal(handle_get(&t, h), &a);
    handle_table_deinit(&t);
}

static void test_many(void **state)
{
    (void)state;
    struct handle_table t;
    static uint64_t handles[1000];
    static int objects[1000];
    handle_table_init(&t);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(handle_add(&t, &objects[i], &handles[i]), 0);
        for (size_t i = 0; i < 1000; i++)
            assert_ptr_equal(handle_get(&t, handles[i]), &objects[i]);
        for (size_t i = 0; i < 1000; i++)
            handle_remove(&t, handles[i]);
    }
    assert_int_equal(t.used, 1000);
    handle_table_deinit(&t);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct handle_table t;
    int a;
    uint64_t h = 5;
    handle_table_init(&t);
    mem_test_fail_at(1, false);
    assert_int_equal(handle_add(&t, &a, &h), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    assert_int_equal(h, 5);
    assert_int_equal(handle_add(&t, &a, &h), 0);
    handle_table_deinit(&t);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),         cmocka_unit_test(test_guess),
        cmocka_unit_test(test_serial_wraps), cmocka_unit_test(test_many),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
