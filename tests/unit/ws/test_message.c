/* The reader: every stream gives the same events and the same status, however it is cut.
 *
 * Each case is fed whole, byte by byte, and in two pieces at every point; a transcript of the
 * events is compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "helper_frames.h"
#include "helper_zlib.h"
#include "ws/message.h"
#include <stdio.h>

#define MAX_BYTES 1000

/* Events as text: "text(abc) binary(...) ping() pong() close(1000,bye) =1002". */
struct transcript {
    struct buf text;
    struct ws_reader *reader;
    struct ws_deflate *deflate; /* NULL: nothing was agreed upon */
    bool stop_at_message;
};

static void note(struct transcript *t, const char *what, const void *bytes, size_t len)
{
    buf_printf(&t->text, "%s(", what);
    if (len <= 200)
        buf_put(&t->text, bytes, len);
    else
        buf_printf(&t->text, "%zu bytes", len);
    buf_put_str(&t->text, STR(") "));
}

static void on_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    struct transcript *t = user;
    note(t, binary ? "binary" : "text", bytes, len);
    assert_non_null(bytes);
    memset(bytes, '?', len); /* they are ours to change */
    if (t->stop_at_message)
        ws_reader_stop(t->reader);
}

static void on_ping(void *user, struct sioc_str payload)
{
    note(user, "ping", payload.ptr, payload.len);
}

static void on_pong(void *user, struct sioc_str payload)
{
    note(user, "pong", payload.ptr, payload.len);
}

static void on_close(void *user, uint16_t status, struct sioc_str reason)
{
    struct transcript *t = user;
    buf_printf(&t->text, "close(%u,%.*s) ", status, SIOC_STR_ARG(reason));
}

static const struct ws_reader_events events = {on_message, on_ping, on_pong, on_close};

/* Feeds pieces of `step` bytes after a first one of `first`.  Each piece is a block of its own,
 * so that the sanitizer sees reads beyond it. */
static void feed_cut(struct buf *stream, size_t first, size_t step, struct transcript *t)
{
    struct ws_reader reader;
    buf_reset(&t->text);
    t->reader = &reader;
    struct ws_feed feed = {&events, t, MAX_BYTES, 0, false, WS_FAULT_NONE, 0, 0};
    ws_reader_init(&reader);
    reader.deflate = t->deflate;
    size_t at = 0, len = first;
    int status = 0;
    while (at < stream->len && status == 0) {
        if (len > stream->len - at)
            len = stream->len - at;
        uint8_t *piece = mem_dup(stream->bytes + at, len);
        status = ws_reader_feed(&reader, &feed, piece, len);
        mem_free(piece);
        at += len;
        len = step;
    }
    if (status) {
        uint8_t more[] = {0x81, 0x80, 0, 0, 0, 0};
        buf_printf(&t->text, "=%d", status);
        assert_int_equal(ws_reader_feed(&reader, &feed, more, sizeof more), 0);
        assert_false(ws_reader_busy(&reader));
    }
    ws_reader_deinit(&reader);
    buf_putc(&t->text, '\0');
    assert_int_equal(t->text.error, 0);
}

/* Takes the stream's content. */
static void expect_with(struct ws_deflate *deflate, struct buf *stream, const char *expected)
{
    struct transcript t = {.deflate = deflate};
    buf_init(&t.text);
    feed_cut(stream, stream->len, 1, &t);
    assert_string_equal((char *)t.text.bytes, expected);
    feed_cut(stream, 1, 1, &t);
    assert_string_equal((char *)t.text.bytes, expected);
    feed_cut(stream, 7, 7, &t);
    assert_string_equal((char *)t.text.bytes, expected);
    for (size_t cut = 1; cut < stream->len; cut++) {
        feed_cut(stream, cut, stream->len, &t);
        assert_string_equal((char *)t.text.bytes, expected);
    }
    buf_deinit(&t.text);
    buf_deinit(stream);
    buf_init(stream);
}

