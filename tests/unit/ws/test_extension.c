/* Negotiation: the table of protocol.md 1.11, with its deviation, and the grammar of RFC 6455,
 * 9.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "helper_zlib.h"
#include "ws/extension.h"

#define NONE      ""
#define MALFORMED "!"

struct row {
    const char *offer, *answer;
};

static void set_headers(struct http_head *head, const char *first, const char *second)
{
    static struct http_header room[3];
    memset(head, 0, sizeof *head);
    head->headers = room;
    head->headers[head->header_count++] =
        (struct http_header){STR("Host"), STR("permessage-deflate")};
    head->headers[head->header_count++] =
        (struct http_header){STR("sec-websocket-EXTENSIONS"), sioc_str(first)};
    if (second)
        head->headers[head->header_count++] =
            (struct http_header){STR("Sec-WebSocket-Extensions"), sioc_str(second)};
}

static void expect(const struct http_head *head, const struct ws_deflate_options *options,
                   unsigned windows, const char *answer)
{
    struct ws_extension extension;
    struct buf out;
    buf_init(&out);
    int taken = ws_extension_negotiate(head, options, windows, &extension);
    if (taken > 0)
        ws_extension_write(&extension, &out);
    if (taken < 0)
        buf_put_str(&out, STR(MALFORMED));
    buf_putc(&out, '\0');
    assert_string_equal((char *)out.bytes, answer);
    buf_deinit(&out);
}

static void expect_rows(const struct row *rows, size_t count,
                        const struct ws_deflate_options *options)
{
    for (size_t i = 0; i < count; i++) {
        struct http_head head;
        set_headers(&head, rows[i].offer, NULL);
        expect(&head, options, 2, rows[i].answer);
    }
}
#define EXPECT_ROWS(rows, options) expect_rows(rows, sizeof(rows) / sizeof(rows)[0], options)

/* With the options at what the reference has: takeover both ways. */
static struct ws_deflate_options like_reference(void)
{
    struct ws_deflate_options options = default_deflate;
    options.server_no_context_takeover = options.client_no_context_takeover = false;
    return options;
}

static void answers_as_the_table_says(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"permessage-deflate", "permessage-deflate"},
        {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
        {"permessage-deflate; client_max_window_bits=9",
         "permessage-deflate; client_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=10"},
        {"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {"permessage-deflate; server_max_window_bits=15",
         "permessage-deflate; server_max_window_bits=15"},
        {"permessage-deflate; server_max_window_bits=8",
         "permessage-deflate; server_max_window_bits=8"},
        {"permessage-deflate; client_max_window_bits=8",
         "permessage-deflate; client_max_window_bits=8"},
        {"x-webkit-deflate-frame", NONE},
    };
    struct ws_deflate_options options = like_reference();
    EXPECT_ROWS(rows, &options);
}

/* Where the reference refuses the handshake, the next offer is looked at. */
static void passes_over_what_does_not_suit(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"permessage-deflate; server_max_window_bits=7", NONE},
        {"permessage-deflate; server_max_window_bits=16", NONE},
        {"permessage-deflate; server_max_window_bits=08", NONE},
        {"permessage-deflate; server_max_window_bits=+9", NONE},
        {"permessage-deflate; server_max_window_bits=99999999999999999999", NONE},
        {"permessage-deflate; server_max_window_bits", NONE},
        {"permessage-deflate; client_max_window_bits=7", NONE},
        {"permessage-deflate; client_max_window_bits=16", NONE},
        {"permessage-deflate; client_max_window_bits=x", NONE},
        {"permessage-deflate; server_no_context_takeover=1", NONE},
        {"permessage-deflate; client_no_context_takeover=true", NONE},
        {"permessage-deflate; foo=1", NONE},
        {"permessage-deflate; constructor", NONE},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", NONE},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits=10", NONE},
        {"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", NONE},
        {"Permessage-Deflate", NONE}, /* names are compared as they are */
        {"permessage-deflate; foo=1, permessage-deflate", "permessage-deflate"},
        {"x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=9",
         "permessage-deflate; server_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=7, permessage-deflate; "
         "client_max_window_bits, permessage-deflate; server_max_window_bits=9",
         "permessage-deflate"}, /* the first that suits */
        {"foo; bar=baz; q=\"1\"; client_max_window_bits=99, permessage-deflate",
         "permessage-deflate"}, /* others' parameters are their own */
    };
    struct ws_deflate_options options = like_reference();
    EXPECT_ROWS(rows, &options);
}

