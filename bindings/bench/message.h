/* bindings/bench/message.h -- the one event of a run, prepared once: as masked frames to send
 * and as the text that must come back.
 *
 * Both have holes where the sequence number goes: a tag at the front of the payload string
 * (client and number, 16 characters), and for acks and broadcasts a number of 10 digits outside
 * of it. So a message costs the generator one copy, and its check one comparison of the whole
 * text.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "options.h"

#define MESSAGE_TAG_LEN    16
#define MESSAGE_NUMBER_LEN 10
#define MESSAGE_ROOM_LEN   5 /* digits of a room's name */
#define MESSAGE_MASKS      4 /* frames are prepared with this many mask keys, used in turn */
#define MESSAGE_NO_HOLE    SIZE_MAX
#define MESSAGE_JOIN_MAX   320

struct message_text {
    char *bytes;
    size_t len;
    size_t tag_at;
    size_t number_at; /* or MESSAGE_NO_HOLE */
    size_t room_at;   /* or MESSAGE_NO_HOLE */
};

struct message {
    struct message_text sent;
    struct message_text wanted;
    uint8_t *frames[MESSAGE_MASKS];
    size_t head_len;
    size_t frame_len;
    const char *nsp;
    char *connect;       /* the CONNECT packet */
    char connected[264]; /* how its answer begins */
    char entered[264];   /* how the ack of "join" begins */
};

int bench_message_init(struct message *m, const struct options *opt); /* 0, -1: no memory */
void bench_message_deinit(struct message *m);

/* Writes the masked frame of one message to `to`, frame_len bytes. */
void bench_message_write(const struct message *m, uint8_t *to, uint32_t client, uint64_t seq);
/* The same as a packet, valid until the next call. */
struct message_text *bench_message_text(struct message *m, uint32_t client, uint64_t seq);

/* Is this exactly the text that answers it? */
bool bench_message_matches(struct message *m, uint32_t client, uint64_t seq, const char *text,
                           size_t len);

/* The packet by which a client asks to be in a room; returns its length. */
size_t bench_message_join(const struct message *m, uint32_t room, char to[MESSAGE_JOIN_MAX]);

#endif
