/* <sioc/http.h>: applications below a prefix, answers in pieces. */
#include "helper_client.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct sioc_loop *loop;
    struct sioc_server *server;
    uint16_t port;
    int mounted, routed, gone;
    uint64_t waiting; /* a request that is not answered at once */
};

static void answer_in_pieces(struct world *w, struct sioc_request *r)
{
    struct sioc_http_field bad = {sioc_str("a b"), sioc_str("c")};
    (void)w;
    assert_int_equal(sioc_request_write(r, sioc_str("x")), SIOC_ESTATE);
    assert_int_equal(sioc_request_end(r), SIOC_ESTATE);
    assert_int_equal(sioc_request_begin(r, 99, NULL, 0, 5), SIOC_EINVAL);
    assert_int_equal(sioc_request_begin(r, 200, &bad, 1, 5), SIOC_EINVAL);
    assert_int_equal(sioc_request_begin(r, 200, NULL, 0, 5), 0);
    assert_int_equal(sioc_request_begin(r, 200, NULL, 0, 5), SIOC_ESTATE);
    assert_int_equal(sioc_request_respond(r, 200, NULL, 0, sioc_str("x")), SIOC_ESTATE);
    assert_int_equal(sioc_request_write(r, sioc_str("abc")), 0);
    assert_int_equal(sioc_request_write(r, sioc_str("def")), SIOC_ETOOBIG);
    assert_int_equal(sioc_request_write(r, sioc_str("de")), 0);
    assert_int_equal(sioc_request_end(r), 0);
    assert_int_equal(sioc_request_write(r, sioc_str("x")), SIOC_ECLOSED);
    assert_int_equal(sioc_request_end(r), SIOC_ECLOSED);
}

static void on_gone(void *user, uint64_t request)
{
    struct world *w = user;
    assert_int_equal(request, w->waiting);
    assert_null(sioc_request_find(w->server, request));
    w->gone++;
}

static void on_mounted(void *user, intptr_t ref, struct sioc_request *r)
{
    struct world *w = user;
    assert_int_equal(ref, 3);
    w->mounted++;
    struct sioc_str path = sioc_request_path(r);
    bool abort = path.len == 6 && memcmp(path.ptr, "/abort", 6) == 0;
    if (abort || (path.len == 5 && memcmp(path.ptr, "/wait", 5) == 0)) {
        struct sioc_request_watcher watcher = {.gone = on_gone, .user = w};
        w->waiting = sioc_request_handle(r);
        sioc_request_watch(r, &watcher);
        assert_int_equal(sioc_request_begin(r, 200, NULL, 0, SIOC_LENGTH_UNKNOWN), 0);
        assert_int_equal(sioc_request_write(r, sioc_str("first")), 0);
        if (abort)
            sioc_request_abort(r);
    } else {
        answer_in_pieces(w, r);
    }
}

static void on_routed(void *user, intptr_t ref, struct sioc_request *r)
{
    struct world *w = user;
    (void)ref;
    w->routed++;
    assert_int_equal(sioc_request_respond(r, 200, NULL, 0, sioc_str("route")), 0);
}

static int set_up(void **state)
{
    static struct world w;
    w = (struct world){0};
    *state = &w;
    assert_int_equal(sioc_loop_new(&w.loop), 0);
    assert_int_equal(sioc_server_new(w.loop, NULL, &w.server), 0);
    struct sioc_http_handler app = {.call = on_mounted, .user = &w, .ref = 3};
    struct sioc_http_handler route = {.call = on_routed, .user = &w};
    assert_int_equal(sioc_http_mount(w.server, sioc_str("/"), app), 0);
    assert_int_equal(sioc_http_mount(w.server, sioc_str("/"), app), SIOC_EEXIST);
    assert_int_equal(sioc_http_mount(w.server, sioc_str("api"), app), SIOC_EINVAL);
    assert_int_equal(sioc_http_route(w.server, "GET", sioc_str("/route"), route), 0);
    assert_int_equal(sioc_server_listen(w.server, "127.0.0.1", 0, &w.port), 0);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    sioc_server_free(w->server);
    sioc_loop_free(w->loop);
    return 0;
}

static void test_mount_and_pieces(void **state)
{
    struct world *w = *state;
    assert_string_equal(wire_http(w->loop, w->port, "GET /any/where", NULL, 0), "abcde");
    assert_string_equal(wire_http(w->loop, w->port, "DELETE /", NULL, 0), "abcde");
    assert_string_equal(wire_http(w->loop, w->port, "GET /route", NULL, 0), "route");
    assert_int_equal(w->mounted, 2);
    assert_int_equal(w->routed, 1);
    const char *engine =
        wire_http(w->loop, w->port, "GET /socket.io/?EIO=4&transport=polling", NULL, 0);
    assert_memory_equal(engine, "0{\"sid\":", 8);
    assert_int_equal(w->mounted, 2);
}

static void test_client_leaves(void **state)
{
    struct world *w = *state;
    static const char ask[] = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(w->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(fd, ask, sizeof ask - 1), sizeof ask - 1);
    wire_settle(w->loop);
    assert_true(w->waiting != 0);
    assert_int_equal(w->gone, 0);
    close(fd);
    wire_settle(w->loop);
    assert_int_equal(w->gone, 1);
}

static void test_abort(void **state)
{
    struct world *w = *state;
    wire_http(w->loop, w->port, "GET /abort", NULL, 0);
    assert_true(w->waiting != 0);
    assert_null(sioc_request_find(w->server, w->waiting));
    assert_int_equal(w->gone, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mount_and_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abort, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
