/* Request heads: tables of what is accepted and refused, and every split point of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "http/parser.h"
#include <stdio.h>
#include <stdlib.h>

static const struct http_limits limits = {.head_bytes = 512, .url_bytes = 64, .headers = 6};

static struct http_header room[HTTP_MAX_HEADERS];

/* The bytes at the end of a block of their own, so that a read beyond them is seen. */
static int parse(struct sioc_str text, struct http_head *head, int *status)
{
    char *copy = malloc(text.len ? text.len : 1);
    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    int len = http_parse_head(sioc_str_n(copy, text.len), &limits, room, head, status);
    free(copy);
    return len;
}

#define L "GET / HTTP/1.1\r\n"
#define H "Host: x\r\n"
#define E "\r\n"
#define P "POST / HTTP/1.1\r\n" H
#define S(text)                   \
    {                             \
        "" text, sizeof(text) - 1 \
    }

/* ---- accepted ---- */

struct good {
    struct sioc_str text;
    const char *path, *query, *host;
    enum http_method method;
    uint64_t length;
    bool chunked, close, expect, upgrade;
    int minor0; /* HTTP/1.0 */
};

static const struct good good[] = {
    {S(L H E), "/", "", "x", HTTP_GET, .length = 0},
    {S("\r\n\r\n" L H E), "/", "", "x", HTTP_GET, .length = 0},
    {S("GET /a/b?c=d&e HTTP/1.1\r\n" H E), "/a/b", "c=d&e", "x", HTTP_GET, .length = 0},
    {S("GET /a?b?c#d?e HTTP/1.1\r\n" H E), "/a", "b?c", "x", HTTP_GET, .length = 0},
    {S("GET /a#b?c HTTP/1.1\r\n" H E), "/a", "", "x", HTTP_GET, .length = 0},
    {S("GET /? HTTP/1.1\r\n" H E), "/", "", "x", HTTP_GET, .length = 0},
    {S("GET //x HTTP/1.1\r\n" H E), "//x", "", "x", HTTP_GET, .length = 0},
    {S("GET /%zz\"<>{}|\\^` HTTP/1.1\r\n" H E), "/%zz\"<>{}|\\^`", "", "x", HTTP_GET,
     .length = 0},
    {S("GET http://x/y HTTP/1.1\r\n" H E), "", "", "x", HTTP_GET, .length = 0},
    {S("OPTIONS * HTTP/1.1\r\n" H E), "", "", "x", HTTP_OPTIONS, .length = 0},
    {S("CONNECT x:80 HTTP/1.1\r\n" H E), "", "", "x", HTTP_METHOD_OTHER, .length = 0},
    {S("TRACE / HTTP/1.1\r\n" H E), "/", "", "x", HTTP_METHOD_OTHER, .length = 0},
    {S("HEAD / HTTP/1.1\r\n" H E), "/", "", "x", HTTP_HEAD, .length = 0},
    {S("PUT / HTTP/1.1\r\n" H E), "/", "", "x", HTTP_PUT, .length = 0},
    {S("DELETE / HTTP/1.1\r\n" H E), "/", "", "x", HTTP_DELETE, .length = 0},
    {S("PATCH / HTTP/1.1\r\n" H E), "/", "", "x", HTTP_PATCH, .length = 0},
    {S(P E), "/", "", "x", HTTP_POST, .length = 0},
    {S(L "HOST:x" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L "host: \t x\t " E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L "Host:" E E), "/", "", "", HTTP_GET, .length = 0},
    {S(L "Host: [::1]:3000" E E), "/", "", "[::1]:3000", HTTP_GET, .length = 0},
    {S(L H "A:" E "B: \xc3\xa9\xff\t!" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L H "!#$%&'*+-.^_`|~09azAZ: 1" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L H "A: 1" E "A: 2" E "A: 3" E "A: 4" E "A: 5" E E), "/", "", "x", HTTP_GET,
     .length = 0},
    {S(P "Content-Length: 0" E E), "/", "", "x", HTTP_POST, .length = 0},
    {S(P "Content-Length: 12" E E), "/", "", "x", HTTP_POST, .length = 12},
    {S(P "content-length:0012" E E), "/", "", "x", HTTP_POST, .length = 12},
    {S(P "Content-Length: 999999999999999999" E E), "/", "", "x", HTTP_POST,
     .length = 999999999999999999},
    {S(P "Transfer-Encoding: chunked" E E), "/", "", "x", HTTP_POST, .chunked = true},
    {S(P "transfer-encoding:CHUNKED " E E), "/", "", "x", HTTP_POST, .chunked = true},
    {S(L H "Connection: close" E E), "/", "", "x", HTTP_GET, .close = true},
    {S(L H "Connection: a, CLOSE ,b" E E), "/", "", "x", HTTP_GET, .close = true},
    {S(L H "Connection: keep-alive" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L H "Connection: closed" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L H "Connection: keep-alive" E "Connection: close" E E), "/", "", "x", HTTP_GET,
     .close = true},
    {S(P "Expect: 100-Continue" E E), "/", "", "x", HTTP_POST, .expect = true},
    {S(L H "Connection: Upgrade" E "Upgrade: websocket" E E), "/", "", "x", HTTP_GET,
     .upgrade = true},
    {S(L H "Connection: keep-alive, upgrade" E "Upgrade: websocket" E E), "/", "", "x",
     HTTP_GET, .upgrade = true},
    {S(L H "Upgrade: websocket" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L H "Connection: upgrade" E E), "/", "", "x", HTTP_GET, .length = 0},
    {S(L H "Connection: upgrade" E "Upgrade: h" E "Content-Length: 0" E E), "/", "", "x",
     HTTP_GET, .upgrade = true},
    {S("GET / HTTP/1.0\r\n" E), "/", "", "", HTTP_GET, .close = true, .minor0 = 1},
    {S("GET / HTTP/1.0\r\n" H "Connection: keep-alive" E E), "/", "", "x", HTTP_GET,
     .minor0 = 1},
    {S("GET / HTTP/1.0\r\n" H "Connection: upgrade" E "Upgrade: h" E E), "/", "", "x", HTTP_GET,
     .close = true, .minor0 = 1},
    {S("GET / HTTP/1.0\r\nExpect: 100-continue" E E), "/", "", "", HTTP_GET, .close = true,
     .minor0 = 1},
};

