/* Plain WebSockets while their routes are replaced: who stays, who goes, who is told, and in
 * which order; in slices and by what happens before them. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <sioc/reload.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

/* One set of handlers: those of generation `letter`. */
struct routes {
    char letter;
    bool holds; /* in `open` */
};

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server;
    uint16_t port;
    char log[8192];
    uint64_t last; /* handle of the connection that opened last */
    struct routes a, b, c;
} f;

static void note(const struct routes *of, const char *what, struct sioc_str text)
{
    size_t len = strlen(f.log);
    snprintf(f.log + len, sizeof f.log - len, "%c.%s%s%.*s;", of->letter, what,
             text.len ? " " : "", SIOC_STR_ARG(text));
}

#define assert_log(expected)                  \
    do {                                      \
        assert_string_equal(f.log, expected); \
        f.log[0] = '\0';                      \
    } while (0)

static bool is(struct sioc_str text, const char *expected)
{
    return text.len == strlen(expected) && memcmp(text.ptr, expected, text.len) == 0;
}

static void on_open(void *user, intptr_t ref, struct sioc_websocket *ws,
                    struct sioc_request *request)
{
    const struct routes *of = user;
    struct sioc_str name, value;
    size_t pos = 0;
    (void)ref;
    f.last = sioc_websocket_handle(ws);
    note(of, sioc_websocket_replayed(ws) ? "again" : "open", sioc_request_url(request));
    while (sioc_request_param_next(request, &pos, &name, &value)) {
        char text[64];
        snprintf(text, sizeof text, "%.*s=%.*s", SIOC_STR_ARG(name), SIOC_STR_ARG(value));
        note(of, "param", sioc_str(text));
    }
    assert_true(is(sioc_request_address(request), "127.0.0.1"));
    assert_true(is(sioc_request_method(request), "GET"));
    if (of->holds)
        sioc_websocket_hold(ws);
}

static void on_message(void *user, intptr_t ref, struct sioc_websocket *ws,
                       struct sioc_str data, bool is_binary)
{
    (void)ref, (void)ws, (void)is_binary;
    note(user, "message", data.len > 16 ? sioc_str("long") : data);
    if (is(data, "hold"))
        sioc_websocket_hold(ws);
}

static void on_close(void *user, intptr_t ref, struct sioc_websocket *ws, unsigned code,
                     struct sioc_str reason)
{
    char text[8];
    (void)ref, (void)ws, (void)reason;
    snprintf(text, sizeof text, "%u", code);
    note(user, "close", sioc_str(text));
}

static void on_drop(void *user, intptr_t ref)
{
    (void)ref;
    note(user, "drop", sioc_str(""));
}

static struct sioc_websocket_handler handler(struct routes *of)
{
    return (struct sioc_websocket_handler){
        .open = on_open, .message = on_message, .close = on_close, .drop = on_drop, .user = of};
}

static void setup(void)
{
    memset(&f, 0, sizeof f);
    f.a.letter = 'a';
    f.b.letter = 'b';
    f.c.letter = 'c';
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_server_new(f.loop, NULL, &f.server), 0);
    assert_int_equal(sioc_websocket_route(f.server, sioc_str("/ws/:id"), handler(&f.a)), 0);
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &f.port), 0);
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

static struct sioc_websocket *join(struct wire *w, const char *path)
{
    f.last = 0;
    wire_connect_path(w, f.loop, f.port, path);
    assert_true(wire_upgraded(w));
    return sioc_websocket_find(f.server, f.last);
}

/* Adopts a draft with the path (NULL: none). */
static void adopt(const char *path, struct routes *of)
{
    struct sioc_server *draft;
    assert_int_equal(sioc_server_new(f.loop, NULL, &draft), 0);
    if (path)
        assert_int_equal(sioc_websocket_route(draft, sioc_str(path), handler(of)), 0);
    assert_int_equal(sioc_server_adopt(f.server, draft), 0);
    sioc_server_free(draft);
}

static size_t rebind(size_t max)
{
    size_t count = 0;
    sioc_server_rebind(f.server, max, &count);
    return count;
}

static void stays_and_is_opened_again(void **state)
{
    struct wire w;
    (void)state;
    setup();
    struct sioc_websocket *ws = join(&w, "/ws/a%20b?q=1");
    uint64_t handle = f.last;
    assert_int_equal(sioc_websocket_subscribe(ws, sioc_str("t")), 0);
    assert_log("a.open /ws/a%20b?q=1;a.param id=a b;");
    adopt("/ws/:name", &f.b);
    assert_log("");
    assert_int_equal(rebind(10), 1);
    assert_int_equal(rebind(10), 0);
    assert_log("a.drop;b.again /ws/a%20b?q=1;b.param name=a b;");
    assert_ptr_equal(sioc_websocket_find(f.server, handle), ws);
    assert_false(sioc_websocket_replayed(ws));
    assert_int_equal(sioc_publish(f.server, sioc_str("t"), sioc_str("news"), false, 0), 1);
    assert_string_equal(wire_next(&w), "news");
    wire_text(&w, "hi");
    wire_settle(f.loop);
    assert_log("b.message hi;");
    wire_close(&w);
    wire_settle(f.loop);
    assert_log("b.close 1006;");
    teardown();
    assert_log("b.drop;");
}

