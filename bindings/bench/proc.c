/* bindings/bench/proc.c -- reads /proc/PID/stat and /proc/PID/smaps_rollup. */
#include "proc.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int read_cpu(uint32_t pid, double *ret_cpu_s)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    char *got = fgets(line, sizeof line, file);
    fclose(file);
    /* The command's name may hold blanks and brackets: fields count from the last bracket. */
    char *after = got ? strrchr(line, ')') : NULL;
    unsigned long long user, system;
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                         &user, &system) != 2)
        return -1;
    *ret_cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
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
    if (read_cpu(pid, &sample.cpu_s) || read_memory(pid, &sample))
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
