/* ws/frame.h -- WebSocket frames (RFC 6455, 5.2).  Bytes in, frame heads out; and back.
 * Knows no socket, no message, no heap; the payload is ws/mask.h's business.
 */
#ifndef WS_FRAME_H
#define WS_FRAME_H

#include <sioc/base.h>

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

struct ws_frame {
    enum ws_opcode opcode;
    bool fin;
    bool rsv1;
    bool masked;
    uint8_t mask[4];
    uint64_t payload_len;
};

#define WS_HEAD_MAX        14 /* bytes, with mask */
#define WS_SERVER_HEAD_MAX 10

/* Reads one frame head from the front of `in`.
 *   in         borrowed for the call; may end anywhere, even inside the head
 *   max_bytes  payloads longer than this are refused, in bytes
 *   ret_frame  written only on success; plain numbers, nothing to free
 * Returns the head's length in bytes (2..14), 0 when more input is needed, or
 *   SIOC_EPROTO   RSV2 or RSV3, unknown opcode, bad control frame, non-minimal length, most
 *                 significant bit of a 64-bit length set
 *   SIOC_ETOOBIG  payload longer than max_bytes, or than 2^53 - 1
 * Control frames are not held against max_bytes: they may always have 125 bytes.
 */
int ws_frame_read(struct sioc_str in, uint64_t max_bytes, struct ws_frame *ret_frame);
/* How many bytes the head at the front of `in` has, as far as that can be told: 2 when even the
 * first two are not there. */
size_t ws_frame_head_need(struct sioc_str in);

/* Length of an unmasked head for that payload: 2, 4 or 10. */
static inline size_t ws_frame_head_len(uint64_t payload_len)
{
    return payload_len < 126 ? 2 : payload_len < 65536 ? 4 : 10;
}
/* Writes an unmasked head (fin set); returns its length. */
size_t ws_frame_write_head(uint8_t out[WS_SERVER_HEAD_MAX], enum ws_opcode opcode, bool rsv1,
                           uint64_t payload_len);

#endif