static void expect(struct buf *stream, const char *expected)
{
    expect_with(NULL, stream, expected);
}

static struct buf new_stream(void)
{
    struct buf s;
    buf_init(&s);
    return s;
}

static void test_whole_messages(void **state)
{
    (void)state;
    struct buf s = new_stream();
    char bytes[MAX_BYTES];
    memset(bytes, 'x', sizeof bytes);
    put_text(&s, "2probe");
    put_text(&s, "");
    put_frame(&s, 0x82, "\xff\xfe", 2);
    put_text(&s, "gr\xc3\xbc\xc3\x9f");
    expect(&s, "text(2probe) text() binary(\xff\xfe) text(gr\xc3\xbc\xc3\x9f) ");
    put_frame(&s, 0x81, bytes, 201);
    put_frame(&s, 0x82, bytes, sizeof bytes);
    put_text(&s, "end");
    expect(&s, "text(201 bytes) binary(1000 bytes) text(end) ");
}

static void test_fragments(void **state)
{
    (void)state;
    struct buf s = new_stream();
    put_frame(&s, 0x01, "42[\"ec", 6); /* E078 */
    put_frame(&s, 0x89, "hello", 5);
    put_frame(&s, 0x80, "ho\",1]", 6);
    put_text(&s, "next");
    expect(&s, "ping(hello) text(42[\"echo\",1]) text(next) ");
    put_frame(&s, 0x02, "\xff", 1);
    put_frame(&s, 0x00, "", 0);
    put_frame(&s, 0x8a, "unasked", 7);
    put_frame(&s, 0x00, "b", 1);
    put_frame(&s, 0x80, "", 0);
    expect(&s, "pong(unasked) binary(\xff"
               "b) ");
    put_frame(&s, 0x01, "\xf0\x9f", 2); /* a character over three frames */
    put_frame(&s, 0x00, "\x98", 1);
    put_frame(&s, 0x80, "\x80", 1);
    expect(&s, "text(\xf0\x9f\x98\x80) ");
    put_frame(&s, 0x01, "", 0);
    put_frame(&s, 0x80, "", 0);
    expect(&s, "text() ");
}

static void test_close_frames(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        bool valid;
    } codes[] = {
        {0, true},     {999, false},  {1000, true},  {1001, true},   {1003, true},
        {1004, false}, {1005, false}, {1006, false}, {1007, true},   {1011, true},
        {1014, true},  {1015, false}, {1016, false}, {2999, false},  {3000, true},
        {4999, true},  {5000, false}, {1, false},    {65535, false},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct buf s = new_stream();
        char expected[64];
        put_close(&s, codes[i].code, codes[i].code ? "bye" : "");
        put_text(&s, "never seen");
        if (codes[i].valid)
            snprintf(expected, sizeof expected, "close(%u,%s) ", codes[i].code,
                     codes[i].code ? "bye" : "");
        else
            snprintf(expected, sizeof expected, "=1002");
        expect(&s, expected);
    }
}

