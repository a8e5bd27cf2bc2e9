/* <sioc/conn.h> by its promises: raw Engine.IO, and what is told of connections below sockets.
 */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ALL 0x1ffu

static struct fixture {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root;
    uint16_t port;
    char log[8192];
    uint64_t last; /* handle of the connection that opened, or was asked for, last */
    unsigned events;
    unsigned close_at; /* kind of the event inside of which the connection is closed */
    bool discard, echo, out_of_memory;
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

static void note_packet(const struct sioc_conn_packet *p)
{
    size_t len = p->data.len < 12 ? p->data.len : 12;
    note("%s(%s%.*s%s)", p->type, p->is_binary ? "binary " : "", (int)len, p->data.ptr,
         p->no_compress ? " plain" : "");
}

static const char *name_of(unsigned kind)
{
    static const char *const names[] = {"message",   "close",   "packet", "create", "heartbeat",
                                        "upgrading", "upgrade", "flush",  "drain"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (kind == 1u << i)
            return names[i];
    return "?";
}

static void on_event(void *user, intptr_t ref, struct sioc_conn *conn,
                     const struct sioc_conn_event *event)
{
    (void)user;
    note("%s%s", ref ? "again " : "", name_of((unsigned)event->kind));
    if (event->kind & (SIOC_CONN_MESSAGE | SIOC_CONN_PACKET | SIOC_CONN_PACKET_CREATE)) {
        note(" ");
        note_packet(&event->packet);
    }
    for (size_t i = 0; i < event->packet_count; i++) {
        note(" ");
        note_packet(&event->packets[i]);
    }
    if (event->kind == SIOC_CONN_CLOSE)
        note(" %s/%s", event->reason, event->details);
    note(";");
    if (f.close_at == (unsigned)event->kind) {
        f.close_at = 0;
        sioc_conn_close(conn, f.discard);
        assert_int_equal(sioc_conn_send(conn, sioc_str("x"), NULL), SIOC_ECLOSED);
    } else if (event->kind == SIOC_CONN_MESSAGE && f.echo) {
        struct sioc_conn_send how = {.is_binary = event->packet.is_binary};
        int r = sioc_conn_send(conn, event->packet.data, &how);
        assert_true(r == 0 || (f.out_of_memory && r == SIOC_ENOMEM) ||
                    (r == SIOC_ECLOSED && sioc_conn_state(conn) == SIOC_CONN_CLOSED));
    }
}

static void on_drop(void *user, intptr_t ref)
{
    (void)user;
    note("%sdrop;", ref ? "again " : "");
}

static struct sioc_conn_handler handler(intptr_t ref)
{
    return (struct sioc_conn_handler){.call = on_event, .drop = on_drop, .ref = ref};
}

static void on_open(void *user, intptr_t ref, struct sioc_conn *conn)
{
    (void)user;
    note("open%d%s;", (int)ref, sioc_conn_replayed(conn) ? " again" : "");
    f.last = sioc_conn_handle(conn);
    sioc_conn_listen(conn, f.events, handler(0));
}

static void on_route_drop(void *user, intptr_t ref)
{
    (void)user;
    note("route%d drop;", (int)ref);
}

static struct sioc_conn_opener opener(intptr_t ref)
{
    return (struct sioc_conn_opener){.open = on_open, .drop = on_route_drop, .ref = ref};
}

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    struct sioc_socket *s = sioc_event_socket(event);
    struct sioc_conn *conn = sioc_socket_conn(s);
    assert_non_null(conn);
    assert_ptr_equal(sioc_socket_conn(s), conn);
    assert_int_equal(sioc_conn_number(conn), sioc_socket_client(s));
    f.last = sioc_conn_handle(conn);
    if (f.events)
        sioc_conn_listen(conn, f.events, handler(0));
}

static void set(struct sioc_options *options, const char *name, const char *value)
{
    char error[160];
    assert_int_equal(sioc_options_parse(options, name, value, error, sizeof error), 0);
}

static int start(const char *name, const char *value)
{
    struct sioc_options *options = sioc_options_new();
    memset(&f, 0, sizeof f);
    f.echo = true;
    f.events = SIOC_CONN_MESSAGE | SIOC_CONN_CLOSE;
    if (name)
        set(options, name, value);
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_server_new(f.loop, options, &f.server), 0);
    assert_int_equal(sioc_server_of(f.server, sioc_str("/"), &f.root), 0);
    sioc_namespace_on(f.root, sioc_str("connection"),
                      (struct sioc_handler){.call = on_connection}, 0);
    assert_int_equal(sioc_engineio_route(f.server, sioc_str("/engine.io"), opener(1)), 0);
    assert_int_equal(sioc_server_listen(f.server, "127.0.0.1", 0, &f.port), 0);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return start(NULL, NULL);
}

