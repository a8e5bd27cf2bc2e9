/* engineio/frame.c -- see frame.h.  Invariant: storage is a sequence of unmasked, final
 * WebSocket frames that we wrote ourselves, so walking it needs no checks. */
#include "engineio/frame.h"
#include "base/base64.h"
#include "base/mem.h"
#include "engineio/packet.h"
#include "ws/frame.h"

static void frame_free(struct net_chunk *chunk)
{
    struct eio_frame *f = (struct eio_frame *)(void *)chunk; /* its first member */
    ws_variants_deinit(&f->variants);
    eio_frame_unref(atomic_load(&f->eio3[0]));
    eio_frame_unref(atomic_load(&f->eio3[1]));
    mem_free(f);
}

struct eio_frame *eio_frame_new(size_t bytes)
{
    size_t size;
    if (bytes > UINT32_MAX || !mem_add(sizeof(struct eio_frame), bytes, &size))
        return NULL;
    struct eio_frame *f = mem_alloc(size);
    if (!f)
        return NULL;
    atomic_init(&f->chunk.refs, 1);
    f->chunk.len = (uint32_t)bytes;
    f->chunk.bytes = f->storage;
    f->chunk.free = frame_free;
    f->no_compress = false;
    ws_variants_init(&f->variants);
    atomic_init(&f->eio3[0], NULL);
    atomic_init(&f->eio3[1], NULL);
    return f;
}

static size_t framed_len(size_t payload)
{
    return ws_frame_head_len(payload) + payload;
}

static uint8_t *put_bytes(uint8_t *at, struct sioc_str s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

/* One message, letter (if it is not 0) + head + body, and a binary one for each attachment. */
static struct eio_frame *make(enum ws_opcode opcode, char letter, struct sioc_str head,
                              struct sioc_str body, struct sioc_buffer *const *attachments,
                              size_t attachment_count)
{
    size_t len = (letter != 0) + head.len + body.len, total = framed_len(len);
    for (size_t i = 0; i < attachment_count; i++)
        total += framed_len(sioc_buffer_bytes(attachments[i]).len);
    struct eio_frame *f = eio_frame_new(total);
    if (!f)
        return NULL;
    uint8_t *at = f->storage;
    at += ws_frame_write_head(at, opcode, false, len);
    if (letter)
        *at++ = (uint8_t)letter;
    at = put_bytes(put_bytes(at, head), body);
    for (size_t i = 0; i < attachment_count; i++) {
        struct sioc_str bytes = sioc_buffer_bytes(attachments[i]);
        at += ws_frame_write_head(at, WS_BINARY, false, bytes.len);
        at = put_bytes(at, bytes);
    }
    return f;
}

struct eio_frame *eio_frame_message(struct sioc_str head, struct sioc_str body,
                                    struct sioc_buffer *const *attachments,
                                    size_t attachment_count)
{
    return make(WS_TEXT, EIO_MESSAGE, head, body, attachments, attachment_count);
}

struct eio_frame *eio_frame_binary(struct sioc_str head, struct sioc_str body,
                                   struct sioc_buffer *const *attachments,
                                   size_t attachment_count)
{
    return make(WS_BINARY, 0, head, body, attachments, attachment_count);
}

struct eio_frame *eio_frame_packet(struct sioc_str packet)
{
    return make(WS_TEXT, 0, packet, STR(""), NULL, 0);
}

bool eio_frame_next(const struct eio_frame *frame, size_t *pos, bool *ret_binary,
                    struct sioc_str *ret_packet)
{
    struct sioc_str rest = str_from(sioc_str_n(frame->storage, frame->chunk.len), *pos);
    struct ws_frame ws;
    int head = rest.len ? ws_frame_read(rest, UINT64_MAX, &ws) : 0;
    if (head <= 0)
        return false; /* nothing left: what is there, we wrote, so it is whole */
    *ret_binary = ws.opcode == WS_BINARY;
    *ret_packet = str_part(rest, (size_t)head, (size_t)ws.payload_len);
    *pos += (size_t)head + ret_packet->len;
    return true;
}

void eio_frame_to_payload(const struct eio_frame *frame, struct buf *out)
{
    size_t pos = 0;
    bool binary;
    struct sioc_str packet;
    while (eio_frame_next(frame, &pos, &binary, &packet)) {
        if (out->len)
            buf_putc(out, EIO_SEPARATOR);
        if (binary) {
            buf_putc(out, EIO_BINARY);
            base64_encode(out, packet);
        } else {
            buf_put_str(out, packet);
        }
    }
}
