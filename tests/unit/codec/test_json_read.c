/* The JSON reader: tables, truncation, depth, elements, failing sinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/helper_sink.h"
#include "codec/json_read.h"
#include <stdio.h>
#include <stdlib.h>

static int read_into(struct helper_sink *h, struct sioc_str text, size_t *ret_error_at)
{
    struct buf scratch;
    buf_init(&scratch);
    struct json_reader r = {.max_depth = 64, .scratch = &scratch, .error_at = SIZE_MAX};
    int rc = json_read(&r, text, h ? &h->sink : NULL);
    buf_deinit(&scratch);
    *ret_error_at = r.error_at;
    return rc;
}

static void accept_row(const struct helper_row *row)
{
    struct helper_sink h;
    size_t at;
    helper_sink_init(&h);
    assert_int_equal(row->count, 2);
    int rc = read_into(&h, row->columns[0], &at);
    if (rc != 0)
        print_error("line %d: %s at %zu\n", row->line, sioc_strerror(rc), at);
    assert_int_equal(rc, 0);
    struct sioc_str got = sioc_str(helper_sink_text(&h));
    if (!str_eq(got, row->columns[1]))
        print_error("line %d: %.*s\n", row->line, SIOC_STR_ARG(got));
    assert_true(str_eq(got, row->columns[1]));
    assert_int_equal(read_into(NULL, row->columns[0], &at), 0);
    /* Good answers of a sink may be any number. */
    helper_sink_reset(&h);
    h.answer = 2;
    assert_int_equal(read_into(&h, row->columns[0], &at), 0);
    assert_true(str_eq(sioc_str(helper_sink_text(&h)), row->columns[1]));
    helper_sink_deinit(&h);
}

static void test_accept(void **state)
{
    (void)state;
    helper_each_row("json_accept.txt", accept_row);
}

static void refuse_row(const struct helper_row *row)
{
    struct helper_sink h;
    size_t at, checked_at, expected_at = strtoul(row->columns[2].ptr, NULL, 10);
    int expected = str_eq(row->columns[1], STR("EUTF8")) ? SIOC_EUTF8 : SIOC_ESYNTAX;
    helper_sink_init(&h);
    int rc = read_into(&h, row->columns[0], &at);
    if (rc != expected || at != expected_at)
        print_error("line %d: %s at %zu\n", row->line, sioc_strerror(rc), at);
    assert_int_equal(rc, expected);
    assert_int_equal(at, expected_at);
    assert_int_equal(read_into(NULL, row->columns[0], &checked_at), expected);
    assert_int_equal(checked_at, expected_at);
    assert_null(strstr(helper_sink_text(&h), "!wrong"));
    helper_sink_deinit(&h);
}

static void test_refuse(void **state)
{
    (void)state;
    helper_each_row("json_refuse.txt", refuse_row);
}

/* Every beginning of a good text either is good itself or fails inside of it. */
static void truncate_row(const struct helper_row *row)
{
    struct helper_sink h;
    helper_sink_init(&h);
    for (size_t len = 0; len < row->columns[0].len; len++) {
        size_t at = 0;
        struct sioc_str cut = str_part(row->columns[0], 0, len);
        char *exact = helper_exact(cut);
        helper_sink_reset(&h);
        int rc = read_into(&h, sioc_str_n(exact, len), &at);
        if (rc < 0)
            assert_true(at <= len && (rc == SIOC_ESYNTAX || rc == SIOC_EUTF8));
        assert_null(strstr(helper_sink_text(&h), "!wrong"));
        free(exact);
    }
    helper_sink_deinit(&h);
}

static void test_truncated(void **state)
{
    (void)state;
    helper_each_row("json_accept.txt", truncate_row);
}

/* Flips bytes: whatever comes out, sink and check agree and nothing is read outside. */
static void damage_row(const struct helper_row *row)
{
    struct helper_sink h;
    helper_sink_init(&h);
    for (size_t i = 0; i < row->columns[0].len; i++) {
        static const char bytes[] = "\"\\{}[]:,0e-.tu\x01\x80\xe2 ";
        char *exact = helper_exact(row->columns[0]);
        for (const char *b = bytes; *b; b++) {
            size_t at, checked_at;
            exact[i] = *b;
            struct sioc_str text = sioc_str_n(exact, row->columns[0].len);
            helper_sink_reset(&h);
            int rc = read_into(&h, text, &at);
            assert_int_equal(read_into(NULL, text, &checked_at), rc);
            assert_int_equal(at, checked_at);
            assert_null(strstr(helper_sink_text(&h), "!wrong"));
            assert_true(rc < 0 || h.depth == 0);
        }
        free(exact);
    }
    helper_sink_deinit(&h);
}

static void test_damaged(void **state)
{
    (void)state;
    helper_each_row("json_accept.txt", damage_row);
}

