/* A server whose packets are msgpack, from a C application's side: cursors, answers of many,
 * and every allocation of a life failed in turn. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CONNECT "\x82\xa4type\x00\xa3nsp\xa1/"
#define EVENT(data)                    \
    "\x83\xa4type\x02\xa3nsp\xa1/\xa4" \
    "data" data
#define ANSWER(data)                             \
    "\x84\xa4type\x03\xa3nsp\xa1/\xa2id\x00\xa4" \
    "data" data

struct fixture {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    uint16_t port;
    char log[512]; /* what the handlers saw */
};

static struct fixture f;

/* kind and text of each argument, from a cursor */
static void note_arguments(struct sioc_event *event)
{
    struct sioc_cursor c;
    size_t len = strlen(f.log);
    struct sioc_str text;
    struct sioc_buffer *data;
    if (sioc_event_cursor(event, &c) < 0)
        return;
    while (sioc_cursor_peek(&c) != SIOC_KIND_END) {
        if (sioc_cursor_binary(&c, &data) == 0) {
            text = sioc_buffer_bytes(data);
            len +=
                (size_t)snprintf(f.log + len, sizeof f.log - len, "<%.*s>", SIOC_STR_ARG(text));
        } else if (sioc_cursor_raw(&c, &text) == 0) {
            len +=
                (size_t)snprintf(f.log + len, sizeof f.log - len, "%.*s;", SIOC_STR_ARG(text));
        }
    }
}

static void on_note(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    note_arguments(event);
    note_arguments(event); /* twice is as good */
}

static void on_answers(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    if (sioc_event_status(event) == 0)
        note_arguments(event);
}

static void on_ask(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_message *m;
    const struct sioc_target all = {0};
    const struct sioc_emit emit = {.ack = {.call = on_answers}};
    (void)user;
    (void)ref;
    (void)event;
    if (sioc_message_new(f.root, sioc_str("q"), &m) == 0)
        sioc_broadcast(f.root, &all, m, &emit);
}

static void on_echo(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_message *m;
    (void)user;
    (void)ref;
    if (sioc_message_new(f.root, sioc_str("echo"), &m) < 0)
        return;
    if (sioc_event_read(event, sioc_message_sink(m), NULL) < 0)
        sioc_message_free(m);
    else
        sioc_socket_emit(sioc_event_socket(event), m, NULL);
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

static int try_setup(void)
{
    static const struct {
        const char *name;
        void (*call)(void *, intptr_t, struct sioc_event *);
    } events[] = {{"note", on_note}, {"ask", on_ask}, {"echo", on_echo}};
    char error[160];
    memset(&f, 0, sizeof f);
    if (sioc_loop_new(&f.loop) < 0)
        return SIOC_ENOMEM;
    struct sioc_options *options = sioc_options_new();
    if (!options)
        return SIOC_ENOMEM;
    if (sioc_options_set_text(options, "parser", "msgpack", error, sizeof error) < 0) {
        sioc_options_free(options);
        return SIOC_ENOMEM;
    }
    int result = sioc_server_new(f.loop, options, &f.server);
    if (result == 0)
        result = sioc_server_of(f.server, sioc_str("/"), &f.root);
    for (size_t i = 0; i < 3 && result == 0; i++)
        result = sioc_namespace_event(f.root, sioc_str(events[i].name),
                                      (struct sioc_handler){.call = events[i].call}, 0);
    return result == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : result;
}

#define SEND(w, bytes) wire_binary(w, bytes, sizeof(bytes) - 1)

static void join(struct wire *w)
{
    wire_connect(w, f.loop, f.port);
    assert_true(wire_open(w));
    SEND(w, CONNECT);
    assert_non_null(wire_next(w));
}

static void gives_cursors_json(void **state)
{
    static struct wire w;
    (void)state;
    assert_int_equal(try_setup(), 0);
    join(&w);
    SEND(&w, EVENT("\x95\xa4note\x07\xa3x\ny\xc4\x02hi\x81\xa1k\x91\xc4\x02ho"));
    wire_settle(f.loop);
    assert_string_equal(f.log, "7;\"x\\ny\";<hi>{\"k\":[{\"_placeholder\":true,\"num\":1}]};"
                               "7;\"x\\ny\";<hi>{\"k\":[{\"_placeholder\":true,\"num\":1}]};");
    f.log[0] = '\0';
    SEND(&w, EVENT("\x91\xa4note"));
    wire_settle(f.loop);
    assert_string_equal(f.log, "");
    wire_close(&w);
    teardown();
}

static void gathers_answers(void **state)
{
    static struct wire a, b, c;
    (void)state;
    assert_int_equal(try_setup(), 0);
    join(&a);
    join(&b);
    join(&c);
    SEND(&a, EVENT("\x91\xa3"
                   "ask"));
    assert_non_null(wire_next(&a));
    assert_non_null(wire_next(&b));
    assert_non_null(wire_next(&c));
    SEND(&b, ANSWER("\x92\xc4\x02hi\x01"));
    wire_settle(f.loop);
    SEND(&a, ANSWER("\x91\x2a"));
    wire_settle(f.loop);
    SEND(&c, ANSWER("\x90"));
    wire_settle(f.loop);
    assert_string_equal(f.log, "<hi>42;null;");
    wire_close(&a);
    wire_close(&b);
    wire_close(&c);
    teardown();
}

/* Never a crash, and never a leak: the sanitizer sees to that. */
static void visit_everything(void)
{
    static struct wire w;
    wire_connect(&w, f.loop, f.port);
    if (wire_open(&w)) {
        SEND(&w, CONNECT);
        wire_settle(f.loop);
        SEND(&w, EVENT("\x93\xa4note\x07\xc4\x02hi"));
        SEND(&w, EVENT("\x93\xa4"
                       "echo\x81\xa1k\x91\x01\xc4\x02hi"));
        SEND(&w, EVENT("\x91\xa3"
                       "ask"));
        wire_settle(f.loop);
        SEND(&w, ANSWER("\x91\xc4\x02hi"));
        SEND(&w, "\x82\xa4type\x00\xa3nsp\xa5/nope");
        wire_settle(f.loop);
    }
    wire_close(&w);
}

static void survives_each_failing_allocation(void **state)
{
    (void)state;
    bool reached = true;
    for (size_t n = 1; reached && n < 2000; n++) {
        mem_test_fail_at(n, false);
        if (try_setup() == 0)
            visit_everything();
        reached = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        teardown();
    }
    assert_false(reached);
    assert_string_equal(f.log, "7;<hi>7;<hi><hi>"); /* the last round, where nothing failed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_cursors_json),
        cmocka_unit_test(gathers_answers),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
