#include "helper_watch.h"
#include "base/clock.h"
#include <string.h>

struct rig rig;

static void load(void *user)
{
    (void)user;
    rig.reports++;
    if (rig.instead) {
        rig.instead(&rig);
        return;
    }
    strcpy(rig.loaded, tree_read("app.lua"));
    if (rig.while_loading)
        rig.while_loading();
    assert_int_equal(sioc_files_watch_set(rig.watch, rig.paths, rig.path_count), 0);
}

static void on_log(void *user, enum sioc_log_level level, const char *text)
{
    (void)user, (void)text;
    assert_int_equal(level, SIOC_LOG_WARN);
    rig.lines++;
}

int rig_setup(void **state)
{
    bool poll = *(bool *)*state;
    memset(&rig, 0, sizeof rig);
    tree_make();
    tree_sh("printf one > app.lua");
    rig.poll = poll;
    return sioc_loop_new(&rig.loop);
}

void rig_open(void)
{
    struct sioc_files_watch_options options = {
        .poll = rig.poll, .poll_ms = 20, .changed = load, .log = on_log};
    tree_sh("sleep 0.02"); /* the clock of files goes in steps */
    assert_int_equal(sioc_files_watch_open(rig.loop, &options, &rig.watch), 0);
}

int rig_teardown(void **state)
{
    (void)state;
    sioc_files_watch_close(rig.watch);
    sioc_loop_free(rig.loop);
    tree_remove();
    return 0;
}

void rig_watch(const char *const *paths, size_t count)
{
    if (!rig.watch)
        rig_open();
    rig.paths = paths;
    rig.path_count = count;
    assert_int_equal(sioc_files_watch_set(rig.watch, paths, count), 0);
    rig_no_report();
}

void rig_one_report(void)
{
    unsigned before = rig.reports;
    tree_await(rig.loop, &rig.reports, before + 1);
    rig_no_report();
    assert_int_equal(rig.reports, before + 1);
}

void rig_no_report(void)
{
    unsigned before = rig.reports;
    tree_run_ms(rig.loop, 150);
    assert_int_equal(rig.reports, before);
}

void rig_await_content(const char *content)
{
    uint64_t limit_ms = clock_mono_ms() + 1500;
    while (strcmp(rig.loaded, content) != 0 && clock_mono_ms() < limit_ms)
        tree_run_ms(rig.loop, 5);
    assert_string_equal(rig.loaded, content);
}
