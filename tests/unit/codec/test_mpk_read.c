/* The msgpack reader: tables, truncation at every byte, depth, elements, failing sinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/helper_sink.h"
#include "codec/mpk_read.h"
#include "codec/mpk_token.h"
#include <stdio.h>
#include <stdlib.h>

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Exactly these bytes on the heap; free() them. */
static struct sioc_str from_hex(struct sioc_str hex)
{
    char *bytes = malloc(hex.len / 2 + (hex.len == 0));
    for (size_t i = 0; i < hex.len / 2; i++)
        bytes[i] = (char)(nibble(hex.ptr[2 * i]) << 4 | nibble(hex.ptr[2 * i + 1]));
    return sioc_str_n(bytes, hex.len / 2);
}

static int read_bytes(struct sioc_str bytes, struct helper_sink *h)
{
    struct mpk_reader r = {.max_depth = 64};
    return mpk_read(&r, bytes, h ? &h->sink : NULL);
}

/* All beginnings of good bytes are cut off, and nothing is read behind them. */
static void refuse_beginnings(struct sioc_str bytes)
{
    struct helper_sink h;
    helper_sink_init(&h);
    for (size_t len = 0; len < bytes.len; len++) {
        char *exact = helper_exact(sioc_str_n(bytes.ptr, len));
        helper_sink_reset(&h);
        assert_int_equal(read_bytes(sioc_str_n(exact, len), &h), SIOC_ESYNTAX);
        assert_int_equal(read_bytes(sioc_str_n(exact, len), NULL), SIOC_ESYNTAX);
        assert_null(strstr(helper_sink_text(&h), "!wrong"));
        free(exact);
    }
    helper_sink_deinit(&h);
}

/* Whatever call of the sink fails, its answer comes back. */
static void fail_each_call(struct sioc_str bytes, size_t calls)
{
    struct helper_sink h;
    helper_sink_init(&h);
    for (size_t n = 1; n <= calls; n++) {
        helper_sink_reset(&h);
        h.fail_at = n;
        h.fail_with = SIOC_ELIMIT;
        assert_int_equal(read_bytes(bytes, &h), SIOC_ELIMIT);
        assert_int_equal(h.calls, n);
    }
    helper_sink_deinit(&h);
}

static void accept_row(const struct helper_row *row)
{
    struct helper_sink h;
    helper_sink_init(&h);
    struct sioc_str bytes = from_hex(row->columns[0]);
    int rc = read_bytes(bytes, &h);
    struct sioc_str got = sioc_str(helper_sink_text(&h));
    if (rc != 0 || !str_eq(got, row->columns[1]))
        print_error("line %d: %s: %.*s\n", row->line, sioc_strerror(rc), SIOC_STR_ARG(got));
    assert_int_equal(rc, 0);
    assert_true(str_eq(got, row->columns[1]));
    assert_int_equal(read_bytes(bytes, NULL), 0);
    fail_each_call(bytes, h.calls);
    helper_sink_reset(&h);
    h.answer = 2; /* good answers of a sink may be any number */
    assert_int_equal(read_bytes(bytes, &h), 0);
    assert_true(str_eq(sioc_str(helper_sink_text(&h)), row->columns[1]));
    refuse_beginnings(bytes);
    free((void *)(uintptr_t)bytes.ptr);
    helper_sink_deinit(&h);
}

static void test_accept(void **state)
{
    (void)state;
    helper_each_row("msgpack_accept.txt", accept_row);
}

static void refuse_row(const struct helper_row *row)
{
    struct helper_sink h;
    helper_sink_init(&h);
    struct sioc_str bytes = from_hex(row->columns[0]);
    int expected = str_eq(row->columns[1], STR("EUTF8")) ? SIOC_EUTF8 : SIOC_ESYNTAX;
    int rc = read_bytes(bytes, &h);
    if (rc != expected)
        print_error("line %d: %s\n", row->line, sioc_strerror(rc));
    assert_int_equal(rc, expected);
    assert_int_equal(read_bytes(bytes, NULL), expected);
    assert_null(strstr(helper_sink_text(&h), "!wrong"));
    free((void *)(uintptr_t)bytes.ptr);
    helper_sink_deinit(&h);
}

static void test_refuse(void **state)
{
    (void)state;
    helper_each_row("msgpack_refuse.txt", refuse_row);
}

static void nest(char *bytes, size_t depth, bool maps)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < depth; i++) {
        bytes[n++] = (char)(maps ? 0x81 : 0x91);
        if (maps)
            bytes[n++] = (char)0xa0;
    }
    bytes[n] = (char)(maps ? 0x80 : 0x90);
}

static void assert_depth(bool maps, unsigned max_depth, size_t depth, int expected)
{
    static char bytes[4096];
    struct mpk_reader r = {.max_depth = max_depth};
    nest(bytes, depth, maps);
    size_t len = (depth - 1) * (maps ? 2 : 1) + 1;
    assert_int_equal(mpk_read(&r, sioc_str_n(bytes, len), NULL), expected);
}

static void test_depth(void **state)
{
    (void)state;
    for (int maps = 0; maps < 2; maps++) {
        assert_depth(maps, 1, 1, 0);
        assert_depth(maps, 1, 2, SIOC_EDEPTH);
        assert_depth(maps, 64, 64, 0);
        assert_depth(maps, 64, 65, SIOC_EDEPTH);
        assert_depth(maps, 65, 65, 0);
        assert_depth(maps, 100000, MPK_DEPTH_MAX, 0);
        assert_depth(maps, 100000, MPK_DEPTH_MAX + 1, SIOC_EDEPTH);
    }
    /* An ext type of [type, bytes] is an array as well. */
    struct mpk_reader r = {.max_depth = 1};
    assert_int_equal(mpk_read(&r, STR("\xd4\x05\x01"), NULL), 0);
    assert_int_equal(mpk_read(&r, STR("\x91\xd4\x05\x01"), NULL), SIOC_EDEPTH);
    assert_int_equal(r.error_at, 4);
}

