/* bindings/bench/run.c -- the phases of a run: open, warm up, measure, drain.
 *
 * One thread, epoll, no library but for TLS and inflating: a generator has to be much cheaper
 * than any server it measures.
 */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"
#include "inflate.h"
#include "modes.h"
#include "report.h"
#include "wire.h"

#define OPENING_MAX 256 /* handshakes under way at once, well below any listener's backlog */
#define EVENTS_MAX  1024
#define DRAIN_S     10.0
#define SILENT_S    2.0 /* the same, of a server that has not answered once */
#define LEAVE_S     0.2
#define PROGRESS_S  0.25

uint64_t bench_clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint8_t *bench_bytes_reserve(struct bytes *b, size_t more)
{
    if (b->cap - b->len < more) {
        size_t cap = (b->len + more) * 2;
        uint8_t *at = realloc(b->at, cap);
        if (!at) {
            fputs("sioc bench: out of memory\n", stderr);
            exit(2);
        }
        b->at = at;
        b->cap = cap;
    }
    return b->at + b->len;
}

void bench_bytes_add(struct bytes *b, const void *bytes, size_t len)
{
    memcpy(bench_bytes_reserve(b, len + 1), bytes, len);
    b->len += len;
}

void bench_bytes_text(struct bytes *b, const char *text)
{
    bench_bytes_add(b, text, strlen(text));
}

void bench_bytes_free(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}

void bench_run_complain(struct run *r, const struct client *c, const char *what,
                        const char *text, size_t len)
{
    size_t shown = 0; /* one line, and not all of a large payload */

    if (r->complaints++ >= 5)
        return;
    while (shown < len && shown < 160 && (unsigned char)text[shown] >= ' ' &&
           text[shown] != 127)
        shown++;
    bench_report_clear();
    fprintf(stderr, "%s: client %u: %s%s%.*s\n", r->program, c->index, what, shown ? ": " : "",
            (int)shown, text);
}

/* ---- the loop ---- */

/* The first asks for the results, the second for the end. */
static void interrupted(struct run *r)
{
    struct signalfd_siginfo info;

    if (read(r->signal_fd, &info, sizeof info) != sizeof info)
        return;
    if (r->interrupted)
        _exit(130);
    r->interrupted = true;
}

static void turn(struct run *r, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(r->epoll_fd, events, EVENTS_MAX, wait_ms);

    r->now_ns = bench_clock_now_ns();
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == r)
            interrupted(r);
        else
            bench_client_event(r, events[i].data.ptr, events[i].events);
    }
    bench_mode_turn_end(r);
}

static uint64_t after(double seconds)
{
    return bench_clock_now_ns() + (uint64_t)(seconds * 1e9);
}

/* With --rate the last millisecond is not slept: epoll knows no shorter one. */
static int wait_ms(const struct run *r, uint64_t deadline_ns, int at_most_ms)
{
    uint64_t due = bench_mode_due_ns(r), left;

    if (due < deadline_ns)
        return due > r->now_ns + 2000000 ? 1 : 0;
    left = deadline_ns > r->now_ns ? (deadline_ns - r->now_ns + 999999) / 1000000 : 0;
    return left < (uint64_t)at_most_ms ? (int)left : at_most_ms;
}

static bool hopeless(const struct run *r)
{
    return r->interrupted || bench_run_fault_count(r) >= FAULTS_MAX;
}

static void run_until(struct run *r, uint64_t deadline_ns)
{
    r->now_ns = bench_clock_now_ns();
    while (r->now_ns < deadline_ns && !hopeless(r))
        turn(r, wait_ms(r, deadline_ns, 1000));
}

