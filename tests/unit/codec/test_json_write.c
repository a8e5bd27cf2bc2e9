/* The JSON writer: text, escapes, limits, binary data, sticky errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include <stdio.h>
#include <stdlib.h>

static struct buf out;
static struct json_binaries binaries;
static struct json_writer w;

static int open_writer(void **state)
{
    (void)state;
    buf_init(&out);
    binaries = (struct json_binaries){0};
    json_writer_init(&w, &out, &binaries, 8);
    return 0;
}

static int close_writer(void **state)
{
    (void)state;
    buf_deinit(&out);
    json_binaries_deinit(&binaries);
    return 0;
}

static void again(void)
{
    buf_reset(&out);
    json_writer_init(&w, &out, &binaries, 8);
}

static void expect(const char *text)
{
    assert_int_equal(out.error, 0);
    if (!str_eq(buf_str(&out), sioc_str(text)))
        print_error("%.*s\n", SIOC_STR_ARG(buf_str(&out)));
    assert_true(str_eq(buf_str(&out), sioc_str(text)));
}

/* [null,{"a":true,"b":[],"c":{}},-5,1.5,"x",[[1]],{"_placeholder":true,"num":0},[2,3]] */
static int write_everything(struct sioc_sink *s, struct sioc_buffer *data)
{
    const struct sioc_sink_ops *ops = s->ops;
    ops->array_begin(s, SIOC_COUNT_UNKNOWN);
    sioc_put_null(s);
    ops->map_begin(s, 3);
    ops->map_key(s, STR("a"));
    sioc_put_bool(s, true);
    ops->map_key(s, STR("b"));
    ops->array_begin(s, 0);
    ops->array_end(s);
    ops->map_key(s, STR("c"));
    ops->map_begin(s, 0);
    ops->map_end(s);
    ops->map_end(s);
    sioc_put_int(s, -5);
    sioc_put_number(s, 1.5);
    sioc_put_text(s, "x");
    ops->array_begin(s, 1);
    ops->array_begin(s, 1);
    sioc_put_int(s, 1);
    ops->array_end(s);
    ops->array_end(s);
    sioc_put_binary(s, data);
    ops->raw_json(s, STR("[2,3]"));
    return ops->array_end(s);
}

static const char everything[] = "[null,{\"a\":true,\"b\":[],\"c\":{}},-5,1.5,\"x\",[[1]],"
                                 "{\"_placeholder\":true,\"num\":0},[2,3]]";

static void test_values(void **state)
{
    (void)state;
    struct sioc_buffer *data = sioc_buffer_new(STR("data"));
    assert_int_equal(write_everything(&w.sink, data), 0);
    expect(everything);
    assert_int_equal(binaries.count, 1);
    assert_ptr_equal(binaries.items[0], data);
    sioc_buffer_unref(data);
    assert_true(str_eq(sioc_buffer_bytes(binaries.items[0]), STR("data")));
    json_binaries_clear(&binaries);
    assert_int_equal(binaries.count, 0);
    again();
    sioc_put_int(&w.sink, 1);
    sioc_put_int(&w.sink, INT64_MIN);
    sioc_put_bool(&w.sink, false);
    expect("1,-9223372036854775808,false"); /* elements, when the caller writes the brackets */
}

static void expect_quoted(struct sioc_str text, const char *json)
{
    char *exact = helper_exact(text);
    again();
    assert_int_equal(sioc_put_str(&w.sink, sioc_str_n(exact, text.len)), 0);
    expect(json);
    buf_reset(&out);
    json_put_string(&out, sioc_str_n(exact, text.len));
    expect(json);
    free(exact);
}

