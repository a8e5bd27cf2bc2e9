/* Scripts that run too long, or use too much memory: watchdog.c, host.c. */
#include "helper_host.h"
#include <stdio.h>
#include <time.h>

/* Loops call into C now and then, as a sanitizer may deliver signals only there. */
#define HEAD                        \
    "local sioc = require 'sioc'\n" \
    "local function loop() while true do string.rep('x', 100) end end\n"

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs the code in a handler; it must be stopped `times` times, and the host must live. */
static void stops(const char *code, int times, const char *where)
{
    char source[2048];
    struct rig rig;
    double start;
    int found = 0;

    rig_init(&rig);
    rig.config.handler_timeout_s = 0.1;
    snprintf(source, sizeof source,
             HEAD "sioc.after(0, function()\n%s\nprint 'went on' end)\n"
                  "sioc.after(0.001, function() print 'alive' sioc.stop() end)",
             code);
    assert_int_equal(rig_load(&rig, source), 0);
    start = now_s();
    rig_run(&rig);
    for (const char *at = rig.log; (at = strstr(at, "ran longer than 0.1 s and was stopped"));
         at++)
        found++;
    if (found < times || !strstr(rig.log, "alive\n") || strstr(rig.log, "went on") ||
        !strstr(rig.log, where))
        fail_msg("log:\n%s", rig.log);
    assert_true(now_s() - start >= 0.09);
    assert_true(now_s() - start < 5);
    rig_free(&rig);
}

static void plain_loop(void **state)
{
    (void)state;
    stops("loop()", 1, "app.lua:2: in upvalue 'loop'\n");
}

static void pcall_is_no_shield(void **state)
{
    (void)state;
    stops("while true do pcall(loop) end", 1, "stack traceback");
}

static void xpcall_is_no_shield(void **state)
{
    (void)state;
    stops("while true do xpcall(loop, function() loop() end) end", 1, "stack traceback");
}

static void nested_coroutine(void **state)
{
    (void)state;
    stops("coroutine.wrap(function() coroutine.wrap(function() pcall(loop) end)() end)()", 1,
          "app.lua:2: in function <");
    stops("while true do pcall(coroutine.wrap(loop)) end", 1, "stack traceback");
    stops("while true do coroutine.resume(coroutine.create(loop)) end", 1, "stack traceback");
}

static void where_nothing_can_yield(void **state)
{
    (void)state;
    stops("table.sort({1, 2, 3}, loop)", 1, "in function 'table.sort'\n");
    stops("while true do pcall(table.sort, {1, 2, 3}, loop) end", 1, "stack traceback");
    stops("table.sort({1, 2}, function() coroutine.wrap(loop)() end)", 1, "stack traceback");
    stops(
        "while true do pcall(string.gsub, 'x', 'x', function() coroutine.wrap(loop)() end) end",
        1, "stack traceback");
}

static void spawned_inside(void **state)
{
    (void)state;
    stops("while true do sioc.spawn(loop) end", 2, "error in sioc.spawn: ");
    stops("while true do sioc.spawn(function() end) end", 1, "error in sioc.after: ");
}

static void close_variables_that_loop(void **state)
{
    (void)state;
    stops("local v <close> = setmetatable({}, {__close = loop}) loop()", 1, "stack traceback");
}

static void tostring_of_errors_that_loops(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.handler_timeout_s = 0.1;
    assert_int_equal(rig_load(&rig, HEAD "sioc.after(0, function()\n"
                                         "  error(setmetatable({}, {__tostring = loop})) end)\n"
                                         "sioc.after(0.001, sioc.stop)"),
                     0);
    rig_run(&rig);
    assert_non_null(strstr(rig.log, "ran longer than"));
    rig_free(&rig);
}

static void waiting_is_not_running(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.handler_timeout_s = 0.05;
    assert_int_equal(rig_load(&rig, HEAD "sioc.after(0, function()\n"
                                         "  for i = 1, 10 do sioc.sleep(0.01)\n"
                                         "    local t = os.clock()\n"
                                         "    while os.clock() - t < 0.01 do end end\n"
                                         "  print 'ended' sioc.stop() end)"),
                     0);
    rig_run(&rig);
    assert_string_equal(rig.log, "ended\n");
    rig_free(&rig);
}

static void the_top_level_too(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.handler_timeout_s = 0.1;
    assert_int_equal(rig_load(&rig, HEAD "loop()"), SIOC_ETIMEDOUT);
    assert_non_null(strstr(rig.error, "ran longer than 0.1 s"));
    assert_non_null(strstr(rig.error, "app.lua:2:"));
    rig_free(&rig);
}

static void a_stopped_host_goes_on(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.handler_timeout_s = 0.05;
    assert_int_equal(rig_load(&rig, HEAD "for i = 1, 5 do sioc.after(i / 1000, loop) end\n"
                                         "sioc.after(0.01, function()\n"
                                         "  local t = 0 for i = 1, 10000 do t = t + i end\n"
                                         "  print(t) sioc.stop() end)"),
                     0);
    rig_run(&rig);
    assert_non_null(strstr(rig.log, "50005000\n"));
    rig_free(&rig);
}

static void memory_has_a_limit(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.memory_limit_bytes = 4 << 20;
    assert_int_equal(
        rig_load(&rig, "local sioc = require 'sioc'\n"
                       "sioc.after(0, function() local t = {}\n"
                       "  while true do t[#t + 1] = ('x'):rep(1000) .. #t end end)\n"
                       "sioc.after(0.001, function() assert(collectgarbage 'count' < 1000)\n"
                       "  print(pcall(string.rep, 'x', 1e7))\n"
                       "  local big = '[' .. ('{\"a\":[1,2,\"\\\\n\"]},'):rep(40000) .. '1]'\n"
                       "  print(sioc.json.decode(big))\n"
                       "  big = nil\n"
                       "  print(#sioc.json.decode '[1,2,3]') sioc.stop() end)\n"),
        0);
    rig_run(&rig);
    assert_non_null(strstr(rig.log, "error in sioc.after: not enough memory\n"));
    assert_non_null(strstr(rig.log, "false\tnot enough memory\nnil\tout of memory at byte "));
    assert_non_null(strstr(rig.log, "\n3\n"));
    assert_true(rig.host->memory_used <= (size_t)4 << 20);
    rig_free(&rig);
}

static void no_timeout_no_thread(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.config.handler_timeout_s = 0;
    assert_int_equal(rig_load(&rig, "local t = os.clock() while os.clock() - t < 0.3 do end"),
                     0);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_loop),
        cmocka_unit_test(pcall_is_no_shield),
        cmocka_unit_test(xpcall_is_no_shield),
        cmocka_unit_test(nested_coroutine),
        cmocka_unit_test(where_nothing_can_yield),
        cmocka_unit_test(spawned_inside),
        cmocka_unit_test(close_variables_that_loop),
        cmocka_unit_test(tostring_of_errors_that_loops),
        cmocka_unit_test(waiting_is_not_running),
        cmocka_unit_test(the_top_level_too),
        cmocka_unit_test(a_stopped_host_goes_on),
        cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(no_timeout_no_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
