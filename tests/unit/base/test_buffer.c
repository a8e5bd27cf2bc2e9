/* Counted data, shared by threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include <pthread.h>
#include <sioc/sink.h>

static void test_life(void **state)
{
    (void)state;
    char bytes[] = "a\0b";
    struct sioc_buffer *b = sioc_buffer_new(sioc_str_n(bytes, 3));
    bytes[0] = 'x'; /* a copy was made */
    assert_ptr_equal(sioc_buffer_ref(b), b);
    sioc_buffer_unref(b);
    assert_true(str_eq(sioc_buffer_bytes(b), sioc_str_n("a\0b", 3)));
    sioc_buffer_unref(b);
    sioc_buffer_unref(NULL);
    b = sioc_buffer_new(sioc_str_n(NULL, 0));
    assert_int_equal(sioc_buffer_bytes(b).len, 0);
    sioc_buffer_unref(b);
    assert_null(sioc_buffer_new(sioc_str_n(bytes, SIZE_MAX)));
}

static void *count_up_and_down(void *user)
{
    for (int i = 0; i < 20000; i++)
        sioc_buffer_unref(sioc_buffer_ref(user));
    sioc_buffer_unref(user);
    return NULL;
}

/* Lost counts would free too early or never; the sanitizers see either. */
static void test_threads(void **state)
{
    (void)state;
    struct sioc_buffer *b = sioc_buffer_new(STR("shared"));
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, count_up_and_down, sioc_buffer_ref(b)), 0);
    sioc_buffer_unref(b);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    mem_test_fail_at(1, false);
    assert_null(sioc_buffer_new(STR("x")));
    mem_test_fail_at(0, false);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_threads),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
