/* bindings/bench/inflate.h -- permessage-deflate of a server that keeps no context between
 * messages; the one file of this folder that knows zlib. */
#ifndef BENCH_INFLATE_H
#define BENCH_INFLATE_H

#include <stddef.h>

struct inflater;

struct inflater *bench_inflater_new(size_t max_bytes); /* NULL: no memory */
void bench_inflater_free(struct inflater *inflater);

/* Text and length become those of the inflated message, valid until the next call.  0; -1: not
 * deflated, or longer than max_bytes.  What is equal to the last message is not inflated again:
 * in a fan-out everybody gets the same bytes from a server that compresses once. */
int bench_inflate(struct inflater *inflater, const char **text, size_t *len);

#endif
