/* Dynamic namespaces, events of rooms, and handlers of what is sent. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root, *first, *second;
    struct sioc_namespace *last; /* that "new_namespace" told of */
    struct wire wire;
    uint16_t port;
    uint64_t waiting; /* a match that nobody has answered */
    uint64_t socket;  /* the last that connected */
    char log[8192];
} f;

static void note(const char *format, ...) SIOC_PRINTF(1, 2);
static void note(const char *format, ...)
{
    size_t len = strlen(f.log);
    va_list args;
    va_start(args, format);
    vsnprintf(f.log + len, sizeof f.log - len, format, args);
    va_end(args);
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *),
                                   intptr_t ref)
{
    return (struct sioc_handler){.call = fn, .ref = ref};
}

static bool starts(struct sioc_str s, const char *with)
{
    return s.len >= strlen(with) && memcmp(s.ptr, with, strlen(with)) == 0;
}

/* 1 takes /a..., 2 takes /b... and later /l...; /x is closed meanwhile. */
static void matcher(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    struct sioc_str name = sioc_event_name(event);
    struct sioc_json_encoder *auth = sioc_json_encoder_new();
    assert_int_equal(sioc_event_kind(event), SIOC_EVENT_MATCH);
    assert_null(sioc_event_socket(event));
    if (auth && sioc_event_read(event, sioc_json_encoder_sink(auth), NULL) == 0)
        note("?%d%.*s%.*s;", (int)ref, SIOC_STR_ARG(name),
             SIOC_STR_ARG(sioc_json_encoder_text(auth)));
    sioc_json_encoder_free(auth);
    if (ref == 2 && starts(name, "/l"))
        f.waiting = sioc_event_match(event);
    else
        assert_int_equal(
            sioc_match(f.server, sioc_event_match(event), starts(name, ref == 1 ? "/a" : "/b")),
            0);
}

static void on_life(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    f.socket = sioc_socket_handle(sioc_event_socket(event));
    note("%s%d%.*s;", sioc_event_kind(event) == SIOC_EVENT_CONNECTION ? "+" : "-", (int)ref,
         SIOC_STR_ARG(sioc_namespace_name(sioc_event_namespace(event))));
}

static void on_new(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    f.last = sioc_event_namespace(event);
    note("new%.*s;", SIOC_STR_ARG(sioc_namespace_name(f.last)));
}

static void middleware(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    struct sioc_handshake h;
    sioc_socket_handshake(sioc_event_socket(event), &h);
    note("m%d;", (int)ref);
    sioc_admit(f.server, sioc_socket_handle(sioc_event_socket(event)),
               starts(h.auth, "{\"no\"") ? "no" : NULL, sioc_str(""));
}

static void on_event(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    note("e%d%.*s;", (int)ref, SIOC_STR_ARG(sioc_event_name(event)));
}

static int try_setup(struct sioc_options *options)
{
    memset(&f, 0, sizeof f);
    int error = sioc_loop_new(&f.loop);
    if (error < 0) {
        sioc_options_free(options);
        return error;
    }
    if ((error = sioc_server_new(f.loop, options, &f.server)) < 0 ||
        (error = sioc_server_of(f.server, sioc_str("/"), &f.root)) < 0 ||
        (error = sioc_namespace_on(f.root, sioc_str("new_namespace"), handler(on_new, 0), 0)) <
            0 ||
        (error = sioc_server_match(f.server, handler(matcher, 1), &f.first)) < 0 ||
        (error = sioc_server_match(f.server, handler(matcher, 2), &f.second)) < 0 ||
        (error = sioc_namespace_use(f.first, handler(middleware, 1))) < 0 ||
        (error = sioc_namespace_event(f.first, sioc_str("ev"), handler(on_event, 1), 0)) < 0)
        return error;
    struct sioc_namespace *const parents[] = {f.first, f.second};
    for (int i = 0; i < 2 && error == 0; i++) {
        error =
            sioc_namespace_on(parents[i], sioc_str("connection"), handler(on_life, i + 1), 0);
        if (error == 0)
            error = sioc_namespace_on(parents[i], sioc_str("disconnect"),
                                      handler(on_life, i + 1), 0);
    }
    return error == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : error;
}

