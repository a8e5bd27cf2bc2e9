/* net/proxy.c -- see proxy.h.  Unknown families and all TLVs are skipped. */
#include "net/proxy.h"
#include "base/cidr.h"
#include "base/str.h"

#define V1_MAX 107 /* bytes, with CRLF */

static const uint8_t v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* ---- version 1: "PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n" ---- */

static int read_v1(struct sioc_str in, struct net_proxy_head *ret)
{
    struct sioc_str line = str_part(in, 0, str_find(in, '\n'));
    if (line.len >= V1_MAX)
        return SIOC_EPROTO;
    if (line.len == in.len)
        return 0;
    if (line.len == 0 || line.ptr[line.len - 1] != '\r')
        return SIOC_EPROTO;
    int total = (int)line.len + 1;
    line.len--;
    struct sioc_str words[6];
    size_t count = 0;
    while (count < 6 && str_next(&line, ' ', &words[count]))
        count++;
    if (count >= 2 && str_eq(words[1], STR("UNKNOWN")))
        return total;
    uint64_t port;
    bool v4 = count == 6 && str_eq(words[1], STR("TCP4")),
         v6 = count == 6 && str_eq(words[1], STR("TCP6"));
    bool has_colon = count == 6 && str_find(words[2], ':') < words[2].len;
    if (!(v4 && !has_colon) && !(v6 && has_colon))
        return SIOC_EPROTO;
    if (line.len || !cidr_parse_address(words[2], ret->address) ||
        !str_to_u64(words[4], 65535, &port))
        return SIOC_EPROTO;
    ret->port = (uint16_t)port;
    ret->known = true;
    return total;
}

/* ---- version 2: signature, version and command, family, length, addresses ---- */

static void read_addresses(const uint8_t *at, unsigned family, size_t len,
                           struct net_proxy_head *ret)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (family == 0x11 && len >= 12) { /* TCP over IPv4 */
        memcpy(ret->address, mapped, sizeof mapped);
        memcpy(ret->address + sizeof mapped, at, 4);
        ret->port = (uint16_t)(at[8] << 8 | at[9]);
        ret->known = true;
    } else if (family == 0x21 && len >= 36) { /* TCP over IPv6 */
        memcpy(ret->address, at, 16);
        ret->port = (uint16_t)(at[32] << 8 | at[33]);
        ret->known = true;
    }
}

static int read_v2(struct sioc_str in, struct net_proxy_head *ret)
{
    if (in.len < 16)
        return 0;
    const uint8_t *head = (const uint8_t *)in.ptr;
    size_t len = (size_t)head[14] << 8 | head[15];
    unsigned version = head[12] >> 4, command = head[12] & 15u;
    if (version != 2 || command > 1 || 16 + len > NET_PROXY_HEAD_MAX)
        return SIOC_EPROTO;
    if (in.len < 16 + len)
        return 0;
    if (command == 1) /* 0: the balancer itself, a health check */
        read_addresses(head + 16, head[13], len, ret);
    return (int)(16 + len);
}

static bool may_be(struct sioc_str in, const void *want, size_t len)
{
    return memcmp(in.ptr, want, in.len < len ? in.len : len) == 0;
}

int net_proxy_read(struct sioc_str in, struct net_proxy_head *ret_head)
{
    struct net_proxy_head head = {0};
    int taken = SIOC_EPROTO;
    if (in.len == 0)
        return 0;
    if (may_be(in, v2_signature, sizeof v2_signature))
        taken = in.len < sizeof v2_signature ? 0 : read_v2(in, &head);
    else if (may_be(in, "PROXY ", 6))
        taken = in.len < 6 ? 0 : read_v1(in, &head);
    if (taken > 0)
        *ret_head = head;
    return taken;
}
