/* JSON for hosts: decode and encode through the public functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/helper_sink.h"

static void test_decode(void **state)
{
    (void)state;
    struct helper_sink h;
    size_t at = 77;
    helper_sink_init(&h);
    assert_int_equal(sioc_json_decode(STR(" [\"\\n\",1] "), 1, &h.sink, &at), 0);
    assert_string_equal(helper_sink_text(&h), "[ \"%0a\" i1 ]");
    assert_int_equal(at, 77);
    assert_int_equal(sioc_json_decode(STR("[1,x]"), 1, &h.sink, &at), SIOC_ESYNTAX);
    assert_int_equal(at, 3);
    assert_int_equal(sioc_json_decode(STR("[[]]"), 1, &h.sink, NULL), SIOC_EDEPTH);
    assert_int_equal(sioc_json_decode(STR("\"\xff\""), 1, NULL, &at), SIOC_EUTF8);
    assert_int_equal(at, 1);
    helper_sink_deinit(&h);
}

static void test_encode(void **state)
{
    (void)state;
    struct sioc_json_encoder *e = sioc_json_encoder_new();
    struct sioc_sink *s = sioc_json_encoder_sink(e);
    assert_int_equal(sioc_json_encoder_text(e).len, 0);
    assert_int_equal(sioc_json_decode(STR("{\"a\":[1,2.50]}"), 8, s, NULL), 0);
    assert_true(str_eq(sioc_json_encoder_text(e), STR("{\"a\":[1,2.5]}")));
    sioc_json_encoder_reset(e);
    s->ops->array_begin(s, 1);
    assert_int_equal(sioc_put_text(s, "\xff"), SIOC_EUTF8);
    assert_int_equal(sioc_json_encoder_text(e).len, 0); /* half a text is none */
    sioc_json_encoder_reset(e);
    assert_int_equal(sioc_put_null(s), 0);
    assert_true(str_eq(sioc_json_encoder_text(e), STR("null")));
    sioc_json_encoder_reset(e);
    struct sioc_buffer *data = sioc_buffer_new(STR("x"));
    assert_int_equal(sioc_put_binary(s, data), SIOC_EINVAL);
    sioc_buffer_unref(data);
    sioc_json_encoder_free(e);
    sioc_json_encoder_free(NULL);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    mem_test_fail_at(1, false);
    assert_null(sioc_json_encoder_new());
    mem_test_fail_at(0, false);
    struct sioc_json_encoder *e = sioc_json_encoder_new();
    mem_test_fail_at(1, false);
    assert_int_equal(sioc_put_text(sioc_json_encoder_sink(e), "text"), SIOC_ENOMEM);
    mem_test_fail_at(1, false);
    assert_int_equal(sioc_json_decode(STR("\"\\n\""), 1, sioc_json_encoder_sink(e), NULL),
                     SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    sioc_json_encoder_free(e);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_encode),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
