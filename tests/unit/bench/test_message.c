/* What is sent and what must come back, byte for byte. */
#include "../../../bindings/bench/message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct message m;

static void make(enum mode mode, const char *nsp, uint32_t rooms)
{
    struct options opt = {.auth = "{\"a\":1}", .mode = mode, .bytes = 20, .rooms = rooms};

    snprintf(opt.url.nsp, sizeof opt.url.nsp, "%s", nsp);
    bench_message_deinit(&m);
    /* The namespace is borrowed from the options. */
    static char kept[256];
    memcpy(kept, opt.url.nsp, sizeof kept);
    assert_int_equal(bench_message_init(&m, &opt), 0);
    m.nsp = kept;
}

/* The frame's text, unmasked. */
static const char *written(uint32_t client, uint64_t seq)
{
    static char text[256];
    uint8_t frame[256];
    struct frame head;

    assert_true(m.frame_len < sizeof frame);
    bench_message_write(&m, frame, client, seq);
    assert_int_equal(frame[1] & 0x80, 0x80);
    frame[1] &= 0x7f;
    assert_true(bench_frame_read(frame, m.frame_len, &head) > 0);
    assert_int_equal(head.len, m.frame_len - m.head_len);
    for (size_t i = 0; i < head.len; i++)
        text[i] = (char)(frame[m.head_len + i] ^ frame[m.head_len - 4 + (i & 3)]);
    text[head.len] = '\0';
    return text;
}

static bool takes(uint32_t client, uint64_t seq, const char *text)
{
    return bench_message_matches(&m, client, seq, text, strlen(text));
}

static void test_echo(void **state)
{
    (void)state;
    make(MODE_ECHO, "", 0);
    for (uint64_t seq = 9; seq < 9 + MESSAGE_MASKS; seq++)
        assert_true(takes(0x2a, seq, written(0x2a, seq)));
    assert_int_equal(strncmp(written(0x2a, 10), "42[\"echo\",\"0002a-000000000a", 27), 0);
    assert_int_equal(strlen(written(0, 0)), strlen("42[\"echo\",\"\"]") + 20);
    assert_false(takes(0x2a, 11, written(0x2a, 10)));
    assert_false(takes(0x2b, 10, written(0x2a, 10)));
    assert_string_equal(m.connect, "40{\"a\":1}");
    assert_string_equal(m.connected, "40{");
}

static void test_ack(void **state)
{
    char answer[256], payload[32];

    (void)state;
    make(MODE_ACK, "/n", 0);
    const char *text = written(1, 5);
    assert_int_equal(strncmp(text, "42/n,1000000005[\"ack\",\"00001-0000000005", 39), 0);
    snprintf(payload, sizeof payload, "%.20s", text + strlen("42/n,1000000005[\"ack\",\""));
    snprintf(answer, sizeof answer, "43/n,1000000005[\"%s\"]", payload);
    assert_true(takes(1, 5, answer));
    answer[5]++;
    assert_false(takes(1, 5, answer));
    assert_string_equal(m.connect, "40/n,{\"a\":1}");
    assert_string_equal(m.connected, "40/n,{");
}

static void test_fanout(void **state)
{
    char text[256], join[MESSAGE_JOIN_MAX];

    (void)state;
    make(MODE_FANOUT, "", 0);
    assert_int_equal(strncmp(written(0, 3), "42[\"bcast\",1000000003,\"00000-", 29), 0);
    assert_true(takes(0, 3, written(0, 3)));
    make(MODE_FANOUT, "", 12);
    snprintf(text, sizeof text, "%s", written(11, 3));
    assert_int_equal(strncmp(text, "42[\"room\",\"r00011\",1000000003,\"0000b-", 37), 0);
    memmove(text + strlen("42[\"bcast\""), text + strlen("42[\"room\",\"r00011\""),
            strlen(text) - 18 + 1);
    memcpy(text, "42[\"bcast\"", 10);
    assert_true(takes(11, 3, text));
    assert_int_equal(bench_message_join(&m, 11, join), strlen("420[\"join\",\"r00011\"]"));
    assert_memory_equal(join, "420[\"join\",\"r00011\"]", 20);
    assert_string_equal(m.entered, "430[");
}

static int end(void **state)
{
    (void)state;
    bench_message_deinit(&m);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_ack),
        cmocka_unit_test(test_fanout),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
