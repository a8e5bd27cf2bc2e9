/* The map against a plain array, and its hash against known answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include <stdio.h>

#define KEYS 500

struct thing {
    char key[16];
    bool in;
};

static struct sioc_str key_of(const struct thing *t)
{
    return sioc_str(t->key);
}

/* A fixed sequence: a failure must come back when one looks for it. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check_all(const struct map *m, const struct thing *things, size_t live)
{
    size_t pos = 0, seen = 0;
    assert_int_equal(m->count, live);
    for (size_t i = 0; i < KEYS; i++) {
        const void *found = map_get(m, key_of(&things[i]));
        assert_ptr_equal(found, things[i].in ? &things[i] : NULL);
    }
    for (const struct thing *t; (t = map_next(m, &pos)); seen++)
        assert_true(t->in);
    assert_int_equal(seen, live);
}

static void test_against_array(void **state)
{
    (void)state;
    static struct thing things[KEYS];
    struct map m;
    size_t live = 0;
    uint32_t seed = 1;
    map_init(&m);
    for (size_t i = 0; i < KEYS; i++)
        snprintf(things[i].key, sizeof things[i].key, "room-%zu", i);
    for (int round = 0; round < 100000; round++) {
        /* Phases that mostly add and phases that mostly remove. */
        struct thing *t = &things[next_random(&seed) % KEYS];
        bool add = next_random(&seed) % 8 < ((round / 5000) % 2 ? 2 : 6);
        if (add) {
            assert_int_equal(map_add(&m, key_of(t), t), t->in ? SIOC_EEXIST : 0);
            live += !t->in;
        } else {
            assert_ptr_equal(map_remove(&m, key_of(t)), t->in ? t : NULL);
            live -= t->in;
        }
        t->in = add;
        assert_true(m.used <= m.cap - m.cap / 4);
        if (round % 1000 == 0)
            check_all(&m, things, live);
    }
    check_all(&m, things, live);
    assert_true(m.cap <= 1024);
    map_deinit(&m);
}

static void test_edges(void **state)
{
    (void)state;
    struct map m;
    int value;
    map_init(&m);
    assert_null(map_get(&m, STR("a")));
    assert_null(map_remove(&m, STR("a")));
    assert_int_equal(map_add(&m, STR("a"), NULL), SIOC_EINVAL);
    assert_int_equal(map_add(&m, sioc_str_n(NULL, 0), &value), 0);
    assert_ptr_equal(map_get(&m, STR("")), &value);
    assert_int_equal(map_add(&m, STR(""), &value), SIOC_EEXIST);
    /* A table that is filled and emptied for ever stays small. */
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(map_add(&m, sioc_str(key), &value), 0);
        assert_ptr_equal(map_remove(&m, sioc_str(key)), &value);
    }
    assert_int_equal(m.cap, 8);
    map_deinit(&m);
}

/* The algorithm's published answers for key 00..0f and message 00..n-1. */
static void test_hash(void **state)
{
    (void)state;
    const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    unsigned char message[16];
    for (unsigned char i = 0; i < 16; i++)
        message[i] = i;
    assert_true(map_siphash13(key, sioc_str_n(message, 0)) == 0xabac0158050fc4dcu);
    assert_true(map_siphash13(key, sioc_str_n(message, 15)) == 0xd320d86d2a519956u);
    assert_true(map_hash(STR("a")) == map_hash(STR("a")));
    assert_true(map_hash(STR("a")) != map_hash(STR("b")));
    assert_true(map_hash(STR("a")) != map_hash(STR("a\0")));
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct map m;
    int value;
    map_init(&m);
    mem_test_fail_at(1, false);
    assert_int_equal(map_add(&m, STR("a"), &value), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(map_add(&m, sioc_str(keys[i]), &value), 0);
    mem_test_fail_at(1, false);
    assert_int_equal(map_add(&m, STR("g"), &value), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    for (size_t i = 0; i < 6; i++)
        assert_ptr_equal(map_get(&m, sioc_str(keys[i])), &value);
    assert_null(map_get(&m, STR("g")));
    assert_int_equal(m.count, 6);
    map_deinit(&m);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_array),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_hash),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
