/* Which route gets a path, and what is said to those that have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fake_request.h"
#include "http/router.h"
#include <stdio.h>

/* A handler answers with its own name, and with the value of ":id" if there is one. */
static void answer(void *user, struct http_request *request)
{
    struct buf scratch, text;
    buf_init(&scratch);
    buf_init(&text);
    buf_put_str(&text, sioc_str(user));
    struct sioc_str id = http_route_param(request, STR("id"), &scratch);
    if (id.ptr)
        buf_printf(&text, "=%.*s", SIOC_STR_ARG(id));
    http_respond(request, 200, NULL, 0, buf_str(&text));
    buf_deinit(&scratch);
    buf_deinit(&text);
}

static void expect(struct http_router *r, const char *method, const char *path, int status,
                   const char *body)
{
    struct fake f;
    char text[400];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\nHost: a\n", method, path);
    fake_init(&f, text);
    http_router_dispatch(r, &f.request);
    assert_int_equal(f.answers, 1);
    assert_int_equal(f.status, status);
    buf_putc(&f.body, '\0');
    assert_string_equal((char *)f.body.bytes, body);
    fake_deinit(&f);
}

static void add(struct http_router *r, enum http_method method, const char *path, char *name)
{
    assert_int_equal(http_router_add(r, method, sioc_str(path), answer, name, NULL), 0);
}

static void add_prefix(struct http_router *r, const char *prefix, char *name)
{
    assert_int_equal(http_router_add_prefix(r, sioc_str(prefix), answer, name, NULL), 0);
}

