/* bindings/bench/hist.c -- reading the histogram back. */
#include "hist.h"

/* The middle of a bucket, so that the error is as often above as below. */
static double bucket_value(unsigned bucket)
{
    unsigned row = bucket >> HIST_SUB_BITS;
    unsigned sub = bucket & ((1u << HIST_SUB_BITS) - 1);
    if (row == 0)
        return sub;
    double width = (double)(1ull << (row - 1));
    return ((double)(1u << HIST_SUB_BITS) + sub + 0.5) * width;
}

double bench_hist_quantile(const struct hist *h, double share)
{
    double wanted = share * (double)h->total;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += h->counts[i];
        if (h->counts[i] && (double)seen >= wanted)
            return bucket_value(i) < (double)h->max_ns ? bucket_value(i) : (double)h->max_ns;
    }
    return 0;
}