static void setup_with(const char *option, const char *value)
{
    struct sioc_options *options = sioc_options_new();
    char error[160];
    if (option)
        assert_int_equal(sioc_options_parse(options, option, value, error, sizeof error), 0);
    assert_int_equal(try_setup(options), 0);
    wire_connect(&f.wire, f.loop, f.port);
    assert_true(wire_open(&f.wire));
}

static void setup(void)
{
    setup_with(NULL, NULL);
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

/* Joins, and says what the server answered up to the socket's id. */
static void join(struct wire *w, const char *nsp)
{
    char packet[160], expected[160];
    snprintf(packet, sizeof packet, "40%s,", nsp);
    snprintf(expected, sizeof expected, "40%s,{\"sid\":\"", nsp);
    wire_text(w, packet);
    const char *answer = wire_next(w);
    assert_non_null(answer);
    assert_int_equal(strncmp(answer, expected, strlen(expected)), 0);
}

static void refused(struct wire *w, const char *packet, const char *answer)
{
    wire_text(w, packet);
    assert_string_equal(wire_next(w), answer);
}

/* ---- dynamic namespaces ---- */

static void asks_in_the_order_of_registration(void **state)
{
    (void)state;
    setup();
    wire_text(&f.wire, "40/b1,{\"k\":1}");
    assert_non_null(wire_next(&f.wire));
    assert_string_equal(f.log, "?1/b1{\"k\":1};?2/b1{\"k\":1};new/b1;+2/b1;");
    f.log[0] = '\0';
    refused(&f.wire, "40/c,", "44/c,{\"message\":\"Invalid namespace\"}");
    assert_string_equal(f.log, "?1/c{};?2/c{};");
    f.log[0] = '\0';
    join(&f.wire, "/a1");
    wire_text(&f.wire, "42/a1,[\"ev\"]");
    wire_text(&f.wire, "42/b1,[\"ev\"]");
    wire_settle(f.loop);
    assert_string_equal(f.log, "?1/a1{};new/a1;m1;+1/a1;e1ev;");
    assert_int_equal(sioc_namespace_socket_count(f.first), 1);
    teardown();
}

static void existing_ones_are_not_asked_for(void **state)
{
    (void)state;
    struct wire other;
    setup();
    join(&f.wire, "/b1");
    wire_connect(&other, f.loop, f.port);
    assert_true(wire_open(&other));
    join(&other, "/b1");
    assert_string_equal(f.log, "?1/b1{};?2/b1{};new/b1;+2/b1;+2/b1;");
    wire_close(&other);
    wire_settle(f.loop);
    assert_int_equal(sioc_namespace_socket_count(f.last), 1);
    teardown();
}

static void closes_with_the_last_socket(void **state)
{
    (void)state;
    setup();
    join(&f.wire, "/a1");
    sioc_namespace_ref(f.last);
    wire_text(&f.wire, "41/a1,");
    wire_settle(f.loop);
    struct sioc_message *m;
    struct sioc_target all = {0};
    assert_int_equal(sioc_message_new(f.last, sioc_str("x"), &m), 0); /* usable, but empty */
    assert_int_equal(sioc_broadcast(f.last, &all, m, NULL), 0);
    sioc_namespace_unref(f.last);
    f.log[0] = '\0';
    refused(&f.wire, "40/a1,{\"no\":1}", "44/a1,{\"message\":\"no\"}");
    join(&f.wire, "/a1"); /* the refused one has closed it, too */
    assert_string_equal(f.log, "?1/a1{\"no\":1};new/a1;m1;?1/a1{};new/a1;m1;+1/a1;");
    teardown();
}

static void may_stay_when_empty(void **state)
{
    (void)state;
    setup_with("cleanup_empty_child_namespaces", "false");
    join(&f.wire, "/a1");
    wire_text(&f.wire, "41/a1,");
    f.log[0] = '\0';
    join(&f.wire, "/a1");
    assert_string_equal(f.log, "-1/a1;m1;+1/a1;");
    teardown();
}

static void bounds_their_number(void **state)
{
    (void)state;
    setup_with("max_dynamic_namespaces", "2");
    join(&f.wire, "/a1");
    join(&f.wire, "/a2");
    refused(&f.wire, "40/a3,", "44/a3,{\"message\":\"Too many namespaces\"}");
    wire_text(&f.wire, "41/a2,");
    join(&f.wire, "/a3");
    teardown();
}

static void answers_later(void **state)
{
    (void)state;
    setup();
    wire_text(&f.wire, "40/l1,");
    wire_settle(f.loop);
    join(&f.wire, "/a1"); /* others do not wait */
    uint64_t match = f.waiting;
    assert_int_equal(sioc_match(f.server, match, true), 0);
    assert_int_equal(strncmp(wire_next(&f.wire), "40/l1,{", 7), 0);
    assert_int_equal(sioc_match(f.server, match, true), SIOC_ECLOSED);
    wire_text(&f.wire, "40/l2,");
    wire_settle(f.loop);
    assert_int_equal(sioc_match(f.server, f.waiting, false), 0);
    assert_string_equal(wire_next(&f.wire), "44/l2,{\"message\":\"Invalid namespace\"}");
    teardown();
}

static void two_clients_wait_for_one(void **state)
{
    (void)state;
    struct wire other;
    setup();
    wire_text(&f.wire, "40/l1,");
    wire_settle(f.loop);
    uint64_t first = f.waiting;
    wire_connect(&other, f.loop, f.port);
    assert_true(wire_open(&other));
    wire_text(&other, "40/l1,");
    wire_settle(f.loop);
    assert_int_equal(sioc_match(f.server, f.waiting, true), 0);
    assert_int_equal(sioc_match(f.server, first, true), 0);
    assert_int_equal(strncmp(wire_next(&f.wire), "40/l1,{", 7), 0);
    assert_int_equal(strncmp(wire_next(&other), "40/l1,{", 7), 0);
    assert_int_equal(sioc_namespace_socket_count(f.last), 2);
    wire_close(&other);
    teardown();
}

static void a_client_that_goes_is_forgotten(void **state)
{
    (void)state;
    setup();
    wire_text(&f.wire, "40/l1,");
    wire_settle(f.loop);
    wire_close(&f.wire);
    wire_settle(f.loop);
    assert_int_equal(sioc_match(f.server, f.waiting, true), SIOC_ECLOSED);
    assert_string_equal(f.log, "?1/l1{};?2/l1{};");
    teardown();
}

static void waiting_is_no_state_for_packets(void **state)
{
    (void)state;
    static const char *const packets[] = {"40/l1,", "42/l1,[\"x\"]", "41/l1,"};
    setup();
    for (size_t i = 0; i < 3; i++) {
        struct wire w;
        wire_connect(&w, f.loop, f.port);
        assert_true(wire_open(&w));
        wire_text(&w, "40/l1,");
        wire_text(&w, packets[i]);
        assert_string_equal(wire_next(&w), "CLOSE");
        wire_close(&w);
        assert_int_equal(sioc_match(f.server, f.waiting, true), SIOC_ECLOSED);
    }
    teardown();
}

/* limit - 1, limit and limit + 1: those that wait count, too. */
static void bounds_the_namespaces_of_a_client(void **state)
{
    (void)state;
    setup_with("max_namespaces", "2");
    wire_text(&f.wire, "40/l1,");
    join(&f.wire, "/a1");
    refused(&f.wire, "40/a2,", "44/a2,{\"message\":\"Too many namespaces\"}");
    assert_int_equal(sioc_match(f.server, f.waiting, false), 0);
    assert_non_null(wire_next(&f.wire));
    join(&f.wire, "/a2");
    teardown();
}

static void speaks_to_all_children(void **state)
{
    (void)state;
    struct sioc_message *m;
    struct sioc_target all = {0};
    setup();
    join(&f.wire, "/a1");
    join(&f.wire, "/a2");
    join(&f.wire, "/b1");
    assert_int_equal(sioc_message_new(f.first, sioc_str("all"), &m), 0);
    sioc_put_int(sioc_message_sink(m), 7);
    assert_int_equal(sioc_broadcast(f.first, &all, m, NULL), 2);
    assert_string_equal(wire_next(&f.wire), "42/a1,[\"all\",7]");
    assert_string_equal(wire_next(&f.wire), "42/a2,[\"all\",7]");
    teardown();
}

static void on_answers(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_json_encoder *all = sioc_json_encoder_new();
    struct sioc_sink *sink = sioc_json_encoder_sink(all);
    sink->ops->array_begin(sink, SIOC_COUNT_UNKNOWN);
    sioc_event_read(event, sink, NULL);
    sink->ops->array_end(sink);
    note("answers %d %.*s;", sioc_event_status(event),
         SIOC_STR_ARG(sioc_json_encoder_text(all)));
    sioc_json_encoder_free(all);
}

static void asks_all_children(void **state)
{
    (void)state;
    struct sioc_message *m;
    struct sioc_target all = {0};
    struct sioc_emit emit = {.ack = {.call = on_answers}};
    setup();
    join(&f.wire, "/a1");
    join(&f.wire, "/a2");
    f.log[0] = '\0';
    assert_int_equal(sioc_message_new(f.first, sioc_str("q"), &m), 0);
    assert_int_equal(sioc_broadcast(f.first, &all, m, &emit), 2);
    assert_string_equal(wire_next(&f.wire), "42/a1,0[\"q\"]");
    assert_string_equal(wire_next(&f.wire), "42/a2,0[\"q\"]");
    wire_text(&f.wire, "43/a2,0[2]");
    wire_text(&f.wire, "43/a1,0[1]");
    wire_settle(f.loop);
    assert_string_equal(f.log, "answers 0 [2,1];");
    f.log[0] = '\0';
    assert_int_equal(sioc_message_new(f.second, sioc_str("q"), &m), 0);
    assert_int_equal(sioc_broadcast(f.second, &all, m, &emit), 0);
    wire_settle(f.loop);
    assert_string_equal(f.log, "answers 0 [];");
    teardown();
}

static void children_by_hand(void **state)
{
    (void)state;
    struct sioc_namespace *child, *again;
    setup();
    assert_int_equal(sioc_namespace_child(f.first, sioc_str("/z"), &child), 0);
    assert_int_equal(sioc_namespace_child(f.first, sioc_str("/z"), &again), 0);
    assert_ptr_equal(child, again);
    assert_ptr_equal(sioc_namespace_parent(child), f.first);
    assert_int_equal(sioc_namespace_child(f.second, sioc_str("/z"), &again), SIOC_EEXIST);
    assert_int_equal(sioc_namespace_child(f.root, sioc_str("/y"), &again), SIOC_EINVAL);
    assert_int_equal(sioc_namespace_child(f.first, sioc_str("no slash"), &again), SIOC_EINVAL);
    join(&f.wire, "/z");
    assert_string_equal(f.log, "new/z;m1;+1/z;");
    teardown();
}

/* ---- rooms ---- */

static void on_room(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_socket *s = sioc_event_socket(event);
    struct sioc_str room = sioc_event_room(event);
    note("%.*s %.*s%s;", SIOC_STR_ARG(sioc_event_name(event)),
         room.len == 20 ? 3 : (int)room.len, room.len == 20 ? "own" : room.ptr, s ? " id" : "");
    if (s && starts(room, "again")) /* has no effect on a socket that goes */
        sioc_socket_join(s, room);
}

static void tells_of_rooms(void **state)
{
    (void)state;
    static const char *const names[] = {"create-room", "join-room", "leave-room",
                                        "delete-room"};
    struct wire other;
    setup();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            sioc_namespace_on(f.second, sioc_str(names[i]), handler(on_room, 0), 0), 0);
    join(&f.wire, "/b");
    assert_string_equal(strstr(f.log, "create"), "create-room own;join-room own id;+2/b;");
    struct sioc_socket *s = sioc_socket_find(f.server, f.socket);
    f.log[0] = '\0';
    sioc_socket_join(s, sioc_str("red"));
    sioc_socket_join(s, sioc_str("red"));
    wire_connect(&other, f.loop, f.port);
    assert_true(wire_open(&other));
    join(&other, "/b");
    f.log[0] = '\0';
    struct sioc_socket *t = sioc_socket_find(f.server, f.socket);
    sioc_socket_join(t, sioc_str("red"));
    sioc_socket_leave(t, sioc_str("red"));
    sioc_socket_leave(t, sioc_str("red"));
    assert_string_equal(f.log, "join-room red id;leave-room red id;");
    f.log[0] = '\0';
    sioc_socket_leave(t, sioc_socket_id(t));
    sioc_socket_leave(t, sioc_socket_id(t));
    sioc_socket_join(t, sioc_socket_id(t));
    assert_string_equal(f.log, "leave-room own id;delete-room own;create-room own;"
                               "join-room own id;");
    f.log[0] = '\0';
    sioc_socket_join(s, sioc_socket_id(t)); /* a room that is there already */
    assert_int_equal(sioc_namespace_room_size(f.last, sioc_socket_id(t)), 2);
    struct sioc_str room;
    size_t pos = 0, count = 0;
    while (sioc_namespace_room_next(f.last, &pos, &room))
        count += sioc_namespace_room_size(f.last, room);
    assert_int_equal(count, 1 + 2 + 1); /* s, t with s in it, red */
    sioc_socket_leave(t, sioc_socket_id(t));
    sioc_socket_leave(s, sioc_socket_id(t));
    assert_string_equal(f.log, "join-room own id;leave-room own id;leave-room own id;"
                               "delete-room own;");
    wire_close(&other);
    wire_settle(f.loop);
    sioc_socket_join(s, sioc_str("again"));
    f.log[0] = '\0';
    wire_text(&f.wire, "41/b,");
    wire_settle(f.loop);
    assert_string_equal(f.log, "leave-room own id;delete-room own;leave-room again id;"
                               "delete-room again;leave-room red id;delete-room red;-2/b;");
    teardown();
}

