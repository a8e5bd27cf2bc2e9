/* ws/handshake.c -- checks an upgrade request and writes the answer (RFC 6455, 4.2).
 *
 * Knows request heads and bytes, no connection.  The only file of this floor that names
 * OpenSSL.  Invariant: every header is read in one pass over its bytes.
 */
#include "ws/handshake.h"
#include "base/base64.h"
#include "base/str.h"
#include "http/chars.h"
#include "http/conn.h"
#include <openssl/evp.h>

#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_LEN     24 /* 16 bytes in base64 */
#define SHA1_BYTES  20
/* Each name is compared with those before it; nobody offers more. */
#define MAX_PROTOCOLS 32

/* The reference's two halves spell this header differently, and tests compare bytes. */
static void write_refusal(struct buf *answer, int status, const char *type_name,
                          struct sioc_str text, const char *extra)
{
    buf_printf(answer,
               "HTTP/1.1 %d %s\r\nConnection: close\r\n%s: text/html\r\nContent-Length: "
               "%zu\r\n%s\r\n",
               status, http_status_text(status), type_name, text.len, extra);
    buf_put_str(answer, text);
}

void ws_handshake_refuse(struct buf *answer, int status, struct sioc_str text)
{
    write_refusal(answer, status, "Content-type", text, "");
}

static int refuse(struct buf *answer, int status, const char *text, const char *extra)
{
    write_refusal(answer, status, "Content-Type", sioc_str(text), extra);
    return SIOC_EPROTO;
}

static bool is_base64_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '/';
}

static bool key_valid(struct sioc_str key)
{
    if (key.len != KEY_LEN || key.ptr[KEY_LEN - 1] != '=' || key.ptr[KEY_LEN - 2] != '=')
        return false;
    for (size_t i = 0; i < KEY_LEN - 2; i++)
        if (!is_base64_char(key.ptr[i]))
            return false;
    return true;
}

static bool is_token(struct sioc_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!http_is_token_char((uint8_t)s.ptr[i]))
            return false;
    return s.len > 0;
}

/* Adds the names of one header line to the offer: tokens, each once. */
static bool read_protocols(struct sioc_str value, struct sioc_str names[MAX_PROTOCOLS],
                           size_t *count)
{
    if (value.len == 0)
        return false;
    struct sioc_str name;
    while (str_next(&value, ',', &name)) {
        name = str_trim(name);
        if (!is_token(name) || *count == MAX_PROTOCOLS)
            return false;
        for (size_t i = 0; i < *count; i++)
            if (str_eq(names[i], name))
                return false;
        names[(*count)++] = name;
    }
    return true;
}

/* The first offered subprotocol (ptr NULL: none); false when the offer is malformed. */
static bool first_protocol(const struct http_head *head, struct sioc_str *ret_name)
{
    struct sioc_str names[MAX_PROTOCOLS];
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        if (str_eq_nocase(head->headers[i].name, STR("Sec-WebSocket-Protocol")) &&
            !read_protocols(head->headers[i].value, names, &count))
            return false;
    *ret_name = count ? names[0] : (struct sioc_str){NULL, 0};
    return true;
}

int ws_handshake_check(const struct http_head *head, struct buf *answer)
{
    struct sioc_str upgrade = http_header_get(head, STR("Upgrade"));
    struct sioc_str key = http_header_get(head, STR("Sec-WebSocket-Key"));
    struct sioc_str version = http_header_get(head, STR("Sec-WebSocket-Version"));
    struct sioc_str protocol;
    if (head->method != HTTP_GET)
        return refuse(answer, 405, "Invalid HTTP method", "");
    if (!str_eq_nocase(upgrade, STR("websocket")))
        return refuse(answer, 400, "Invalid Upgrade header", "");
    if (!key_valid(key))
        return refuse(answer, 400, "Missing or invalid Sec-WebSocket-Key header", "");
    if (!str_eq(version, STR("13")) && !str_eq(version, STR("8")))
        return refuse(answer, 400, "Missing or invalid Sec-WebSocket-Version header",
                      "Sec-WebSocket-Version: 13, 8\r\n");
    if (!first_protocol(head, &protocol))
        return refuse(answer, 400, "Invalid Sec-WebSocket-Protocol header", "");
    return 0;
}

/* base64(SHA-1(key + GUID)) */
static int put_accept(struct buf *answer, struct sioc_str key)
{
    char input[KEY_LEN + sizeof ACCEPT_GUID];
    unsigned char digest[SHA1_BYTES];
    memcpy(input, key.ptr, KEY_LEN);
    memcpy(input + KEY_LEN, ACCEPT_GUID, sizeof ACCEPT_GUID);
    if (EVP_Digest(input, KEY_LEN + sizeof ACCEPT_GUID - 1, digest, NULL, EVP_sha1(), NULL) !=
        1)
        return SIOC_ENOMEM;
    base64_encode(answer, sioc_str_n(digest, sizeof digest));
    return 0;
}

int ws_handshake_refuse_extensions(struct buf *answer)
{
    return refuse(answer, 400, "Invalid or unacceptable Sec-WebSocket-Extensions header", "");
}

int ws_handshake_accept(const struct http_head *head, const struct ws_extension *extension,
                        struct sioc_str extra, struct buf *answer)
{
    struct sioc_str key = http_header_get(head, STR("Sec-WebSocket-Key")), protocol;
    if (!key_valid(key) || !first_protocol(head, &protocol))
        return SIOC_EPROTO;
    buf_put_str(answer, STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: "));
    int error = put_accept(answer, key);
    if (error)
        return error;
    buf_put_str(answer, STR("\r\n"));
    if (protocol.len) {
        buf_put_str(answer, STR("Sec-WebSocket-Protocol: "));
        buf_put_str(answer, protocol);
        buf_put_str(answer, STR("\r\n"));
    }
    if (extension) {
        buf_put_str(answer, STR("Sec-WebSocket-Extensions: "));
        ws_extension_write(extension, answer);
        buf_put_str(answer, STR("\r\n"));
    }
    buf_put_str(answer, extra);
    buf_put_str(answer, STR("\r\n"));
    return answer->error;
}
