/* Parsers of the application's own: how they are made known, and what a server does with one;
 * the one of examples/parser, built in here. */
#include "../../../examples/parser/tagged.c"
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- names ---- */

static int choose(struct sioc_options *o, const char *name, const char *error)
{
    char text[400] = "";
    int result = sioc_options_set_text(o, "parser", name, text, sizeof text);
    if (result < 0)
        assert_non_null(strstr(text, error));
    return result;
}

static void knows_what_was_added(void **state)
{
    (void)state;
    struct sioc_options *o = sioc_options_new();
    assert_int_equal(choose(o, "json", ""), 0);
    assert_int_equal(choose(o, "msgpack", ""), 0);
    assert_int_equal(choose(o, "tagged", "must be \"json\" or \"msgpack\""), SIOC_EINVAL);
    assert_int_equal(sioc_options_add_parser(o, sioc_parser()), 0);
    assert_int_equal(choose(o, "tagged", ""), 0);
    assert_int_equal(sioc_options_add_parser(o, sioc_parser()), SIOC_EEXIST);
    assert_int_equal(choose(o, "./no/such.so", "option \"parser\": ./no/such.so"), SIOC_EINVAL);
    sioc_options_free(o);
}

static void refuses_what_is_not_whole(void **state)
{
    (void)state;
    struct sioc_options *o = sioc_options_new();
    struct sioc_parser p = *sioc_parser();
    p.name = "json";
    assert_int_equal(sioc_options_add_parser(o, &p), SIOC_EEXIST);
    static const char *const bad_names[] = {"", "a.so", "a b", "./a"};
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        p.name = bad_names[i];
        assert_int_equal(sioc_options_add_parser(o, &p), SIOC_EINVAL);
    }
    p = *sioc_parser();
    p.version++;
    assert_int_equal(sioc_options_add_parser(o, &p), SIOC_EINVAL);
    p = *sioc_parser();
    p.flags = SIOC_PARSER_CHECKS;
    assert_int_equal(sioc_options_add_parser(o, &p), SIOC_EINVAL);
    p = *sioc_parser();
    p.reread = NULL;
    assert_int_equal(sioc_options_add_parser(o, &p), SIOC_EINVAL);
    sioc_options_free(o);
}

/* ---- at work ---- */

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    uint16_t port;
    char log[200];
} f;

/* The arguments as JSON, by a cursor; and all of them back. */
static void on_echo(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_cursor c;
    struct sioc_str json;
    struct sioc_message *m;
    (void)user;
    (void)ref;
    if (sioc_event_cursor(event, &c) == 0)
        while (sioc_cursor_raw(&c, &json) == 0)
            snprintf(f.log + strlen(f.log), sizeof f.log - strlen(f.log), "%.*s;",
                     SIOC_STR_ARG(json));
    if (sioc_message_new(f.root, sioc_str("echo"), &m) < 0)
        return;
    if (sioc_event_read(event, sioc_message_sink(m), NULL) < 0)
        sioc_message_free(m);
    else
        sioc_socket_emit(sioc_event_socket(event), m, NULL);
}

