/* Plain WebSockets from a C application's side: routes, limits, topics. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CLIENTS 12
#define TOPICS  9

struct fixture {
    struct sioc_loop *loop;
    struct sioc_server *server;
    uint16_t port;
    char log[4096];
    uint64_t last; /* handle of the connection that opened last */
    bool close_inside, out_of_memory;
};

static void note(struct fixture *f, const char *text)
{
    strncat(f->log, text, sizeof f->log - strlen(f->log) - 1);
}

static void on_open(void *user, intptr_t ref, struct sioc_websocket *ws,
                    struct sioc_request *request)
{
    struct fixture *f = user;
    struct sioc_str name, value;
    size_t pos = 0;
    char text[128] = "";
    (void)ref;
    f->last = sioc_websocket_handle(ws);
    while (sioc_request_param_next(request, &pos, &name, &value))
        snprintf(text, sizeof text, "%.*s=%.*s;", SIOC_STR_ARG(name), SIOC_STR_ARG(value));
    note(f, "open;");
    note(f, text);
    note(f, sioc_request_address(request).len ? "" : "no address;");
    assert_int_equal(sioc_request_respond(request, 200, NULL, 0, sioc_str("")), SIOC_ESTATE);
}

static void on_message(void *user, intptr_t ref, struct sioc_websocket *ws,
                       struct sioc_str data, bool is_binary)
{
    struct fixture *f = user;
    (void)ref;
    if (f->close_inside) {
        assert_int_equal(sioc_websocket_close(ws, 3000, sioc_str("inside")), 0);
        assert_int_equal(sioc_websocket_send(ws, data, is_binary), SIOC_ECLOSED);
        return;
    }
    int r = sioc_websocket_send(ws, data, is_binary);
    assert_true(r == 0 || (f->out_of_memory && r == SIOC_ENOMEM));
}

static void on_close(void *user, intptr_t ref, struct sioc_websocket *ws, unsigned code,
                     struct sioc_str reason)
{
    struct fixture *f = user;
    char text[64];
    (void)ref;
    snprintf(text, sizeof text, "close %u %.*s;", code, SIOC_STR_ARG(reason));
    note(f, text);
    assert_false(sioc_websocket_connected(ws));
    assert_int_equal(sioc_websocket_send(ws, sioc_str("x"), false), SIOC_ECLOSED);
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("x")), SIOC_ECLOSED);
    assert_int_equal(sioc_websocket_close(ws, 0, sioc_str("")), SIOC_ECLOSED);
}

static void on_drop(void *user, intptr_t ref)
{
    struct fixture *f = user;
    (void)ref;
    note(f, "drop;");
}

static struct sioc_websocket_handler handler(struct fixture *f)
{
    return (struct sioc_websocket_handler){
        .open = on_open, .message = on_message, .close = on_close, .drop = on_drop, .user = f};
}

static void open_server(struct fixture *f, const char *max_rooms)
{
    char error[160];
    struct sioc_options *options = sioc_options_new();
    memset(f, 0, sizeof *f);
    if (max_rooms)
        assert_int_equal(
            sioc_options_parse(options, "max_rooms", max_rooms, error, sizeof error), 0);
    assert_int_equal(sioc_loop_new(&f->loop), 0);
    assert_int_equal(sioc_server_new(f->loop, options, &f->server), 0);
    assert_int_equal(sioc_websocket_route(f->server, sioc_str("/ws/:id"), handler(f)), 0);
    assert_int_equal(sioc_server_listen(f->server, "127.0.0.1", 0, &f->port), 0);
}

static void close_server(struct fixture *f)
{
    sioc_server_free(f->server);
    sioc_loop_free(f->loop);
}

/* Connects, and returns the server's side. */
static struct sioc_websocket *join(struct fixture *f, struct wire *w, const char *path)
{
    f->last = 0;
    wire_connect_path(w, f->loop, f->port, path);
    assert_true(wire_upgraded(w));
    return sioc_websocket_find(f->server, f->last);
}