static int teardown(void **state)
{
    (void)state;
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
    return 0;
}

static struct sioc_conn *conn(void)
{
    return sioc_conn_find(f.server, f.last);
}

static void expect_log(const char *text)
{
    assert_string_equal(f.log, text);
    f.log[0] = '\0';
}

/* Steps until something of that name was told. */
static void await(const char *text)
{
    for (int i = 0; i < 2000 && !strstr(f.log, text); i++)
        wire_settle(f.loop);
    assert_non_null(strstr(f.log, text));
}

static void open_raw(struct wire *w)
{
    wire_connect_path(w, f.loop, f.port, "/engine.io/?EIO=4&transport=websocket&a=b");
    assert_true(wire_open(w));
    assert_non_null(conn());
}

static void open_socket(struct wire *w)
{
    wire_connect(w, f.loop, f.port);
    assert_true(wire_open(w));
    wire_text(w, "40");
    assert_int_equal(strncmp(wire_next(w), "40{", 3), 0);
    assert_non_null(conn());
}

/* ---- raw ---- */

static void raw_messages_come_and_go(void **state)
{
    struct wire w;
    (void)state;
    open_raw(&w);
    wire_text(&w, "4hi");
    assert_string_equal(wire_next(&w), "4hi");
    wire_text(&w, "4");
    assert_string_equal(wire_next(&w), "4");
    wire_binary(&w, "\1\2", 2);
    assert_string_equal(wire_next(&w), "\1\2");
    assert_int_equal(sioc_conn_send(conn(), sioc_str_n("\xff", 1), NULL), SIOC_EUTF8);
    expect_log("open1;message message(hi);message message();message message(binary \1\2);");
    assert_int_equal(sioc_server_client_count(f.server), 0); /* Socket.IO's */
    wire_text(&w, "1");
    assert_string_equal(wire_next(&w), "CLOSE");
    expect_log("close transport close/;drop;");
    assert_null(conn());
    wire_close(&w);
}

static void raw_over_http(void **state)
{
    char path[128];
    (void)state;
    const char *open =
        wire_http(f.loop, f.port, "GET /engine.io/?EIO=4&transport=polling", "", 0);
    assert_int_equal(strncmp(open, "0{\"sid\":\"", 9), 0);
    snprintf(path, sizeof path, "POST /engine.io/?EIO=4&transport=polling&sid=%.20s", open + 9);
    assert_string_equal(wire_http(f.loop, f.port, path,
                                  "4a\x1e"
                                  "bAQI=",
                                  8),
                        "ok");
    assert_int_equal(sioc_conn_waiting(conn()), 2);
    assert_true(sioc_conn_queued(conn()) > 0);
    assert_false(sioc_conn_writable(conn()));
    memcpy(path + 1, "GET", 3);
    assert_string_equal(wire_http(f.loop, f.port, path + 1, "", 0), "4a\x1e"
                                                                    "bAQI=");
    /* The session is the route's, not Socket.IO's. */
    snprintf(path, sizeof path, "GET /socket.io/?EIO=4&transport=polling&sid=%.20s", open + 9);
    assert_non_null(strstr(wire_http(f.loop, f.port, path, "", 0), "Session ID unknown"));
    sioc_conn_close(conn(), false);
    assert_int_equal(sioc_conn_state(conn()), SIOC_CONN_CLOSING);
    sioc_conn_close(conn(), true);
    assert_null(conn());
}

