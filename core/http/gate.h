/* http/gate.h -- how many connections, and how much of some kinds of requests, the server takes
 * from all and from one address.
 *
 * An address is an IPv4 address or the /64 of an IPv6 one.  Addresses are only counted when
 * there is a limit for one.  Knows no sockets: keys and times are given.
 * Invariant: an address is in the table while it has a connection, or a window that still
 * counts; the table is bounded, and whoever does not fit in is counted by nobody.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "base/map.h"
#include "base/metric.h"

#define HTTP_GATE_KEY 16 /* bytes; all zero: no address, never limited */

struct http_gate_limits {
    size_t conns; /* at least 1 */
    /* Of one address; 0 = none of its own. */
    size_t conns_per_ip;
    size_t handshakes_per_ip;   /* within 10 s */
    size_t unknown_sids_per_ip; /* within 60 s */
};

/* Counts from the first one on; starts anew when the time is over. */
struct http_window {
    uint64_t since_ms;
    size_t count;
};

struct http_peer {
    struct http_gate *gate;
    size_t conns;
    struct http_window handshakes, unknown_sids;
    uint8_t key[HTTP_GATE_KEY];
};

struct http_gate {
    struct http_gate_limits limits;
    struct metrics *metrics;
    size_t conns;
    bool memory_short; /* nobody else may come in; the server's word */
    uint64_t now_ms;   /* as of the last call that told it */
    struct map peers;
    size_t sweep_at;         /* so many peers are looked through for old ones */
    struct http_peer anyone; /* stands for all that are not counted one by one */
};

void http_gate_init(struct http_gate *gate, struct metrics *metrics);
void http_gate_deinit(struct http_gate *gate); /* no connection may be left */

/* A connection comes: who it is of, valid until the http_gate_leave that belongs to it, or
 * NULL: one too many (counted). */
struct http_peer *http_gate_enter(struct http_gate *gate, const uint8_t key[HTTP_GATE_KEY],
                                  uint64_t now_ms);
void http_gate_leave(struct http_peer *peer);
/* One more; false: too many (counted). */
bool http_gate_handshake(struct http_peer *peer, uint64_t now_ms);
bool http_gate_unknown_sid(struct http_peer *peer, uint64_t now_ms);

#endif
