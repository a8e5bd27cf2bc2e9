/* What scripts may load and call: require, luv, the changed standard library, stopping. */
#include "helper_host.h"
#include <time.h>

#define HEAD "local sioc = require 'sioc'\n"

static void require_finds_what_lies_beside(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_file(&rig, "part.lua",
             "local sioc = require 'sioc' print(...) sioc.sleep(0.001)\n"
             "return {name = 'part'}");
    rig_file(&rig, "nothing.lua", "print 'once'");
    rig_file(&rig, "wrong.lua", "local x = = 1");
    rig_file(&rig, "fails.lua", "error 'at load'");
    assert_int_equal(rig_load(&rig, HEAD "print(require 'part'.name, require 'part' == "
                                         "require 'part', select('#', require 'part'))\n"
                                         "print(require 'nothing', require 'nothing')\n"
                                         "print((select(2, pcall(require, 'wrong'))):match "
                                         "'wrong.lua:1: .*')\n"
                                         "print((select(2, pcall(require, 'fails'))):match "
                                         "'fails.lua:1: .*')\n"
                                         "print((select(2, pcall(require, 'absent'))):match "
                                         "'not found:.*absent.lua' ~= nil)\n"
                                         "print(require 'io' == io, require 'sioc' == sioc)\n"),
                     0);
    assert_non_null(strstr(rig.log, "part\t/tmp/sioc-test-"));
    assert_non_null(strstr(rig.log, "part\ttrue\t1\nonce\ntrue\ttrue"));
    assert_non_null(strstr(rig.log, "wrong.lua:1: unexpected symbol near '='\n"
                                    "fails.lua:1: at load\ntrue\ntrue\ttrue\n"));
    /* The newest first: what was read, and where was looked for what is not there. */
    size_t count = 0;
    bool missing = false;

    for (const char *path; (path = slua_host_file(rig.host, count)); count++)
        missing = missing || strstr(path, "/absent.lua");
    assert_non_null(strstr(slua_host_file(rig.host, count - 1), "app.lua"));
    assert_true(missing);
    rig_free(&rig);
}

static void broken_scripts_say_where(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, "x = (\n"), SIOC_ESYNTAX);
    assert_non_null(strstr(rig.error, "app.lua:2: unexpected symbol near <eof>"));
    assert_null(strstr(rig.error, "traceback"));
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "local function f() error 'no' end\nf()\n"), SIOC_EINVAL);
    assert_non_null(strstr(rig.error, "app.lua:1: no\nstack traceback:\n"));
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "\27Lua"), SIOC_ESYNTAX);
    slua_host_free(rig.host);
    rig.config.script = "/nowhere/app.lua";
    assert_int_equal(rig_load(&rig, ""), SIOC_ENOTFOUND);
    assert_non_null(strstr(rig.error, "/nowhere/app.lua"));
    rig.config.script = rig.script;
    rig_free(&rig);
}

static void arguments(void **state)
{
    static const char *const args[] = {"one", "two"};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.args = args;
    rig.config.arg_count = 2;
    assert_int_equal(rig_load(&rig, "print(#arg, arg[1], arg[0]:match 'app.lua$', ...)"), 0);
    assert_string_equal(rig.log, "2\tone\tapp.lua\tone\ttwo\n");
    rig_free(&rig);
}

static void dangerous_functions_are_gone(void **state)
{
    (void)state;
    rig_script(HEAD
               "print(debug.sethook, debug.getregistry, debug.setmetatable)\n"
               "print(debug.traceback ~= nil, pcall(collectgarbage, 'stop'))\n"
               "print(load(string.dump(function() end)))\n"
               "print(load(string.dump(function() end), 'x', 'b'))\n"
               "print(load('return 1, ...', 'x')(2), load('return a', 'x', 't', {a = 7})())\n"
               "print(collectgarbage 'count' > 0, sioc.version)\n"
               "print({1, {a = 2}}, sioc.null, sioc.raw '1')\n"
               "sioc.log.warn('x', nil, 1.5) sioc.log.debug('unseen')\n"
               "sioc.state.x = 1 sioc.stop()",
               "nil\tnil\tnil\n"
               "true\tfalse\tcollectgarbage(\"stop\") is not allowed in a server\n"
               "nil\tattempt to load a binary chunk (mode is 't')\n"
               "nil\tattempt to load a binary chunk (mode is 't')\n"
               "1\t7\n"
               "true\t" SIOC_VERSION "\n"
               "[1,{\"a\":2}]\tnull\t1\n"
               "warn: x\tnil\t1.5\n");
}

static void exit_ends_in_good_order(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, HEAD "sioc.after(0, function() os.exit(3) print 'no' end)"),
                     0);
    rig_run(&rig);
    assert_int_equal(rig.exit_code, 3);
    assert_string_equal(rig.log, "");
    slua_host_free(rig.host);

    rig.stopped = false;
    assert_int_equal(rig_load(&rig, "os.exit(false) print 'no'"), 0);
    assert_true(rig.stopped);
    assert_int_equal(rig.exit_code, 1);
    assert_string_equal(rig.log, "");
    rig_free(&rig);
}

static int wait_for_nothing(lua_State *L)
{
    return slua_wait(L, NULL, 0);
}

static void waiting_for_ever_is_an_error(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_file(&rig, "app.lua", "wait_for_nothing()");
    assert_int_equal(slua_host_new(rig.loop, &rig.config, &rig.host), 0);
    lua_pushcfunction(rig.host->L, wait_for_nothing);
    lua_setglobal(rig.host->L, "wait_for_nothing");
    assert_int_equal(slua_host_load(rig.host, rig.error, sizeof rig.error), SIOC_EINVAL);
    assert_string_equal(rig.error, "the script waits for something that cannot come");
    rig_free(&rig);
}