static void routes_are_checked(void **state)
{
    struct wire w;
    (void)state;
    static const struct {
        const char *path;
        int error;
    } cases[] = {
        {"", SIOC_EINVAL},
        {"/", SIOC_EINVAL},
        {"engine.io/", SIOC_EINVAL},
        {"/x?y", SIOC_EINVAL},
        {"/engine.io/", SIOC_EEXIST},
        {"/engine.io", SIOC_EEXIST},
        {"/socket.io/", SIOC_EEXIST},
        {"/other/", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sioc_engineio_route(f.server, sioc_str(cases[i].path), opener(2)),
                         cases[i].error);
    assert_int_equal(sioc_engineio_route(f.server, sioc_str("/none/"),
                                         (struct sioc_conn_opener){.open = NULL}),
                     SIOC_EINVAL);
    wire_connect_path(&w, f.loop, f.port, "/other/?EIO=4&transport=websocket");
    assert_true(wire_open(&w));
    expect_log("open2;");
    wire_close(&w);
    wire_connect_path(&w, f.loop, f.port, "/engine.io?EIO=4&transport=websocket");
    assert_false(wire_open(&w)); /* without its slash it is another path */
    wire_close(&w);
    f.log[0] = '\0';
    sioc_server_free(f.server);
    f.server = NULL;
    expect_log("route1 drop;route2 drop;");
}

/* ---- what is told ---- */

static void all_that_happens_below_a_socket(void **state)
{
    struct wire w;
    (void)state;
    f.events = ALL;
    f.echo = false;
    open_socket(&w);
    struct sioc_conn *c = conn();
    f.log[0] = '\0';
    wire_text(&w, "42[\"e\"]");
    await("message");
    expect_log("packet message(2[\"e\"]);message message(2[\"e\"]);");
    struct sioc_conn_send how = {.is_binary = true, .no_compress = true};
    assert_int_equal(sioc_conn_send(c, sioc_str("by hand"), NULL), 0);
    assert_int_equal(sioc_conn_send(c, sioc_str_n("\1\2", 2), &how), 0);
    expect_log("create message(by hand);create message(binary \1\2 plain);");
    await("drain");
    expect_log("flush message(by hand) message(binary \1\2 plain);drain;");
    assert_string_equal(wire_next(&w), "4by hand");
    assert_string_equal(wire_next(&w), "\1\2");
    /* Only what is asked for. */
    sioc_conn_set_events(c, SIOC_CONN_CLOSE);
    assert_int_equal(sioc_conn_send(c, sioc_str("quiet"), NULL), 0);
    assert_string_equal(wire_next(&w), "4quiet");
    sioc_conn_listen(c, SIOC_CONN_DRAIN, handler(1));
    expect_log("drop;");
    assert_int_equal(sioc_conn_send(c, sioc_str("loud"), NULL), 0);
    await("drain");
    expect_log("again drain;");
    assert_ptr_equal(sioc_conn_handler(c)->call, on_event);
    wire_close(&w);
    expect_log("again drop;");
}

static void heartbeats(void **state)
{
    struct wire w;
    (void)state;
    start("ping_interval", "0.05");
    f.events = SIOC_CONN_HEARTBEAT | SIOC_CONN_PACKET | SIOC_CONN_PACKET_CREATE;
    open_raw(&w);
    assert_string_equal(wire_next(&w), "2");
    wire_text(&w, "3");
    await("heartbeat");
    assert_non_null(strstr(f.log, "open1;create ping();packet pong();heartbeat;"));
    wire_text(&w, "x");
    await("error");
    wire_close(&w);
    teardown(NULL);
}

/* Whatever it is told of, the handler may end it there. */
static void closed_inside(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind <= ALL; kind <<= 1) {
        for (int discard = 0; discard < 2; discard++) {
            struct wire w;
            start("ping_interval", "0.05");
            f.events = ALL;
            open_raw(&w);
            f.close_at = kind;
            f.discard = discard;
            wire_text(&w, "4hi");
            wire_text(&w, "3");
            if (kind & (SIOC_CONN_CLOSE | SIOC_CONN_UPGRADE | SIOC_CONN_UPGRADING))
                sioc_conn_close(conn(), discard);
            await("close forced close");
            assert_null(conn());
            wire_close(&w);
            teardown(NULL);
        }
    }
}

