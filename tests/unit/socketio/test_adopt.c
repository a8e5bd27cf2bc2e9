/* What a server takes over from a draft, and what it keeps; and that no handler of before is
 * called for sockets that are not re-bound yet. */
#include "base/mem.h"
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
    int dropped[3];     /* handlers of that generation that the server has let go */
    bool holds, admits; /* what handlers do */
    uint64_t request_handle;
    char log[1024];
} f;

static void note(const char *what, intptr_t ref)
{
    size_t len = strlen(f.log);
    snprintf(f.log + len, sizeof f.log - len, "%s%d;", what, (int)ref);
}

static void on_drop(void *user, intptr_t ref)
{
    (void)user;
    f.dropped[ref]++;
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *),
                                   intptr_t ref)
{
    return (struct sioc_handler){.call = fn, .drop = on_drop, .ref = ref};
}

#define assert_log(expected)                  \
    do {                                      \
        assert_string_equal(f.log, expected); \
        f.log[0] = '\0';                      \
    } while (0)

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
    if (f.holds)
        sioc_socket_hold(s);
}

static void on_reload(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)event;
    note("reload", ref);
}

static struct sioc_namespace *draft_root(void)
{
    struct sioc_namespace *root;
    assert_int_equal(sioc_server_of(f.draft, sioc_str("/"), &root), 0);
    return root;
}

static void new_draft(void)
{
    assert_int_equal(sioc_server_new(f.loop, NULL, &f.draft), 0);
    sioc_namespace_on(draft_root(), sioc_str("connection"), handler(on_connection, 2), 0);
}