static void test_escapes(void **state)
{
    (void)state;
    expect_quoted(STR(""), "\"\"");
    expect_quoted(sioc_str_n(NULL, 0), "\"\"");
    expect_quoted(STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    expect_quoted(STR("\b\f\n\r\t\v\0\x1f\x7f"),
                  "\"\\b\\f\\n\\r\\t\\u000b\\u0000\\u001f\x7f\"");
    expect_quoted(STR("\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"),
                  "\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"");
    for (int c = 0; c < 0x20; c++) {
        char text[2] = {(char)c, 'x'}, json[16];
        const char *shorts = c ? strchr("\bb\ff\nn\rr\tt", c) : NULL;
        if (shorts)
            snprintf(json, sizeof json, "\"\\%cx\"", shorts[1]);
        else
            snprintf(json, sizeof json, "\"\\u%04xx\"", (unsigned)c);
        expect_quoted(sioc_str_n(text, 2), json);
    }
}

/* Text of every length with something special at every place comes back as it was. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char *const specials[] = {"\"", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                           "\\u"};
    struct buf text, scratch, back;
    buf_init(&text);
    buf_init(&scratch);
    buf_init(&back);
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at <= len; at++) {
            struct json_reader r = {.max_depth = 1, .scratch = &scratch};
            struct json_writer second;
            buf_reset(&text);
            for (size_t i = 0; i < len; i++)
                buf_put_str(&text, i == at ? sioc_str(specials[(at + len) % 6]) : STR("x"));
            again();
            assert_int_equal(sioc_put_str(&w.sink, buf_str(&text)), 0);
            buf_reset(&back);
            json_writer_init(&second, &back, NULL, 1);
            assert_int_equal(json_read(&r, buf_str(&out), &second.sink), 0);
            assert_true(str_eq(buf_str(&back), buf_str(&out)));
        }
    }
    buf_deinit(&text);
    buf_deinit(&scratch);
    buf_deinit(&back);
}

static void test_bad_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "a\xff",
                                      "0123456789abcdef\xc3",
                                      "\xc3\xa9\xc0\x80",
                                      "\xed\xa0\x80",
                                      "\n\xf4\x90\x80\x80",
                                      "\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *exact = helper_exact(sioc_str(bad[i]));
        struct sioc_str text = sioc_str_n(exact, strlen(bad[i]));
        again();
        sioc_put_int(&w.sink, 1);
        assert_int_equal(sioc_put_str(&w.sink, text), SIOC_EUTF8);
        assert_int_equal(out.bytes[0], '1');
        /* Sticky: who looks only at the end sees it. */
        assert_int_equal(sioc_put_null(&w.sink), SIOC_EUTF8);
        assert_int_equal(out.error, SIOC_EUTF8);
        again();
        w.sink.ops->map_begin(&w.sink, 1);
        assert_int_equal(w.sink.ops->map_key(&w.sink, text), SIOC_EUTF8);
        free(exact);
    }
}

static void test_depth(void **state)
{
    (void)state;
    const struct sioc_sink_ops *ops = w.sink.ops;
    for (int i = 0; i < 8; i++)
        assert_int_equal(ops->array_begin(&w.sink, 1), 0);
    assert_int_equal(ops->map_begin(&w.sink, 1), SIOC_EDEPTH);
    again();
    for (int i = 0; i < 7; i++)
        ops->array_begin(&w.sink, 1);
    assert_int_equal(ops->raw_json(&w.sink, STR("[1]")), 0);
    assert_int_equal(ops->raw_json(&w.sink, STR("[[1]]")), SIOC_EDEPTH);
    again();
    assert_int_equal(ops->array_end(&w.sink), SIOC_EINVAL); /* never begun */
}

static void test_raw(void **state)
{
    (void)state;
    const struct sioc_sink_ops *ops = w.sink.ops;
    ops->array_begin(&w.sink, 2);
    assert_int_equal(ops->raw_json(&w.sink, STR(" {\"a\" : \"\\u00e9\"} ")), 0);
    assert_int_equal(ops->raw_json(&w.sink, STR("1e5")), 0);
    ops->array_end(&w.sink);
    expect("[ {\"a\" : \"\\u00e9\"} ,1e5]");
    static const char *const bad[] = {"", "1,2", "]", "\x1e", "\"\x1e\"", "1\x1e", "[1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        again();
        assert_int_equal(ops->raw_json(&w.sink, sioc_str(bad[i])), SIOC_ESYNTAX);
        assert_int_equal(out.len, 0);
    }
    again();
    assert_int_equal(ops->raw_json(&w.sink, STR("\"\xff\"")), SIOC_EUTF8);
}