static void echoes_and_closes(void **state)
{
    struct fixture f;
    struct wire w;
    (void)state;
    open_server(&f, NULL);
    struct sioc_websocket *ws = join(&f, &w, "/ws/a%20b");
    assert_non_null(ws);
    assert_string_equal(f.log, "open;id=a b;");
    wire_text(&w, "hi");
    assert_string_equal(wire_next(&w), "hi");
    f.close_inside = true;
    wire_text(&w, "close");
    wire_text(&w, "never told");
    assert_string_equal(wire_next(&w), "CLOSE");
    assert_string_equal(f.log, "open;id=a b;close 3000 inside;");
    assert_null(sioc_websocket_find(f.server, f.last));
    wire_close(&w);
    close_server(&f);
    assert_string_equal(f.log, "open;id=a b;close 3000 inside;drop;");
}

static void routes_are_checked(void **state)
{
    struct fixture f;
    struct wire w;
    (void)state;
    open_server(&f, NULL);
    assert_int_equal(sioc_websocket_route(f.server, sioc_str("ws"), handler(&f)), SIOC_EINVAL);
    assert_int_equal(sioc_websocket_route(f.server, sioc_str("/ws/:x"), handler(&f)),
                     SIOC_EEXIST);
    wire_connect_path(&w, f.loop, f.port, "/ws");
    assert_false(wire_upgraded(&w));
    wire_close(&w);
    close_server(&f);
    assert_string_equal(f.log, "drop;");
}

static void what_is_sent_is_checked(void **state)
{
    struct fixture f;
    struct wire w;
    (void)state;
    open_server(&f, NULL);
    struct sioc_websocket *ws = join(&f, &w, "/ws/1");
    static const unsigned bad_codes[] = {1, 999, 1004, 1005, 1006, 1015, 5000};
    for (size_t i = 0; i < sizeof bad_codes / sizeof bad_codes[0]; i++)
        assert_int_equal(sioc_websocket_close(ws, bad_codes[i], sioc_str("")), SIOC_EINVAL);
    char reason[125];
    memset(reason, 'x', sizeof reason);
    assert_int_equal(sioc_websocket_close(ws, 1000, sioc_str_n(reason, 124)), SIOC_EINVAL);
    assert_int_equal(sioc_websocket_close(ws, 1000, sioc_str("\xff")), SIOC_EINVAL);
    assert_int_equal(sioc_websocket_close(ws, 0, sioc_str("reason")), SIOC_EINVAL);
    assert_int_equal(sioc_websocket_send(ws, sioc_str("\xff"), false), SIOC_EUTF8);
    assert_int_equal(sioc_publish(f.server, sioc_str("t"), sioc_str("\xff"), false, 0),
                     SIOC_EUTF8);
    assert_int_equal(sioc_websocket_send(ws, sioc_str("\xff"), true), 0);
    assert_string_equal(wire_next(&w), "\xff");
    assert_int_equal(sioc_websocket_queued(ws), 0);
    assert_int_equal(sioc_websocket_close(ws, 1000, sioc_str_n(reason, 123)), 0);
    assert_string_equal(wire_next(&w), "CLOSE");
    wire_close(&w);
    close_server(&f);
}

static void held_ones_wait(void **state)
{
    struct fixture f;
    struct wire w;
    (void)state;
    open_server(&f, NULL);
    struct sioc_websocket *ws = join(&f, &w, "/ws/1");
    sioc_websocket_hold(ws);
    sioc_websocket_hold(ws);
    wire_text(&w, "later");
    wire_settle(f.loop);
    sioc_websocket_release(ws);
    wire_settle(f.loop);
    assert_int_equal(sioc_websocket_send(ws, sioc_str("first"), false), 0);
    assert_string_equal(wire_next(&w), "first");
    sioc_websocket_release(ws);
    sioc_websocket_release(ws); /* one too many does no harm */
    assert_string_equal(wire_next(&w), "later");
    /* Held while it closes: the peer's answer is still heard. */
    sioc_websocket_hold(ws);
    assert_int_equal(sioc_websocket_close(ws, 1000, sioc_str("")), 0);
    assert_string_equal(wire_next(&w), "CLOSE");
    wire_close(&w);
    close_server(&f);
}

static void topics_have_limits(void **state)
{
    struct fixture f;
    struct wire w;
    char name[257];
    (void)state;
    memset(name, 'n', sizeof name);
    open_server(&f, "3");
    struct sioc_websocket *ws = join(&f, &w, "/ws/1");
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str_n(name, 257)), SIOC_ETOOBIG);
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str_n(name, 256)), 0);
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("")), 0);
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("c")), 0);
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("c")), 0);
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("d")), SIOC_ELIMIT);
    sioc_websocket_unsubscribe(ws, sioc_str(""));
    sioc_websocket_unsubscribe(ws, sioc_str("never"));
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("d")), 0);
    wire_close(&w);
    close_server(&f);
}

