/* socketio/offset.c: numbers as texts that clients keep and give back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "socketio/offset.h"

static void test_every_number_comes_back(void **state)
{
    struct sio_offset offset;
    (void)state;

    assert_int_equal(sio_offset_init(&offset), 0);
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t number = ((uint64_t)1 << shift) + (uint64_t)delta, back = 1;
            char copy[OFFSET_SIZE];
            struct sioc_str text = sio_offset_write(&offset, number);

            assert_true(text.len < sizeof copy);
            memcpy(copy, text.ptr, text.len);
            assert_true(sio_offset_read(&offset, sioc_str_n(copy, text.len), &back));
            assert_true(back == number);
        }
    }
}

static void test_what_is_none_of_ours_is_refused(void **state)
{
    struct sio_offset ours, theirs;
    uint64_t number;
    char text[OFFSET_SIZE + 8];
    (void)state;

    assert_int_equal(sio_offset_init(&ours), 0);
    assert_int_equal(sio_offset_init(&theirs), 0);
    struct sioc_str written = sio_offset_write(&ours, 1234);
    size_t len = written.len;
    memcpy(text, written.ptr, len);

    assert_false(sio_offset_read(&theirs, sioc_str_n(text, len), &number));
    assert_false(sio_offset_read(&ours, sioc_str_n(text, 7), &number)); /* the prefix alone */
    assert_false(sio_offset_read(&ours, sioc_str_n(text, 0), &number));
    text[len - 1] = '=';
    assert_false(sio_offset_read(&ours, sioc_str_n(text, len), &number));
    text[len - 1] = '\0';
    assert_false(sio_offset_read(&ours, sioc_str_n(text, len), &number));
    memset(text + 7, '_', sizeof text - 7); /* more than 64 bits */
    for (size_t n = 7 + 11; n <= sizeof text; n++)
        assert_false(sio_offset_read(&ours, sioc_str_n(text, n), &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number_comes_back),
        cmocka_unit_test(test_what_is_none_of_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