static void test_error_at(void **state)
{
    (void)state;
    struct mpk_reader r = {.max_depth = 64};
    assert_int_equal(mpk_read(&r, STR("\x92\x01\xc1"), NULL), SIOC_ESYNTAX);
    assert_int_equal(r.error_at, 2);
    assert_int_equal(mpk_read(&r, STR("\x01\x02\x03"), NULL), SIOC_ESYNTAX);
    assert_int_equal(r.error_at, 1);
}

static void assert_elements(struct sioc_str bytes, size_t skip, size_t count, const char *text)
{
    struct helper_sink h;
    struct mpk_reader r = {.max_depth = 64};
    size_t got = 99;
    helper_sink_init(&h);
    assert_int_equal(mpk_read_elements(&r, bytes, skip, SIZE_MAX, &h.sink, &got), 0);
    assert_int_equal(got, count);
    assert_string_equal(helper_sink_text(&h), text);
    assert_int_equal(mpk_read_elements(&r, bytes, skip, SIZE_MAX, NULL, &got), 0);
    helper_sink_deinit(&h);
}

static void test_elements(void **state)
{
    (void)state;
    assert_elements(STR("\x90"), 0, 0, "");
    assert_elements(STR("\x90"), 1, 0, "");
    assert_elements(STR("\x93\xa1"
                        "e\x01\x91\x02"),
                    1, 2, "i1 [ i2 ]");
    assert_elements(STR("\x93\xa1"
                        "e\x01\x91\x02"),
                    0, 3, "\"e\" i1 [ i2 ]");
    assert_elements(STR("\x92\x91\x01\x02"), 9, 0, "");

    struct mpk_reader r = {.max_depth = 64};
    struct helper_sink some;
    size_t got = 99;
    helper_sink_init(&some);
    assert_int_equal(mpk_read_elements(&r, STR("\x93\x01\x02\x03"), 1, 2, &some.sink, &got), 0);
    assert_int_equal(got, 1);
    assert_string_equal(helper_sink_text(&some), "i2");
    helper_sink_deinit(&some);
    got = 99;
    assert_int_equal(mpk_read_elements(&r, STR("\x80"), 0, SIZE_MAX, NULL, &got), SIOC_ESYNTAX);
    assert_int_equal(mpk_read_elements(&r, STR("\x91\x01\x02"), 0, SIZE_MAX, NULL, &got),
                     SIOC_ESYNTAX);
    assert_int_equal(mpk_read_elements(&r, STR("\x92\x01"), 0, SIZE_MAX, NULL, &got),
                     SIOC_ESYNTAX);
    assert_int_equal(mpk_read_elements(&r, STR(""), 0, SIZE_MAX, NULL, &got), SIOC_ESYNTAX);
    assert_int_equal(got, 99);
    r.max_depth = 1; /* the array itself counts */
    assert_int_equal(mpk_read_elements(&r, STR("\x91\x90"), 0, SIZE_MAX, NULL, &got),
                     SIOC_EDEPTH);
}

static void test_front(void **state)
{
    (void)state;
    struct mpk_reader r = {.max_depth = 64};
    struct sioc_str rest = STR("\x91\x01\x02\xc1");
    assert_int_equal(mpk_read_front(&r, &rest, NULL), 0);
    assert_int_equal(rest.len, 2);
    assert_int_equal(mpk_read_front(&r, &rest, NULL), 0);
    assert_int_equal(mpk_read_front(&r, &rest, NULL), SIOC_ESYNTAX);
    assert_int_equal(rest.len, 1);
}

/* What is claimed costs nothing: only what is there is ever allocated. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct helper_sink h;
    helper_sink_init(&h);
    struct mpk_reader r = {.max_depth = 64};
    mem_test_fail_at(1, true);
    assert_int_equal(mpk_read(&r, STR("\xc6\xff\xff\xff\xff"), &h.sink), SIOC_ESYNTAX);
    assert_int_equal(mem_test_count(), 0);
    assert_int_equal(mpk_read(&r, STR("\xc4\x01x"), NULL), 0);
    assert_int_equal(mem_test_count(), 0);
    assert_int_equal(mpk_read(&r, STR("\xc4\x01x"), &h.sink), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    helper_sink_deinit(&h);
}

/* Any bytes: no crash, and the checker and the sink agree. */
static void test_noise(void **state)
{
    (void)state;
    struct helper_sink h;
    helper_sink_init(&h);
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        size_t len = seed % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        seed = seed * 1664525 + 1013904223;
        char *exact = helper_exact(sioc_str_n(bytes, len));
        helper_sink_reset(&h);
        int rc = read_bytes(sioc_str_n(exact, len), &h);
        assert_int_equal(read_bytes(sioc_str_n(exact, len), NULL), rc);
        assert_null(strstr(helper_sink_text(&h), "!wrong"));
        free(exact);
    }
    helper_sink_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),   cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_error_at),
        cmocka_unit_test(test_elements), cmocka_unit_test(test_front),
        cmocka_unit_test(test_noise),    cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
