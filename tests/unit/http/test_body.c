/* Bodies: counted and chunked, whole, byte by byte, and cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "http/body.h"

/* Feeds `text` in two parts, then the second byte by byte.  Bytes consumed, or the error. */
static int64_t read_cut(struct http_body *b, struct sioc_str text, size_t cut, struct buf *out)
{
    int64_t n = http_body_read(b, str_part(text, 0, cut), out);
    if (n < 0 || (size_t)n < cut)
        return n;
    for (size_t at = cut; at < text.len; at++) {
        int64_t one = http_body_read(b, str_part(text, at, 1), out);
        if (one <= 0)
            return one < 0 ? one : n;
        n++;
    }
    return n;
}

static const struct {
    const char *text, *payload;
    int rest; /* bytes behind the body */
} good[] = {
    {"0\r\n\r\n", "", 0},
    {"0\r\n\r\nGET", "", 3},
    {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
    {"A\r\n0123456789\r\n1\r\nx\r\n00\r\n\r\nX", "0123456789x", 1},
    {"000000000000000a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0},
    {"1;a=b;c=\"d e\"\r\nx\r\n0;e\r\n\r\n", "x", 0},
    {"1 \r\nx\r\n0\t\r\n\r\n", "x", 0},
    {"1\r\nx\r\n0\r\nA: b\r\nContent-Length: 5\r\n\r\n", "x", 0},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0},
};

static void test_chunked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct sioc_str text = sioc_str(good[i].text);
        for (size_t cut = 0; cut <= text.len; cut++) {
            struct http_body b;
            struct buf out;
            buf_init(&out);
            http_body_init_chunked(&b, 100);
            assert_false(http_body_complete(&b));
            assert_int_equal(read_cut(&b, text, cut, &out), (int)text.len - good[i].rest);
            assert_true(http_body_complete(&b));
            assert_true(str_eq(buf_str(&out), sioc_str(good[i].payload)));
            buf_deinit(&out);
        }
    }
}

static void test_bad_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
    } bad[] = {
        {"\r\n", SIOC_EPROTO},
        {"x", SIOC_EPROTO},
        {"-1\r\n", SIOC_EPROTO},
        {"+1\r\n", SIOC_EPROTO},
        {"0x1\r\n", SIOC_EPROTO},
        {" 1\r\n", SIOC_EPROTO},
        {";a\r\n", SIOC_EPROTO},
        {"1\nx", SIOC_EPROTO},
        {"1\rx", SIOC_EPROTO},
        {"1;a\nx", SIOC_EPROTO},
        {"1;\x01\r\n", SIOC_EPROTO},
        {"1\r\nxy", SIOC_EPROTO},
        {"1\r\nx\n", SIOC_EPROTO},
        {"1\r\nx\rx", SIOC_EPROTO},
        {"0\r\n\n", SIOC_EPROTO},
        {"0\r\nA: b\n", SIOC_EPROTO},
        {"0\r\n\rx", SIOC_EPROTO},
        {"00000000000000001\r\n", SIOC_EPROTO}, /* 17 digits */
        {"b\r\n", SIOC_ETOOBIG},
        {"ffffffffffffffff\r\n", SIOC_ETOOBIG},
        {"a\r\n0123456789\r\n1\r\n", SIOC_ETOOBIG},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sioc_str text = sioc_str(bad[i].text);
        for (size_t cut = 0; cut <= text.len; cut++) {
            struct http_body b;
            struct buf out;
            buf_init(&out);
            http_body_init_chunked(&b, 10);
            int64_t result = read_cut(&b, text, cut, &out);
            if (result != bad[i].error)
                fail_msg("bad %zu cut at %zu: %d", i, cut, (int)result);
            buf_deinit(&out);
        }
    }
}

/* Extensions and trailers do not go on for ever. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *starts[] = {"1;", "0\r\n"};
    for (int i = 0; i < 2; i++) {
        struct http_body b;
        struct buf out;
        buf_init(&out);
        http_body_init_chunked(&b, 10);
        int64_t result = http_body_read(&b, sioc_str(starts[i]), &out);
        int fed = 0;
        while (result >= 0 && fed++ < 100000)
            result = http_body_read(&b, STR("a"), &out);
        assert_int_equal(result, SIOC_EPROTO);
        assert_true(fed < 10000);
        buf_deinit(&out);
    }
}

static void test_counted(void **state)
{
    (void)state;
    struct http_body b;
    struct buf out;
    buf_init(&out);
    http_body_init_length(&b, 0, 10);
    assert_true(http_body_complete(&b));
    for (size_t cut = 0; cut <= 7; cut++) {
        buf_reset(&out);
        http_body_init_length(&b, 5, 10);
        assert_int_equal(read_cut(&b, STR("helloGE"), cut, &out), 5);
        assert_true(http_body_complete(&b));
        assert_true(str_eq(buf_str(&out), STR("hello")));
    }
    /* Memory follows what came, not what was announced. */
    buf_deinit(&out);
    http_body_init_length(&b, (uint64_t)1 << 40, SIZE_MAX);
    assert_int_equal(http_body_read(&b, STR("x"), &out), 1);
    assert_true(out.cap < 4096);
    buf_deinit(&out);
    http_body_init_length(&b, 5, 10);
    mem_test_fail_at(1, true);
    assert_int_equal(http_body_read(&b, STR("hello"), &out), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_bad_chunks),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
