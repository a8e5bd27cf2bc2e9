/* Middleware of a socket: who is asked, when, and what becomes of the event. */
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    struct wire wire;
    uint64_t socket;
    uint16_t port;
    char log[8192];
    struct sioc_passage kept[128]; /* of "later" */
    size_t kept_count;
    int drops;
} f;

static void note(const char *what, const struct sioc_event *event)
{
    char line[160];
    struct sioc_cursor c;
    int64_t n = -1;
    if (sioc_event_cursor(event, &c) == 0)
        sioc_cursor_int(&c, &n);
    snprintf(line, sizeof line, "%s %.*s %d;", what, SIOC_STR_ARG(sioc_event_name(event)),
             (int)n);
    strncat(f.log, line, sizeof f.log - strlen(f.log) - 1);
}

static void on_drop(void *user, intptr_t ref)
{
    (void)user;
    (void)ref;
    f.drops++;
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *),
                                   intptr_t ref)
{
    return (struct sioc_handler){.call = fn, .drop = on_drop, .ref = ref};
}

static bool is(const struct sioc_event *event, const char *name)
{
    struct sioc_str s = sioc_event_name(event);
    return s.len == strlen(name) && memcmp(s.ptr, name, s.len) == 0;
}

/* What the middleware with that number does is told by the event's name. */
static void middleware(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    struct sioc_passage passage = sioc_event_passage(event);
    char what[16];
    assert_int_equal(sioc_event_kind(event), SIOC_EVENT_PACKET);
    snprintf(what, sizeof what, "m%d", (int)ref);
    note(what, event);
    if (is(event, "no")) {
        assert_int_equal(sioc_pass(f.server, passage, "not this", sioc_str("{\"code\":7}")), 0);
        assert_int_equal(sioc_pass(f.server, passage, NULL, sioc_str("")), SIOC_ESTATE);
    } else if (is(event, "silent")) {
        assert_int_equal(sioc_pass(f.server, passage, "", sioc_str("")), 0);
    } else if (is(event, "later") && ref == 1) {
        f.kept[f.kept_count++] = passage;
    } else if (is(event, "kick")) {
        sioc_socket_disconnect(sioc_event_socket(event), false);
        assert_int_equal(sioc_pass(f.server, passage, NULL, sioc_str("")), SIOC_ECLOSED);
    } else if (is(event, "more")) {
        assert_int_equal(
            sioc_socket_use(sioc_event_socket(event), handler(middleware, ref + 10)), 0);
        sioc_pass(f.server, passage, NULL, sioc_str(""));
    } else {
        assert_int_equal(sioc_pass(f.server, passage, NULL, sioc_str("")), 0);
    }
}

static void on_event(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    assert_int_equal(sioc_event_kind(event), SIOC_EVENT_CLIENT);
    note("got", event);
    if (sioc_event_reply(event).wanted) {
        struct sioc_message *m;
        assert_int_equal(sioc_message_new_answer(f.root, &m), 0);
        sioc_event_read(event, sioc_message_sink(m), NULL);
        sioc_reply_send(f.server, sioc_event_reply(event), m);
    }
}

static void on_every(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    note("any", event);
}

static void on_error(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    struct sioc_cursor c, inner;
    int64_t code = 0;
    char line[160];
    assert_int_equal(sioc_event_kind(event), SIOC_EVENT_ERROR);
    assert_int_equal(sioc_event_cursor(event, &c), 0);
    if (sioc_cursor_enter(&c, &inner) == 0)
        sioc_cursor_int(&inner, &code);
    snprintf(line, sizeof line, "error%d %.*s: %.*s %d;", (int)ref,
             SIOC_STR_ARG(sioc_event_name(event)), SIOC_STR_ARG(sioc_event_reason(event)),
             (int)code);
    strncat(f.log, line, sizeof f.log - strlen(f.log) - 1);
}

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_socket *s = sioc_event_socket(event);
    f.socket = sioc_socket_handle(s);
    assert_int_equal(sioc_socket_use(s, handler(middleware, 1)), 0);
    assert_int_equal(sioc_socket_use(s, handler(middleware, 2)), 0);
}

