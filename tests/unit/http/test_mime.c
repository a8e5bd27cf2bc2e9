/* Types by extension. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/static.h"

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
    } cases[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"a/b/app.js", "text/javascript; charset=utf-8"},
        {"APP.JS", "text/javascript; charset=utf-8"},
        {"app.js.map", "application/json; charset=utf-8"},
        {"x.css", "text/css; charset=utf-8"},
        {"photo.jpeg", "image/jpeg"},
        {"logo.svg", "image/svg+xml"},
        {"font.woff2", "font/woff2"},
        {"m.wasm", "application/wasm"},
        {"archive.tar.gz", "application/gzip"},
        {"app.webmanifest", "application/manifest+json"},
        {"README", "application/octet-stream"},
        {"dir.html/file", "application/octet-stream"},
        {"odd.", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"html", "application/octet-stream"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(http_mime_type(sioc_str(cases[i].name)), cases[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
