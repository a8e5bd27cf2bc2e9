/* bindings/bench/run.h -- the state of one run: the clients, what is on its way, what was
 * counted.
 *
 * Reading order: this file, run.c (the phases: open, warm up, measure, drain), client.c (one
 * connection), websocket.c and polling.c (its transport), modes.c (what is said), message.c
 * (how it is checked), report.c.
 *
 * Invariant: outside of the time in which `closing` is set, a connection that ends is a fault.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "hist.h"
#include "message.h"
#include "options.h"
#include "proc.h"

#define FAULTS_MAX 100 /* a run with so many is not worth finishing */

struct bytes {
    uint8_t *at;
    size_t len;
    size_t cap;
};

/* The connection, and what is said over it: a client that polls may lose the one and keep the
 * other. */
enum client_link { LINK_DOWN, LINK_CONNECTING, LINK_SECURING, LINK_UP };

enum client_state {
    CLIENT_CLOSED,
    CLIENT_UPGRADING, /* waits for the 101 */
    CLIENT_OPENING,   /* waits for the Engine.IO open packet */
    CLIENT_JOINING,   /* waits for the answer to CONNECT */
    CLIENT_ENTERING,  /* waits for the answer of its room */
    CLIENT_JOINED,
    CLIENT_LEAVING /* has said so, waits for the end */
};

struct tls; /* tls.h */

struct client {
    int fd;
    uint32_t index;
    enum client_link link;
    enum client_state state;
    bool wants_write;
    bool deflates;  /* both sides agreed to */
    bool asking;    /* polling: a request is under way */
    bool reconnect; /* polling: the server ends the connection behind this response */
    struct tls *tls;
    char *sid; /* polling: of its Engine.IO session */
    uint64_t sent_count;
    uint64_t answered_count; /* the number that the next answer must carry */
    uint64_t opened_ns;
    struct bytes in;     /* the beginning of a frame or response whose end has not arrived */
    struct bytes out;    /* what the kernel did not take yet */
    struct bytes outbox; /* polling: packets for the next POST */
    struct bytes parts;  /* WebSocket: the beginning of a message in several frames */
    bool in_parts, parts_compressed;
};

/* Who hears what: fan-out to everybody is one room with all clients in it.  Its sender is the
 * client of the same number, its members are every room_count-th client from that one on. */
struct room {
    uint32_t members;
    uint32_t due; /* broadcasts that may be sent */
};

struct inflater; /* inflate.h */
struct tls_context;

struct run {
    struct options opt;
    struct message message;
    const struct transport *transport; /* client.h */
    struct tls_context *tls;
    struct inflater *inflater;
    struct sockaddr_storage address; /* of the server */
    socklen_t address_len;
    int epoll_fd;
    int signal_fd;
    const char *program;
    struct client *clients;
    uint64_t now_ns;

    struct bytes read;   /* one buffer for everybody: length unused */
    struct bytes write;  /* what the client being served says in this turn, sent at once */
    uint64_t *sent_ns;   /* [clients][in_flight] */
    uint32_t *receivers; /* fan-out: [rooms][in_flight], who has not yet got a broadcast */
    struct room *rooms;
    uint32_t room_count;
    bool any_due;

    uint64_t rate_begin_ns;
    uint64_t rate_sent;

    bool sending;     /* answers are followed by new messages */
    bool recording;   /* between the two ends of the measured window */
    bool closing;     /* the run is over: connections may end */
    bool interrupted; /* ^C: shows what there is */
    uint32_t opened_count;
    uint32_t joined_count;

    uint64_t measured; /* answers, deliveries, joins or nothing, as the mode counts */
    uint64_t bytes_in; /* measured too: of all connections, without TLS */
    uint64_t ping_count;
    uint64_t wrong_count;   /* answers that were not what they had to be */
    uint64_t lost_count;    /* connections that failed or ended */
    uint64_t missing_count; /* messages never answered */
    uint64_t complaints;
    double open_s;
    double window_s;
    double own_cpu_s;
    struct proc_sample before; /* no client yet */
    double begin_cpu_s;        /* of the server, at the window's begin */
    struct proc_sample end;
    struct hist hist;
};

static inline uint64_t bench_run_fault_count(const struct run *r)
{
    return r->wrong_count + r->lost_count + r->missing_count;
}

uint64_t bench_clock_now_ns(void);

/* A line on stderr; only the first few, a broken server has many. */
void bench_run_complain(struct run *r, const struct client *c, const char *what,
                        const char *text, size_t len);

/* Room for `more` bytes behind b->len; the program ends when there is none. */
uint8_t *bench_bytes_reserve(struct bytes *b, size_t more);
void bench_bytes_add(struct bytes *b, const void *bytes, size_t len);
void bench_bytes_text(struct bytes *b, const char *text);
void bench_bytes_free(struct bytes *b);

#endif
