/* bindings/bench/proc.h -- what the kernel knows about the server: CPU time and memory. */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

#include <stdint.h>

struct proc_sample {
    double cpu_s;       /* user + system, all threads, also those that have ended */
    uint64_t rss_bytes; /* resident, shared pages included */
    uint64_t pss_bytes; /* the proportional share: what the process costs the machine */
};

/* 0, or -1 when the process is gone (or not ours to read). */
int bench_proc_sample(uint32_t pid, struct proc_sample *ret_sample);
/* The processor's time alone, which costs next to nothing to read. */
int bench_proc_cpu(uint32_t pid, double *ret_cpu_s);

/* CPU seconds of the generator itself. */
double bench_proc_own_cpu_s(void);

#endif
