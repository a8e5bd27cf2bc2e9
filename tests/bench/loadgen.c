/* tests/bench/loadgen.c -- bench_loadgen: a load generator for Socket.IO servers over
 * WebSocket.
 *
 * One thread, epoll, nothing beyond libc: it has to be much cheaper than any server it
 * measures. Reading order: loadgen_run.h (the state), this file (the phases: open, warm up,
 * measure, drain), loadgen_client.c (one connection), loadgen_modes.c (what is said),
 * loadgen_message.c (how it is checked), loadgen_report.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "loadgen_client.h"
#include "loadgen_modes.h"
#include "loadgen_report.h"

#define OPENING_MAX 256 /* handshakes under way at once, well below any listener's backlog */
#define EVENTS_MAX  1024
#define DRAIN_S     10.0

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint8_t *bytes_reserve(struct bytes *b, size_t more)
{
    if (b->cap - b->len < more) {
        size_t cap = (b->len + more) * 2;
        uint8_t *at = realloc(b->at, cap);
        if (!at) {
            fputs("bench_loadgen: out of memory\n", stderr);
            exit(2);
        }
        b->at = at;
        b->cap = cap;
    }
    return b->at + b->len;
}

void run_complain(const struct run *r, const struct client *c, const char *what,
                  const char *text, size_t len)
{
    if (run_fault_count(r) > 5)
        return;
    size_t shown = 0; /* one line, and not all of a large payload */
    while (shown < len && shown < 160 && (unsigned char)text[shown] >= ' ')
        shown++;
    fprintf(stderr, "bench_loadgen: client %u: %s: %.*s\n", c->index, what, (int)shown, text);
}

/* ---- the loop ---- */

static void turn(struct run *r, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(r->epoll_fd, events, EVENTS_MAX, wait_ms);
    r->now_ns = clock_now_ns();
    for (int i = 0; i < n; i++)
        client_event(r, events[i].data.ptr, events[i].events);
    mode_turn_end(r);
}

static uint64_t after(double seconds)
{
    return clock_now_ns() + (uint64_t)(seconds * 1e9);
}

static int wait_ms(const struct run *r, uint64_t deadline_ns, int at_most_ms)
{
    uint64_t left = deadline_ns > r->now_ns ? (deadline_ns - r->now_ns + 999999) / 1000000 : 0;
    return left < (uint64_t)at_most_ms ? (int)left : at_most_ms;
}

static void run_until(struct run *r, uint64_t deadline_ns)
{
    while (r->now_ns < deadline_ns && run_fault_count(r) < FAULTS_MAX)
        turn(r, wait_ms(r, deadline_ns, 1000));
}

/* ---- phases ---- */

static uint32_t may_be_open(const struct run *r, uint64_t since_ns)
{
    uint64_t limit = (uint64_t)r->joined_count + OPENING_MAX;
    if (r->opt.connect_rate) {
        double allowed = (double)(r->now_ns - since_ns) / 1e9 * r->opt.connect_rate + 1;
        limit = allowed < (double)limit ? (uint64_t)allowed : limit;
    }
    return limit < r->opt.clients ? (uint32_t)limit : r->opt.clients;
}

static void open_all(struct run *r)
{
    uint64_t since = r->now_ns = clock_now_ns(), deadline = after(r->opt.open_timeout);
    while (r->joined_count < r->opt.clients && r->now_ns < deadline && !run_fault_count(r)) {
        while (r->opened_count < may_be_open(r, since) && !run_fault_count(r))
            client_open(r, &r->clients[r->opened_count]);
        turn(r, wait_ms(r, deadline, 5));
    }
    if (r->joined_count < r->opt.clients && !run_fault_count(r)) {
        fprintf(stderr, "bench_loadgen: only %u of %u clients joined in time\n",
                r->joined_count, r->opt.clients);
        r->lost_count += r->opt.clients - r->joined_count;
    }
}

static void sample(struct run *r, struct proc_sample *ret_sample)
{
    if (r->opt.pid && proc_sample(r->opt.pid, ret_sample)) {
        fprintf(stderr, "bench_loadgen: no process %u to measure\n", r->opt.pid);
        r->lost_count++;
    }
}

