/* Frames as a client reads and writes them: RFC 6455, 5.2, 5.7. */
#include "../../../bindings/bench/frame.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct frame frame;

#define READ(text) bench_frame_read((const uint8_t *)(text), sizeof(text) - 1, &frame)

static void test_heads(void **state)
{
    (void)state;
    assert_int_equal(READ("\x81\x05Hello"), 2);
    assert_int_equal(frame.opcode, FRAME_TEXT);
    assert_true(frame.final);
    assert_false(frame.compressed);
    assert_int_equal(frame.len, 5);
    assert_int_equal(READ("\x01\x03Hel"), 2);
    assert_false(frame.final);
    assert_int_equal(READ("\x80\x02lo"), 2);
    assert_int_equal(frame.opcode, FRAME_MORE);
    assert_int_equal(READ("\xc1\x07"), 2);
    assert_true(frame.compressed);
    assert_int_equal(READ("\x82\x7e\x01\x00"), 4);
    assert_int_equal(frame.len, 256);
    assert_int_equal(READ("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), 10);
    assert_int_equal(frame.len, 65536);
    assert_int_equal(READ("\x88\x00"), 2);
}

static void test_more_is_needed(void **state)
{
    static const char head[] = "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00";

    (void)state;
    for (size_t len = 0; len < sizeof head - 1; len++)
        assert_int_equal(bench_frame_read((const uint8_t *)head, len, &frame), 0);
}

static void test_wrong(void **state)
{
    (void)state;
    assert_int_equal(READ("\x81\x85"), -1); /* masked */
    assert_int_equal(READ("\xa1\x05"), -1); /* reserved bits */
    assert_int_equal(READ("\x91\x05"), -1);
    assert_int_equal(READ("\x83\x05"), -1); /* unknown opcodes */
    assert_int_equal(READ("\x8b\x05"), -1);
    assert_int_equal(READ("\x09\x05"), -1); /* control frames come whole, and not compressed */
    assert_int_equal(READ("\xc9\x05"), -1);
}

static void test_written(void **state)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t head[FRAME_HEAD_MAX];

    (void)state;
    assert_int_equal(bench_head_write(head, FRAME_TEXT, 5, key), 6);
    assert_memory_equal(head, "\x81\x85\x37\xfa\x21\x3d", 6);
    assert_int_equal(bench_head_write(head, FRAME_TEXT, 125, key), 6);
    assert_int_equal(bench_head_write(head, FRAME_TEXT, 126, key), 8);
    assert_memory_equal(head, "\x81\xfe\x00\x7e\x37\xfa\x21\x3d", 8);
    assert_int_equal(bench_head_write(head, FRAME_CLOSE, 65535, key), 8);
    assert_int_equal(bench_head_write(head, FRAME_TEXT, 65536, key), 14);
    assert_memory_equal(head, "\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00\x37\xfa\x21\x3d", 14);
}

#define START  "HTTP/1.1 101 Switching Protocols\r\n"
#define ACCEPT "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static int answer(const char *text, bool *ret_deflate)
{
    return bench_answer_read((const uint8_t *)text, strlen(text), ret_deflate);
}

static void test_answers(void **state)
{
    static const char good[] = START ACCEPT "\r\n";
    bool deflate = true;

    (void)state;
    assert_int_equal(answer(good, &deflate), sizeof good - 1);
    assert_false(deflate);
    for (size_t len = 0; len < sizeof good - 1; len++)
        assert_int_equal(bench_answer_read((const uint8_t *)good, len, &deflate), 0);
    assert_true(answer(START ACCEPT "Sec-WebSocket-Extensions: permessage-deflate; "
                                    "server_no_context_takeover\r\n\r\n",
                       &deflate) > 0);
    assert_true(deflate);
    assert_int_equal(answer(START "\r\n", &deflate), -1);
    assert_int_equal(answer("HTTP/1.1 400 ", &deflate), -1);
    assert_int_equal(answer("SSH", &deflate), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),   cmocka_unit_test(test_more_is_needed),
        cmocka_unit_test(test_wrong),   cmocka_unit_test(test_written),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
