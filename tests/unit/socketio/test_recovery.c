/* Connection state recovery from a C application's side: data goes into a sink and comes out of
 * it again; every allocation of coming back failed in turn. */
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
    int saves;
    char log[512]; /* what the handlers saw */
};

static struct fixture f;

static void note(const char *format, const char *text)
{
    size_t len = strlen(f.log);
    snprintf(f.log + len, sizeof f.log - len, format, text);
}

static void on_connection(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_socket *s = sioc_event_socket(event);
    struct sioc_json_encoder *json = sioc_json_encoder_new();
    (void)user;
    (void)ref;
    if (!json)
        return;
    int error = sioc_socket_read_data(s, sioc_json_encoder_sink(json));
    char text[64];
    snprintf(text, sizeof text, "%.*s", SIOC_STR_ARG(sioc_json_encoder_text(json)));
    note("connection%s;", sioc_socket_recovered(s) ? " recovered" : "");
    if (error != SIOC_ENOTFOUND)
        note("data %s;", text);
    sioc_json_encoder_free(json);
}

static void on_lifecycle(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    note("%s;",
         sioc_event_kind(event) == SIOC_EVENT_DISCONNECT ? "disconnect" : "disconnecting");
}

static void on_join(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    sioc_socket_join(sioc_event_socket(event), sioc_str("red"));
}

static int save(void *user, struct sioc_socket *socket, struct sioc_sink *sink)
{
    (void)socket;
    note("%s;", "save");
    f.saves++;
    if (*(const int *)user < 0)
        return SIOC_EINVAL;
    sink->ops->array_begin(sink, 2);
    sioc_put_int(sink, f.saves);
    sioc_put_text(sink, "data");
    return sink->ops->array_end(sink);
}

static int save_result;

static int set_up(void)
{
    static const struct {
        const char *name;
        void (*call)(void *, intptr_t, struct sioc_event *);
    } life[] = {{"connection", on_connection},
                {"disconnecting", on_lifecycle},
                {"disconnect", on_lifecycle}};
    char error[160];
    memset(&f, 0, sizeof f);
    if (sioc_loop_new(&f.loop) < 0)
        return SIOC_ENOMEM;
    struct sioc_options *options = sioc_options_new();
    if (!options)
        return SIOC_ENOMEM;
    sioc_options_set_bool(options, "connection_state_recovery", true, error, sizeof error);
    int result = sioc_server_new(f.loop, options, &f.server);
    if (result == 0)
        result = sioc_server_of(f.server, sioc_str("/"), &f.root);
    for (size_t i = 0; i < 3 && result == 0; i++)
        result = sioc_namespace_on(f.root, sioc_str(life[i].name),
                                   (struct sioc_handler){.call = life[i].call}, 0);
    if (result < 0)
        return result;
    sioc_server_on_socket_save(f.server, save, &save_result);
    result = sioc_namespace_event(f.root, sioc_str("join"),
                                  (struct sioc_handler){.call = on_join}, 0);
    return result == 0 ? sioc_server_listen(f.server, "127.0.0.1", 0, &f.port) : result;
}

static void tear_down(void)
{
    sioc_server_free(f.server);
    sioc_loop_free(f.loop);
}

/* The answer to CONNECT; NULL when none came. */
static const char *connect_with(struct wire *w, const char *packet)
{
    wire_connect(w, f.loop, f.port);
    if (!wire_open(w))
        return NULL;
    wire_text(w, packet);
    const char *answer = wire_next(w);
    return answer && strncmp(answer, "40{", 3) == 0 ? answer : NULL;
}

/* `40{"pid":"..."}` for the answer to CONNECT `40{"sid":"<20>","pid":"<20>"}` */
static void claim_of(const char *answer, char ret_packet[64])
{
    const char *pid = strstr(answer, "\"pid\":\"");
    snprintf(ret_packet, 64, "40{\"pid\":\"%.20s\"}", pid ? pid + 7 : "");
}

static void emit_to(const char *room, const char *value)
{
    struct sioc_message *m;
    struct sioc_str name = sioc_str(room);
    const struct sioc_target target = {.rooms = &name, .room_count = 1};
    if (sioc_message_new(f.root, sioc_str("news"), &m) < 0)
        return;
    sioc_put_text(sioc_message_sink(m), value);
    sioc_broadcast(f.root, &target, m, NULL);
}

static uint64_t metric(const char *wanted)
{
    const char *name;
    uint64_t value;
    for (size_t i = 0; sioc_server_metric(f.server, i, &name, &value); i++)
        if (strcmp(name, wanted) == 0)
            return value;
    return UINT64_MAX;
}

