/* Options: defaults, ranges, and messages that help (api.md "Options"). */
#include "base/str.h"
#include "socketio/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static char error[256];

static struct sioc_options *fresh(void)
{
    struct sioc_options *o = sioc_options_new();
    assert_non_null(o);
    error[0] = '\0';
    return o;
}

static double number(const struct sioc_options *o, const char *name)
{
    double value = -7;
    assert_int_equal(sioc_options_get(o, name, &value), 0);
    return value;
}

static void has_the_documented_defaults(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    assert_string_equal(o->path, "/socket.io/");
    assert_true(sio_text_list_has(&o->transports, "polling"));
    assert_true(sio_text_list_has(&o->transports, "websocket"));
    assert_true(number(o, "ping_interval") == 25);
    assert_true(number(o, "ping_timeout") == 20);
    assert_true(number(o, "connect_timeout") == 45);
    assert_true(number(o, "max_payload") == 1000000);
    assert_true(number(o, "max_attachments") == 10);
    assert_true(number(o, "max_depth") == 64);
    assert_true(number(o, "max_queue") == 1048576);
    assert_true(number(o, "allow_upgrades") == 1);
    assert_int_equal(o->cors_origin.count, 0);
    sioc_options_free(o);
}

static void suggests_the_nearest_name(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    assert_int_equal(sioc_options_set_number(o, "ping_intervall", 1, error, sizeof error),
                     SIOC_ENOTFOUND);
    assert_string_equal(error,
                        "unknown option \"ping_intervall\"; did you mean \"ping_interval\"?");
    assert_int_equal(sioc_options_set_bool(o, "zzz", true, error, sizeof error),
                     SIOC_ENOTFOUND);
    assert_string_equal(error, "unknown option \"zzz\"");
    sioc_options_free(o);
}

