/* Accept-Encoding: weights, order, wildcards, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/accept.h"

static const struct sioc_str offers[] = {{"br", 2}, {"gzip", 4}, {"deflate", 7}};

static const char *pick(struct sioc_str header)
{
    int choice = http_accept_encoding(header, offers, 3);
    return choice < 0 ? "identity" : offers[choice].ptr;
}

static void test_choices(void **state)
{
    (void)state;
    static const struct {
        const char *header, *choice;
    } cases[] = {
        {"", "identity"},
        {"gzip", "gzip"},
        {"GZip", "gzip"},
        {"gzip, deflate, br", "gzip"}, /* equal: the client's order */
        {"br, gzip", "br"},
        {"deflate, gzip;q=0.5", "deflate"},
        {"deflate;q=0.5, gzip", "gzip"},
        {"gzip;q=0.8, br;q=0.9, deflate;q=0.85", "br"},
        {"gzip;q=0.001, br;q=0.002", "br"},
        {"gzip;q=0", "identity"},
        {"gzip;q=0.000", "identity"},
        {"*", "br"},
        {"br;q=0, *", "gzip"},
        {"gzip;q=0.5, *;q=0.1", "gzip"},
        {"gzip;q=0.1, *;q=0.5", "br"},
        {"*;q=0", "identity"},
        {"identity, gzip;q=0.5", "identity"},
        {"identity;q=0.5, gzip", "gzip"},
        {"zstd, gzip;q=0.1", "gzip"},
        {"zstd", "identity"},
        {" gzip ; q=0.5 ,\tbr ; q=0.7 ", "br"},
        {"gzip;q=2, br;q=0.1", "br"},     /* what cannot be read is skipped */
        {"gzip;q=1.001, br;q=0.1", "br"}, /* more than 1 */
        {"gzip;q=-1, br;q=0.1", "br"},
        {"gzip;q=0.1234, br;q=0.1", "br"},
        {"gzip;q=, br;q=0.1", "br"},
        {"gzip;q=1.", "gzip"},
        {"gzip;level=9;q=0.5, br;q=0.6", "br"},
        {",,;q=1,gzip,,", "gzip"},
        {"gzip br", "identity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(pick(sioc_str(cases[i].header)), cases[i].choice);
    assert_string_equal(pick((struct sioc_str){NULL, 0}), "identity");
}

static void test_nothing_on_offer(void **state)
{
    (void)state;
    assert_int_equal(http_accept_encoding(STR("gzip, *"), offers, 0), -1);
}

/* A header made to be slow is read in linear time all the same. */
static void test_hostile_length(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    while (b.len < 100000)
        buf_put_str(&b, STR("*,"));
    buf_put_str(&b, STR("br;q=0,gzip;q=0,deflate;q=0"));
    uint64_t start = clock_mono_ms();
    assert_string_equal(pick(buf_str(&b)), "identity");
    assert_true(clock_mono_ms() - start < 2000);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_nothing_on_offer),
        cmocka_unit_test(test_hostile_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
