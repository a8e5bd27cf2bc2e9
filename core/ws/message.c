/* ws/message.c -- puts messages together.
 *
 * The common case is a loop over whole frames in the fed bytes: unmask in place, check, hand
 * out.  A frame that is cut goes to `pending` until it is complete; its text is checked as it
 * comes. Fragments of a message are joined in `fragments`, so that a flood of tiny ones costs
 * no more than its bytes.  Knows no socket and writes nothing.
 *
 * Invariant: partial exists only between two feeds that left something incomplete, and
 * fragments.len <= max_message_bytes.
 */
#include "ws/message.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ws/mask.h"

#define DEFAULT_EMPTY_FRAGMENTS 32

struct ws_partial {
    struct buf pending;   /* raw bytes of an incomplete frame, from its head on */
    struct buf fragments; /* payload of the open message so far */
    uint64_t need;        /* as many bytes of `pending` make the next step possible */
    size_t clear;         /* bytes of the cut frame's payload that are unmasked and checked */
    uint32_t utf8_state;  /* 0 between messages */
};

void ws_reader_init(struct ws_reader *r)
{
    *r = (struct ws_reader){0};
}

static void drop_partial(struct ws_reader *r)
{
    if (!r->partial)
        return;
    buf_deinit(&r->partial->pending);
    buf_deinit(&r->partial->fragments);
    mem_free(r->partial);
    r->partial = NULL;
}

void ws_reader_deinit(struct ws_reader *r)
{
    drop_partial(r);
}

void ws_reader_stop(struct ws_reader *r)
{
    r->stopped = true; /* memory is kept: the bytes of a running event may lie in it */
}

static bool want_partial(struct ws_reader *r)
{
    if (r->partial)
        return true;
    struct ws_partial *partial = mem_zalloc(sizeof *partial);
    if (!partial)
        return false;
    buf_init(&partial->pending);
    buf_init(&partial->fragments);
    r->partial = partial;
    return true;
}

/* Notes what is wrong, and gives the status for it. */
static int faulty(struct ws_reader *r, enum ws_fault fault, unsigned number)
{
    r->feed->fault = fault;
    r->feed->fault_number = number;
    return ws_fault_status(fault);
}

static bool is_control(const struct ws_frame *frame)
{
    return frame->opcode >= WS_CLOSE;
}

/* RSV1 says "compressed" on the first frame of a message, and nothing elsewhere (RFC 7692, 6).
 */
static bool may_be_compressed(const struct ws_reader *r, const struct ws_frame *frame)
{
    return r->deflate && (frame->opcode == WS_TEXT || frame->opcode == WS_BINARY);
}

/* What can be said of a frame before its payload is there. */
static int check_head(struct ws_reader *r, const struct ws_frame *frame)
{
    if (frame->rsv1 && !may_be_compressed(r, frame))
        return faulty(r, WS_FAULT_RSV1, 0);
    if (!frame->masked)
        return faulty(r, WS_FAULT_MASK, 0);
    if (is_control(frame))
        return 0;
    bool continues = frame->opcode == WS_CONTINUATION;
    return continues == (r->fragment_opcode != 0) ? 0
                                                  : faulty(r, WS_FAULT_OPCODE, frame->opcode);
}