static void measure(struct run *r)
{
    double own_cpu_s = proc_own_cpu_s();
    sample(r, &r->begin);
    r->recording = true;
    uint64_t begin = r->now_ns = clock_now_ns(), end = after(r->opt.seconds);
    uint64_t step = (uint64_t)(r->opt.progress * 1e9), next = begin + step;
    while (step && next <= end && run_fault_count(r) < FAULTS_MAX) {
        run_until(r, next);
        report_progress(r, (double)(r->now_ns - begin) / 1e9);
        next += step;
    }
    run_until(r, end);
    r->recording = false;
    r->window_s = (double)(clock_now_ns() - begin) / 1e9;
    sample(r, &r->end);
    r->own_cpu_s = proc_own_cpu_s() - own_cpu_s;
}

/* What was sent must be answered, also after the window. */
static void drain(struct run *r)
{
    uint64_t deadline = after(DRAIN_S);
    r->sending = false;
    while (mode_unanswered(r) && r->now_ns < deadline && !run_fault_count(r))
        turn(r, wait_ms(r, deadline, 100));
    if (!run_fault_count(r)) /* else nobody waited for the rest */
        r->missing_count = mode_unanswered(r);
}

static void leave_all(struct run *r)
{
    r->closing = true;
    for (uint32_t i = 0; i < r->opt.clients; i++)
        if (r->clients[i].state == CLIENT_JOINED)
            client_leave(r, &r->clients[i]);
    run_until(r, after(0.2));
    for (uint32_t i = 0; i < r->opt.clients; i++)
        client_close(r, &r->clients[i]);
}

static void run_load(struct run *r)
{
    sample(r, &r->before);
    if (r->opt.mode == MODE_CONNECT) {
        r->sending = true;
        for (uint32_t i = 0; i < r->opt.clients && !run_fault_count(r); i++)
            client_open(r, &r->clients[i]);
    } else {
        open_all(r);
        sample(r, &r->opened);
    }
    if (!run_fault_count(r)) {
        mode_start(r);
        run_until(r, after(r->opt.warmup));
    }
    if (!run_fault_count(r))
        measure(r);
    drain(r);
    leave_all(r);
}

/* ---- the ends ---- */

static int run_init(struct run *r)
{
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (r->opt.mode == MODE_CONNECT) /* there, --in-flight says how many at once */
        r->opt.clients = r->opt.in_flight;
    size_t slots = (size_t)r->opt.clients * r->opt.in_flight;
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->clients = calloc(r->opt.clients, sizeof *r->clients);
    r->sent_ns = calloc(slots, sizeof *r->sent_ns);
    r->receivers = calloc(r->opt.in_flight, sizeof *r->receivers);
    bytes_reserve(&r->read, 262144 + r->opt.bytes);
    if (r->epoll_fd < 0 || !r->clients || !r->sent_ns || !r->receivers ||
        message_init(&r->message, r->opt.mode, r->opt.bytes))
        return -1;
    for (uint32_t i = 0; i < r->opt.clients; i++) {
        r->clients[i].fd = -1;
        r->clients[i].index = i;
    }
    return 0;
}

static void run_deinit(struct run *r)
{
    for (uint32_t i = 0; r->clients && i < r->opt.clients; i++) {
        free(r->clients[i].in.at);
        free(r->clients[i].out.at);
    }
    message_deinit(&r->message);
    free(r->clients);
    free(r->sent_ns);
    free(r->receivers);
    free(r->read.at);
    free(r->write.at);
    close(r->epoll_fd);
}

int main(int argc, char **argv)
{
    static struct run run; /* the histogram is too large for a stack */
    int code = options_parse(&run.opt, argc, argv);
    if (code)
        return code & 255;
    if (run_init(&run)) {
        fputs("bench_loadgen: out of memory or files\n", stderr);
        return 2;
    }
    run_load(&run);
    report_print(&run);
    run_deinit(&run);
    return run_fault_count(&run) ? 1 : 0;
}
