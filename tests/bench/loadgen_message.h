/* tests/bench/loadgen_message.h -- the one event of a run, prepared once: as masked frames to
 * send and as the text that must come back.
 *
 * Both have holes where the sequence number goes: a tag at the front of the payload string
 * (client and number, 16 characters), and for acks and broadcasts a number of 10 digits outside
 * of it. So a message costs the generator one copy, and its check one comparison of the whole
 * text.
 */
#ifndef LOADGEN_MESSAGE_H
#define LOADGEN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen_options.h"
#include "loadgen_ws.h"

#define MESSAGE_TAG_LEN    16
#define MESSAGE_NUMBER_LEN 10
#define MESSAGE_MASKS      4 /* frames are prepared with this many mask keys, used in turn */
#define MESSAGE_NO_HOLE    SIZE_MAX

struct message_text {
    char *bytes;
    size_t len;
    size_t tag_at;
    size_t number_at; /* or MESSAGE_NO_HOLE */
};

struct message {
    struct message_text sent;
    struct message_text wanted;
    uint8_t *frames[MESSAGE_MASKS];
    size_t head_len;
    size_t frame_len;
};

int message_init(struct message *m, enum mode mode,
                 size_t payload_bytes); /* 0, -1: no memory */
void message_deinit(struct message *m);

/* Writes the masked frame of one message to `to`, frame_len bytes. */
void message_write(const struct message *m, uint8_t *to, uint32_t client, uint64_t seq);

/* Is this exactly the text that answers it? */
bool message_matches(struct message *m, uint32_t client, uint64_t seq, const char *text,
                     size_t len);

#endif
