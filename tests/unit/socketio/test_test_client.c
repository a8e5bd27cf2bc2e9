/* Clients without a network: they are to a server what any client is, and leave no trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include <sioc/sioc.h>

static struct {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    uint64_t socket;
    struct sioc_reply reply; /* of "later" */
    char log[4096];          /* what the server's handlers are told */
    int arrived;
    struct sioc_test_client *to_close;
} f;

static void note(const char *format, ...)
{
    size_t len = strlen(f.log);
    va_list args;
    va_start(args, format);
    vsnprintf(f.log + len, sizeof f.log - len, format, args);
    va_end(args);
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *))
{
    return (struct sioc_handler){.call = fn};
}

/* The arguments as JSON; binary data has its length. */
static int put_length(struct sioc_sink *sink, struct sioc_buffer *data);

static const char *print(const struct sioc_event *event)
{
    static char text[1024];
    struct sioc_json_encoder *e = sioc_json_encoder_new();
    struct sioc_sink *sink = sioc_json_encoder_sink(e);
    struct sioc_sink_ops ops = *sink->ops;
    const struct sioc_sink_ops *own = sink->ops;
    ops.binary = put_length;
    sink->ops = &ops;
    sink->ops->array_begin(sink, SIOC_COUNT_UNKNOWN);
    assert_int_equal(sioc_event_read(event, sink, NULL), 0);
    sink->ops->array_end(sink);
    snprintf(text, sizeof text, "%.*s", SIOC_STR_ARG(sioc_json_encoder_text(e)));
    sink->ops = own;
    sioc_json_encoder_free(e);
    return text;
}

static int put_length(struct sioc_sink *sink, struct sioc_buffer *data)
{
    return sioc_put_int(sink, (int64_t)sioc_buffer_bytes(data).len);
}

/* ---- the server's side ---- */

static struct sioc_message *message(const char *name, const char *text)
{
    struct sioc_message *m;
    assert_int_equal(sioc_message_new(f.root, sioc_str(name), &m), 0);
    if (text)
        sioc_put_text(sioc_message_sink(m), text);
    return m;
}

static void on_middleware(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_handshake h;
    struct sioc_str name, value;
    size_t pos = 0;
    (void)user, (void)ref;
    sioc_socket_handshake(sioc_event_socket(event), &h);
    note("ask %.*s %.*s %.*s%s;", SIOC_STR_ARG(h.auth), SIOC_STR_ARG(h.address),
         SIOC_STR_ARG(h.url), h.xdomain ? " x" : "");
    while (sioc_socket_header_next(sioc_event_socket(event), &pos, &name, &value))
        note("%.*s=%.*s;", SIOC_STR_ARG(name), SIOC_STR_ARG(value));
    for (pos = 0; sioc_socket_query_next(sioc_event_socket(event), &pos, &name, &value);)
        note("%.*s?%.*s;", SIOC_STR_ARG(name), SIOC_STR_ARG(value));
    f.socket = sioc_socket_handle(sioc_event_socket(event));
    if (strstr(f.log, "\"no\""))
        sioc_admit(f.server, f.socket, "not you", sioc_str("{\"code\":7}"));
    else if (!strstr(f.log, "\"later\""))
        sioc_admit(f.server, f.socket, NULL, sioc_str(""));
}

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    note("connection %s;", sioc_socket_transport(sioc_event_socket(event)));
    sioc_socket_join(sioc_event_socket(event), sioc_str("lobby"));
    struct sioc_message *m;
    if (sioc_message_new(f.root, sioc_str("welcome"), &m) == 0) { /* but for lack of memory */
        sioc_put_text(sioc_message_sink(m), "you");
        sioc_socket_emit(sioc_event_socket(event), m, NULL);
    }
}

static void on_disconnect(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    note("disconnect %.*s;", SIOC_STR_ARG(sioc_event_reason(event)));
}

static void on_any(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    note("%.*s %s;", SIOC_STR_ARG(sioc_event_name(event)), print(event));
    if (sioc_event_reply(event).wanted) {
        struct sioc_message *m;
        assert_int_equal(sioc_message_new_answer(f.root, &m), 0);
        sioc_event_read(event, sioc_message_sink(m), NULL);
        assert_int_equal(sioc_reply_send(f.server, sioc_event_reply(event), m), 0);
    }
    sioc_test_close(f.to_close);
}

