/* Clients of Socket.IO 2.x from a C application's side: exact bytes, and each allocation failed
 * in turn. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *root, *chat;
    uint16_t port;
    char id[256]; /* of the last socket that joined */
    bool refuse;
};

static struct fixture f;

/* ---- an application ---- */

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    snprintf(f.id, sizeof f.id, "%.*s", SIOC_STR_ARG(sioc_socket_id(sioc_event_socket(event))));
}

static void on_echo(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    struct sioc_message *m;
    if (sioc_message_new(sioc_event_namespace(event), sioc_str("echo"), &m) < 0)
        return;
    if (sioc_event_read(event, sioc_message_sink(m), NULL) < 0) {
        sioc_message_free(m);
        return;
    }
    struct sioc_target everybody = {0};
    sioc_broadcast(sioc_event_namespace(event), &everybody, m, NULL);
}

static void admit(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    sioc_admit(f.server, sioc_socket_handle(sioc_event_socket(event)),
               f.refuse ? "denied" : NULL, sioc_str(NULL));
}

static struct sioc_handler handler(void (*fn)(void *, intptr_t, struct sioc_event *))
{
    return (struct sioc_handler){.call = fn};
}

static int serve(struct sioc_namespace *nsp)
{
    int error = sioc_namespace_on(nsp, sioc_str("connection"), handler(on_connection), 0);
    if (error == 0)
        error = sioc_namespace_event(nsp, sioc_str("echo"), handler(on_echo), 0);
    return error == 0 ? sioc_namespace_use(nsp, handler(admit)) : error;
}

static int try_setup(void)
{
    char text[160];
    memset(&f, 0, sizeof f);
    int error = sioc_loop_new(&f.loop);
    struct sioc_options *options = error == 0 ? sioc_options_new() : NULL;
    if (!options)
        return SIOC_ENOMEM;
    sioc_options_set_bool(options, "allow_eio3", true, text, sizeof text);
    if ((error = sioc_server_new(f.loop, options, &f.server)) < 0)
        return error;
    error = sioc_server_of(f.server, sioc_str("/"), &f.root);
    if (error == 0)
        error = sioc_server_of(f.server, sioc_str("/chat"), &f.chat);
    if (error == 0)
        error = serve(f.root);
    if (error == 0)
        error = serve(f.chat);
    return error == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : error;
}

static void setup(void)
{
    assert_int_equal(try_setup(), 0);
}

