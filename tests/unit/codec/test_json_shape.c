/* Looking at JSON without a sink: kinds, first elements, placeholders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/helper_sink.h"
#include "codec/json_read.h"
#include <stdlib.h>

static void test_peek(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_kind kind;
    } rows[] = {
        {"", JSON_KIND_NONE},      {"  ", JSON_KIND_NONE},        {" null", JSON_KIND_NULL},
        {"true", JSON_KIND_BOOL},  {"\n\tfalse", JSON_KIND_BOOL}, {"-1", JSON_KIND_NUMBER},
        {"9", JSON_KIND_NUMBER},   {"0", JSON_KIND_NUMBER},       {"\"", JSON_KIND_STRING},
        {"\r [", JSON_KIND_ARRAY}, {"{", JSON_KIND_MAP},          {"]", JSON_KIND_NONE},
        {"+1", JSON_KIND_NONE},    {"x", JSON_KIND_NONE},         {"\xc2\xa0[", JSON_KIND_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(json_peek(sioc_str(rows[i].text)), rows[i].kind);
    assert_int_equal(json_peek(sioc_str_n(NULL, 0)), JSON_KIND_NONE);
}

static void expect_first(const char *text, const char *raw, const char *plain)
{
    struct sioc_str r, p;
    char *exact = helper_exact(sioc_str(text));
    assert_int_equal(json_first_element(sioc_str_n(exact, strlen(text)), &r, &p), 0);
    assert_true(str_eq(r, sioc_str(raw)));
    assert_true(str_eq(p, sioc_str(plain)));
    assert_int_equal(p.ptr != NULL, plain != NULL);
    free(exact);
}

static void test_first_element(void **state)
{
    (void)state;
    struct sioc_str r = STR("x"), p = STR("y");
    expect_first("[]", NULL, NULL);
    expect_first(" [ ] ", NULL, NULL);
    expect_first("[\"e\",1]", "\"e\"", "e");
    expect_first("[\"\"]", "\"\"", "");
    expect_first(" [ \"e\" , 1]", "\"e\"", "e");
    expect_first("[\"\\n\",1]", "\"\\n\"", NULL);
    expect_first("[12,1]", "12", NULL);
    expect_first("[{\"a\":[1]} ]", "{\"a\":[1]}", NULL);
    expect_first("[\"e\", rubbish", "\"e\"", "e"); /* the rest is somebody else's business */
    static const char *const bad[] = {"",     " ",    "[",    "[\"e\"",   "[12",
                                      "[12 ", "{}",   "1",    "[,1]",     "[\"e\" 1]",
                                      "[\"e", "[01]", "[[1]", "[\"\n\"]", "[{\"a\":1]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *exact = helper_exact(sioc_str(bad[i]));
        assert_int_equal(json_first_element(sioc_str_n(exact, strlen(bad[i])), &r, &p),
                         SIOC_ESYNTAX);
        free(exact);
    }
    assert_int_equal(json_first_element(STR("[\"\xff\"]"), &r, &p), SIOC_EUTF8);
    assert_true(str_eq(r, STR("x")) && str_eq(p, STR("y")));
    assert_int_equal(json_first_element(sioc_str_n(NULL, 0), &r, &p), SIOC_ESYNTAX);
}

static struct sioc_buffer *parts[2];

static int open_parts(void **state)
{
    (void)state;
    parts[0] = sioc_buffer_new(STR("A"));
    parts[1] = sioc_buffer_new(STR("BB"));
    return 0;
}

static int close_parts(void **state)
{
    (void)state;
    sioc_buffer_unref(parts[0]);
    sioc_buffer_unref(parts[1]);
    return 0;
}

/* The transcript, or the name of the error. */
static void expect_read(const char *text, unsigned max_depth, const char *expected)
{
    struct helper_sink h;
    struct buf scratch;
    buf_init(&scratch);
    helper_sink_init(&h);
    struct json_reader r = {.max_depth = max_depth,
                            .scratch = &scratch,
                            .attachments = parts,
                            .attachment_count = 2};
    char *exact = helper_exact(sioc_str(text));
    int rc = json_read(&r, sioc_str_n(exact, strlen(text)), &h.sink);
    assert_string_equal(rc < 0 ? sioc_strerror(rc) : helper_sink_text(&h), expected);
    assert_int_equal(json_read(&r, sioc_str_n(exact, strlen(text)), NULL), rc);
    free(exact);
    helper_sink_deinit(&h);
    buf_deinit(&scratch);
}

#define PLACE(num) "{\"_placeholder\":true,\"num\":" num "}"