static void facts(void **state)
{
    struct wire w;
    struct sioc_handshake handshake;
    struct sioc_str name, value;
    size_t pos = 0, pairs = 0, headers = 0;
    (void)state;
    open_raw(&w);
    const struct sioc_conn *c = conn();
    assert_int_equal(sioc_conn_state(c), SIOC_CONN_OPEN);
    assert_string_equal(sioc_conn_transport(c), "websocket");
    assert_int_equal(sioc_conn_protocol(c), 4);
    assert_false(sioc_conn_upgraded(c));
    assert_true(sioc_conn_writable(c));
    sioc_conn_handshake(c, &handshake);
    assert_int_equal(handshake.address.len, strlen("127.0.0.1"));
    assert_memory_equal(handshake.url.ptr, "/engine.io/?EIO=4", 17);
    while (sioc_conn_query_next(c, &pos, &name, &value))
        pairs++;
    assert_int_equal(pairs, 3);
    for (pos = 0; sioc_conn_header_next(c, &pos, &name, &value);)
        headers++;
    assert_true(headers >= 4);
    assert_null(sioc_conn_find(f.server, 0));
    wire_close(&w);
}

static void keeps_messages_while_it_is_held(void **state)
{
    struct wire w;
    (void)state;
    f.echo = false;
    open_raw(&w);
    f.log[0] = '\0';
    sioc_conn_hold(conn());
    sioc_conn_hold(conn());
    wire_text(&w, "4a");
    wire_binary(&w, "b", 1);
    wire_settle(f.loop);
    sioc_conn_release(conn());
    expect_log("");
    sioc_conn_release(conn());
    expect_log("message message(a);message message(binary b);");
    /* No more than 64: then all of them come, and the hold is over. */
    sioc_conn_hold(conn());
    for (int i = 0; i < 64; i++)
        wire_text(&w, "4x");
    wire_settle(f.loop);
    expect_log("");
    wire_text(&w, "4y");
    await("message(y)");
    assert_int_equal(strncmp(f.log, "message message(x);", 19), 0);
    f.log[0] = '\0';
    sioc_conn_release(conn()); /* nothing is held any more */
    /* What came before the end is told before the end. */
    sioc_conn_hold(conn());
    wire_text(&w, "4z");
    wire_text(&w, "1");
    await("close");
    expect_log("message message(z);close transport close/;drop;");
    wire_close(&w);
}

/* ---- the engine's own events ---- */

static void on_engine_connection(void *user, struct sioc_conn *c)
{
    (void)user;
    note("connection %d;", (int)sioc_conn_number(c));
}

static void on_engine_flush(void *user, struct sioc_conn *c,
                            const struct sioc_conn_event *event)
{
    (void)user, (void)c;
    note("flush %zu;", event->packet_count);
}

static void on_engine_drain(void *user, struct sioc_conn *c)
{
    (void)user, (void)c;
    note("drain;");
}

static void of_all_clients(void **state)
{
    struct wire w, v;
    size_t pos = 0;
    (void)state;
    const struct sioc_engine_events events = {
        .connection = on_engine_connection, .flush = on_engine_flush, .drain = on_engine_drain};
    f.events = 0;
    open_socket(&w);
    assert_int_equal(sioc_conn_number(sioc_conn_next(f.server, &pos)), 1);
    assert_null(sioc_conn_next(f.server, &pos));
    sioc_engine_set_events(f.server, &events); /* of those that are there, too */
    sioc_conn_send(conn(), sioc_str("x"), NULL);
    await("drain");
    expect_log("flush 1;drain;");
    open_socket(&v);
    await("drain");
    f.log[sizeof "connection 2;" - 1] = '\0';
    expect_log("connection 2;");
    sioc_engine_set_events(f.server, NULL);
    sioc_conn_send(conn(), sioc_str("x"), NULL);
    assert_string_equal(wire_next(&v), "4x");
    wire_close(&v);
    wire_close(&w);
    expect_log("");
}

/* ---- handlers are exchanged ---- */

