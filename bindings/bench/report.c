/* bindings/bench/report.c -- see report.h. */
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;  /* in JSON */
    const char *label; /* for people */
    double share;
} quantiles[] = {
    {"latency_p50_us", "p50", 0.5},
    {"latency_p90_us", "p90", 0.9},
    {"latency_p99_us", "p99", 0.99},
    {"latency_p999_us", "p99.9", 0.999},
};
#define QUANTILES (sizeof quantiles / sizeof *quantiles)

static double per_second(const struct run *r, uint64_t what)
{
    return r->window_s > 0 ? (double)what / r->window_s : 0;
}

static double cpu_us(const struct run *r)
{
    return (r->end.cpu_s - r->begin_cpu_s) * 1e6 / (double)r->measured;
}

static double per_client(const struct run *r, uint64_t from, uint64_t to)
{
    return ((double)to - (double)from) / r->opt.clients;
}

/* ---- JSON ---- */

static void put(const char *name, double value, int decimals)
{
    printf(",\"%s\":%.*f", name, decimals, value);
}

static void put_latency(const struct run *r)
{
    if (!r->hist.total)
        return;
    for (size_t i = 0; i < QUANTILES; i++)
        put(quantiles[i].name, bench_hist_quantile(&r->hist, quantiles[i].share) / 1e3, 1);
    put("latency_max_us", (double)r->hist.max_ns / 1e3, 1);
}

static void put_server(const struct run *r)
{
    if (!r->opt.pid)
        return;
    if (r->measured)
        put("server_cpu_us", cpu_us(r), 3);
    if (r->window_s > 0)
        put("server_cpu_share", (r->end.cpu_s - r->begin_cpu_s) / r->window_s, 3);
    put("server_rss_kib", (double)r->end.rss_bytes / 1024, 0);
    put("server_pss_kib", (double)r->end.pss_bytes / 1024, 0);
    if (r->opt.mode == MODE_IDLE) {
        put("rss_bytes_per_client", per_client(r, r->before.rss_bytes, r->end.rss_bytes), 0);
        put("pss_bytes_per_client", per_client(r, r->before.pss_bytes, r->end.pss_bytes), 0);
    }
}

static void print_json(const struct run *r)
{
    const struct options *o = &r->opt;

    printf("{\"mode\":\"%s\",\"transport\":\"%s\"", bench_mode_name(o->mode),
           o->polling ? "polling" : "websocket");
    put("clients", o->clients, 0);
    put("in_flight", o->in_flight, 0);
    put("bytes", o->bytes, 0);
    if (o->rooms)
        put("rooms", o->rooms, 0);
    if (o->rate > 0)
        put("rate", o->rate, 0);
    put("open_seconds", r->open_s, 3);
    put("seconds", r->window_s, 3);
    put("messages", (double)r->measured, 0);
    put("messages_per_s", per_second(r, r->measured), 0);
    if (r->measured)
        put("bytes_in_per_message", (double)r->bytes_in / (double)r->measured, 1);
    put_latency(r);
    put_server(r);
    if (r->window_s > 0)
        put("generator_cpu_share", r->own_cpu_s / r->window_s, 3);
    put("pings", (double)r->ping_count, 0);
    put("wrong", (double)r->wrong_count, 0);
    put("missing", (double)r->missing_count, 0);
    put("lost_connections", (double)r->lost_count, 0);
    printf(",\"verdict\":\"%s\"}\n", bench_run_fault_count(r) ? "failed" : "ok");
}

/* ---- people ---- */

/* 1234567 -> "1,234,567" */
static const char *grouped(double value, char to[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%.0f", value), at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
            to[at++] = ',';
        to[at++] = digits[i];
    }
    to[at] = '\0';
    return to;
}

static const char *duration(double ns, char to[32])
{
    if (ns < 1e6)
        snprintf(to, 32, "%.0f µs", ns / 1e3);
    else if (ns < 1e9)
        snprintf(to, 32, "%.2f ms", ns / 1e6);
    else
        snprintf(to, 32, "%.2f s", ns / 1e9);
    return to;
}

static void print_title(const struct run *r)
{
    const struct options *o = &r->opt;
    const struct url *u = &o->url;
    bool v6 = strchr(u->host, ':');

    printf("%s://%s%s%s:%s%s  %s", u->secure ? "https" : "http", v6 ? "[" : "", u->host,
           v6 ? "]" : "", u->port, u->nsp, bench_mode_name(o->mode));
    printf(", %u clients", o->clients);
    if (o->mode == MODE_FANOUT && o->rooms)
        printf(" in %u rooms", o->rooms);
    if (o->rate > 0)
        printf(", %.0f messages/s", o->rate);
    else if (o->mode != MODE_IDLE && o->mode != MODE_CONNECT)
        printf(", %u in flight", o->in_flight);
    if (o->mode != MODE_IDLE && o->mode != MODE_CONNECT)
        printf(", %u bytes", o->bytes);
    printf(", %s%s\n\n", o->polling ? "polling" : "websocket", o->deflate ? ", deflate" : "");
}