static void refuses_wrong_types_and_ranges(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    assert_int_equal(sioc_options_set_number(o, "max_payload", 0, error, sizeof error),
                     SIOC_EINVAL);
    assert_string_equal(error,
                        "option \"max_payload\" must be a whole number from 1 to 1073741824");
    assert_int_equal(sioc_options_set_number(o, "max_payload", 1.5, error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(sioc_options_set_number(o, "ping_interval", 0, error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(sioc_options_set_text(o, "ping_interval", "x", error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(sioc_options_set_bool(o, "ping_interval", true, error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(
        sioc_options_set_text(o, "transports", "carrier pigeon", error, sizeof error),
        SIOC_EINVAL);
    assert_int_equal(sioc_options_set_text(o, "path", "/a?b", error, sizeof error),
                     SIOC_EINVAL);
    assert_true(number(o, "max_payload") == 1000000);
    sioc_options_free(o);
}

static void normalises_the_path(void **state)
{
    (void)state;
    static const char *const same[] = {"/chat", "chat", "/chat/", "//chat//"};
    struct sioc_options *o = fresh();
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sioc_options_set_text(o, "path", same[i], error, sizeof error), 0);
        assert_string_equal(o->path, "/chat/");
    }
    assert_int_equal(sioc_options_set_text(o, "path", "/", error, sizeof error), 0);
    assert_string_equal(o->path, "/");
    sioc_options_free(o);
}

static void lists_replace_their_default(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    assert_int_equal(sioc_options_set_text(o, "transports", "websocket", error, sizeof error),
                     0);
    assert_int_equal(o->transports.count, 1);
    assert_int_equal(sioc_options_parse(o, "cors.origin",
                                        "https://a.example, https://b.example", error,
                                        sizeof error),
                     0);
    assert_int_equal(o->cors_origin.count, 2);
    assert_string_equal(o->cors_origin.items[1], "https://b.example");
    struct http_cors cors;
    http_cors_init(&cors);
    assert_int_equal(sio_options_make_cors(o, &cors), 0);
    assert_true(cors.enabled);
    assert_false(cors.any_origin);
    assert_int_equal(cors.origin_count, 2);
    http_cors_deinit(&cors);
    sioc_options_free(o);
}

static void parses_command_line_values(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    assert_int_equal(sioc_options_parse(o, "ping_interval", "0.5", error, sizeof error), 0);
    assert_true(number(o, "ping_interval") == 0.5);
    assert_int_equal(sioc_options_parse(o, "serve_client", "false", error, sizeof error), 0);
    assert_true(number(o, "serve_client") == 0);
    assert_int_equal(sioc_options_parse(o, "serve_client", "no", error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(sioc_options_parse(o, "ping_interval", "5s", error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(sioc_options_parse(o, "ping_interval", "", error, sizeof error),
                     SIOC_EINVAL);
    assert_int_equal(sioc_options_parse(o, "ping_interval", "nan", error, sizeof error),
                     SIOC_EINVAL);
    sioc_options_free(o);
}

static void describes_every_option(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct sioc_option_info *info; (info = sioc_option_at(count)); count++) {
        assert_true(strlen(info->name) > 0);
        assert_true(strlen(info->help) > 0);
    }
    assert_true(count > 20);
}

static void checks_what_goes_into_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *good, *bad;
    } cases[] = {
        {"cookie.name", "my-io", "a b"},
        {"cookie.name", "io", "io=x"},
        {"cookie.name", "io", ""},
        {"cookie.name", "io", "io\r\nX: y"},
        {"cookie.path", "/a b", "/;x"},
        {"cookie.path", "", "/\r\n"},
        {"cookie.domain", "example.com", "example.com; Path=/"},
        {"cookie.domain", "example.com", "\x7f"},
        {"cookie.domain", "example.com", "ex\xc3\xa4mple.com"},
        {"cookie.same_site", "NONE", "sometimes"},
        {"cors.methods", "GET", "GET POST"},
        {"cors.methods", "GET", "GET\r\nX: y"},
        {"cors.allowed_headers", "X-One", "X-One:"},
        {"cors.exposed_headers", "X-One", "\n"},
        {"cors.origin", "https://a.example", "https://a.example\r\nX: y"},
        {"cors.origin", "https://*.example", "https://*.*.example"},
        {"cors.origin", "*", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sioc_options *o = fresh();
        assert_int_equal(
            sioc_options_set_text(o, cases[i].name, cases[i].good, error, sizeof error), 0);
        assert_int_equal(
            sioc_options_set_text(o, cases[i].name, cases[i].bad, error, sizeof error),
            SIOC_EINVAL);
        assert_non_null(strstr(error, cases[i].name));
        sioc_options_free(o);
    }
}

static void makes_cookies_and_compression(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    struct eio_options engine;
    sio_options_make_engine(o, &engine);
    assert_null(engine.cookie.name);
    assert_int_equal(engine.compress_bytes, 1024);
    assert_int_equal(sioc_options_set_bool(o, "cookie", true, error, sizeof error), 0);
    assert_int_equal(sioc_options_set_bool(o, "http_compression", false, error, sizeof error),
                     0);
    sio_options_make_engine(o, &engine);
    assert_string_equal(engine.cookie.name, "io");
    assert_string_equal(engine.cookie.path, "/");
    assert_string_equal(engine.cookie.same_site, "Lax");
    assert_null(engine.cookie.domain);
    assert_true(engine.cookie.http_only);
    assert_false(engine.cookie.secure);
    assert_int_equal(engine.cookie.max_age_s, -1);
    assert_int_equal(engine.compress_bytes, 0);
    sioc_options_free(o);
}

static void takes_all_origins_or_none(void **state)
{
    (void)state;
    struct sioc_options *o = fresh();
    struct http_cors cors;
    assert_int_equal(sioc_options_set_bool(o, "cors.origin", true, error, sizeof error), 0);
    http_cors_init(&cors);
    assert_int_equal(sio_options_make_cors(o, &cors), 0);
    assert_true(cors.enabled && cors.reflect && !cors.any_origin);
    http_cors_deinit(&cors);
    assert_int_equal(sioc_options_parse(o, "cors.origin", "false", error, sizeof error), 0);
    assert_int_equal(sio_options_make_cors(o, &cors), 0);
    assert_false(cors.enabled || cors.reflect);
    http_cors_deinit(&cors);
    sioc_options_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_what_goes_into_headers),
        cmocka_unit_test(makes_cookies_and_compression),
        cmocka_unit_test(takes_all_origins_or_none),
        cmocka_unit_test(has_the_documented_defaults),
        cmocka_unit_test(suggests_the_nearest_name),
        cmocka_unit_test(refuses_wrong_types_and_ranges),
        cmocka_unit_test(normalises_the_path),
        cmocka_unit_test(lists_replace_their_default),
        cmocka_unit_test(parses_command_line_values),
        cmocka_unit_test(describes_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
