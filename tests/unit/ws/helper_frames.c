#include "helper_frames.h"
#include "ws/frame.h"
#include "ws/mask.h"

void put_frame(struct buf *out, unsigned first, const void *payload, size_t len)
{
    static const uint8_t mask[4] = {0x11, 0xa2, 0x00, 0xff};
    uint8_t head[WS_SERVER_HEAD_MAX];
    size_t head_len = ws_frame_write_head(head, WS_TEXT, false, len);
    head[0] = (uint8_t)first;
    head[1] |= 0x80;
    buf_put(out, head, head_len);
    buf_put(out, mask, sizeof mask);
    size_t at = out->len;
    buf_put(out, payload, len);
    if (len)
        ws_mask(out->bytes + at, len, mask, 0);
}

void put_text(struct buf *out, const char *text)
{
    put_frame(out, 0x81, text, strlen(text));
}

void put_close(struct buf *out, unsigned code, const char *reason)
{
    uint8_t body[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    size_t len = strlen(reason);
    memcpy(body + 2, reason, len);
    put_frame(out, 0x88, body, code ? 2 + len : 0);
}
