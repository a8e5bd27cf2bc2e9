/* The browser client: names, types, codings, the reference's rule for 304. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fake_request.h"
#include "http/client_files.h"
#include <stdio.h>
#include <stdlib.h>

struct site {
    char dir[64];
    struct http_client_files *files;
};

static void write_file(const struct site *s, const char *name, const char *content)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static int setup(void **state)
{
    struct site *s = malloc(sizeof *s);
    strcpy(s->dir, "/tmp/sioc-client-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    write_file(s, "version.txt", "4.8.4\n");
    write_file(s, "socket.io.js", "plain");
    write_file(s, "socket.io.js.gz", "gzipped");
    write_file(s, "socket.io.js.br", "brotli");
    write_file(s, "socket.io.js.map", "{}");
    write_file(s, "socket.io.min.js", "min");
    assert_int_equal(http_client_files_new(s->dir, &s->files), 0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct site *s = *state;
    char command[100];
    http_client_files_free(s->files);
    snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
    int result = system(command);
    free(s);
    return result;
}

static bool get(const struct site *s, const char *method, const char *name, const char *headers,
                struct fake *f)
{
    char text[1000];
    snprintf(text, sizeof text, "%s /socket.io/x HTTP/1.1\nHost: a\n%s", method, headers);
    fake_init(f, text);
    bool handled = http_client_files_handle(s->files, sioc_str(name), &f->request);
    assert_int_equal(f->answers, handled);
    buf_putc(&f->body, '\0');
    return handled;
}

static void expect(const struct site *s, const char *name, const char *headers, int status,
                   const char *body)
{
    struct fake f;
    assert_true(get(s, "GET", name, headers, &f));
    assert_int_equal(f.status, status);
    if (body)
        assert_string_equal((char *)f.body.bytes, body);
    fake_deinit(&f);
}

static void test_headers(void **state)
{
    const struct site *s = *state;
    struct fake f;
    assert_true(get(s, "GET", "socket.io.js", "", &f));
    assert_int_equal(f.status, 200);
    assert_string_equal((char *)f.body.bytes, "plain");
    assert_header(&f, "Content-Type", "application/javascript; charset=utf-8");
    assert_header(&f, "Cache-Control", "public, max-age=0");
    assert_header(&f, "ETag", "\"4.8.4\"");
    assert_header(&f, "Vary", "Accept-Encoding");
    assert_no_header(&f, "Content-Encoding");
    fake_deinit(&f);
    assert_true(get(s, "HEAD", "socket.io.js.map", "", &f));
    assert_int_equal(f.status, 200);
    assert_header(&f, "Content-Type", "application/json; charset=utf-8");
    fake_deinit(&f);
}

static void test_codings(void **state)
{
    const struct site *s = *state;
    struct fake f;
    expect(s, "socket.io.js", "Accept-Encoding: gzip, deflate, br\n", 200, "gzipped");
    expect(s, "socket.io.js", "Accept-Encoding: br, gzip\n", 200, "brotli");
    expect(s, "socket.io.js", "Accept-Encoding: gzip;q=0.5, br\n", 200, "brotli");
    expect(s, "socket.io.js", "Accept-Encoding: identity\n", 200, "plain");
    expect(s, "socket.io.min.js", "Accept-Encoding: gzip, br\n", 200, "min"); /* none there */
    assert_true(get(s, "GET", "socket.io.js", "Accept-Encoding: br\n", &f));
    assert_header(&f, "Content-Encoding", "br");
    fake_deinit(&f);
}

