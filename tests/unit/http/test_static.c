/* A folder of files: names, types, conditions, ranges, neighbours; and every way out of the
 * folder that we know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fake_request.h"
#include "http/static.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* <base>/secret.txt lies beside <base>/public, which is served. */
struct site {
    char base[64];
    struct http_static *files;
};

static void write_file(const struct site *s, const char *name, const char *content)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", s->base, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void make_dir(const struct site *s, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", s->base, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const struct site *s, const char *target, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", s->base, name);
    assert_int_equal(symlink(target, path), 0);
}

static void set_time(const struct site *s, const char *name, time_t seconds)
{
    char path[300];
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    snprintf(path, sizeof path, "%s/%s", s->base, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int setup(void **state)
{
    struct site *s = malloc(sizeof *s);
    char path[100];
    strcpy(s->base, "/tmp/sioc-static-XXXXXX");
    assert_non_null(mkdtemp(s->base));
    make_dir(s, "public");
    make_dir(s, "public/sub");
    make_dir(s, "public/empty");
    make_dir(s, "public/.git");
    write_file(s, "secret.txt", "SECRET");
    write_file(s, "public/index.html", "<h1>root</h1>");
    write_file(s, "public/a.txt", "0123456789");
    write_file(s, "public/nothing.bin", "");
    write_file(s, "public/.hidden", "SECRET");
    write_file(s, "public/.git/config", "SECRET");
    write_file(s, "public/with space\xc3\xbc.txt", "odd");
    write_file(s, "public/sub/index.html", "<h1>sub</h1>");
    write_file(s, "public/app.js", "plain");
    write_file(s, "public/app.js.gz", "gzipped");
    write_file(s, "public/app.js.br", "brotli");
    write_file(s, "public/old.js", "newer than its neighbour");
    write_file(s, "public/old.js.gz", "stale");
    set_time(s, "public/old.js.gz", 1000);
    set_time(s, "public/a.txt", 784111777);
    make_link(s, "../secret.txt", "public/out.txt");
    make_link(s, "/etc/passwd", "public/passwd");
    make_link(s, "..", "public/up");
    snprintf(path, sizeof path, "%s/public/fifo", s->base);
    assert_int_equal(mkfifo(path, 0644), 0);
    snprintf(path, sizeof path, "%s/public", s->base);
    assert_int_equal(http_static_new(STR("/files"), path, &s->files), 0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct site *s = *state;
    char command[100];
    http_static_free(s->files);
    snprintf(command, sizeof command, "rm -rf '%s'", s->base);
    int result = system(command);
    free(s);
    return result;
}

static void get(const struct site *s, const char *method, const char *path, const char *headers,
                struct fake *f)
{
    char text[1000];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\nHost: a\n%s", method, path, headers);
    fake_init(f, text);
    http_static_handle(s->files, &f->request);
    assert_int_equal(f->answers, 1);
    buf_putc(&f->body, '\0');
}

static void expect(const struct site *s, const char *path, const char *headers, int status,
                   const char *body)
{
    struct fake f;
    get(s, "GET", path, headers, &f);
    if (f.status != status)
        fail_msg("%s: %d, not %d", path, f.status, status);
    if (body)
        assert_string_equal((char *)f.body.bytes, body);
    fake_deinit(&f);
}

static void test_files_and_folders(void **state)
{
    const struct site *s = *state;
    expect(s, "/files/a.txt", "", 200, "0123456789");
    expect(s, "/files/a.txt?v=2", "", 200, "0123456789");
    expect(s, "/files/nothing.bin", "", 200, "");
    expect(s, "/files/", "", 200, "<h1>root</h1>");
    expect(s, "/files/index.html", "", 200, "<h1>root</h1>");
    expect(s, "/files/sub/", "", 200, "<h1>sub</h1>");
    expect(s, "/files//sub/./../a.txt", "", 200, "0123456789");
    expect(s, "/files/with%20space%C3%BC.txt", "", 200, "odd");
    expect(s, "/files/%61.txt", "", 200, "0123456789");
    expect(s, "/files/missing", "", 404, "Not Found\n");
    expect(s, "/files/a.txt/", "", 404, NULL);
    expect(s, "/files/a.txt/b", "", 404, NULL);
    expect(s, "/files/empty/", "", 404, NULL); /* no listing */
    expect(s, "/other/a.txt", "", 404, NULL);
}

static void test_folders_without_slash(void **state)
{
    const struct site *s = *state;
    static const struct {
        const char *path, *location;
    } cases[] = {
        {"/files", "/files/"},
        {"/files/sub", "/files/sub/"},
        {"/files/sub?x=1&y", "/files/sub/?x=1&y"},
        {"/files//sub", "/files/sub/"},
        {"/files/%73ub", "/files/sub/"},
        {"/files///evil.example/../sub", "/files/sub/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake f;
        get(s, "GET", cases[i].path, "", &f);
        assert_int_equal(f.status, 301);
        assert_header(&f, "Location", cases[i].location);
        fake_deinit(&f);
    }
}

static void test_no_way_out(void **state)
{
    const struct site *s = *state;
    static const char *const paths[] = {
        "/files/../secret.txt",
        "/files/..",
        "/files/../",
        "/files/sub/../../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/%2E%2E%2Fsecret.txt",
        "/files/..%2fsecret.txt",
        "/files/..%5csecret.txt",
        "/files/.%2e/secret.txt",
        "/files/%252e%252e/secret.txt",
        "/files/%c0%ae%c0%ae/secret.txt",
        "/files/..%c0%afsecret.txt",
        "/files/../public/a.txt",
        "/files/a.txt%00.html",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/..../secret.txt",
        "/files/..;/secret.txt",
        "/files/out.txt", /* links out of the folder */
        "/files/passwd",
        "/files/up/secret.txt",
        "/files/up/public/a.txt",
        "/files/.hidden", /* dot names */
        "/files/.git/config",
        "/files/sub/../.git/config",
        "/files/%2ehidden",
        "/files/fifo", /* no file; and must not hang */
        "/filesecret.txt",
        "/files../secret.txt",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct fake f;
        get(s, "GET", paths[i], "", &f);
        if (f.status != 404 || strstr((char *)f.body.bytes, "SECRET"))
            fail_msg("%s: %d", paths[i], f.status);
        fake_deinit(&f);
    }
}

static void test_methods_and_headers(void **state)
{
    const struct site *s = *state;
    struct fake f;
    get(s, "POST", "/files/a.txt", "Content-Length: 0\n", &f);
    assert_int_equal(f.status, 405);
    assert_header(&f, "Allow", "GET, HEAD");
    fake_deinit(&f);
    get(s, "HEAD", "/files/a.txt", "Range: bytes=0-1\n", &f); /* the connection cuts the body */
    assert_int_equal(f.status, 200);
    fake_deinit(&f);
    get(s, "GET", "/files/a.txt", "", &f);
    assert_header(&f, "Content-Type", "text/plain; charset=utf-8");
    assert_header(&f, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_header(&f, "Cache-Control", "public, max-age=0");
    assert_header(&f, "Accept-Ranges", "bytes");
    assert_header(&f, "X-Content-Type-Options", "nosniff");
    assert_no_header(&f, "Vary");
    assert_no_header(&f, "Content-Encoding");
    fake_deinit(&f);
}

static void test_conditions(void **state)
{
    const struct site *s = *state;
    struct fake f;
    char etag[80], headers[300];
    get(s, "GET", "/files/a.txt", "", &f);
    snprintf(etag, sizeof etag, "%.*s", SIOC_STR_ARG(fake_header(&f, "ETag")));
    fake_deinit(&f);
    assert_int_equal(etag[0], '"');
    static const struct {
        const char *format;
        int status;
    } cases[] = {
        {"If-None-Match: %s\n", 304},
        {"If-None-Match: W/%s\n", 304},
        {"If-None-Match: \"x\", %s\n", 304},
        {"If-None-Match: *%.0s\n", 304},
        {"If-None-Match: \"x\"%.0s\n", 200},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\n%.0s", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT\n%.0s", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\n%.0s", 200},
        {"If-Modified-Since: yesterday\n%.0s", 200},
        /* The tag counts, not the date. */
        {"If-None-Match: \"x\"\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT\n%.0s", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(headers, sizeof headers, cases[i].format, etag);
        get(s, "GET", "/files/a.txt", headers, &f);
        assert_int_equal(f.status, cases[i].status);
        assert_header(&f, "ETag", etag);
        assert_int_equal(f.body.len, cases[i].status == 304 ? 1 : 11);
        fake_deinit(&f);
    }
}

static void test_ranges(void **state)
{
    const struct site *s = *state;
    struct fake f;
    expect(s, "/files/a.txt", "Range: bytes=2-4\n", 206, "234");
    expect(s, "/files/a.txt", "Range: bytes=7-\n", 206, "789");
    expect(s, "/files/a.txt", "Range: bytes=-2\n", 206, "89");
    expect(s, "/files/a.txt", "Range: bytes=0-1,3-4\n", 200, "0123456789");
    expect(s, "/files/a.txt", "Range: bytes=2-4\nIf-Range: \"x\"\n", 200, "0123456789");
    expect(s, "/files/a.txt", "Range: bytes=2-4\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\n",
           206, "234");
    get(s, "GET", "/files/a.txt", "Range: bytes=2-4\n", &f);
    assert_header(&f, "Content-Range", "bytes 2-4/10");
    fake_deinit(&f);
    get(s, "GET", "/files/a.txt", "Range: bytes=10-\n", &f);
    assert_int_equal(f.status, 416);
    assert_header(&f, "Content-Range", "bytes */10");
    fake_deinit(&f);
}

static void test_neighbours(void **state)
{
    const struct site *s = *state;
    static const struct {
        const char *path, *headers, *body, *encoding;
    } cases[] = {
        {"/files/app.js", "Accept-Encoding: gzip, deflate, br\n", "gzipped", "gzip"},
        {"/files/app.js", "Accept-Encoding: br, gzip\n", "brotli", "br"},
        {"/files/app.js", "Accept-Encoding: deflate\n", "plain", NULL},
        {"/files/app.js", "", "plain", NULL},
        {"/files/app.js", "Accept-Encoding: gzip\nRange: bytes=0-1\n", "pl", NULL},
    };
    char etags[2][80];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake f;
        get(s, "GET", cases[i].path, cases[i].headers, &f);
        assert_string_equal((char *)f.body.bytes, cases[i].body);
        assert_header(&f, "Vary", "Accept-Encoding");
        assert_header(&f, "Content-Type", "text/javascript; charset=utf-8");
        if (cases[i].encoding)
            assert_header(&f, "Content-Encoding", cases[i].encoding);
        else
            assert_no_header(&f, "Content-Encoding");
        if (i < 2)
            snprintf(etags[i], 80, "%.*s", SIOC_STR_ARG(fake_header(&f, "ETag")));
        fake_deinit(&f);
    }
    assert_string_not_equal(etags[0], etags[1]);
    expect(s, "/files/old.js", "Accept-Encoding: gzip\n", 200, "newer than its neighbour");
    expect(s, "/files/app.js.gz", "", 200, "gzipped");
}

static void test_no_such_folder(void **state)
{
    const struct site *s = *state;
    struct http_static *files = NULL;
    char path[100];
    assert_int_equal(http_static_new(STR("/"), "/does/not/exist", &files), SIOC_ENOTFOUND);
    snprintf(path, sizeof path, "%s/secret.txt", s->base);
    assert_int_equal(http_static_new(STR("/"), path, &files), SIOC_ENOTFOUND);
    assert_null(files);
    http_static_free(NULL);
}

static void test_at_the_root(void **state)
{
    const struct site *s = *state;
    struct site root = *s;
    char path[100];
    snprintf(path, sizeof path, "%s/public", s->base);
    assert_int_equal(http_static_new(STR("/"), path, &root.files), 0);
    expect(&root, "/", "", 200, "<h1>root</h1>");
    expect(&root, "/a.txt", "", 200, "0123456789");
    expect(&root, "/../secret.txt", "", 404, NULL);
    struct fake f;
    get(&root, "GET", "//sub", "", &f); /* never "//sub/": another host */
    assert_int_equal(f.status, 301);
    assert_header(&f, "Location", "/sub/");
    fake_deinit(&f);
    http_static_free(root.files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_and_folders), cmocka_unit_test(test_folders_without_slash),
        cmocka_unit_test(test_no_way_out),        cmocka_unit_test(test_methods_and_headers),
        cmocka_unit_test(test_conditions),        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_neighbours),        cmocka_unit_test(test_no_such_folder),
        cmocka_unit_test(test_at_the_root),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
