/* Tasks: waiting, waking, coroutines, errors; task.c, coroutine.c, report.c, timers.c. */
#include "helper_host.h"
#include "task.h"
#include <stdio.h>

#define HEAD "local sioc = require 'sioc'\n"

static void sleeping_keeps_order(void **state)
{
    (void)state;
    rig_script(HEAD
               "local t = sioc.now()\n"
               "sioc.spawn(function(a, b) print('one', a, b) sioc.sleep(0.03) print 'four'\n"
               "  assert(sioc.now() - t >= 0.028) sioc.stop() end, 'x', nil)\n"
               "sioc.after(0.01, function() print 'three' end)\n"
               "print 'two'\n",
               "one\tx\tnil\ntwo\nthree\nfour\n");
}

static void top_level_may_wait(void **state)
{
    (void)state;
    rig_script(HEAD "local t = sioc.now() sioc.sleep(0.02)\n"
                    "print(sioc.now() - t >= 0.018) sioc.stop()",
               "true\n");
}

static void waiting_in_pcall_and_iterators(void **state)
{
    (void)state;
    rig_script(
        HEAD
        "print(pcall(function() sioc.sleep(0.001) error('no', 0) end))\n"
        "for i in (function(_, i) sioc.sleep(0.001) if not i or i < 3 then return (i or 0) + "
        "1 end end) do print(i) end\n"
        "local t = setmetatable({}, {__index = function(_, k) sioc.sleep(0.001) return k "
        "end})\n"
        "print(t.field)\n"
        "do local c <close> = setmetatable({}, {__close = function() sioc.sleep(0.001) "
        "print 'closed' end}) end\n"
        "sioc.stop()",
        "false\tno\n1\n2\n3\nfield\nclosed\n");
}

static void waiting_in_coroutines(void **state)
{
    (void)state;
    rig_script(
        HEAD
        "for x in coroutine.wrap(function() for i = 1, 2 do sioc.sleep(0.001) "
        "coroutine.yield(i) end end) do print(x) end\n"
        "local co = coroutine.create(function(a)\n"
        "  local inner = coroutine.wrap(function(b)\n"
        "    sioc.sleep(0.001) local c = coroutine.yield(b + 1) sioc.sleep(0.001) return c "
        "end)\n"
        "  local x = coroutine.yield(inner(a))\n"
        "  sioc.sleep(0.001)\n"
        "  return inner(x), 'end' end)\n"
        "print(coroutine.resume(co, 1)) print(coroutine.resume(co, 'c'))\n"
        "print(coroutine.status(co), coroutine.resume(co))\n"
        "sioc.stop()",
        "1\n2\ntrue\t2\ntrue\tc\tend\ndead\tfalse\tcannot resume dead coroutine\n");
}

static void a_waiting_coroutine_is_held(void **state)
{
    (void)state;
    rig_script(HEAD
               "local co = coroutine.create(function() sioc.sleep(0.01) return 'slept' end)\n"
               "sioc.spawn(function() print(coroutine.resume(co)) sioc.stop() end)\n"
               "print(coroutine.status(co), coroutine.resume(co))\n"
               "print(pcall(coroutine.close, co))\n"
               "local task\n"
               "sioc.spawn(function() task = coroutine.running() sioc.sleep(0.005) end)\n"
               "print(coroutine.resume(task))\n",
               "normal\tfalse\tcannot resume a coroutine that waits for the server\n"
               "false\tcannot close a normal coroutine\n"
               "false\tcannot resume a coroutine that waits for the server\n"
               "true\tslept\n");
}

static void coroutines_work_as_usual(void **state)
{
    (void)state;
    rig_script(HEAD
               "local co = coroutine.create(function(...) print(...) "
               "print(coroutine.isyieldable()) print(coroutine.yield(1, 2)) error 'x' end)\n"
               "print(coroutine.resume(co, 'a', nil)) print(coroutine.status(co))\n"
               "print(coroutine.resume(co, 'b')) print(coroutine.status(co))\n"
               "print(pcall(coroutine.wrap(function() error({}, 0) end)) == false)\n"
               "print(pcall(coroutine.wrap(function() error 'y' end)))\n"
               "local open = coroutine.create(function() local v <close> = setmetatable({}, "
               "{__close = function() print 'closed' end}) coroutine.yield() end)\n"
               "coroutine.resume(open) print(coroutine.close(open), coroutine.status(open))\n"
               "print(coroutine.isyieldable(), pcall(coroutine.yield))\n"
               "sioc.stop()",
               "a\tnil\ntrue\ntrue\t1\t2\nsuspended\nb\nfalse\tapp.lua:2: x\ndead\ntrue\n"
               "false\tapp.lua:6: y\n"
               "closed\ntrue\tdead\nfalse\tfalse\tcoroutine.yield outside of a coroutine; to "
               "let others "
               "run, use sioc.sleep(0)\n");
}