static void on_ack(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    note("ack %d", sioc_event_status(event));
    note(" %s;", sioc_event_status(event) == 0 ? print(event) : "");
}

static void arrived(void *user)
{
    assert_ptr_equal(user, &f);
    f.arrived++;
}

static void setup(const char *parser)
{
    struct sioc_options *o = sioc_options_new();
    memset(&f, 0, sizeof f);
    if (parser)
        assert_int_equal(sioc_options_set_text(o, "parser", parser, f.log, sizeof f.log), 0);
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_server_new(f.loop, o, &f.server), 0);
    assert_int_equal(sioc_server_of(f.server, sioc_str("/"), &f.root), 0);
    sioc_namespace_use(f.root, handler(on_middleware));
    sioc_namespace_on(f.root, sioc_str("connection"), handler(on_connection), 0);
    sioc_namespace_on(f.root, sioc_str("disconnect"), handler(on_disconnect), 0);
    sioc_namespace_event(f.root, (struct sioc_str){NULL, 0}, handler(on_any), 0);
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

/* ---- the client's side ---- */

static struct sioc_test_client *open_client(const struct sioc_test_handshake *handshake)
{
    struct sioc_test_client *c;
    assert_int_equal(sioc_test_open(f.server, handshake, arrived, &f, &c), 0);
    return c;
}

static const char *next(struct sioc_test_client *c)
{
    static char text[1200];
    struct sioc_test_packet p;
    int r = sioc_test_next(c, &p);
    char id[32] = "";
    assert_int_equal(r, 0);
    if (p.has_id)
        snprintf(id, sizeof id, "#%d", (int)p.id);
    switch (p.kind) {
    case SIOC_TEST_NOTHING:
        return NULL;
    case SIOC_TEST_CONNECTED:
        assert_true(strncmp(p.json.ptr, "{\"sid\":\"", 8) == 0 && p.json.len == 30);
        snprintf(text, sizeof text, "connected %.*s", SIOC_STR_ARG(p.nsp));
        break;
    case SIOC_TEST_REFUSED:
        snprintf(text, sizeof text, "refused %.*s %.*s", SIOC_STR_ARG(p.nsp),
                 SIOC_STR_ARG(p.json));
        break;
    case SIOC_TEST_EVENT:
        snprintf(text, sizeof text, "%.*s%s %s", SIOC_STR_ARG(sioc_event_name(p.event)), id,
                 print(p.event));
        break;
    case SIOC_TEST_ANSWER:
        snprintf(text, sizeof text, "answer%s %s", id, print(p.event));
        break;
    case SIOC_TEST_DISCONNECTED:
        snprintf(text, sizeof text, "disconnected %.*s", SIOC_STR_ARG(p.nsp));
        break;
    case SIOC_TEST_CLOSED:
        return "closed";
    }
    return text;
}

static struct sioc_test_client *join(void)
{
    struct sioc_test_client *c = open_client(NULL);
    assert_int_equal(sioc_test_connect(c, sioc_str("/"), (struct sioc_str){NULL, 0}), 0);
    assert_string_equal(next(c), "connected /");
    assert_string_equal(next(c), "welcome [\"you\"]");
    assert_null(next(c));
    f.log[0] = '\0';
    return c;
}

static void send_binary(struct sioc_test_client *c, const char *name, uint64_t id)
{
    struct sioc_message *m = message(name, "h\xc3\xa9");
    struct sioc_buffer *b = sioc_buffer_new(sioc_str("12345"));
    sioc_put_binary(sioc_message_sink(m), b);
    sioc_buffer_unref(b);
    assert_int_equal(sioc_test_send(c, m, &id), 0);
}

/* ---- */

static const char *const parsers[] = {"json", "msgpack"};

