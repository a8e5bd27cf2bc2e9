/* PROXY heads, both versions: whole, cut at every place, and hostile. */
#include "base/cidr.h"
#include "base/str.h"
#include "net/proxy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2(rest)  STR(SIGNATURE rest)

static void assert_address(const struct net_proxy_head *head, const char *text, uint16_t port)
{
    uint8_t want[16];
    assert_true(head->known);
    assert_true(cidr_parse_address(sioc_str(text), want));
    assert_memory_equal(head->address, want, 16);
    assert_int_equal(head->port, port);
}

/* The head is read whole with bytes behind it, and asks for more at every cut. */
static struct net_proxy_head read_head(struct sioc_str head)
{
    struct net_proxy_head ret = {0};
    char bytes[1024];
    memcpy(bytes, head.ptr, head.len);
    memcpy(bytes + head.len, "GET /", 5);
    assert_int_equal(net_proxy_read(sioc_str_n(bytes, head.len + 5), &ret), (int)head.len);
    for (size_t len = 0; len < head.len; len++) {
        struct net_proxy_head none;
        char *exact = test_malloc(len + 1); /* so that a read beyond the end is seen */
        memcpy(exact, head.ptr, len);
        assert_int_equal(net_proxy_read(sioc_str_n(exact, len), &none), 0);
        test_free(exact);
    }
    return ret;
}

static void reads_version_1(void **state)
{
    (void)state;
    struct net_proxy_head head = read_head(STR("PROXY TCP4 192.0.2.7 10.0.0.1 5555 443\r\n"));
    assert_address(&head, "192.0.2.7", 5555);
    head = read_head(STR("PROXY TCP6 2001:db8::7 ::1 65535 443\r\n"));
    assert_address(&head, "2001:db8::7", 65535);
    head = read_head(STR("PROXY UNKNOWN\r\n"));
    assert_false(head.known);
    head = read_head(STR("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"));
    assert_false(head.known);
}

static void reads_version_2(void **state)
{
    (void)state;
    struct net_proxy_head head = read_head(V2("\x21\x11\0\x0c"
                                              "\xc0\0\x02\x07"
                                              "\x0a\0\0\x01"
                                              "\x15\xb3\x01\xbb"));
    assert_address(&head, "192.0.2.7", 5555);
    head = read_head(V2("\x21\x21\0\x27"
                        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
                        "\xff\xff\x01\xbb"
                        "\x04\0\0"));
    assert_address(&head, "2001:db8::7", 65535);
    head = read_head(V2("\x20\0\0\0")); /* LOCAL: a health check of the balancer */
    assert_false(head.known);
    head = read_head(V2("\x21\0\0\x02"
                        "ab")); /* an unknown family is skipped */
    assert_false(head.known);
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const struct sioc_str bad[] = {
        {"GET / HTTP/1.1\r\n", 16},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", 30},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 99999 7\r\n", 38},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 70000 1\r\n", 36},
        {"PROXY TCP4 ::1 ::1 1 2\r\n", 24},
        {"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", 32},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", 31},
        {"PROXY NONSENSE\r\n", 16},
        {SIGNATURE "\x11\x11\0\x0c", 16}, /* version 1 */
        {SIGNATURE "\x22\x11\0\x0c", 16}, /* command 2 */
        {SIGNATURE "\x21\x11\xff\xff", 16},
    };
    struct net_proxy_head head;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(net_proxy_read(bad[i], &head), SIOC_EPROTO);
    char endless[200];
    memset(endless, '1', sizeof endless);
    memcpy(endless, "PROXY TCP4 ", 11);
    assert_int_equal(net_proxy_read(sioc_str_n(endless, sizeof endless), &head), SIOC_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_version_1),
        cmocka_unit_test(reads_version_2),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