static void test_defects(void **state)
{
    (void)state;
    static const struct {
        struct {
            unsigned first;
            const char *payload;
        } frames[3];
        const char *expected;
    } cases[] = {
        {{{0xc1, "a"}}, "=1002"},                            /* RSV1 without extension */
        {{{0xa1, "a"}}, "=1002"},                            /* RSV2 */
        {{{0x91, "a"}}, "=1002"},                            /* RSV3 */
        {{{0x81, "ok"}, {0x83, "a"}}, "text(ok) =1002"},     /* opcode 3 */
        {{{0x8b, "a"}}, "=1002"},                            /* opcode 11 */
        {{{0x80, "a"}}, "=1002"},                            /* continuation of nothing */
        {{{0x00, "a"}}, "=1002"},                            /* the same, not final */
        {{{0x01, "a"}, {0x81, "b"}}, "=1002"},               /* text inside fragments */
        {{{0x01, "a"}, {0x02, "b"}}, "=1002"},               /* a new start inside fragments */
        {{{0x81, "a"}, {0x80, "b"}}, "text(a) =1002"},       /* continuation after the end */
        {{{0x09, "a"}}, "=1002"},                            /* fragmented ping */
        {{{0x88, "x"}}, "=1002"},                            /* close of one byte */
        {{{0x81, "\xff\xfe"}}, "=1007"},                     /* no UTF-8 */
        {{{0x81, "\xed\xa0\x80"}}, "=1007"},                 /* surrogate */
        {{{0x81, "\xc3"}}, "=1007"},                         /* cut character */
        {{{0x01, "ab"}, {0x80, "\xc3"}}, "=1007"},           /* the same over fragments */
        {{{0x01, "\xff"}, {0x89, "late"}}, "=1007"},         /* fails inside, not at the end */
        {{{0x88, "\x03\xe8\xff"}}, "=1007"},                 /* close reason */
        {{{0x89, "p"}, {0x88, "\x03\xe7"}}, "ping(p) =1002"} /* code 999 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf s = new_stream();
        for (size_t k = 0; k < 3 && cases[i].frames[k].payload; k++)
            put_frame(&s, cases[i].frames[k].first, cases[i].frames[k].payload,
                      strlen(cases[i].frames[k].payload));
        put_text(&s, "never seen");
        expect(&s, cases[i].expected);
    }
}

/* The answer comes with the first byte that is wrong, not with the end of frame or message. */
static void test_bad_text_fails_fast(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t good; /* bytes that may still become something */
    } cases[] = {
        {"abc\xff-", 3}, {"\xce\xba\xed\xa0\x80-", 3}, {"\xf4\x90\x80\x80-", 1}, {"\x80-", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int fragmented = 0; fragmented < 3; fragmented++) {
            struct buf s = new_stream();
            struct ws_reader reader;
            struct transcript t = {.reader = &reader};
            if (fragmented) /* in the first fragment, in a later one */
                put_frame(&s, 0x01, "abc", fragmented == 1 ? 0 : 3);
            put_frame(&s, fragmented ? 0x00 : 0x81, cases[i].text, strlen(cases[i].text));
            size_t good = s.len - strlen(cases[i].text) + cases[i].good;
            for (size_t step = 1; step <= good; step++) {
                buf_init(&t.text);
                struct ws_feed feed = {&events, &t, MAX_BYTES, 0, false, WS_FAULT_NONE, 0, 0};
                ws_reader_init(&reader);
                struct buf copy = new_stream();
                buf_put(&copy, s.bytes, s.len);
                for (size_t at = 0; at < good; at += step) {
                    size_t len = good - at < step ? good - at : step;
                    assert_int_equal(ws_reader_feed(&reader, &feed, copy.bytes + at, len), 0);
                }
                assert_int_equal(ws_reader_feed(&reader, &feed, copy.bytes + good, 1), 1007);
                ws_reader_deinit(&reader);
                buf_deinit(&copy);
                buf_deinit(&t.text);
            }
            buf_deinit(&s);
        }
    }
}

static void test_raw_defects(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *expected;
    } cases[] = {
        {"\x81\x02hi", 4, "=1002"},                                       /* unmasked */
        {"\x88\x00", 2, "=1002"},                                         /* unmasked close */
        {"\x89\xfe\x00\x7e", 4, "=1002"},                                 /* ping of 126 */
        {"\x81\xfe\x00\x05mask12345", 13, "=1002"},                       /* not minimal */
        {"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00mask", 14, "=1002"},    /* MSB */
        {"\x81\xff\x00\x20\x00\x00\x00\x00\x00\x00mask", 14, "=1009"},    /* 2^53 */
        {"\x81\xfe\x03\xe9mask", 8, "=1009"},                             /* 1001: the head is
                                                                             enough */
        {"\x01\x83\0\0\0\0abc\x80\xfe\x03\xe6\0\0\0\0", 17, "=1009"},     /* 3 + 998 */
        {"\x01\x83\0\0\0\0abc\x00\xff\0\0\0\0\0\1\0\0mask", 23, "=1009"}, /* 3 + 65536 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf s = new_stream();
        buf_put(&s, cases[i].bytes, cases[i].len);
        expect(&s, cases[i].expected);
    }
}

static void test_sum_of_fragments_may_be_just_the_limit(void **state)
{
    (void)state;
    struct buf s = new_stream();
    char bytes[MAX_BYTES] = {0};
    put_frame(&s, 0x02, bytes, 600);
    put_frame(&s, 0x80, bytes, 400);
    expect(&s, "binary(1000 bytes) ");
    put_frame(&s, 0x02, bytes, 600);
    put_frame(&s, 0x00, bytes, 400);
    put_frame(&s, 0x80, bytes, 1);
    expect(&s, "=1009");
}

static void test_empty_fragments_are_counted(void **state)
{
    (void)state;
    struct buf s = new_stream();
    for (int round = 0; round < 2; round++) { /* per message */
        put_frame(&s, 0x01, "", 0);
        for (int i = 1; i < 32; i++)
            put_frame(&s, 0x00, "", 0);
        put_frame(&s, 0x80, "x", 1);
    }
    put_frame(&s, 0x01, "a", 1);
    for (int i = 0; i < 32; i++)
        put_frame(&s, 0x00, "", 0);
    put_frame(&s, 0x00, "", 0);
    expect(&s, "text(x) text(x) =1008");
}

