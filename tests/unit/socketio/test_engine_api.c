/* <sioc/engine.h> by its promises: hooks answered at once, later, twice, never. */
#include "base/mem.h"
#include "helper_client.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct sioc_loop *loop;
    struct sioc_server *server;
    uint16_t port;
    uint64_t asked;   /* the request of the last question */
    int drops, asks;  /* of the hooks */
    int added[3];     /* what sioc_headers_add said */
    char error[200];  /* the last connection_error */
    int respond_code; /* what answering a hook's request gave */
};

static void on_question(void *user, intptr_t ref, struct sioc_request *request)
{
    struct world *w = user;
    assert_int_equal(ref, 7);
    w->asks++;
    w->asked = sioc_request_handle(request);
    assert_ptr_equal(sioc_request_find(w->server, w->asked), request);
    assert_true(sioc_request_method(request).len == 3);
    w->respond_code = sioc_request_respond(request, 200, NULL, 0, sioc_str(""));
}

static void on_drop(void *user, intptr_t ref)
{
    ((struct world *)user)->drops += (int)ref == 7;
}

static struct sioc_http_handler hook(struct world *w)
{
    return (struct sioc_http_handler){
        .call = on_question, .drop = on_drop, .user = w, .ref = 7};
}

static void on_error(void *user, struct sioc_request *request,
                     const struct sioc_connection_error *error)
{
    struct world *w = user;
    assert_int_equal(sioc_request_handle(request), 0);
    snprintf(w->error, sizeof w->error, "%d %.*s %zu %.*s=%.*s", error->code,
             SIOC_STR_ARG(error->message), error->context_count,
             SIOC_STR_ARG(error->context[0].name), SIOC_STR_ARG(error->context[0].value));
}

static void on_headers(void *user, struct sioc_request *request, bool initial,
                       struct sioc_headers *headers)
{
    struct world *w = user;
    assert_true(initial);
    struct sioc_str address = sioc_request_address(request);
    assert_int_equal(address.len, strlen("127.0.0.1"));
    assert_memory_equal(address.ptr, "127.0.0.1", address.len);
    w->added[0] = sioc_headers_add(headers, sioc_str("X-One"), sioc_str("1"));
    w->added[1] = sioc_headers_add(headers, sioc_str("X-Two"), sioc_str("2\r\nX: y"));
    w->added[2] = sioc_headers_add(headers, sioc_str("Content-Length"), sioc_str("2"));
}

static int setup(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    assert_int_equal(sioc_loop_new(&world.loop), 0);
    assert_int_equal(sioc_server_new(world.loop, NULL, &world.server), 0);
    assert_int_equal(sioc_server_listen(world.server, "127.0.0.1", 0, &world.port), 0);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    sioc_server_free(w->server);
    sioc_loop_free(w->loop);
    return 0;
}

static void waits_for_the_answer(void **state)
{
    struct world *w = *state;
    struct wire c;
    sioc_engine_on_request(w->server, hook(w));
    wire_connect(&c, w->loop, w->port);
    wire_settle(w->loop);
    assert_int_equal(w->asks, 1);
    assert_int_equal(w->respond_code, SIOC_ESTATE);
    assert_int_equal(sioc_engine_give_id(w->server, w->asked, sioc_str("x")), SIOC_ECLOSED);
    assert_int_equal(sioc_server_client_count(w->server), 0);
    assert_int_equal(sioc_engine_allow(w->server, w->asked, NULL), 0);
    assert_int_equal(sioc_engine_allow(w->server, w->asked, NULL), SIOC_ECLOSED);
    assert_true(wire_open(&c));
    assert_int_equal(sioc_server_client_count(w->server), 1);
    wire_close(&c);
}

static void refuses_once(void **state)
{
    struct world *w = *state;
    const struct sioc_engine_events events = {.connection_error = on_error, .user = w};
    struct wire c;
    sioc_engine_on_request(w->server, hook(w));
    sioc_engine_set_events(w->server, &events);
    wire_connect(&c, w->loop, w->port);
    wire_settle(w->loop);
    assert_int_equal(sioc_engine_allow(w->server, w->asked, "not you"), 0);
    assert_int_equal(sioc_engine_allow(w->server, w->asked, "not you"), SIOC_ECLOSED);
    assert_string_equal(w->error, "4 Forbidden 1 message=not you");
    assert_false(wire_open(&c));
    wire_close(&c);
}

static void forgets_who_has_gone(void **state)
{
    struct world *w = *state;
    struct wire c;
    sioc_engine_on_request(w->server, hook(w));
    wire_connect(&c, w->loop, w->port);
    wire_settle(w->loop);
    wire_close(&c);
    wire_settle(w->loop);
    assert_null(sioc_request_find(w->server, w->asked));
    assert_int_equal(sioc_engine_allow(w->server, w->asked, NULL), SIOC_ECLOSED);
    /* One that is never answered ends with the server. */
    wire_connect(&c, w->loop, w->port);
    wire_settle(w->loop);
    assert_int_equal(w->asks, 2);
    sioc_server_free(w->server);
    w->server = NULL;
    assert_int_equal(w->drops, 1);
    wire_close(&c);
}