static void slices_are_as_long_as_they_may(void **state)
{
    struct wire w[7];
    size_t count = 0;
    (void)state;
    setup();
    for (int i = 0; i < 7; i++)
        join(&w[i], "/ws/1");
    adopt("/ws/:id", &f.b);
    assert_true(sioc_server_rebind(f.server, 3, &count));
    assert_int_equal(count, 3);
    assert_true(sioc_server_rebind(f.server, 3, &count));
    assert_int_equal(count, 6);
    assert_false(sioc_server_rebind(f.server, 3, &count));
    assert_int_equal(count, 7);
    for (int i = 0; i < 7; i++)
        wire_close(&w[i]);
    teardown();
}

static void what_comes_before_the_slice_finds_the_new_handlers(void **state)
{
    struct wire w;
    (void)state;
    setup();
    join(&w, "/ws/1");
    adopt("/ws/:id", &f.b);
    f.log[0] = '\0';
    wire_text(&w, "hi");
    wire_settle(f.loop);
    assert_log("a.drop;b.again /ws/1;b.param id=1;b.message hi;");
    assert_int_equal(rebind(10), 0);
    adopt("/ws/:id", &f.c);
    wire_close(&w);
    wire_settle(f.loop);
    assert_log("b.drop;c.again /ws/1;c.param id=1;c.close 1006;");
    teardown();
}

static void closing_before_the_slice_tells_the_new_handlers(void **state)
{
    struct wire w;
    (void)state;
    setup();
    struct sioc_websocket *ws = join(&w, "/ws/1");
    adopt("/ws/:id", &f.b);
    f.log[0] = '\0';
    assert_int_equal(sioc_websocket_close(ws, 4000, sioc_str("")), 0);
    assert_log("a.drop;b.again /ws/1;b.param id=1;b.close 4000;");
    assert_string_equal(wire_next(&w), "CLOSE");
    wire_close(&w);
    teardown();
}

static void held_in_the_middle_of_a_burst(void **state)
{
    struct wire w;
    (void)state;
    setup();
    struct sioc_websocket *ws = join(&w, "/ws/1");
    f.b.holds = true;
    adopt("/ws/:id", &f.b);
    f.log[0] = '\0';
    for (const char *c = "12345"; *c; c++) {
        char text[2] = {*c, '\0'};
        wire_text(&w, text);
    }
    wire_text(&w, "hold");
    wire_text(&w, "6");
    wire_settle(f.loop);
    assert_log("a.drop;b.again /ws/1;b.param id=1;");
    sioc_websocket_release(ws);
    assert_log("b.message 1;b.message 2;b.message 3;b.message 4;b.message 5;b.message hold;");
    wire_settle(f.loop);
    assert_log("");
    wire_text(&w, "7"); /* not read: it is held */
    wire_settle(f.loop);
    sioc_websocket_release(ws);
    wire_settle(f.loop);
    assert_log("b.message 6;b.message 7;");
    wire_close(&w);
    teardown();
}

/* What one read can bring is bounded, unless it is compressed: a masked frame of 50 000 times
 * "x". */
static void send_bomb(const struct wire *w)
{
    static const unsigned char head[] = {0xc1, 0x80 | 65, 0,    0,    0,    0,    0xec,
                                         0xc1, 0x01,      0x0d, 0x00, 0x00, 0x00, 0xc2,
                                         0xa0, 0xda,      0x8f, 0x6f, 0x0f, 0x07, 0x14};
    static const unsigned char tail[] = {0x4f, 0x06};
    unsigned char bytes[6 + 65] = {0};
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof bytes - sizeof tail, tail, sizeof tail);
    assert_int_equal(send(w->fd, bytes, sizeof bytes, 0), sizeof bytes);
}

static void too_much_is_not_kept(void **state)
{
    struct sioc_options *options = sioc_options_new();
    char error[160];
    struct wire w;
    (void)state;
    setup();
    sioc_server_free(f.server);
    assert_int_equal(sioc_options_parse(options, "max_payload", "50000", error, sizeof error),
                     0);
    assert_int_equal(
        sioc_options_parse(options, "per_message_deflate", "true", error, sizeof error), 0);
    assert_int_equal(sioc_server_new(f.loop, options, &f.server), 0);
    assert_int_equal(sioc_websocket_route(f.server, sioc_str("/ws"), handler(&f.a)), 0);
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &f.port), 0);
    f.log[0] = '\0';
    struct sioc_websocket *ws = join(&w, "/ws HTTP/1.1\r\n"
                                         "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                                         "X:");
    assert_log("a.open /ws;");
    wire_text(&w, "hold");
    send_bomb(&w);
    wire_settle(f.loop);
    assert_log("a.message hold;"); /* one is allowed to be as long as that */
    sioc_websocket_release(ws);
    assert_log("a.message long;");
    wire_text(&w, "hold");
    for (int i = 0; i < 4; i++)
        send_bomb(&w);
    wire_settle(f.loop);
    assert_log("a.message hold;a.message long;a.message long;a.message long;");
    sioc_websocket_release(ws);
    assert_log("a.message long;");
    wire_close(&w);
    teardown();
}