static void test_stops_inside_an_event(void **state)
{
    (void)state;
    struct transcript t = {.stop_at_message = true};
    struct buf s = new_stream();
    buf_init(&t.text);
    put_frame(&s, 0x01, "fir", 3);
    put_frame(&s, 0x80, "st", 2);
    put_text(&s, "second");
    for (size_t cut = 1; cut <= s.len; cut++) {
        feed_cut(&s, cut, s.len, &t);
        assert_string_equal((char *)t.text.bytes, "text(first) ");
    }
    buf_deinit(&t.text);
    buf_deinit(&s);
}

static void test_holds_memory_only_for_what_is_cut(void **state)
{
    (void)state;
    struct transcript t = {.reader = NULL};
    struct ws_reader reader;
    struct buf s = new_stream();
    buf_init(&t.text);
    struct ws_feed feed = {&events, &t, MAX_BYTES, 0, false, WS_FAULT_NONE, 0, 0};
    ws_reader_init(&reader);
    put_text(&s, "whole");
    size_t whole = s.len;
    put_text(&s, "cut");
    assert_int_equal(ws_reader_feed(&reader, &feed, s.bytes, whole), 0);
    assert_false(ws_reader_busy(&reader));
    assert_true(ws_reader_take_ended(&reader));
    assert_false(ws_reader_take_ended(&reader));
    assert_int_equal(ws_reader_feed(&reader, &feed, s.bytes + whole, 3), 0);
    assert_true(ws_reader_busy(&reader));
    assert_false(ws_reader_take_ended(&reader));
    assert_int_equal(ws_reader_feed(&reader, &feed, s.bytes + whole + 3, s.len - whole - 3), 0);
    assert_false(ws_reader_busy(&reader));
    assert_true(ws_reader_take_ended(&reader));
    /* A ping inside a message does not end it. */
    buf_reset(&s);
    put_frame(&s, 0x01, "a", 1);
    put_frame(&s, 0x89, "p", 1);
    assert_int_equal(ws_reader_feed(&reader, &feed, s.bytes, s.len), 0);
    assert_true(ws_reader_busy(&reader));
    assert_false(ws_reader_take_ended(&reader));
    ws_reader_deinit(&reader);
    buf_deinit(&t.text);
    buf_deinit(&s);
}

