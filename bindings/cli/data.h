/* bindings/cli/data.h -- where the files lie that sioc brings along. */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_PATH_MAX 4096

/* The path of a file or folder in the data folder; false when it is not there. The data folder
 * is $SIOC_DATA, or, from where the program lies, ../data (a build) or ../share/sioc. */
bool cli_data_path(const char *name, char ret_path[CLI_PATH_MAX]);
/* The path of what lies in the program's own folder; false when it is not there. */
bool cli_beside(const char *name, char ret_path[CLI_PATH_MAX]);

#endif