static bool close_code_valid(unsigned code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

static int close_frame(struct ws_reader *r, struct sioc_str body)
{
    uint16_t code = 0;
    if (body.len == 1)
        return faulty(r, WS_FAULT_LENGTH, 1);
    if (body.len) {
        const uint8_t *bytes = (const uint8_t *)body.ptr;
        code = (uint16_t)(bytes[0] << 8 | bytes[1]);
        if (!close_code_valid(code))
            return faulty(r, WS_FAULT_CLOSE_CODE, code);
        body = sioc_str_n(bytes + 2, body.len - 2);
        if (!utf8_valid(body))
            return faulty(r, WS_FAULT_UTF8, 0);
    }
    r->stopped = true;
    r->feed->events->close(r->feed->user, code, body);
    return 0;
}

static int control_frame(struct ws_reader *r, const struct ws_frame *frame, uint8_t *payload)
{
    struct sioc_str body = sioc_str_n(payload, (size_t)frame->payload_len);
    if (!r->fragment_opcode)
        r->ended = true;
    if (frame->opcode == WS_CLOSE)
        return close_frame(r, body);
    if (frame->opcode == WS_PING)
        r->feed->events->ping(r->feed->user, body);
    else
        r->feed->events->pong(r->feed->user, body);
    return 0;
}

static void hand_out(struct ws_reader *r, unsigned opcode, uint8_t *bytes, size_t len)
{
    r->ended = true;
    r->feed->events->message(r->feed->user, opcode == WS_BINARY, bytes, len);
}

/* A whole message as it came.  The buffer is the pool's while nobody uses it, and handlers may
 * do what they like meanwhile. */
static int inflate_out(struct ws_reader *r, unsigned opcode, uint8_t *bytes, size_t len)
{
    struct buf out = ws_deflate_take_buf(r->deflate);
    int status = ws_deflate_inflate(r->deflate, sioc_str_n(bytes, len),
                                    r->feed->max_message_bytes, &out);
    if (status)
        status = faulty(r, ws_fault_of_inflating(status), 0);
    else if (opcode == WS_TEXT && !utf8_valid(buf_str(&out)))
        status = faulty(r, WS_FAULT_UTF8, 0);
    if (status == 0)
        hand_out(r, opcode, out.len ? out.bytes : bytes, out.len);
    ws_deflate_give_buf(r->deflate, out);
    return status;
}

/* The message that ends with this fragment. */
static int joined(struct ws_reader *r, uint8_t *payload)
{
    struct ws_partial *partial = r->partial;
    unsigned opcode = r->fragment_opcode;
    int status = 0;
    if (opcode == WS_TEXT && partial->utf8_state != 0)
        return faulty(r, WS_FAULT_UTF8, 0);
    r->fragment_opcode = 0;
    /* An empty message has no buffer, but its bytes are never NULL. */
    size_t sum = partial->fragments.len;
    uint8_t *bytes = sum ? partial->fragments.bytes : payload;
    if (r->compressed)
        status = inflate_out(r, opcode, bytes, sum);
    else
        hand_out(r, opcode, bytes, sum);
    buf_reset(&partial->fragments);
    return status;
}

static uint16_t max_empty_fragments(const struct ws_reader *r)
{
    uint16_t max = r->feed->max_empty_fragments;
    return max ? max : DEFAULT_EMPTY_FRAGMENTS;
}

/* A message of more than one frame.  clear: as in ws_partial. */
static int fragment(struct ws_reader *r, const struct ws_frame *frame, uint8_t *payload,
                    size_t clear)
{
    size_t len = (size_t)frame->payload_len;
    if (!want_partial(r))
        return faulty(r, WS_FAULT_MEMORY, 0);
    struct ws_partial *partial = r->partial;
    if (frame->opcode != WS_CONTINUATION) {
        r->fragment_opcode = (uint8_t)frame->opcode;
        r->compressed = frame->rsv1;
        r->empty_fragments = 0;
    }
    if (len == 0 && !frame->fin && ++r->empty_fragments > max_empty_fragments(r))
        return faulty(r, WS_FAULT_FRAGMENTS, 0);
    if (r->fragment_opcode == WS_TEXT && !r->compressed &&
        !utf8_feed(&partial->utf8_state, sioc_str_n(payload + clear, len - clear)))
        return faulty(r, WS_FAULT_UTF8, 0);
    buf_put(&partial->fragments, payload, len);
    if (partial->fragments.error)
        return faulty(r, WS_FAULT_MEMORY, 0);
    return frame->fin ? joined(r, payload) : 0;
}

/* Whether a whole text is valid of which all but `rest` was checked when it came. */
static bool rest_valid(struct ws_reader *r, struct sioc_str rest)
{
    if (!r->partial || r->fragment_opcode || r->partial->utf8_state == 0)
        return utf8_valid(rest);
    return utf8_feed(&r->partial->utf8_state, rest) && r->partial->utf8_state == 0;
}

/* Text of a cut frame is unmasked and checked as it comes: who sends what is not UTF-8 is told
 * before the rest of the frame is there. */
static int check_cut_text(struct ws_reader *r)
{
    struct ws_partial *partial = r->partial;
    struct buf *pending = &partial->pending;
    struct ws_frame frame;
    int head_len = ws_frame_read(buf_str(pending), UINT64_MAX, &frame);
    if (head_len <= 0)
        return 0;
    bool text = frame.opcode == WS_CONTINUATION
                    ? r->fragment_opcode == WS_TEXT && !r->compressed
                    : frame.opcode == WS_TEXT && !frame.rsv1;
    if (!text)
        return 0;
    size_t at = (size_t)head_len + partial->clear, len = pending->len - at;
    ws_mask(pending->bytes + at, len, frame.mask, partial->clear);
    partial->clear += len;
    return utf8_feed(&partial->utf8_state, sioc_str_n(pending->bytes + at, len))
               ? 0
               : faulty(r, WS_FAULT_UTF8, 0);
}

static int whole_frame(struct ws_reader *r, const struct ws_frame *frame, uint8_t *payload)
{
    size_t len = (size_t)frame->payload_len, clear = r->partial ? r->partial->clear : 0;
    if (clear)
        r->partial->clear = 0;
    bool ascii = ws_mask(payload + clear, len - clear, frame->mask, clear);
    if (is_control(frame))
        return control_frame(r, frame, payload);
    if (!frame->fin || frame->opcode == WS_CONTINUATION)
        return fragment(r, frame, payload, clear);
    if (frame->rsv1)
        return inflate_out(r, frame->opcode, payload, len);
    if (frame->opcode == WS_TEXT && !(ascii && !r->partial) &&
        !rest_valid(r, sioc_str_n(payload + clear, len - clear)))
        return faulty(r, WS_FAULT_UTF8, 0);
    hand_out(r, frame->opcode, payload, len);
    return 0;
}

static int bad_head(struct ws_reader *r, struct sioc_str head, int error)
{
    unsigned number;
    enum ws_fault fault = ws_fault_of_head(head, error, &number);
    return faulty(r, fault, number);
}

/* One frame from the front of the bytes: 0, with its length in ret_used (0: it is not complete,
 * ret_need bytes are needed to get on), or a status. */
static int step(struct ws_reader *r, uint8_t *bytes, size_t len, size_t *ret_used,
                uint64_t *ret_need)
{
    struct sioc_str in = sioc_str_n(bytes, len);
    size_t so_far = r->fragment_opcode ? r->partial->fragments.len : 0;
    struct ws_frame frame;
    int head_len = ws_frame_read(in, r->feed->max_message_bytes - so_far, &frame);
    *ret_used = 0;
    if (head_len < 0)
        return bad_head(r, in, head_len);
    if (head_len == 0) {
        *ret_need = ws_frame_head_need(in);
        return 0;
    }
    int status = check_head(r, &frame);
    if (status)
        return status;
    uint64_t frame_len = (uint64_t)head_len + frame.payload_len;
    if (len < frame_len) {
        *ret_need = frame_len;
        return 0;
    }
    *ret_used = (size_t)frame_len;
    return whole_frame(r, &frame, bytes + head_len);
}

/* Completes the cut frame in `pending`; *ret_taken bytes of the new ones were used for it. */
static int resume(struct ws_reader *r, const uint8_t *bytes, size_t len, size_t *ret_taken)
{
    struct ws_partial *partial = r->partial;
    struct buf *pending = &partial->pending;
    size_t taken = 0, used = 0;
    while (used == 0) {
        uint64_t missing = partial->need - pending->len;
        size_t more = missing < len - taken ? (size_t)missing : len - taken;
        buf_put(pending, bytes + taken, more);
        if (pending->error)
            return faulty(r, WS_FAULT_MEMORY, 0);
        taken += more;
        *ret_taken = taken;
        if (pending->len < partial->need)
            return check_cut_text(r);
        int status = step(r, pending->bytes, pending->len, &used, &partial->need);
        if (status)
            return status;
    }
    buf_reset(pending);
    return 0;
}

/* Keeps the cut frame at the end of the fed bytes.  Who has sent half of it gets room for the
 * whole at once, else growing would copy the half again. */
static int keep(struct ws_reader *r, const uint8_t *bytes, size_t len, uint64_t need)
{
    if (!want_partial(r))
        return faulty(r, WS_FAULT_MEMORY, 0);
    r->partial->need = need;
    if (need / 2 <= len)
        buf_reserve(&r->partial->pending, (size_t)need);
    buf_put(&r->partial->pending, bytes, len);
    return r->partial->pending.error ? faulty(r, WS_FAULT_MEMORY, 0) : check_cut_text(r);
}

static int read_all(struct ws_reader *r, uint8_t *bytes, size_t len)
{
    size_t at = 0;
    if (r->partial && r->partial->pending.len) {
        int status = resume(r, bytes, len, &at);
        if (status)
            return status;
    }
    while (at < len && !r->stopped && !r->feed->yields) {
        size_t used;
        uint64_t need;
        int status = step(r, bytes + at, len - at, &used, &need);
        if (status)
            return status;
        if (used == 0)
            return keep(r, bytes + at, len - at, need);
        at += used;
    }
    r->feed->left = r->stopped ? 0 : len - at;
    return 0;
}

int ws_reader_feed(struct ws_reader *r, struct ws_feed *feed, uint8_t *bytes, size_t len)
{
    feed->yields = false;
    feed->left = 0;
    if (r->stopped)
        return 0;
    r->feed = feed;
    int status = read_all(r, bytes, len);
    if (status)
        r->stopped = true;
    if (r->partial && (r->stopped || (!r->partial->pending.len && !r->fragment_opcode)))
        drop_partial(r);
    return status;
}