static void check_good(const struct good *g, const struct http_head *head)
{
    assert_true(str_eq(head->path, sioc_str(g->path)));
    assert_true(str_eq(head->query, sioc_str(g->query)));
    assert_true(str_eq(head->host, sioc_str(g->host)));
    assert_non_null(head->host.ptr);
    assert_int_equal(head->method, g->method);
    assert_int_equal(head->content_length, g->length);
    assert_int_equal(head->chunked, g->chunked);
    assert_int_equal(head->keep_alive, !g->close);
    assert_int_equal(head->expect_continue, g->expect);
    assert_int_equal(head->upgrade, g->upgrade);
    assert_int_equal(head->minor, !g->minor0);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct sioc_str text = good[i].text;
        static struct http_head head;
        int status = 0;
        for (size_t len = 0; len < text.len; len++)
            if (parse(sioc_str_n(text.ptr, len), &head, &status) != 0)
                fail_msg("good %zu: no wait at byte %zu", i, len);
        /* What follows is another matter. */
        char more[600];
        int n = snprintf(more, sizeof more, "%.*s\x01\n", SIOC_STR_ARG(text));
        int len = http_parse_head(sioc_str_n(more, (size_t)n), &limits, room, &head, &status);
        if (len != (int)text.len)
            fail_msg("good %zu: %d instead of %zu", i, len, text.len);
        check_good(&good[i], &head);
        assert_int_equal(http_parse_head(text, &limits, room, &head, &status), text.len);
    }
}

/* ---- refused ---- */

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16