/* ---- compressed messages (RFC 7692) ---- */

#define HELLO     "\xf2\x48\xcd\xc9\xc9\x07\x00"
#define HELLO_LEN 7

struct agreed {
    struct metrics metrics;
    struct ws_deflate_pool *pool;
    struct ws_deflate *deflate;
};

static void agree(struct agreed *a)
{
    struct ws_deflate_params params = {false, false, 15, 15};
    memset(a, 0, sizeof *a);
    a->pool = ws_deflate_pool_new(&default_deflate, &a->metrics);
    a->deflate = ws_deflate_new(a->pool, &params);
}

static void agreed_end(struct agreed *a)
{
    ws_deflate_free(a->deflate);
    ws_deflate_pool_free(a->pool);
}

static void put_deflated(struct buf *s, unsigned first, const void *text, size_t len)
{
    struct buf packed;
    buf_init(&packed);
    deflate_once(text, len, &packed);
    put_frame(s, first, packed.bytes, packed.len);
    buf_deinit(&packed);
}

static void test_compressed_messages(void **state)
{
    (void)state;
    struct agreed a;
    struct buf s = new_stream();
    char bytes[MAX_BYTES + 1];
    agree(&a);
    memset(bytes, 'x', sizeof bytes);
    put_frame(&s, 0xc1, HELLO, HELLO_LEN);
    put_text(&s, "plain in between");
    put_frame(&s, 0xc2, HELLO, HELLO_LEN);
    put_frame(&s, 0xc1, "\x00", 1);
    put_frame(&s, 0xc1, "", 0);
    put_deflated(&s, 0xc2, bytes, MAX_BYTES);
    expect_with(a.deflate, &s,
                "text(Hello) text(plain in between) binary(Hello) text() text() "
                "binary(1000 bytes) ");
    put_deflated(&s, 0xc2, bytes, MAX_BYTES + 1);
    expect_with(a.deflate, &s, "=1009");
    put_frame(&s, 0xc1, "garbage!", 8);
    expect_with(a.deflate, &s, "=1007");
    put_deflated(&s, 0xc2, "\xff\xfe", 2);
    put_deflated(&s, 0xc1, "\xff\xfe", 2);
    expect_with(a.deflate, &s, "binary(\xff\xfe) =1007");
    agreed_end(&a);
}

/* RSV1 stands on the first frame only; what lies between the fragments is not compressed. */
static void test_compressed_fragments(void **state)
{
    (void)state;
    struct agreed a;
    struct buf s = new_stream();
    agree(&a);
    for (size_t cut = 0; cut <= HELLO_LEN; cut++) {
        put_frame(&s, 0x41, HELLO, cut);
        put_frame(&s, 0x89, "p", 1);
        put_frame(&s, 0x80, &HELLO[cut], HELLO_LEN - cut);
        put_frame(&s, 0x82, "z", 1);
    }
    expect_with(a.deflate, &s,
                "ping(p) text(Hello) binary(z) ping(p) text(Hello) binary(z) ping(p) "
                "text(Hello) binary(z) ping(p) text(Hello) binary(z) ping(p) text(Hello) "
                "binary(z) ping(p) text(Hello) binary(z) ping(p) text(Hello) binary(z) "
                "ping(p) text(Hello) binary(z) ");
    /* The next message's own first frame decides. */
    put_frame(&s, 0x41, HELLO, 3);
    put_frame(&s, 0x80, &HELLO[3], HELLO_LEN - 3);
    put_frame(&s, 0x01, "a", 1);
    put_frame(&s, 0x80, "b", 1);
    expect_with(a.deflate, &s, "text(Hello) text(ab) ");
    put_frame(&s, 0x41, HELLO, 3);
    put_frame(&s, 0xc0, &HELLO[3], HELLO_LEN - 3);
    expect_with(a.deflate, &s, "=1002");
    put_frame(&s, 0x01, "a", 1);
    put_frame(&s, 0xc0, "b", 1);
    expect_with(a.deflate, &s, "=1002");
    put_frame(&s, 0xc9, "", 0);
    expect_with(a.deflate, &s, "=1002");
    put_frame(&s, 0xc8, "", 0);
    expect_with(a.deflate, &s, "=1002");
    put_frame(&s, 0xe1, HELLO, HELLO_LEN);
    expect_with(a.deflate, &s, "=1002");
    put_frame(&s, 0x41, HELLO, 3);
    put_frame(&s, 0x80, "", 0);
    expect_with(a.deflate, &s, "=1007");
    agreed_end(&a);
    put_frame(&s, 0xc1, HELLO, HELLO_LEN);
    expect(&s, "=1002"); /* nothing was agreed upon */
}