/* For so long, telling how it goes. */
static void run_phase(struct run *r, double seconds, const char *name)
{
    uint64_t begin = bench_clock_now_ns(), end = after(seconds);
    uint64_t step = (uint64_t)((r->opt.progress > 0 ? r->opt.progress : PROGRESS_S) * 1e9);

    for (uint64_t next = begin + step; next <= end && !hopeless(r); next += step) {
        run_until(r, next);
        double elapsed = (double)(r->now_ns - begin) / 1e9;
        if (r->opt.progress > 0 && r->recording)
            bench_report_line(r, elapsed);
        else if (r->opt.progress <= 0)
            bench_report_running(r, elapsed, seconds, name);
    }
    run_until(r, end);
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
    uint64_t since = r->now_ns = bench_clock_now_ns(), deadline = after(r->opt.open_timeout);
    uint64_t shown = since;
    uint32_t begun = 0;

    while (r->joined_count < r->opt.clients && r->now_ns < deadline &&
           !bench_run_fault_count(r) && !r->interrupted) {
        while (begun < may_be_open(r, since) && !bench_run_fault_count(r))
            bench_client_open(r, &r->clients[begun++]);
        turn(r, wait_ms(r, deadline, 5));
        if (r->now_ns > shown + 100000000) {
            shown = r->now_ns;
            bench_report_opening(r);
        }
    }
    r->open_s = (double)(r->now_ns - since) / 1e9;
    if (r->joined_count < r->opt.clients && !bench_run_fault_count(r)) {
        bench_report_clear();
        fprintf(stderr, "%s: only %u of %u clients joined in %.1f s\n", r->program,
                r->joined_count, r->opt.clients, r->open_s);
        r->lost_count += r->opt.clients - r->joined_count;
    }
}

static void sample(struct run *r, struct proc_sample *ret_sample)
{
    if (r->opt.pid && bench_proc_sample(r->opt.pid, ret_sample)) {
        fprintf(stderr, "%s: no process %u that can be measured\n", r->program, r->opt.pid);
        r->lost_count++;
    }
}

static void measure(struct run *r)
{
    double own_cpu_s = bench_proc_own_cpu_s();

    if (r->opt.pid) /* not its memory: to read that takes milliseconds, and would count */
        bench_proc_cpu(r->opt.pid, &r->begin_cpu_s);
    r->recording = true;
    uint64_t begin = bench_clock_now_ns();
    run_phase(r, r->opt.seconds, "measuring");
    r->recording = false;
    r->window_s = (double)(bench_clock_now_ns() - begin) / 1e9;
    sample(r, &r->end);
    r->own_cpu_s = bench_proc_own_cpu_s() - own_cpu_s;
}

/* What was sent must be answered, also after the window.  A server that never answered anything
 * is no slow one: the user is told what was asked of it. */
static void drain(struct run *r)
{
    uint64_t deadline = after(r->hist.total ? DRAIN_S : SILENT_S);
    bool was_interrupted = r->interrupted;

    r->sending = r->interrupted = false;
    while (bench_mode_unanswered(r) && r->now_ns < deadline && !bench_run_fault_count(r) &&
           !r->interrupted && (r->hist.total || !was_interrupted))
        turn(r, wait_ms(r, deadline, 100));
    if (!bench_run_fault_count(r)) /* else nobody waited for the rest */
        r->missing_count = bench_mode_unanswered(r);
    if (r->missing_count && !r->hist.total) {
        bench_report_clear();
        fprintf(stderr,
                "%s: not one answer: does the server have the events of --mode %s?  "
                "sioc bench --help says what they are, examples/bench has servers\n",
                r->program, bench_mode_name(r->opt.mode));
    }
}

static bool anybody(const struct run *r)
{
    for (uint32_t i = 0; i < r->opt.clients; i++)
        if (r->clients[i].state != CLIENT_CLOSED)
            return true;
    return false;
}

static void leave_all(struct run *r)
{
    uint64_t deadline = after(LEAVE_S);

    r->closing = true;
    r->interrupted = false;
    for (uint32_t i = 0; i < r->opt.clients; i++)
        if (r->clients[i].state == CLIENT_JOINED)
            bench_client_leave(r, &r->clients[i]);
    while (anybody(r) && r->now_ns < deadline && !r->interrupted)
        turn(r, wait_ms(r, deadline, 10));
    for (uint32_t i = 0; i < r->opt.clients; i++)
        bench_client_close(r, &r->clients[i]);
}

