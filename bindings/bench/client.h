/* bindings/bench/client.h -- one connection: TCP, TLS, and the packets of Engine.IO and
 * Socket.IO that open, join and keep alive.  Reads as much as there is and writes once for all
 * that it caused. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "run.h"

/* How packets travel: websocket.c, polling.c. */
struct transport {
    enum client_state first; /* the state of a client that begins */
    /* The link is up. */
    void (*start)(struct run *r, struct client *c);
    /* Takes what is complete from the front; how many bytes that were. */
    size_t (*parse)(struct run *r, struct client *c, const uint8_t *bytes, size_t len);
    /* Queues a packet, the client's next event; sends what is queued. */
    void (*packet)(struct run *r, struct client *c, const char *text, size_t len);
    void (*message)(struct run *r, struct client *c);
    void (*flush)(struct run *r, struct client *c);
    void (*leave)(struct run *r, struct client *c);
    /* The server has ended the connection; true: that is no fault. */
    bool (*ended)(struct run *r, struct client *c);
};

extern const struct transport bench_websocket;
extern const struct transport bench_polling;

/* Starts to connect; a failure counts as a lost connection. */
void bench_client_open(struct run *r, struct client *c);
/* What epoll said about it. */
void bench_client_event(struct run *r, struct client *c, uint32_t events);
/* Says goodbye; what follows is no fault. */
void bench_client_leave(struct run *r, struct client *c);
void bench_client_close(struct run *r, struct client *c);

/* ---- for the transports ---- */

/* Connects again, with the session as it is. */
void bench_client_reopen(struct run *r, struct client *c);
/* Sends r->write and keeps what the kernel does not take. */
void bench_client_send(struct run *r, struct client *c);
/* One Engine.IO packet has come. */
void bench_client_packet(struct run *r, struct client *c, const char *text, size_t len);
/* It has left as it was told to. */
void bench_client_left(struct run *r, struct client *c);
void bench_client_wrong(struct run *r, struct client *c, const char *why, const char *text,
                        size_t len);
/* why: what failed, errno (when not 0) says how. */
void bench_client_lost(struct run *r, struct client *c, const char *why);
/* "GET /socket.io/?EIO=4&transport=polling" as far as the query goes, into r->write. */
void bench_client_request(struct run *r, const char *method, const char *transport);
/* The end of the request line and Host. */
void bench_client_host(struct run *r);

#endif
