/* bindings/bench/options.h -- what the load generator is asked to do. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "url.h"

enum mode { MODE_ECHO, MODE_ACK, MODE_FANOUT, MODE_IDLE, MODE_CONNECT };

#define MIN_BYTES 16 /* a payload has room for who sent it and its number */

struct options {
    struct url url;
    const char *path;  /* where the server serves Socket.IO, "/socket.io/" */
    const char *auth;  /* JSON object sent with CONNECT, "" none */
    const char *event; /* the event's name, NULL: the mode's own */
    enum mode mode;
    bool polling;  /* HTTP long-polling instead of WebSocket */
    bool deflate;  /* offer permessage-deflate */
    bool insecure; /* take any certificate */
    uint32_t clients;
    uint32_t in_flight;     /* per client; broadcasts of each sender in fan-out */
    uint32_t rooms;         /* fan-out: to that many rooms, 0: to everybody */
    uint32_t bytes;         /* of the payload string in every event */
    double rate;            /* messages per second of all clients; 0: as answers come */
    double seconds;         /* measured */
    double warmup;          /* seconds of load before that, not measured */
    double open_timeout;    /* seconds until every client must have joined */
    uint32_t pid;           /* the server's, 0: its CPU time and memory are not read */
    uint32_t connect_rate;  /* connections opened per second, 0: as fast as they are accepted */
    uint32_t source_spread; /* number of 127.0.0.x addresses to connect from, 1: one */
    double progress;        /* seconds between lines on stderr, 0: on a terminal only */
    bool json;
};

const char *bench_mode_name(enum mode mode);

/* Reads the command line.  0; the exit code for main; or BENCH_HELP_SHOWN. */
#define BENCH_HELP_SHOWN (-1)
int bench_options_parse(struct options *opt, int argc, char **argv);

#endif