static void it_joins_with_a_handshake(void **state)
{
    const struct sioc_http_field headers[] = {{sioc_str("X-One"), sioc_str("1")},
                                              {sioc_str("Origin"), sioc_str("http://a")}};
    const struct sioc_test_handshake h = {.query = sioc_str("a=1&b=c%20d"),
                                          .address = sioc_str("10.1.2.3"),
                                          .headers = headers,
                                          .header_count = 2};
    (void)state;
    for (int i = 0; i < 2; i++) {
        setup(parsers[i]);
        struct sioc_test_client *c = open_client(&h);
        assert_null(next(c));
        assert_string_equal(f.log, "");
        sioc_test_connect(c, sioc_str("/"), sioc_str("{\"t\":1}"));
        assert_string_equal(
            f.log, "ask {\"t\":1} 10.1.2.3 /socket.io/?EIO=4&transport=websocket&a=1&b=c%20d "
                   "x;x-one=1;"
                   "origin=http://a;EIO?4;transport?websocket;a?1;b?c d;connection websocket;");
        assert_string_equal(next(c), "connected /");
        assert_string_equal(next(c), "welcome [\"you\"]");
        assert_null(next(c));
        f.log[0] = '\0';
        sioc_test_close(c);
        assert_string_equal(f.log, "disconnect transport close;");
        teardown();
    }
}

static void it_may_be_refused_or_wait(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        setup(parsers[i]);
        struct sioc_test_client *c = open_client(NULL);
        sioc_test_connect(c, sioc_str("/"), sioc_str("{\"a\":\"no\"}"));
        assert_string_equal(f.log,
                            "ask {\"a\":\"no\"} 127.0.0.1 "
                            "/socket.io/?EIO=4&transport=websocket;EIO?4;transport?websocket;");
        assert_string_equal(next(c),
                            "refused / {\"message\":\"not you\",\"data\":{\"code\":7}}");
        sioc_test_connect(c, sioc_str("/nowhere"), (struct sioc_str){NULL, 0});
        assert_string_equal(next(c), "refused /nowhere {\"message\":\"Invalid namespace\"}");
        f.log[0] = '\0';
        sioc_test_connect(c, sioc_str("/"), sioc_str("{\"a\":\"later\"}"));
        assert_null(next(c));
        sioc_admit(f.server, f.socket, NULL, sioc_str(""));
        assert_string_equal(next(c), "connected /");
        sioc_test_close(c);
        teardown();
    }
}

static void events_and_answers_go_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        setup(parsers[i]);
        struct sioc_test_client *c = join();
        assert_int_equal(sioc_test_send(c, message("hello", NULL), NULL), 0);
        send_binary(c, "say", 17);
        assert_string_equal(f.log, "hello [];say [\"h\xc3\xa9\",5];");
        assert_string_equal(next(c), "answer#17 [\"h\xc3\xa9\",5]");
        assert_null(next(c));

        f.log[0] = '\0';
        struct sioc_emit ask = {.ack = handler(on_ack)};
        struct sioc_socket *s = sioc_socket_find(f.server, f.socket);
        sioc_socket_emit(s, message("q", "?"), &ask);
        struct sioc_test_packet p;
        assert_int_equal(sioc_test_next(c, &p), 0);
        assert_true(p.kind == SIOC_TEST_EVENT && p.has_id);
        uint64_t id = p.id;
        struct sioc_message *m;
        sioc_message_new_answer(f.root, &m);
        sioc_put_int(sioc_message_sink(m), 42);
        assert_int_equal(sioc_test_answer(c, m, id), 0);
        assert_string_equal(f.log, "ack 0 [42];");
        f.log[0] = '\0';
        sioc_socket_emit(s, message("q", "?"), &ask);
        sioc_test_close(c);
        assert_non_null(strstr(f.log, "ack -"));
        teardown();
    }
}

static void it_hears_broadcasts(void **state)
{
    const struct sioc_str lobby = sioc_str("lobby");
    struct sioc_target target = {.rooms = &lobby, .room_count = 1};
    (void)state;
    setup(NULL);
    struct sioc_test_client *a = join(), *b = join();
    target.except_socket = f.socket;
    assert_int_equal(sioc_broadcast(f.root, &target, message("x", "1"), NULL), 1);
    assert_string_equal(next(a), "x [\"1\"]");
    assert_null(next(a));
    assert_null(next(b));
    f.arrived = 0;
    target.room_count = 0;
    struct sioc_emit emit = {.is_volatile = true};
    assert_int_equal(sioc_broadcast(f.root, &target, message("y", "2"), &emit), 1);
    assert_int_equal(f.arrived, 0); /* not from within */
    sioc_loop_step(f.loop, false);
    assert_true(f.arrived > 0);
    assert_string_equal(next(a), "y [\"2\"]");
    sioc_test_close(a);
    sioc_test_close(b);
    sioc_test_close(NULL);
    teardown();
}

