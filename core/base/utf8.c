/* base/utf8.c -- UTF-8 by one small automaton, behind a fast path for ASCII.
 *
 * Knows RFC 3629 only.  The state says which byte may come next: how many continuation bytes
 * are due (bits 0..7) and the bounds of the next one (bits 8..15 and 16..23).  The bounds do
 * all the work: overlong forms, surrogates and too large code points are wrong at their second
 * byte. Invariant: state 0 means "between two characters".
 */
#include "base/utf8.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define STATE(need, low, high) \
    ((uint32_t)(need) | (uint32_t)(low) << 8 | (uint32_t)(high) << 16)
#define STATE_BAD UINT32_MAX
#define HIGH_BITS 0x8080808080808080u

/* The state behind a lead byte. */
static inline uint32_t lead(uint8_t c)
{
    if (c < 0x80)
        return 0;
    if (c < 0xc2 || c > 0xf4)
        return STATE_BAD;
    if (c < 0xe0)
        return STATE(1, 0x80, 0xbf);
    if (c < 0xf0)
        return STATE(2, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf);
    return STATE(3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf);
}

static inline uint32_t step(uint32_t state, uint8_t c)
{
    if (state == 0)
        return lead(c);
    if (c < (state >> 8 & 0xff) || c > (state >> 16 & 0xff))
        return STATE_BAD;
    uint32_t need = (state & 0xff) - 1;
    return need ? STATE(need, 0x80, 0xbf) : 0;
}

/* Length of the run of ASCII at p, rounded down to whole words. */
static inline size_t ascii_words(const uint8_t *p, size_t len)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; len - i >= 64; i += 64) {
        const __m128i *v = (const __m128i *)(const void *)(p + i);
        __m128i all =
            _mm_or_si128(_mm_or_si128(_mm_loadu_si128(v), _mm_loadu_si128(v + 1)),
                         _mm_or_si128(_mm_loadu_si128(v + 2), _mm_loadu_si128(v + 3)));
        if (_mm_movemask_epi8(all))
            break;
    }
#endif
    for (; len - i >= 16; i += 16) {
        uint64_t a, b;
        memcpy(&a, p + i, 8);
        memcpy(&b, p + i + 8, 8);
        if ((a | b) & HIGH_BITS)
            break;
    }
    return i;
}

size_t utf8_valid_prefix(struct sioc_str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        i += ascii_words(p + i, s.len - i);
        /* Text beyond ASCII rarely comes as a single character: no new run is tried in it. */
        do {
            size_t len = i < s.len ? utf8_char(s.ptr + i, s.len - i) : 0;
            if (len == 0)
                return i;
            i += len;
        } while (i < s.len && p[i] >= 0x80);
    }
    return i;
}

bool utf8_valid(struct sioc_str s)
{
    return utf8_valid_prefix(s) == s.len;
}

bool sioc_utf8_valid(struct sioc_str text)
{
    return utf8_valid(text);
}

bool utf8_feed(uint32_t *state, struct sioc_str piece)
{
    const uint8_t *p = (const uint8_t *)piece.ptr;
    uint32_t now = *state;
    size_t i = 0;
    if (now == STATE_BAD)
        return false;
    /* The automaton is for the cut characters at both ends; what lies between is whole. */
    while (now != 0 && now != STATE_BAD && i < piece.len)
        now = step(now, p[i++]);
    if (now == 0 && i < piece.len) {
        i += utf8_valid_prefix(sioc_str_n(p + i, piece.len - i));
        while (now != STATE_BAD && i < piece.len)
            now = step(now, p[i++]);
    }
    *state = now;
    return now != STATE_BAD;
}

void utf8_repair(struct buf *out, struct sioc_str s)
{
    static const char replacement[] = "\xef\xbf\xbd";
    for (;;) {
        size_t good = utf8_valid_prefix(s);
        buf_put(out, s.ptr, good);
        if (good == s.len)
            return;
        /* One replacement for the longest run that could have begun a character. */
        const uint8_t *p = (const uint8_t *)s.ptr + good;
        size_t left = s.len - good, bad = 1;
        uint32_t state = lead(p[0]);
        while (state != STATE_BAD && bad < left) {
            state = step(state, p[bad]);
            if (state != STATE_BAD)
                bad++;
        }
        buf_put(out, replacement, 3);
        s.ptr += good + bad;
        s.len -= good + bad;
    }
}

size_t utf8_write(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00 >> len & 0xff) | c);
    return len;
}

void utf8_put(struct buf *out, uint32_t c)
{
    char bytes[4];
    buf_put(out, bytes, utf8_write(bytes, c));
}
