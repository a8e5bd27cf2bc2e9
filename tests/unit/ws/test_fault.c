/* What is wrong with a frame, in a status and in words; however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ws/message.h"

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    (void)user, (void)binary, (void)bytes, (void)len;
}

static void on_control(void *user, struct sioc_str payload)
{
    (void)user, (void)payload;
}

static void on_close(void *user, uint16_t status, struct sioc_str reason)
{
    (void)user, (void)status, (void)reason;
}

static const struct ws_reader_events events = {
    .message = on_message, .ping = on_control, .pong = on_control, .close = on_close};

#define FRAME  "Invalid WebSocket frame: "
#define MASKED "\0\0\0\0"

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int status;
        const char *text;
    } cases[] = {
        {"\x81\x02hi", 4, 1002, FRAME "MASK must be set"},
        {"\xc1\x80" MASKED, 6, 1002, FRAME "RSV1 must be clear"},
        {"\xc9\x80" MASKED, 6, 1002, FRAME "RSV1 must be clear"},
        {"\xa1\x80" MASKED, 6, 1002, FRAME "RSV2 and RSV3 must be clear"},
        {"\x91\x80" MASKED, 6, 1002, FRAME "RSV2 and RSV3 must be clear"},
        {"\x83\x80" MASKED, 6, 1002, FRAME "invalid opcode 3"},
        {"\x8b\x80" MASKED, 6, 1002, FRAME "invalid opcode 11"},
        {"\x80\x80" MASKED, 6, 1002, FRAME "invalid opcode 0"},
        {"\x01\x80" MASKED "\x81\x80" MASKED, 12, 1002, FRAME "invalid opcode 1"},
        {"\x09\x80" MASKED, 6, 1002, FRAME "FIN must be set"},
        {"\x89\xfe\0\x7e" MASKED, 8, 1002, FRAME "invalid payload length 126"},
        {"\x89\xff", 2, 1002, FRAME "invalid payload length 127"},
        {"\x88\x81" MASKED "\x03", 7, 1002, FRAME "invalid payload length 1"},
        {"\x88\x82" MASKED "\x03\xe7", 8, 1002, FRAME "invalid status code 999"},
        {"\x88\x82" MASKED "\x03\xed", 8, 1002, FRAME "invalid status code 1005"},
        {"\x88\x83" MASKED "\x03\xe8\xff", 9, 1007, FRAME "invalid UTF-8 sequence"},
        {"\x81\x81" MASKED "\xff", 7, 1007, FRAME "invalid UTF-8 sequence"},
        {"\x81\xfe\0\x05" MASKED, 8, 1002, FRAME "payload length not in its shortest form"},
        {"\x81\xfe\x03\xe9" MASKED, 8, 1009, "Max payload size exceeded"},
        {"\x81\xff\0\x1f\xff\xff\xff\xff\xff\xff" MASKED, 14, 1009,
         "Max payload size exceeded"},
        {"\x81\xff\0\x20\0\0\0\0\0\0" MASKED, 14, 1009,
         "Unsupported WebSocket frame: payload length > 2^53 - 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            struct ws_reader r;
            char text[WS_FAULT_TEXT];
            uint8_t bytes[32];
            int status = 0;
            memcpy(bytes, cases[i].bytes, cases[i].len);
            struct ws_feed feed = {.events = &events, .max_message_bytes = 1000};
            ws_reader_init(&r);
            if (!bytewise)
                status = ws_reader_feed(&r, &feed, bytes, cases[i].len);
            for (size_t at = 0; bytewise && at < cases[i].len && !status; at++)
                status = ws_reader_feed(&r, &feed, bytes + at, 1);
            assert_int_equal(status, cases[i].status);
            ws_fault_text(feed.fault, feed.fault_number, text);
            assert_string_equal(text, cases[i].text);
            ws_reader_deinit(&r);
        }
    }
}

static void test_every_fault_has_its_words(void **state)
{
    (void)state;
    for (int fault = WS_FAULT_NONE + 1; fault <= WS_FAULT_MEMORY; fault++) {
        char text[WS_FAULT_TEXT];
        ws_fault_text((enum ws_fault)fault, 65535, text);
        assert_in_range(strlen(text), 8, WS_FAULT_TEXT - 2); /* none is cut */
        assert_in_range(ws_fault_status((enum ws_fault)fault), 1002, 1011);
    }
    assert_int_equal(ws_fault_of_inflating(1007), WS_FAULT_DEFLATED);
    assert_int_equal(ws_fault_of_inflating(1009), WS_FAULT_SIZE);
    assert_int_equal(ws_fault_of_inflating(1011), WS_FAULT_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_every_fault_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
