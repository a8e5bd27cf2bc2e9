/* tests/bench/loadgen_message.c -- see loadgen_message.h. */
#include "loadgen_message.h"

#include <stdlib.h>
#include <string.h>

/* 'N' and 'T' stand for the holes, '*' for the rest of the payload string. */
static const struct {
    const char *sent;
    const char *wanted;
} formats[] = {
    [MODE_ECHO] = {"42[\"echo\",\"T*\"]", "42[\"echo\",\"T*\"]"},
    [MODE_ACK] = {"42N[\"ack\",\"T*\"]", "43N[\"T*\"]"},
    [MODE_FANOUT] = {"42[\"bcast\",N,\"T*\"]", "42[\"bcast\",N,\"T*\"]"},
    [MODE_IDLE] = {"", ""},
    [MODE_CONNECT] = {"", ""},
};

static int text_init(struct message_text *t, const char *format, size_t payload_bytes)
{
    *t = (struct message_text){.number_at = MESSAGE_NO_HOLE};
    t->bytes = malloc(strlen(format) + payload_bytes + MESSAGE_NUMBER_LEN + 1);
    if (!t->bytes)
        return -1;
    for (; *format; format++) {
        size_t hole = 1;
        if (*format == 'T') {
            t->tag_at = t->len;
            hole = MESSAGE_TAG_LEN;
        } else if (*format == 'N') {
            t->number_at = t->len;
            hole = MESSAGE_NUMBER_LEN;
        } else if (*format == '*') {
            for (size_t i = MESSAGE_TAG_LEN; i < payload_bytes; i++)
                t->bytes[t->len++] = (char)('a' + i % 26);
            continue;
        }
        memset(t->bytes + t->len, *format, hole);
        t->len += hole;
    }
    return 0;
}

int message_init(struct message *m, enum mode mode, size_t payload_bytes)
{
    static const uint8_t keys[MESSAGE_MASKS][4] = {{0x37, 0xfa, 0x21, 0x3d},
                                                   {0xc1, 0x09, 0x5e, 0x82},
                                                   {0x00, 0x6b, 0xd4, 0xff},
                                                   {0x9a, 0x13, 0xe7, 0x58}};
    *m = (struct message){0};
    if (text_init(&m->sent, formats[mode].sent, payload_bytes) ||
        text_init(&m->wanted, formats[mode].wanted, payload_bytes))
        return -1;
    for (size_t k = 0; k < MESSAGE_MASKS; k++) {
        uint8_t *frame = m->frames[k] = malloc(WS_HEAD_MAX + m->sent.len);
        if (!frame)
            return -1;
        m->head_len = ws_head_write(frame, WS_TEXT, m->sent.len, keys[k]);
        m->frame_len = m->head_len + m->sent.len;
        for (size_t i = 0; i < m->sent.len; i++)
            frame[m->head_len + i] = (uint8_t)m->sent.bytes[i] ^ keys[k][i & 3];
    }
    return 0;
}

void message_deinit(struct message *m)
{
    for (size_t k = 0; k < MESSAGE_MASKS; k++)
        free(m->frames[k]);
    free(m->sent.bytes);
    free(m->wanted.bytes);
}

/* "ccccc-ssssssssss" in hexadecimal. */
static void tag_write(char to[MESSAGE_TAG_LEN], uint32_t client, uint64_t seq)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 4; i >= 0; i--, client >>= 4)
        to[i] = digits[client & 15];
    to[5] = '-';
    for (int i = 15; i > 5; i--, seq >>= 4)
        to[i] = digits[seq & 15];
}

/* Always ten digits and below 2^31, so that its text is the same whatever number type a server
 * keeps it in. */
static void number_write(char to[MESSAGE_NUMBER_LEN], uint64_t seq)
{
    uint32_t number = 1000000000u + (uint32_t)(seq % 1000000000u);
    for (int i = MESSAGE_NUMBER_LEN - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
}

static void hole_mask(const struct message *m, uint8_t *frame, size_t at, const char *text,
                      size_t len)
{
    const uint8_t *key = frame + m->head_len - 4;
    uint8_t *payload = frame + m->head_len;
    for (size_t i = 0; i < len; i++)
        payload[at + i] = (uint8_t)text[i] ^ key[(at + i) & 3];
}

void message_write(const struct message *m, uint8_t *to, uint32_t client, uint64_t seq)
{
    char tag[MESSAGE_TAG_LEN], number[MESSAGE_NUMBER_LEN];
    memcpy(to, m->frames[seq % MESSAGE_MASKS], m->frame_len);
    tag_write(tag, client, seq);
    hole_mask(m, to, m->sent.tag_at, tag, sizeof tag);
    if (m->sent.number_at != MESSAGE_NO_HOLE) {
        number_write(number, seq);
        hole_mask(m, to, m->sent.number_at, number, sizeof number);
    }
}

bool message_matches(struct message *m, uint32_t client, uint64_t seq, const char *text,
                     size_t len)
{
    struct message_text *w = &m->wanted;
    tag_write(w->bytes + w->tag_at, client, seq);
    if (w->number_at != MESSAGE_NO_HOLE)
        number_write(w->bytes + w->number_at, seq);
    return len == w->len && memcmp(text, w->bytes, len) == 0;
}
