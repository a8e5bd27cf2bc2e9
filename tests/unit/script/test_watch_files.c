/* Stamps: what counts as a change, and when it counts as told. */
#include "base/mem.h"
#include "helper_tree.h"
#include "script/watch_files.h"

static struct script_files files;

static int setup(void **state)
{
    (void)state;
    tree_make();
    tree_sh("printf one > a; printf one > b; sleep 0.02");
    script_files_init(&files);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    script_files_deinit(&files);
    tree_remove();
    return 0;
}

#define SET(...)                                                 \
    script_files_set(&files, (const char *const[]){__VA_ARGS__}, \
                     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void assert_look(enum script_look expected)
{
    assert_int_equal(script_files_look(&files), expected);
}

static void test_two_looks_agree(void **state)
{
    (void)state;
    assert_look(SCRIPT_SAME); /* of nothing */
    assert_int_equal(SET("a", "b", "missing"), 0);
    assert_look(SCRIPT_SAME);
    tree_sh("printf longer > a");
    assert_look(SCRIPT_UNSETTLED);
    tree_sh("printf 'longer still' > a");
    assert_look(SCRIPT_UNSETTLED);
    tree_sh("printf x > missing");
    assert_look(SCRIPT_UNSETTLED);
    assert_look(SCRIPT_CHANGED); /* once for all three */
    assert_look(SCRIPT_SAME);
}

static void test_there_and_back(void **state)
{
    (void)state;
    assert_int_equal(SET("a"), 0);
    tree_sh("mv a c");
    assert_look(SCRIPT_UNSETTLED);
    tree_sh("mv c a");
    assert_look(SCRIPT_SAME); /* it is the very same */
}

static void test_what_differs(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "printf two > a",                              /* size and time */
        "touch -d '2001-01-01' a",                     /* time alone, and backwards */
        "cp -p a c; mv c a",                           /* inode alone */
        "touch -r a c; printf 1234 > a; touch -r c a", /* size alone */
        "chmod 700 a",
        "rm a",
        "mkdir a",
        "rmdir a; ln -s b a",
        "ln -sfn nowhere a",
    };
    assert_int_equal(SET("a"), 0);
    tree_sh("printf 0123456789 > a");
    script_files_look(&files);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_look(SCRIPT_CHANGED);
        tree_sh(changes[i]);
        assert_look(SCRIPT_UNSETTLED);
    }
    assert_look(SCRIPT_CHANGED);
    tree_sh("ln b c; rm c; cat b > /dev/null; touch -r b b");
    assert_look(SCRIPT_SAME);
}

static void test_folder_in_its_place(void **state)
{
    (void)state;
    assert_int_equal(SET("a"), 0);
    tree_sh("rm a; mkdir a");
    assert_look(SCRIPT_UNSETTLED);
    assert_look(SCRIPT_CHANGED);
    tree_sh("sleep 0.02; : > a/b; mkdir a/c");
    assert_look(SCRIPT_SAME); /* it is none the less no file */
}

static void test_set(void **state)
{
    (void)state;
    assert_int_equal(SET("a", "a", "b"), 0);
    assert_int_equal(files.map.count, 2);
    tree_sh("printf longer > a; printf longer > b");
    assert_int_equal(SET("a"), 0); /* what was not told stays to be told */
    assert_look(SCRIPT_CHANGED);
    assert_int_equal(SET("a", "b"), 0); /* b was forgotten, and is older than the telling */
    assert_look(SCRIPT_SAME);
    tree_sh("sleep 0.02; printf new > c");
    assert_int_equal(SET("a", "c"), 0);
    assert_look(SCRIPT_CHANGED); /* newer than the telling: who knows what was loaded */
    assert_look(SCRIPT_SAME);
    assert_int_equal(script_files_set(&files, NULL, 0), 0);
    assert_look(SCRIPT_SAME);
}

static void test_stale_sets(void **state)
{
    (void)state;
    assert_int_equal(SET("a"), 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SCRIPT_STALE_SETS; i++) {
            tree_sh("printf . >> a");
            assert_int_equal(SET("a"), 0);
            assert_look(SCRIPT_CHANGED);
        }
        tree_sh("printf . >> a");
        assert_int_equal(SET("a"), 0);
        assert_look(SCRIPT_SAME);
    }
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(SET("a"), 0);
    tree_sh("printf longer > a");
    int code = SIOC_ENOMEM;
    for (size_t n = 1; code < 0; n++) {
        assert_in_range(n, 1, 20);
        assert_int_equal(files.map.count, 1);
        mem_test_fail_at(n, false);
        code = SET("a", "b", "c");
        mem_test_fail_at(0, false);
    }
    assert_int_equal(files.map.count, 3);
    assert_look(SCRIPT_CHANGED);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_looks_agree),     TEST(test_there_and_back),
        TEST(test_what_differs),        TEST(test_set),
        TEST(test_folder_in_its_place), TEST(test_stale_sets),
#ifdef SIOC_TESTING
        TEST(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
