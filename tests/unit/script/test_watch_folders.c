/* What lies on the way to a file: links that are swapped, folders that go and come back. */
#include "helper_watch.h"
#include "script/watch_folders.h"
#include <stdio.h>

static void test_configmap(void **state)
{
    (void)state;
    tree_sh("mkdir cfg cfg/..1; printf one > cfg/..1/app.lua; ln -s ..1 cfg/..data; "
            "ln -s ..data/app.lua cfg/app.lua; rm app.lua; ln -s cfg/app.lua .");
    WATCH("cfg/app.lua");
    tree_sh("cd cfg; mkdir ..2; printf two > ..2/app.lua; ln -s ..2 ..data_tmp; "
            "mv -T ..data_tmp ..data; rm -r ..1");
    rig_one_report();
    assert_string_equal(rig.loaded, "two");
    tree_sh("cd cfg; mkdir ..3; printf six > ..3/app.lua; ln -s ..3 ..data_tmp; "
            "mv -T ..data_tmp ..data; rm -r ..2");
    rig_one_report();
    assert_string_equal(rig.loaded, "six");
}

static void test_links(void **state)
{
    (void)state;
    char path[400];
    const char *const paths[] = {path};
    tree_sh("mkdir -p releases/1 releases/2 home; ln -s releases/1 current; "
            "printf one > home/app.lua; ln -s ../../home/app.lua releases/1; rm app.lua; "
            "ln -s current/app.lua app.lua; printf two > releases/2/app.lua");
    snprintf(path, sizeof path, "%s/current/app.lua", tree_path());
    rig_watch(paths, 1);
    tree_sh("printf 'from home' > home/app.lua"); /* where the link leads to */
    rig_one_report();
    assert_string_equal(rig.loaded, "from home");
    tree_sh("ln -sfn releases/2 current"); /* a link on the way is swapped */
    rig_one_report();
    assert_string_equal(rig.loaded, "two");
    tree_sh("printf six > releases/2/app.lua");
    rig_one_report();
    assert_string_equal(rig.loaded, "six");
    tree_sh("ln -sfn loop current; ln -s current loop"); /* leads nowhere */
    rig_one_report();
}

static void test_folder_comes_back(void **state)
{
    (void)state;
    tree_sh("mkdir -p a/b; printf one > a/b/m.lua");
    WATCH("app.lua", "a/b/m.lua");
    tree_sh("rm -r a");
    rig_one_report();
    tree_sh("mkdir a");
    rig_no_report();
    tree_sh("mkdir a/b; printf two > a/b/m.lua");
    rig_one_report();
    tree_sh("printf three > a/b/m.lua");
    rig_one_report();
}

/* Its inode is often the same as before. */
static void test_folder_comes_back_at_once(void **state)
{
    (void)state;
    tree_sh("mkdir -p a/b; printf one > a/b/m.lua");
    WATCH("app.lua", "a/b/m.lua");
    for (int i = 0; i < 2; i++) {
        tree_sh("rm -r a/b; mkdir a/b; printf two > a/b/m.lua");
        rig_one_report();
        tree_sh("printf three > a/b/m.lua");
        rig_one_report();
    }
}

static void test_folder_is_swapped(void **state)
{
    (void)state;
    tree_sh("mkdir lib new; printf one > lib/m.lua; printf two > new/m.lua");
    WATCH("lib/m.lua");
    tree_sh("mv lib old; mv new lib");
    rig_one_report();
    tree_sh("printf three > lib/m.lua");
    rig_one_report();
    tree_sh("printf x > old/m.lua");
    rig_no_report();
}

static void test_missing_file_comes(void **state)
{
    (void)state;
    WATCH("app.lua", "b.lua", "lib/c.lua", "deep/er/d.lua");
    tree_sh("printf b > b.lua");
    rig_one_report();
    tree_sh("mkdir lib");
    rig_no_report();
    tree_sh("printf c > lib/c.lua");
    rig_one_report();
    tree_sh("mkdir -p deep/er && printf d > deep/er/d.lua");
    rig_one_report();
    tree_sh("printf dd > deep/er/d.lua");
    rig_one_report();
}

/* Nobody tells that a grandparent was renamed; it looks by itself at times. */
static void test_lost_event(void **state)
{
    (void)state;
    tree_sh("mkdir -p a/b/c; printf one > a/b/c/m.lua");
    WATCH("a/b/c/m.lua");
    script_watch_set_lost_event_ms(rig.watch, 100);
    WATCH("a/b/c/m.lua");
    tree_sh("mv a z; mkdir -p a/b/c; printf two > a/b/c/m.lua");
    rig_one_report();
    script_watch_set_lost_event_ms(rig.watch, 60000);
    rig_no_report();
    tree_sh("printf three > a/b/c/m.lua"); /* the new folder is watched */
    rig_one_report();
}

static unsigned hints, walks;

static void count_hint(void *user)
{
    (void)user;
    hints++;
}

static void walk_then_make(void *user, struct script_folders *folders)
{
    (void)user;
    script_folders_walk(folders, "deep/er/m.lua");
    if (walks++ == 0)
        tree_sh("mkdir -p deep/er; printf one > deep/er/m.lua");
}

/* What comes between a walk and the watching gives no event: it has to walk again. */
static void test_made_while_it_walks(void **state)
{
    (void)state;
    static struct script_folders folders;
    hints = walks = 0;
    script_folders_init(&folders, (struct net_loop *)(void *)rig.loop, count_hint, NULL);
    assert_int_equal(script_folders_refresh(&folders, walk_then_make), 0);
    tree_run_ms(rig.loop, 20);
    unsigned before = hints;
    tree_sh("printf two > deep/er/m.lua");
    tree_await(rig.loop, &hints, before + 1);
    script_folders_deinit(&folders);
    assert_in_range(walks, 2, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(test_configmap),         BOTH_TESTS(test_links),
        BOTH_TESTS(test_folder_comes_back), BOTH_TESTS(test_folder_comes_back_at_once),
        BOTH_TESTS(test_folder_is_swapped), BOTH_TESTS(test_missing_file_comes),
        EVENT_TEST(test_lost_event),        EVENT_TEST(test_made_while_it_walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