/* ---- what is sent ---- */

static void on_outgoing(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    struct sioc_cursor c;
    int64_t n = -1;
    assert_int_equal(sioc_event_kind(event), SIOC_EVENT_OUTGOING);
    if (sioc_event_cursor(event, &c) == 0)
        sioc_cursor_int(&c, &n);
    note("out%d %.*s %d;", (int)ref, SIOC_STR_ARG(sioc_event_name(event)), (int)n);
    if (ref == 9)
        sioc_socket_disconnect(sioc_event_socket(event), false);
}

static int emit(struct sioc_socket *s, const char *name, int n, const struct sioc_emit *how)
{
    struct sioc_message *m;
    assert_int_equal(sioc_message_new(sioc_socket_namespace(s), sioc_str(name), &m), 0);
    sioc_put_int(sioc_message_sink(m), n);
    return sioc_socket_emit(s, m, how);
}

static int cast(struct sioc_namespace *nsp, const char *name, int n)
{
    struct sioc_message *m;
    struct sioc_target all = {0};
    assert_int_equal(sioc_message_new(nsp, sioc_str(name), &m), 0);
    sioc_put_int(sioc_message_sink(m), n);
    return sioc_broadcast(nsp, &all, m, NULL);
}

static void hears_what_is_sent(void **state)
{
    (void)state;
    struct wire other;
    setup();
    wire_connect(&other, f.loop, f.port);
    assert_true(wire_open(&other));
    join(&other, "/b");
    join(&f.wire, "/b");
    struct sioc_socket *s = sioc_socket_find(f.server, f.socket);
    struct sioc_emit ask = {.ack = {.call = on_answers}};
    assert_int_equal(sioc_socket_on_outgoing(s, handler(on_outgoing, 1), 0), 0);
    assert_int_equal(sioc_socket_on_outgoing(s, handler(on_outgoing, 2), SIOC_PREPEND), 0);
    f.log[0] = '\0';
    assert_int_equal(emit(s, "caf\xc3\xa9 \"", 1, NULL), 0);
    assert_int_equal(emit(s, "q", 2, &ask), 0);
    assert_int_equal(cast(f.last, "all", 3), 2);
    assert_int_equal(cast(f.second, "parent", 4), 2);
    assert_string_equal(f.log, "out2 caf\xc3\xa9 \" 1;out1 caf\xc3\xa9 \" 1;out2 q 2;out1 q 2;"
                               "out2 all 3;out1 all 3;out2 parent 4;out1 parent 4;");
    assert_string_equal(wire_next(&f.wire), "42/b,[\"caf\xc3\xa9 \\\"\",1]");
    assert_string_equal(wire_next(&f.wire), "42/b,0[\"q\",2]");
    assert_string_equal(wire_next(&f.wire), "42/b,[\"all\",3]");
    f.log[0] = '\0';
    size_t pos = 0;
    struct sioc_handler found;
    assert_true(sioc_socket_outgoing_next(s, &pos, &found));
    assert_int_equal(found.ref, 2);
    assert_int_equal(sioc_socket_off_outgoing(s, NULL, 0), 2);
    pos = 0;
    assert_false(sioc_socket_outgoing_next(s, &pos, &found));
    assert_int_equal(cast(f.last, "none", 5), 2);
    assert_string_equal(f.log, "");
    wire_close(&other);
    teardown();
}