static void test_not_modified(void **state)
{
    const struct site *s = *state;
    struct fake f;
    expect(s, "socket.io.js", "If-None-Match: \"4.8.4\"\n", 304, "");
    expect(s, "socket.io.js", "If-None-Match: W/\"4.8.4\"\n", 304, "");
    expect(s, "socket.io.js", "If-None-Match: \"1\", \"4.8.4\"\n", 200, "plain");
    expect(s, "socket.io.js", "If-None-Match: *\n", 200, "plain");
    expect(s, "socket.io.js", "If-None-Match: 4.8.4\n", 200, "plain");
    expect(s, "socket.io.js", "If-None-Match: \"4.8.3\"\n", 200, "plain");
    assert_true(get(s, "GET", "socket.io.js", "If-None-Match: \"4.8.4\"\n", &f));
    assert_int_equal(f.headers.len, 0);
    fake_deinit(&f);
}

static void test_names(void **state)
{
    const struct site *s = *state;
    static const char *const foreign[] = {
        "",
        "socket.io.JS",
        "socket.io.js/",
        "/socket.io.js",
        "socket.io.js.gz",
        "version.txt",
        "socket.io",
        "socket.io.jsx",
        "../socket.io.js",
        "socket.io.js?x",
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct fake f;
        assert_false(get(s, "GET", foreign[i], "", &f));
        fake_deinit(&f);
    }
}

static void test_methods(void **state)
{
    const struct site *s = *state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct fake f;
        assert_true(get(s, methods[i], "socket.io.js", "Content-Length: 0\n", &f));
        assert_int_equal(f.status, 405);
        assert_header(&f, "Allow", "GET, HEAD");
        fake_deinit(&f);
    }
}

static void test_missing_files(void **state)
{
    struct site *s = *state, nowhere;
    expect(s, "socket.io.esm.min.js", "", 404, NULL);
    write_file(s, "socket.io.esm.min.js.gz", "z");
    expect(s, "socket.io.esm.min.js", "", 404, NULL);
    write_file(s, "socket.io.esm.min.js", "installed later");
    expect(s, "socket.io.esm.min.js", "", 200, "installed later");
    expect(s, "socket.io.esm.min.js", "Accept-Encoding: gzip\n", 200, "z");
    /* Kept in memory from then on. */
    write_file(s, "socket.io.esm.min.js", "changed");
    expect(s, "socket.io.esm.min.js", "", 200, "installed later");
    assert_int_equal(http_client_files_new("/does/not/exist", &nowhere.files), 0);
    expect(&nowhere, "socket.io.js", "If-None-Match: \n", 404, NULL);
    http_client_files_free(nowhere.files);
    http_client_files_free(NULL);
}

static void test_versions(void **state)
{
    const struct site *s = *state;
    static const struct {
        const char *content, *etag;
    } cases[] = {
        {"4.8.4", "\"4.8.4\""},
        {"4.9.0-beta.1 \nmore", "\"4.9.0-beta.1\""},
        {"4\"\r\nX: 1", "\"4\""},
        {"", NULL},
        {"\n", NULL},
        {"12345678901234567890123456789012345678901234567890", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct site other = *s;
        struct fake f;
        write_file(s, "version.txt", cases[i].content);
        assert_int_equal(http_client_files_new(s->dir, &other.files), 0);
        assert_true(get(&other, "GET", "socket.io.js", "If-None-Match: \n", &f));
        assert_int_equal(f.status, 200);
        if (cases[i].etag)
            assert_header(&f, "ETag", cases[i].etag);
        else
            assert_no_header(&f, "ETag");
        fake_deinit(&f);
        http_client_files_free(other.files);
    }
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    const struct site *s = *state;
    for (size_t n = 1; n < 8; n++) {
        struct site other = *s;
        struct fake f;
        fake_init(&f, "GET /socket.io/x HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n");
        mem_test_fail_at(n, false);
        if (http_client_files_new(s->dir, &other.files) == 0) {
            http_client_files_handle(other.files, STR("socket.io.js"), &f.request);
            http_client_files_free(other.files);
        }
        mem_test_fail_at(0, false);
        fake_deinit(&f);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),      cmocka_unit_test(test_codings),
        cmocka_unit_test(test_not_modified), cmocka_unit_test(test_names),
        cmocka_unit_test(test_methods),      cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_versions),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
