/* tests/bench/loadgen_ws.h -- WebSocket as a client speaks it (RFC 6455).  Bytes only, no
 * sockets. Control frames of servers and their text frames are read; anything a server must not
 * send (masked, fragmented, compressed without being asked) is an error and counts as one. */
#ifndef LOADGEN_WS_H
#define LOADGEN_WS_H

#include <stddef.h>
#include <stdint.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
#define WS_HEAD_MAX 14 /* of a masked frame */

struct ws_frame {
    uint8_t opcode;
    size_t head_len;
    size_t len; /* of the payload, which follows the head */
};

/* Reads a frame head: its length, 0 when more bytes are needed, -1 when it breaks the rules. */
int ws_frame_read(const uint8_t *bytes, size_t len, struct ws_frame *ret_frame);

/* Writes the head of a masked, final frame and returns its length (6, 8 or 14); the mask key is
 * its last four bytes. */
size_t ws_head_write(uint8_t *to, uint8_t opcode, size_t len, const uint8_t key[4]);

/* Length of the server's complete answer to the upgrade request, 0 when more is needed, -1 when
 * it is not a proper 101 with the right Sec-WebSocket-Accept. */
int ws_answer_read(const uint8_t *bytes, size_t len);

/* The upgrade request for a server at host:port; returns its length. */
size_t ws_request_write(char *to, size_t cap, const char *host, unsigned port);

#endif
