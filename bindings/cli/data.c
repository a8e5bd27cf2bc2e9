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

/* The folder of the program. */
static bool own_folder(char ret_folder[CLI_PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", ret_folder, CLI_PATH_MAX - 1);
    char *slash;

    if (len <= 0)
        return false;
    ret_folder[len] = '\0';
    slash = strrchr(ret_folder, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

bool cli_beside(const char *name, char ret_path[CLI_PATH_MAX])
{
    char program[CLI_PATH_MAX];

    return own_folder(program) && exists(ret_path, program, "", name);
}

bool cli_data_path(const char *name, char ret_path[CLI_PATH_MAX])
{
    const char *set = getenv("SIOC_DATA");
    char program[CLI_PATH_MAX];

    if (set && *set)
        return exists(ret_path, set, "", name);
    return own_folder(program) && (exists(ret_path, program, "../data/", name) ||
                                   exists(ret_path, program, "../share/sioc/", name));
}
