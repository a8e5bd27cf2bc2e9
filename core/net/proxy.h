/* net/proxy.h -- the PROXY protocol (versions 1 and 2), sans I/O: what a load balancer says of
 * the client before the client's own bytes come. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <sioc/base.h>

#define NET_PROXY_HEAD_MAX 536 /* version 2 with addresses of Unix sockets and some TLVs */

struct net_proxy_head {
    bool known;          /* false: LOCAL or UNKNOWN, the peer speaks for itself */
    uint8_t address[16]; /* of the client; IPv4 is mapped */
    uint16_t port;
};

/* Reads one head from the front of `in`, which may end anywhere.  Returns its length in bytes,
 * 0 when more input is needed, or SIOC_EPROTO (no PROXY head, or a bad or too long one). */
int net_proxy_read(struct sioc_str in, struct net_proxy_head *ret_head);

#endif