static void setup(void)
{
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
    new_draft();
    f.log[0] = '\0';
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

/* ---- sockets ---- */

static void reload_comes_when_nothing_is_held(void **state)
{
    size_t count = 0;
    (void)state;
    setup();
    sioc_namespace_on(draft_root(), sioc_str("reload"), handler(on_reload, 2), 0);
    f.holds = true;
    adopt();
    wire_text(&f.wire, "42[\"ev\"]");
    wire_settle(f.loop);
    assert_log("again2;");
    assert_false(sioc_server_rebind(f.server, 10, &count));
    assert_int_equal(count, 0); /* it was already */
    sioc_socket_release(sioc_socket_find(f.server, f.socket));
    assert_log("reload2;use2;"); /* and before what has come meanwhile */
    teardown();
}

static void moved(void *user, struct sioc_socket *socket)
{
    assert_ptr_equal(user, &f.dropped);
    assert_int_equal(sioc_socket_host_ref(socket, &f.server), 11);
    assert_ptr_equal(sioc_socket_host_owner(socket), &f.server);
    sioc_socket_set_host_ref(socket, &f.draft, 12);
    note("moved", 0);
}

static void gone(void *owner, intptr_t host_ref)
{
    note(owner == &f.server ? "old gone" : "gone", host_ref);
}

/* The host moves what it has of a socket before its handlers are called; else it is told that
 * this goes. */
static void the_hosts_own(void **state)
{
    size_t count = 0;
    (void)state;
    setup();
    sioc_server_on_socket_gone(f.server, gone);
    sioc_socket_set_host_ref(sioc_socket_find(f.server, f.socket), &f.server, 11);
    sioc_server_on_rebind(f.draft, moved, &f.dropped);
    adopt();
    sioc_server_rebind(f.server, 10, &count);
    assert_int_equal(count, 1);
    assert_log("moved0;again2;");
    assert_int_equal(sioc_socket_host_ref(sioc_socket_find(f.server, f.socket), &f.draft), 12);
    new_draft();
    adopt();
    sioc_server_rebind(f.server, 10, &count);
    assert_log("gone12;again2;");
    teardown();
}

static void slices_are_as_long_as_they_may(void **state)
{
    enum { CLIENTS = 5 };
    struct wire wires[CLIENTS];
    size_t count = 0;
    (void)state;
    setup();
    for (int i = 0; i < CLIENTS; i++) {
        wire_connect(&wires[i], f.loop, f.port);
        assert_true(wire_open(&wires[i]));
        if (i == 2)
            continue; /* in no namespace */
        wire_text(&wires[i], "40");
        assert_non_null(wire_next(&wires[i]));
    }
    wire_close(&wires[0]); /* an empty place */
    adopt();
    assert_true(sioc_server_rebind(f.server, 3, &count));
    assert_int_equal(count, 3);
    assert_log("again2;again2;again2;");
    assert_false(sioc_server_rebind(f.server, 3, &count));
    assert_int_equal(count, 4);
    assert_log("again2;");
    assert_false(sioc_server_rebind(f.server, 3, &count));
    assert_int_equal(count, 4);
    for (int i = 1; i < CLIENTS; i++)
        wire_close(&wires[i]);
    teardown();
}

/* Adopted twice, and not re-bound in between: the handlers of the one in the middle are never
 * called. */
static void only_the_last_counts(void **state)
{
    (void)state;
    setup();
    adopt();
    new_draft();
    adopt();
    wire_text(&f.wire, "42[\"ev\"]");
    wire_settle(f.loop);
    assert_log("again2;use2;");
    teardown();
}

static void who_leaves_before_the_slice(void **state)
{
    (void)state;
    setup();
    sioc_namespace_on(f.root, sioc_str("disconnect"), handler(on_any, 1), 0);
    sioc_namespace_on(draft_root(), sioc_str("disconnect"), handler(on_any, 2), 0);
    adopt();
    wire_text(&f.wire, "41");
    wire_settle(f.loop);
    assert_log("again2;event2;");
    teardown();
}

/* ---- handlers and their end ---- */

static void handlers_of_before_go_with_the_draft(void **state)
{
    size_t count = 0;
    (void)state;
    setup();
    sioc_namespace_use(f.root, handler(on_middleware, 1));
    sioc_namespace_event(f.root, sioc_str("x"), handler(on_any, 1), 0);
    assert_int_equal(f.dropped[1], 0);
    assert_int_equal(sioc_server_adopt(f.server, f.draft), 0);
    assert_int_equal(f.dropped[1], 0);
    sioc_server_free(f.draft);
    assert_int_equal(f.dropped[1], 3); /* and "connection" */
    sioc_server_rebind(f.server, 10, &count);
    assert_int_equal(f.dropped[1], 3 + 4); /* the socket's own */
    assert_int_equal(f.dropped[2], 0);
    teardown();
    assert_int_equal(f.dropped[2], 5);
}

static void on_answer(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    note(sioc_event_status(event) < 0 ? "no answer" : "answer", ref);
}

static bool is_of_generation_1(void *user, const struct sioc_handler *h)
{
    (void)user;
    return h->call == on_answer && h->ref == 1;
}

static void ask(intptr_t ref)
{
    struct sioc_emit emit = {.ack = handler(on_answer, ref)};
    struct sioc_message *m;
    assert_int_equal(sioc_message_new(f.root, sioc_str("q"), &m), 0);
    assert_int_equal(sioc_socket_emit(sioc_socket_find(f.server, f.socket), m, &emit), 0);
    assert_non_null(wire_next(&f.wire));
}

/* Answers reach who has asked, unless he is gone by then. */
static void acks(void **state)
{
    struct sioc_target all = {0};
    struct sioc_emit emit = {.timeout_ms = 60000};
    struct sioc_message *m;
    (void)state;
    setup();
    ask(1);
    ask(1);
    emit.ack = handler(on_answer, 1);
    assert_int_equal(sioc_message_new(f.root, sioc_str("q"), &m), 0);
    assert_int_equal(sioc_broadcast(f.root, &all, m, &emit), 1);
    assert_non_null(wire_next(&f.wire));
    adopt();
    wire_text(&f.wire, "430[]");
    wire_settle(f.loop);
    assert_log("answer1;");
    ask(2);
    f.log[0] = '\0';
    f.dropped[1] = f.dropped[2] = 0;
    sioc_server_forget_acks(f.server, is_of_generation_1, NULL);
    assert_int_equal(f.dropped[1], 2);
    assert_int_equal(f.dropped[2], 0);
    wire_text(&f.wire, "431[]");
    wire_text(&f.wire, "432[]");
    wire_text(&f.wire, "433[]");
    wire_settle(f.loop);
    assert_log("answer2;");
    teardown();
}

/* ---- namespaces ---- */

static void join(const char *name)
{
    char text[64];
    snprintf(text, sizeof text, "40%s,", name);
    wire_text(&f.wire, text);
}

static bool is_missing(const char *name)
{
    struct sioc_namespace *nsp;
    bool missing = false;
    for (size_t pos = 0; (nsp = sioc_server_namespace_next(f.server, &pos, &missing));)
        if (sioc_namespace_name(nsp).len == strlen(name) &&
            memcmp(sioc_namespace_name(nsp).ptr, name, strlen(name)) == 0)
            return missing;
    fail_msg("no namespace %s", name);
    return false;
}

static struct sioc_namespace *of(struct sioc_server *server, const char *name, intptr_t ref)
{
    struct sioc_namespace *nsp;
    assert_int_equal(sioc_server_of(server, sioc_str(name), &nsp), 0);
    sioc_namespace_event(nsp, sioc_str("ev"), handler(on_any, ref), 0);
    return nsp;
}

static void namespaces_come_and_go(void **state)
{
    (void)state;
    setup();
    of(f.server, "/old", 1);
    join("/old");
    assert_non_null(strstr(wire_next(&f.wire), "40/old,"));
    of(f.draft, "/new", 2);
    adopt();
    assert_true(is_missing("/old"));
    assert_false(is_missing("/new"));
    wire_text(&f.wire, "42/old,[\"ev\"]"); /* ignored, but no fault */
    join("/new");
    assert_non_null(strstr(wire_next(&f.wire), "40/new,"));
    wire_text(&f.wire, "42/new,[\"ev\"]");
    wire_settle(f.loop);
    assert_log("event2;");
    wire_text(&f.wire, "41/old,");
    join("/old");
    assert_string_equal(wire_next(&f.wire), "44/old,{\"message\":\"Invalid namespace\"}");
    new_draft();
    of(f.draft, "/old", 2);
    adopt();
    assert_true(is_missing("/new"));
    join("/old");
    assert_non_null(strstr(wire_next(&f.wire), "40/old,"));
    wire_text(&f.wire, "42/old,[\"ev\"]");
    wire_settle(f.loop);
    assert_log("event2;");
    teardown();
}

static void missing_ones_may_be_dropped(void **state)
{
    struct sioc_options *options = sioc_options_new();
    char error[160];
    (void)state;
    setup();
    of(f.server, "/old", 1);
    join("/old");
    assert_non_null(strstr(wire_next(&f.wire), "40/old,"));
    sioc_server_free(f.draft);
    sioc_options_parse(options, "drop_missing_namespaces", "true", error, sizeof error);
    assert_int_equal(sioc_server_new(f.loop, options, &f.draft), 0);
    sioc_namespace_on(draft_root(), sioc_str("connection"), handler(on_connection, 2), 0);
    adopt();
    assert_string_equal(wire_next(&f.wire), "41/old,");
    wire_text(&f.wire, "42[\"ev\"]"); /* the others stay */
    wire_settle(f.loop);
    assert_log("again2;use2;");
    teardown();
}

static void on_match(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    note("match", ref);
    assert_int_equal(sioc_match(f.server, sioc_event_match(event), true), 0);
}

static struct sioc_namespace *match(struct sioc_server *server, intptr_t ref)
{
    struct sioc_namespace *parent;
    assert_int_equal(sioc_server_match(server, handler(on_match, ref), &parent), 0);
    sioc_namespace_event(parent, sioc_str("ev"), handler(on_any, ref), 0);
    return parent;
}

/* The n-th parent takes the place of the n-th; its children follow. */
static void dynamic_namespaces(void **state)
{
    struct wire late;
    (void)state;
    setup();
    struct sioc_namespace *parent = match(f.server, 1);
    join("/room");
    assert_non_null(strstr(wire_next(&f.wire), "40/room,"));
    struct sioc_namespace *first = match(f.draft, 2), *second = match(f.draft, 2);
    assert_ptr_equal(sioc_server_same_namespace(f.server, first), parent);
    assert_null(sioc_server_same_namespace(f.server, second));
    adopt();
    wire_text(&f.wire, "42/room,[\"ev\"]");
    wire_settle(f.loop);
    assert_log("event2;");
    join("/other");
    assert_non_null(strstr(wire_next(&f.wire), "40/other,"));
    assert_log("match2;");
    new_draft();
    adopt(); /* without any */
    wire_text(&f.wire, "42/room,[\"ev\"]");
    join("/third");
    assert_string_equal(wire_next(&f.wire), "44/third,{\"message\":\"Invalid namespace\"}");
    assert_log("");
    wire_connect(&late, f.loop, f.port);
    assert_true(wire_open(&late));
    wire_text(&late, "40/room,");
    assert_string_equal(wire_next(&late), "44/room,{\"message\":\"Invalid namespace\"}");
    wire_close(&late);
    new_draft();
    match(f.draft, 2);
    adopt();
    wire_text(&f.wire, "42/room,[\"ev\"]");
    wire_settle(f.loop);
    assert_log("event2;");
    teardown();
}

static void on_admission(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    note("asked", ref);
    f.socket = sioc_socket_handle(sioc_event_socket(event));
    if (ref == 2)
        sioc_admit(f.server, f.socket, f.admits ? NULL : "no", sioc_str(""));
}

/* Who is just being asked about is asked about by the new ones, too (R17); who is connected is
 * not. */
static void middleware_of_connecting_sockets(void **state)
{
    (void)state;
    for (int admits = 0; admits < 2; admits++) {
        setup();
        f.admits = admits;
        struct sioc_namespace *nsp = of(f.server, "/in", 1), *other = of(f.draft, "/in", 2);
        sioc_namespace_use(nsp, handler(on_admission, 1));
        sioc_namespace_use(other, handler(on_admission, 2));
        sioc_namespace_on(other, sioc_str("connection"), handler(on_connection, 2), 0);
        join("/in");
        wire_settle(f.loop);
        assert_log("asked1;");
        adopt();
        assert_log("");
        assert_int_equal(sioc_admit(f.server, f.socket, NULL, sioc_str("")), 0);
        if (admits)
            assert_non_null(strstr(wire_next(&f.wire), "40/in,"));
        else
            assert_string_equal(wire_next(&f.wire), "44/in,{\"message\":\"no\"}");
        assert_log(admits ? "asked2;connection2;" : "asked2;");
        teardown();
    }
}

/* ---- HTTP, options, addresses ---- */

static void on_http(void *user, intptr_t ref, struct sioc_request *request)
{
    (void)user;
    note("http", ref);
    f.request_handle = sioc_request_handle(request);
    if (ref == 2)
        sioc_request_respond(request, 200, NULL, 0, sioc_str("two"));
}

static struct sioc_http_handler http_handler(intptr_t ref)
{
    return (struct sioc_http_handler){.call = on_http, .drop = on_drop, .ref = ref};
}

static void requests_are_answered_by_who_took_them(void **state)
{
    struct wire waiting;
    (void)state;
    setup();
    sioc_http_route(f.server, "GET", sioc_str("/a"), http_handler(1));
    sioc_http_route(f.draft, "GET", sioc_str("/a"), http_handler(2));
    wire_connect_path(&waiting, f.loop, f.port, "/a HTTP/1.1\r\nHost: x\r\n\r\nGET /a");
    wire_settle(f.loop);
    assert_log("http1;");
    uint64_t handle = f.request_handle;
    adopt();
    assert_string_equal(wire_http(f.loop, f.port, "GET /a", NULL, 0), "two");
    assert_log("http2;");
    struct sioc_request *request = sioc_request_find(f.server, handle);
    assert_non_null(request);
    assert_int_equal(sioc_request_respond(request, 200, NULL, 0, sioc_str("one")), 0);
    wire_settle(f.loop);
    wire_close(&waiting);
    teardown();
}

static double interval_of(struct sioc_server *server)
{
    const char *open = wire_http(sioc_server_loop(server), f.port,
                                 "GET /socket.io/?EIO=4&transport=polling", NULL, 0);
    double value = 0;
    assert_non_null(strstr(open, "\"pingInterval\":"));
    sscanf(strstr(open, "\"pingInterval\":"), "\"pingInterval\":%lf", &value);
    return value;
}

static void options_hold_for_what_comes(void **state)
{
    struct sioc_options *options = sioc_options_new();
    char error[160];
    (void)state;
    setup();
    assert_true(interval_of(f.server) == 25000);
    sioc_server_free(f.draft);
    sioc_options_parse(options, "ping_interval", "7", error, sizeof error);
    sioc_options_parse(options, "path", "/elsewhere/", error, sizeof error); /* stays */
    assert_int_equal(sioc_server_new(f.loop, options, &f.draft), 0);
    adopt();
    assert_true(interval_of(f.server) == 7000);
    teardown();
}

static void addresses(void **state)
{
    const char *host;
    uint16_t port, other;
    size_t pos = 0;
    (void)state;
    setup();
    assert_true(sioc_server_listens(f.server, "127.0.0.1", 0));
    assert_false(sioc_server_listens(f.server, "127.0.0.1", f.port));
    assert_false(sioc_server_listens(f.server, "localhost", 0));
    adopt(); /* does not touch them */
    assert_true(sioc_server_address_next(f.server, &pos, &host, &port));
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 0);
    assert_false(sioc_server_address_next(f.server, &pos, &host, &port));
    assert_int_equal(sioc_server_unlisten(f.server, "127.0.0.1", 1), SIOC_ENOTFOUND);
    assert_int_equal(sioc_server_unlisten(f.server, "127.0.0.1", 0), 0);
    assert_int_equal(sioc_server_unlisten(f.server, "127.0.0.1", 0), SIOC_ENOTFOUND);
    wire_text(&f.wire, "42[\"ev\"]"); /* connections stay */
    wire_settle(f.loop);
    assert_log("again2;use2;");
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &other), 0);
    assert_int_not_equal(other, 0);
    teardown();
}