static int read_nested(const char *open, const char *close, unsigned depth, unsigned max_depth)
{
    struct buf text;
    static struct helper_sink h;
    buf_init(&text);
    helper_sink_init(&h);
    for (unsigned i = 0; i < depth; i++)
        buf_put_str(&text, sioc_str(open));
    for (unsigned i = 0; i < depth; i++)
        buf_put_str(&text, sioc_str(close));
    struct json_reader r = {.max_depth = max_depth};
    int rc = json_read(&r, buf_str(&text), &h.sink);
    if (rc == SIOC_EDEPTH)
        assert_true(text.bytes[r.error_at] == '[' || text.bytes[r.error_at] == '{');
    assert_null(strstr(helper_sink_text(&h), "!wrong"));
    helper_sink_deinit(&h);
    buf_deinit(&text);
    return rc;
}

static void test_depth(void **state)
{
    (void)state;
    assert_int_equal(read_nested("[", "]", 1, 1), 0);
    assert_int_equal(read_nested("[", "]", 2, 1), SIOC_EDEPTH);
    assert_int_equal(read_nested("[", "]", 1, 0), SIOC_EDEPTH);
    assert_int_equal(read_nested("[", "]", 65, 64), SIOC_EDEPTH);
    assert_int_equal(read_nested("[", "]", 65, 65), 0);
    assert_int_equal(read_nested("[", "]", 1024, 1024), 0);
    assert_int_equal(read_nested("[", "]", 1025, 1024), SIOC_EDEPTH);
    assert_int_equal(read_nested("[", "]", 1025, 5000), SIOC_EDEPTH);
    assert_int_equal(read_nested("[{\"a\":", "}]", 512, 1024), SIOC_ESYNTAX);
    assert_int_equal(read_nested("{\"a\":[", "]}", 512, 1024), 0);
    assert_int_equal(read_nested("{\"a\":[", "]}", 200, 399), SIOC_EDEPTH);
    /* Very long and very deep: refused at once, not after reading it all. */
    assert_int_equal(read_nested("[", "", 1000000, 64), SIOC_EDEPTH);
}

static int read_some(const char *text, size_t from, size_t to, const char *transcript,
                     size_t count)
{
    struct helper_sink h;
    struct buf scratch;
    size_t n = 99;
    struct json_reader r = {.max_depth = 4, .scratch = &scratch};
    buf_init(&scratch);
    helper_sink_init(&h);
    char *exact = helper_exact(sioc_str(text));
    int rc = json_read_elements(&r, sioc_str_n(exact, strlen(text)), from, to, &h.sink, &n);
    if (rc == 0) {
        assert_string_equal(helper_sink_text(&h), transcript);
        assert_int_equal(n, count);
    } else {
        assert_int_equal(n, 99);
    }
    int checked = json_read_elements(&r, sioc_str_n(exact, strlen(text)), from, to, NULL, &n);
    assert_int_equal(checked, rc);
    free(exact);
    helper_sink_deinit(&h);
    buf_deinit(&scratch);
    return rc;
}

static int read_args(const char *text, size_t skip, const char *transcript, size_t count)
{
    return read_some(text, skip, SIZE_MAX, transcript, count);
}

static void test_some_elements(void **state)
{
    (void)state;
    assert_int_equal(read_some("[1,[2],3,4]", 1, 3, "[ i2 ] i3", 2), 0);
    assert_int_equal(read_some("[1,[2],3,4]", 0, 1, "i1", 1), 0);
    assert_int_equal(read_some("[1]", 0, 9, "i1", 1), 0);
    assert_int_equal(read_some("[1,2]", 2, 1, "", 0), 0);
    /* what is behind them is checked as well */
    assert_int_equal(read_some("[1,2,x]", 0, 1, "i1", 1), SIOC_ESYNTAX);
}

