/* socketio/backlog.h -- the last packets of a namespace, for clients that come back.
 *
 * A ring of references to frames, bounded in packets, bytes and age; each packet has a number,
 * and says for whom it was.  Knows no socket, no session, no clock: time is given.
 * Invariant: slots hold the numbers [first, next), oldest first.
 */
#ifndef SOCKETIO_BACKLOG_H
#define SOCKETIO_BACKLOG_H

#include "base/map.h"
#include "engineio/frame.h"

/* A packet that may be sent again. */
struct sio_kept {
    struct eio_frame *frame;
    uint64_t at_ms;
    size_t bytes; /* what it costs us */
    uint32_t rooms, except;
    char names[]; /* those of rooms, then those of except, packed (sio_names_next) */
};

struct sio_backlog {
    struct sio_kept **slots; /* number n is in slots[n % cap] */
    size_t cap;              /* 0 or a power of two */
    uint64_t first, next;
    size_t bytes;
    size_t max_packets, max_bytes;
    uint64_t max_age_ms;
    uint64_t evicted; /* how many had to go before their time, ever */
};

/* Whom a packet is for: whoever is in one of `rooms` (none: everybody), and in no room of
 * `except`. Borrowed. */
struct sio_audience {
    const struct sioc_str *rooms;
    size_t room_count;
    const struct sioc_str *except;
    size_t except_count;
    struct sioc_str sender; /* one more `except`; ptr NULL: none */
};

void sio_backlog_init(struct sio_backlog *b, size_t max_packets, size_t max_bytes,
                      uint64_t max_age_ms);
void sio_backlog_deinit(struct sio_backlog *b);
/* Keeps a reference to the frame, under number `next`, and lets go of the oldest as the bounds
 * demand; of all when there is no memory, because a gap would be worse. */
void sio_backlog_add(struct sio_backlog *b, uint64_t now_ms, struct eio_frame *frame,
                     const struct sio_audience *audience);
/* Lets go of what is older than max_age_ms. */
void sio_backlog_expire(struct sio_backlog *b, uint64_t now_ms);
/* first <= number < next */
const struct sio_kept *sio_backlog_get(const struct sio_backlog *b, uint64_t number);
/* Whether it is for somebody who is in these rooms (their names are the keys). */
bool sio_kept_is_for(const struct sio_kept *kept, const struct map *rooms);

/* Names one behind the other: their length in two bytes, then their bytes. */
size_t sio_names_size(struct sioc_str name);
char *sio_names_put(char *at, struct sioc_str name); /* returns where the next one goes */
struct sioc_str sio_names_next(const char **at);

#endif
