/* The set of objects with keys, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/keyset.h"
#include "base/mem.h"
#include "base/str.h"
#include <stdio.h>

#define KEYS 500

struct thing {
    char key[16];
    bool in;
};

static struct thing things[KEYS];
static struct keyset set;

static struct sioc_str key_of(const void *object)
{
    return sioc_str(((const struct thing *)object)->key);
}

static int setup(void **state)
{
    (void)state;
    keyset_init(&set, key_of);
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(things[i].key, sizeof things[i].key, "id-%zu", i);
        things[i].in = false;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyset_deinit(&set);
    return 0;
}

/* A fixed sequence: a failure must come back when one looks for it. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check_all(uint32_t live)
{
    assert_int_equal(set.count, live);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(keyset_get(&set, key_of(&things[i])),
                         things[i].in ? &things[i] : NULL);
    uint32_t pos = live;
    const struct thing *any = keyset_any(&set, &pos);
    assert_true(live ? any && any->in : !any);
}

static void test_against_array(void **state)
{
    (void)state;
    uint32_t seed = 1, live = 0;
    for (int round = 0; round < 100000; round++) {
        /* Phases that mostly add and phases that mostly remove. */
        struct thing *t = &things[next_random(&seed) % KEYS];
        bool add = next_random(&seed) % 8 < ((round / 5000) % 2 ? 1 : 6);
        if (add) {
            assert_int_equal(keyset_add(&set, t), t->in ? SIOC_EEXIST : 0);
            live += !t->in;
        } else {
            assert_ptr_equal(keyset_remove(&set, key_of(t)), t->in ? t : NULL);
            live -= t->in;
        }
        t->in = add;
        assert_true(set.count <= set.cap - set.cap / 4);
        if (round % 100 == 0)
            check_all(live);
    }
    check_all(live);
}

/* It gives back what it does not need. */
static void test_shrinks(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(keyset_add(&set, &things[i]), 0);
    assert_int_equal(set.cap, 1024);
    for (size_t i = 1; i < KEYS; i++)
        assert_ptr_equal(keyset_remove(&set, key_of(&things[i])), &things[i]);
    assert_int_equal(set.cap, 16);
    uint32_t pos = 0;
    assert_ptr_equal(keyset_any(&set, &pos), &things[0]);
    assert_ptr_equal(keyset_get(&set, STR("id-0")), &things[0]);
    assert_int_equal(keyset_add(&set, &things[0]), SIOC_EEXIST);
}

static void test_taking_all(void **state)
{
    (void)state;
    uint32_t pos = 0, taken = 0;
    const struct thing *t;
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(keyset_add(&set, &things[i]), 0);
    for (; (t = keyset_any(&set, &pos)); taken++)
        assert_ptr_equal(keyset_remove(&set, key_of(t)), t);
    assert_int_equal(taken, KEYS);
}

static void test_empty(void **state)
{
    (void)state;
    uint32_t pos = 0;
    assert_null(keyset_any(&set, &pos));
    assert_null(keyset_get(&set, STR("a")));
    assert_null(keyset_remove(&set, STR("a")));
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    mem_test_fail_at(1, false);
    assert_int_equal(keyset_add(&set, &things[0]), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(keyset_add(&set, &things[i]), 0);
    mem_test_fail_at(1, true);
    assert_int_equal(keyset_add(&set, &things[12]), SIOC_ENOMEM);
    for (size_t i = 0; i < 12; i++)
        assert_ptr_equal(keyset_get(&set, key_of(&things[i])), &things[i]);
    mem_test_fail_at(0, false);
    for (size_t i = 12; i < KEYS; i++)
        assert_int_equal(keyset_add(&set, &things[i]), 0);
    mem_test_fail_at(1, true); /* removing needs none */
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(keyset_remove(&set, key_of(&things[i])), &things[i]);
    mem_test_fail_at(0, false);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_against_array), TEST(test_shrinks), TEST(test_taking_all), TEST(test_empty),
#ifdef SIOC_TESTING
        TEST(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
