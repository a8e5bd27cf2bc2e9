/* tests/bench/peers/limit_packet.c -- Socket.IO by pasting strings: knows the three events of
 * the benchmark by their first characters and parses nothing.  That is the point: what a real
 * server adds to this is its own cost. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
#include "limit_accept.h"

#define HEAD_MAX 10

static void reply_flush(struct server *s, struct conn *c)
{
    conn_send(s, c, s->reply.at, s->reply.len);
    s->reply.len = 0;
}

/* Appends one unmasked text frame made of two pieces. */
static void put_frame(struct bytes *to, const char *start, size_t start_len,
                      const uint8_t *text, size_t text_len)
{
    size_t len = start_len + text_len, width = len < 126 ? 0 : len < 65536 ? 2 : 8, at = 2;
    uint8_t *head = bytes_reserve(to, HEAD_MAX + len);
    head[0] = 0x81;
    head[1] = (uint8_t)(width == 0 ? len : width == 2 ? 126 : 127);
    for (size_t i = width; i-- > 0;)
        head[at++] = (uint8_t)((uint64_t)len >> (8 * i));
    memcpy(head + at, start, start_len);
    memcpy(head + at + start_len, text, text_len);
    to->len += at + len;
}

static bool faulty(struct server *s)
{
    return s->fault != FAULT_NONE && ++s->answers % s->fault_every == 0;
}

static int answer(struct server *s, struct conn *c, const char *start, size_t start_len,
                  const uint8_t *text, size_t len)
{
    bool fault = faulty(s);
    if (fault && s->fault == FAULT_HANGUP)
        return -1;
    if (!fault || s->fault != FAULT_DROP)
        put_frame(&s->reply, start, start_len, text, len);
    if (fault && s->fault == FAULT_CORRUPT)
        s->reply.at[s->reply.len - 5] ^= 1;
    if (fault && s->fault == FAULT_TWICE)
        put_frame(&s->reply, start, start_len, text, len);
    if (!s->coalesce)
        reply_flush(s, c);
    return 0;
}

void broadcast_flush(struct server *s)
{
    if (s->broadcast.len == 0)
        return;
    for (uint32_t i = 0; i < s->conn_count; i++)
        if (s->conns[i]->joined)
            conn_send(s, s->conns[i], s->broadcast.at, s->broadcast.len);
    s->broadcast.len = 0;
}

static int broadcast(struct server *s, const uint8_t *text, size_t len)
{
    bool fault = faulty(s);
    if (fault && s->fault == FAULT_HANGUP)
        return -1;
    if (!fault || s->fault != FAULT_DROP)
        put_frame(&s->broadcast, "", 0, text, len);
    if (fault && s->fault == FAULT_CORRUPT)
        s->broadcast.at[s->broadcast.len - 5] ^= 1;
    if (fault && s->fault == FAULT_TWICE)
        put_frame(&s->broadcast, "", 0, text, len);
    if (!s->coalesce)
        broadcast_flush(s);
    return 0;
}

static bool starts_with(const uint8_t *text, size_t len, const char *start, size_t start_len)
{
    return len >= start_len && memcmp(text, start, start_len) == 0;
}

/* 42<id>["ack",ARGS] -> 43<id>[ARGS], written over the bytes in front of ARGS. */
static int answer_ack(struct server *s, struct conn *c, uint8_t *text, size_t len)
{
    static const char event[] = "[\"ack\",";
    size_t digits = 2;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    size_t args = digits + sizeof event - 1;
    if (digits == 2 || !starts_with(text + digits, len - digits, event, sizeof event - 1))
        return -1;
    char start[32];
    if (digits + 1 > sizeof start)
        return -1;
    memcpy(start, text, digits);
    start[1] = '3';
    start[digits] = '[';
    return answer(s, c, start, digits + 1, text + args, len - args);
}

static int packet(struct server *s, struct conn *c, uint8_t *text, size_t len)
{
    static const char joined[] = "40{\"sid\":\"limitlimitlimitlimi\"}";
    if (starts_with(text, len, "42[\"echo\"", 9))
        return answer(s, c, "", 0, text, len);
    if (starts_with(text, len, "42[\"bcast\"", 10))
        return broadcast(s, text, len);
    if (starts_with(text, len, "42", 2))
        return answer_ack(s, c, text, len);
    if (len != 2 || memcmp(text, "40", 2) != 0)
        return -1;
    c->joined = true;
    put_frame(&s->reply, joined, sizeof joined - 1, (const uint8_t *)"", 0);
    return 0;
}

/* Eight bytes at a time; nothing cleverer is needed at these lengths. */
static void unmask(uint8_t *bytes, size_t len, const uint8_t *key)
{
    uint64_t wide, word;
    memcpy(&wide, key, 4);
    memcpy((uint8_t *)&wide + 4, key, 4);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        memcpy(&word, bytes + i, 8);
        word ^= wide;
        memcpy(bytes + i, &word, 8);
    }
    for (; i < len; i++)
        bytes[i] ^= key[i & 3];
}

/* One masked text frame: its whole length, 0 when more is needed, -1 for anything else (also
 * for the close frame: the connection ends). */
static long frame(struct server *s, struct conn *c, uint8_t *bytes, size_t len)
{
    if (len < 6)
        return 0;
    size_t payload = bytes[1] & 127, at = payload < 126 ? 2 : payload == 126 ? 4 : 10;
    if (bytes[0] != 0x81 || !(bytes[1] & 128))
        return -1;
    if (len < at + 4)
        return 0;
    if (at > 2) {
        payload = 0;
        for (size_t i = 2; i < at; i++)
            payload = payload << 8 | bytes[i];
    }
    if (payload > 1000000)
        return -1;
    if (len < at + 4 + payload)
        return 0;
    unmask(bytes + at + 4, payload, bytes + at);
    if (packet(s, c, bytes + at + 4, payload))
        return -1;
    return (long)(at + 4 + payload);
}

static long upgrade(struct server *s, struct conn *c, const uint8_t *bytes, size_t len)
{
    static const char open[] = "0{\"sid\":\"limitlimitlimitlimi\",\"upgrades\":[],"
                               "\"pingInterval\":25000,\"pingTimeout\":20000,"
                               "\"maxPayload\":1000000}";
    static const char name[] = "\r\nSec-WebSocket-Key: ";
    const uint8_t *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - bytes);
    const uint8_t *key = memmem(bytes, head, name, sizeof name - 1);
    if (!key || (size_t)(end - key) < sizeof name - 1 + 24)
        return -1;
    char accept[LIMIT_ACCEPT_LEN + 1];
    limit_accept((const char *)key + sizeof name - 1, 24, accept);
    char *to = (char *)bytes_reserve(&s->reply, 256);
    s->reply.len += (size_t)sprintf(to,
                                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                    accept);
    put_frame(&s->reply, open, sizeof open - 1, (const uint8_t *)"", 0);
    c->upgraded = true;
    return (long)head + 4;
}

int packets_take(struct server *s, struct conn *c, uint8_t *bytes, size_t len, size_t *ret_used)
{
    size_t at = 0;
    long took = 1;
    while (took > 0 && at < len) {
        took = c->upgraded ? frame(s, c, bytes + at, len - at)
                           : upgrade(s, c, bytes + at, len - at);
        at += took > 0 ? (size_t)took : 0;
    }
    if (took < 0 && c->upgraded && at + 6 <= len && bytes[at] == 0x88) {
        memcpy(bytes_reserve(&s->reply, 2), "\x88\x00", 2);
        s->reply.len += 2;
    }
    reply_flush(s, c);
    *ret_used = at;
    return took < 0 ? -1 : 0;
}