static const struct {
    struct sioc_str text;
    int status;
} bad[] = {
    /* the request line */
    {S("\n"), 400},
    {S("\r\r"), 400},
    {S("get / "), 400},
    {S("Get / "), 400},
    {S("BREW / "), 400},
    {S("PRI * HTTP/2.0\r\n"), 400},
    {S("GETGETGETGET"), 400},
    {S(" GET / "), 400},
    {S("\x16\x03\x01\x02"), 400},
    {S("\0"), 400},
    {S("GET\t/ HTTP/1.1\r\n"), 400},
    {S("GET  / HTTP/1.1\r\n"), 400},
    {S("GET /  HTTP/1.1\r\n"), 400},
    {S("GET /a b HTTP/1.1\r\n"), 400},
    {S("GET /\t HTTP/1.1\r\n"), 400},
    {S("GET /\x7f HTTP/1.1\r\n"), 400},
    {S("GET /\x00 HTTP/1.1\r\n"), 400},
    {S("GET /\xc3\xa9 HTTP/1.1\r\n"), 400},
    {S("GET a HTTP/1.1\r\n"), 400},
    {S("GET ?a HTTP/1.1\r\n"), 400},
    {S("GET x:80 HTTP/1.1\r\n"), 400},
    {S("GET /\r\n"), 400},
    {S("GET / \r\n"), 400},
    {S("GET / http/1.1\r\n"), 400},
    {S("GET / HTTP/1.1 \r\n"), 400},
    {S("GET / HTTP/1.1\n"), 400},
    {S("GET / HTTP/1.1\r\r"), 400},
    {S("GET / HTTP/1,1\r\n"), 400},
    {S("GET / HTTP/a.1\r\n"), 400},
    {S("GET / HTTP/1.x\r\n"), 400},
    {S("GET / HTTP/1.11\r\n"), 400},
    {S("GET / HTTP/1.2"), 505},
    {S("GET / HTTP/2.0"), 505},
    {S("GET / HTTP/0.9"), 505},
    {S("GET / HTTP/3.0\r\n" H E), 505},
    {S("GET /" X64), 414},
    {S("GET /" X64 " HTTP/1.1\r\n" H E), 414},
    /* lines */
    {S(L "Host: x\n"), 400},
    {S(L H "\n"), 400},
    {S(L "\n"), 400},
    {S(L "Host : x\r\n"), 400},
    {S(L "Host\t: x\r\n"), 400},
    {S(L " Host: x\r\n"), 400},
    {S(L H " folded\r\n"), 400},
    {S(L H "\tfolded\r\n"), 400},
    {S(L ": x\r\n"), 400},
    {S(L "Host\r\n"), 400},
    {S(L "Ho st: x\r\n"), 400},
    {S(L "H\xc3\xb6st: x\r\n"), 400},
    {S(L "Host(: x\r\n"), 400},
    {S(L "A: \x00\r\n"), 400},
    {S(L "A: \x01\r\n"), 400},
    {S(L "A: \x1f\r\n"), 400},
    {S(L "A: \x7f\r\n"), 400},
    {S(L "A: b\rc"), 400},
    {S(L "A: b\r\r\n"), 400},
    {S(L H "\rX"), 400},
    /* the host */
    {S(L E), 400},
    {S(L "A: b" E E), 400},
    {S(L H H E), 400},
    {S(L H "HOST: y" E E), 400},
    {S("GET / HTTP/1.0\r\n" H H E), 400},
    {S(L "Host: x y" E E), 400},
    {S(L "Host: x\xff" E E), 400},
    /* the length of the body */
    {S(P "Content-Length:" E E), 400},
    {S(P "Content-Length: -1" E E), 400},
    {S(P "Content-Length: +1" E E), 400},
    {S(P "Content-Length: 0x10" E E), 400},
    {S(P "Content-Length: 1 2" E E), 400},
    {S(P "Content-Length: 5, 5" E E), 400},
    {S(P "Content-Length: 5;" E E), 400},
    {S(P "Content-Length: 1.0" E E), 400},
    {S(P "Content-Length: 1e3" E E), 400},
    {S(P "Content-Length: 9999999999999999999" E E), 400},
    {S(P "Content-Length: 18446744073709551617" E E), 400},
    {S(P "Content-Length: 5" E "Content-Length: 5" E E), 400},
    {S(P "Content-Length: 5" E "content-length: 6" E E), 400},
    {S(P "Content-Length: 5" E "Transfer-Encoding: chunked" E E), 400},
    {S(P "Transfer-Encoding: chunked" E "Content-Length: 0" E E), 400},
    {S(P "Transfer-Encoding:" E E), 400},
    {S(P "Transfer-Encoding: gzip" E E), 400},
    {S(P "Transfer-Encoding: identity" E E), 400},
    {S(P "Transfer-Encoding: xchunked" E E), 400},
    {S(P "Transfer-Encoding: chunked, chunked" E E), 400},
    {S(P "Transfer-Encoding: gzip, chunked" E E), 400},
    {S(P "Transfer-Encoding: chunked," E E), 400},
    {S(P "Transfer-Encoding: \"chunked\"" E E), 400},
    {S(P "Transfer-Encoding: chunked" E "Transfer-Encoding: chunked" E E), 400},
    {S("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked" E E), 400},
    /* what we do not do */
    {S(P "Expect: 200-ok" E E), 417},
    {S(P "Expect:" E E), 417},
    {S(L H "Connection: upgrade" E "Upgrade: h" E "Content-Length: 1" E E), 400},
    {S(L H "Connection: upgrade" E "Upgrade: h" E "Transfer-Encoding: chunked" E E), 400},
    /* limits */
    {S(L H "1: 1" E "2: 2" E "3: 3" E "4: 4" E "5: 5" E "6"), 431},
    {S(L "A: " X64 X64 X64 X64 X64 X64 X64 X64), 431},
};

