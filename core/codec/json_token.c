/* codec/json_token.c -- strings and numbers of JSON.
 *
 * Knows no grammar.  The common case of each word is done in one pass over its bytes: strings
 * without escapes are slices of the text, numbers of up to 19 digits are plain arithmetic.
 * Invariant: nothing is read behind `end`, and the locale never matters.
 */
#include "codec/json_token.h"

#include "base/utf8.h"
#include <stdlib.h>

/* ---- where a string stops being plain ---- */

#ifdef __SSE2__
/* Always inline: called from what uses the wide registers it would wait hundreds of cycles for
 * the processor to save their upper halves. */
__attribute__((always_inline)) static inline const char *plain_rest_16(const char *p,
                                                                       const char *end)
{
    for (; end - p >= 16; p += 16) {
        unsigned stops = json_stops(p);
        if (stops)
            return p + __builtin_ctz(stops);
    }
    /* Less than 16 are left; those before them are plain. */
    unsigned stops = p < end ? json_stops(end - 16) : 0;
    return stops ? end - 16 + __builtin_ctz(stops) : end;
}

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2
#include <immintrin.h>

/* All ones where a byte is plain. */
__attribute__((target("avx2"))) static inline __m256i plain_avx2(const char *p)
{
    const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i bad = _mm256_or_si256(_mm256_cmpeq_epi8(v, quote), _mm256_cmpeq_epi8(v, slash));
    return _mm256_andnot_si256(bad, _mm256_cmpgt_epi8(v, _mm256_set1_epi8(0x1f)));
}

/* 64 bytes at once for a third of the instructions: 64 KiB of text, 15,000 instead of 65,000.
 */
__attribute__((target("avx2"))) static const char *plain_rest_avx2(const char *p,
                                                                   const char *end)
{
    for (; end - p >= 64; p += 64) {
        __m256i both = _mm256_and_si256(plain_avx2(p), plain_avx2(p + 32));
        if (_mm256_movemask_epi8(both) != -1)
            break;
    }
    for (; end - p >= 32; p += 32) {
        unsigned stops = ~(unsigned)_mm256_movemask_epi8(plain_avx2(p));
        if (stops)
            return p + __builtin_ctz(stops);
    }
    return plain_rest_16(p, end);
}
#endif

const char *json_plain_rest(const char *p, const char *end)
{
#ifdef HAVE_AVX2
    if (end - p >= 32 && __builtin_cpu_supports("avx2"))
        return plain_rest_avx2(p, end);
#endif
    return plain_rest_16(p, end);
}
#else
const char *json_plain_rest(const char *p, const char *end)
{
    return json_plain_end(p, end);
}
#endif

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Checks one escape; *at is at the backslash. */
static int scan_escape(const char **at, const char *end)
{
    const char *p = *at + 1;
    if (p == end || !memchr("\"\\/bfnrtu", *p, 9)) {
        *at = p;
        return SIOC_ESYNTAX;
    }
    if (*p++ == 'u') {
        for (const char *last = p + 4; p < last; p++) {
            if (p >= end || hex_digit(*p) < 0) {
                *at = p < end ? p : end;
                return SIOC_ESYNTAX;
            }
        }
    }
    *at = p;
    return 0;
}

int json_scan_string(const char **at, const char *end, struct json_string *ret)
{
    const char *start = *at, *p = start;
    bool escaped = false;
    for (;;) {
        p = json_plain_end(p, end);
        if (p < end && *p == '"')
            break;
        *at = p;
        if (p < end && *p == '\\') {
            int rc = scan_escape(at, end);
            if (rc < 0)
                return rc;
            p = *at;
            escaped = true;
        } else if (p == end || (unsigned char)*p < 0x20) {
            return SIOC_ESYNTAX;
        } else {
            /* Text beyond ASCII rarely comes as a single character. */
            while (p < end && (unsigned char)*p >= 0x80) {
                size_t len = utf8_char(p, (size_t)(end - p));
                *at = p;
                if (len == 0)
                    return SIOC_EUTF8;
                p += len;
            }
        }
    }
    ret->raw = sioc_str_n(start, (size_t)(p - start));
    ret->escaped = escaped;
    *at = p + 1;
    return 0;
}

static uint32_t hex4(const char *p)
{
    return (uint32_t)(hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 |
                      hex_digit(p[3]));
}