static void teardown(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

static void open_v3(struct wire *w, const char *query)
{
    wire_connect_query(w, f.loop, f.port, query);
    assert_true(wire_open(w));
    assert_string_equal(wire_next(w), "40");
}

/* A polling session: its id, in a buffer of the caller. */
static void open_polling(char *ret_sid, size_t cap, const char *query)
{
    char head[160];
    snprintf(head, sizeof head, "GET /socket.io/?EIO=3&transport=polling%s", query);
    const char *open = strstr(wire_http(f.loop, f.port, head, "", 0), "sid");
    ret_sid[0] = '\0';
    if (open && sscanf(open, "sid%*[\\\":]%63[A-Za-z0-9_-]", head) == 1)
        snprintf(ret_sid, cap, "%s", head);
}

static const char *polling(const char *method, const char *sid, const char *query,
                           const char *type, const char *body, size_t len)
{
    char head[400];
    snprintf(head, sizeof head,
             "%s /socket.io/?EIO=3&transport=polling%s&sid=%s\nContent-Type: %s\r\n", method,
             query, sid, type);
    return wire_http(f.loop, f.port, head, body, len);
}

static const char *fetch(const char *sid, const char *query)
{
    return polling("GET", sid, query, "text/plain", "", 0);
}

/* ---- tests ---- */

static void joins_by_itself_and_knows_its_ids(void **state)
{
    (void)state;
    struct wire w;
    char root[256];
    setup();
    open_v3(&w, "EIO=3&transport=websocket");
    snprintf(root, sizeof root, "%s", f.id);
    assert_int_equal(strlen(root), 20);
    wire_text(&w, "40/chat?a=1&b=%22,");
    assert_string_equal(wire_next(&w), "40/chat,");
    assert_int_equal(strncmp(f.id, "/chat#", 6), 0);
    assert_string_equal(f.id + 6, root);
    struct sioc_socket *s = sioc_socket_by_id(f.chat, sioc_str(f.id));
    assert_non_null(s);
    struct sioc_handshake handshake;
    sioc_socket_handshake(s, &handshake);
    struct sioc_str auth = handshake.auth;
    char text[64];
    snprintf(text, sizeof text, "%.*s", SIOC_STR_ARG(auth));
    assert_string_equal(text, "{\"a\":\"1\",\"b\":\"\\\"\"}");
    wire_text(&w, "42/chat?a=1,[\"echo\",1]");
    assert_string_equal(wire_next(&w), "42/chat,[\"echo\",1]");
    wire_text(&w, "2probe");
    assert_string_equal(wire_next(&w), "3");
    wire_close(&w);
    teardown();
}

static void is_refused_with_a_text(void **state)
{
    (void)state;
    struct wire w;
    setup();
    f.refuse = true;
    wire_connect_query(&w, f.loop, f.port, "transport=websocket");
    assert_true(wire_open(&w));
    assert_string_equal(wire_next(&w), "44\"denied\"");
    wire_text(&w, "40/chat");
    assert_string_equal(wire_next(&w), "44/chat,\"denied\"");
    f.refuse = false;
    wire_text(&w, "40");
    assert_string_equal(wire_next(&w), "40");
    wire_close(&w);
    teardown();
}

static void each_gets_binary_in_its_form(void **state)
{
    (void)state;
    struct wire bytes, text;
    char sid[64];
    setup();
    open_v3(&bytes, "EIO=3&transport=websocket");
    open_v3(&text, "EIO=3&transport=websocket&b64=1");
    open_polling(sid, sizeof sid, "&b64=1");
    assert_string_equal(fetch(sid, "&b64=1"), "2:40");
    wire_text(&bytes, "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
    wire_binary(&bytes, "\4one", 4);
    assert_string_equal(wire_next(&bytes), "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
    assert_string_equal(wire_next(&bytes), "\4one");
    assert_string_equal(wire_next(&text), "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
    assert_string_equal(wire_next(&text), "b4b25l");
    assert_string_equal(fetch(sid, "&b64=1"),
                        "42:451-[\"echo\",{\"_placeholder\":true,\"num\":0}]6:b4b25l");
    wire_close(&bytes);
    wire_close(&text);
    teardown();
}

/* One of everything, without asserting: allocations fail on the way. */
static void visit_everything(void)
{
    static struct wire w, other;
    static const char echo[] = "\0\4\2\xff"
                               "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]"
                               "\1\4\xff\4one";
    char sid[64];
    wire_connect_query(&w, f.loop, f.port, "EIO=3&transport=websocket");
    wire_connect_query(&other, f.loop, f.port, "transport=websocket&b64=1");
    wire_open(&other);
    if (wire_open(&w)) {
        wire_text(&w, "40/chat?token=x&y=%22,");
        wire_text(&w, "42/chat,[\"echo\",\"\xc3\xa9\"]");
        wire_text(&w, "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
        wire_binary(&w, "\4one", 4);
        wire_text(&w, "2");
        wire_settle(f.loop);
    }
    open_polling(sid, sizeof sid, "");
    fetch(sid, "");
    polling("POST", sid, "", "application/octet-stream", echo, sizeof echo - 1);
    fetch(sid, "");
    polling("POST", sid, "", "text/plain", "8:40/chat,1:1\xff", 14);
    open_polling(sid, sizeof sid, "&j=1&b64=1");
    fetch(sid, "&j=1&b64=1");
    polling("POST", sid, "&j=1&b64=1", "text/plain", "x=1&d=14%3A42[%22echo%22,%22+%22]", 33);
    fetch(sid, "&j=1&b64=1");
    wire_close(&w);
    wire_close(&other);
}

/* Law: an allocation that fails costs at most its own connection. */
static void survives_each_failing_allocation(void **state)
{
    (void)state;
    size_t n = 0, count;
    do {
        mem_test_fail_at(++n, false);
        int error = try_setup();
        if (error == 0)
            visit_everything();
        count = mem_test_count();
        mem_test_fail_at(0, false);
        if (error == 0) {
            struct wire w;
            open_v3(&w, "EIO=3&transport=websocket");
            wire_text(&w, "42[\"echo\",\"still here\"]");
            assert_string_equal(wire_next(&w), "42[\"echo\",\"still here\"]");
            wire_close(&w);
        }
        teardown();
    } while (count >= n); /* until one came too late to strike */
    assert_true(n > 100); /* or the scenario has lost its teeth */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_by_itself_and_knows_its_ids),
        cmocka_unit_test(is_refused_with_a_text),
        cmocka_unit_test(each_gets_binary_in_its_form),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
