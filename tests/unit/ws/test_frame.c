/* Frame heads: the examples of RFC 6455 5.7, every length class at its edges, every defect, and
 * every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "ws/frame.h"

#define NO_LIMIT UINT64_MAX

static int read_bytes(const void *bytes, size_t len, uint64_t max, struct ws_frame *ret)
{
    return ws_frame_read(sioc_str_n(bytes, len), max, ret);
}

static void test_reads_the_examples_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int head_len;
        enum ws_opcode opcode;
        bool fin, masked;
        uint64_t payload_len;
    } cases[] = {
        {"\x81\x05Hello", 7, 2, WS_TEXT, true, false, 5},
        {"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, 6, WS_TEXT, true, true, 5},
        {"\x01\x03Hel", 5, 2, WS_TEXT, false, false, 3},
        {"\x80\x02lo", 4, 2, WS_CONTINUATION, true, false, 2},
        {"\x89\x05Hello", 7, 2, WS_PING, true, false, 5},
        {"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, 6, WS_PONG, true, true, 5},
        {"\x82\x7e\x01\x00", 4, 4, WS_BINARY, true, false, 256},
        {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10, 10, WS_BINARY, true, false, 65536},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ws_frame frame;
        assert_int_equal(read_bytes(cases[i].bytes, cases[i].len, NO_LIMIT, &frame),
                         cases[i].head_len);
        assert_int_equal(frame.opcode, cases[i].opcode);
        assert_int_equal(frame.fin, cases[i].fin);
        assert_int_equal(frame.masked, cases[i].masked);
        assert_false(frame.rsv1);
        assert_true(frame.payload_len == cases[i].payload_len);
        if (frame.masked)
            assert_memory_equal(frame.mask, "\x37\xfa\x21\x3d", 4);
    }
}

static void test_names_every_defect(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint64_t max;
        int error;
    } cases[] = {
        {"\xa1\x80", 2, NO_LIMIT, SIOC_EPROTO}, /* RSV2 */
        {"\x91\x80", 2, NO_LIMIT, SIOC_EPROTO}, /* RSV3 */
        {"\x83\x80", 2, NO_LIMIT, SIOC_EPROTO}, /* opcodes 3, 7, 11, 15 */
        {"\x87\x80", 2, NO_LIMIT, SIOC_EPROTO},
        {"\x8b\x80", 2, NO_LIMIT, SIOC_EPROTO},
        {"\x8f\x80", 2, NO_LIMIT, SIOC_EPROTO},
        {"\x09\x80", 2, NO_LIMIT, SIOC_EPROTO}, /* fragmented control frames */
        {"\x08\x80", 2, NO_LIMIT, SIOC_EPROTO},
        {"\xc9\x80", 2, NO_LIMIT, SIOC_EPROTO}, /* RSV1 on a ping */
        {"\x89\xfe", 2, NO_LIMIT, SIOC_EPROTO}, /* ping of 126 bytes and more */
        {"\x8a\xff", 2, NO_LIMIT, SIOC_EPROTO},
        {"\x81\x7e\x00\x7d", 4, NO_LIMIT, SIOC_EPROTO}, /* lengths longer than need be */
        {"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10, NO_LIMIT, SIOC_EPROTO},
        {"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10, NO_LIMIT, SIOC_EPROTO},
        {"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, 10, SIOC_EPROTO},
        {"\x81\x7f\x00\x20\x00\x00\x00\x00\x00\x00", 10, NO_LIMIT, SIOC_ETOOBIG}, /* 2^53 */
        {"\x81\x05", 2, 4, SIOC_ETOOBIG},
        {"\x81\x7e\x00\x7e", 4, 125, SIOC_ETOOBIG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ws_frame frame = {.payload_len = 77};
        assert_int_equal(read_bytes(cases[i].bytes, cases[i].len, cases[i].max, &frame),
                         cases[i].error);
        assert_true(frame.payload_len == 77); /* untouched */
    }
}

static void test_allows_what_is_just_inside(void **state)
{
    (void)state;
    struct ws_frame frame;
    assert_int_equal(read_bytes("\x81\x05", 2, 5, &frame), 2);
    assert_int_equal(read_bytes("\x89\x7d", 2, 5, &frame), 2); /* control: own limit */
    assert_true(frame.payload_len == 125);
    assert_int_equal(read_bytes("\xc1\x00", 2, 5, &frame), 2);
    assert_true(frame.rsv1);
    assert_int_equal(
        read_bytes("\x81\x7f\x00\x1f\xff\xff\xff\xff\xff\xff", 10, NO_LIMIT, &frame), 10);
    assert_true(frame.payload_len == (UINT64_C(1) << 53) - 1);
}

static void test_asks_for_more_at_every_cut(void **state)
{
    (void)state;
    static const struct sioc_str heads[] = {
        {"\x81\x85mask", 6},
        {"\x81\xfe\x01\x00mask", 8},
        {"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00mask", 14},
        {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct ws_frame frame;
        for (size_t len = 0; len < heads[i].len; len++) {
            struct sioc_str cut = str_part(heads[i], 0, len);
            assert_int_equal(ws_frame_read(cut, NO_LIMIT, &frame), 0);
            assert_int_equal(ws_frame_head_need(cut), len < 2 ? 2 : heads[i].len);
        }
        assert_int_equal(ws_frame_read(heads[i], NO_LIMIT, &frame), heads[i].len);
    }
}

static void test_writes_what_it_reads(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 125, 126, 65535, 65536, UINT64_C(1) << 32};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t head[WS_SERVER_HEAD_MAX];
        struct ws_frame frame;
        size_t len = ws_frame_write_head(head, WS_BINARY, i % 2, lengths[i]);
        assert_int_equal(len, ws_frame_head_len(lengths[i]));
        assert_int_equal(read_bytes(head, len, NO_LIMIT, &frame), len);
        assert_true(frame.payload_len == lengths[i]);
        assert_true(frame.fin && !frame.masked && frame.opcode == WS_BINARY);
        assert_int_equal(frame.rsv1, i % 2);
    }
}

/* RFC 6455, 5.2, word by word: what a head of a message says, or an error. */
static int plain_read(const uint8_t *b, uint64_t max, struct ws_frame *ret)
{
    unsigned opcode = b[0] & 15, len7 = b[1] & 127;
    size_t at = len7 == 127 ? 10 : len7 == 126 ? 4 : 2;
    uint64_t len = at == 2 ? len7 : 0;
    for (size_t i = 2; i < at; i++)
        len = len << 8 | b[i];
    if (b[0] & 0x30 || (opcode > 2 && opcode < 8) || opcode > 10)
        return SIOC_EPROTO;
    if (opcode >= 8 && (!(b[0] & 0x80) || b[0] & 0x40 || len7 > 125))
        return SIOC_EPROTO;
    if (opcode < 8 && ((at == 4 && len < 126) || (at == 10 && len < 65536)))
        return SIOC_EPROTO;
    if (opcode < 8 && len > max)
        return SIOC_ETOOBIG;
    *ret = (struct ws_frame){.opcode = opcode,
                             .fin = b[0] & 0x80,
                             .rsv1 = b[0] & 0x40,
                             .masked = b[1] & 0x80,
                             .payload_len = len};
    if (ret->masked)
        memcpy(ret->mask, b + at, 4);
    return (int)at + (ret->masked ? 4 : 0);
}

/* The quick way of usual frames and the long way of all others say the same. */
static void test_every_beginning(void **state)
{
    (void)state;
    static const uint8_t lengths[][8] = {
        {0, 0, 0, 0, 0, 1, 0, 0}, {0, 125}, {0, 126}, {3, 232}, {3, 233}};
    static const uint64_t limits[] = {0, 100, 1000, UINT64_C(1) << 40};
    uint8_t b[14] = {0};
    for (unsigned start = 0; start < 65536 * 5 * 4; start++) {
        struct ws_frame frame = {0}, expected = {0};
        uint64_t max = limits[start >> 16 & 3];
        b[0] = (uint8_t)start;
        b[1] = (uint8_t)(start >> 8);
        memcpy(b + 2, lengths[start >> 18], 8);
        memcpy(b + 10, "mask", 4);
        int length = plain_read(b, max, &expected);
        assert_int_equal(read_bytes(b, sizeof b, max, &frame), length);
        if (length < 0)
            continue;
        assert_true(frame.opcode == expected.opcode && frame.fin == expected.fin &&
                    frame.rsv1 == expected.rsv1 && frame.masked == expected.masked &&
                    frame.payload_len == expected.payload_len &&
                    memcmp(frame.mask, expected.mask, 4) == 0);
        for (size_t cut = 2; cut < (size_t)length; cut++)
            assert_int_equal(read_bytes(b, cut, max, &frame), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_the_examples_of_the_rfc),
        cmocka_unit_test(test_names_every_defect),
        cmocka_unit_test(test_allows_what_is_just_inside),
        cmocka_unit_test(test_asks_for_more_at_every_cut),
        cmocka_unit_test(test_writes_what_it_reads),
        cmocka_unit_test(test_every_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