/* p is behind "\u", 4 checked digits.  Joins a surrogate pair; moves p behind what was used. */
static uint32_t code_point(const char **p, const char *end)
{
    uint32_t c = hex4(*p);
    *p += 4;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        uint32_t low = hex4(*p + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *p += 6;
            return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return 0xfffd; /* half a pair has no UTF-8 */
}

static char unescaped(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

int json_unescape(char *out, size_t cap, struct sioc_str raw, size_t *ret_len)
{
    const char *p = raw.ptr, *end = raw.len ? p + raw.len : p;
    size_t len = 0;
    while (p < end) {
        char piece[4];
        const char *from = piece;
        size_t n = 1;
        if (*p != '\\') {
            const char *slash = memchr(p, '\\', (size_t)(end - p));
            from = p;
            n = (size_t)((slash ? slash : end) - p);
            p += n;
        } else if (p[1] == 'u') {
            p += 2;
            n = utf8_write(piece, code_point(&p, end));
        } else {
            piece[0] = unescaped(p[1]);
            p += 2;
        }
        if (n > cap - len)
            return SIOC_ETOOBIG;
        memcpy(out + len, from, n);
        len += n;
    }
    *ret_len = len;
    return 0;
}

/* The parts of a number's text; value = digits * 10^exponent. */
struct parts {
    const char *start, *end;
    uint64_t digits; /* the first 19 significant ones */
    int exponent;
    bool negative, fraction, too_long; /* fraction: "." or "e"; too_long: more than 19 digits */
};

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && (unsigned char)(*p - '0') < 10;
}

/* A run of digits, at least one; `step` is what each of them does to the exponent. */
static const char *scan_digits(const char *p, const char *end, struct parts *n, int step)
{
    for (; is_digit(p, end); p++) {
        if (n->digits < 1000000000000000000u) {
            n->digits = n->digits * 10 + (unsigned)(*p - '0');
            n->exponent += step;
        } else {
            n->too_long = true;
        }
    }
    return p;
}

static const char *scan_exponent(const char *p, const char *end, int *ret_exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (!is_digit(p, end))
        return NULL;
    int value = 0;
    for (; is_digit(p, end); p++) {
        if (value < 100000) /* far beyond the range of a double, with any 64 bytes before it */
            value = value * 10 + (*p - '0');
    }
    *ret_exponent = negative ? -value : value;
    return p;
}

/* What plain arithmetic cannot do exactly, strtod does.  The copy has no decimal point, so that
 * it does not matter which one the locale wants. */
static double slow_double(const struct parts *n)
{
    char copy[JSON_NUMBER_MAX + 16];
    size_t len = 0;
    const char *p = n->start;
    int exponent = 0;
    bool after_point = false;
    for (; p < n->end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            after_point = true;
            continue;
        }
        copy[len++] = *p;
        exponent -= after_point;
    }
    if (p < n->end) {
        int written = 0;
        scan_exponent(p + 1, n->end, &written);
        exponent += written;
    }
    copy[len++] = 'e';
    if (exponent < 0)
        copy[len++] = '-';
    unsigned rest = (unsigned)(exponent < 0 ? -exponent : exponent);
    for (unsigned unit = 1000000; unit > 0; unit /= 10)
        copy[len++] = (char)('0' + rest / unit % 10);
    copy[len] = '\0';
    return strtod(copy, NULL);
}

static double to_double(const struct parts *n)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    /* Both operands are exact, so the one operation rounds once: the right result. */
    if (n->too_long || n->digits > (uint64_t)1 << 53 || n->exponent > 22 || n->exponent < -22)
        return slow_double(n);
    double value = (double)n->digits;
    value = n->exponent < 0 ? value / powers[-n->exponent] : value * powers[n->exponent];
    return n->negative ? -value : value;
}

/* True when the number is an integer of 64 bits; -0 is none. */
static bool to_integer(const struct parts *n, int64_t *ret)
{
    uint64_t limit = (uint64_t)INT64_MAX + n->negative;
    if (n->fraction || n->too_long || n->digits > limit || (n->negative && n->digits == 0))
        return false;
    *ret = (int64_t)(n->negative ? 0 - n->digits : n->digits);
    return true;
}

static int refuse(const char **at, const char *where)
{
    *at = where;
    return SIOC_ESYNTAX;
}

int json_scan_number(const char **at, const char *end, struct json_number *ret)
{
    struct parts n = {.start = *at};
    const char *p = *at;
    n.negative = p < end && *p == '-';
    p += n.negative;
    if (!is_digit(p, end))
        return refuse(at, p);
    const char *first = p;
    p = scan_digits(p, end, &n, 0);
    if (*first == '0' && p - first > 1)
        return refuse(at, first + 1);
    if (p < end && *p == '.') {
        n.fraction = true;
        if (!is_digit(p + 1, end))
            return refuse(at, p + 1);
        p = scan_digits(p + 1, end, &n, -1);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        int exponent;
        const char *behind = scan_exponent(p + 1, end, &exponent);
        if (!behind)
            return refuse(at, p + 1);
        n.fraction = true;
        n.exponent += exponent;
        p = behind;
    }
    n.end = p;
    if (p - n.start > JSON_NUMBER_MAX)
        return refuse(at, n.start + JSON_NUMBER_MAX);
    ret->is_integer = to_integer(&n, &ret->integer);
    ret->number = ret->is_integer ? (double)ret->integer : to_double(&n);
    *at = p;
    return 0;
}