static void the_peer_goes_while_it_is_held(void **state)
{
    struct wire w;
    (void)state;
    setup();
    join(&w, "/ws/1");
    f.b.holds = true;
    adopt("/ws/:id", &f.b);
    f.log[0] = '\0';
    wire_text(&w, "1");
    wire_text(&w, "2");
    wire_close(&w);
    wire_settle(f.loop);
    assert_log("a.drop;b.again /ws/1;b.param id=1;");
    sioc_websocket_release(sioc_websocket_find(f.server, f.last));
    wire_settle(f.loop);
    assert_log("b.message 1;b.message 2;b.close 1006;");
    teardown();
}

static void a_route_that_is_gone(void **state)
{
    struct wire w[2];
    (void)state;
    setup();
    join(&w[0], "/ws/1");
    join(&w[1], "/ws/2");
    adopt("/new", &f.b);
    f.log[0] = '\0';
    wire_text(&w[1], "never heard");
    assert_string_equal(wire_next(&w[1]), "CLOSE");
    assert_log("a.close 1012;");
    assert_int_equal(rebind(10), 1);
    assert_log("a.close 1012;a.drop;");
    assert_string_equal(wire_next(&w[0]), "CLOSE");
    for (int i = 0; i < 2; i++)
        wire_close(&w[i]);
    wire_connect_path(&w[0], f.loop, f.port, "/ws/1");
    assert_false(wire_upgraded(&w[0]));
    wire_close(&w[0]);
    join(&w[0], "/new");
    assert_log("b.open /new;");
    wire_close(&w[0]);
    teardown();
}

/* Two adoptions in a row, and nothing was re-bound in between. */
static void the_heir_of_the_heir(void **state)
{
    struct wire w;
    (void)state;
    setup();
    join(&w, "/ws/1");
    f.log[0] = '\0';
    adopt("/ws/:id", &f.b);
    adopt("/ws/:id", &f.c);
    assert_log("");
    assert_int_equal(rebind(10), 1);
    assert_log("a.drop;b.drop;c.again /ws/1;c.param id=1;");
    adopt(NULL, NULL);
    adopt("/ws/:id", &f.a); /* it was gone, if only for a moment */
    assert_int_equal(rebind(10), 1);
    assert_log("c.close 1012;c.drop;");
    assert_string_equal(wire_next(&w), "CLOSE");
    wire_close(&w);
    teardown();
}

static void the_server_goes_before_the_slice(void **state)
{
    struct wire w;
    (void)state;
    setup();
    join(&w, "/ws/1");
    f.b.holds = true;
    adopt("/ws/:id", &f.b);
    f.log[0] = '\0';
    wire_text(&w, "1");
    wire_settle(f.loop);
    adopt("/ws/:id", &f.c);
    sioc_server_free(f.server);
    assert_log("a.drop;b.again /ws/1;b.param id=1;b.drop;c.again /ws/1;c.param id=1;c.close "
               "1001;c.drop;");
    wire_close(&w);
    sioc_loop_free(f.loop);
}

#ifdef SIOC_TESTING
/* Each allocation of adopting and re-binding fails once: the connection stays, and hears. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++) {
        struct sioc_server *draft;
        struct wire w;
        setup();
        struct sioc_websocket *ws = join(&w, "/ws/1");
        assert_int_equal(sioc_server_new(f.loop, NULL, &draft), 0);
        assert_int_equal(sioc_websocket_route(draft, sioc_str("/ws/:id"), handler(&f.b)), 0);
        f.b.holds = true;
        mem_test_fail_at(n, false);
        bool adopted = sioc_server_adopt(f.server, draft) == 0;
        wire_text(&w, "1");
        wire_text(&w, "2");
        wire_settle(f.loop);
        bool failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        sioc_websocket_release(ws);
        sioc_server_free(draft);
        assert_non_null(
            strstr(f.log, adopted ? "b.message 1;b.message 2;" : "a.message 1;a.message 2;"));
        wire_close(&w);
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
        cmocka_unit_test(stays_and_is_opened_again),
        cmocka_unit_test(slices_are_as_long_as_they_may),
        cmocka_unit_test(what_comes_before_the_slice_finds_the_new_handlers),
        cmocka_unit_test(closing_before_the_slice_tells_the_new_handlers),
        cmocka_unit_test(held_in_the_middle_of_a_burst),
        cmocka_unit_test(too_much_is_not_kept),
        cmocka_unit_test(the_peer_goes_while_it_is_held),
        cmocka_unit_test(a_route_that_is_gone),
        cmocka_unit_test(the_heir_of_the_heir),
        cmocka_unit_test(the_server_goes_before_the_slice),
#ifdef SIOC_TESTING
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
