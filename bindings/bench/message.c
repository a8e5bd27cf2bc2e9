/* bindings/bench/message.c -- see message.h. */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* '@' stands for the namespace, 'E' for the event's name, 'N', 'R' and 'T' for the holes, '*'
 * for the rest of the payload string. */
struct format {
    const char *event;
    const char *sent;
    const char *wanted;
};

static const struct format formats[] = {
    [MODE_ECHO] = {"echo", "42@[\"E\",\"T*\"]", "42@[\"E\",\"T*\"]"},
    [MODE_ACK] = {"ack", "42@N[\"E\",\"T*\"]", "43@N[\"T*\"]"},
    [MODE_FANOUT] = {"bcast", "42@[\"E\",N,\"T*\"]", "42@[\"E\",N,\"T*\"]"},
    [MODE_IDLE] = {"", "", ""},
    [MODE_CONNECT] = {"", "", ""},
};
static const struct format rooms_format = {"bcast", "42@[\"room\",\"rR\",N,\"T*\"]",
                                           "42@[\"E\",N,\"T*\"]"};

static void add(struct message_text *t, const char *text)
{
    size_t len = strlen(text);

    memcpy(t->bytes + t->len, text, len);
    t->len += len;
}

/* Letters in no order, always the same: text that deflates to some 60 %. */
static void fill(struct message_text *t, size_t len)
{
    uint32_t state = 0x9e3779b9;

    for (; len > 0; len--) {
        state = state * 1664525u + 1013904223u;
        t->bytes[t->len++] = (char)('a' + (state >> 16) % 26);
    }
}

static void hole(struct message_text *t, size_t *at, size_t len)
{
    *at = t->len;
    memset(t->bytes + t->len, '0', len);
    t->len += len;
}

static int text_init(struct message_text *t, const char *format, const char *nsp,
                     const char *event, size_t payload_bytes)
{
    *t = (struct message_text){.number_at = MESSAGE_NO_HOLE, .room_at = MESSAGE_NO_HOLE};
    t->bytes = malloc(strlen(format) + strlen(nsp) + strlen(event) + payload_bytes + 64);
    if (!t->bytes)
        return -1;
    for (; *format; format++) {
        switch (*format) {
        case '@':
            add(t, nsp);
            break;
        case 'E':
            add(t, event);
            break;
        case 'N':
            hole(t, &t->number_at, MESSAGE_NUMBER_LEN);
            break;
        case 'R':
            hole(t, &t->room_at, MESSAGE_ROOM_LEN);
            break;
        case 'T':
            hole(t, &t->tag_at, MESSAGE_TAG_LEN);
            break;
        case '*':
            fill(t, payload_bytes - MESSAGE_TAG_LEN);
            break;
        default:
            t->bytes[t->len++] = *format;
        }
    }
    return 0;
}

static int frames_init(struct message *m)
{
    static const uint8_t keys[MESSAGE_MASKS][4] = {{0x37, 0xfa, 0x21, 0x3d},
                                                   {0xc1, 0x09, 0x5e, 0x82},
                                                   {0x00, 0x6b, 0xd4, 0xff},
                                                   {0x9a, 0x13, 0xe7, 0x58}};

    for (size_t k = 0; k < MESSAGE_MASKS; k++) {
        uint8_t *frame = m->frames[k] = malloc(FRAME_HEAD_MAX + m->sent.len);
        if (!frame)
            return -1;
        m->head_len = bench_head_write(frame, FRAME_TEXT, m->sent.len, keys[k]);
        m->frame_len = m->head_len + m->sent.len;
        for (size_t i = 0; i < m->sent.len; i++)
            frame[m->head_len + i] = (uint8_t)m->sent.bytes[i] ^ keys[k][i & 3];
    }
    return 0;
}

