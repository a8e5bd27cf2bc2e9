/* All ways to save a file, with the tools that people use, by events and by polling. */
#include "base/mem.h"
#include "helper_watch.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- ways of saving ---- */

static void test_in_place(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh("printf two > app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "two");
    tree_sh("printf ' and three' >> app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "two and three");
    rig_no_report();
}

static void test_rename_over(void **state)
{
    (void)state;
    WATCH("app.lua");
    for (int i = 0; i < 2; i++) { /* the second time is where a watch of the file is dead */
        tree_sh("printf two > app.lua.tmp && mv app.lua.tmp app.lua");
        rig_one_report();
        assert_string_equal(rig.loaded, "two");
    }
}

static void test_vim(void **state)
{
    (void)state;
    WATCH("app.lua");
    for (int i = 0; i < 2; i++) {
        tree_sh(": > 4913; rm 4913; : > .app.lua.swp; mv app.lua app.lua~; "
                "printf two > app.lua; rm app.lua~ .app.lua.swp");
        rig_one_report();
        assert_string_equal(rig.loaded, "two");
    }
}

static void test_sed(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh("sed -i s/one/two/ app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "two");
    tree_sh("sed -i s/two/six/ app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "six");
}

/* The pauses are shorter than what counts as rest. */
static void test_slow_write(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh(": > app.lua");
    for (int i = 0; i < 10; i++) {
        tree_run_ms(rig.loop, 20);
        tree_sh("printf '0123456789' >> app.lua");
    }
    assert_in_range(rig.reports, 0, 3); /* none, unless the machine stalls */
    rig.loaded[0] = '\0';
    tree_await(rig.loop, &rig.reports, rig.reports + 1);
    assert_int_equal(strlen(rig.loaded), 100);
    rig_no_report();
}

static void test_truncate_then_write(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh(": > app.lua");
    tree_run_ms(rig.loop, 25);
    tree_sh("printf two > app.lua");
    rig_await_content("two");
    rig_no_report();
}

static void test_ten_saves(void **state)
{
    (void)state;
    char line[100];
    WATCH("app.lua");
    for (int i = 1; i <= 10; i++) {
        snprintf(line, sizeof line, "printf 'save %d' > app.lua", i);
        tree_sh(line);
        tree_run_ms(rig.loop, i % 3 ? 20 : 130);
    }
    rig_await_content("save 10");
    assert_in_range(rig.reports, 1, 9);
    rig_no_report();
}

/* ---- what is a change ---- */

static void test_touch(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh("touch app.lua"); /* a reload does no harm */
    rig_one_report();
    tree_sh("chmod 600 app.lua"); /* it may not have been readable */
    rig_one_report();
    tree_sh("ln app.lua link; touch -r app.lua app.lua");
    rig_no_report(); /* same time, size and mode */
}

static void test_delete(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh("rm app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "");
    tree_sh("printf two > app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "two");
    tree_sh("rm app.lua; mkdir app.lua");
    rig_one_report();
    tree_sh("rmdir app.lua; printf three > app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "three");
}

static void test_two_files(void **state)
{
    (void)state;
    tree_sh("mkdir lib; printf x > lib/x.lua");
    WATCH("app.lua", "lib/x.lua", "./lib/x.lua", "app.lua");
    tree_sh("printf two > app.lua; printf y > lib/x.lua");
    rig_one_report();
    tree_sh("printf z > lib/x.lua");
    rig_one_report();
    WATCH("app.lua"); /* it is no longer loaded */
    tree_sh("printf w > lib/x.lua");
    rig_no_report();
}

static void test_nothing_else(void **state)
{
    bool poll = *(bool *)*state;
    WATCH("app.lua");
    uint64_t looks = script_watch_looks(rig.watch);
    tree_sh(": > 4913; : > .app.lua.swp; : > app.lua~; ln -s nowhere '.#app.lua'; : > app.log; "
            "mkdir sub; echo >> app.log; rm 4913 .app.lua.swp app.lua~ '.#app.lua'");
    rig_no_report();
    if (!poll)
        assert_int_equal(script_watch_looks(rig.watch), looks);
}

/* A neighbour that never rests does not put it off. */
static void test_busy_neighbour(void **state)
{
    (void)state;
    WATCH("app.lua");
    tree_sh("(while [ ! -e stop ] && [ -e app.lua ]; do echo >> app.log; sleep 0.01; done) &"
            "printf two > app.lua");
    tree_await(rig.loop, &rig.reports, 1);
    tree_sh(": > stop; sleep 0.1");
}

/* ---- loading ---- */

static void save_while_loading(void)
{
    tree_sh("printf newer > app.lua");
    rig.while_loading = NULL;
}

static void test_saved_while_it_loads(void **state)
{
    (void)state;
    WATCH("app.lua");
    rig.while_loading = save_while_loading;
    tree_sh("printf two > app.lua");
    tree_await(rig.loop, &rig.reports, 2);
    assert_string_equal(rig.loaded, "newer");
    rig_no_report();
}

static void make_while_loading(void)
{
    tree_sh("printf made > made.lua; printf made > other.lua");
}

/* A script that writes what it reads does not load for ever. */
static void test_script_writes_its_module(void **state)
{
    (void)state;
    WATCH("app.lua", "made.lua");
    rig.while_loading = make_while_loading;
    tree_sh("printf two > app.lua");
    tree_await(rig.loop, &rig.reports, 4);
    rig_no_report();
    assert_int_equal(rig.reports, 4);
    rig.while_loading = NULL;
    tree_sh("printf three > app.lua");
    rig_one_report();
}

/* The first load has read it, but nobody knows which half. */
static void test_newer_than_the_watch(void **state)
{
    (void)state;
    static const char *const paths[] = {"app.lua"};
    rig_open();
    tree_sh("sleep 0.02; printf two > app.lua");
    rig.paths = paths;
    rig.path_count = 1;
    assert_int_equal(sioc_files_watch_set(rig.watch, paths, 1), 0);
    rig_one_report();
}

static void close_it(struct rig *r)
{
    sioc_files_watch_close(r->watch);
    r->watch = NULL;
}

static void test_close_in_callback(void **state)
{
    (void)state;
    WATCH("app.lua");
    rig.instead = close_it;
    tree_sh("printf two > app.lua");
    rig_one_report();
    assert_null(rig.watch);
    tree_sh("printf three > app.lua");
    rig_no_report();
    assert_false(sioc_loop_step(rig.loop, false)); /* nothing of it is left */
}

static void test_open_and_set(void **state)
{
    (void)state;
    struct sioc_files_watch *other;
    struct sioc_files_watch_options options = {.changed = NULL};
    assert_int_equal(sioc_files_watch_open(rig.loop, &options, &other), SIOC_EINVAL);
    sioc_files_watch_close(NULL);
    WATCH("app.lua");
    assert_int_equal(sioc_files_watch_set(rig.watch, NULL, 0), 0);
    tree_sh("printf two > app.lua");
    tree_run_ms(rig.loop, 200);
    assert_int_equal(rig.reports, 0);
    assert_false(sioc_loop_step(rig.loop, false)); /* without files it keeps no loop running */
    WATCH("", "/", ".", "..", "app.lua/x", "app.lua/");
    assert_int_equal(rig.lines, 0);
}

/* ---- when the system has no more ---- */

static void test_no_more_watches(void **state)
{
    (void)state;
    struct rlimit old, low;
    rig_open();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int next_fd = dup(0);
    close(next_fd);
    low = (struct rlimit){.rlim_cur = (rlim_t)next_fd, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    static const char *const paths[] = {"app.lua", "lib/x.lua"};
    rig.paths = paths;
    rig.path_count = 2;
    int code = sioc_files_watch_set(rig.watch, paths, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(code, 0);
    assert_true(script_watch_polls(rig.watch));
    rig_no_report();
    tree_sh("printf two > app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "two");
    assert_int_equal(rig.lines, 1); /* said once */
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    static const char *const paths[] = {"app.lua", "lib/x.lua", "y.lua"};
    WATCH("app.lua");
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        assert_in_range(n, 1, 100);
        mem_test_fail_at(n, false);
        int code = sioc_files_watch_set(rig.watch, paths, 3);
        failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        if (code < 0)
            assert_int_equal(code, SIOC_ENOMEM);
        assert_int_equal(sioc_files_watch_set(rig.watch, paths, 1), 0);
    }
    tree_run_ms(rig.loop, 120);
    assert_int_equal(rig.reports, 0);
    tree_sh("printf two > app.lua"); /* by events or by polling */
    rig_one_report();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(test_in_place),
        BOTH_TESTS(test_rename_over),
        BOTH_TESTS(test_vim),
        BOTH_TESTS(test_sed),
        BOTH_TESTS(test_slow_write),
        BOTH_TESTS(test_truncate_then_write),
        BOTH_TESTS(test_ten_saves),
        BOTH_TESTS(test_touch),
        BOTH_TESTS(test_delete),
        BOTH_TESTS(test_two_files),
        BOTH_TESTS(test_nothing_else),
        EVENT_TEST(test_busy_neighbour),
        BOTH_TESTS(test_saved_while_it_loads),
        BOTH_TESTS(test_script_writes_its_module),
        BOTH_TESTS(test_newer_than_the_watch),
        BOTH_TESTS(test_close_in_callback),
        BOTH_TESTS(test_open_and_set),
        EVENT_TEST(test_no_more_watches),
#ifdef SIOC_TESTING
        BOTH_TESTS(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