static void gives_data_back(void **state)
{
    static struct wire w;
    char claim[64], first[128];
    (void)state;
    save_result = 0;
    assert_int_equal(set_up(), 0);
    snprintf(first, sizeof first, "%s", connect_with(&w, "40"));
    claim_of(first, claim);
    assert_int_equal(strlen(first), strlen("40{'sid':'','pid':''}") + 40);
    wire_text(&w, "42[\"join\"]");
    wire_settle(f.loop);
    assert_string_equal(f.log, "connection;");
    f.log[0] = '\0';
    wire_close(&w);
    assert_string_equal(f.log, "disconnecting;save;disconnect;");
    emit_to("red", "missed");
    emit_to("blue", "not for it");
    f.log[0] = '\0';
    wire_connect(&w, f.loop, f.port);
    assert_true(wire_open(&w));
    wire_text(&w, claim);
    assert_memory_equal(wire_next(&w), "42[\"news\",\"missed\",\"", 19);
    assert_string_equal(wire_next(&w), first);
    assert_string_equal(f.log, "connection recovered;data [1,\"data\"];");
    assert_int_equal(sioc_namespace_room_size(f.root, sioc_str("red")), 1);
    assert_int_equal(metric("recoveries"), 1);
    assert_int_equal(metric("recovery_refused"), 0);
    static struct wire other; /* the pid is used, as long as its socket is there */
    assert_non_null(connect_with(&other, claim));
    assert_int_equal(metric("recovery_refused"), 1);
    wire_close(&other);
    wire_close(&w);
    tear_down();
}

static void on_outgoing(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_cursor c;
    struct sioc_str text = {NULL, 0};
    (void)user;
    (void)ref;
    assert_int_equal(sioc_event_cursor(event, &c), 0);
    assert_int_equal(sioc_cursor_str(&c, &text), 0);
    assert_int_equal(sioc_cursor_peek(&c), SIOC_KIND_END);
    f.log[0] = '\0';
    note("sent %s;", "");
    strncat(f.log, text.ptr, text.len);
}

static void on_listen(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user;
    (void)ref;
    sioc_socket_join(sioc_event_socket(event), sioc_str("red"));
    sioc_socket_on_outgoing(sioc_event_socket(event),
                            (struct sioc_handler){.call = on_outgoing}, 0);
}

/* The offset is between us and the client. */
static void keeps_offsets_from_those_who_hear_what_is_sent(void **state)
{
    static struct wire w;
    (void)state;
    assert_int_equal(set_up(), 0);
    sioc_namespace_event(f.root, sioc_str("listen"), (struct sioc_handler){.call = on_listen},
                         0);
    assert_non_null(connect_with(&w, "40"));
    wire_text(&w, "42[\"listen\"]");
    wire_settle(f.loop);
    emit_to("red", "news of today");
    assert_string_equal(f.log, "sent ;news of today");
    assert_memory_equal(wire_next(&w), "42[\"news\",\"news of today\",\"", 26);
    wire_close(&w);
    tear_down();
}

static void does_without_data(void **state)
{
    static struct wire w;
    char claim[64];
    (void)state;
    save_result = -1;
    assert_int_equal(set_up(), 0);
    claim_of(connect_with(&w, "40"), claim);
    wire_close(&w);
    f.log[0] = '\0';
    assert_non_null(connect_with(&w, claim));
    assert_string_equal(f.log, "connection recovered;");
    wire_close(&w);
    tear_down();
    save_result = 0;
}

/* Whatever fails, the next one is served; and never a leak. */
static void survives_each_failing_allocation(void **state)
{
    static struct wire w;
    (void)state;
    size_t n = 0, count;
    do {
        char claim[64] = "40";
        mem_test_fail_at(++n, false);
        int error = set_up();
        if (error == 0) {
            const char *answer = connect_with(&w, "40");
            if (answer)
                claim_of(answer, claim);
            wire_text(&w, "42[\"join\"]");
            wire_settle(f.loop);
            wire_close(&w);
            emit_to("red", "missed");
            connect_with(&w, claim);
            wire_settle(f.loop);
            wire_close(&w);
        }
        count = mem_test_count();
        mem_test_fail_at(0, false);
        if (error == 0) {
            assert_non_null(connect_with(&w, "40"));
            wire_close(&w);
        }
        tear_down();
    } while (count >= n);
    assert_true(n > 60); /* or the scenario has lost its teeth */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_data_back),
        cmocka_unit_test(does_without_data),
        cmocka_unit_test(keeps_offsets_from_those_who_hear_what_is_sent),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
