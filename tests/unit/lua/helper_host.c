#include "helper_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void keep_log(void *user, enum sioc_log_level level, const char *text)
{
    struct rig *rig = user;
    size_t room = sizeof rig->log - rig->log_len;
    bool plain = level == SIOC_LOG_INFO;
    int len = snprintf(rig->log + rig->log_len, room, "%s%s%s\n",
                       plain ? "" : sioc_log_level_name(level), plain ? "" : ": ", text);

    rig->log_len += (size_t)len < room ? (size_t)len : room - 1;
}

static void on_stop(void *user, int exit_code)
{
    struct rig *rig = user;

    rig->stopped = true;
    rig->exit_code = exit_code;
    sioc_loop_stop(rig->loop);
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    snprintf(rig->dir, sizeof rig->dir, "/tmp/sioc-test-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->script, sizeof rig->script, "%s/app.lua", rig->dir);
    assert_int_equal(sioc_loop_new(&rig->loop), 0);
    slua_config_init(&rig->config);
    rig->config.script = rig->script;
    rig->config.log = keep_log;
    rig->config.log_user = rig;
    rig->config.stop = on_stop;
    rig->config.user = rig;
}

void rig_file(struct rig *rig, const char *name, const char *source)
{
    char path[192];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", rig->dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(source, file);
    fclose(file);
}

int rig_load(struct rig *rig, const char *source)
{
    rig_file(rig, "app.lua", source);
    assert_int_equal(slua_host_new(rig->loop, &rig->config, &rig->host), 0);
    return slua_host_load(rig->host, rig->error, sizeof rig->error);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void rig_run(struct rig *rig)
{
    double start = now_s();

    while (!rig->stopped) {
        bool active = sioc_loop_step(rig->loop, true);

        if (rig->stopped)
            break;
        if (!active)
            fail_msg("the script never stops; log:\n%s", rig->log);
        if (now_s() - start > 10)
            fail_msg("the script takes too long; log:\n%s", rig->log);
    }
}

void rig_free(struct rig *rig)
{
    char command[128];

    slua_host_free(rig->host);
    sioc_loop_free(rig->loop);
    snprintf(command, sizeof command, "rm -r %s", rig->dir);
    assert_int_equal(system(command), 0);
}

/* The folder's name is different each time. */
static void cut_dir(struct rig *rig)
{
    size_t len = strlen(rig->dir) + 1;

    for (char *at; (at = strstr(rig->log, rig->dir)) != NULL;)
        memmove(at, at + len, strlen(at + len) + 1);
}

void rig_script(const char *source, const char *expected_log)
{
    struct rig rig;

    rig_init(&rig);
    if (rig_load(&rig, source) < 0)
        fail_msg("%s", rig.error);
    rig_run(&rig);
    cut_dir(&rig);
    assert_string_equal(rig.log, expected_log);
    rig_free(&rig);
}