/* A part of it may be refused earlier, with the same status; it is never accepted. */
static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        static struct http_head head;
        bool refused = false;
        for (size_t len = 1; len <= bad[i].text.len; len++) {
            int status = 0;
            int result = parse(sioc_str_n(bad[i].text.ptr, len), &head, &status);
            if (result > 0 || (refused && result == 0))
                fail_msg("bad %zu: %d at byte %zu", i, result, len);
            if (result == SIOC_EPROTO && status != bad[i].status)
                fail_msg("bad %zu: %d instead of %d", i, status, bad[i].status);
            refused = result < 0;
        }
        if (!refused)
            fail_msg("bad %zu: not refused", i);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static const struct sioc_str text = S(L H "A: b" E E);
    struct http_limits tight = {.head_bytes = text.len, .url_bytes = 1, .headers = 2};
    static struct http_head head;
    int status;
    assert_int_equal(http_parse_head(text, &tight, room, &head, &status), text.len);
    tight.head_bytes--;
    assert_int_equal(http_parse_head(text, &tight, room, &head, &status), SIOC_EPROTO);
    assert_int_equal(status, 431);
    tight.head_bytes++;
    tight.headers = 1;
    assert_int_equal(http_parse_head(text, &tight, room, &head, &status), SIOC_EPROTO);
    assert_int_equal(status, 431);
    tight.headers = 2;
    tight.url_bytes = 0;
    assert_int_equal(http_parse_head(text, &tight, room, &head, &status), SIOC_EPROTO);
    assert_int_equal(status, 414);
    /* The limit asked for is never more than there is room. */
    char many[16 * (HTTP_MAX_HEADERS + 2)] = L H;
    size_t len = strlen(many);
    for (int i = 0; i < HTTP_MAX_HEADERS; i++)
        len += (size_t)snprintf(many + len, sizeof many - len, "A%d: b\r\n", i);
    struct http_limits wide = {.head_bytes = 8192, .url_bytes = 9, .headers = 1000};
    assert_int_equal(http_parse_head(sioc_str_n(many, len), &wide, room, &head, &status),
                     SIOC_EPROTO);
    assert_int_equal(status, 431);
}

/* ---- questions ---- */

static void test_headers(void **state)
{
    (void)state;
    static struct http_head head;
    int status;
    struct sioc_str text = S(L H "A: first" E "a: second , Third" E "B:" E E);
    assert_true(http_parse_head(text, &limits, room, &head, &status) > 0);
    assert_int_equal(head.header_count, 4);
    assert_true(str_eq(http_header_get(&head, STR("a")), STR("first")));
    struct sioc_str b = http_header_get(&head, STR("b"));
    assert_int_equal(b.len, 0);
    assert_non_null(b.ptr);
    assert_null(http_header_get(&head, STR("c")).ptr);
    assert_true(http_header_has_token(&head, STR("A"), STR("FIRST")));
    assert_true(http_header_has_token(&head, STR("A"), STR("second")));
    assert_true(http_header_has_token(&head, STR("A"), STR("third")));
    assert_false(http_header_has_token(&head, STR("A"), STR("sec")));
    assert_false(http_header_has_token(&head, STR("C"), STR("third")));
    assert_true(str_eq(head.target, STR("/")));
    assert_true(str_eq(head.method_name, STR("GET")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
