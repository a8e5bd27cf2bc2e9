/* net/cork.h -- a buffer in which small pieces for one peer gather until the end of the turn.
 *
 * A cork is a chunk that grows: it belongs to one queue alone, as its last one, and is full or
 * written when it is shared by nobody still.  Taking one and giving it back costs a few
 * instructions: the loop keeps those that a busy turn needs, and gives them back to the system
 * little by little when turns are quiet.
 */
#ifndef NET_CORK_H
#define NET_CORK_H

#include "net/chunk.h"

struct net_loop;

/* An empty one, with one reference.  NULL when out of memory. */
struct net_chunk *net_cork_new(struct net_loop *loop);
/* The next `len` bytes of the cork, to be filled; NULL when they do not fit in, or when the
 * chunk is no cork. */
uint8_t *net_cork_extend(struct net_chunk *chunk, size_t len);

bool net_chunk_is_cork(const struct net_chunk *chunk);

/* loop.c: at the end of each turn, and at the end of all. */
void net_corks_trim(struct net_loop *loop);
void net_corks_drop(struct net_loop *loop);

#endif
