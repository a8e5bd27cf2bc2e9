/* tests/bench/loadgen_report.c -- see loadgen_report.h. */
#include "loadgen_report.h"

#include <stdio.h>

static void put(const struct run *r, const char *name, double value, int decimals)
{
    if (r->opt.json)
        printf(",\"%s\":%.*f", name, decimals, value);
    else
        printf("%-24s %.*f\n", name, decimals, value);
}

static void put_load(const struct run *r)
{
    put(r, "clients", r->opt.clients, 0);
    put(r, "in_flight", r->opt.in_flight, 0);
    put(r, "bytes", r->opt.bytes, 0);
    put(r, "seconds", r->window_s, 3);
    put(r, "messages", (double)r->measured, 0);
    put(r, "messages_per_s", r->window_s > 0 ? (double)r->measured / r->window_s : 0, 0);
}

static void put_latency(const struct run *r)
{
    if (!r->hist.total)
        return;
    put(r, "latency_p50_us", hist_quantile(&r->hist, 0.5) / 1e3, 1);
    put(r, "latency_p99_us", hist_quantile(&r->hist, 0.99) / 1e3, 1);
    put(r, "latency_p999_us", hist_quantile(&r->hist, 0.999) / 1e3, 1);
    put(r, "latency_max_us", (double)r->hist.max_ns / 1e3, 1);
}

static double per_client(const struct run *r, uint64_t from, uint64_t to)
{
    return ((double)to - (double)from) / r->opt.clients;
}

static void put_server(const struct run *r)
{
    if (!r->opt.pid)
        return;
    double cpu_s = r->end.cpu_s - r->begin.cpu_s;
    if (r->measured)
        put(r, "server_cpu_us", cpu_s * 1e6 / (double)r->measured, 3);
    if (r->window_s > 0)
        put(r, "server_cpu_share", cpu_s / r->window_s, 3);
    put(r, "server_rss_kib", (double)r->end.rss_bytes / 1024, 0);
    put(r, "server_pss_kib", (double)r->end.pss_bytes / 1024, 0);
    if (r->opt.mode == MODE_IDLE) {
        put(r, "rss_bytes_per_client", per_client(r, r->before.rss_bytes, r->end.rss_bytes), 0);
        put(r, "pss_bytes_per_client", per_client(r, r->before.pss_bytes, r->end.pss_bytes), 0);
    }
}

void report_print(const struct run *r)
{
    bool good = run_fault_count(r) == 0;
    if (r->opt.json)
        printf("{\"mode\":\"%s\"", mode_name(r->opt.mode));
    else
        printf("%-24s %s\n", "mode", mode_name(r->opt.mode));
    put_load(r);
    put_latency(r);
    put_server(r);
    if (r->window_s > 0)
        put(r, "generator_cpu_share", r->own_cpu_s / r->window_s, 3);
    put(r, "pings", (double)r->ping_count, 0);
    put(r, "wrong", (double)r->wrong_count, 0);
    put(r, "missing", (double)r->missing_count, 0);
    put(r, "lost_connections", (double)r->lost_count, 0);
    if (r->opt.json)
        printf(",\"verdict\":\"%s\"}\n", good ? "ok" : "failed");
    else
        printf("%-24s %s\n", "verdict", good ? "ok" : "failed");
}

void report_progress(const struct run *r, double seconds)
{
    struct proc_sample now = {0};
    if (r->opt.pid)
        proc_sample(r->opt.pid, &now);
    fprintf(stderr, "%7.1f s  %12llu messages  rss %8.1f MiB  faults %llu\n", seconds,
            (unsigned long long)r->measured, (double)now.rss_bytes / 1048576.0,
            (unsigned long long)run_fault_count(r));
}