static int try_setup(void)
{
    char error[160];
    memset(&f, 0, sizeof f);
    struct sioc_options *options = NULL;
    if (sioc_loop_new(&f.loop) < 0 || !(options = sioc_options_new()))
        return SIOC_ENOMEM;
    if (sioc_options_add_parser(options, sioc_parser()) < 0 ||
        sioc_options_set_text(options, "parser", "tagged", error, sizeof error) < 0) {
        sioc_options_free(options);
        return SIOC_ENOMEM;
    }
    int result = sioc_server_new(f.loop, options, &f.server);
    if (result == 0)
        result = sioc_server_of(f.server, sioc_str("/"), &f.root);
    if (result == 0)
        result = sioc_namespace_event(f.root, sioc_str("echo"),
                                      (struct sioc_handler){.call = on_echo}, 0);
    return result == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : result;
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

#define SEND(w, bytes) wire_binary(w, bytes, sizeof(bytes) - 1)
#define EVENT          \
    "\x02\0\0\0\x01/n" \
    "s\0\0\0\x04"      \
    "echo"
#define BYTES "b\0\0\0\x02\x01\xff"

static bool join(struct wire *w)
{
    wire_connect(w, f.loop, f.port);
    if (!wire_open(w))
        return false;
    wire_text(w, "4[0,\"/\",{\"token\":1}]");
    const char *answer = wire_next(w);
    return answer && strncmp(answer, "4[0,\"/\",{\"sid\":\"", 16) == 0;
}

static void texts_and_bytes_are_packets(void **state)
{
    static struct wire w;
    (void)state;
    assert_int_equal(try_setup(), 0);
    assert_true(join(&w));
    SEND(&w, EVENT "t{\0\0\0\x01k[n]}" BYTES);
    const char *answer = wire_next(&w);
    const char wanted[] = EVENT "t{\0\0\0\x01k[n]}" BYTES;
    assert_memory_equal(answer, wanted, sizeof wanted);
    assert_string_equal(f.log, "true;{\"k\":[null]};{\"_placeholder\":true,\"num\":0};");
    wire_text(&w, "4[0,\"/nope\"]");
    assert_string_equal(wire_next(&w), "4[4,\"/nope\",{\"message\":\"Invalid namespace\"}]");
    wire_text(&w, "4[1,\"/\"]");
    wire_settle(f.loop);
    assert_int_equal(sioc_namespace_socket_count(f.root), 0);
    wire_close(&w);
    teardown();
}

/* Each of them costs the client its connection. */
static void what_is_malformed_is_the_end(void **state)
{
    static struct wire w;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
#define BAD(text) {text, sizeof(text) - 1}
        BAD("\x02\0\0\0\x01/"),
        BAD("\x00\0\0\0\x01/n"),
        BAD("\x02\xff\xff\xff\xff/"),
        BAD(EVENT "d\0"),
        BAD(EVENT "["),
        BAD(EVENT "x"),
        BAD(EVENT "s\0\0\0\x01\xff"),
        BAD("\x02\0\0\0\x01/nt"),
        BAD("\x02\0\0\0\x01/"
            "d\xbf\xf0\0\0\0\0\0\0"),
#undef BAD
    };
    (void)state;
    assert_int_equal(try_setup(), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(join(&w));
        wire_binary(&w, bad[i].bytes, bad[i].len);
        print_message("%zu\n", i);
        assert_string_equal(wire_next(&w), "CLOSE");
        wire_close(&w);
    }
    static const char *const texts[] = {"4[0", "4[7,\"/\"]", "4[0,\"x\"]", "4[0,\"/\",[]]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wire_connect(&w, f.loop, f.port);
        assert_true(wire_open(&w));
        wire_text(&w, texts[i]);
        assert_string_equal(wire_next(&w), "CLOSE");
        wire_close(&w);
    }
    teardown();
}

/* Never a crash, and never a leak: the sanitizer sees to that. */
static void survives_each_failing_allocation(void **state)
{
    static struct wire w;
    (void)state;
    bool reached = true;
    for (size_t n = 1; reached && n < 2000; n++) {
        mem_test_fail_at(n, false);
        if (try_setup() == 0) {
            if (join(&w)) {
                SEND(&w, EVENT "t" BYTES);
                wire_settle(f.loop);
            }
            wire_close(&w);
        }
        reached = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        teardown();
    }
    assert_false(reached);
    assert_string_equal(f.log, "true;{\"_placeholder\":true,\"num\":0};");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_was_added),
        cmocka_unit_test(refuses_what_is_not_whole),
        cmocka_unit_test(texts_and_bytes_are_packets),
        cmocka_unit_test(what_is_malformed_is_the_end),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
