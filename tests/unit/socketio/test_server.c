/* The public API from a C application's side: a server, real sockets, exact bytes. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    uint16_t port;
    char log[4096]; /* what the handlers saw */
    uint64_t last_socket;
};

static struct fixture f;

static void note(const char *text)
{
    strncat(f.log, text, sizeof f.log - strlen(f.log) - 1);
}

static bool saw(const char *text)
{
    return strstr(f.log, text) != NULL;
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *))
{
    return (struct sioc_handler){.call = fn};
}

/* ---- an application ---- */

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    f.last_socket = sioc_socket_handle(sioc_event_socket(event));
    note("connection;");
}

static void on_disconnect(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    char text[64];
    snprintf(text, sizeof text, "%s:%.*s;",
             sioc_event_kind(event) == SIOC_EVENT_DISCONNECT ? "disconnect" : "disconnecting",
             SIOC_STR_ARG(sioc_event_reason(event)));
    note(text);
}

static void on_echo(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_message *m;
    if (sioc_message_new(f.root, sioc_str("echo"), &m) < 0)
        return;
    if (sioc_event_read(event, sioc_message_sink(m), NULL) < 0) {
        sioc_message_free(m);
        return;
    }
    sioc_socket_emit(sioc_event_socket(event), m, NULL);
}

static void on_ask(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_message *m;
    if (sioc_message_new_answer(f.root, &m) < 0)
        return;
    sioc_put_text(sioc_message_sink(m), "fine");
    sioc_reply_send(f.server, sioc_event_reply(event), m);
}

static void on_join(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_cursor c;
    struct sioc_str room;
    if (sioc_event_cursor(event, &c) == 0 && sioc_cursor_str(&c, &room) == 0)
        sioc_socket_join(sioc_event_socket(event), room);
}

static void on_kick(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    sioc_socket_disconnect(sioc_event_socket(event), true);
}

static int try_setup(struct sioc_options *options)
{
    memset(&f, 0, sizeof f);
    int error = sioc_loop_new(&f.loop);
    if (error < 0) {
        sioc_options_free(options);
        return error;
    }
    if ((error = sioc_server_new(f.loop, options, &f.server)) < 0)
        return error;
    if ((error = sioc_server_of(f.server, sioc_str("/"), &f.root)) < 0)
        return error;
    static const struct {
        const char *name;
        void (*fn)(void *, intptr_t, struct sioc_event *);
    } events[] = {{"echo", on_echo}, {"ask", on_ask}, {"join", on_join}, {"kick", on_kick}};
    for (size_t i = 0; i < 4 && error == 0; i++)
        error =
            sioc_namespace_event(f.root, sioc_str(events[i].name), handler(events[i].fn), 0);
    if (error == 0)
        error = sioc_namespace_on(f.root, sioc_str("connection"), handler(on_connection), 0);
    if (error == 0)
        error = sioc_namespace_on(f.root, sioc_str("disconnecting"), handler(on_disconnect), 0);
    if (error == 0)
        error = sioc_namespace_on(f.root, sioc_str("disconnect"), handler(on_disconnect), 0);
    return error == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : error;
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

static void setup(void)
{
    assert_int_equal(try_setup(NULL), 0);
}

static void join_root(struct wire *w)
{
    wire_connect(w, f.loop, f.port);
    assert_true(wire_open(w));
    wire_text(w, "40");
    const char *answer = wire_next(w);
    assert_non_null(answer);
    assert_int_equal(strncmp(answer, "40{\"sid\":\"", 10), 0);
    assert_int_equal(strlen(answer), 10 + 20 + 2);
}

/* ---- tests ---- */

static void echoes_values_through_sinks(void **state)
{
    (void)state;
    struct wire w;
    setup();
    join_root(&w);
    wire_text(&w, "42[\"echo\",1,-2.5,true,null,\"x\\u00e9\\n\",[[],{}],{\"k\":[1]}]");
    assert_string_equal(wire_next(&w),
                        "42[\"echo\",1,-2.5,true,null,\"xé\\n\",[[],{}],{\"k\":[1]}]");
    wire_text(&w, "421[\"ask\"]");
    assert_string_equal(wire_next(&w), "431[\"fine\"]");
    wire_text(&w, "42[\"nobody listens\"]");
    wire_close(&w);
    assert_true(saw("connection;disconnecting:transport close;disconnect:transport close;"));
    teardown();
}

static void echoes_attachments(void **state)
{
    (void)state;
    struct wire w;
    setup();
    join_root(&w);
    wire_text(&w, "452-[\"echo\",{\"a\":{\"_placeholder\":true,\"num\":1},"
                  "\"b\":[{\"num\":0,\"_placeholder\":true}]}]");
    wire_binary(&w, "one", 3);
    wire_binary(&w, "two", 3);
    assert_string_equal(wire_next(&w), "452-[\"echo\",{\"a\":{\"_placeholder\":true,\"num\":0},"
                                       "\"b\":[{\"_placeholder\":true,\"num\":1}]}]");
    assert_string_equal(wire_next(&w), "two");
    assert_string_equal(wire_next(&w), "one");
    wire_close(&w);
    teardown();
}

static void closes_for_malformed_arguments(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "42[\"echo\",1", "42[\"echo\",01]", "42[\"echo\"]x",     "42[\"nobody\",}]",
        "42[]",          "42[null]",        "42[\"disconnect\"]"};
    setup();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire w;
        f.log[0] = '\0';
        join_root(&w);
        wire_text(&w, bad[i]);
        assert_string_equal(wire_next(&w), "CLOSE");
        assert_true(saw("disconnect:forced close;"));
        wire_close(&w);
    }
    teardown();
}

