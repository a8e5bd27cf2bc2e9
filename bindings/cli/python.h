/* bindings/cli/python.h -- scripts in Python: the interpreter takes over. */
#ifndef CLI_PYTHON_H
#define CLI_PYTHON_H

#include "args.h"

/* Becomes `python3 -m sioc` with the same words.  Returns only when that fails: the exit code,
 * and why is said. */
int cli_run_python(int argc, char **argv, const struct cli_args *args);

#endif
