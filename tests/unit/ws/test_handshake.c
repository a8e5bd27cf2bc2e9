/* The opening handshake: the example of RFC 6455 1.3, and the table of protocol.md 1.11 byte
 * for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "ws/handshake.h"
#include <stdio.h>

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"

#define ACCEPTED                                                                    \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade" \
    "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define REFUSED(status_line, length, extra, text)                                  \
    "HTTP/1.1 " status_line "\r\nConnection: close\r\nContent-Type: text/html\r\n" \
    "Content-Length: " length "\r\n" extra "\r\n" text
#define BAD_KEY \
    REFUSED("400 Bad Request", "43", "", "Missing or invalid Sec-WebSocket-Key header")
#define BAD_VERSION                                                      \
    REFUSED("400 Bad Request", "47", "Sec-WebSocket-Version: 13, 8\r\n", \
            "Missing or invalid Sec-WebSocket-Version header")
#define BAD_PROTOCOL \
    REFUSED("400 Bad Request", "37", "", "Invalid Sec-WebSocket-Protocol header")

/* Checks the request with these header lines, accepts it if it passes; the answer in `out`. */
static void shake(const char *method, const char *headers, struct buf *out)
{
    static const struct http_limits limits = {8192, 4096, HTTP_MAX_HEADERS};
    struct http_header room[HTTP_MAX_HEADERS];
    struct http_head head;
    struct buf request;
    int status;
    buf_init(&request);
    buf_printf(&request,
               "%s /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n%s\r\n", method,
               headers);
    assert_true(http_parse_head(buf_str(&request), &limits, room, &head, &status) > 0);
    buf_reset(out);
    int result = ws_handshake_check(&head, out);
    if (result == 0)
        assert_int_equal(ws_handshake_accept(&head, NULL, STR("X-Extra: 1\r\n"), out), 0);
    else
        assert_int_equal(result, SIOC_EPROTO);
    buf_putc(out, '\0');
    buf_deinit(&request);
}

static void expect(const char *method, const char *headers, const char *answer)
{
    struct buf out;
    buf_init(&out);
    shake(method, headers, &out);
    assert_string_equal((char *)out.bytes, answer);
    buf_deinit(&out);
}

static void test_accepts(void **state)
{
    (void)state;
    static const char *const good[] = {
        UPGRADE KEY VERSION,
        "connection: keep-alive, Upgrade\r\nUPGRADE: WebSocket\r\n" KEY VERSION,
        UPGRADE KEY "Sec-WebSocket-Version: 8\r\n",
        UPGRADE KEY VERSION "Sec-WebSocket-Extensions: permessage-deflate\r\n", /* E093 */
        UPGRADE KEY VERSION "Content-Length: 0\r\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect("GET", good[i], ACCEPTED "X-Extra: 1\r\n\r\n");
}

static void test_echoes_the_first_protocol(void **state)
{
    (void)state;
    static const char *const offers[] = {
        "Sec-WebSocket-Protocol: chat\r\n",
        "Sec-WebSocket-Protocol: chat, superchat\r\n",
        "Sec-WebSocket-Protocol: chat\t,superchat\r\nSec-WebSocket-Protocol: x\r\n",
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        char headers[400];
        snprintf(headers, sizeof headers, UPGRADE KEY VERSION "%s", offers[i]);
        expect("GET", headers, ACCEPTED "Sec-WebSocket-Protocol: chat\r\nX-Extra: 1\r\n\r\n");
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *answer;
    } cases[] = {
        {UPGRADE VERSION, BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: \r\n", BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n", BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n", BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: dGhl-HNhbXBsZSBub25jZQ==\r\n", BAD_KEY},
        {UPGRADE VERSION "Sec-WebSocket-Key: AAAA\r\n", BAD_KEY},
        {UPGRADE KEY, BAD_VERSION},
        {UPGRADE KEY "Sec-WebSocket-Version: 12\r\n", BAD_VERSION},
        {UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n", BAD_VERSION},
        {UPGRADE KEY "Sec-WebSocket-Version: 013\r\n", BAD_VERSION},
        {UPGRADE KEY VERSION "Sec-WebSocket-Protocol: \r\n", BAD_PROTOCOL},
        {UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a,,b\r\n", BAD_PROTOCOL},
        {UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a,\r\n", BAD_PROTOCOL},
        {UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a b\r\n", BAD_PROTOCOL},
        {UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a, a\r\n", BAD_PROTOCOL},
        {UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n",
         BAD_PROTOCOL},
        {"Connection: Upgrade\r\nUpgrade: h2c\r\n" KEY VERSION,
         REFUSED("400 Bad Request", "22", "", "Invalid Upgrade header")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect("GET", cases[i].headers, cases[i].answer);
    expect("POST", UPGRADE KEY VERSION "Content-Length: 0\r\n",
           REFUSED("405 Method Not Allowed", "19", "", "Invalid HTTP method"));
}

static void test_too_many_protocols(void **state)
{
    (void)state;
    struct buf headers;
    for (int count = 32; count <= 33; count++) {
        buf_init(&headers);
        buf_put_str(&headers, STR(UPGRADE KEY VERSION "Sec-WebSocket-Protocol: p0"));
        for (int i = 1; i < count; i++)
            buf_printf(&headers, ",p%d", i);
        buf_put_str(&headers, STR("\r\n"));
        buf_putc(&headers, '\0');
        expect("GET", (char *)headers.bytes,
               count == 32 ? ACCEPTED "Sec-WebSocket-Protocol: p0\r\nX-Extra: 1\r\n\r\n"
                           : BAD_PROTOCOL);
        buf_deinit(&headers);
    }
}

static void test_refuse(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out);
    ws_handshake_refuse(&out, 400, STR("Session ID unknown"));
    buf_putc(&out, '\0');
    assert_string_equal((char *)out.bytes,
                        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: "
                        "text/html\r\nContent-Length: 18\r\n\r\nSession ID unknown");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),  cmocka_unit_test(test_echoes_the_first_protocol),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_too_many_protocols),
        cmocka_unit_test(test_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
