/* base/cidr.c -- see cidr.h. */
#include "base/cidr.h"
#include "base/str.h"
#include <arpa/inet.h>

#define TEXT_MAX 46 /* INET6_ADDRSTRLEN */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

bool cidr_parse_address(struct sioc_str text, uint8_t ret_address[16])
{
    char copy[TEXT_MAX];
    uint8_t v4[4];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, v4) == 1) {
        memcpy(ret_address, mapped, sizeof mapped);
        memcpy(ret_address + sizeof mapped, v4, sizeof v4);
        return true;
    }
    return inet_pton(AF_INET6, copy, ret_address) == 1;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;
    return rest == 0 || (a[whole] & mask) == (b[whole] & mask);
}

static bool zero_behind(const uint8_t *address, unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        if (address[i / 8] & (0x80u >> i % 8))
            return false;
    return true;
}

bool cidr_parse(struct sioc_str text, struct cidr *ret_range)
{
    struct cidr range = {.bits = 128};
    size_t slash = str_find(text, '/');
    struct sioc_str address = str_part(text, 0, slash);
    if (!cidr_parse_address(address, range.address))
        return false;
    bool v4 = str_find(address, ':') == address.len;
    if (slash < text.len) {
        uint64_t bits;
        if (!str_to_u64(str_from(text, slash + 1), v4 ? 32 : 128, &bits))
            return false;
        range.bits = (unsigned)bits + (v4 ? 96 : 0);
    }
    if (!zero_behind(range.address, range.bits))
        return false;
    *ret_range = range;
    return true;
}

bool cidr_contains(const struct cidr *ranges, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++)
        if (same_prefix(ranges[i].address, address, ranges[i].bits))
            return true;
    return false;
}
