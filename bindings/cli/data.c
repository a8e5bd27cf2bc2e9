/* bindings/cli/data.c -- the data folder, found at run time: so a build and an installation can
 * be moved. */
#include "data.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool exists(char path[CLI_PATH_MAX], const char *dir, const char *between,
                   const char *name)
{
    int len = snprintf(path, CLI_PATH_MAX, "%s/%s%s", dir, between, name);

    return len > 0 && len < CLI_PATH_MAX && access(path, R_OK) == 0;
}

bool cli_data_path(const char *name, char ret_path[CLI_PATH_MAX])
{
    const char *set = getenv("SIOC_DATA");
    char program[CLI_PATH_MAX];
    ssize_t len;
    char *slash;

    if (set && *set)
        return exists(ret_path, set, "", name);
    len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0)
        return false;
    program[len] = '\0';
    slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return exists(ret_path, program, "../data/", name) ||
           exists(ret_path, program, "../share/sioc/", name);
}
