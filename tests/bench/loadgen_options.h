/* tests/bench/loadgen_options.h -- what the load generator is asked to do. */
#ifndef LOADGEN_OPTIONS_H
#define LOADGEN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum mode { MODE_ECHO, MODE_ACK, MODE_FANOUT, MODE_IDLE, MODE_CONNECT };

struct options {
    const char *host; /* an IPv4 address, dotted */
    uint16_t port;
    enum mode mode;
    uint32_t clients;
    uint32_t in_flight;  /* per client; of the one sender in fan-out; open at once in connect */
    uint32_t bytes;      /* of the payload string in every event */
    double seconds;      /* measured */
    double warmup;       /* seconds of load before that, not measured */
    double open_timeout; /* seconds until every client must have joined */
    uint32_t pid;        /* the server's, 0: its CPU time and memory are not read */
    uint32_t connect_rate;  /* connections opened per second, 0: as fast as they are accepted */
    uint32_t source_spread; /* number of 127.0.0.x addresses to connect from, 0: as needed */
    double progress;        /* seconds between lines with the server's memory, 0: none */
    bool json;
};

const char *mode_name(enum mode mode);

/* Reads the command line.  0, or the exit code for main (0 is never returned for --help: 1 << 8
 * says "end with success"). */
int options_parse(struct options *opt, int argc, char **argv);

#endif
