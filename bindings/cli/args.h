/* bindings/cli/args.h -- the command line, read.  Knows no server: only the names of options.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <sioc/log.h>
#include <sioc/options.h>
#include <stdio.h>

enum cli_command { CLI_SERVE, CLI_CHECK, CLI_RELOAD, CLI_ROLLBACK, CLI_HELP, CLI_VERSION };

#define CLI_STATICS 16

struct cli_args {
    enum cli_command command;
    const char *script; /* NULL: the welcome page */
    bool is_python;     /* the script is */
    const char *python; /* the interpreter; NULL: found */
    const char *const *script_args;
    size_t script_arg_count;
    const char *host; /* NULL: what the script says */
    int port;         /* -1: what the script says */
    long pid;         /* reload, rollback: of the server, 0: found by its port */
    enum sioc_log_level log_level;
    bool log_json;
    bool watch, watch_poll;
    double handler_timeout_s; /* 0: the default */
    const char *statics[CLI_STATICS];
    size_t static_count;
    char **options; /* "name=value", owned */
    size_t option_count;
};

/* Strings stay borrowed from argv.  On failure one line without end of line is in ret_error:
 * SIOC_EINVAL, SIOC_ENOMEM.  cli_args_free in any case. */
int cli_args_parse(int argc, char **argv, struct cli_args *ret_args, char *ret_error,
                   size_t cap);
void cli_args_free(struct cli_args *args);

void cli_print_help(FILE *out);

#endif