static void reads_the_grammar(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"permessage-deflate;server_max_window_bits=\"10\"",
         "permessage-deflate; server_max_window_bits=10"},
        {" permessage-deflate\t;\t server_max_window_bits = 10 ",
         "permessage-deflate; server_max_window_bits=10"},
        {",, permessage-deflate ,,", "permessage-deflate"},
        {"", MALFORMED},
        {" , ", MALFORMED},
        {"permessage-deflate;", MALFORMED},
        {";server_max_window_bits", MALFORMED},
        {"permessage-deflate; =10", MALFORMED},
        {"permessage-deflate; server_max_window_bits=", MALFORMED},
        {"permessage-deflate; server_max_window_bits=\"\"", MALFORMED},
        {"permessage-deflate; server_max_window_bits=\"10", MALFORMED},
        {"permessage-deflate; server_max_window_bits=\"1 0\"", MALFORMED},
        {"permessage-deflate; server_max_window_bits=\" 10\"", MALFORMED},
        {"permessage-deflate; server_max_window_bits=\"10 \"", MALFORMED},
        {"permessage-deflate; a b", MALFORMED},
        {"permessage deflate", MALFORMED},
        {"permessage-deflate; a==b", MALFORMED},
        {"permessage-deflate, @", MALFORMED},
        {"permessage-deflate; \xc3\xa4", MALFORMED},
    };
    struct ws_deflate_options options = like_reference();
    EXPECT_ROWS(rows, &options);
}

static void reads_all_headers(void **state)
{
    (void)state;
    struct http_head head;
    struct ws_deflate_options options = like_reference();
    set_headers(&head, "foo", "permessage-deflate; server_max_window_bits=12");
    expect(&head, &options, 2, "permessage-deflate; server_max_window_bits=12");
    set_headers(&head, "permessage-deflate", "permessage-deflate; server_max_window_bits=12");
    expect(&head, &options, 2, "permessage-deflate");
    set_headers(&head, "permessage-deflate", "=");
    expect(&head, &options, 2, MALFORMED);
    head.header_count = 1;
    expect(&head, &options, 2, NONE);
}

/* The default asks for no takeover in both directions, so that no connection holds a window. */
static void asks_for_what_the_options_say(void **state)
{
    (void)state;
    static const struct row defaults[] = {
        {"permessage-deflate",
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {"permessage-deflate; client_max_window_bits",
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    };
    EXPECT_ROWS(defaults, &default_deflate);
    static const struct row small[] = {
        {"permessage-deflate", "permessage-deflate; server_max_window_bits=11"},
        {"permessage-deflate; server_max_window_bits=9",
         "permessage-deflate; server_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=15; client_max_window_bits",
         "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10"},
        {"permessage-deflate; client_max_window_bits=9",
         "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9"},
    };
    struct ws_deflate_options options = like_reference();
    options.server_max_window_bits = 11;
    options.client_max_window_bits = 10;
    EXPECT_ROWS(small, &options);
}

static void declines_takeover_when_windows_run_out(void **state)
{
    (void)state;
    struct http_head head;
    struct ws_deflate_options options = like_reference();
    set_headers(&head, "permessage-deflate", NULL);
    expect(&head, &options, 2, "permessage-deflate");
    expect(&head, &options, 1,
           "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    set_headers(&head, "permessage-deflate; client_no_context_takeover", NULL);
    expect(&head, &options, 1, "permessage-deflate; client_no_context_takeover");
    expect(&head, &options, 0,
           "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_table_says),
        cmocka_unit_test(passes_over_what_does_not_suit),
        cmocka_unit_test(reads_the_grammar),
        cmocka_unit_test(reads_all_headers),
        cmocka_unit_test(asks_for_what_the_options_say),
        cmocka_unit_test(declines_takeover_when_windows_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
