/* engineio/eio3.c -- see eio3.h.  Invariant: whatever is read, nothing is taken that has not
 * come. */
#include "engineio/eio3.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "codec/json_write.h"
#include "ws/frame.h"

#define TYPE_MESSAGE 4 /* as a byte before binary data */
#define LENGTH_END   0xff

enum { FORM_STRING = 0, FORM_BINARY = 1 }; /* first byte of a packet in the binary form */

/* ---- packets ---- */

enum eio_packet_type eio_v3_packet_split(struct sioc_str packet, struct sioc_str *ret_data)
{
    enum eio_packet_type type = eio_packet_split(packet, ret_data);
    if (type != EIO_BINARY)
        return type;
    type = eio_packet_split(*ret_data, ret_data);
    if (type == EIO_BINARY)
        return EIO_INVALID;
    return type == EIO_MESSAGE ? EIO_BINARY : type;
}

enum eio_packet_type eio_v3_binary_split(struct sioc_str packet, struct sioc_str *ret_data)
{
    uint8_t type = packet.len ? (uint8_t)packet.ptr[0] : UINT8_MAX;
    if (type > EIO_NOOP - EIO_OPEN)
        return EIO_INVALID;
    *ret_data = str_from(packet, 1);
    return type == TYPE_MESSAGE ? EIO_BINARY : (enum eio_packet_type)(EIO_OPEN + type);
}

/* ---- reading payloads ---- */

/* How many bytes the first `units` UTF-16 code units take; SIZE_MAX when there are not so many,
 * or when they end inside a character. */
static size_t bytes_of_units(struct sioc_str utf8, uint64_t units)
{
    size_t at = 0;
    if (units > utf8.len) /* no unit takes less than a byte */
        return SIZE_MAX;
    while (units && at < utf8.len) {
        size_t len = utf8_char(utf8.ptr + at, utf8.len - at);
        size_t width = len == 4 ? 2 : 1; /* beyond U+FFFF: a pair */
        if (len == 0 || width > units)
            return SIZE_MAX;
        at += len;
        units -= width;
    }
    return units ? SIZE_MAX : at;
}

/* How many UTF-16 code units a text has: each character one, those of four bytes two. */
static size_t units_of(struct sioc_str utf8)
{
    size_t units = 0;
    for (size_t i = 0; i < utf8.len; i++) {
        uint8_t c = (uint8_t)utf8.ptr[i];
        units += (size_t)((c & 0xc0) != 0x80) + (c >= 0xf0);
    }
    return units;
}

int eio_v3_text_next(struct sioc_str *rest, struct sioc_str *ret_packet)
{
    uint64_t units;
    if (rest->len == 0)
        return 0;
    size_t colon = str_find(*rest, ':');
    if (colon == rest->len || !str_to_u64(str_part(*rest, 0, colon), rest->len, &units))
        return SIOC_EPROTO;
    struct sioc_str behind = str_from(*rest, colon + 1);
    size_t len = bytes_of_units(behind, units);
    if (len == SIZE_MAX)
        return SIOC_EPROTO;
    *ret_packet = str_part(behind, 0, len);
    *rest = str_from(behind, len);
    return 1;
}

/* The length in front of *rest: bytes 0 to 9, one for each digit, and 0xff. */
static bool read_length(struct sioc_str *rest, size_t *ret_len)
{
    size_t len = 0, at = 0;
    for (; at < rest->len && (uint8_t)rest->ptr[at] != LENGTH_END; at++) {
        uint8_t digit = (uint8_t)rest->ptr[at];
        if (digit > 9 || len > rest->len)
            return false;
        len = len * 10 + digit;
    }
    if (at == 0 || at == rest->len)
        return false;
    *rest = str_from(*rest, at + 1);
    *ret_len = len;
    return len <= rest->len;
}

int eio_v3_binary_next(struct sioc_str *rest, bool *ret_binary, struct sioc_str *ret_packet)
{
    size_t len;
    if (rest->len == 0)
        return 0;
    uint8_t form = (uint8_t)rest->ptr[0];
    struct sioc_str behind = str_from(*rest, 1);
    if (form > FORM_BINARY || !read_length(&behind, &len))
        return SIOC_EPROTO;
    struct sioc_str packet = str_part(behind, 0, len);
    if (form == FORM_STRING && !utf8_valid(packet))
        return SIOC_EPROTO;
    *ret_binary = form == FORM_BINARY;
    *ret_packet = packet;
    *rest = str_from(behind, len);
    return 1;
}

/* ---- writing payloads ---- */

bool eio_v3_has_binary(const struct eio_frame *frame)
{
    size_t pos = 0;
    bool binary = false;
    struct sioc_str packet;
    while (!binary && eio_frame_next(frame, &pos, &binary, &packet))
        ;
    return binary;
}

static void put_binary_head(struct buf *out, uint8_t form, size_t len)
{
    size_t start = out->len + 1;
    buf_putc(out, (char)form);
    buf_put_u64(out, len);
    for (size_t i = start; i < out->len; i++)
        out->bytes[i] = (uint8_t)(out->bytes[i] - '0');
    buf_putc(out, (char)LENGTH_END);
}

