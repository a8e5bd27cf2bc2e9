/* Limits of this floor at one below, at, and one above: rooms, namespaces, answers, names. */
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    struct wire wire;
    uint64_t socket;
    uint16_t port;
    int events, answers, last_status;
} f;

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    f.socket = sioc_socket_handle(sioc_event_socket(event));
}

static void on_event(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    (void)event;
    f.events++;
}

static void on_answer(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    f.answers++;
    f.last_status = sioc_event_status(event);
}

/* Options by name and value, NULL-ended. */
static void setup(const char *const *options)
{
    struct sioc_options *o = sioc_options_new();
    struct sioc_handler connection = {.call = on_connection}, every = {.call = on_event};
    char error[160];
    memset(&f, 0, sizeof f);
    for (; options && *options; options += 2)
        assert_int_equal(sioc_options_parse(o, options[0], options[1], error, sizeof error), 0);
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_server_new(f.loop, o, &f.server), 0);
    assert_int_equal(sioc_server_of(f.server, sioc_str("/"), &f.root), 0);
    sioc_namespace_on(f.root, sioc_str("connection"), connection, 0);
    sioc_namespace_event(f.root, (struct sioc_str){NULL, 0}, every, 0);
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

static struct sioc_socket *socket_of(void)
{
    return sioc_socket_find(f.server, f.socket);
}

static int join(const char *room)
{
    return sioc_socket_join(socket_of(), sioc_str(room));
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

/* `before` and `after` around n times 'x'. */
static char *text_with(const char *before, size_t n, const char *after)
{
    char *text = malloc(strlen(before) + n + strlen(after) + 1);
    memcpy(text, before, strlen(before));
    memset(text + strlen(before), 'x', n);
    memcpy(text + strlen(before) + n, after, strlen(after) + 1);
    return text;
}

static void rooms_of_a_socket(void **state)
{
    (void)state;
    static const char *const options[] = {"max_rooms", "3", NULL};
    setup(options);
    assert_int_equal(join("1"), 0);
    assert_int_equal(join("2"), 0);
    assert_int_equal(join("3"), 0);
    assert_int_equal(join("4"), SIOC_ELIMIT);
    assert_int_equal(join("3"), 0); /* it is there */
    assert_int_equal(sioc_socket_join(socket_of(), sioc_socket_id(socket_of())), 0);
    assert_int_equal(metric("reject_rooms"), 1);
    sioc_socket_leave(socket_of(), sioc_str("1"));
    assert_int_equal(join("4"), 0);
    teardown();
}

static void rooms_of_all_sockets(void **state)
{
    (void)state;
    static const char *const options[] = {"max_rooms_total", "3", NULL};
    struct wire other;
    setup(options);
    uint64_t first = f.socket;
    assert_int_equal(join("1"), 0);
    assert_int_equal(join("2"), 0);
    wire_connect(&other, f.loop, f.port);
    assert_true(wire_open(&other));
    wire_text(&other, "40");
    assert_non_null(wire_next(&other));
    assert_int_equal(join("3"), 0);
    assert_int_equal(join("4"), SIOC_ELIMIT);
    assert_int_equal(join("1"), 0); /* a room that is there is no further one */
    assert_int_equal(metric("reject_rooms"), 1);
    sioc_socket_leave(sioc_socket_find(f.server, first), sioc_str("2"));
    assert_int_equal(join("4"), 0);
    wire_close(&other);
    wire_settle(f.loop);
    f.socket = first;
    assert_int_equal(join("5"), 0); /* what it was in is gone with it */
    assert_int_equal(join("6"), 0);
    assert_int_equal(join("7"), SIOC_ELIMIT);
    teardown();
}

static void names_of_rooms(void **state)
{
    (void)state;
    setup(NULL);
    for (size_t n = 255; n <= 257; n++) {
        char *name = text_with("", n, "");
        assert_int_equal(join(name), n <= 256 ? 0 : SIOC_ETOOBIG);
        assert_int_equal(sioc_namespace_room_size(f.root, sioc_str(name)), n <= 256);
        free(name);
    }
    assert_int_equal(join(""), 0);
    assert_int_equal(metric("reject_rooms"), 1);
    teardown();
}

static void names_of_events(void **state)
{
    (void)state;
    setup(NULL);
    for (size_t n = 255; n <= 257; n++) {
        char *packet = text_with("42[\"", n, "\"]");
        wire_text(&f.wire, packet);
        wire_settle(f.loop);
        free(packet);
    }
    assert_int_equal(f.events, 2);
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    assert_int_equal(metric("reject_sio_packet"), 1);
    teardown();
}

static void names_of_namespaces(void **state)
{
    (void)state;
    setup(NULL);
    for (size_t n = 126; n <= 127; n++) { /* and the slash */
        char *packet = text_with("40/", n, ",");
        char *answer = text_with("44/", n, ",{\"message\":\"Invalid namespace\"}");
        wire_text(&f.wire, packet);
        assert_string_equal(wire_next(&f.wire), answer);
        free(packet);
        free(answer);
    }
    char *packet = text_with("40/", 128, ",");
    wire_text(&f.wire, packet);
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    free(packet);
    teardown();
}

static void namespaces_of_a_client(void **state)
{
    (void)state;
    static const char *const options[] = {"max_namespaces", "3", NULL};
    static const char *const names[] = {"/a", "/b", "/c"};
    struct sioc_namespace *nsp;
    setup(options);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sioc_server_of(f.server, sioc_str(names[i]), &nsp), 0);
    for (size_t i = 0; i < 2; i++) {
        char packet[16];
        snprintf(packet, sizeof packet, "40%s,", names[i]);
        wire_text(&f.wire, packet);
        assert_int_equal(strncmp(wire_next(&f.wire), packet, 5), 0);
    }
    wire_text(&f.wire, "40/c,");
    assert_string_equal(wire_next(&f.wire), "44/c,{\"message\":\"Too many namespaces\"}");
    assert_int_equal(metric("reject_nsp_limit"), 1);
    wire_text(&f.wire, "41/a,");
    wire_text(&f.wire, "40/c,");
    assert_int_equal(strncmp(wire_next(&f.wire), "40/c,{\"sid\"", 11), 0);
    teardown();
}

