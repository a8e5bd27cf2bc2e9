/* base/utf8.h -- UTF-8 (RFC 3629): whole strings, streams cut anywhere, and repair.
 * Overlong forms, surrogates and code points above U+10FFFF are invalid.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

bool utf8_valid(struct sioc_str s);
/* Length of the longest valid prefix, in bytes. */
size_t utf8_valid_prefix(struct sioc_str s);

/* A stream: start with state 0, feed pieces; false at the first byte that cannot be right
 * (fails fast inside a fragment).  At the end of the message the state must be 0 again. */
bool utf8_feed(uint32_t *state, struct sioc_str piece);

/* Appends s with every invalid sequence replaced by U+FFFD (as browsers decode). */
void utf8_repair(struct buf *out, struct sioc_str s);

/* Appends one code point (not checked for surrogates). */
void utf8_put(struct buf *out, uint32_t code_point);

#endif
