/* bindings/cli/python.c -- `sioc app.py`: the interpreter is --python, that of the script's
 * first line (#!), or python3.
 *
 * Invariant: what is said about the command line is said before, by args.c; the interpreter
 * gets the same words.
 */
#include "python.h"
#include "data.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The interpreter of a line "#!/usr/bin/env -S python3.12 -X dev", or "#!/usr/bin/python3": the
 * first word that is not env and no option of it.  NULL: none. */
static const char *interpreter_of(char *line)
{
    char *word, *rest = line;

    if (strncmp(line, "#!", 2) != 0)
        return NULL;
    rest += 2;
    while ((word = strtok_r(NULL, " \t\r\n", &rest))) {
        const char *slash = strrchr(word, '/');

        if (*word != '-' && strcmp(slash ? slash + 1 : word, "env") != 0)
            return word;
    }
    return NULL;
}

static const char *interpreter(const struct cli_args *args, char *line, size_t cap)
{
    FILE *file = args->python ? NULL : fopen(args->script, "r");
    const char *found = args->python;

    if (file) {
        if (fgets(line, (int)cap, file))
            found = interpreter_of(line);
        fclose(file);
    }
    return found ? found : "python3";
}

/* A build that was not installed has the package beside the program. */
static void find_package(void)
{
    const char *before = getenv("PYTHONPATH");
    char folder[CLI_PATH_MAX], *path;
    size_t size;

    if (!cli_beside("python/sioc/__init__.py", folder))
        return;
    folder[strlen(folder) - strlen("/sioc/__init__.py")] = '\0';
    size = strlen(folder) + (before ? strlen(before) : 0) + 2;
    path = malloc(size);
    if (!path)
        return;
    snprintf(path, size, "%s%s%s", folder, before && *before ? ":" : "", before ? before : "");
    setenv("PYTHONPATH", path, 1);
    free(path);
}

int cli_run_python(int argc, char **argv, const struct cli_args *args)
{
    char line[256];
    const char *python = interpreter(args, line, sizeof line);
    char **words = calloc((size_t)argc + 4, sizeof *words);
    int count = 0;

    if (!words) {
        fputs("sioc: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    words[count++] = (char *)(uintptr_t)python;
    words[count++] = (char[]){"-m"};
    words[count++] = (char[]){"sioc"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                words[count++] = argv[i++];
            break;
        }
        if (strcmp(argv[i], "--python") == 0)
            i++;
        else if (strncmp(argv[i], "--python=", 9) != 0)
            words[count++] = argv[i];
    }
    find_package();
    execvp(python, words);
    fprintf(stderr, "sioc: cannot run %s: %s (--python names another interpreter)\n", python,
            strerror(errno));
    free(words);
    return EXIT_FAILURE;
}
