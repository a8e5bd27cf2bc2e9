/* codec/json_token.h -- the words of JSON: strings and numbers, where they end and what they
 * say. Shared by the reader and the cursor.  Knows no grammar, no sink, no heap.
 *
 * A scanner moves *at behind the word it read; on failure *at is the offending byte (or the
 * end).
 */
#ifndef CODEC_JSON_TOKEN_H
#define CODEC_JSON_TOKEN_H

#include <sioc/base.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define JSON_NUMBER_MAX 64   /* bytes of a number's text */
#define JSON_DEPTH_MAX  1024 /* nesting that is never exceeded, whatever the caller allows */

struct json_string {
    struct sioc_str raw; /* between the quotes, checked: UTF-8 and escapes are right */
    bool escaped;
};

struct json_number {
    bool is_integer;
    int64_t integer;
    double number; /* set for integers, too */
};

/* *at is behind the opening quote.  0, SIOC_ESYNTAX or SIOC_EUTF8. */
int json_scan_string(const char **at, const char *end, struct json_string *ret);
/* *at is at the sign or the first digit.  0 or SIOC_ESYNTAX. */
int json_scan_number(const char **at, const char *end, struct json_number *ret);

/* Writes a checked raw string without its escapes to out[0..cap).  raw.len bytes are always
 * enough; 0, or SIOC_ETOOBIG when less was not. */
int json_unescape(char *out, size_t cap, struct sioc_str raw, size_t *ret_len);

static inline void json_skip_space(const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    *at = p;
}

/* The first byte that cannot stand in a JSON string as it is: `"`, `\`, below 0x20 or beyond
 * ASCII; `end` if there is none.  Never reads behind `end`. */
static inline const char *json_plain_end(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Bytes are signed here, so "less than space" holds for 0x80 and above as well. */
        __m128i stop =
            _mm_or_si128(_mm_cmplt_epi8(v, space),
                         _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        int bits = _mm_movemask_epi8(stop);
        if (bits)
            return p + __builtin_ctz((unsigned)bits);
    }
#endif
    for (; end - p >= 8; p += 8) {
        const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
        uint64_t v, q, b;
        memcpy(&v, p, 8);
        q = v ^ ones * '"';
        b = v ^ ones * '\\';
        /* x - ones sets the top bit of a zero byte; borrows can only add false alarms, which
         * the loop below sorts out. */
        if (((q - ones) | (b - ones) | (v - ones * 0x20) | v) & tops)
            break;
    }
    while (p < end && (unsigned char)(*p - 0x20) < 0x60 && *p != '"' && *p != '\\')
        p++;
    return p;
}

#endif
