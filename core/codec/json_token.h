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

/* Eight bytes at once; true when none of them stops a string, or falsely not (borrows add false
 * alarms). */
static inline bool json_plain_word(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t v, q, b;
    memcpy(&v, p, 8);
    q = v ^ ones * '"';
    b = v ^ ones * '\\';
    /* x - ones sets the top bit of a zero byte. */
    return (((q - ones) | (b - ones) | (v - ones * 0x20) | v) & tops) == 0;
}

static inline const char *json_plain_slow(const char *p, const char *end)
{
    while (p < end && (unsigned char)(*p - 0x20) < 0x60 && *p != '"' && *p != '\\')
        p++;
    return p;
}

#ifdef __SSE2__
/* Bit i: the byte p[i] of the 16 stops a string. */
static inline unsigned json_stops(const char *p)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1f);
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* Bytes are signed here, so what is beyond ASCII is not above 0x1f either. */
    __m128i plain =
        _mm_andnot_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                         _mm_cmpgt_epi8(v, last_control));
    return (unsigned)_mm_movemask_epi8(plain) ^ 0xffffu;
}
#endif

/* The same as json_plain_end for the rest of a text: the 16 bytes before p belong to it, and
 * have been looked at. */
const char *json_plain_rest(const char *p, const char *end);

/* The first byte that cannot stand in a JSON string as it is: `"`, `\`, below 0x20 or beyond
 * ASCII; `end` if there is none.  Never reads behind `end`. */
static inline const char *json_plain_end(const char *p, const char *end)
{
#ifdef __SSE2__
    if (end - p >= 16) {
        unsigned stops = json_stops(p);
        return stops ? p + __builtin_ctz(stops) : json_plain_rest(p + 16, end);
    }
    if (end - p >= 8 && json_plain_word(p) && json_plain_word(end - 8))
        return end;
#else
    while (end - p >= 8 && json_plain_word(p))
        p += 8;
#endif
    return json_plain_slow(p, end);
}

#endif
