/* ws/mask.h -- the XOR of RFC 6455, 5.3, in place. */
#ifndef WS_MASK_H
#define WS_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Masks or unmasks; `offset` is how far into the payload bytes[0] is.  Returns whether all that
 * came of it is ASCII: text that is needs no second look. */
bool ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4], uint64_t offset);

#endif
