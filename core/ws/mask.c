/* ws/mask.c -- the XOR of RFC 6455, 5.3.
 *
 * Knows bytes only.  Invariant: unaligned addresses cost nothing but speed: words are moved by
 * memcpy, which compilers turn into plain (and vector) loads.
 */
#include "ws/mask.h"
#include <string.h>

#define WORD  sizeof(uint64_t)
#define BLOCK (4 * WORD)

static inline void xor_word(uint8_t *bytes, uint64_t key)
{
    uint64_t word;
    memcpy(&word, bytes, WORD);
    word ^= key;
    memcpy(bytes, &word, WORD);
}

void ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4], uint64_t offset)
{
    uint8_t turned[WORD];
    uint64_t key;
    for (size_t i = 0; i < WORD; i++)
        turned[i] = mask[(offset + i) & 3];
    memcpy(&key, turned, WORD);

    size_t i = 0;
    /* Four words side by side: a block is two or one vector operations even at -O2. */
    for (; len - i >= BLOCK; i += BLOCK) {
        uint64_t words[4];
        memcpy(words, bytes + i, BLOCK);
        for (size_t k = 0; k < 4; k++)
            words[k] ^= key;
        memcpy(bytes + i, words, BLOCK);
    }
    for (; len - i >= WORD; i += WORD)
        xor_word(bytes + i, key);
    for (size_t k = 0; i + k < len; k++)
        bytes[i + k] ^= turned[k];
}