static void a_handler_that_ends_its_socket_gets_nothing(void **state)
{
    (void)state;
    struct sioc_emit ask = {.ack = {.call = on_answers}};
    setup();
    for (int round = 0; round < 3; round++) {
        join(&f.wire, "/b");
        struct sioc_socket *s = sioc_socket_find(f.server, f.socket);
        assert_int_equal(sioc_socket_on_outgoing(s, handler(on_outgoing, 9), 0), 0);
        if (round == 2)
            assert_int_equal(cast(f.second, "x", 1), 0);
        else
            assert_int_equal(emit(s, "x", 1, round ? &ask : NULL), SIOC_ECLOSED);
        assert_string_equal(wire_next(&f.wire), "41/b,");
    }
    teardown();
}

/* ---- the other servers of a cluster: there are none ---- */

static void tells_no_other_server(void **state)
{
    (void)state;
    struct sioc_message *m;
    struct sioc_emit ask = {.ack = {.call = on_answers}};
    setup();
    assert_int_equal(sioc_message_new_for_servers(f.root, sioc_str("x"), &m), 0);
    assert_int_equal(sioc_server_side_emit(f.root, m, NULL), 0);
    assert_int_equal(sioc_message_new_for_servers(f.root, sioc_str("disconnect"), &m), 0);
    assert_int_equal(sioc_server_side_emit(f.root, m, &ask), 0);
    assert_string_equal(f.log, "");
    wire_settle(f.loop);
    assert_string_equal(f.log, "answers 0 [];");
    static const char *const reserved[] = {"connect", "connection", "new_namespace"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sioc_message_new_for_servers(f.root, sioc_str(reserved[i]), &m),
                         SIOC_ERESERVED);
    teardown();
}

