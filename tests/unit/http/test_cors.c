/* Origins: who is let in, and what browsers are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fake_request.h"
#include "http/cors.h"
#include <stdio.h>

static char *copy(const char *text)
{
    return mem_dup(text, strlen(text));
}

/* origins: NULL = the option was not given; "*", or origins with commas between. */
static void setup(struct http_cors *cors, const char *origins)
{
    struct sioc_str rest = sioc_str(origins), part;
    http_cors_init(cors);
    cors->enabled = origins != NULL;
    cors->any_origin = origins && strcmp(origins, "*") == 0;
    if (!origins || cors->any_origin)
        return;
    cors->origins = mem_zalloc(8 * sizeof(char *));
    while (str_next(&rest, ',', &part))
        cors->origins[cors->origin_count++] = mem_dup(part.ptr, part.len);
}

static void request(struct fake *f, const char *method, const char *headers)
{
    char text[1000];
    snprintf(text, sizeof text, "%s /socket.io/ HTTP/1.1\n%s", method, headers);
    fake_init(f, text);
}

static void test_same_origin(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool secure, allowed;
    } cases[] = {
        {"Host: a.example\n", false, true}, /* no browser */
        {"Host: a.example\nOrigin: http://a.example\n", false, true},
        {"Host: A.example\nOrigin: http://a.EXAMPLE\n", false, true},
        {"Host: a.example\nOrigin: https://a.example\n", false, true}, /* behind a TLS proxy */
        {"Host: a.example:80\nOrigin: http://a.example\n", false, true},
        {"Host: a.example:443\nOrigin: https://a.example\n", false, true},
        {"Host: a.example\nOrigin: https://a.example:443\n", true, true},
        {"Host: a.example:3000\nOrigin: http://a.example:3000\n", false, true},
        {"Host: [::1]:3000\nOrigin: http://[::1]:3000\n", false, true},
        {"Host: a.example\nOrigin: http://a.example\n", true, false}, /* plain page on TLS */
        {"Host: a.example:3000\nOrigin: http://a.example\n", false, false},
        {"Host: a.example:3000\nOrigin: http://a.example:3001\n", false, false},
        {"Host: a.example:3000\nOrigin: http://a.example:30000\n", false, false},
        {"Host: a.example\nOrigin: http://b.example\n", false, false},
        {"Host: a.example\nOrigin: http://a.example.evil\n", false, false},
        {"Host: a.example\nOrigin: http://evil.a.example\n", false, false},
        {"Host: a.example\nOrigin: http://user@a.example\n", false, false},
        {"Host: a.example\nOrigin: ftp://a.example\n", false, false},
        {"Host: a.example\nOrigin: a.example\n", false, false},
        {"Host: a.example\nOrigin: http://\n", false, false},
        {"Host: a.example\nOrigin: null\n", false, false},
        {"Host: a.example\nOrigin: \n", false, false},
        {"Host: \nOrigin: http://\n", false, false},
        {"Host: :80\nOrigin: http://:80\n", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_cors cors;
        struct fake f;
        setup(&cors, NULL);
        request(&f, "GET", cases[i].headers);
        f.secure = cases[i].secure;
        if (http_cors_allows(&cors, &f.request) != cases[i].allowed)
            fail_msg("wrong about %s", cases[i].headers);
        fake_deinit(&f);
        http_cors_deinit(&cors);
    }
}

