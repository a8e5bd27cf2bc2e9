/* tests/bench/loadgen_ws.c -- see loadgen_ws.h.  The handshake always uses the example key of
 * RFC 6455, 1.3, whose answer is printed there: so it is checked exactly, and without SHA-1. */
#include "loadgen_ws.h"

#include <stdio.h>
#include <string.h>

#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

int ws_frame_read(const uint8_t *bytes, size_t len, struct ws_frame *ret_frame)
{
    if (len < 2)
        return 0;
    uint8_t opcode = bytes[0] & 15;
    if ((bytes[0] & 0xf0) != 0x80 || (bytes[1] & 0x80))
        return -1; /* not final, reserved bits, or masked */
    if (opcode != WS_TEXT && opcode != WS_BINARY && (opcode < WS_CLOSE || opcode > WS_PONG))
        return -1;
    size_t payload = bytes[1], head = payload < 126 ? 2 : payload == 126 ? 4 : 10;
    if (len < head)
        return 0;
    if (head > 2) {
        payload = 0;
        for (size_t i = 2; i < head; i++)
            payload = payload << 8 | bytes[i];
    }
    *ret_frame = (struct ws_frame){.opcode = opcode, .head_len = head, .len = payload};
    return (int)head;
}

size_t ws_head_write(uint8_t *to, uint8_t opcode, size_t len, const uint8_t key[4])
{
    size_t at = 2, width = len < 126 ? 0 : len < 65536 ? 2 : 8;
    to[0] = (uint8_t)(0x80 | opcode);
    to[1] = (uint8_t)(0x80 | (width == 0 ? len : width == 2 ? 126 : 127));
    for (size_t i = width; i-- > 0;)
        to[at++] = (uint8_t)((uint64_t)len >> (8 * i));
    memcpy(to + at, key, 4);
    return at + 4;
}

int ws_answer_read(const uint8_t *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (!end)
        return len > 8192 ? -1 : 0;
    size_t answer = (size_t)((const uint8_t *)end - bytes) + 4;
    static const char status[] = "HTTP/1.1 101 ";
    if (len < sizeof status || memcmp(bytes, status, sizeof status - 1) != 0 ||
        !memmem(bytes, answer, ": " ACCEPT "\r\n", sizeof ACCEPT + 3))
        return -1;
    return (int)answer;
}

size_t ws_request_write(char *to, size_t cap, const char *host, unsigned port)
{
    int len = snprintf(to, cap,
                       "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                       "Host: %s:%u\r\n"
                       "Connection: Upgrade\r\n"
                       "Upgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: " KEY "\r\n"
                       "\r\n",
                       host, port);
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}