int bench_message_init(struct message *m, const struct options *opt)
{
    const struct format *format = opt->rooms ? &rooms_format : &formats[opt->mode];
    const char *event = opt->event ? opt->event : format->event;
    const char *nsp = opt->url.nsp, *comma = *nsp ? "," : "";
    size_t connect_cap = strlen(nsp) + strlen(opt->auth) + 4;
    char prefix[260];

    *m = (struct message){.nsp = nsp};
    snprintf(prefix, sizeof prefix, "%s%s", nsp, comma);
    snprintf(m->connected, sizeof m->connected, "40%s{", prefix);
    snprintf(m->entered, sizeof m->entered, "43%s0[", prefix);
    m->connect = malloc(connect_cap);
    if (!m->connect)
        return -1;
    snprintf(m->connect, connect_cap, "40%s%s", prefix, opt->auth);
    if (text_init(&m->sent, format->sent, prefix, event, opt->bytes) ||
        text_init(&m->wanted, format->wanted, prefix, event, opt->bytes))
        return -1;
    return frames_init(m);
}

void bench_message_deinit(struct message *m)
{
    for (size_t k = 0; k < MESSAGE_MASKS; k++)
        free(m->frames[k]);
    free(m->sent.bytes);
    free(m->wanted.bytes);
    free(m->connect);
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

static void decimal_write(char *to, int len, uint32_t number)
{
    for (int i = len - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
}

/* Always ten digits and below 2^31, so that its text is the same whatever number type a server
 * keeps it in. */
static void number_write(char to[MESSAGE_NUMBER_LEN], uint64_t seq)
{
    decimal_write(to, MESSAGE_NUMBER_LEN, 1000000000u + (uint32_t)(seq % 1000000000u));
}

static void hole_mask(const struct message *m, uint8_t *frame, size_t at, const char *text,
                      size_t len)
{
    const uint8_t *key = frame + m->head_len - 4;
    uint8_t *payload = frame + m->head_len;

    for (size_t i = 0; i < len; i++)
        payload[at + i] = (uint8_t)text[i] ^ key[(at + i) & 3];
}

void bench_message_write(const struct message *m, uint8_t *to, uint32_t client, uint64_t seq)
{
    char tag[MESSAGE_TAG_LEN], number[MESSAGE_NUMBER_LEN], room[MESSAGE_ROOM_LEN];

    memcpy(to, m->frames[seq % MESSAGE_MASKS], m->frame_len);
    tag_write(tag, client, seq);
    hole_mask(m, to, m->sent.tag_at, tag, sizeof tag);
    if (m->sent.number_at != MESSAGE_NO_HOLE) {
        number_write(number, seq);
        hole_mask(m, to, m->sent.number_at, number, sizeof number);
    }
    if (m->sent.room_at != MESSAGE_NO_HOLE) {
        decimal_write(room, sizeof room, client);
        hole_mask(m, to, m->sent.room_at, room, sizeof room);
    }
}

struct message_text *bench_message_text(struct message *m, uint32_t client, uint64_t seq)
{
    struct message_text *t = &m->sent;

    tag_write(t->bytes + t->tag_at, client, seq);
    if (t->number_at != MESSAGE_NO_HOLE)
        number_write(t->bytes + t->number_at, seq);
    return t;
}

bool bench_message_matches(struct message *m, uint32_t client, uint64_t seq, const char *text,
                           size_t len)
{
    struct message_text *w = &m->wanted;

    tag_write(w->bytes + w->tag_at, client, seq);
    if (w->number_at != MESSAGE_NO_HOLE)
        number_write(w->bytes + w->number_at, seq);
    return len == w->len && memcmp(text, w->bytes, len) == 0;
}

size_t bench_message_join(const struct message *m, uint32_t room, char to[MESSAGE_JOIN_MAX])
{
    int len = snprintf(to, MESSAGE_JOIN_MAX, "42%s%s0[\"join\",\"r%05u\"]", m->nsp,
                       *m->nsp ? "," : "", room);

    return len > 0 && len < MESSAGE_JOIN_MAX ? (size_t)len : 0;
}
