/* The command line: what it means, and what is said about a wrong one. */
#include "../../../bindings/cli/args.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct cli_args args;
static char error[512];

/* A NULL-ended list of words behind the program's name. */
static int parse(char **argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    error[0] = '\0';
    return cli_args_parse(argc, argv, &args, error, sizeof error);
}

#define PARSE(...) parse((char *[]){(char *)"sioc", __VA_ARGS__, NULL})

static void accepted(int code)
{
    if (code < 0)
        fail_msg("refused: %s", error);
}

static void refused(int code, const char *message)
{
    assert_int_equal(code, SIOC_EINVAL);
    assert_string_equal(error, message);
    cli_args_free(&args);
}

static void test_nothing(void **state)
{
    (void)state;
    accepted(parse((char *[]){(char *)"sioc", NULL}));
    assert_int_equal(args.command, CLI_SERVE);
    assert_null(args.script);
    assert_int_equal(args.port, -1);
    assert_null(args.host);
    assert_int_equal(args.log_level, SIOC_LOG_INFO);
    cli_args_free(&args);
}

static void test_own_options(void **state)
{
    (void)state;
    accepted(PARSE("app.lua", "--port", "0", "--host=0.0.0.0", "--log-level", "debug",
                   "--log-format", "json", "--static", "a", "--static=b", "--handler-timeout",
                   "0.5"));
    assert_string_equal(args.script, "app.lua");
    assert_int_equal(args.port, 0);
    assert_string_equal(args.host, "0.0.0.0");
    assert_int_equal(args.log_level, SIOC_LOG_DEBUG);
    assert_true(args.log_json);
    assert_int_equal(args.static_count, 2);
    assert_string_equal(args.statics[1], "b");
    assert_true(args.handler_timeout_s == 0.5);
    cli_args_free(&args);
}

static void test_server_options(void **state)
{
    (void)state;
    accepted(PARSE("--ping-interval", "12.5", "app.lua", "--serial", "--no-serve-client",
                   "--cors-origin=https://a.example,https://b.example"));
    assert_string_equal(args.script, "app.lua");
    assert_int_equal(args.option_count, 4);
    assert_string_equal(args.options[0], "ping_interval=12.5");
    assert_string_equal(args.options[1], "serial=true");
    assert_string_equal(args.options[2], "serve_client=false");
    assert_string_equal(args.options[3], "cors.origin=https://a.example,https://b.example");
    cli_args_free(&args);
}

static void test_commands(void **state)
{
    (void)state;
    accepted(PARSE("check", "app.lua"));
    assert_int_equal(args.command, CLI_CHECK);
    assert_string_equal(args.script, "app.lua");
    accepted(PARSE("--help", "--nonsense"));
    assert_int_equal(args.command, CLI_HELP);
    accepted(PARSE("--version"));
    assert_int_equal(args.command, CLI_VERSION);
    accepted(PARSE("reload", "--pid", "17"));
    assert_int_equal(args.command, CLI_RELOAD);
    assert_int_equal(args.pid, 17);
    accepted(PARSE("reload", "--port", "81"));
    assert_int_equal(args.port, 81);
    refused(PARSE("reload", "--pid", "0"), "--pid must be the number of a process, not \"0\"");
    refused(PARSE("reload", "app.lua"), "unexpected \"app.lua\": reload takes --pid or --port");
    accepted(PARSE("rollback", "--pid", "18"));
    assert_int_equal(args.command, CLI_ROLLBACK);
    assert_int_equal(args.pid, 18);
    refused(PARSE("rollback", "reload"),
            "unexpected \"reload\": rollback takes --pid or --port");
    refused(PARSE("check"), "check needs a script: sioc check app.lua");
}

static void test_arguments_of_the_script(void **state)
{
    (void)state;
    accepted(PARSE("app.lua", "--", "--port", "x"));
    assert_int_equal(args.script_arg_count, 2);
    assert_string_equal(args.script_args[0], "--port");
    assert_string_equal(args.script_args[1], "x");
    cli_args_free(&args);
}

static void test_wrong_values(void **state)
{
    (void)state;
    refused(PARSE("--port", "70000"), "--port must be a number from 0 to 65535, not \"70000\"");
    refused(PARSE("--port", "80a"), "--port must be a number from 0 to 65535, not \"80a\"");
    refused(PARSE("--port"), "--port needs a value");
    refused(PARSE("--log-level", "loud"),
            "--log-level must be debug, info, warn or error, not \"loud\"");
    refused(PARSE("--handler-timeout", "0"),
            "--handler-timeout must be a number of seconds above 0, not \"0\"");
    assert_int_equal(PARSE("--max-payload", "many"), SIOC_EINVAL);
    assert_non_null(strstr(error, "max_payload"));
    cli_args_free(&args);
    assert_int_equal(PARSE("a.lua", "b.lua"), SIOC_EINVAL);
    assert_non_null(strstr(error, "unexpected \"b.lua\""));
}

static void test_unknown_options(void **state)
{
    (void)state;
    refused(PARSE("--prot", "3"), "unknown option --prot; did you mean --port?");
    refused(PARSE("--ping-intervall=3"),
            "unknown option --ping-intervall; did you mean --ping-interval?");
    refused(PARSE("--xyzzyplugh"), "unknown option --xyzzyplugh; sioc --help lists them");
    refused(PARSE("-x"), "unknown option -x; sioc --help lists them");
}

static void test_later(void **state)
{
    static const char *const names[] = {"--workers", "--config", "--adapter"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(PARSE((char *)names[i], "2"), SIOC_EINVAL);
        assert_non_null(strstr(error, "is not available yet"));
    }
}

static void test_python(void **state)
{
    (void)state;
    assert_int_equal(PARSE("app.py", "--python", "python3.9"), 0);
    assert_true(args.is_python);
    assert_string_equal(args.python, "python3.9");
    assert_int_equal(PARSE("app.lua"), 0);
    assert_false(args.is_python);
    assert_int_equal(PARSE("app.py", "--python="), SIOC_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_own_options),
        cmocka_unit_test(test_server_options),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_arguments_of_the_script),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_unknown_options),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_python),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
