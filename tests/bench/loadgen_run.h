/* tests/bench/loadgen_run.h -- the state of one run: the clients, what is on its way, what was
 * counted.  loadgen.c drives the phases, loadgen_client.c speaks for one connection,
 * loadgen_modes.c decides what to send and what must come back.
 *
 * Invariant: outside of the time in which `closing` is set, a connection that ends is a fault.
 */
#ifndef LOADGEN_RUN_H
#define LOADGEN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen_hist.h"
#include "loadgen_message.h"
#include "loadgen_options.h"
#include "loadgen_proc.h"

#define FAULTS_MAX 100 /* a run with so many is not worth finishing */

struct bytes {
    uint8_t *at;
    size_t len;
    size_t cap;
};

enum client_state {
    CLIENT_CLOSED,
    CLIENT_CONNECTING, /* TCP */
    CLIENT_UPGRADING,  /* waits for the 101 */
    CLIENT_OPENING,    /* waits for the Engine.IO open packet */
    CLIENT_JOINING,    /* waits for the answer to CONNECT */
    CLIENT_JOINED,
    CLIENT_LEAVING /* close frame sent, waits for the server's */
};

struct client {
    int fd;
    uint32_t index;
    enum client_state state;
    bool wants_write;
    uint64_t sent_count;
    uint64_t answered_count; /* the number that the next answer must carry */
    uint64_t opened_ns;
    struct bytes in;  /* the beginning of a frame whose end has not arrived */
    struct bytes out; /* what the kernel did not take yet */
};

struct run {
    struct options opt;
    struct message message;
    int epoll_fd;
    struct client *clients;
    uint64_t now_ns;

    struct bytes read;   /* one buffer for everybody: length unused */
    struct bytes write;  /* what the client being served says in this turn, sent at once */
    uint64_t *sent_ns;   /* [clients][in_flight]; fan-out: [in_flight] */
    uint32_t *receivers; /* fan-out: who has not yet got broadcast [number % in_flight] */
    uint32_t broadcasts_due;

    bool sending;   /* answers are followed by new messages */
    bool recording; /* between the two ends of the measured window */
    bool closing;   /* the run is over: connections may end */
    uint32_t opened_count;
    uint32_t joined_count;

    uint64_t measured; /* answers, deliveries, joins or nothing, as the mode counts */
    uint64_t ping_count;
    uint64_t wrong_count;   /* answers that were not what they had to be */
    uint64_t lost_count;    /* connections that failed or ended */
    uint64_t missing_count; /* messages never answered */
    double window_s;
    double own_cpu_s;
    struct proc_sample before; /* no client yet */
    struct proc_sample opened; /* all have joined */
    struct proc_sample begin;  /* of the window */
    struct proc_sample end;
    struct hist hist;
};

uint64_t clock_now_ns(void);
static inline uint64_t run_fault_count(const struct run *r)
{
    return r->wrong_count + r->lost_count + r->missing_count;
}
/* Says on stderr what is wrong with client c; only the first few, a broken server has many. */
void run_complain(const struct run *r, const struct client *c, const char *what,
                  const char *text, size_t len);

/* Room for `more` bytes behind b->len; the program ends when there is none. */
uint8_t *bytes_reserve(struct bytes *b, size_t more);

#endif
