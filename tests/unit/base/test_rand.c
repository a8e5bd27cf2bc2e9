/* Random bytes and ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include <string.h>

static void test_bytes(void **state)
{
    (void)state;
    /* All of the buffer is written, and not a byte more. */
    static unsigned char a[600], b[600];
    assert_int_equal(rand_bytes(a, sizeof a - 1), 0);
    assert_int_equal(rand_bytes(b, sizeof b - 1), 0);
    assert_memory_not_equal(a, b, 20);
    assert_memory_not_equal(a + 579, b + 579, 20);
    assert_int_equal(a[599], 0);
    assert_int_equal(rand_bytes(NULL, 0), 0);
}

static void test_id(void **state)
{
    (void)state;
    unsigned seen[256] = {0};
    char last[RAND_ID_LEN + 1] = "";
    for (int i = 0; i < 1000; i++) {
        char id[RAND_ID_LEN + 1];
        memset(id, 'x', sizeof id);
        assert_int_equal(rand_id(id), 0);
        assert_int_equal(strlen(id), RAND_ID_LEN);
        assert_string_not_equal(id, last);
        memcpy(last, id, sizeof id);
        for (size_t k = 0; k < RAND_ID_LEN; k++)
            seen[(unsigned char)id[k]]++;
    }
    /* 20000 characters of 64: each one 312 times, give or take. */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned total = 0;
    for (size_t i = 0; i < 64; i++) {
        unsigned n = seen[(unsigned char)alphabet[i]];
        assert_in_range(n, 150, 500);
        total += n;
    }
    assert_int_equal(total, 1000 * RAND_ID_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_id)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