#ifdef SIOC_TESTING
/* Each allocation of the adoption fails once: all of it happens, or nothing. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++) {
        setup();
        of(f.draft, "/new", 2);
        of(f.draft, "/newer", 2);
        match(f.draft, 2);
        f.log[0] = '\0';
        mem_test_fail_at(n, false);
        int error = sioc_server_adopt(f.server, f.draft);
        bool failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        assert_int_equal(error, failed ? SIOC_ENOMEM : 0);
        sioc_server_free(f.draft);
        assert_int_equal(f.dropped[1] == 0, failed);
        wire_text(&f.wire, "42[\"ev\"]");
        for (int i = 0; i < 2; i++) {
            join(i ? "/newer" : "/new");
            const char *answer = wire_next(&f.wire);
            assert_non_null(strstr(answer, failed ? "Invalid namespace" : "40/new"));
        }
        assert_string_equal(f.log, failed ? "use1;" : "again2;use2;");
        teardown();
        if (!failed)
            return;
    }
    fail_msg("never came through");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent),
        cmocka_unit_test(an_event_that_waits),
        cmocka_unit_test(an_event_that_is_refused),
        cmocka_unit_test(what_cannot_be_decoded),
        cmocka_unit_test(reload_comes_when_nothing_is_held),
        cmocka_unit_test(the_hosts_own),
        cmocka_unit_test(slices_are_as_long_as_they_may),
        cmocka_unit_test(only_the_last_counts),
        cmocka_unit_test(who_leaves_before_the_slice),
        cmocka_unit_test(handlers_of_before_go_with_the_draft),
        cmocka_unit_test(acks),
        cmocka_unit_test(namespaces_come_and_go),
        cmocka_unit_test(missing_ones_may_be_dropped),
        cmocka_unit_test(dynamic_namespaces),
        cmocka_unit_test(middleware_of_connecting_sockets),
        cmocka_unit_test(requests_are_answered_by_who_took_them),
        cmocka_unit_test(options_hold_for_what_comes),
        cmocka_unit_test(addresses),
#ifdef SIOC_TESTING
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
