/* bindings/bench/options.c -- the command line.  Everything has an upper bound, so that a slip
 * of the finger cannot make a run that never ends. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = {"echo", "ack", "fanout", "idle", "connect"};
#define MODE_COUNT (sizeof mode_names / sizeof *mode_names)

const char *bench_mode_name(enum mode mode)
{
    return mode_names[mode];
}

static const char help[] =
    "sioc bench URL [options]\n"
    "    puts load on a Socket.IO v4 server, checks every answer, and says how fast it was\n"
    "\n"
    "URL is http://HOST:PORT or https://; what follows is the namespace, as for the stock "
    "client.\n"
    "\n"
    "What the clients do, and what the server must answer (examples/bench has servers that "
    "do):\n"
    "  --mode echo      emit \"echo\" with a text: the same event comes back (this is the "
    "default)\n"
    "         ack       emit \"ack\" with a text and an ack: it is called with the text\n"
    "         fanout    one client emits \"bcast\" with a number and a text: everybody gets "
    "the same\n"
    "                   (with --rooms K: clients ask for \"join\" with a room and an ack, and\n"
    "                   \"room\" with room, number and text comes as \"bcast\" to that room)\n"
    "         idle      join and wait; heartbeats are answered\n"
    "         connect   open, join, leave, again\n"
    "  --event NAME     instead of \"echo\", \"ack\" or \"bcast\"\n"
    "\n"
    "How much of it:\n"
    "  --clients N      connections; in connect: as many at once (100)\n"
    "  --in-flight P    unanswered messages per client; in fanout: of each sender (1)\n"
    "  --bytes B        length of the text, at least 16 (128)\n"
    "  --rate R         messages per second of all clients (echo, ack), whether answers come "
    "or\n"
    "                   not; latency counts from when each was due.  Else an answer makes "
    "room\n"
    "                   for the next message\n"
    "  --rooms K        fanout: K rooms with a sender each (0: everybody, one sender)\n"
    "  --seconds S      measured time (5)\n"
    "  --warmup S       load before that (1)\n"
    "\n"
    "Connections:\n"
    "  --transport T    websocket or polling (websocket)\n"
    "  --deflate        offer permessage-deflate; compressed answers are inflated and checked\n"
    "  --path P         where the server serves Socket.IO (/socket.io/)\n"
    "  --auth JSON      goes with CONNECT\n"
    "  --insecure       take any certificate\n"
    "  --open-timeout S all clients have joined by then (30)\n"
    "  --connect-rate R open at most R connections per second (0: as fast as they are "
    "accepted)\n"
    "  --source-spread K  connect from 127.0.0.1 .. 127.0.0.K (as many as ports demand)\n"
    "\n"
    "Results:\n"
    "  --json           one JSON object on one line\n"
    "  --progress S     a line on stderr every S seconds (a terminal shows progress anyway)\n"
    "  --pid PID        the server's process on this machine: its CPU time and memory\n"
    "\n"
    "Ends with 1 when an answer was wrong or missing or a connection failed, with 2 when "
    "these\n"
    "options are wrong.  ^C ends the measurement and shows what there is.\n";

struct reader {
    struct options *opt;
    const char *program;
};

static int wrong(const struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int wrong(const struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s: ", r->program);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    return 2;
}

struct option_number {
    const char *name;
    double min, max;
    double *real;
    uint32_t *whole; /* instead of real */
};

static int set_number(const struct reader *r, const char *name, const char *value)
{
    struct options *o = r->opt;
    const struct option_number numbers[] = {
        {"clients", 1, 200000, NULL, &o->clients},
        {"in-flight", 1, 4096, NULL, &o->in_flight},
        {"bytes", MIN_BYTES, 900000, NULL, &o->bytes},
        {"rooms", 0, 99999, NULL, &o->rooms},
        {"rate", 0, 1e7, &o->rate, NULL},
        {"seconds", 0.1, 3600, &o->seconds, NULL},
        {"warmup", 0, 600, &o->warmup, NULL},
        {"open-timeout", 0.1, 600, &o->open_timeout, NULL},
        {"pid", 1, 4194304, NULL, &o->pid},
        {"connect-rate", 0, 1000000, NULL, &o->connect_rate},
        {"source-spread", 1, 250, NULL, &o->source_spread},
        {"progress", 0.1, 3600, &o->progress, NULL},
    };
    const struct option_number *n = numbers;
    char *end;
    double number = strtod(value, &end);

    while (strcmp(n->name, name) != 0)
        n++;
    if (end == value || *end || !(number >= n->min && number <= n->max) ||
        (n->whole && number != (double)(uint32_t)number))
        return wrong(r, "--%s must be a %snumber from %g to %.8g, not \"%s\"", name,
                     n->whole ? "whole " : "", n->min, n->max, value);
    if (n->whole)
        *n->whole = (uint32_t)number;
    else
        *n->real = number;
    return 0;
}

static int set_mode(const struct reader *r, const char *value)
{
    for (size_t i = 0; i < MODE_COUNT; i++) {
        if (strcmp(value, mode_names[i]) == 0) {
            r->opt->mode = (enum mode)i;
            return 0;
        }
    }
    return wrong(r, "--mode must be echo, ack, fanout, idle or connect, not \"%s\"", value);
}

static int set_transport(const struct reader *r, const char *value)
{
    r->opt->polling = strcmp(value, "polling") == 0;
    if (r->opt->polling || strcmp(value, "websocket") == 0)
        return 0;
    return wrong(r, "--transport must be websocket or polling, not \"%s\"", value);
}

