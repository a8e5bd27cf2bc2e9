/* The msgpack writer: what the reader reads it writes again, in the shortest form, whatever the
 * driver says about counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/helper_data.h"
#include "codec/mpk_read.h"
#include "codec/mpk_write.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct mpk_writer writer;
    struct buf out, stack;
};

static struct sioc_sink *begin(struct fixture *f)
{
    buf_init(&f->out);
    buf_init(&f->stack);
    mpk_writer_init(&f->writer, &f->out, &f->stack, 64);
    return &f->writer.sink;
}

static void end(struct fixture *f)
{
    buf_deinit(&f->out);
    buf_deinit(&f->stack);
}

static void assert_hex(struct fixture *f, struct sioc_str hex)
{
    char text[3];
    assert_int_equal(f->out.error, 0);
    assert_int_equal(f->out.len * 2, hex.len);
    for (size_t i = 0; i < f->out.len; i++) {
        snprintf(text, sizeof text, "%02x", f->out.bytes[i]);
        assert_memory_equal(text, hex.ptr + 2 * i, 2);
    }
    end(f);
}

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void same_row(const struct helper_row *row)
{
    struct fixture f;
    unsigned char bytes[128];
    struct sioc_str hex = row->columns[0];
    struct mpk_reader reader = {.max_depth = 64};
    if (row->count < 3)
        return;
    assert_true(hex.len / 2 <= sizeof bytes);
    for (size_t i = 0; i < hex.len / 2; i++)
        bytes[i] = (unsigned char)(nibble(hex.ptr[2 * i]) << 4 | nibble(hex.ptr[2 * i + 1]));
    assert_int_equal(mpk_read(&reader, sioc_str_n(bytes, hex.len / 2), begin(&f)), 0);
    assert_int_equal(f.writer.count, 1);
    assert_hex(&f, hex);
}

static void test_same(void **state)
{
    (void)state;
    helper_each_row("msgpack_accept.txt", same_row);
}

static void assert_number(double number, const char *hex)
{
    struct fixture f;
    assert_int_equal(sioc_put_number(begin(&f), number), 0);
    assert_hex(&f, sioc_str(hex));
}

static void test_numbers(void **state)
{
    (void)state;
    assert_number(3, "03");
    assert_number(-1, "ff");
    assert_number(-0.0, "00");
    assert_number(9007199254740992.0, "cf0020000000000000");
    assert_number(1e300, "cb7e37e43c8800759c");
    assert_number((double)NAN, "c0");
    assert_number(-(double)INFINITY, "c0");
}

/* announced: what the driver says; the bytes are the same. */
static void assert_ints(size_t count, size_t announced, size_t head, uint8_t first)
{
    struct fixture f;
    struct sioc_sink *sink = begin(&f);
    sioc_put_null(sink);
    assert_int_equal(sink->ops->array_begin(sink, announced), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sioc_put_int(sink, (int64_t)(i % 100)), 0);
    assert_int_equal(sink->ops->array_end(sink), 0);
    assert_int_equal(sioc_put_bool(sink, true), 0);
    assert_int_equal(f.out.len, 1 + head + count + 1);
    assert_int_equal(f.out.bytes[1], first);
    assert_int_equal(f.out.bytes[f.out.len - 1], 0xc3);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(f.out.bytes[1 + head + i], i % 100);
    struct mpk_reader reader = {.max_depth = 64};
    struct sioc_str rest = sioc_str_n(f.out.bytes + 1, f.out.len - 1);
    assert_int_equal(mpk_read_front(&reader, &rest, NULL), 0);
    assert_int_equal(rest.len, 1);
    assert_int_equal(f.writer.count, 3);
    end(&f);
}

static void test_counts(void **state)
{
    static const size_t counts[] = {0, 1, 15, 16, 17, 65535, 65536, SIOC_COUNT_UNKNOWN};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_ints(0, counts[i], 1, 0x90);
        assert_ints(15, counts[i], 1, 0x9f);
        assert_ints(16, counts[i], 3, 0xdc);
        assert_ints(65535, counts[i], 3, 0xdc);
        assert_ints(65536, counts[i], 5, 0xdd);
    }
}