static void new_handlers(void **state)
{
    struct sioc_server *draft;
    struct wire raw, idle, lost, below, w;
    size_t count = 0;
    (void)state;
    f.events = ALL;
    assert_int_equal(sioc_engineio_route(f.server, sioc_str("/gone/"), opener(2)), 0);
    open_socket(&below);
    wire_connect_path(&lost, f.loop, f.port, "/gone/?EIO=4&transport=websocket");
    assert_true(wire_open(&lost));
    open_raw(&idle);
    open_raw(&raw);
    f.log[0] = '\0';
    assert_int_equal(sioc_server_new(f.loop, NULL, &draft), 0);
    assert_int_equal(sioc_engineio_route(draft, sioc_str("/engine.io/"), opener(3)), 0);
    assert_int_equal(sioc_engineio_route(draft, sioc_str("/new/"), opener(4)), 0);
    assert_int_equal(sioc_server_adopt(f.server, draft), 0);
    sioc_server_free(draft);
    /* That of the socket has no handler any more; the raw ones still have theirs. */
    assert_string_equal(f.log, "route2 drop;drop;route1 drop;");
    f.log[0] = '\0';
    f.events = SIOC_CONN_MESSAGE;
    wire_text(&raw, "4first");
    assert_string_equal(wire_next(&raw), "4first");
    expect_log("open3 again;drop;message message(first);");
    while (sioc_server_rebind(f.server, 1, &count))
        ;
    assert_int_equal(count, 3);
    expect_log("close forced close/;drop;open3 again;drop;");
    assert_string_equal(wire_next(&lost), "CLOSE");
    wire_close(&lost);
    wire_close(&idle);
    wire_close(&raw);
    expect_log("drop;drop;");
    wire_text(&below, "42[\"e\"]"); /* nobody listens any more */
    wire_settle(f.loop);
    wire_connect_path(&w, f.loop, f.port, "/gone/?EIO=4&transport=websocket");
    assert_false(wire_open(&w));
    wire_close(&w);
    expect_log("");
    f.events = 0;
    static const char *const paths[] = {"/engine.io/?EIO=4&transport=websocket",
                                        "/new/?EIO=4&transport=websocket"};
    for (int i = 0; i < 2; i++) {
        wire_connect_path(&w, f.loop, f.port, paths[i]);
        assert_true(wire_open(&w));
        wire_close(&w);
    }
    assert_non_null(strstr(f.log, "open3;"));
    assert_non_null(strstr(f.log, "open4;"));
    wire_close(&below);
}

/* ---- when memory ends ---- */

static int try_serve(void)
{
    struct sioc_options *options = sioc_options_new();
    f.server = NULL;
    int error = sioc_server_new(f.loop, options, &f.server);
    if (error == 0)
        error = sioc_engineio_route(f.server, sioc_str("/engine.io"), opener(1));
    return error == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : error;
}

static void try_client(void)
{
    struct wire w;
    wire_connect_path(&w, f.loop, f.port, "/engine.io/?EIO=4&transport=websocket");
    if (wire_open(&w)) {
        wire_text(&w, "4hi");
        wire_settle(f.loop);
    }
    wire_close(&w);
}

/* Law: an allocation that fails costs at most its own connection. */
static void survives_each_failing_allocation(void **state)
{
    size_t n = 0, count;
    (void)state;
    sioc_server_free(f.server);
    f.events = ALL;
    f.out_of_memory = true;
    do {
        mem_test_fail_at(++n, false);
        int error = try_serve();
        if (error == 0)
            try_client();
        count = mem_test_count();
        mem_test_fail_at(0, false);
        f.log[0] = '\0';
        if (error == 0) {
            try_client();
            assert_non_null(strstr(f.log, "message message(hi);"));
        }
        sioc_server_free(f.server);
    } while (count >= n); /* until one came too late to strike */
    f.server = NULL;
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(raw_messages_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_over_http, setup, teardown),
        cmocka_unit_test_setup_teardown(routes_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(all_that_happens_below_a_socket, setup, teardown),
        cmocka_unit_test(heartbeats),
        cmocka_unit_test(closed_inside),
        cmocka_unit_test_setup_teardown(facts, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_messages_while_it_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(of_all_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(new_handlers, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_each_failing_allocation, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
