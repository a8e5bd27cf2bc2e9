/* Base64: the RFC's vectors, every length, what is refused and what is put up with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buf out;
        buf_init(&out);
        base64_encode(&out, sioc_str(vectors[i][0]));
        assert_true(str_eq(buf_str(&out), sioc_str(vectors[i][1])));
        assert_int_equal(out.len, base64_encoded_len(strlen(vectors[i][0])));
        buf_reset(&out);
        assert_true(base64_decode_strict(&out, sioc_str(vectors[i][1])));
        assert_true(str_eq(buf_str(&out), sioc_str(vectors[i][0])));
        buf_deinit(&out);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        struct buf text, back;
        uint8_t *bytes = mem_alloc(len);
        assert_int_equal(rand_bytes(bytes, len), 0);
        buf_init(&text);
        buf_init(&back);
        base64_encode(&text, sioc_str_n(bytes, len));
        assert_true(base64_decode_strict(&back, buf_str(&text)));
        assert_true(str_eq(buf_str(&back), sioc_str_n(bytes, len)));
        buf_reset(&back);
        base64_decode_lenient(&back, buf_str(&text));
        assert_true(str_eq(buf_str(&back), sioc_str_n(bytes, len)));
        mem_free(bytes);
        buf_deinit(&text);
        buf_deinit(&back);
    }
}

static void test_strict_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",    "====", "Z===",     "Zh==", /* bits that mean nothing */
        "Zm9=", "Zm 8", "Zm9v\n", "-_8=", "Zg==Zg==", "=Zg=", "Zm\xc3\xa9",
    };
    struct buf out;
    buf_init(&out);
    buf_put(&out, "x", 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(base64_decode_strict(&out, sioc_str(bad[i])));
    assert_true(str_eq(buf_str(&out), STR("x")));
    buf_deinit(&out);
}

/* The answers of Node's Buffer.from(text, "base64"). */
static void test_lenient(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"YQ", "a"},       {"YQ==", "a"},       {"YWI", "ab"},        {"YW Jj", "abc"},
        {"YW\nJj", "abc"}, {"-_8", "\xfb\xff"}, {"+/8=", "\xfb\xff"}, {"YQ==YQ==", "a"},
        {"Y", ""},         {"YWJjZ", "abc"},    {"=YQ", ""},          {"Y=Q=", ""},
        {"!!!!", ""},      {"YWJj====", "abc"}, {"\xc3\xa9", ""},     {"YR==", "a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out);
        base64_decode_lenient(&out, sioc_str(rows[i][0]));
        assert_true(str_eq(buf_str(&out), sioc_str(rows[i][1])));
        buf_deinit(&out);
    }
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out);
    mem_test_fail_at(1, true);
    base64_encode(&out, STR("abc"));
    assert_int_equal(out.error, SIOC_ENOMEM);
    buf_reset(&out);
    base64_decode_lenient(&out, STR("YWJj"));
    assert_int_equal(out.error, SIOC_ENOMEM);
    buf_reset(&out);
    assert_false(base64_decode_strict(&out, STR("YWJj")));
    assert_int_equal(out.error, SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    buf_deinit(&out);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_strict_refuses), cmocka_unit_test(test_lenient),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
