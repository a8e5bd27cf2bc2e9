#include "helper_tree.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256], before[4096];

void tree_make(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/sioc-watch-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(getcwd(before, sizeof before));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
}

void tree_remove(void)
{
    char line[300];
    assert_int_equal(chdir(before), 0);
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    assert_int_equal(system(line), 0);
}

const char *tree_path(void)
{
    return folder;
}

void tree_sh(const char *line)
{
    char whole[2000];
    snprintf(whole, sizeof whole, "cd '%s' && { %s ; }", folder, line);
    assert_int_equal(system(whole), 0);
}

const char *tree_read(const char *path)
{
    static char bytes[4096];
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(bytes, 1, sizeof bytes - 1, file) : 0;
    bytes[len] = '\0';
    if (file)
        fclose(file);
    return bytes;
}

static void wake(void *user)
{
    *(bool *)user = true;
}

void tree_run_ms(struct sioc_loop *loop, unsigned ms)
{
    bool over = false;
    assert_int_equal(sioc_timer_start(loop, ms, 0, wake, &over, NULL), 0);
    while (!over)
        sioc_loop_step(loop, true);
}

void tree_await(struct sioc_loop *loop, const unsigned *counter, unsigned least)
{
    uint64_t limit_ms = clock_mono_ms() + 1500;
    while (*counter < least && clock_mono_ms() < limit_ms)
        tree_run_ms(loop, 5);
    assert_true(*counter >= least);
}
