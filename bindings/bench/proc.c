/* bindings/bench/proc.c -- the CPU clock of a process, which the kernel keeps in
 * nanoseconds, and /proc/PID/smaps_rollup. */
#include "proc.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

int bench_proc_cpu(uint32_t pid, double *ret_cpu_s)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid((pid_t)pid, &clock) || clock_gettime(clock, &used))
        return -1;
    *ret_cpu_s = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    return 0;
}

static int read_memory(uint32_t pid, struct proc_sample *sample)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%u/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file)) {
        unsigned long long kib;
        if (sscanf(line, "Rss: %llu kB", &kib) == 1)
            sample->rss_bytes = kib * 1024;
        else if (sscanf(line, "Pss: %llu kB", &kib) == 1)
            sample->pss_bytes = kib * 1024;
    }
    fclose(file);
    return 0;
}

int bench_proc_sample(uint32_t pid, struct proc_sample *ret_sample)
{
    struct proc_sample sample = {0};
    if (bench_proc_cpu(pid, &sample.cpu_s) || read_memory(pid, &sample))
        return -1;
    *ret_sample = sample;
    return 0;
}

double bench_proc_own_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
