/* tests/bench/loadgen_options.c -- the command line.  Everything has an upper bound, so that a
 * slip of the finger cannot make a run that never ends. */
#include "loadgen_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen_message.h"

static const char *const mode_names[] = {"echo", "ack", "fanout", "idle", "connect"};

const char *mode_name(enum mode mode)
{
    return mode_names[mode];
}

static void usage(FILE *to)
{
    fputs(
        "usage: bench_loadgen --port N [options]\n"
        "  --host A            IPv4 address of the server (127.0.0.1)\n"
        "  --mode M            echo, ack, fanout, idle or connect (echo)\n"
        "  --clients N         connections that join / (100)\n"
        "  --in-flight P       unanswered messages per client; broadcasts of the one sender\n"
        "                      in fanout; connections opened at once in connect (1)\n"
        "  --bytes B           length of the payload string, at least 16 (128)\n"
        "  --seconds S         measured time (5)\n"
        "  --warmup S          load before that (1)\n"
        "  --open-timeout S    all clients have joined by then (30)\n"
        "  --pid PID           read the server's CPU time and memory from /proc\n"
        "  --connect-rate R    open at most R connections per second (no limit)\n"
        "  --source-spread K   connect from 127.0.0.1 .. 127.0.0.K (as many as needed)\n"
        "  --progress S        print the server's memory every S seconds while measuring\n"
        "  --json              one JSON object instead of lines\n"
        "Exits 1 when an answer was wrong or missing or a connection was lost, 2 on misuse.\n",
        to);
}

/* A number within bounds, or the end of the program: a bench has nobody to recover for. */
static double number(const char *name, const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max)) {
        fprintf(stderr, "bench_loadgen: --%s must be a number from %g to %g, not '%s'\n", name,
                min, max, text);
        exit(2);
    }
    return value;
}

static uint32_t whole(const char *name, const char *text, double min, double max)
{
    return (uint32_t)number(name, text, min, max);
}

static enum mode mode_of(const char *text)
{
    for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++)
        if (strcmp(text, mode_names[i]) == 0)
            return (enum mode)i;
    fprintf(stderr, "bench_loadgen: no mode '%s' (echo, ack, fanout, idle, connect)\n", text);
    exit(2);
}

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"mode", required_argument, NULL, 'm'},
    {"clients", required_argument, NULL, 'c'},
    {"in-flight", required_argument, NULL, 'f'},
    {"bytes", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'},
    {"warmup", required_argument, NULL, 'w'},
    {"open-timeout", required_argument, NULL, 'o'},
    {"pid", required_argument, NULL, 'i'},
    {"connect-rate", required_argument, NULL, 'r'},
    {"source-spread", required_argument, NULL, 'a'},
    {"progress", required_argument, NULL, 'g'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, '?'},
    {NULL, 0, NULL, 0},
};

static void option_set(struct options *opt, int letter, const char *name, const char *arg)
{
    switch (letter) {
    case 'h':
        opt->host = arg;
        break;
    case 'p':
        opt->port = (uint16_t)whole(name, arg, 1, 65535);
        break;
    case 'm':
        opt->mode = mode_of(arg);
        break;
    case 'c':
        opt->clients = whole(name, arg, 1, 200000);
        break;
    case 'f':
        opt->in_flight = whole(name, arg, 1, 4096);
        break;
    case 'b':
        opt->bytes = whole(name, arg, MESSAGE_TAG_LEN, 900000);
        break;
    case 's':
        opt->seconds = number(name, arg, 0.1, 3600);
        break;
    case 'w':
        opt->warmup = number(name, arg, 0, 600);
        break;
    case 'o':
        opt->open_timeout = number(name, arg, 1, 600);
        break;
    case 'i':
        opt->pid = whole(name, arg, 1, 4194304);
        break;
    case 'r':
        opt->connect_rate = whole(name, arg, 1, 1000000);
        break;
    case 'a':
        opt->source_spread = whole(name, arg, 1, 250);
        break;
    case 'g':
        opt->progress = number(name, arg, 0.1, 3600);
        break;
    default:
        opt->json = true;
        break;
    }
}

/* A source address has some 28,000 ports; in connect mode they are used up again and again. */
static uint32_t sources_needed(const struct options *opt)
{
    return opt->mode == MODE_CONNECT ? 16 : opt->clients / 25000 + 1;
}

int options_parse(struct options *opt, int argc, char **argv)
{
    *opt = (struct options){.host = "127.0.0.1",
                            .mode = MODE_ECHO,
                            .clients = 100,
                            .in_flight = 1,
                            .bytes = 128,
                            .seconds = 5,
                            .warmup = 1,
                            .open_timeout = 30};
    int letter, index = 0;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (letter == '?') {
            bool asked = strcmp(argv[optind - 1], "--help") == 0;
            usage(asked ? stdout : stderr);
            return asked ? 1 << 8 : 2;
        }
        option_set(opt, letter, long_options[index].name, optarg);
    }
    if (!opt->port || optind < argc) {
        usage(stderr);
        return 2;
    }
    if (!opt->source_spread)
        opt->source_spread = sources_needed(opt);
    return 0;
}
