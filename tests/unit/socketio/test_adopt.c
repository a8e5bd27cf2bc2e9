/* What is adopted reaches sockets that are not re-bound yet: no handler of before is called. */
#include "helper_client.h"
#include <setjmp.h>
#include <sioc/reload.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server, *draft;
    struct sioc_namespace *root;
    struct wire wire;
    uint64_t socket;
    uint16_t port;
    struct sioc_passage waiting;
    char log[512];
} f;

static void note(const char *what, intptr_t ref)
{
    size_t len = strlen(f.log);
    snprintf(f.log + len, sizeof f.log - len, "%s%d;", what, (int)ref);
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *),
                                   intptr_t ref)
{
    return (struct sioc_handler){.call = fn, .ref = ref};
}

static void on_middleware(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    note("use", ref);
    f.waiting = sioc_event_passage(event);
}

static void on_any(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    enum sioc_event_kind kind = sioc_event_kind(event);
    note(kind == SIOC_EVENT_OUTGOING ? "out"
         : kind == SIOC_EVENT_ERROR  ? "error"
                                     : "event",
         ref);
}

/* Sets the socket's handlers; ref says of which generation they are. */
static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    struct sioc_socket *s = sioc_event_socket(event);
    f.socket = sioc_socket_handle(s);
    note(sioc_event_replayed(event) ? "again" : "connection", ref);
    sioc_socket_use(s, handler(on_middleware, ref));
    sioc_socket_on(s, sioc_str("ev"), handler(on_any, ref), 0);
    sioc_socket_on(s, sioc_str("error"), handler(on_any, ref), 0);
    sioc_socket_on_outgoing(s, handler(on_any, ref), 0);
}

static void setup(void)
{
    struct sioc_namespace *root;
    memset(&f, 0, sizeof f);
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_server_new(f.loop, NULL, &f.server), 0);
    assert_int_equal(sioc_server_of(f.server, sioc_str("/"), &f.root), 0);
    sioc_namespace_on(f.root, sioc_str("connection"), handler(on_connection, 1), 0);
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &f.port), 0);
    wire_connect(&f.wire, f.loop, f.port);
    assert_true(wire_open(&f.wire));
    wire_text(&f.wire, "40");
    assert_non_null(wire_next(&f.wire));
    assert_int_equal(sioc_server_new(f.loop, NULL, &f.draft), 0);
    assert_int_equal(sioc_server_of(f.draft, sioc_str("/"), &root), 0);
    sioc_namespace_on(root, sioc_str("connection"), handler(on_connection, 2), 0);
}

static void adopt(void)
{
    assert_int_equal(sioc_server_adopt(f.server, f.draft), 0);
    sioc_server_free(f.draft);
    f.log[0] = '\0';
}

static void teardown(void)
{
    wire_close(&f.wire);
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

static void what_is_sent(void **state)
{
    (void)state;
    struct sioc_message *m;
    struct sioc_target all = {0};
    setup();
    adopt();
    assert_int_equal(sioc_message_new(f.root, sioc_str("x"), &m), 0);
    assert_int_equal(sioc_broadcast(f.root, &all, m, NULL), 1);
    assert_string_equal(f.log, "again2;out2;");
    assert_string_equal(wire_next(&f.wire), "42[\"x\"]");
    teardown();
}

static void an_event_that_waits(void **state)
{
    (void)state;
    setup();
    wire_text(&f.wire, "42[\"ev\"]");
    wire_settle(f.loop);
    adopt();
    assert_int_equal(sioc_pass(f.server, f.waiting, NULL, sioc_str("")), 0);
    assert_string_equal(f.log, "again2;use2;");
    assert_int_equal(sioc_pass(f.server, f.waiting, NULL, sioc_str("")), 0);
    assert_string_equal(f.log, "again2;use2;event2;");
    teardown();
}

static void an_event_that_is_refused(void **state)
{
    (void)state;
    setup();
    wire_text(&f.wire, "42[\"ev\"]");
    wire_settle(f.loop);
    adopt();
    assert_int_equal(sioc_pass(f.server, f.waiting, "no", sioc_str("")), 0);
    assert_string_equal(f.log, "again2;error2;");
    teardown();
}

static void what_cannot_be_decoded(void **state)
{
    (void)state;
    setup();
    adopt();
    wire_text(&f.wire, "42nonsense");
    assert_string_equal(wire_next(&f.wire), "CLOSE");
    assert_string_equal(f.log, "again2;error2;");
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent),
        cmocka_unit_test(an_event_that_waits),
        cmocka_unit_test(an_event_that_is_refused),
        cmocka_unit_test(what_cannot_be_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
