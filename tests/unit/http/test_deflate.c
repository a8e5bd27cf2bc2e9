/* Compressed bodies: what zlib's other half reads, and which coding a client gets. */
#include "base/mem.h"
#include "base/str.h"
#include "http/deflate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

static void assert_coding(const char *header, enum http_coding expected)
{
    enum http_coding got = http_coding_wanted(sioc_str(header));
    if (got != expected)
        fail_msg("\"%s\" gives %d, not %d", header, (int)got, (int)expected);
}

static void chooses_as_the_reference(void **state)
{
    (void)state;
    assert_coding("gzip, deflate", HTTP_GZIP);
    assert_coding("deflate, gzip", HTTP_DEFLATE);
    assert_coding("deflate, gzip;q=0.5", HTTP_DEFLATE);
    assert_coding("deflate;q=0.5, gzip", HTTP_GZIP);
    assert_coding("GZIP", HTTP_GZIP);
    assert_coding("*", HTTP_GZIP);
    assert_coding("gzip;q=0", HTTP_IDENTITY);
    assert_coding("gzip;q=0, deflate;q=0.1", HTTP_DEFLATE);
    assert_coding("gzip;q=0, *", HTTP_DEFLATE);
    assert_coding("br", HTTP_IDENTITY);
    assert_coding("br, gzip;q=0.001", HTTP_GZIP);
    assert_coding("", HTTP_IDENTITY);
    assert_coding("identity", HTTP_IDENTITY);
    assert_int_equal(http_coding_wanted((struct sioc_str){NULL, 0}), HTTP_IDENTITY);
    assert_true(str_eq(http_coding_name(HTTP_GZIP), STR("gzip")));
    assert_true(str_eq(http_coding_name(HTTP_DEFLATE), STR("deflate")));
}

static void assert_inflates(struct sioc_str coded, int bits, const uint8_t *body, size_t len)
{
    uint8_t *out = mem_alloc(len + 1);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)coded.ptr, .avail_in = (uInt)coded.len};
    assert_int_equal(inflateInit2(&z, bits), Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)len + 1;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, len);
    assert_int_equal(z.avail_in, 0);
    assert_memory_equal(out, body, len);
    inflateEnd(&z);
    mem_free(out);
}

static void bodies_are_whole_and_independent(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1024, 65536, 1000000};
    struct http_compressor *c = http_compressor_new();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *body = mem_alloc(sizes[i] + 1);
        uint32_t seed = 1; /* noise does not shrink: the bound must hold */
        for (size_t n = 0; n < sizes[i]; n++)
            body[n] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
        for (int coding = HTTP_GZIP; coding < HTTP_CODINGS; coding++) {
            struct buf out;
            buf_init(&out);
            assert_int_equal(
                http_compress(c, (enum http_coding)coding, sioc_str_n(body, sizes[i]), &out),
                0);
            assert_inflates(buf_str(&out), coding == HTTP_GZIP ? 31 : 15, body, sizes[i]);
            buf_deinit(&out);
        }
        mem_free(body);
    }
    http_compressor_free(c);
    http_compressor_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_as_the_reference),
        cmocka_unit_test(bodies_are_whole_and_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