void eio_v3_put_packet(struct buf *out, bool binary_form, struct sioc_str packet)
{
    if (binary_form) {
        put_binary_head(out, FORM_STRING, packet.len);
    } else {
        buf_put_u64(out, units_of(packet));
        buf_putc(out, ':');
    }
    buf_put_str(out, packet);
}

static void put_message(struct buf *out, bool binary_form, struct sioc_str bytes)
{
    if (binary_form) {
        put_binary_head(out, FORM_BINARY, 1 + bytes.len);
        buf_putc(out, TYPE_MESSAGE);
        buf_put_str(out, bytes);
    } else {
        buf_put_u64(out, 2 + base64_encoded_len(bytes.len));
        buf_put_str(out, STR(":b4"));
        base64_encode(out, bytes);
    }
}

void eio_v3_put_frame(struct buf *out, bool binary_form, const struct eio_frame *frame)
{
    size_t pos = 0;
    bool binary;
    struct sioc_str packet;
    while (eio_frame_next(frame, &pos, &binary, &packet)) {
        if (binary)
            put_message(out, binary_form, packet);
        else
            eio_v3_put_packet(out, binary_form, packet);
    }
}

/* ---- JSONP ---- */

void eio_v3_jsonp_unescape(struct buf *out, struct sioc_str text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t plain = str_find(str_from(text, at), '\\');
        buf_put_str(out, str_part(text, at, plain));
        at += plain;
        size_t slashes = 0;
        while (at + slashes < text.len && text.ptr[at + slashes] == '\\')
            slashes++;
        bool escapes = slashes && at + slashes < text.len && text.ptr[at + slashes] == 'n';
        if (escapes && slashes == 1) {
            buf_putc(out, '\n');
            at++; /* the n */
        } else {
            buf_put_str(out, str_part(text, at, escapes ? slashes - 1 : slashes));
        }
        at += slashes;
    }
}

/* JSON is a script but for two characters, which end a line there. */
static void put_script_string(struct buf *out, struct sioc_str json)
{
    static const char separators[] = "\xe2\x80"; /* and a8 or a9: U+2028, U+2029 */
    while (json.len) {
        const char *found = memmem(json.ptr, json.len, separators, 2);
        size_t at = found ? (size_t)(found - json.ptr) : json.len;
        buf_put_str(out, str_part(json, 0, at));
        json = str_from(json, at);
        if (json.len == 0)
            return;
        uint8_t last = (uint8_t)json.ptr[2]; /* it is there: the text is valid */
        if (last == 0xa8 || last == 0xa9)
            buf_printf(out, "\\u202%c", last == 0xa8 ? '8' : '9');
        else
            buf_put_str(out, str_part(json, 0, 3));
        json = str_from(json, 3);
    }
}

void eio_v3_jsonp_put(struct buf *out, struct sioc_str index, struct sioc_str payload)
{
    struct buf json;
    buf_init(&json);
    json_put_string(&json, payload);
    buf_put_str(out, STR("___eio["));
    for (size_t i = 0; i < index.len; i++)
        if (index.ptr[i] >= '0' && index.ptr[i] <= '9')
            buf_putc(out, index.ptr[i]);
    buf_put_str(out, STR("]("));
    put_script_string(out, buf_str(&json));
    buf_put_str(out, STR(");"));
    if (json.error && !out->error)
        out->error = json.error;
    buf_deinit(&json);
}

/* ---- frames ---- */

/* As a payload of WebSocket frames. */
static void put_ws_packet(struct buf *out, bool base64, bool binary, struct sioc_str packet)
{
    uint8_t head[WS_SERVER_HEAD_MAX];
    size_t len = !binary  ? packet.len
                 : base64 ? 2 + base64_encoded_len(packet.len)
                          : 1 + packet.len;
    size_t head_len =
        ws_frame_write_head(head, binary && !base64 ? WS_BINARY : WS_TEXT, false, len);
    buf_put(out, head, head_len);
    if (binary && base64) {
        buf_put_str(out, STR("b4"));
        base64_encode(out, packet);
        return;
    }
    if (binary)
        buf_putc(out, TYPE_MESSAGE);
    buf_put_str(out, packet);
}

static struct eio_frame *translate(const struct eio_frame *frame, bool base64)
{
    struct buf bytes;
    struct eio_frame *made = NULL;
    size_t pos = 0;
    bool binary;
    struct sioc_str packet;
    buf_init(&bytes);
    while (eio_frame_next(frame, &pos, &binary, &packet))
        put_ws_packet(&bytes, base64, binary, packet);
    if (!bytes.error && (made = eio_frame_new(bytes.len))) {
        memcpy(made->storage, bytes.bytes, bytes.len);
        made->no_compress = frame->no_compress;
    }
    buf_deinit(&bytes);
    return made;
}

struct eio_frame *eio_v3_frame(struct eio_frame *frame, bool base64)
{
    if (!eio_v3_has_binary(frame))
        return frame;
    struct eio_frame *made = atomic_load(&frame->eio3[base64]), *other = NULL;
    if (made || !(made = translate(frame, base64)))
        return made;
    /* Frames may be shared by threads: whoever comes first keeps it. */
    if (atomic_compare_exchange_strong(&frame->eio3[base64], &other, made))
        return made;
    eio_frame_unref(made);
    return other;
}