static void it_leaves_and_is_sent_away(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        setup(parsers[i]);
        struct sioc_test_client *c = join();
        sioc_test_disconnect(c, sioc_str("/"));
        assert_string_equal(f.log, "disconnect client namespace disconnect;");
        assert_null(next(c));
        assert_true(sioc_test_is_open(c));
        sioc_test_connect(c, sioc_str("/"), (struct sioc_str){NULL, 0});
        next(c), next(c);
        sioc_socket_disconnect(sioc_socket_find(f.server, f.socket), false);
        assert_string_equal(next(c), "disconnected /");
        assert_null(next(c));
        /* What the state does not allow. */
        assert_int_equal(sioc_test_send(c, message("x", NULL), NULL), 0);
        assert_false(sioc_test_is_open(c));
        assert_string_equal(next(c), "closed");
        assert_string_equal(next(c), "closed");
        assert_int_equal(sioc_test_send(c, message("x", NULL), NULL), SIOC_ECLOSED);
        assert_int_equal(sioc_test_connect(c, sioc_str("/"), sioc_str("{}")), SIOC_ECLOSED);
        sioc_test_close(c);

        c = join();
        sioc_socket_disconnect(sioc_socket_find(f.server, f.socket), true);
        assert_string_equal(next(c), "disconnected /");
        assert_string_equal(next(c), "closed");
        sioc_test_close(c);
        teardown();
    }
}

static void it_may_be_closed_by_what_it_does(void **state)
{
    (void)state;
    setup(NULL);
    struct sioc_test_client *c = join();
    f.to_close = c;
    assert_int_equal(sioc_test_send(c, message("bye", NULL), NULL), 0);
    assert_string_equal(f.log, "bye [];disconnect transport close;");
    teardown();
}

static int drops;

static void on_drop(void *user, intptr_t ref)
{
    (void)user, (void)ref;
    drops++;
}

/* Whose handlers they are may be gone right behind the server: nothing of them may wait for the
 * end of the turn. */
static void handlers_go_with_the_server(void **state)
{
    struct sioc_handler h = {.call = on_any, .drop = on_drop};
    (void)state;
    setup(NULL);
    struct sioc_test_client *c = join();
    struct sioc_socket *s = sioc_socket_find(f.server, f.socket);
    drops = 0;
    assert_int_equal(sioc_socket_on(s, sioc_str("x"), h, 0), 0);
    assert_int_equal(sioc_socket_on_outgoing(s, h, 0), 0);
    assert_int_equal(sioc_socket_use(s, h), 0);
    assert_int_equal(sioc_namespace_on(f.root, sioc_str("disconnecting"), h, 0), 0);
    sioc_test_close(c);
    sioc_server_free(f.server);
    assert_int_equal(drops, 4);
    sioc_loop_free(f.loop);
}

static uint64_t metric(const char *wanted)
{
    uint64_t value;
    const char *name;
    for (size_t i = 0; sioc_server_metric(f.server, i, &name, &value); i++)
        if (strcmp(name, wanted) == 0)
            return value;
    fail_msg("no metric %s", wanted);
    return 0;
}

static void it_leaves_no_trace(void **state)
{
    uint64_t value;
    const char *name;
    (void)state;
    setup(NULL);
    struct sioc_test_client *a = join(), *b = join();
    sioc_test_send(a, message("x", NULL), NULL);
    sioc_test_close(a);
    assert_int_equal(metric("sessions_opened"), 2);
    sioc_test_close(b);
    for (size_t i = 0; sioc_server_metric(f.server, i, &name, &value); i++)
        if (value != 0 && strcmp(name, "connection_bytes") != 0)
            fail_msg("%s is %d", name, (int)value);
    assert_int_equal(sioc_server_client_count(f.server), 0);
    teardown();
}

