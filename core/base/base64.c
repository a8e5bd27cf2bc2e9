/* base/base64.c -- base64 to and fro.
 *
 * Knows RFC 4648 and, for reading, what Node's Buffer puts up with.  Invariant: a refused text
 * leaves the output buffer as it was.
 */
#include "base/base64.h"

static const char alphabet[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct sioc_str bytes)
{
    if (bytes.len > SIZE_MAX / 4 * 3 - 3) {
        if (!out->error)
            out->error = SIOC_ETOOBIG;
        return;
    }
    size_t len = base64_encoded_len(bytes.len);
    uint8_t *to = len ? buf_reserve(out, len) : NULL;
    if (!to)
        return;
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *to++ = (uint8_t)alphabet[v >> 18];
        *to++ = (uint8_t)alphabet[v >> 12 & 63];
        *to++ = (uint8_t)alphabet[v >> 6 & 63];
        *to++ = (uint8_t)alphabet[v & 63];
    }
    if (left) {
        uint32_t v = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
        *to++ = (uint8_t)alphabet[v >> 18];
        *to++ = (uint8_t)alphabet[v >> 12 & 63];
        *to++ = left == 2 ? (uint8_t)alphabet[v >> 6 & 63] : '=';
        *to++ = '=';
    }
    buf_commit(out, len);
}

/* 0..63, or -1 for a foreign character; '-' and '_' count only when `url`. */
static int digit(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || (url && c == '-'))
        return 62;
    if (c == '/' || (url && c == '_'))
        return 63;
    return -1;
}

void base64_decode_lenient(struct buf *out, struct sioc_str text)
{
    uint8_t *to = text.len ? buf_reserve(out, text.len / 4 * 3 + 3) : NULL;
    if (!to)
        return;
    uint8_t *start = to;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        int value = digit((uint8_t)text.ptr[i], true);
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (uint8_t)(bits >> have);
        }
    }
    buf_commit(out, (size_t)(to - start));
}

/* Decodes the text's digits, which are without padding; false at a foreign character or when
 * bits that stand for nothing are not zero (two spellings of the same bytes). */
static bool decode_digits(uint8_t *to, struct sioc_str digits)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int value = digit((uint8_t)digits.ptr[i], false);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) == 0;
}

bool base64_decode_strict(struct buf *out, struct sioc_str text)
{
    if (text.len % 4 != 0)
        return false;
    if (text.len == 0)
        return true;
    size_t padding = text.ptr[text.len - 1] != '=' ? 0 : text.ptr[text.len - 2] != '=' ? 1 : 2;
    size_t len = text.len / 4 * 3 - padding;
    /* Room for whole groups: the digits are written before they are known to be right. */
    uint8_t *to = buf_reserve(out, text.len / 4 * 3);
    if (!to || !decode_digits(to, sioc_str_n(text.ptr, text.len - padding)))
        return false;
    buf_commit(out, len);
    return true;
}