static void test_placeholder(void **state)
{
    (void)state;
    const char *illegal = sioc_strerror(SIOC_EPROTO), *syntax = sioc_strerror(SIOC_ESYNTAX);
    expect_read(PLACE("0"), 9, "b<41>");
    expect_read("[" PLACE("1") "," PLACE("0") "," PLACE("1") "]", 9,
                "[ b<4242> b<41> b<4242> ]");
    expect_read("{\"x\":{\"y\":[" PLACE("1") "]}}", 9, "{ k\"x\" { k\"y\" [ b<4242> ] } }");
    expect_read(" { \"num\" : 1 , \"_placeholder\" : true } ", 9, "b<4242>");
    expect_read("{\"a\":\"}\",\"_placeholder\":true,\"b\":1.5,\"num\":0,\"c\":null}", 9,
                "b<41>");
    /* Nested members behind the mark do not matter, before it they decide against it. */
    expect_read("{\"_placeholder\":true,\"x\":[{}],\"num\":0}", 9, "b<41>");
    expect_read("{\"x\":[],\"_placeholder\":true,\"num\":0}", 9,
                "{ k\"x\" [ ] k\"_placeholder\" t k\"num\" i0 }");
    expect_read("{\"num\":{},\"_placeholder\":true}", 9,
                "{ k\"num\" { } k\"_placeholder\" t }");
    static const char *const bad[] = {"2",     "-1",   "0.5",  "0.0", "1e0",
                                      "\"0\"", "null", "true", "-0",  "99999999999999999999",
                                      "[0]",   "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100] = "{\"_placeholder\":true,\"num\":";
        strcat(strcat(text, bad[i]), "}");
        expect_read(text, 9, illegal);
    }
    expect_read("{\"_placeholder\":true}", 9, illegal);
    expect_read("{\"_placeholder\":false,\"num\":0}", 9, "{ k\"_placeholder\" f k\"num\" i0 }");
    expect_read("{\"_placeholder\":1,\"num\":0}", 9, "{ k\"_placeholder\" i1 k\"num\" i0 }");
    expect_read("{\"_placeholder\":\"true\"}", 9, "{ k\"_placeholder\" \"true\" }");
    expect_read("{\"num\":0}", 9, "{ k\"num\" i0 }");
    expect_read("{}", 9, "{ }");
    expect_read("{\"_placeholder\":true,\"num\":0", 9, syntax);
    expect_read("{\"_placeholder\":true,\"num\":01}", 9, syntax);
    expect_read("{\"_placeholder\":true,\"num\":0,}", 9, syntax);
    expect_read("{\"_placeholder\":true,\"num\":0]", 9, syntax);
    expect_read("{\"_placeholder\":truE,\"num\":0}", 9, syntax);
    expect_read("{\"_placeholder\"", 9, syntax);
    expect_read("{,}", 9, syntax);
}

static void test_placeholder_depth(void **state)
{
    (void)state;
    const char *deep = sioc_strerror(SIOC_EDEPTH);
    expect_read("[[" PLACE("0") "]]", 3, "[ [ b<41> ] ]");
    expect_read("[[" PLACE("0") "]]", 2, deep);
    expect_read("{\"_placeholder\":true,\"x\":[[]],\"num\":0}", 3, "b<41>");
    expect_read("{\"_placeholder\":true,\"x\":[[]],\"num\":0}", 2, deep);
    expect_read("{\"_placeholder\":true,\"x\":[],\"num\":0}", 1, deep);
    expect_read(PLACE("0"), 1, "b<41>");
}

static void test_placeholder_truncated(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"a\":1}," PLACE("1") ",{\"_placeholder\":true,\"x\":[\"\\n\"],\"num\":0}]";
    expect_read(text, 9, "[ { k\"a\" i1 } b<4242> b<41> ]");
    char cut[sizeof text];
    for (size_t len = 0; len + 1 < sizeof text; len++) {
        memcpy(cut, text, len);
        cut[len] = '\0';
        expect_read(cut, 9, sioc_strerror(SIOC_ESYNTAX));
    }
}

/* Without attachments a placeholder is an object like any other. */
static void test_no_attachments(void **state)
{
    (void)state;
    struct helper_sink h;
    helper_sink_init(&h);
    struct json_reader r = {.max_depth = 9};
    assert_int_equal(json_read(&r, STR(PLACE("7")), &h.sink), 0);
    assert_string_equal(helper_sink_text(&h), "{ k\"_placeholder\" t k\"num\" i7 }");
    helper_sink_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_first_element),
        cmocka_unit_test_setup_teardown(test_placeholder, open_parts, close_parts),
        cmocka_unit_test_setup_teardown(test_placeholder_depth, open_parts, close_parts),
        cmocka_unit_test_setup_teardown(test_placeholder_truncated, open_parts, close_parts),
        cmocka_unit_test(test_no_attachments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
