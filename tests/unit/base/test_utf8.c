/* UTF-8: every two-byte and boundary case against the definition, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

/* Valid text and how it is cut: the length of its valid prefix, and what repair makes of it. */
struct row {
    const char *text;
    size_t good;
    const char *repaired;
};

#define X "\xef\xbf\xbd"

static const struct row rows[] = {
    {"", 0, ""},
    {"hello", 5, "hello"},
    {"\xc3\xa9", 2, "\xc3\xa9"},
    {"\xe2\x82\xac", 3, "\xe2\x82\xac"},
    {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
    {"\xef\xbf\xbf", 3, "\xef\xbf\xbf"},
    {"\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf"},
    {"\x80", 0, X},
    {"a\xff", 1, "a" X},
    {"\xc0\x80", 0, X X},       /* overlong NUL */
    {"\xc1\xbf", 0, X X},       /* overlong */
    {"\xe0\x9f\xbf", 0, X X X}, /* overlong */
    {"\xe0\xa0\x80", 3, "\xe0\xa0\x80"},
    {"\xed\x9f\xbf", 3, "\xed\x9f\xbf"},
    {"\xed\xa0\x80", 0, X X X}, /* surrogate */
    {"\xee\x80\x80", 3, "\xee\x80\x80"},
    {"\xf0\x8f\xbf\xbf", 0, X X X X}, /* overlong */
    {"\xf0\x90\x80\x80", 4, "\xf0\x90\x80\x80"},
    {"\xf4\x90\x80\x80", 0, X X X X}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 0, X X X X},
    {"\xe2\x82", 0, X}, /* cut: one replacement for what could have been */
    {"\xf0\x9f\x98", 0, X},
    {"\xf0\x9f\x98z", 0, X "z"},
    {"\xe2(\xa1", 0, X "(" X},
    {"ab\xc3\xa9\xc3", 4, "ab\xc3\xa9" X},
    {"0123456789abcdef0123456789abcde\xc3\xa9", 33, "0123456789abcdef0123456789abcde\xc3\xa9"},
    {"0123456789abcdef0123456789abcde\xc3", 31, "0123456789abcdef0123456789abcde" X},
    {"0123456789abcde\xff"
     "0123456789abcdef",
     15, "0123456789abcde" X "0123456789abcdef"},
};
#define ROWS (sizeof rows / sizeof *rows)

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        /* An exact copy on the heap: reading past the end is seen. */
        size_t len = strlen(rows[i].text);
        char *copy = mem_alloc(len);
        memcpy(copy, rows[i].text, len);
        struct sioc_str text = sioc_str_n(copy, len);
        assert_int_equal(utf8_valid_prefix(text), rows[i].good);
        assert_int_equal(utf8_valid(text), rows[i].good == len);
        struct buf out;
        buf_init(&out);
        utf8_repair(&out, text);
        assert_true(str_eq(buf_str(&out), sioc_str(rows[i].repaired)));
        assert_true(utf8_valid(buf_str(&out)));
        buf_deinit(&out);
        mem_free(copy);
    }
}

/* Fed in two pieces, cut anywhere, a stream says what the whole says. */
static void test_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct sioc_str text = sioc_str(rows[i].text);
        for (size_t cut = 0; cut <= text.len; cut++) {
            uint32_t s = 0;
            bool good =
                utf8_feed(&s, str_part(text, 0, cut)) && utf8_feed(&s, str_from(text, cut));
            assert_int_equal(good && s == 0, utf8_valid(text));
            if (!good)
                assert_false(utf8_feed(&s, STR("a"))); /* stays bad */
        }
    }
    uint32_t s = 0;
    assert_true(utf8_feed(&s, STR("\xf4")));
    assert_false(utf8_feed(&s, STR("\x90"))); /* fails as soon as it cannot be right */
}

/* By the definition: decode, then compare with the one right spelling. */
static bool valid_by_definition(const unsigned char *p, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0x80)
        return len == 1;
    size_t want = p[0] >= 0xf8 ? 0 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    if (want == 0 || want != len)
        return false;
    uint32_t c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
        c = c << 6 | (p[i] & 0x3f);
    }
    return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static void test_exhaustive(void **state)
{
    (void)state;
    static const unsigned char tails[] = {0x00, 0x7f, 0x80, 0x8f, 0x90,
                                          0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    const size_t n = sizeof tails;
    for (unsigned a = 0x80; a < 0x100; a++) {
        for (unsigned b = 0; b < 0x100; b++) {
            for (size_t c = 0; c < n * n; c++) {
                const unsigned char p[4] = {(unsigned char)a, (unsigned char)b, tails[c % n],
                                            tails[c / n]};
                size_t found = 0;
                for (size_t len = 1; len <= 4; len++) {
                    if (valid_by_definition(p, len))
                        found = len;
                }
                assert_int_equal(utf8_char((const char *)p, 4), found);
                if (found > 1)
                    assert_int_equal(utf8_char((const char *)p, found - 1), 0);
                for (size_t len = 1; len <= 4 && found; len++)
                    assert_int_equal(utf8_valid_prefix(sioc_str_n(p, len)) >= found,
                                     len >= found);
            }
        }
    }
}

static void test_put(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out);
    for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x11000 ? 1 : 97) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        buf_reset(&out);
        utf8_put(&out, c);
        assert_true(utf8_valid(buf_str(&out)));
        assert_int_equal(out.len, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
    }
    buf_reset(&out);
    utf8_put(&out, 0x20ac);
    utf8_put(&out, 0x1f600);
    assert_true(str_eq(buf_str(&out), STR("\xe2\x82\xac\xf0\x9f\x98\x80")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_exhaustive),
        cmocka_unit_test(test_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