static void where_waiting_is_impossible(void **state)
{
    (void)state;
    rig_script(HEAD
               "print((select(2, pcall(table.sort, {1, 2}, function() sioc.sleep(0) end)))"
               ":match 'cannot wait here')\n"
               "local wrap = function() coroutine.wrap(function() sioc.sleep(0) end)() end\n"
               "print((select(2, pcall(table.sort, {1, 2}, wrap))):match 'cannot wait "
               "here')\n"
               "sioc.sleep(0) wrap() print 'fine' sioc.stop()",
               "cannot wait here\ncannot wait here\nfine\n");
}

static void errors_have_a_traceback(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig,
                              HEAD "local function deep() local x = nil + 1 end\n"
                                   "sioc.after(0, function() deep() end)\n"
                                   "sioc.after(0, function() error({code = 1}) end)\n"
                                   "sioc.after(0, function() error(setmetatable({}, "
                                   "{__tostring = function() return 'object' end})) end)\n"
                                   "sioc.after(0, function() error() end)\n"
                                   "sioc.spawn(function() sioc.sleep(0) error 'late' end)\n"
                                   "sioc.after(0.01, sioc.stop)\n"),
                     0);
    rig_run(&rig);
    assert_non_null(strstr(rig.log, "error: error in sioc.after: "));
    assert_non_null(strstr(rig.log, "app.lua:2: attempt to perform arithmetic on a nil value"));
    assert_non_null(strstr(rig.log, "stack traceback:"));
    assert_non_null(strstr(rig.log, "app.lua:3: in function <"));
    assert_non_null(strstr(rig.log, "error in sioc.after: table: 0x"));
    assert_non_null(strstr(rig.log, "error in sioc.after: object\n"));
    assert_non_null(strstr(rig.log, "error in sioc.after: nil\n"));
    assert_non_null(strstr(rig.log, "error in sioc.spawn: "));
    assert_non_null(strstr(rig.log, "app.lua:7: late"));
    rig_free(&rig);
}

static void every_does_not_overlap(void **state)
{
    (void)state;
    rig_script(HEAD "local runs, n, timer = 0, 0\n"
                    "timer = sioc.every(0.002, function()\n"
                    "  runs = runs + 1 n = n + 1 assert(runs == 1, 'overlap')\n"
                    "  sioc.sleep(0.01) runs = runs - 1\n"
                    "  if n == 3 then print(timer:cancel(), timer:cancel())\n"
                    "    sioc.after(0.02, function() print(n) sioc.stop() end) end end)\n"
                    "local never = sioc.after(0.001, function() print 'never' end)\n"
                    "print(never:cancel())\n",
               "true\ntrue\tfalse\n3\n");
}

static void every_goes_on_after_errors(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, HEAD "local n = 0\n"
                                         "sioc.every(0.001, function() n = n + 1\n"
                                         "  if n == 3 then sioc.stop() end error 'again' end)"),
                     0);
    rig_run(&rig);
    assert_non_null(strstr(strstr(rig.log, "again") + 1, "again"));
    rig_free(&rig);
}

/* Finalizers run while the state is closed: they may call anything, and start nothing. */
static void finalizers_start_nothing(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig,
                              HEAD "keep = setmetatable({}, {__gc = function()\n"
                                   "  print(pcall(sioc.after, 0, print))\n"
                                   "  sioc.spawn(function() print(pcall(sioc.sleep, 0)) end)\n"
                                   "  print((pcall(require, 'luv'))) end})\n"
                                   "sioc.every(1, print) sioc.spawn(sioc.sleep, 100)\n"),
                     0);
    slua_host_free(rig.host);
    rig.host = NULL;
    assert_non_null(strstr(rig.log, "false\tthe program ends\nfalse\tcannot wait here"));
    assert_non_null(strstr(rig.log, "\nfalse\n"));
    rig_free(&rig);
}

/* ---- the C side ---- */

static int results, statuses;
static uint64_t waiter;

static int push_two(lua_State *L, void *user)
{
    lua_pushinteger(L, *(int *)user);
    lua_pushliteral(L, "two");
    return 2;
}