static void test_maps_of_unknown_length(void **state)
{
    struct fixture f;
    struct sioc_sink *sink = begin(&f);
    (void)state;
    sink->ops->map_begin(sink, SIOC_COUNT_UNKNOWN);
    for (int i = 0; i < 16; i++) {
        sink->ops->map_key(sink, STR("k"));
        sink->ops->map_begin(sink, SIOC_COUNT_UNKNOWN);
        sink->ops->map_key(sink, STR(""));
        sioc_put_null(sink);
        sink->ops->map_end(sink);
    }
    assert_int_equal(sink->ops->map_end(sink), 0);
    assert_int_equal(f.out.len, 3 + 16 * 5);
    assert_memory_equal(f.out.bytes, "\xde\x00\x10\xa1k\x81\xa0\xc0\xa1k\x81\xa0\xc0", 13);
    end(&f);
}

static void test_long_values(void **state)
{
    static char text[70000];
    static const struct {
        size_t len, head;
        uint8_t string, binary;
    } rows[] = {{32, 2, 0xd9, 0xc4},
                {255, 2, 0xd9, 0xc4},
                {256, 3, 0xda, 0xc5},
                {70000, 5, 0xdb, 0xc6}};
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        sioc_put_str(begin(&f), sioc_str_n(text, rows[i].len));
        assert_int_equal(f.out.bytes[0], rows[i].string);
        assert_int_equal(f.out.len, rows[i].head + rows[i].len);
        end(&f);
        struct sioc_buffer *data = sioc_buffer_new(sioc_str_n(text, rows[i].len));
        sioc_put_binary(begin(&f), data);
        sioc_buffer_unref(data);
        assert_int_equal(f.out.bytes[0], rows[i].binary);
        assert_int_equal(f.out.len, (rows[i].len < 256 ? 2 : rows[i].head) + rows[i].len);
        end(&f);
    }
}

static void test_raw_json(void **state)
{
    struct fixture f;
    struct sioc_sink *sink = begin(&f);
    (void)state;
    assert_int_equal(sink->ops->raw_json(sink, STR("{\"a\\n\":[1,null,1.5]}")), 0);
    assert_hex(&f, STR("81a2610a9301c0cb3ff8000000000000"));
    sink = begin(&f);
    assert_int_equal(sink->ops->raw_json(sink, STR("[1")), SIOC_ESYNTAX);
    assert_int_equal(sioc_put_null(sink), SIOC_ESYNTAX); /* sticky */
    end(&f);
}

static void test_refusals(void **state)
{
    struct fixture f;
    struct sioc_sink *sink = begin(&f);
    (void)state;
    assert_int_equal(sioc_put_str(sink, STR("\xff")), SIOC_EUTF8);
    end(&f);
    sink = begin(&f);
    sink->ops->map_begin(sink, 1);
    assert_int_equal(sink->ops->map_key(sink, STR("\xff")), SIOC_EUTF8);
    end(&f);
    sink = begin(&f);
    for (int i = 0; i < 64; i++)
        assert_int_equal(sink->ops->array_begin(sink, 1), 0);
    assert_int_equal(sink->ops->array_begin(sink, 1), SIOC_EDEPTH);
    end(&f);
    sink = begin(&f);
    assert_int_equal(sink->ops->array_end(sink), SIOC_EINVAL);
    end(&f);
    sink = begin(&f);
    assert_int_equal(sink->ops->map_key(sink, STR("k")), SIOC_EINVAL);
    end(&f);
}

/* Each allocation fails in turn. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; n < 10; n++) {
        struct fixture f;
        struct sioc_sink *sink = begin(&f);
        mem_test_fail_at(n, true);
        for (int i = 0; i < 10; i++) {
            sink->ops->array_begin(sink, SIOC_COUNT_UNKNOWN);
            sink->ops->map_begin(sink, SIOC_COUNT_UNKNOWN);
            sink->ops->map_key(sink, STR("a key that is long"));
        }
        for (int i = 0; i < 10; i++) {
            sink->ops->map_end(sink);
            sink->ops->array_end(sink);
        }
        size_t asked = mem_test_count();
        mem_test_fail_at(0, false);
        assert_int_equal(f.out.error, asked >= n ? SIOC_ENOMEM : 0);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_counts),      cmocka_unit_test(test_maps_of_unknown_length),
        cmocka_unit_test(test_long_values), cmocka_unit_test(test_raw_json),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