static void test_paths(void **state)
{
    (void)state;
    struct http_router r;
    http_router_init(&r);
    add(&r, HTTP_GET, "/a", "a");
    add(&r, HTTP_GET, "/a/b", "ab");
    add(&r, HTTP_GET, "/users/:id", "user");
    add(&r, HTTP_GET, "/users/me", "me"); /* comes too late */
    add(&r, HTTP_GET, "/x/:id/y/:other", "xy");
    add(&r, HTTP_GET, "/slash/", "slash");
    static const struct {
        const char *path;
        int status;
        const char *body;
    } cases[] = {
        {"/a", 200, "a"},
        {"/a?q=1", 200, "a"},
        {"/a/b", 200, "ab"},
        {"/a/", 404, "Not Found\n"},
        {"/ab", 404, "Not Found\n"},
        {"/", 404, "Not Found\n"},
        {"/users/7", 200, "user=7"},
        {"/users/me", 200, "user=me"},
        {"/users/J%C3%BCrgen%2F+x", 200, "user=J\xc3\xbcrgen/+x"},
        {"/users/", 404, "Not Found\n"},
        {"/users/7/", 404, "Not Found\n"},
        {"/users", 404, "Not Found\n"},
        {"/x/1/y/2", 200, "xy=1"},
        {"/x/1/z/2", 404, "Not Found\n"},
        {"/slash/", 200, "slash"},
        {"/slash", 404, "Not Found\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(&r, "GET", cases[i].path, cases[i].status, cases[i].body);
    http_router_deinit(&r);
}

static void test_prefixes(void **state)
{
    (void)state;
    struct http_router r;
    http_router_init(&r);
    add_prefix(&r, "/", "root");
    add_prefix(&r, "/static/", "static");
    add_prefix(&r, "/static/deep", "deep");
    add(&r, HTTP_GET, "/static/route", "route");
    expect(&r, "GET", "/static/route", 200, "route"); /* routes go first */
    expect(&r, "POST", "/static/route", 200, "static");
    expect(&r, "GET", "/static", 200, "static");
    expect(&r, "GET", "/static/", 200, "static");
    expect(&r, "DELETE", "/static/x/y", 200, "static");
    expect(&r, "GET", "/static/deep/x", 200, "deep"); /* the longest */
    expect(&r, "GET", "/static/deeper", 200, "static");
    expect(&r, "GET", "/statics", 200, "root");
    expect(&r, "GET", "/", 200, "root");
    http_router_deinit(&r);
}

static void test_methods(void **state)
{
    (void)state;
    struct http_router r;
    struct fake f;
    http_router_init(&r);
    add(&r, HTTP_GET, "/a", "get");
    add(&r, HTTP_POST, "/a", "post");
    add(&r, HTTP_GET, "/h", "get");
    add(&r, HTTP_HEAD, "/h", "head");
    add(&r, HTTP_DELETE, "/d/:id", "delete");
    expect(&r, "POST", "/a", 200, "post");
    expect(&r, "HEAD", "/a", 200, "get");
    expect(&r, "HEAD", "/h", 200, "head");
    expect(&r, "DELETE", "/d/3", 200, "delete=3");
    static const struct {
        const char *request, *allow;
    } cases[] = {
        {"PUT /a HTTP/1.1\nHost: a\n", "GET, HEAD, POST"},
        {"GET /d/3 HTTP/1.1\nHost: a\n", "DELETE"},
        {"HEAD /d/3 HTTP/1.1\nHost: a\n", "DELETE"},
        {"OPTIONS /h HTTP/1.1\nHost: a\n", "GET, HEAD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_init(&f, cases[i].request);
        http_router_dispatch(&r, &f.request);
        assert_int_equal(f.answers, 1);
        assert_int_equal(f.status, 405);
        assert_header(&f, "Allow", cases[i].allow);
        fake_deinit(&f);
    }
    http_router_deinit(&r);
}

static void test_walks_all_parameters(void **state)
{
    (void)state;
    struct http_router r;
    struct fake f;
    struct buf scratch;
    struct sioc_str name, value;
    size_t pos = 0;
    http_router_init(&r);
    buf_init(&scratch);
    add(&r, HTTP_GET, "/:a/b/:c", "x");
    fake_init(&f, "GET /1/b/%32%33 HTTP/1.1\nHost: a\n");
    http_router_dispatch(&r, &f.request);
    assert_true(http_route_param_next(&f.request, &pos, &scratch, &name, &value));
    assert_true(str_eq(name, STR("a")) && str_eq(value, STR("1")));
    assert_true(http_route_param_next(&f.request, &pos, &scratch, &name, &value));
    assert_true(str_eq(name, STR("c")) && str_eq(value, STR("23")));
    assert_false(http_route_param_next(&f.request, &pos, &scratch, &name, &value));
    assert_null(http_route_param(&f.request, STR("b"), &scratch).ptr);
    fake_deinit(&f);
    buf_deinit(&scratch);
    http_router_deinit(&r);
}

static void count_drop(void *user)
{
    ++*(int *)user;
}

static void test_refuses_to_add(void **state)
{
    (void)state;
    struct http_router r;
    int drops = 0;
    http_router_init(&r);
    assert_int_equal(http_router_add(&r, HTTP_GET, STR("/a/:id"), answer, &drops, count_drop),
                     0);
    assert_int_equal(http_router_add(&r, HTTP_GET, STR("/a/:x"), answer, &drops, count_drop),
                     SIOC_EEXIST);
    assert_int_equal(http_router_add(&r, HTTP_GET, STR("a"), answer, &drops, count_drop),
                     SIOC_EINVAL);
    assert_int_equal(http_router_add(&r, HTTP_GET, STR(""), answer, &drops, count_drop),
                     SIOC_EINVAL);
    assert_int_equal(http_router_add(&r, HTTP_METHOD_OTHER, STR("/x"), answer, &drops, NULL),
                     SIOC_EINVAL);
    assert_int_equal(http_router_add_prefix(&r, STR("/p"), answer, &drops, count_drop), 0);
    assert_int_equal(http_router_add_prefix(&r, STR("/p/"), answer, &drops, count_drop),
                     SIOC_EEXIST);
    assert_int_equal(http_router_add_prefix(&r, STR("p"), answer, &drops, count_drop),
                     SIOC_EINVAL);
    assert_int_equal(drops, 0);
    http_router_deinit(&r);
    assert_int_equal(drops, 2);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        struct http_router r;
        http_router_init(&r);
        mem_test_fail_at(n, false);
        assert_int_equal(http_router_add(&r, HTTP_GET, STR("/a"), answer, NULL, NULL),
                         SIOC_ENOMEM);
        mem_test_fail_at(0, false);
        add(&r, HTTP_GET, "/a", "a");
        expect(&r, "GET", "/a", 200, "a");
        http_router_deinit(&r);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),          cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_methods),        cmocka_unit_test(test_walks_all_parameters),
        cmocka_unit_test(test_refuses_to_add),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