static struct sioc_message *message(const char *event, int64_t value)
{
    struct sioc_message *m;
    assert_int_equal(sioc_message_new(f.root, sioc_str(event), &m), 0);
    assert_int_equal(sioc_put_int(sioc_message_sink(m), value), 0);
    return m;
}

static void broadcasts_to_unions_of_rooms(void **state)
{
    (void)state;
    struct wire a, b, c;
    struct sioc_str rooms[] = {sioc_str("red"), sioc_str("blue")};
    struct sioc_str blue = sioc_str("blue");
    setup();
    join_root(&a);
    join_root(&b);
    join_root(&c);
    wire_text(&a, "42[\"join\",\"red\"]");
    wire_text(&b, "42[\"join\",\"red\"]");
    wire_text(&b, "42[\"join\",\"blue\"]");
    wire_settle(f.loop);

    struct sioc_target both = {.rooms = rooms, .room_count = 2};
    assert_int_equal(sioc_broadcast(f.root, &both, message("m", 1), NULL), 2);
    struct sioc_target red_not_blue = {
        .rooms = rooms, .room_count = 1, .except = &blue, .except_count = 1};
    assert_int_equal(sioc_broadcast(f.root, &red_not_blue, message("m", 2), NULL), 1);
    struct sioc_target everybody = {0};
    assert_int_equal(sioc_broadcast(f.root, &everybody, message("m", 3), NULL), 3);
    struct sioc_target not_c = {.except_socket = f.last_socket};
    assert_int_equal(sioc_broadcast(f.root, &not_c, message("m", 4), NULL), 2);

    assert_string_equal(wire_next(&a), "42[\"m\",1]");
    assert_string_equal(wire_next(&a), "42[\"m\",2]");
    assert_string_equal(wire_next(&a), "42[\"m\",3]");
    assert_string_equal(wire_next(&a), "42[\"m\",4]");
    assert_string_equal(wire_next(&b), "42[\"m\",1]");
    assert_string_equal(wire_next(&b), "42[\"m\",3]");
    assert_string_equal(wire_next(&c), "42[\"m\",3]");

    assert_int_equal(sioc_namespace_room_size(f.root, sioc_str("red")), 2);
    wire_close(&a);
    assert_int_equal(sioc_namespace_room_size(f.root, sioc_str("red")), 1);
    wire_close(&b);
    assert_int_equal(sioc_namespace_room_size(f.root, sioc_str("red")), 0);
    wire_close(&c);
    assert_int_equal(sioc_namespace_socket_count(f.root), 0);
    teardown();
}

