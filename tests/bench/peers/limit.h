/* tests/bench/peers/limit.h -- the state of the limit server; see limit.c. */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
    FAULT_NONE,
    FAULT_CORRUPT, /* one character of an answer is wrong */
    FAULT_DROP,    /* an answer is never sent */
    FAULT_TWICE,   /* an answer is sent twice */
    FAULT_HANGUP   /* the connection ends */
};

struct bytes {
    uint8_t *at;
    size_t len;
    size_t cap;
};

struct conn {
    int fd;
    uint32_t slot; /* in server.conns */
    bool upgraded;
    bool joined;
    bool wants_write;
    struct bytes *in;  /* start of an incomplete frame; NULL most of the time */
    struct bytes *out; /* what the kernel did not take; NULL most of the time */
};

struct server {
    int epoll_fd;
    int listen_fd;
    bool coalesce; /* limit-co: pending output is written once per connection and turn */
    enum fault fault;
    uint64_t fault_every;
    uint64_t answers;
    struct conn **conns; /* dense, for broadcasts */
    uint32_t conn_count;
    uint32_t conn_cap;
    uint8_t *read;
    struct bytes reply;     /* to the connection being served */
    struct bytes broadcast; /* to everybody, at the end of the turn */
};

/* ---- limit_conn.c: bytes in and out of one connection ---- */

uint8_t *bytes_reserve(struct bytes *b, size_t more);
void conn_accept(struct server *s);
/* What epoll said about it; may free it. */
void conn_event(struct server *s, struct conn *c, uint32_t events);
/* Hands bytes to the kernel and keeps what it does not take. */
void conn_send(struct server *s, struct conn *c, const uint8_t *bytes, size_t len);
void conn_free(struct server *s, struct conn *c);

/* ---- limit_packet.c: what is answered ---- */

/* Takes what is complete from the front, queues the answers; -1: end this connection. */
int packets_take(struct server *s, struct conn *c, uint8_t *bytes, size_t len,
                 size_t *ret_used);
void broadcast_flush(struct server *s);

#endif
