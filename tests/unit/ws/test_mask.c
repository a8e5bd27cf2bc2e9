/* Masks at every alignment, length and offset, against the definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ws/mask.h"
#include <stdbool.h>
#include <string.h>

#define MAX_LEN 150
#define GUARD   16

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static void check(size_t align, size_t len, uint64_t offset)
{
    _Alignas(16) uint8_t bytes[GUARD + MAX_LEN + GUARD], expected[sizeof bytes];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = expected[i] = (uint8_t)(i * 7 + 3);
    for (size_t i = 0; i < len; i++)
        expected[align + i] ^= mask[(offset + i) % 4];
    ws_mask(bytes + align, len, mask, offset);
    assert_memory_equal(bytes, expected, sizeof bytes); /* nothing beside it either */
}

static void test_every_alignment_length_and_offset(void **state)
{
    (void)state;
    for (size_t align = 0; align < GUARD; align++)
        for (size_t len = 0; len <= MAX_LEN; len++)
            for (uint64_t offset = 0; offset < 5; offset++)
                check(align, len, offset);
}

/* One byte beyond ASCII is found wherever it is. */
static void test_says_what_is_ascii(void **state)
{
    (void)state;
    uint8_t bytes[MAX_LEN];
    for (size_t len = 0; len <= MAX_LEN; len++) {
        for (size_t at = 0; at <= len; at++) {
            memset(bytes, 'a', len);
            if (at < len)
                bytes[at] = 0x80;
            for (size_t i = 0; i < len; i++)
                bytes[i] ^= mask[(i + 3) % 4];
            assert_int_equal(ws_mask(bytes, len, mask, 3), at == len);
        }
    }
}

static void test_offsets_beyond_32_bits(void **state)
{
    (void)state;
    check(1, 99, (UINT64_C(1) << 40) + 3);
}

static void test_example_of_the_rfc(void **state)
{
    (void)state;
    uint8_t bytes[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58};
    ws_mask(bytes, sizeof bytes, mask, 0);
    assert_memory_equal(bytes, "Hello", 5);
}

static void test_pieces_make_the_whole(void **state)
{
    (void)state;
    uint8_t whole[100], pieces[100];
    for (size_t cut = 0; cut <= sizeof whole; cut++) {
        memset(whole, 0x5a, sizeof whole);
        memset(pieces, 0x5a, sizeof pieces);
        ws_mask(whole, sizeof whole, mask, 0);
        ws_mask(pieces, cut, mask, 0);
        ws_mask(pieces + cut, sizeof pieces - cut, mask, cut);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_alignment_length_and_offset),
        cmocka_unit_test(test_says_what_is_ascii),
        cmocka_unit_test(test_offsets_beyond_32_bits),
        cmocka_unit_test(test_example_of_the_rfc),
        cmocka_unit_test(test_pieces_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
