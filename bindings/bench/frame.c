/* bindings/bench/frame.c -- see frame.h.  The handshake always uses the example key of
 * RFC 6455, 1.3, whose answer is printed there: so it is checked exactly, and without SHA-1. */
#include "frame.h"

#include <string.h>

#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

int bench_frame_read(const uint8_t *bytes, size_t len, struct frame *ret_frame)
{
    if (len < 2)
        return 0;
    uint8_t opcode = bytes[0] & 15;
    bool final = bytes[0] & 0x80, compressed = bytes[0] & 0x40;
    if ((bytes[0] & 0x30) || (bytes[1] & 0x80))
        return -1; /* reserved bits, or masked */
    if (opcode >= FRAME_CLOSE ? opcode > FRAME_PONG || !final || compressed
                              : opcode > FRAME_BINARY)
        return -1;
    size_t payload = bytes[1], head = payload < 126 ? 2 : payload == 126 ? 4 : 10;
    if (len < head)
        return 0;
    if (head > 2) {
        payload = 0;
        for (size_t i = 2; i < head; i++)
            payload = payload << 8 | bytes[i];
    }
    *ret_frame = (struct frame){.opcode = opcode,
                                .final = final,
                                .compressed = compressed,
                                .head_len = head,
                                .len = payload};
    return (int)head;
}

size_t bench_head_write(uint8_t *to, uint8_t opcode, size_t len, const uint8_t key[4])
{
    size_t at = 2, width = len < 126 ? 0 : len < 65536 ? 2 : 8;
    to[0] = (uint8_t)(0x80 | opcode);
    to[1] = (uint8_t)(0x80 | (width == 0 ? len : width == 2 ? 126 : 127));
    for (size_t i = width; i-- > 0;)
        to[at++] = (uint8_t)((uint64_t)len >> (8 * i));
    memcpy(to + at, key, 4);
    return at + 4;
}

const char *bench_upgrade_headers(bool deflate)
{
#define UPGRADE                     \
    "Connection: Upgrade\r\n"       \
    "Upgrade: websocket\r\n"        \
    "Sec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: " KEY "\r\n"
    return deflate ? UPGRADE "Sec-WebSocket-Extensions: permessage-deflate; "
                             "server_no_context_takeover; client_no_context_takeover\r\n"
                   : UPGRADE;
}

int bench_answer_read(const uint8_t *bytes, size_t len, bool *ret_deflate)
{
    static const char status[] = "HTTP/1.1 101 ";
    const char *text = (const char *)bytes, *end = memmem(bytes, len, "\r\n\r\n", 4);
    size_t shown = len < sizeof status - 1 ? len : sizeof status - 1;
    if (memcmp(bytes, status, shown) != 0)
        return -1; /* whatever it is, it will not become one */
    if (!end)
        return len > 8192 ? -1 : 0;
    size_t answer = (size_t)(end - text) + 4;
    if (!memmem(bytes, answer, ": " ACCEPT "\r\n", sizeof ACCEPT + 3))
        return -1;
    *ret_deflate = memmem(bytes, answer, "permessage-deflate", 18) &&
                   memmem(bytes, answer, "server_no_context_takeover", 26);
    return (int)answer;
}