/* ---- luv ---- */

static bool have_luv(void)
{
    struct rig rig;
    bool have;

    rig_init(&rig);
    have = rig_load(&rig, "require 'luv'") == 0;
    rig_free(&rig);
    return have;
}

static void luv_timers(void **state)
{
    struct rig rig;

    (void)state;
    assert_true(have_luv()); /* scripts/setup installs it */
    rig_init(&rig);
    assert_int_equal(rig_load(&rig,
                              HEAD "local uv = require 'luv'\n"
                                   "print(uv.run, uv.stop, uv.walk, uv.loop_close)\n"
                                   "local n, start, timer = 0, sioc.now(), uv.new_timer()\n"
                                   "timer:start(10, 5, function()\n"
                                   "  n = n + 1\n"
                                   "  if n == 1 then print(sioc.now() - start >= 0.009) "
                                   "sioc.sleep(0.02) print 'slept' error 'in luv' end\n"
                                   "  if n == 7 then timer:close() sioc.stop() end end)\n"),
                     0);
    rig_run(&rig);
    assert_non_null(strstr(rig.log, "nil\tnil\tnil\tnil\ntrue\n"));
    assert_non_null(strstr(rig.log, "slept\nerror: error in luv callback: "));
    assert_non_null(strstr(rig.log, "in luv\nstack traceback"));
    rig_free(&rig);
}

/* The clock of the inner loop must not lag behind after a long sleep of the outer one. */
static void luv_clock(void **state)
{
    assert_true(have_luv()); /* scripts/setup installs it */
    (void)state;
    rig_script(HEAD "local uv = require 'luv'\n"
                    "sioc.after(0.1, function() local start = sioc.now()\n"
                    "  uv.new_timer():start(30, 0, function()\n"
                    "    print(sioc.now() - start > 0.025, sioc.now() - start < 0.2)\n"
                    "    sioc.stop() end) end)\n",
               "true\ttrue\n");
}

/* A callback of luv ends the waiting of the top level, just before the loop goes to sleep. */
static void luv_ends_the_top_level(void **state)
{
    struct rig rig;
    time_t start = time(NULL);

    (void)state;
    assert_true(have_luv()); /* scripts/setup installs it */
    rig_init(&rig);
    rig.config.stop = NULL; /* nobody else stops the loop */
    assert_int_equal(rig_load(&rig,
                              HEAD "local uv = require 'luv'\n"
                                   "uv.new_timer():start(5, 0, function() os.exit() end)\n"
                                   "sioc.sleep(8) print 'too late'"),
                     0);
    assert_string_equal(rig.log, "");
    assert_true(time(NULL) - start < 5);
    rig_free(&rig);
}

/* A loop of luv that has nothing to do must not keep the outer one awake. */
static void luv_idles(void **state)
{
    (void)state;
    assert_true(have_luv()); /* scripts/setup installs it */
    rig_script(HEAD "local uv = require 'luv' local timer = uv.new_timer()\n"
                    "local cpu = os.clock() sioc.sleep(0.2) print(os.clock() - cpu < 0.02)\n"
                    "timer:start(100000, 0, print)\n"
                    "cpu = os.clock() sioc.sleep(0.2) print(os.clock() - cpu < 0.02)\n"
                    "timer:close() sioc.sleep(0.01)\n"
                    "cpu = os.clock() sioc.sleep(0.2) print(os.clock() - cpu < 0.02)\n"
                    "sioc.stop()",
               "true\ntrue\ntrue\n");
}

static void luv_network_and_leftovers(void **state)
{
    struct rig rig;

    (void)state;
    assert_true(have_luv()); /* scripts/setup installs it */
    rig_init(&rig);
    assert_int_equal(
        rig_load(&rig,
                 HEAD "local uv = require 'luv'\n"
                      "local server = uv.new_tcp() server:bind('127.0.0.1', 0)\n"
                      "server:listen(8, function(err)\n"
                      "  local peer = uv.new_tcp() server:accept(peer)\n"
                      "  peer:read_start(function(err, data) if data then peer:write(data) end "
                      "end) end)\n"
                      "local client = uv.new_tcp()\n"
                      "client:connect('127.0.0.1', server:getsockname().port, function(err)\n"
                      "  client:write 'ping' client:read_start(function(err, data)\n"
                      "    print(err, data) sioc.stop() end) end)\n"
                      "uv.getaddrinfo('localhost', nil, nil, function() end)\n"
                      "uv.new_timer():start(100000, 0, function() end)\n"
                      "uv.new_idle() uv.new_timer()\n"),
        0);
    rig_run(&rig);
    assert_string_equal(rig.log, "nil\tping\n");
    rig_free(&rig); /* with all of them still open */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(require_finds_what_lies_beside),
        cmocka_unit_test(broken_scripts_say_where),
        cmocka_unit_test(arguments),
        cmocka_unit_test(dangerous_functions_are_gone),
        cmocka_unit_test(exit_ends_in_good_order),
        cmocka_unit_test(waiting_for_ever_is_an_error),
        cmocka_unit_test(luv_timers),
        cmocka_unit_test(luv_clock),
        cmocka_unit_test(luv_ends_the_top_level),
        cmocka_unit_test(luv_idles),
        cmocka_unit_test(luv_network_and_leftovers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