static void setup(void)
{
    static const char *const names[] = {"yes",    "no",    "later", "kick",
                                        "silent", "after", "more",  "w\xc3\xa9"};
    memset(&f, 0, sizeof f);
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_server_new(f.loop, NULL, &f.server), 0);
    assert_int_equal(sioc_server_of(f.server, sioc_str("/"), &f.root), 0);
    sioc_namespace_on(f.root, sioc_str("connection"), handler(on_connection, 0), 0);
    sioc_namespace_on(f.root, sioc_str("error"), handler(on_error, 1), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        sioc_namespace_event(f.root, sioc_str(names[i]), handler(on_event, 0), 0);
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &f.port), 0);
    wire_connect(&f.wire, f.loop, f.port);
    assert_true(wire_open(&f.wire));
    wire_text(&f.wire, "40");
    assert_non_null(wire_next(&f.wire));
}

static void teardown(void)
{
    wire_close(&f.wire);
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

static void send_text(const char *text)
{
    wire_text(&f.wire, text);
    wire_settle(f.loop);
}

static uint64_t metric(const char *wanted)
{
    const char *name;
    uint64_t value;
    for (size_t i = 0; sioc_server_metric(f.server, i, &name, &value); i++)
        if (strcmp(name, wanted) == 0)
            return value;
    fail_msg("no metric %s", wanted);
    return 0;
}

/* ---- tests ---- */

static void asks_in_order_before_the_handlers(void **state)
{
    (void)state;
    setup();
    sioc_namespace_event(f.root, (struct sioc_str){NULL, 0}, handler(on_every, 0), 0);
    send_text("42[\"yes\",5]");
    assert_string_equal(f.log, "any yes 5;m1 yes 5;m2 yes 5;got yes 5;");
    teardown();
    assert_int_equal(f.drops, 8 + 3 + 2); /* every handler, once */
}

static void refuses_in_silence_towards_the_client(void **state)
{
    (void)state;
    setup();
    send_text("421[\"no\",5]");
    send_text("422[\"silent\",6]");
    send_text("423[\"yes\",7]");
    assert_string_equal(wire_next(&f.wire), "433[7]");
    assert_string_equal(f.log, "m1 no 5;error1 no: not this 7;m1 silent 6;"
                               "m1 yes 7;m2 yes 7;got yes 7;");
    assert_int_equal(metric("events_refused"), 2);
    teardown();
}

static void prefers_the_error_handlers_of_the_socket(void **state)
{
    (void)state;
    setup();
    sioc_socket_on(sioc_socket_find(f.server, f.socket), sioc_str("error"),
                   handler(on_error, 2), 0);
    send_text("42[\"no\",5]");
    assert_string_equal(f.log, "m1 no 5;error2 no: not this 7;");
    teardown();
}

static void keeps_an_event_that_waits(void **state)
{
    (void)state;
    setup();
    send_text("451-9[\"l\\u0061ter\",5,{\"_placeholder\":true,\"num\":0}]");
    wire_binary(&f.wire, "data", 4);
    wire_settle(f.loop);
    send_text("42[\"after\",6]"); /* comes in order: held back */
    assert_string_equal(f.log, "m1 later 5;");
    assert_int_equal(sioc_pass(f.server, f.kept[0], NULL, sioc_str("")), 0);
    assert_string_equal(f.log, "m1 later 5;m2 later 5;got later 5;"
                               "m1 after 6;m2 after 6;got after 6;");
    assert_string_equal(wire_next(&f.wire), "461-9[5,{\"_placeholder\":true,\"num\":0}]");
    assert_string_equal(wire_next(&f.wire), "data");
    assert_int_equal(sioc_pass(f.server, f.kept[0], NULL, sioc_str("")), SIOC_ECLOSED);
    teardown();
}

static void refuses_an_event_that_waited(void **state)
{
    (void)state;
    setup();
    send_text("42[\"later\",5]");
    send_text("42[\"after\",6]");
    assert_int_equal(sioc_pass(f.server, f.kept[0], "too late", sioc_str("")), 0);
    assert_string_equal(f.log, "m1 later 5;error1 later: too late 0;"
                               "m1 after 6;m2 after 6;got after 6;");
    teardown();
}

static void forgets_events_of_a_socket_that_goes(void **state)
{
    (void)state;
    setup();
    send_text("42[\"later\",5]");
    send_text("41");
    assert_int_equal(sioc_pass(f.server, f.kept[0], NULL, sioc_str("")), SIOC_ECLOSED);
    assert_string_equal(f.log, "m1 later 5;");
    send_text("40");
    assert_non_null(wire_next(&f.wire));
    send_text("42[\"kick\",1]");
    assert_string_equal(wire_next(&f.wire), "41");
    assert_string_equal(f.log, "m1 later 5;m1 kick 1;");
    teardown();
}

static void asks_those_that_were_there_when_the_event_came(void **state)
{
    (void)state;
    setup();
    send_text("42[\"more\",1]");
    assert_string_equal(f.log, "m1 more 1;m2 more 1;got more 1;");
    f.log[0] = '\0';
    send_text("42[\"yes\",2]");
    assert_string_equal(f.log, "m1 yes 2;m2 yes 2;m11 yes 2;m12 yes 2;got yes 2;");
    teardown();
}

static void closes_for_malformed_text(void **state)
{
    (void)state;
    setup();
    wire_text(&f.wire, "42[\"later\",01]");
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    assert_int_equal(sioc_pass(f.server, f.kept[0], NULL, sioc_str("")), SIOC_ECLOSED);
    teardown();
}

/* 64 may wait: those that are held back by the first come when the hold is lifted. */
static void bounds_what_waits(void **state)
{
    (void)state;
    setup();
    for (int i = 0; i < 66; i++) /* the 66th lifts the hold: one waits, 65 are delivered */
        send_text("42[\"later\",1]");
    assert_int_equal(f.kept_count, 66);
    assert_int_equal(metric("reject_waiting_events"), 2);
    assert_int_equal(sioc_pass(f.server, f.kept[63], NULL, sioc_str("")), 0);
    assert_int_equal(sioc_pass(f.server, f.kept[64], NULL, sioc_str("")), SIOC_ECLOSED);
    assert_non_null(strstr(f.log, "error1 later: too many events wait for middleware 0;"));
    teardown();
}

static struct sioc_reply asked[80];
static size_t asked_count;

static void on_asked(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    asked[asked_count++] = sioc_event_reply(event);
}

static int answer(size_t i, int value)
{
    struct sioc_message *m;
    assert_int_equal(sioc_message_new_answer(f.root, &m), 0);
    sioc_put_int(sioc_message_sink(m), value);
    return sioc_reply_send(f.server, asked[i], m);
}

/* Two handlers of one event, and a memory of 64 events. */
static void sends_the_first_answer_only(void **state)
{
    (void)state;
    char text[64];
    setup();
    asked_count = 0;
    sioc_namespace_event(f.root, sioc_str("asked"), handler(on_asked, 1), 0);
    sioc_namespace_event(f.root, sioc_str("asked"), handler(on_asked, 2), 0);
    send_text("427[\"asked\"]");
    assert_int_equal(asked_count, 2);
    assert_int_equal(answer(1, 5), 0);
    assert_int_equal(answer(0, 6), SIOC_ESTATE);
    assert_string_equal(wire_next(&f.wire), "437[5]");
    for (int i = 0; i < 32; i++) {
        snprintf(text, sizeof text, "42%d[\"asked\"]", 10 + i);
        send_text(text);
        assert_int_equal(answer(asked_count - 1, i), 0);
        snprintf(text, sizeof text, "43%d[%d]", 10 + i, i);
        assert_string_equal(wire_next(&f.wire), text);
    }
    for (size_t i = 0; i < asked_count; i++)
        assert_int_equal(answer(i, 0), SIOC_ESTATE);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_in_order_before_the_handlers),
        cmocka_unit_test(refuses_in_silence_towards_the_client),
        cmocka_unit_test(prefers_the_error_handlers_of_the_socket),
        cmocka_unit_test(keeps_an_event_that_waits),
        cmocka_unit_test(refuses_an_event_that_waited),
        cmocka_unit_test(forgets_events_of_a_socket_that_goes),
        cmocka_unit_test(asks_those_that_were_there_when_the_event_came),
        cmocka_unit_test(closes_for_malformed_text),
        cmocka_unit_test(bounds_what_waits),
        cmocka_unit_test(sends_the_first_answer_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