static void test_listed_origins(void **state)
{
    (void)state;
    static const struct {
        const char *option, *origin;
        bool allowed;
    } cases[] = {
        {"*", "http://anywhere.example", true},
        {"*", "null", true},
        {"https://app.example", "https://app.example", true},
        {"https://app.example", "http://app.example", false},
        {"https://app.example", "https://app.example:8443", false},
        {"https://app.example", "https://app.example.evil", false},
        {"https://app.example", "http://here.example", true}, /* the same origin still */
        {"https://app.example", "null", false},
        {"https://a.example,https://b.example", "https://b.example", true},
        {"https://a.example,https://b.example", "https://c.example", false},
        {"https://*.a.example", "https://x.a.example", true},
        {"https://*.a.example", "https://x.y-z.a.example", true},
        {"https://*.a.example", "https://a.example", false},
        {"https://*.a.example", "https://.a.example", false}, /* the star is never empty */
        {"https://*.a.example", "http://x.a.example", false},
        {"https://*.a.example", "https://x.a.example.evil", false},
        {"https://*.a.example", "https://evil.example/x.a.example", false},
        {"https://*.a.example", "https://evil.example:1.a.example", false},
        {"https://*.a.example", "https://evil@x.a.example", false},
        {"http://localhost:*", "http://localhost:3000", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_cors cors;
        struct fake f;
        char headers[200];
        setup(&cors, cases[i].option);
        snprintf(headers, sizeof headers, "Host: here.example\nOrigin: %s\n", cases[i].origin);
        request(&f, "GET", headers);
        if (http_cors_allows(&cors, &f.request) != cases[i].allowed)
            fail_msg("wrong about %s for %s", cases[i].origin, cases[i].option);
        fake_deinit(&f);
        http_cors_deinit(&cors);
    }
}

static void expect_headers(struct http_cors *cors, const char *origin, const char *expected)
{
    struct fake f;
    char headers[200];
    snprintf(headers, sizeof headers, "Host: here.example\n%s%s%s", origin ? "Origin: " : "",
             origin ? origin : "", origin ? "\n" : "");
    request(&f, "GET", headers);
    http_cors_apply(cors, &f.request);
    http_cors_apply(cors, &f.request); /* the second time changes nothing */
    buf_putc(&f.request.extra_headers, '\0');
    assert_string_equal((char *)f.request.extra_headers.bytes, expected);
    fake_deinit(&f);
    http_cors_deinit(cors);
}

static void test_headers(void **state)
{
    (void)state;
    struct http_cors cors;
    setup(&cors, NULL);
    expect_headers(&cors, "http://x.example", "");
    setup(&cors, "*");
    expect_headers(&cors, "http://x.example", "Access-Control-Allow-Origin: *\r\n");
    setup(&cors, "*");
    cors.credentials = true; /* never for everyone */
    expect_headers(&cors, NULL, "Access-Control-Allow-Origin: *\r\n");
    setup(&cors, "https://a.example");
    expect_headers(&cors, NULL,
                   "Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n");
    setup(&cors, "https://a.example,https://b.example");
    expect_headers(&cors, "https://b.example",
                   "Access-Control-Allow-Origin: https://b.example\r\nVary: Origin\r\n");
    setup(&cors, "https://a.example,https://b.example");
    expect_headers(&cors, "https://c.example", "Vary: Origin\r\n");
    setup(&cors, "https://*.example"); /* a pattern is never told, the origin is */
    expect_headers(&cors, "https://b.example",
                   "Access-Control-Allow-Origin: https://b.example\r\nVary: Origin\r\n");
    setup(&cors, "https://*.example");
    expect_headers(&cors, "https://b.evil", "Vary: Origin\r\n");
    setup(&cors, "https://a.example");
    cors.reflect = true;
    expect_headers(&cors, "https://b.example",
                   "Access-Control-Allow-Origin: https://b.example\r\nVary: Origin\r\n");
    setup(&cors, "https://a.example");
    cors.reflect = true;
    expect_headers(&cors, NULL, "Vary: Origin\r\n");
    setup(&cors, "https://a.example");
    cors.credentials = true;
    cors.exposed_headers = copy("X-A,X-B");
    expect_headers(&cors, "https://a.example",
                   "Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n"
                   "Access-Control-Allow-Credentials: true\r\n"
                   "Access-Control-Expose-Headers: X-A,X-B\r\n");
    setup(&cors, "https://a.example\r\nX-Forged: 1");
    expect_headers(&cors, NULL, "Vary: Origin\r\n");
}

static void test_preflight(void **state)
{
    (void)state;
    struct http_cors cors;
    struct fake f;
    setup(&cors, "https://a.example");
    request(&f, "OPTIONS",
            "Host: here.example\nOrigin: https://a.example\n"
            "Access-Control-Request-Headers: x-one, x-two\n");
    assert_true(http_cors_preflight(&cors, &f.request));
    assert_int_equal(f.answers, 1);
    assert_int_equal(f.status, 204);
    assert_int_equal(f.body.len, 0);
    assert_header(&f, "Content-Length", "0");
    assert_header(&f, "Access-Control-Allow-Origin", "https://a.example");
    assert_header(&f, "Vary", "Origin, Access-Control-Request-Headers");
    assert_header(&f, "Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert_header(&f, "Access-Control-Allow-Headers", "x-one, x-two");
    assert_no_header(&f, "Access-Control-Max-Age");
    fake_deinit(&f);

    cors.methods = copy("GET,POST");
    cors.allowed_headers = copy("X-Mine");
    cors.max_age_s = 600;
    request(&f, "OPTIONS", "Host: here.example\nAccess-Control-Request-Headers: x-one\n");
    http_cors_apply(&cors, &f.request); /* by someone who does it for every request */
    assert_true(http_cors_preflight(&cors, &f.request));
    assert_int_equal(f.status, 204);
    assert_header(&f, "Vary", "Origin");
    assert_header(&f, "Access-Control-Allow-Methods", "GET,POST");
    assert_header(&f, "Access-Control-Allow-Headers", "X-Mine");
    assert_header(&f, "Access-Control-Max-Age", "600");
    fake_deinit(&f);
    http_cors_deinit(&cors);

    setup(&cors, "*");
    request(&f, "OPTIONS", "Host: here.example\nOrigin: http://x.example\n");
    assert_true(http_cors_preflight(&cors, &f.request));
    assert_header(&f, "Access-Control-Allow-Origin", "*");
    assert_header(&f, "Vary", "Access-Control-Request-Headers");
    assert_no_header(&f, "Access-Control-Allow-Headers");
    fake_deinit(&f);
    http_cors_deinit(&cors);
}

static void test_no_preflight(void **state)
{
    (void)state;
    struct http_cors cors;
    struct fake f;
    setup(&cors, NULL); /* the option was not given */
    request(&f, "OPTIONS", "Host: here.example\nOrigin: https://a.example\n");
    assert_false(http_cors_preflight(&cors, &f.request));
    assert_int_equal(f.answers, 0);
    fake_deinit(&f);
    setup(&cors, "*");
    request(&f, "GET", "Host: here.example\nOrigin: https://a.example\n");
    assert_false(http_cors_preflight(&cors, &f.request));
    fake_deinit(&f);
    http_cors_deinit(&cors);
    setup(&cors, "https://a.example");
    request(&f, "OPTIONS", "Host: here.example\nOrigin: https://evil.example\n");
    assert_true(http_cors_preflight(&cors, &f.request));
    assert_int_equal(f.status, 403);
    assert_no_header(&f, "Access-Control-Allow-Origin");
    fake_deinit(&f);
    http_cors_deinit(&cors);
}

static void test_scripts(void **state)
{
    (void)state;
    static const struct {
        const char *origins, *headers;
        bool allowed;
    } cases[] = {
        {NULL, "", true},
        {NULL, "Origin: http://here.example\n", true},
        {NULL, "Origin: http://evil.example\nReferer: http://here.example/\n", false},
        {NULL, "Referer: http://here.example/a?b#c\n", true},
        {NULL, "Referer: http://here.example\n", true},
        {NULL, "Referer: http://here.example.evil.example/\n", false},
        {NULL, "Referer: http://evil.example/http://here.example/\n", false},
        {NULL, "Referer: here.example\n", false},
        {NULL, "Referer: about:blank\n", false},
        {NULL, "Sec-Fetch-Site: same-origin\n", true},
        {NULL, "Sec-Fetch-Site: none\n", true},
        {NULL, "Sec-Fetch-Site: same-site\n", false},
        {NULL, "Sec-Fetch-Site: cross-site\n", false},
        {NULL, "Sec-Fetch-Site: \n", false},
        {"https://a.example", "Sec-Fetch-Site: cross-site\n", false},
        {"https://a.example", "Sec-Fetch-Site: cross-site\nReferer: https://a.example/\n",
         true},
        {"https://a.example", "Sec-Fetch-Site: cross-site\nReferer: https://b.example/\n",
         false},
        {"*", "Sec-Fetch-Site: cross-site\n", true},
        {"*", "Referer: https://b.example/\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_cors cors;
        struct fake f;
        char headers[300];
        setup(&cors, cases[i].origins);
        snprintf(headers, sizeof headers, "Host: here.example\n%s", cases[i].headers);
        request(&f, "GET", headers);
        if (http_cors_allows_script(&cors, &f.request) != cases[i].allowed)
            fail_msg("%s: %s", cases[i].headers, cases[i].allowed ? "refused" : "let in");
        fake_deinit(&f);
        http_cors_deinit(&cors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_origin),  cmocka_unit_test(test_listed_origins),
        cmocka_unit_test(test_headers),      cmocka_unit_test(test_preflight),
        cmocka_unit_test(test_no_preflight), cmocka_unit_test(test_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
