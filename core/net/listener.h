/* net/listener.h -- accepts connections on one address. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/stream.h"

struct net_listener;

/* Listens on host:port.
 *   host   a name or a numeric address (a name: its first address that this machine has);
 *          "" or "*" = every address; resolved here, once
 *          or "unix:/path": a socket in the file system (port is not used, a stale one is
 * replaced) port   0 = any free one accept gets each new stream (taken); must set an owner or
 * close it Returns 0, SIOC_EADDRINUSE, SIOC_EACCES, SIOC_ENOTFOUND (host does not resolve, or
 * is no address of this machine), SIOC_EIO, ENOMEM. When descriptors run out, accepting pauses
 * for 100 ms. */
int net_listen(struct net_loop *loop, const char *host, uint16_t port,
               void (*accept)(void *user, struct net_stream *stream), void *user,
               struct net_listener **ret_listener);
uint16_t net_listener_port(const struct net_listener *listener);
/* Peers in these ranges (borrowed) must begin with a PROXY head, all others are sent away. */
struct cidr;
void net_listener_expect_proxies(struct net_listener *listener, const struct cidr *ranges,
                                 size_t count);
/* Where to count what goes wrong; borrowed. */
struct metrics;
void net_listener_count(struct net_listener *listener, struct metrics *metrics);
void net_listener_close(struct net_listener *listener); /* accepts NULL */

#endif