static int ack_status;
static int ack_calls;

static void on_ack(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    ack_calls++;
    ack_status = sioc_event_status(event);
    struct sioc_cursor c;
    struct sioc_str text;
    if (ack_status == 0 && sioc_event_cursor(event, &c) == 0 && sioc_cursor_str(&c, &text) == 0)
        note("answered;");
}

static void ask_client(uint64_t timeout_ms)
{
    struct sioc_emit emit = {.ack = {.call = on_ack}, .timeout_ms = timeout_ms};
    ack_calls = 0;
    ack_status = 1;
    assert_int_equal(
        sioc_socket_emit(sioc_socket_find(f.server, f.last_socket), message("q", 0), &emit), 0);
}

static void ends_every_wait_for_an_answer(void **state)
{
    (void)state;
    struct wire w;
    setup();
    join_root(&w);
    ask_client(0);
    assert_string_equal(wire_next(&w), "420[\"q\",0]");
    wire_text(&w, "430[\"yes\"]");
    wire_text(&w, "430[\"again\"]");
    wire_settle(f.loop);
    assert_int_equal(ack_calls, 1);
    assert_int_equal(ack_status, 0);
    assert_true(saw("answered;"));

    ask_client(20);
    assert_string_equal(wire_next(&w), "421[\"q\",0]");
    for (int i = 0; i < 1000 && ack_calls == 0; i++)
        wire_settle(f.loop);
    assert_int_equal(ack_status, SIOC_ETIMEDOUT);

    ask_client(0);
    wire_close(&w);
    assert_int_equal(ack_calls, 1);
    assert_int_equal(ack_status, SIOC_ECLOSED);
    assert_null(sioc_socket_find(f.server, f.last_socket));
    teardown();
}

static void kicks_with_a_packet_and_a_close_frame(void **state)
{
    (void)state;
    struct wire w;
    setup();
    join_root(&w);
    wire_text(&w, "42[\"kick\"]");
    assert_string_equal(wire_next(&w), "41");
    assert_string_equal(wire_next(&w), "CLOSE");
    assert_true(saw(
        "disconnecting:server namespace disconnect;disconnect:server namespace disconnect;"));
    wire_close(&w);
    teardown();
}

static void holds_events_and_delivers_them_in_order(void **state)
{
    (void)state;
    struct wire w;
    setup();
    join_root(&w);
    sioc_socket_hold(sioc_socket_find(f.server, f.last_socket));
    wire_text(&w, "42[\"echo\",1]");
    wire_text(&w, "42[\"echo\",2]");
    wire_settle(f.loop);
    struct sioc_target everybody = {0};
    sioc_broadcast(f.root, &everybody, message("first", 0), NULL);
    sioc_socket_release(sioc_socket_find(f.server, f.last_socket));
    wire_text(&w, "42[\"echo\",3]");
    assert_string_equal(wire_next(&w), "42[\"first\",0]");
    assert_string_equal(wire_next(&w), "42[\"echo\",1]");
    assert_string_equal(wire_next(&w), "42[\"echo\",2]");
    assert_string_equal(wire_next(&w), "42[\"echo\",3]");

    /* More than may be held: the hold is lifted, nothing is lost, order is kept. */
    sioc_socket_hold(sioc_socket_find(f.server, f.last_socket));
    for (int i = 0; i < 80; i++) {
        char text[32];
        snprintf(text, sizeof text, "42[\"echo\",%d]", i);
        wire_text(&w, text);
    }
    for (int i = 0; i < 80; i++) {
        char text[32];
        snprintf(text, sizeof text, "42[\"echo\",%d]", i);
        assert_string_equal(wire_next(&w), text);
    }
    wire_close(&w);
    teardown();
}

static uint64_t waiting_socket;

static void decide_later(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    waiting_socket = sioc_socket_handle(sioc_event_socket(event));
}