static int after_wait(lua_State *L, int status, lua_KContext ctx)
{
    assert_int_equal(status, LUA_YIELD);
    assert_int_equal(ctx, 7);
    assert_int_equal(lua_gettop(L), 3); /* the argument is still there */
    assert_int_equal(lua_tointeger(L, 2), 42);
    assert_string_equal(lua_tostring(L, 3), "two");
    lua_pushinteger(L, 99);
    return 1;
}

static int body_that_waits(lua_State *L)
{
    waiter = slua_task_id(L);
    assert_true(slua_can_wait(L));
    return slua_wait(L, after_wait, 7);
}

static void count_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    (void)host;
    assert_ptr_equal(user, &results);
    statuses = result->status;
    results += result->status == LUA_OK ? (int)lua_tointeger(result->L, -result->count) : 1000;
}

static void waking_by_number(void **state)
{
    struct slua_task_info info = {.what = "test", .done = count_done, .user = &results};
    struct rig rig;
    int value = 42;
    uint64_t first;

    (void)state;
    results = 0;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, ""), 0);
    assert_int_equal(slua_run(rig.host, body_that_waits, NULL, &info), 0);
    first = waiter;
    assert_true(slua_task_alive(rig.host, first));
    assert_int_equal(results, 0);
    assert_true(slua_wake(rig.host, first, push_two, &value));
    assert_int_equal(results, 99);
    assert_false(slua_task_alive(rig.host, first));
    assert_false(slua_wake(rig.host, first, push_two, &value));
    /* The slot is used again, the number is not. */
    assert_int_equal(slua_run(rig.host, body_that_waits, NULL, &info), 0);
    assert_true(waiter != first);
    assert_false(slua_wake(rig.host, first, push_two, &value));
    assert_true(slua_task_alive(rig.host, waiter));
    /* Still waiting when the host goes: it is told. */
    rig_free(&rig);
    assert_int_equal(statuses, LUA_ERRRUN);
    assert_int_equal(results, 1099);
}

static int body_that_fails(lua_State *L)
{
    return luaL_error(L, "broken %d", 1);
}

static void note_error(struct slua_host *host, void *user, const struct slua_result *result)
{
    (void)host;
    assert_int_equal(result->status, LUA_ERRRUN);
    assert_false(result->stopped);
    snprintf(user, 64, "%s", result->error);
}

static void quiet_errors_go_to_done(void **state)
{
    char text[64] = "";
    struct slua_task_info info = {
        .what = "test", .quiet = true, .done = note_error, .user = text};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, ""), 0);
    assert_int_equal(slua_run(rig.host, body_that_fails, NULL, &info), 0);
    assert_int_equal(strncmp(text, "broken 1\nstack traceback:", 24), 0);
    assert_string_equal(rig.log, "");
    info.quiet = false;
    snprintf(info.name, sizeof info.name, "say");
    assert_int_equal(slua_run(rig.host, body_that_fails, NULL, &info), 0);
    assert_non_null(
        strstr(rig.log, "error: error in test \"say\": broken 1\nstack traceback:"));
    rig_free(&rig);
}

/* A small state may have more garbage than use, but not if its script says how much. */
static void garbage_of_a_small_state(void **state)
{
    (void)state;
    struct rig rig;
    static const char *const scripts[] = {"", "collectgarbage('setpause', 120)",
                                          "big = {} for i = 1, 200000 do big[i] = {} end"};
    for (size_t i = 0; i < 3; i++) {
        rig_init(&rig);
        assert_int_equal(rig_load(&rig, scripts[i]), 0);
        for (int n = 0; n < 1000; n++)
            slua_tune_garbage(rig.host);
        int pause = lua_gc(rig.host->L, LUA_GCSETPAUSE, 200);
        if (i == 0)
            assert_in_range(pause, 204, 400);
        else
            assert_int_equal(pause, i == 1 ? 120 : 200);
        rig_free(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeping_keeps_order),
        cmocka_unit_test(top_level_may_wait),
        cmocka_unit_test(waiting_in_pcall_and_iterators),
        cmocka_unit_test(waiting_in_coroutines),
        cmocka_unit_test(a_waiting_coroutine_is_held),
        cmocka_unit_test(coroutines_work_as_usual),
        cmocka_unit_test(where_waiting_is_impossible),
        cmocka_unit_test(errors_have_a_traceback),
        cmocka_unit_test(every_does_not_overlap),
        cmocka_unit_test(every_goes_on_after_errors),
        cmocka_unit_test(finalizers_start_nothing),
        cmocka_unit_test(waking_by_number),
        cmocka_unit_test(quiet_errors_go_to_done),
        cmocka_unit_test(garbage_of_a_small_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