static void takes_sound_ids_only(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *id;
        int code;
    } cases[] = {
        {"aaaaaaaaaaaaaaaaaaa", SIOC_EINVAL},
        {"aaaaaaaaaaaaaaaaaaaa", 0},
        {"aaaaaaaaaaaaaaaaaaa.", SIOC_EINVAL},
        {"aaaaaaaaaaaaaaaaaaaa", SIOC_EEXIST},
        {"", SIOC_EINVAL},
    };
    struct wire clients[sizeof cases / sizeof cases[0]];
    sioc_engine_on_request(w->server, hook(w));
    sioc_engine_on_request(w->server, (struct sioc_http_handler){.call = NULL});
    assert_int_equal(w->drops, 1);
    sioc_engine_on_id(w->server, hook(w));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_connect(&clients[i], w->loop, w->port);
        wire_settle(w->loop);
        assert_int_equal(sioc_engine_allow(w->server, w->asked, NULL), SIOC_ECLOSED);
        assert_int_equal(sioc_engine_give_id(w->server, w->asked, sioc_str(cases[i].id)),
                         cases[i].code);
        assert_int_equal(sioc_engine_give_id(w->server, w->asked, sioc_str(cases[i].id)),
                         SIOC_ECLOSED);
        assert_int_equal(wire_open(&clients[i]), cases[i].code == 0);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        wire_close(&clients[i]);
}

static void adds_sound_headers_only(void **state)
{
    struct world *w = *state;
    const struct sioc_engine_events events = {.headers = on_headers, .user = w};
    struct wire c;
    sioc_engine_set_events(w->server, &events);
    wire_connect(&c, w->loop, w->port);
    assert_true(wire_open(&c));
    assert_int_equal(w->added[0], 0);
    assert_int_equal(w->added[1], SIOC_EINVAL);
    assert_int_equal(w->added[2], SIOC_EINVAL);
    wire_close(&c);
}

/* ---- when memory ends ---- */

static void answer_allow(void *user, intptr_t ref, struct sioc_request *request)
{
    struct world *w = user;
    (void)ref;
    sioc_engine_allow(w->server, sioc_request_handle(request), NULL);
}

static void answer_id(void *user, intptr_t ref, struct sioc_request *request)
{
    struct world *w = user;
    char id[32];
    (void)ref;
    snprintf(id, sizeof id, "id-number-%020d", ++w->asks);
    sioc_engine_give_id(w->server, sioc_request_handle(request), sioc_str(id));
}

static bool let_pass(void *user, struct sioc_request *request, struct sioc_headers *headers)
{
    (void)user, (void)request;
    return sioc_headers_add(headers, sioc_str("X-Passed"), sioc_str("yes")) == 0;
}

static void add_header(void *user, struct sioc_request *request, bool initial,
                       struct sioc_headers *headers)
{
    (void)user, (void)initial;
    (void)sioc_request_address(request);
    (void)sioc_headers_add(headers, sioc_str("X-One"), sioc_str("1"));
}

static void hear_error(void *user, struct sioc_request *request,
                       const struct sioc_connection_error *error)
{
    (void)request, (void)error;
    ((struct world *)user)->drops++;
}

/* One request on a connection of its own; whether it was answered with that status. */
static bool get(struct world *w, const char *query, const char *status)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(w->port)};
    char text[4096];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), len;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    len = snprintf(text, sizeof text,
                   "GET /socket.io/?%s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
                   query);
    assert_int_equal(send(fd, text, (size_t)len, 0), len);
    wire_settle(w->loop);
    ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return strncmp(text + (got > 9 ? 9 : 0), status, 3) == 0;
}

static int try_start(struct world *w)
{
    const struct sioc_engine_events events = {
        .request = let_pass, .connection_error = hear_error, .headers = add_header, .user = w};
    char error[100];
    struct sioc_options *options = sioc_options_new();
    if (options)
        (void)sioc_options_set_bool(options, "cookie", true, error, sizeof error);
    if (options) /* so that the open packet is compressed */
        (void)sioc_options_set_number(options, "http_compression.threshold", 1, error,
                                      sizeof error);
    if (options)
        (void)sioc_options_set_number(options, "max_conns_per_ip", 10, error, sizeof error);
    w->server = NULL;
    int result = sioc_server_new(w->loop, options, &w->server);
    if (result == 0)
        result = sioc_server_listen(w->server, "127.0.0.1", 0, &w->port);
    if (result < 0)
        return result;
    sioc_engine_on_request(w->server,
                           (struct sioc_http_handler){.call = answer_allow, .user = w});
    sioc_engine_on_id(w->server, (struct sioc_http_handler){.call = answer_id, .user = w});
    sioc_engine_set_events(w->server, &events);
    return 0;
}

/* Law: an allocation that fails costs at most its own connection. */
static void survives_each_failing_allocation(void **state)
{
    struct world *w = *state;
    size_t n = 0, count;
    do {
        sioc_server_free(w->server);
        mem_test_fail_at(++n, false);
        int error = try_start(w);
        if (error == 0) {
            get(w, "EIO=4&transport=polling", "200");
            get(w, "EIO=4&transport=abc", "400");
        }
        count = mem_test_count();
        mem_test_fail_at(0, false);
        if (error == 0) {
            assert_true(get(w, "EIO=4&transport=polling", "200"));
            assert_true(get(w, "EIO=4&transport=abc", "400"));
        }
    } while (count >= n); /* until one came too late to strike */
    assert_true(n > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_for_the_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_once, setup, teardown),
        cmocka_unit_test_setup_teardown(forgets_who_has_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_sound_ids_only, setup, teardown),
        cmocka_unit_test_setup_teardown(adds_sound_headers_only, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_each_failing_allocation, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