static void admits_later_or_never(void **state)
{
    (void)state;
    struct wire w;
    setup();
    assert_int_equal(sioc_namespace_use(f.root, handler(decide_later)), 0);
    wire_connect(&w, f.loop, f.port);
    assert_true(wire_open(&w));
    wire_text(&w, "40");
    wire_settle(f.loop);
    assert_int_equal(sioc_admit(f.server, waiting_socket, "not now", sioc_str("{\"code\":1}")),
                     0);
    assert_string_equal(wire_next(&w), "44{\"message\":\"not now\",\"data\":{\"code\":1}}");
    assert_int_equal(sioc_admit(f.server, waiting_socket, NULL, sioc_str(NULL)), SIOC_ECLOSED);
    wire_text(&w, "40");
    wire_settle(f.loop);
    assert_int_equal(sioc_admit(f.server, waiting_socket, NULL, sioc_str(NULL)), 0);
    assert_int_equal(strncmp(wire_next(&w), "40{", 3), 0);
    wire_close(&w);

    wire_connect(&w, f.loop, f.port);
    assert_true(wire_open(&w));
    wire_text(&w, "40");
    wire_settle(f.loop);
    f.log[0] = '\0';
    wire_close(&w); /* gone while the decision is pending: nobody hears of it */
    assert_int_equal(sioc_admit(f.server, waiting_socket, NULL, sioc_str(NULL)), SIOC_ECLOSED);
    assert_string_equal(f.log, "");
    teardown();
}

/* One of everything, without asserting: allocations fail on the way. */
static void visit_everything(void)
{
    static struct wire w;
    struct sioc_message *m;
    wire_connect(&w, f.loop, f.port);
    if (wire_open(&w)) {
        wire_text(&w, "40{\"token\":\"x\"}");
        wire_text(&w, "42[\"join\",\"red\"]");
        wire_text(&w, "42[\"echo\",\"a\\u00e9\",1.5]");
        wire_text(&w, "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
        wire_binary(&w, "one", 3);
        wire_text(&w, "421[\"ask\"]");
        wire_settle(f.loop);
        struct sioc_socket *s = sioc_socket_find(f.server, f.last_socket);
        struct sioc_emit emit = {.ack = {.call = on_ack}, .timeout_ms = 1000};
        if (s && sioc_message_new(f.root, sioc_str("q"), &m) == 0)
            sioc_socket_emit(s, m, &emit);
        if (s)
            sioc_socket_hold(s);
        wire_text(&w, "42[\"echo\",2]");
        wire_settle(f.loop);
        if (sioc_socket_find(f.server, f.last_socket))
            sioc_socket_release(s);
        struct sioc_target red = {.rooms = (struct sioc_str[]){sioc_str("red")},
                                  .room_count = 1};
        if (sioc_message_new(f.root, sioc_str("m"), &m) == 0)
            sioc_broadcast(f.root, &red, m, NULL);
        wire_settle(f.loop);
    }
    wire_close(&w);
}

/* Law: an allocation that fails costs at most its own connection. */
static void survives_each_failing_allocation(void **state)
{
    (void)state;
    size_t n = 0, count;
    do {
        mem_test_fail_at(++n, false);
        int error = try_setup(NULL);
        if (error == 0)
            visit_everything();
        count = mem_test_count();
        mem_test_fail_at(0, false);
        if (error == 0) {
            struct wire other;
            join_root(&other);
            wire_text(&other, "42[\"echo\",\"still here\"]");
            assert_string_equal(wire_next(&other), "42[\"echo\",\"still here\"]");
            wire_close(&other);
        }
        teardown();
    } while (count >= n); /* until one came too late to strike */
    assert_true(n > 60);  /* or the scenario has lost its teeth */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_values_through_sinks),
        cmocka_unit_test(echoes_attachments),
        cmocka_unit_test(closes_for_malformed_arguments),
        cmocka_unit_test(broadcasts_to_unions_of_rooms),
        cmocka_unit_test(ends_every_wait_for_an_answer),
        cmocka_unit_test(kicks_with_a_packet_and_a_close_frame),
        cmocka_unit_test(holds_events_and_delivers_them_in_order),
        cmocka_unit_test(admits_later_or_never),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
