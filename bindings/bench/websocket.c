/* bindings/bench/websocket.c -- packets as text frames, one frame each. */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "frame.h"
#include "inflate.h"

static const uint8_t control_key[4] = {0x5a, 0xc3, 0x0f, 0x96};

static void start(struct run *r, struct client *c)
{
    bench_client_request(r, "GET ", "websocket");
    bench_client_host(r);
    bench_bytes_text(&r->write, bench_upgrade_headers(r->opt.deflate));
    bench_bytes_text(&r->write, "\r\n");
    bench_client_send(r, c);
}

static void queue_frame(struct run *r, uint8_t opcode, const char *text, size_t len)
{
    uint8_t *to = bench_bytes_reserve(&r->write, FRAME_HEAD_MAX + len);
    size_t head = bench_head_write(to, opcode, len, control_key);

    for (size_t i = 0; i < len; i++)
        to[head + i] = (uint8_t)text[i] ^ control_key[i & 3];
    r->write.len += head + len;
}

static void packet(struct run *r, struct client *c, const char *text, size_t len)
{
    (void)c;
    queue_frame(r, FRAME_TEXT, text, len);
}

static void message(struct run *r, struct client *c)
{
    uint8_t *to = bench_bytes_reserve(&r->write, r->message.frame_len);

    bench_message_write(&r->message, to, c->index, c->sent_count++);
    r->write.len += r->message.frame_len;
}

static void leave(struct run *r, struct client *c)
{
    queue_frame(r, FRAME_CLOSE, "", 0);
    bench_client_send(r, c);
}

static bool ended(struct run *r, struct client *c)
{
    (void)r, (void)c;
    return false;
}

static void text(struct run *r, struct client *c, bool compressed, const char *payload,
                 size_t len)
{
    if (compressed && (!c->deflates || bench_inflate(r->inflater, &payload, &len)))
        bench_client_wrong(r, c, "a compressed frame that cannot be read", "", 0);
    else
        bench_client_packet(r, c, payload, len);
}

/* A message in several frames, as some servers send large ones. */
static void part(struct run *r, struct client *c, const struct frame *frame,
                 const char *payload)
{
    if ((frame->opcode == FRAME_MORE) != c->in_parts ||
        c->parts.len + frame->len > r->read.cap) {
        bench_client_wrong(r, c, "a frame that continues nothing", payload, frame->len);
        return;
    }
    if (!c->in_parts)
        c->parts_compressed = frame->compressed;
    bench_bytes_add(&c->parts, payload, frame->len);
    c->in_parts = !frame->final;
    if (c->in_parts)
        return;
    text(r, c, c->parts_compressed, (const char *)c->parts.at, c->parts.len);
    c->parts.len = 0;
}

static void take(struct run *r, struct client *c, const struct frame *frame,
                 const char *payload)
{
    if (frame->opcode == FRAME_TEXT && frame->final && !c->in_parts) {
        text(r, c, frame->compressed, payload, frame->len);
    } else if (frame->opcode == FRAME_TEXT || frame->opcode == FRAME_MORE) {
        part(r, c, frame, payload);
    } else if (frame->opcode == FRAME_PING) {
        queue_frame(r, FRAME_PONG, payload, frame->len);
    } else if (frame->opcode == FRAME_CLOSE && c->state == CLIENT_LEAVING) {
        bench_client_left(r, c);
    } else if (frame->opcode == FRAME_CLOSE) {
        errno = 0;
        bench_client_lost(r, c, "closed by the server");
    } else if (frame->opcode != FRAME_PONG) {
        bench_client_wrong(r, c, "unexpected frame", payload, frame->len);
    }
}

static size_t take_frames(struct run *r, struct client *c, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    struct frame frame;

    while (c->link == LINK_UP) {
        int head = bench_frame_read(bytes + at, len - at, &frame);
        if (head < 0 || (head > 0 && frame.len > r->read.cap - FRAME_HEAD_MAX)) {
            bench_client_wrong(r, c, "no WebSocket frame that may be here",
                               (const char *)bytes + at, len - at);
            break;
        }
        if (head == 0 || len - at < frame.head_len + frame.len)
            break;
        take(r, c, &frame, (const char *)bytes + at + frame.head_len);
        at += frame.head_len + frame.len;
    }
    return at;
}

static size_t parse(struct run *r, struct client *c, const uint8_t *bytes, size_t len)
{
    size_t answer = 0;

    if (c->state == CLIENT_UPGRADING) {
        int read = bench_answer_read(bytes, len, &c->deflates);
        if (read < 0)
            bench_client_wrong(r, c, "upgrade refused", (const char *)bytes, len);
        else if (read > 0 && r->opt.deflate && !c->deflates)
            bench_client_wrong(r, c, "the server does not compress", "", 0);
        if (read <= 0 || c->link != LINK_UP)
            return 0;
        answer = (size_t)read;
        c->state = CLIENT_OPENING;
    }
    return answer + take_frames(r, c, bytes + answer, len - answer);
}

const struct transport bench_websocket = {
    .first = CLIENT_UPGRADING,
    .start = start,
    .parse = parse,
    .packet = packet,
    .message = message,
    .flush = bench_client_send,
    .leave = leave,
    .ended = ended,
};