#ifdef SIOC_TESTING
static void count_message(void *user, bool binary, uint8_t *bytes, size_t len)
{
    (void)binary, (void)bytes;
    *(int *)user += (int)len;
}
static void ignore(void *user, struct sioc_str payload)
{
    (void)user, (void)payload;
}
static void ignore_close(void *user, uint16_t status, struct sioc_str reason)
{
    (void)user, (void)status, (void)reason;
}

/* Byte by byte, or whole; returns the status. */
static int feed_quietly(struct buf *stream, size_t step, int *ret_bytes)
{
    static const struct ws_reader_events quiet = {count_message, ignore, ignore, ignore_close};
    struct ws_reader reader;
    int status = 0;
    struct ws_feed feed = {&quiet, ret_bytes, MAX_BYTES, 0, false, WS_FAULT_NONE, 0, 0};
    ws_reader_init(&reader);
    for (size_t at = 0; at < stream->len && status == 0; at += step) {
        uint8_t piece[4096];
        size_t len = step < stream->len - at ? step : stream->len - at;
        memcpy(piece, stream->bytes + at, len);
        status = ws_reader_feed(&reader, &feed, piece, len);
    }
    ws_reader_deinit(&reader);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct buf s = new_stream();
    char bytes[300] = {0};
    put_text(&s, "one");
    put_frame(&s, 0x02, bytes, sizeof bytes);
    put_frame(&s, 0x00, bytes, sizeof bytes);
    put_frame(&s, 0x80, bytes, sizeof bytes);
    put_text(&s, "two");
    for (size_t n = 1; n < 1000; n++) {
        int got = 0;
        mem_test_fail_at(n, false);
        int status = feed_quietly(&s, 1, &got);
        bool failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        assert_int_equal(status, failed ? 1011 : 0);
        if (failed)
            continue;
        assert_int_equal(got, 3 + 900 + 3);
        assert_true(n > 5); /* there were some */
        buf_deinit(&s);
        return;
    }
    fail_msg("never came through");
}

static void test_whole_frames_allocate_nothing(void **state)
{
    (void)state;
    struct buf s = new_stream();
    int got = 0;
    for (int i = 0; i < 50; i++)
        put_text(&s, "42[\"echo\",1]");
    put_frame(&s, 0x89, "ping", 4);
    mem_test_fail_at(0, false);
    assert_int_equal(feed_quietly(&s, s.len, &got), 0);
    assert_int_equal(mem_test_count(), 0);
    assert_int_equal(got, 600);
    buf_deinit(&s);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_messages),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_close_frames),
        cmocka_unit_test(test_defects),
        cmocka_unit_test(test_bad_text_fails_fast),
        cmocka_unit_test(test_raw_defects),
        cmocka_unit_test(test_sum_of_fragments_may_be_just_the_limit),
        cmocka_unit_test(test_empty_fragments_are_counted),
        cmocka_unit_test(test_stops_inside_an_event),
        cmocka_unit_test(test_holds_memory_only_for_what_is_cut),
        cmocka_unit_test(test_compressed_messages),
        cmocka_unit_test(test_compressed_fragments),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_whole_frames_allocate_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