/* Random joins and leaves against a plain table of who is where. */
static void topics_agree_with_a_model(void **state)
{
    struct fixture f;
    struct wire wires[CLIENTS];
    uint64_t handles[CLIENTS];
    bool in[CLIENTS][TOPICS] = {{false}};
    (void)state;
    open_server(&f, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        join(&f, &wires[i], "/ws/x");
        handles[i] = f.last;
    }
    unsigned seed = 7;
    for (int step = 0; step < 4000; step++) {
        seed = seed * 1664525u + 1013904223u;
        int client = (int)(seed >> 8) % CLIENTS, topic = (int)(seed >> 16) % TOPICS;
        char name[2] = {(char)('a' + topic), '\0'};
        struct sioc_websocket *ws = sioc_websocket_find(f.server, handles[client]);
        if (seed >> 31)
            sioc_websocket_unsubscribe(ws, sioc_str(name));
        else
            assert_int_equal(sioc_websocket_subscribe(ws, sioc_str(name)), 0);
        in[client][topic] = !(seed >> 31);

        int members = 0, mine = 0;
        struct sioc_str found;
        size_t pos = 0;
        for (int i = 0; i < CLIENTS; i++)
            members += in[i][topic];
        for (int t = 0; t < TOPICS; t++)
            mine += in[client][t];
        for (; sioc_websocket_topic_next(ws, &pos, &found); mine--)
            assert_true(in[client][found.ptr[0] - 'a']);
        assert_int_equal(mine, 0);
        if (step % 100 == 0) {
            bool sender = in[client][topic];
            assert_int_equal(sioc_publish(f.server, sioc_str(name), sioc_str("n"), false, 0),
                             members);
            assert_int_equal(
                sioc_publish(f.server, sioc_str(name), sioc_str("n"), false, handles[client]),
                members - sender);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        wire_close(&wires[i]);
    wire_settle(f.loop);
    assert_int_equal(sioc_publish(f.server, sioc_str("a"), sioc_str("n"), false, 0), 0);
    close_server(&f);
}

static void the_end_of_the_server_is_told(void **state)
{
    struct fixture f;
    struct wire w;
    (void)state;
    open_server(&f, NULL);
    sioc_websocket_subscribe(join(&f, &w, "/ws/1"), sioc_str("t"));
    sioc_server_close(f.server, NULL, NULL);
    assert_string_equal(wire_next(&w), "CLOSE");
    assert_string_equal(f.log, "open;id=1;close 1001 server shutting down;");
    wire_close(&w);
    close_server(&f);
}

#ifdef SIOC_TESTING
/* Each allocation of a connection's life fails once: that connection suffers, nobody else. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++) {
        struct fixture f;
        struct wire w;
        open_server(&f, NULL);
        f.out_of_memory = true;
        wire_connect_path(&w, f.loop, f.port, "/ws/1");
        mem_test_fail_at(n, false);
        bool open = wire_upgraded(&w);
        struct sioc_websocket *ws = sioc_websocket_find(f.server, f.last);
        if (ws) {
            sioc_websocket_subscribe(ws, sioc_str("t"));
            sioc_publish(f.server, sioc_str("t"), sioc_str("news"), false, 0);
        }
        if (open) {
            wire_text(&w, "hi");
            wire_settle(f.loop);
        }
        bool failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        wire_close(&w);
        wire_settle(f.loop);
        assert_true(strstr(f.log, "open;") == NULL || strstr(f.log, "close 1006"));
        close_server(&f);
        if (!failed)
            return;
    }
    fail_msg("never came through");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_and_closes),
        cmocka_unit_test(routes_are_checked),
        cmocka_unit_test(what_is_sent_is_checked),
        cmocka_unit_test(held_ones_wait),
        cmocka_unit_test(topics_have_limits),
        cmocka_unit_test(topics_agree_with_a_model),
        cmocka_unit_test(the_end_of_the_server_is_told),
#ifdef SIOC_TESTING
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
