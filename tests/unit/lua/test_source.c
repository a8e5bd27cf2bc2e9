/* What is kept of the files of a script, and loading it back from that. */
#include "helper_host.h"
#include <stdio.h>
#include <stdlib.h>

#define HEAD "local sioc = require 'sioc'\n"

/* The files of `rig` as they are kept; the host goes. */
static struct slua_file *keep(struct rig *rig)
{
    struct slua_file *files = slua_files_copy(rig->host->files);

    slua_host_free(rig->host);
    rig->host = NULL;
    return files;
}

static int load_back(struct rig *rig, struct slua_file *files)
{
    rig->log_len = 0;
    rig->log[0] = '\0';
    assert_int_equal(slua_host_make(rig->loop, &rig->config, NULL, 2, files, &rig->host), 0);
    return slua_host_load(rig->host, rig->error, sizeof rig->error);
}

static void what_was_loaded_comes_back(void **state)
{
    struct slua_file *files;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_file(&rig, "part.lua", "\xef\xbb\xbf# nothing\nreturn (...) .. ' of before'");
    rig_file(&rig, "late.lua", "return 'late, as it is now'");
    assert_int_equal(rig_load(&rig, "#!/usr/bin/env sioc\n" HEAD
                                    "print(sioc.is_rollback, (require 'part'))\n"
                                    "if sioc.is_rollback then print((require 'late'))\n"
                                    "print(select(2, pcall(error, 'x', 1))) end"),
                     0);
    files = keep(&rig);
    assert_non_null(files);
    rig_file(&rig, "app.lua", "print 'not this one'");
    rig_file(&rig, "part.lua", "return )");
    if (load_back(&rig, files) < 0)
        fail_msg("%s", rig.error);
    assert_string_equal(rig.log, "true\tpart of before\nlate, as it is now\nx\n");
    /* What it was loaded back from is what is kept of it. */
    slua_files_free(&files);
    files = keep(&rig);
    assert_int_equal(load_back(&rig, files), 0);
    assert_string_equal(rig.log, "true\tpart of before\nlate, as it is now\nx\n");
    slua_files_free(&files);
    rig_free(&rig);
}

static void lines_keep_their_numbers(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, "#!/bin/x\n\nerror 'here'"), SIOC_EINVAL);
    assert_non_null(strstr(rig.error, "app.lua:3: here"));
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "\xef\xbb\xbf"
                                    "error 'there'"),
                     SIOC_EINVAL);
    assert_non_null(strstr(rig.error, "app.lua:1: there"));
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "# no more than this"), 0);
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "\xef\xbb"), SIOC_ESYNTAX); /* half a mark is none */
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "#\n\27Lua"), SIOC_ESYNTAX);
    rig_free(&rig);
}

static void what_cannot_be_read_is_told(void **state)
{
    struct rig rig;
    char *big;
    size_t size = 3 << 20;

    (void)state;
    rig_init(&rig);
    rig.config.script = rig.dir; /* a folder */
    assert_int_equal(slua_host_new(rig.loop, &rig.config, &rig.host), 0);
    assert_int_equal(slua_host_load(rig.host, rig.error, sizeof rig.error), SIOC_ENOTFOUND);
    assert_non_null(strstr(rig.error, "cannot read /tmp/sioc-test-"));
    assert_non_null(strstr(rig.error, "Is a directory"));
    assert_null(slua_files_copy(rig.host->files)); /* there is nothing to keep */
    slua_host_free(rig.host);
    rig.config.script = "/nowhere/app.lua";
    assert_int_equal(rig_load(&rig, ""), SIOC_ENOTFOUND);
    assert_string_equal(rig.error, "cannot open /nowhere/app.lua: No such file or directory");
    slua_host_free(rig.host);
    /* Nothing is read that could not be loaded. */
    rig.config.script = rig.script;
    rig.config.memory_limit_bytes = 2 << 20;
    big = malloc(size);
    memset(big, '-', size - 1);
    big[size - 1] = '\0';
    assert_true(rig_load(&rig, big) < 0);
    assert_string_equal(rig.error, "not enough memory");
    free(big);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_loaded_comes_back),
        cmocka_unit_test(lines_keep_their_numbers),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
