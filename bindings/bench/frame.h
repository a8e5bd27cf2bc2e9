/* bindings/bench/frame.h -- WebSocket as a client speaks it (RFC 6455).  Bytes only, no
 * sockets.  Control frames of servers and their text frames are read; anything a server must
 * not send (masked, fragmented, compressed without being asked) is an error and counts as one.
 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_MORE = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10
};
#define FRAME_HEAD_MAX 14 /* of a masked frame */

struct frame {
    uint8_t opcode;
    bool final; /* else FRAME_MORE follows */
    bool compressed;
    size_t head_len;
    size_t len; /* of the payload, which follows the head */
};

/* Reads a frame head: its length, 0 when more bytes are needed, -1 when it breaks the rules. */
int bench_frame_read(const uint8_t *bytes, size_t len, struct frame *ret_frame);

/* Writes the head of a masked, final frame and returns its length (6, 8 or 14); the mask key is
 * its last four bytes. */
size_t bench_head_write(uint8_t *to, uint8_t opcode, size_t len, const uint8_t key[4]);

/* Length of the server's complete answer to the upgrade request, 0 when more is needed, -1 when
 * it is not a proper 101 with the right Sec-WebSocket-Accept.  ret_deflate: it agreed to
 * permessage-deflate without takeover of contexts. */
int bench_answer_read(const uint8_t *bytes, size_t len, bool *ret_deflate);

/* The headers of an upgrade request, behind its request line and Host. */
const char *bench_upgrade_headers(bool deflate);

#endif
