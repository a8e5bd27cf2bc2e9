/* tests/bench/peers/limit_accept.c -- SHA-1 (FIPS 180-4) of one short text, and base64 of the
 * digest. */
#include "limit_accept.h"

#include <stdint.h>
#include <string.h>

#define GUID       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define DIGEST_LEN 20
#define BLOCKS     2 /* key, GUID, the end mark and the length always fit */

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static uint32_t load(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t round_term(unsigned i, const uint32_t v[5])
{
    if (i < 20)
        return ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5a827999;
    if (i < 40)
        return (v[1] ^ v[2] ^ v[3]) + 0x6ed9eba1;
    if (i < 60)
        return ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8f1bbcdc;
    return (v[1] ^ v[2] ^ v[3]) + 0xca62c1d6;
}

static void sha1_block(uint32_t state[5], const uint8_t block[64])
{
    uint32_t w[80], v[5];
    for (unsigned i = 0; i < 16; i++)
        w[i] = load(block + 4 * i);
    for (unsigned i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    memcpy(v, state, sizeof v);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(v[0], 5) + round_term(i, v) + v[4] + w[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (unsigned i = 0; i < 5; i++)
        state[i] += v[i];
}

static void base64(const uint8_t *bytes, size_t len, char *to)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < len ? bytes[i + 2] : 0;
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = i + 1 < len ? digits[group >> 6 & 63] : '=';
        *to++ = i + 2 < len ? digits[group & 63] : '=';
    }
    *to = '\0';
}

void limit_accept(const char *key, size_t len, char ret_accept[LIMIT_ACCEPT_LEN + 1])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t text[BLOCKS * 64] = {0}, digest[DIGEST_LEN];
    if (len > 64)
        len = 64;
    memcpy(text, key, len);
    memcpy(text + len, GUID, sizeof GUID - 1);
    len += sizeof GUID - 1;
    text[len] = 0x80;
    text[sizeof text - 2] = (uint8_t)(len * 8 >> 8);
    text[sizeof text - 1] = (uint8_t)(len * 8);
    for (size_t i = 0; i < BLOCKS; i++)
        sha1_block(state, text + 64 * i);
    for (size_t i = 0; i < DIGEST_LEN; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    base64(digest, DIGEST_LEN, ret_accept);
}