/* What connections, sessions and sockets take, no more and no less: of one as of each. */
static void memory_is_counted(void **state)
{
    (void)state;
    setup(NULL);
    sioc_loop_step(f.loop, false);
    uint64_t before = metric("connection_bytes");
    struct sioc_test_client *a = join();
    uint64_t one = metric("connection_bytes") - before;
    assert_in_range(one, 200, 4096);
    struct sioc_test_client *b = join();
    assert_int_equal(metric("connection_bytes") - before, 2 * one);
    sioc_test_close(a);
    sioc_test_close(b);
    sioc_loop_step(f.loop, false);
    assert_int_equal(metric("connection_bytes"), before);
    teardown();
}

static void not_where_real_clients_come(void **state)
{
    char big[33000];
    struct sioc_test_handshake h = {.query = sioc_str_n(big, sizeof big)};
    struct sioc_test_client *c;
    uint16_t port;
    (void)state;
    setup(NULL);
    memset(big, 'x', sizeof big);
    assert_int_equal(sioc_test_open(f.server, &h, NULL, NULL, &c), SIOC_ETOOBIG);
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &port), 0);
    assert_int_equal(sioc_test_open(f.server, NULL, NULL, NULL, &c), SIOC_ESTATE);
    teardown();
}

static void who_asks_for_nothing_is_bounded(void **state)
{
    struct sioc_test_packet p;
    (void)state;
    setup(NULL);
    struct sioc_test_client *c = join();
    size_t size = 1 << 20;
    char *big = mem_alloc(size);
    memset(big, 'x', size);
    int sent = 0, r = 0, asked = 100; /* as often as it asks */
    for (; r == 0 && sent < 200; sent++) {
        struct sioc_message *m = message("big", NULL);
        if (sent <= asked)
            assert_int_equal(sioc_test_next(c, &p), 0);
        sioc_put_str(sioc_message_sink(m), sioc_str_n(big, size));
        r = sioc_socket_emit(sioc_socket_find(f.server, f.socket), m, NULL);
    }
    mem_free(big);
    assert_int_equal(r, SIOC_EFULL);
    assert_int_equal(sent, asked + 64);
    for (int i = 0; i < 63; i++)
        assert_int_equal(sioc_test_next(c, &p), 0);
    assert_int_equal(p.kind, SIOC_TEST_EVENT);
    sioc_loop_step(f.loop, false); /* as any slow reader it goes in the next turn */
    sioc_loop_step(f.loop, false);
    assert_string_equal(f.log, "disconnect transport error;");
    assert_string_equal(next(c), "closed");
    sioc_test_close(c);
    teardown();
}

#ifdef SIOC_TESTING
static void memory_may_run_out(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        setup(NULL);
        struct sioc_test_client *c = NULL;
        struct sioc_test_packet p;
        mem_test_fail_at(n, false);
        if (sioc_test_open(f.server, NULL, NULL, NULL, &c) == 0) {
            sioc_test_connect(c, sioc_str("/"), sioc_str("{}"));
            while (sioc_test_next(c, &p) == 0 && p.kind != SIOC_TEST_NOTHING &&
                   p.kind != SIOC_TEST_CLOSED)
                ;
        }
        size_t used = mem_test_count();
        mem_test_fail_at(0, false);
        sioc_test_close(c);
        teardown();
        if (n > used)
            break;
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_joins_with_a_handshake),
        cmocka_unit_test(it_may_be_refused_or_wait),
        cmocka_unit_test(events_and_answers_go_both_ways),
        cmocka_unit_test(it_hears_broadcasts),
        cmocka_unit_test(it_leaves_and_is_sent_away),
        cmocka_unit_test(it_may_be_closed_by_what_it_does),
        cmocka_unit_test(handlers_go_with_the_server),
        cmocka_unit_test(it_leaves_no_trace),
        cmocka_unit_test(memory_is_counted),
        cmocka_unit_test(not_where_real_clients_come),
        cmocka_unit_test(who_asks_for_nothing_is_bounded),
#ifdef SIOC_TESTING
        cmocka_unit_test(memory_may_run_out),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
