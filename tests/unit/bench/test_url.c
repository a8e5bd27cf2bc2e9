/* Where the server is. */
#include "../../../bindings/bench/url.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct url url;
static char error[1024];

static void is(const char *text, bool secure, const char *host, const char *port,
               const char *nsp, const char *query)
{
    if (bench_url_parse(text, &url, error, sizeof error))
        fail_msg("%s", error);
    assert_int_equal(url.secure, secure);
    assert_string_equal(url.host, host);
    assert_string_equal(url.port, port);
    assert_string_equal(url.nsp, nsp);
    assert_string_equal(url.query, query);
}

static void refused(const char *text, const char *message)
{
    struct url before = url;

    assert_int_equal(bench_url_parse(text, &url, error, sizeof error), -1);
    assert_non_null(strstr(error, message));
    assert_memory_equal(&before, &url, sizeof url);
}

static void test_good(void **state)
{
    (void)state;
    is("http://localhost", false, "localhost", "80", "", "");
    is("http://127.0.0.1:3000", false, "127.0.0.1", "3000", "", "");
    is("http://127.0.0.1:3000/", false, "127.0.0.1", "3000", "", "");
    is("ws://a.b:1/chat", false, "a.b", "1", "/chat", "");
    is("https://a.b", true, "a.b", "443", "", "");
    is("WSS://a.b:65535/x/y?z=1&w=2#top", true, "a.b", "65535", "/x/y", "&z=1&w=2");
    is("localhost:3000", false, "localhost", "3000", "", "");
    is("http://a?b=c", false, "a", "80", "", "&b=c");
    is("http://a?", false, "a", "80", "", "");
    is("http://[::1]", false, "::1", "80", "", "");
    is("https://[::1]:3000/chat", true, "::1", "3000", "/chat", "");
}

static void test_bad(void **state)
{
    char longest[600];

    (void)state;
    is("http://localhost", false, "localhost", "80", "", "");
    refused("ftp://a", "must begin with http");
    refused("http://", "wanted is a URL");
    refused("http://:3000", "wanted is a URL");
    refused("http://a:", "wanted is a URL");
    refused("http://a:0", "wanted is a URL");
    refused("http://a:65536", "wanted is a URL");
    refused("http://a:30x", "wanted is a URL");
    refused("http://[::1", "wanted is a URL");
    refused("http://[::1]x", "wanted is a URL");
    refused("http://a b", "wanted is a URL");
    refused("http://a/x,y", "cannot be sent");
    refused("http://a/x y", "cannot be sent");
    refused("http://a/\"", "cannot be sent");
    refused("http://a?x\r\nHost: b", "cannot be sent");
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest, "http://", 7);
    refused(longest, "wanted is a URL");
    memcpy(longest, "http://a/", 9);
    refused(longest, "cannot be sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