static void test_elements(void **state)
{
    (void)state;
    assert_int_equal(read_args("[]", 0, "", 0), 0);
    assert_int_equal(read_args("[]", 1, "", 0), 0);
    assert_int_equal(
        read_args(" [ \"e\" , 1 , {\"a\":[2]} ] ", 0, "\"e\" i1 { k\"a\" [ i2 ] }", 3), 0);
    assert_int_equal(read_args("[\"e\",1,{\"a\":[2]}]", 1, "i1 { k\"a\" [ i2 ] }", 2), 0);
    assert_int_equal(read_args("[\"e\",1]", 2, "", 0), 0);
    assert_int_equal(read_args("[\"e\",1]", 7, "", 0), 0);
    assert_int_equal(read_args("[[\"\\n\"],\"\\n\"]", 1, "\"%0a\"", 1), 0);
    static const char *const bad[] = {"",     "{}",   "1",        "[",      "[1",
                                      "[1,]", "[1]]", "[1] x",    "[01,2]", "\"a\"",
                                      "[1}",  "[,1]", "[\"e\" 1]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_args(bad[i], 1, NULL, 0), SIOC_ESYNTAX);
    /* The array itself counts: what is skipped is checked no less than the rest. */
    assert_int_equal(read_args("[[[[]]]]", 0, "[ [ [ ] ] ]", 1), 0);
    assert_int_equal(read_args("[[[[[]]]]]", 0, NULL, 0), SIOC_EDEPTH);
    assert_int_equal(read_args("[[[[[]]]]]", 1, NULL, 0), SIOC_EDEPTH);
    assert_int_equal(read_args("[\"\xff\"]", 1, NULL, 0), SIOC_EUTF8);
}

/* A sink that fails at its n-th call is not called again, and its error comes back. */
static void test_failing_sink(void **state)
{
    (void)state;
    const struct sioc_str text = STR("[null,true,1,1.5,\"s\",\"\\n\",{\"k\":[],\"\\u0041\":{}},"
                                     "{\"_placeholder\":true,\"num\":0}]");
    struct sioc_buffer *data = sioc_buffer_new(STR("x"));
    struct buf scratch;
    struct helper_sink h;
    buf_init(&scratch);
    helper_sink_init(&h);
    struct json_reader r = {
        .max_depth = 9, .scratch = &scratch, .attachments = &data, .attachment_count = 1};
    assert_int_equal(json_read(&r, text, &h.sink), 0);
    const size_t total = h.calls;
    assert_int_equal(total, 17);
    for (size_t n = 1; n <= total; n++) {
        helper_sink_reset(&h);
        h.fail_at = n;
        h.fail_with = -12345;
        assert_int_equal(json_read(&r, text, &h.sink), -12345);
        assert_int_equal(h.calls, n);
    }
    helper_sink_deinit(&h);
    buf_deinit(&scratch);
    sioc_buffer_unref(data);
}

/* What read_elements says to a sink, as text with its result. */
static char *elements_of(struct sioc_str text, struct json_reader r, size_t from, size_t to)
{
    static char told[2][4096];
    static int turn;
    struct helper_sink h;
    struct buf scratch;
    size_t count = 99;
    char *out = told[turn ^= 1];
    char *exact = malloc(text.len + 1); /* so that tools see a byte too far */
    memcpy(exact, text.ptr, text.len);
    buf_init(&scratch);
    helper_sink_init(&h);
    r.scratch = &scratch;
    int rc = json_read_elements(&r, sioc_str_n(exact, text.len), from, to, &h.sink, &count);
    snprintf(out, sizeof told[0], "%d %zu %s", rc, count, helper_sink_text(&h));
    helper_sink_deinit(&h);
    buf_deinit(&scratch);
    free(exact);
    return out;
}

/* Arrays of plain strings are read in a shorter way, which white space leads off: the same
 * random array with and without it means the same. */
static void test_plain_strings(void **state)
{
    (void)state;
    static const char *const elements[] = {
        "\"\"",
        "\"name\"",
        "\"a text that is longer than sixteen bytes, and plain\"",
        "\"\\n\"",
        "\"\xc3\xa9\"",
        "1",
        "null",
        "[]",
        "[\"in\",\"side\"]",
        "{\"k\":\"v\"}",
        "\"\xff\"",
        "\"\x01\"",
        "",
        "\"a\"\"b\"",
        "]"};
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        char tight[1024] = "[", loose[1024] = "[";
        unsigned count = (seed = seed * 1103515245u + 12345u) >> 16 & 3;
        for (unsigned i = 0; i < count + (round & 1); i++) {
            unsigned pick = (seed = seed * 1103515245u + 12345u) >> 16;
            const char *element = elements[pick % (pick & 64 ? 5 : 15)];
            strcat(strcat(tight, i ? "," : ""), element);
            strcat(strcat(loose, i ? " , " : ""), element);
        }
        strcat(tight, round % 16 ? "]" : "");
        strcat(loose, round % 16 ? " ]" : "");
        struct json_reader r = {.max_depth = (seed >> 8 & 7) ? 9 : 1,
                                .max_values = seed >> 11 & 7};
        size_t from = seed >> 20 & 1, to = seed >> 21 & 1 ? SIZE_MAX : from + 1;
        assert_string_equal(elements_of(sioc_str(tight), r, from, to),
                            elements_of(sioc_str(loose), r, from, to));
    }
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct helper_sink h;
    struct buf scratch;
    buf_init(&scratch);
    helper_sink_init(&h);
    struct json_reader r = {.max_depth = 9, .scratch = &scratch};
    buf_reserve(&h.text, 1000); /* so that the reader's allocation is the first */
    mem_test_fail_at(1, false);
    assert_int_equal(json_read(&r, STR("[1,\"\\n\"]"), &h.sink), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    /* The scratch can be used again, and a text without escapes needs none. */
    assert_int_equal(json_read(&r, STR("\"\\n\""), &h.sink), 0);
    r.scratch = NULL;
    assert_int_equal(json_read(&r, STR("\"n\""), &h.sink), 0);
    assert_int_equal(json_read(&r, STR("\"\\n\""), &h.sink), SIOC_EINVAL);
    helper_sink_deinit(&h);
    buf_deinit(&scratch);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_truncated),     cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_depth),         cmocka_unit_test(test_elements),
        cmocka_unit_test(test_some_elements), cmocka_unit_test(test_failing_sink),
        cmocka_unit_test(test_plain_strings),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