/* What is put into requests and packets as it is. */
static bool is_plain(const char *text, const char *without)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127 || strchr(without, *c))
            return false;
    return *text;
}

static int set_text(const struct reader *r, const char *name, const char *value)
{
    struct options *o = r->opt;

    if (strcmp(name, "mode") == 0)
        return set_mode(r, value);
    if (strcmp(name, "transport") == 0)
        return set_transport(r, value);
    if (strcmp(name, "auth") == 0) {
        o->auth = value;
        return *value == '{' ? 0
                             : wrong(r, "--%s must be a JSON object, not \"%s\"", name, value);
    }
    if (strcmp(name, "path") == 0) {
        o->path = value;
        return *value == '/' && is_plain(value, "?#")
                   ? 0
                   : wrong(r, "--%s must be a path like /socket.io/, not \"%s\"", name, value);
    }
    o->event = value;
    return is_plain(value, "\"\\") && strlen(value) < 200
               ? 0
               : wrong(r, "--%s must be a name without spaces and quotes, not \"%s\"", name,
                       value);
}

static int set_flag(const struct reader *r, const char *name)
{
    if (strcmp(name, "json") == 0)
        r->opt->json = true;
    else if (strcmp(name, "deflate") == 0)
        r->opt->deflate = true;
    else
        r->opt->insecure = true;
    return 0;
}

static const struct option long_options[] = {
    {"clients", required_argument, NULL, 'n'},
    {"in-flight", required_argument, NULL, 'n'},
    {"bytes", required_argument, NULL, 'n'},
    {"rooms", required_argument, NULL, 'n'},
    {"rate", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 'n'},
    {"warmup", required_argument, NULL, 'n'},
    {"open-timeout", required_argument, NULL, 'n'},
    {"pid", required_argument, NULL, 'n'},
    {"connect-rate", required_argument, NULL, 'n'},
    {"source-spread", required_argument, NULL, 'n'},
    {"progress", required_argument, NULL, 'n'},
    {"mode", required_argument, NULL, 't'},
    {"transport", required_argument, NULL, 't'},
    {"path", required_argument, NULL, 't'},
    {"auth", required_argument, NULL, 't'},
    {"event", required_argument, NULL, 't'},
    {"json", no_argument, NULL, 'f'},
    {"deflate", no_argument, NULL, 'f'},
    {"insecure", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int read_options(const struct reader *r, int argc, char **argv)
{
    int letter, index = 0, code = 0;

    opterr = 0;
    optind = 1;
    while (code == 0 && (letter = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
        if (letter == 'n')
            code = set_number(r, long_options[index].name, optarg);
        else if (letter == 't')
            code = set_text(r, long_options[index].name, optarg);
        else if (letter == 'f')
            code = set_flag(r, long_options[index].name);
        else if (letter == 'h') {
            fputs(help, stdout);
            return BENCH_HELP_SHOWN;
        } else if (letter == ':')
            return wrong(r, "%s needs a value", argv[optind - 1]);
        else
            return wrong(r, "unknown option %s; sioc bench --help lists them",
                         argv[optind - 1]);
    }
    return code;
}

/* What cannot be had together. */
static int check(const struct reader *r)
{
    struct options *o = r->opt;
    bool asks = o->mode == MODE_ECHO || o->mode == MODE_ACK;

    if (o->rate > 0 && !asks)
        return wrong(r, "--rate goes with --mode echo and ack, not with %s",
                     mode_names[o->mode]);
    if (o->rooms && o->mode != MODE_FANOUT)
        return wrong(r, "--rooms goes with --mode fanout, not with %s", mode_names[o->mode]);
    if (o->rooms > o->clients)
        return wrong(r, "--rooms: every room needs a client");
    if (o->polling && (o->mode == MODE_FANOUT || o->rate > 0))
        return wrong(r, "--transport polling goes with echo, ack, idle and connect, without "
                        "--rate (a client that polls has one connection here)");
    if (o->polling && o->deflate)
        return wrong(r, "--deflate is for --transport websocket");
    return 0;
}

/* Loopback: a source address has some 28,000 ports; in connect mode they are used up again and
 * again. */
static uint32_t sources_needed(const struct options *opt)
{
    if (strncmp(opt->url.host, "127.", 4) != 0)
        return 1;
    return opt->mode == MODE_CONNECT ? 16 : opt->clients / 25000 + 1;
}

int bench_options_parse(struct options *opt, int argc, char **argv)
{
    struct reader r = {opt, argc > 0 ? argv[0] : "bench"};
    char error[1024];
    int code;

    *opt = (struct options){.path = "/socket.io/",
                            .auth = "",
                            .mode = MODE_ECHO,
                            .clients = 100,
                            .in_flight = 1,
                            .bytes = 128,
                            .seconds = 5,
                            .warmup = 1,
                            .open_timeout = 30};
    code = read_options(&r, argc, argv);
    if (code != 0)
        return code;
    if (optind == argc)
        return wrong(&r, "which server?  sioc bench http://127.0.0.1:3000");
    if (optind + 1 < argc)
        return wrong(&r, "unexpected \"%s\"", argv[optind + 1]);
    if (bench_url_parse(argv[optind], &opt->url, error, sizeof error))
        return wrong(&r, "%s", error);
    if (!opt->source_spread)
        opt->source_spread = sources_needed(opt);
    if (opt->rate > 0 && opt->in_flight == 1)
        opt->in_flight = 64; /* a slow answer must not hold up what is due */
    return check(&r);
}
