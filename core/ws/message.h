/* ws/message.h -- from a stream of bytes to messages: frames, fragments, control frames, UTF-8.
 *
 * Sans I/O: feed it what arrives, cut anywhere.  Whole unfragmented messages that lie in the
 * fed bytes are unmasked in place and handed out without a copy; only what is incomplete at the
 * end of the bytes is kept, in a buffer that grows with bytes really received and is given back
 * when it is empty. Invariant: after an error nothing more is handed out.
 */
#ifndef WS_MESSAGE_H
#define WS_MESSAGE_H

#include "base/buf.h"
#include "ws/deflate.h"
#include "ws/fault.h"
#include "ws/frame.h"

struct ws_reader;

struct ws_reader_events {
    /* A complete message; text is valid UTF-8.  bytes: writable, borrowed for the call,
     * never NULL. */
    void (*message)(void *user, bool binary, uint8_t *bytes, size_t len);
    /* A ping's payload (<= 125 bytes), to be answered. */
    void (*ping)(void *user, struct sioc_str payload);
    void (*pong)(void *user, struct sioc_str payload);
    /* The close frame: status 0 when its body was empty.  Nothing is handed out after it. */
    void (*close)(void *user, uint16_t status, struct sioc_str reason);
};

/* What only a connection with a cut frame or an open fragmented message needs (message.c). */
struct ws_partial;

/* How a feed is dealt with, and what came of it. */
struct ws_feed {
    const struct ws_reader_events *events;
    void *user;
    size_t max_message_bytes;     /* one message, over all its fragments; inflated, too */
    size_t left;                  /* out: so many of the bytes, as they came, are for later */
    bool yields;                  /* see ws_reader_yield */
    enum ws_fault fault;          /* out, with a status: what was wrong */
    unsigned fault_number;        /* what its text speaks of */
    uint16_t max_empty_fragments; /* of one message; 0: 32 */
};

struct ws_reader {
    struct ws_feed *feed;       /* good during a feed */
    struct ws_deflate *deflate; /* borrowed; NULL: no message may be compressed */
    struct ws_partial *partial; /* NULL: nothing is incomplete */
    uint16_t empty_fragments;   /* of the open message; its last frame is not counted (R23) */
    uint8_t fragment_opcode;    /* 0: no message is open */
    bool compressed;            /* the open message is */
    bool ended;                 /* see ws_reader_take_ended */
    bool stopped;               /* by ws_reader_stop, a close frame or an error */
};

void ws_reader_init(struct ws_reader *r);
void ws_reader_deinit(struct ws_reader *r);
/* 0, or the status for the close frame: 1002 protocol, 1007 invalid UTF-8, 1009 too big, 1008
 * limit of empty fragments, 1011 out of memory.  An event may call ws_reader_stop (e.g. when it
 * destroys its owner's connection); the rest of the bytes is ignored then.  The reader itself
 * must outlive the call, and `feed` only that. */
int ws_reader_feed(struct ws_reader *r, struct ws_feed *feed, uint8_t *bytes, size_t len);
void ws_reader_stop(struct ws_reader *r);
/* From inside `message`: the frames behind this one are for later.  The feed ends here. */
static inline void ws_reader_yield(struct ws_reader *r)
{
    r->feed->yields = true;
}
/* Whether a frame or a message has begun and is not complete. */
static inline bool ws_reader_busy(const struct ws_reader *r)
{
    return r->partial != NULL;
}
/* Whether a message (or a control frame outside of one) was completed since the last call: what
 * is incomplete now has begun after that.  Says when to start a deadline again. */
static inline bool ws_reader_take_ended(struct ws_reader *r)
{
    bool ended = r->ended;
    r->ended = false;
    return ended;
}

#endif
