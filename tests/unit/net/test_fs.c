/* Hints of folders, with real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/fs.h"
#include "net/loop.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct net_loop *loop;
static struct net_folder *folder;
static char path[64], file[80], told[64];
static bool close_when_told;

static void on_hint(void *user, const char *name)
{
    assert_ptr_equal(user, &loop);
    snprintf(told, sizeof told, "%s", name ? name : "?");
    if (close_when_told) {
        net_folder_close(folder);
        folder = NULL;
    }
}

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/sioc-fs-XXXXXX");
    close_when_told = false;
    folder = NULL;
    told[0] = '\0';
    if (!mkdtemp(path))
        return -1;
    snprintf(file, sizeof file, "%s/a.lua", path);
    return net_loop_new(&loop);
}

static int teardown(void **state)
{
    (void)state;
    net_folder_close(folder);
    net_loop_free(loop);
    unlink(file);
    rmdir(path);
    return 0;
}

static void write_file(void)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

/* Steps until a hint names it. */
static void await(const char *name)
{
    uint64_t limit_ms = clock_mono_ms() + 1500;
    told[0] = '\0';
    while (strcmp(told, name) != 0 && clock_mono_ms() < limit_ms) {
        net_loop_step(loop, false);
        usleep(1000);
    }
    assert_string_equal(told, name);
}

static void test_hints(void **state)
{
    (void)state;
    assert_int_equal(net_folder_open(loop, path, on_hint, &loop, &folder), 0);
    for (int i = 0; i < 2; i++) {
        write_file();
        await("a.lua");
    }
    unlink(file);
    await("a.lua");
    rmdir(path);
    await(strrchr(path, '/') + 1); /* the folder itself */
}

static void test_close_in_hint(void **state)
{
    (void)state;
    close_when_told = true;
    assert_int_equal(net_folder_open(loop, path, on_hint, &loop, &folder), 0);
    write_file();
    await("a.lua");
    assert_null(folder);
    assert_false(net_loop_step(loop, false)); /* nothing is left to wait for */
    net_folder_close(NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    struct rlimit old, low;
    assert_int_equal(net_folder_open(loop, file, on_hint, &loop, &folder), SIOC_ENOTFOUND);
    net_loop_free(loop); /* the next one has no descriptor for events yet */
    assert_int_equal(net_loop_new(&loop), 0);
    getrlimit(RLIMIT_NOFILE, &old);
    int next_fd = dup(0);
    close(next_fd);
    low = (struct rlimit){.rlim_cur = (rlim_t)next_fd, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    int code = net_folder_open(loop, path, on_hint, &loop, &folder);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(code, SIOC_ELIMIT);
    assert_null(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hints),
        TEST(test_close_in_hint),
        TEST(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
