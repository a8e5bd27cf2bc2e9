/* sioc.server{...}: options.c, and what servers do before anybody connects (server.c). */
#include "helper_host.h"
#include <stdio.h>

#define HEAD                                               \
    "local sioc = require 'sioc'\n"                        \
    "local function refuses(options)\n"                    \
    "  local ok, why = pcall(sioc.server, options)\n"      \
    "  print(ok, (tostring(why):gsub('^.-:%d+: ', '')))\n" \
    "end\n"
#define TAIL "\nsioc.stop()"

static void good_options(void **state)
{
    (void)state;
    rig_script(HEAD "sioc.server()\n"
                    "sioc.server {}\n"
                    "sioc.server { ping_interval = 0.5, max_payload = 1e6, serial = true }\n"
                    "sioc.server { transports = { 'websocket' }, path = '/ws/' }\n"
                    "sioc.server { cors = 'https://app.example' }\n"
                    "sioc.server { cors = { origin = { 'https://a.example', '*' },\n"
                    "  credentials = true, max_age = 60 } }\n" TAIL,
               "");
}

static void wrong_options(void **state)
{
    (void)state;
    rig_script(HEAD "refuses { ping_intervall = 3 }\n"
                    "refuses { max_payload = 0 }\n"
                    "refuses { serial = 'yes' }\n"
                    "refuses { transports = { 1 } }\n"
                    "refuses { cors = { [true] = 1 } }\n"
                    "refuses { path = 'a\\0b' }\n"
                    "refuses { path = print }\n"
                    "refuses { path = coroutine.create(print) }\n"
                    "refuses(3)\n" TAIL,
               "false\tunknown option \"ping_intervall\"; did you mean \"ping_interval\"?\n"
               "false\toption \"max_payload\" must be a whole number from 1 to 1073741824\n"
               "false\toption \"serial\" must be true or false\n"
               "false\toption \"transports\" must be a list of strings\n"
               "false\toption \"cors\" is a table that is neither a list nor has names\n"
               "false\toption \"path\" holds a zero byte\n"
               "false\toption \"path\" cannot be a function\n"
               "false\toption \"path\" has a value that no option can have\n"
               "false\tbad argument #1 to 'sioc.server' (table expected, got number)\n");
}

/* What the command line sets, the script cannot. */
static void the_command_line_wins(void **state)
{
    static const char *const options[] = {"max_payload=5", "transports=websocket"};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.options = options;
    rig.config.option_count = 2;
    assert_int_equal(rig_load(&rig, "local sioc = require 'sioc'\n"
                                    "sioc.server { max_payload = 0, transports = { 'x' } }"),
                     0);
    rig_free(&rig);

    static const char *const wrong[] = {"max_payload=x"};
    rig_init(&rig);
    rig.config.options = wrong;
    rig.config.option_count = 1;
    assert_int_equal(rig_load(&rig, "require('sioc').server()"), SIOC_EINVAL);
    assert_non_null(strstr(rig.error, "max_payload"));
    rig_free(&rig);
}

/* ---- addresses ---- */

struct heard {
    int count;
    char host[4][64];
    uint16_t port[4];
};

static void on_listening(void *user, const char *host, uint16_t port, bool secure)
{
    struct heard *heard = user;

    assert_false(secure);
    assert_true(heard->count < 4);
    snprintf(heard->host[heard->count], 64, "%s", host);
    heard->port[heard->count++] = port;
}

static int start(struct rig *rig, struct heard *heard, const char *source)
{
    memset(heard, 0, sizeof *heard);
    rig->config.listening = on_listening;
    rig->config.user = heard;
    assert_int_equal(rig_load(rig, source), 0);
    assert_int_equal(heard->count, 0); /* nothing listens before the script has run */
    return slua_host_start(rig->host, rig->error, sizeof rig->error);
}

static void two_addresses(void **state)
{
    struct heard heard;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(start(&rig, &heard,
                           "local io = require('sioc').server()\n"
                           "io:listen(0) io:listen(0, '127.0.0.2')"),
                     0);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.host[0], "127.0.0.1");
    assert_string_equal(heard.host[1], "127.0.0.2");
    assert_true(heard.port[0] != 0 && heard.port[0] != heard.port[1]);
    rig_free(&rig);
}

static void the_command_line_moves_the_first_server(void **state)
{
    struct heard heard;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.port_override = 0;
    rig.config.host_override = "127.0.0.2";
    assert_int_equal(start(&rig, &heard,
                           "local sioc = require 'sioc'\n"
                           "local a, b = sioc.server(), sioc.server()\n"
                           "a:listen(1) a:listen(2) b:listen(0)"),
                     0);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.host[0], "127.0.0.2");
    assert_string_equal(heard.host[1], "127.0.0.1");
    rig_free(&rig);
}

static void bad_addresses_are_named(void **state)
{
    struct heard heard;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_true(start(&rig, &heard,
                      "local sioc = require 'sioc'\n"
                      "sioc.server():listen(0) sioc.server()") < 0);
    assert_string_equal(rig.error, "server 2 of the script has no address: call io:listen");
    rig_free(&rig);

    rig_init(&rig);
    assert_true(start(&rig, &heard, "require('sioc').server():listen(0, 'no such host')") < 0);
    assert_non_null(strstr(rig.error, "cannot listen on no such host:0: "));
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_options),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(two_addresses),
        cmocka_unit_test(the_command_line_moves_the_first_server),
        cmocka_unit_test(bad_addresses_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
