/* The pool of small objects: no two overlap, and what is freed goes back to the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/pool.h"

#define MANY 5000

static struct pool pool;
static uint8_t *objects[MANY];

static int setup(void **state)
{
    (void)state;
    pool_init(&pool);
    pool.plain = false; /* the real thing, whatever the build looks for */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pool_deinit(&pool);
    return 0;
}

static uint8_t *take(size_t size, uint8_t mark)
{
    uint8_t *object = pool_zalloc(&pool, size);
    assert_non_null(object);
    assert_int_equal((uintptr_t)object % POOL_STEP, 0);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(object[i], 0);
    memset(object, mark, size);
    return object;
}

static void check(const uint8_t *object, size_t size, uint8_t mark)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(object[i], mark);
}

static size_t size_of(size_t i)
{
    static const size_t sizes[] = {1, 16, 17, 80, 200, 1023, 1024};
    return sizes[i % (sizeof sizes / sizeof sizes[0])];
}

static void test_many(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        objects[i] = take(size_of(i), (uint8_t)i);
    for (size_t i = 0; i < MANY; i++)
        check(objects[i], size_of(i), (uint8_t)i);
    for (size_t round = 2; round < 5; round++) {
        for (size_t i = 0; i < MANY; i += round)
            pool_free(&pool, objects[i], size_of(i));
        for (size_t i = 0; i < MANY; i += round)
            objects[i] = take(size_of(i), (uint8_t)(i * round));
        for (size_t i = 0; i < MANY; i += round)
            check(objects[i], size_of(i), (uint8_t)(i * round));
    }
    size_t slabs = pool.slabs;
    for (size_t i = 0; i < MANY; i++)
        pool_free(&pool, objects[i], size_of(i));
    assert_int_equal(pool.used_bytes, 0);
    assert_true(slabs > 20);
    assert_int_equal(pool.slabs, 1); /* the spare one */
    pool_free(&pool, NULL, 7);
}

/* What is freed is used again, before more is asked for. */
static void test_reuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        objects[i] = take(80, 1);
    size_t slabs = pool.slabs;
    for (size_t i = 0; i < MANY; i += 7)
        pool_free(&pool, objects[i], 80);
    for (size_t i = 0; i < MANY; i += 7)
        objects[i] = take(80, 2);
    assert_int_equal(pool.slabs, slabs);
    for (size_t i = 0; i < MANY; i++)
        check(objects[i], 80, i % 7 ? 1 : 2);
    for (size_t i = MANY; i-- > 0;)
        pool_free(&pool, objects[i], 80);
}

/* As dense as it is said to be: 16 bytes of a slab of 64 KiB, but for its head. */
static void test_density(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4092; i++)
        objects[i] = take(10, 1);
    assert_int_equal(pool.slabs, 1);
    assert_int_equal(pool.used_bytes, 4092 * 16);
    objects[4092] = take(10, 1);
    assert_int_equal(pool.slabs, 2);
    for (size_t i = 0; i < 4093; i++)
        pool_free(&pool, objects[i], 10);
}

static void test_large(void **state)
{
    (void)state;
    uint8_t *large = take(POOL_MAX_BYTES + 1, 3);
    assert_int_equal(pool.slabs, 0);
    assert_int_equal(pool.used_bytes, POOL_MAX_BYTES + 1);
    pool_free(&pool, large, POOL_MAX_BYTES + 1);
    assert_int_equal(pool.used_bytes, 0);
}

/* As a script's state uses it: a block grows and shrinks, its content goes along. */
static void test_resize(void **state)
{
    (void)state;
    struct sioc_pool *p;
    uint8_t *block = NULL;
    size_t size = 0, sizes[] = {1, 16, 17, 500, 1024, 1025, 5000, 1024, 30, 2000, 3, 3};
    assert_int_equal(sioc_pool_new(&p), 0);
    p->pool.plain = false;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        block = sioc_pool_resize(p, block, size, sizes[i]);
        assert_non_null(block);
        size_t kept = size < sizes[i] ? size : sizes[i];
        check(block, kept, 7);
        size = sizes[i];
        memset(block, 7, size);
    }
    assert_null(sioc_pool_resize(p, block, size, 0));
    assert_null(sioc_pool_resize(p, NULL, 8, 0)); /* as some languages do */
    sioc_pool_free(p);
    sioc_pool_free(NULL);
}

static void test_plain(void **state)
{
    (void)state;
    pool.plain = true;
    uint8_t *small = take(24, 3);
    assert_int_equal(pool.slabs, 0);
    assert_int_equal(pool.used_bytes, 24);
    pool_free(&pool, small, 24);
    assert_int_equal(pool.used_bytes, 0);
#ifdef SIOC_TESTING
    mem_test_fail_at(1, false);
    assert_null(pool_zalloc(&pool, 24));
    assert_int_equal(pool.used_bytes, 0);
    mem_test_fail_at(0, false);
#endif
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_many),  TEST(test_reuse),  TEST(test_density),
                                       TEST(test_large), TEST(test_resize), TEST(test_plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