static const char *what_counts(const struct run *r)
{
    switch (r->opt.mode) {
    case MODE_FANOUT:
        return "deliveries";
    case MODE_CONNECT:
        return "joins";
    case MODE_ECHO:
    case MODE_ACK:
    case MODE_IDLE:
    default:
        return "messages";
    }
}

static void print_load(const struct run *r)
{
    char all[32], rate[32], mib[32];

    if (r->opt.mode != MODE_CONNECT)
        printf("%-12s %s joined in %.2f s\n", "clients", grouped(r->opt.clients, all),
               r->open_s);
    if (r->opt.mode == MODE_IDLE) {
        printf("%-12s %s in %.2f s\n", "pings", grouped((double)r->ping_count, all),
               r->window_s);
        return;
    }
    printf("%-12s %s/s  (%s in %.2f s; %s KiB/s came)\n", what_counts(r),
           grouped(per_second(r, r->measured), rate), grouped((double)r->measured, all),
           r->window_s, grouped(per_second(r, r->bytes_in) / 1024, mib));
}

static void print_latency(const struct run *r)
{
    char text[32];

    if (!r->hist.total)
        return;
    printf("%-12s", "latency");
    for (size_t i = 0; i < QUANTILES; i++)
        printf(" %s %s ", quantiles[i].label,
               duration(bench_hist_quantile(&r->hist, quantiles[i].share), text));
    printf(" max %s\n", duration((double)r->hist.max_ns, text));
}

static void print_server(const struct run *r)
{
    char text[32];

    if (!r->opt.pid)
        return;
    printf("%-12s", "server");
    if (r->measured)
        printf(" %.3g µs of CPU per message, ", cpu_us(r));
    else
        printf(" ");
    printf("%.0f %% of a core, %.1f MiB resident\n",
           r->window_s > 0 ? (r->end.cpu_s - r->begin_cpu_s) / r->window_s * 100 : 0,
           (double)r->end.rss_bytes / 1048576);
    if (r->opt.mode == MODE_IDLE)
        printf("%-12s %s bytes for each client\n", "",
               grouped(per_client(r, r->before.pss_bytes, r->end.pss_bytes), text));
}

static void print_errors(const struct run *r)
{
    if (!bench_run_fault_count(r)) {
        printf("%-12s none\n", "errors");
        return;
    }
    printf("%-12s %llu wrong answers, %llu missing, %llu connections failed\n", "errors",
           (unsigned long long)r->wrong_count, (unsigned long long)r->missing_count,
           (unsigned long long)r->lost_count);
}

void bench_report_print(const struct run *r)
{
    bench_report_clear();
    if (r->opt.json) {
        print_json(r);
        return;
    }
    print_title(r);
    print_load(r);
    print_latency(r);
    print_server(r);
    if (r->window_s > 0 && r->own_cpu_s / r->window_s > 0.9 && r->opt.rate <= 0)
        printf("%-12s this generator was busy all the time: the server may be faster\n",
               "note");
    print_errors(r);
}

/* ---- how it goes ---- */

void bench_report_opening(const struct run *r)
{
    char joined[32], all[32];

    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s of %s clients joined", grouped(r->joined_count, joined),
                grouped(r->opt.clients, all));
}

void bench_report_running(const struct run *r, double seconds, double of, const char *phase)
{
    char rate[32], latency[32];
    double elapsed = seconds > 0 ? seconds : 1;

    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K%s %.1f of %.1f s", phase, seconds, of);
    if (r->recording && r->measured)
        fprintf(stderr, "  %s %s/s  p50 %s", grouped((double)r->measured / elapsed, rate),
                what_counts(r), duration(bench_hist_quantile(&r->hist, 0.5), latency));
    if (bench_run_fault_count(r))
        fprintf(stderr, "  %llu errors", (unsigned long long)bench_run_fault_count(r));
}

void bench_report_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

void bench_report_line(const struct run *r, double seconds)
{
    struct proc_sample now = {0};

    if (r->opt.pid)
        bench_proc_sample(r->opt.pid, &now);
    fprintf(stderr, "%7.1f s  %12llu messages  rss %8.1f MiB  faults %llu\n", seconds,
            (unsigned long long)r->measured, (double)now.rss_bytes / 1048576.0,
            (unsigned long long)bench_run_fault_count(r));
}
