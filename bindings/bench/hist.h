/* bindings/bench/hist.h -- a histogram of nanoseconds with a fixed relative error.
 * Every power of two is cut into 64 equal buckets, so a value is off by at most 1.6 %, however
 * long the tail; adding is a shift and an increment. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 6
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
    uint64_t counts[HIST_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

static inline unsigned bench_hist_bucket(uint64_t ns)
{
    if (ns < (1u << HIST_SUB_BITS))
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - HIST_SUB_BITS;
    return ((shift + 1) << HIST_SUB_BITS) +
           (unsigned)((ns >> shift) & ((1u << HIST_SUB_BITS) - 1));
}

static inline void bench_hist_add(struct hist *h, uint64_t ns)
{
    h->counts[bench_hist_bucket(ns)]++;
    h->total++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

/* The value below which `share` (0..1) of all values are, in ns; 0 when there are none. */
double bench_hist_quantile(const struct hist *h, double share);

#endif
