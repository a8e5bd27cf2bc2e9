/* base/utf8.h -- UTF-8 (RFC 3629): whole strings, streams cut anywhere, and repair.
 * Overlong forms, surrogates and code points above U+10FFFF are invalid.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

bool utf8_valid(struct sioc_str s);
/* Length of the longest valid prefix, in bytes. */
size_t utf8_valid_prefix(struct sioc_str s);

/* Length (1..4) of the valid character that fills the front of p[0..len), 0 when there is none;
 * len is 1 or more.  Inline: this is what the JSON reader and writer do with text beyond ASCII.
 */
static inline size_t utf8_char(const char *p, size_t len)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80)
        return 1;
    if (len < 2 || (u[1] & 0xc0) != 0x80 || u[0] < 0xc2)
        return 0;
    if (u[0] < 0xe0)
        return 2;
    if (len < 3 || (u[2] & 0xc0) != 0x80)
        return 0;
    if (u[0] < 0xf0)
        return (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ? 0 : 3;
    if (len < 4 || (u[3] & 0xc0) != 0x80 || u[0] > 0xf4)
        return 0;
    return (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f) ? 0 : 4;
}

/* A stream: start with state 0, feed pieces; false at the first byte that cannot be right
 * (fails fast inside a fragment).  At the end of the message the state must be 0 again. */
bool utf8_feed(uint32_t *state, struct sioc_str piece);

/* Appends s with every invalid sequence replaced by U+FFFD (as browsers decode). */
void utf8_repair(struct buf *out, struct sioc_str s);

/* Writes one code point (not checked for surrogates) to out[0..4); returns its length. */
size_t utf8_write(char *out, uint32_t code_point);
/* The same, appended. */
void utf8_put(struct buf *out, uint32_t code_point);

#endif