static int ask(void)
{
    struct sioc_message *m;
    struct sioc_emit emit = {.ack = {.call = on_answer}};
    assert_int_equal(sioc_message_new(f.root, sioc_str("q"), &m), 0);
    return sioc_socket_emit(socket_of(), m, &emit);
}

static void answers_that_are_owed(void **state)
{
    (void)state;
    static const char *const options[] = {"max_pending_acks", "3", NULL};
    struct sioc_message *m;
    struct sioc_target all = {0};
    struct sioc_emit emit = {.ack = {.call = on_answer}, .timeout_ms = 100000};
    setup(options);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(), 0);
    assert_int_equal(ask(), SIOC_ELIMIT);
    assert_int_equal(f.answers, 0);
    assert_int_equal(metric("reject_acks"), 1);
    assert_int_equal(sioc_message_new(f.root, sioc_str("q"), &m), 0);
    assert_int_equal(sioc_broadcast(f.root, &all, m, &emit), 0); /* nobody can be asked */
    wire_settle(f.loop);
    assert_int_equal(f.answers, 1);
    assert_int_equal(f.last_status, 0);
    wire_text(&f.wire, "430[]");
    wire_text(&f.wire, "430[]");
    wire_text(&f.wire, "4377[]");
    wire_settle(f.loop);
    assert_int_equal(f.answers, 2);
    assert_int_equal(metric("ack_unknown"), 2);
    assert_int_equal(ask(), 0);
    assert_int_equal(ask(), SIOC_ELIMIT);
    teardown();
    assert_int_equal(f.answers, 5); /* each of the four that were taken, and the broadcast's */
    assert_int_equal(f.last_status, SIOC_ECLOSED);
}

/* 2^53 - 2, 2^53 - 1 and 2^53. */
static void ids_of_acks(void **state)
{
    (void)state;
    setup(NULL);
    wire_text(&f.wire, "429007199254740990[\"e\"]");
    wire_text(&f.wire, "429007199254740991[\"e\"]");
    wire_settle(f.loop);
    assert_int_equal(f.events, 2);
    wire_text(&f.wire, "429007199254740992[\"e\"]");
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    assert_int_equal(f.events, 2);
    teardown();
}

static const char two[] = "452-[\"e\",{\"_placeholder\":true,\"num\":0}]";

/* limit - 1, limit and limit + 1. */
static void bytes_of_attachments(void **state)
{
    (void)state;
    static const char *const options[] = {"max_attachment_bytes", "200", "max_payload", "150",
                                          NULL};
    static const char bytes[150] = {0};
    setup(options);
    for (size_t n = 49; n <= 51; n++) {
        wire_text(&f.wire, two);
        wire_binary(&f.wire, bytes, 150);
        wire_binary(&f.wire, bytes, n);
        wire_settle(f.loop);
        assert_int_equal(f.events, n < 51 ? n - 48 : 2);
    }
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    assert_int_equal(metric("reject_attachments"), 1);
    teardown();
}

/* A limit below that of one message gives way to it. */
static void bytes_of_one_attachment(void **state)
{
    (void)state;
    static const char *const options[] = {"max_attachment_bytes", "10", "max_payload", "150",
                                          NULL};
    static const char bytes[150] = {0};
    setup(options);
    wire_text(&f.wire, "451-[\"e\",{\"_placeholder\":true,\"num\":0}]");
    wire_binary(&f.wire, bytes, 150);
    wire_settle(f.loop);
    assert_int_equal(f.events, 1);
    teardown();
}

static void attachments_that_do_not_come(void **state)
{
    (void)state;
    static const char *const options[] = {"attachment_timeout", "0.1", NULL};
    setup(options);
    wire_text(&f.wire, two);
    wire_binary(&f.wire, "x", 1);
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    assert_int_equal(f.events, 0);
    assert_int_equal(metric("reject_attachments"), 1);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_of_a_socket),
        cmocka_unit_test(rooms_of_all_sockets),
        cmocka_unit_test(names_of_rooms),
        cmocka_unit_test(names_of_events),
        cmocka_unit_test(names_of_namespaces),
        cmocka_unit_test(namespaces_of_a_client),
        cmocka_unit_test(answers_that_are_owed),
        cmocka_unit_test(ids_of_acks),
        cmocka_unit_test(bytes_of_attachments),
        cmocka_unit_test(bytes_of_one_attachment),
        cmocka_unit_test(attachments_that_do_not_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