static void test_binary(void **state)
{
    (void)state;
    struct sioc_buffer *data = sioc_buffer_new(STR("x"));
    for (int i = 0; i < 12; i++)
        assert_int_equal(sioc_put_binary(&w.sink, data), 0);
    assert_int_equal(binaries.count, 12);
    assert_true(strstr((const char *)out.bytes, "{\"_placeholder\":true,\"num\":11}") != NULL);
    struct json_writer plain;
    buf_reset(&out);
    json_writer_init(&plain, &out, NULL, 8);
    assert_int_equal(sioc_put_binary(&plain.sink, data), SIOC_EINVAL);
    sioc_buffer_unref(data);
}

static void test_limit(void **state)
{
    (void)state;
    struct sioc_buffer *data = sioc_buffer_new(STR("x"));
    /* With any limit: the whole text or an error, and never a byte more than allowed. */
    for (size_t max = 1; max <= sizeof everything; max++) {
        json_binaries_clear(&binaries);
        buf_deinit(&out);
        json_writer_init(&w, &out, &binaries, 8);
        out.max = max;
        int rc = write_everything(&w.sink, data);
        assert_int_equal(rc, max < sizeof everything - 1 ? SIOC_ETOOBIG : 0);
        assert_true(out.len <= max);
    }
    out.max = 0;
    sioc_buffer_unref(data);
}

/* Long texts are copied in blocks: what must be escaped, or is wrong, at and around their ends.
 */
static void test_long_strings(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *written; /* NULL: refused */
    } cases[] = {{"\"", "\\\""},           {"\\", "\\\\"}, {"\n", "\\n"}, {"\x01", "\\u0001"},
                 {"\xc3\xa9", "\xc3\xa9"}, {"~", "~"},     {"\xff", NULL}};
    static const size_t lengths[] = {4095, 4096, 4097, 8191, 8192, 8193, 70000};
    char *text = malloc(70016), *expected = malloc(70016);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0] * 7 * 5; i++) {
        size_t len = lengths[i / 35], c = i % 7, special = strlen(cases[c].bytes);
        size_t places[] = {0, 4094, len / 2, len - special, 4096};
        size_t at = places[i / 7 % 5];
        if (at + special > len)
            continue;
        memset(text, 'a', len);
        memcpy(text + at, cases[c].bytes, special);
        again();
        int rc = sioc_put_str(&w.sink, sioc_str_n(text, len));
        assert_int_equal(rc, cases[c].written ? 0 : SIOC_EUTF8);
        if (rc < 0)
            continue;
        int size = snprintf(expected, 70016, "\"%.*s%s%.*s\"", (int)at, text, cases[c].written,
                            (int)(len - at - special), text + at + special);
        assert_true(str_eq(buf_str(&out), sioc_str_n(expected, (size_t)size)));
    }
    free(text);
    free(expected);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct sioc_buffer *data = sioc_buffer_new(STR("x"));
    int rc = SIOC_ENOMEM;
    for (size_t n = 1; rc != 0; n++) {
        json_binaries_deinit(&binaries);
        buf_deinit(&out);
        json_writer_init(&w, &out, &binaries, 8);
        mem_test_fail_at(n, n % 2 != 0);
        rc = write_everything(&w.sink, data);
        size_t asked = mem_test_count();
        mem_test_fail_at(0, false);
        assert_int_equal(rc, asked >= n ? SIOC_ENOMEM : 0);
        assert_true(n < 100);
    }
    expect(everything);
    sioc_buffer_unref(data);
}
#endif

#define WITH_WRITER(test) cmocka_unit_test_setup_teardown(test, open_writer, close_writer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WRITER(test_values),    WITH_WRITER(test_escapes), WITH_WRITER(test_round_trip),
        WITH_WRITER(test_bad_utf8),  WITH_WRITER(test_depth),   WITH_WRITER(test_raw),
        WITH_WRITER(test_binary),    WITH_WRITER(test_limit),   WITH_WRITER(test_long_strings),
#ifdef SIOC_TESTING
        WITH_WRITER(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
