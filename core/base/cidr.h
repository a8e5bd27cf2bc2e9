/* base/cidr.h -- ranges of IP addresses ("10.0.0.0/8", "::1", "fd00::/8").
 * Addresses are 16 bytes; IPv4 is mapped into IPv6 (RFC 4291, 2.5.5.2), so both compare alike.
 */
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include <sioc/base.h>

struct cidr {
    uint8_t address[16];
    unsigned bits; /* 0..128, of the mapped form */
};

/* One numeric address, no port, no zone. */
bool cidr_parse_address(struct sioc_str text, uint8_t ret_address[16]);
/* An address, or address/bits; bits that the prefix leaves out must be zero. */
bool cidr_parse(struct sioc_str text, struct cidr *ret_range);
bool cidr_contains(const struct cidr *ranges, size_t count, const uint8_t address[16]);

#endif