static void run_load(struct run *r)
{
    sample(r, &r->before);
    if (r->opt.mode == MODE_CONNECT) {
        r->sending = true;
        for (uint32_t i = 0; i < r->opt.clients && !bench_run_fault_count(r); i++)
            bench_client_open(r, &r->clients[i]);
    } else {
        open_all(r);
    }
    if (!bench_run_fault_count(r)) {
        bench_mode_start(r);
        run_phase(r, r->opt.warmup, "warming up");
    }
    if (!bench_run_fault_count(r) && !r->interrupted)
        measure(r);
    drain(r);
    leave_all(r);
}

/* ---- the ends ---- */

static void raise_limits(void)
{
    struct rlimit files;

    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int check_limits(const struct run *r)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur > (rlim_t)r->opt.clients + 8)
        return 0;
    fprintf(stderr, "%s: --clients %u: this process may have %llu files open (ulimit -n)\n",
            r->program, r->opt.clients, (unsigned long long)files.rlim_cur);
    return -1;
}

static int signals_init(struct run *r)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = r};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    r->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->signal_fd, &event);
}

/* The longest thing that a server may send at once: all that is under way to one client. */
static size_t largest_answer(const struct options *opt)
{
    return 262144 + (size_t)opt->bytes +
           (opt->polling ? (size_t)opt->in_flight * opt->bytes : 0);
}

static int run_init(struct run *r)
{
    const struct options *opt = &r->opt;
    size_t clients = opt->clients;

    r->transport = opt->polling ? &bench_polling : &bench_websocket;
    r->room_count = opt->rooms ? opt->rooms : 1;
    r->signal_fd = -1;
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->clients = calloc(clients, sizeof *r->clients);
    r->sent_ns = calloc(clients * opt->in_flight, sizeof *r->sent_ns);
    r->receivers = calloc((size_t)r->room_count * opt->in_flight, sizeof *r->receivers);
    r->rooms = calloc(r->room_count, sizeof *r->rooms);
    r->inflater = opt->deflate ? bench_inflater_new(largest_answer(opt)) : NULL;
    bench_bytes_reserve(&r->read, largest_answer(opt));
    if (r->epoll_fd < 0 || !r->clients || !r->sent_ns || !r->receivers || !r->rooms ||
        (opt->deflate && !r->inflater) || bench_message_init(&r->message, opt) ||
        signals_init(r)) {
        fprintf(stderr, "%s: out of memory or files\n", r->program);
        return -1;
    }
    for (uint32_t i = 0; i < opt->clients; i++) {
        r->clients[i].fd = -1;
        r->clients[i].index = i;
    }
    return 0;
}

static void run_deinit(struct run *r)
{
    for (uint32_t i = 0; r->clients && i < r->opt.clients; i++) {
        bench_bytes_free(&r->clients[i].in);
        bench_bytes_free(&r->clients[i].out);
        bench_bytes_free(&r->clients[i].outbox);
        bench_bytes_free(&r->clients[i].parts);
    }
    bench_wire_deinit(r);
    bench_message_deinit(&r->message);
    bench_inflater_free(r->inflater);
    free(r->clients);
    free(r->sent_ns);
    free(r->receivers);
    free(r->rooms);
    bench_bytes_free(&r->read);
    bench_bytes_free(&r->write);
    if (r->signal_fd >= 0)
        close(r->signal_fd);
    if (r->epoll_fd >= 0)
        close(r->epoll_fd);
}

static int run_all(struct run *r)
{
    char error[512];
    int code = 2;

    raise_limits();
    if (check_limits(r) == 0 && run_init(r) == 0) {
        code = 1;
        if (bench_wire_init(r, error, sizeof error)) {
            fprintf(stderr, "%s: %s\n", r->program, error);
        } else {
            run_load(r);
            if (r->window_s > 0 || r->opt.json)
                bench_report_print(r);
            code = bench_run_fault_count(r) ? 1 : 0;
        }
    }
    run_deinit(r);
    return code;
}

int bench_main(int argc, char **argv)
{
    struct run *r = calloc(1, sizeof *r); /* the histogram is too large for a stack */
    int code;

    if (!r)
        return 2;
    r->program = argc > 0 ? argv[0] : "bench";
    r->signal_fd = r->epoll_fd = -1;
    code = bench_options_parse(&r->opt, argc, argv);
    if (code == 0)
        code = run_all(r);
    else if (code == BENCH_HELP_SHOWN)
        code = 0;
    free(r);
    return code;
}