/* ---- lack of memory ---- */

static void let_pass(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    f.waiting = sioc_event_passage(event).id;
}

/* One of everything, without asserting. */
static void visit_everything(void)
{
    static struct wire w;
    wire_connect(&w, f.loop, f.port);
    if (wire_open(&w)) {
        wire_text(&w, "40/a1,{\"k\":1}");
        wire_text(&w, "40/l1,");
        wire_settle(f.loop);
        sioc_match(f.server, f.waiting, true);
        wire_settle(f.loop);
        struct sioc_socket *s = sioc_socket_find(f.server, f.socket);
        if (s) {
            sioc_socket_on_outgoing(s, handler(on_outgoing, 1), 0);
            sioc_socket_use(s, handler(let_pass, 0));
            sioc_socket_join(s, sioc_str("red"));
        }
        wire_text(&w, "451-/l1,[\"ev\",{\"_placeholder\":true,\"num\":0}]");
        wire_binary(&w, "one", 3);
        wire_settle(f.loop);
        struct sioc_passage passage = {f.socket, f.waiting};
        sioc_pass(f.server, passage, "no", sioc_str("1"));
        struct sioc_message *m;
        struct sioc_target all = {0};
        if (sioc_message_new(f.second, sioc_str("m"), &m) == 0)
            sioc_broadcast(f.second, &all, m, NULL);
        wire_settle(f.loop);
    }
    wire_close(&w);
}

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
            wire_connect(&other, f.loop, f.port);
            assert_true(wire_open(&other));
            join(&other, "/a2");
            wire_close(&other);
        }
        teardown();
    } while (count >= n);
    assert_true(n > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_in_the_order_of_registration),
        cmocka_unit_test(existing_ones_are_not_asked_for),
        cmocka_unit_test(closes_with_the_last_socket),
        cmocka_unit_test(may_stay_when_empty),
        cmocka_unit_test(bounds_their_number),
        cmocka_unit_test(answers_later),
        cmocka_unit_test(two_clients_wait_for_one),
        cmocka_unit_test(a_client_that_goes_is_forgotten),
        cmocka_unit_test(waiting_is_no_state_for_packets),
        cmocka_unit_test(bounds_the_namespaces_of_a_client),
        cmocka_unit_test(speaks_to_all_children),
        cmocka_unit_test(asks_all_children),
        cmocka_unit_test(children_by_hand),
        cmocka_unit_test(tells_of_rooms),
        cmocka_unit_test(hears_what_is_sent),
        cmocka_unit_test(a_handler_that_ends_its_socket_gets_nothing),
        cmocka_unit_test(tells_no_other_server),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
