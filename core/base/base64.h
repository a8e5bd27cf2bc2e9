/* base/base64.h -- base64 (RFC 4648).  Writes the standard alphabet with padding; reads as
 * lenient as the reference server does: both alphabets, padding optional, foreign characters
 * skipped. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

static inline size_t base64_encoded_len(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}
void base64_encode(struct buf *out, struct sioc_str bytes);
void base64_decode_lenient(struct buf *out, struct sioc_str text);
/* Exactly as RFC 4648 says, standard alphabet, padding required; false otherwise. */
bool base64_decode_strict(struct buf *out, struct sioc_str text);

#endif
