/* bindings/cli/args.c -- options are a table; those of the server come from the core.
 *
 * --name value and --name=value are the same.  Dashes stand for underscores and dots:
 * --cors-origin is the option cors.origin.
 */
#include "args.h"
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

struct reader {
    struct cli_args *args;
    char *error;
    size_t cap;
};

static int fail(struct reader *r, const char *format, ...) SIOC_PRINTF(2, 3);

static int fail(struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->error, r->cap, format, args);
    va_end(args);
    return SIOC_EINVAL;
}

/* ---- the program's own options ---- */

struct own {
    const char *name;
    const char *value; /* what it takes, for the help; NULL = nothing */
    const char *help;
    int (*set)(struct reader *r, const char *value); /* NULL: not available yet */
};

static int set_host(struct reader *r, const char *value)
{
    if (!*value)
        return fail(r, "--host needs an address, e.g. 0.0.0.0");
    r->args->host = value;
    return 0;
}

static int set_port(struct reader *r, const char *value)
{
    char *end;
    long port = strtol(value, &end, 10);

    if (!*value || *end || port < 0 || port > 65535)
        return fail(r, "--port must be a number from 0 to 65535, not \"%s\"", value);
    r->args->port = (int)port;
    return 0;
}

static int set_watch(struct reader *r, const char *value)
{
    (void)value;
    r->args->watch = true;
    return 0;
}

static int set_watch_poll(struct reader *r, const char *value)
{
    r->args->watch_poll = true;
    return set_watch(r, value);
}

static int set_pid(struct reader *r, const char *value)
{
    char *end;
    long pid = strtol(value, &end, 10);

    if (!*value || *end || pid <= 0 || pid > INT_MAX)
        return fail(r, "--pid must be the number of a process, not \"%s\"", value);
    r->args->pid = pid;
    return 0;
}

static int set_static(struct reader *r, const char *value)
{
    if (r->args->static_count == CLI_STATICS)
        return fail(r, "too many --static folders, at \"%s\"", value);
    r->args->statics[r->args->static_count++] = value;
    return 0;
}

static int set_log_level(struct reader *r, const char *value)
{
    if (sioc_log_level_parse(value, &r->args->log_level) < 0)
        return fail(r, "--log-level must be debug, info, warn or error, not \"%s\"", value);
    return 0;
}

static int set_log_format(struct reader *r, const char *value)
{
    if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
        return fail(r, "--log-format must be text or json, not \"%s\"", value);
    r->args->log_json = strcmp(value, "json") == 0;
    return 0;
}

static int set_handler_timeout(struct reader *r, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);

    if (!*value || *end || !(seconds > 0) || seconds > 86400)
        return fail(r, "--handler-timeout must be a number of seconds above 0, not \"%s\"",
                    value);
    r->args->handler_timeout_s = seconds;
    return 0;
}

static int set_python(struct reader *r, const char *value)
{
    if (!*value)
        return fail(r, "--python needs an interpreter, e.g. python3.12");
    r->args->python = value;
    return 0;
}

static int set_help(struct reader *r, const char *value)
{
    (void)value;
    r->args->command = CLI_HELP;
    return 0;
}

static int set_version(struct reader *r, const char *value)
{
    (void)value;
    r->args->command = CLI_VERSION;
    return 0;
}

static const struct own own_options[] = {
    {"host", "ADDRESS", "where to listen; 127.0.0.1 is this machine only", set_host},
    {"port", "N", "3000; 0 takes any free port", set_port},
    {"static", "FOLDER", "serve its files at /; may be given several times", set_static},
    {"log-level", "LEVEL", "debug, info, warn or error; info", set_log_level},
    {"log-format", "FORMAT", "text or json; text", set_log_format},
    {"handler-timeout", "SECONDS", "CPU time after which a handler is stopped; 5",
     set_handler_timeout},
    {"watch", NULL, "reload when a file of the script was saved", set_watch},
    {"watch-poll", NULL, "the same on file systems that do not tell (network shares)",
     set_watch_poll},
    {"python", "FILE", "with app.py: the interpreter; that of its #! line, or python3",
     set_python},
    {"pid", "N", "with reload and rollback: the process that serves", set_pid},
    {"help", NULL, "this text", set_help},
    {"version", NULL, "the version", set_version},
    {"workers", "N", NULL, NULL},
    {"adapter", "URL", NULL, NULL},
    {"config", "FILE", NULL, NULL},
};
#define OWN_COUNT (sizeof own_options / sizeof own_options[0])

/* ---- names ---- */

/* Whether the text (dashes, no leading ones) means the option; len: of the text. */
static bool same_name(const char *name, const char *text, size_t len)
{
    size_t i = 0;

    for (; i < len && name[i]; i++) {
        bool joint = name[i] == '_' || name[i] == '.';

        if (name[i] != text[i] && !(joint && text[i] == '-'))
            return false;
    }
    return i == len && !name[i];
}

static const struct own *find_own(const char *text, size_t len)
{
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (same_name(own_options[i].name, text, len))
            return &own_options[i];
    return NULL;
}

static const struct sioc_option_info *find_option(const char *text, size_t len)
{
    const struct sioc_option_info *info;

    for (size_t i = 0; (info = sioc_option_at(i)); i++)
        if (same_name(info->name, text, len))
            return info;
    return NULL;
}

/* The name as one types it. */
static void spell(const char *name, char *out, size_t cap)
{
    size_t i = 0;

    for (; name[i] && i + 1 < cap; i++)
        out[i] = name[i] == '_' || name[i] == '.' ? '-' : name[i];
    out[i] = '\0';
}

#define NAME_MAX_ 48

static void consider(const char *name, const char *text, size_t len, size_t *best,
                     char nearest[NAME_MAX_])
{
    char spelled[NAME_MAX_];
    size_t d;

    spell(name, spelled, sizeof spelled);
    d = sioc_edit_distance(sioc_str_n(text, len), sioc_str(spelled));
    if (d >= *best)
        return;
    *best = d;
    memcpy(nearest, spelled, sizeof spelled);
}

static int unknown(struct reader *r, const char *text, size_t len)
{
    const struct sioc_option_info *info;
    char nearest[NAME_MAX_] = "";
    size_t best = len / 3 + 2; /* farther away is no suggestion */
    char given[NAME_MAX_ + 1];

    for (size_t i = 0; i < OWN_COUNT; i++)
        if (own_options[i].set)
            consider(own_options[i].name, text, len, &best, nearest);
    for (size_t i = 0; (info = sioc_option_at(i)); i++)
        consider(info->name, text, len, &best, nearest);
    snprintf(given, sizeof given, "%.*s", (int)(len < NAME_MAX_ ? len : NAME_MAX_), text);
    if (*nearest)
        return fail(r, "unknown option --%s; did you mean --%s?", given, nearest);
    return fail(r, "unknown option --%s; sioc --help lists them", given);
}

/* ---- reading ---- */

static int add_option(struct reader *r, const struct sioc_option_info *info, const char *value)
{
    struct cli_args *args = r->args;
    struct sioc_options *trial = sioc_options_new();
    size_t size = strlen(info->name) + strlen(value) + 2;
    char **options = realloc(args->options, (args->option_count + 1) * sizeof *options);
    char *text = malloc(size);
    int code = SIOC_ENOMEM;

    if (options)
        args->options = options;
    if (options && text && trial)
        code = sioc_options_parse(trial, info->name, value, r->error, r->cap);
    sioc_options_free(trial);
    if (code < 0) {
        free(text);
        return code == SIOC_ENOMEM ? fail(r, "%s", sioc_strerror(code)) : code;
    }
    snprintf(text, size, "%s=%s", info->name, value);
    args->options[args->option_count++] = text;
    return 0;
}

/* --serial is --serial=true, --no-serial is --serial=false. */
static int read_flag(struct reader *r, const char *text, size_t len, bool *ret_found)
{
    bool negated = len > 3 && strncmp(text, "no-", 3) == 0;
    const struct sioc_option_info *info = negated ? find_option(text + 3, len - 3) : NULL;

    if (!info) {
        info = find_option(text, len);
        negated = false;
    }
    *ret_found = info && info->type == SIOC_OPTION_BOOL;
    return *ret_found ? add_option(r, info, negated ? "false" : "true") : 0;
}

/* Reads argv[*at], which begins with two dashes; moves *at to the last word that it took. */
static int read_option(struct reader *r, int argc, char **argv, int *at)
{
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : strlen(text);
    const struct own *own = find_own(text, len);
    const struct sioc_option_info *info = find_option(text, len);
    const char *value = equals ? equals + 1 : NULL;
    bool found = false;
    int code;

    if (own && !own->set)
        return fail(r, "--%s is not available yet in sioc %s", own->name, sioc_version());
    if (own && !own->value)
        return value ? fail(r, "--%s takes no value", own->name) : own->set(r, NULL);
    if (!value) {
        code = own ? 0 : read_flag(r, text, len, &found);
        if (found || code < 0)
            return code;
    }
    if (!own && !info)
        return unknown(r, text, len);
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value)
        return fail(r, "%s needs a value", argv[*at]);
    return own ? own->set(r, value) : add_option(r, info, value);
}

/* What a server that runs is asked for. */
static bool read_request(struct cli_args *args, const char *word)
{
    if (strcmp(word, "reload") == 0)
        args->command = CLI_RELOAD;
    else if (strcmp(word, "rollback") == 0)
        args->command = CLI_ROLLBACK;
    else
        return false;
    return true;
}

static int read_word(struct reader *r, const char *word, bool *command_read)
{
    struct cli_args *args = r->args;
    size_t len = strlen(word);

    if (!args->script && !*command_read && strcmp(word, "check") == 0) {
        args->command = CLI_CHECK;
        *command_read = true;
        return 0;
    }
    if (!args->script && !*command_read && read_request(args, word)) {
        *command_read = true;
        return 0;
    }
    if (args->command == CLI_RELOAD || args->command == CLI_ROLLBACK)
        return fail(r, "unexpected \"%s\": %s takes --pid or --port", word,
                    args->command == CLI_RELOAD ? "reload" : "rollback");
    if (args->script)
        return fail(r,
                    "unexpected \"%s\": the script is %s (what it is to get itself goes "
                    "behind --)",
                    word, args->script);
    args->script = word;
    args->is_python = len > 3 && strcmp(word + len - 3, ".py") == 0;
    return 0;
}

static int read_short(struct reader *r, const char *word)
{
    if (strcmp(word, "-h") == 0)
        return set_help(r, NULL);
    if (strcmp(word, "-v") == 0 || strcmp(word, "-V") == 0)
        return set_version(r, NULL);
    return fail(r, "unknown option %s; sioc --help lists them", word);
}

int cli_args_parse(int argc, char **argv, struct cli_args *ret_args, char *ret_error,
                   size_t cap)
{
    struct reader r = {ret_args, ret_error, cap};
    bool command_read = false;
    int code = 0;

    *ret_args = (struct cli_args){.port = -1, .log_level = SIOC_LOG_INFO};
    for (int i = 1; i < argc && code >= 0; i++) {
        if (strcmp(argv[i], "--") == 0) {
            ret_args->script_args = (const char *const *)&argv[i + 1];
            ret_args->script_arg_count = (size_t)(argc - i - 1);
            break;
        }
        if (strncmp(argv[i], "--", 2) == 0)
            code = read_option(&r, argc, argv, &i);
        else if (argv[i][0] == '-' && argv[i][1])
            code = read_short(&r, argv[i]);
        else
            code = read_word(&r, argv[i], &command_read);
        if (ret_args->command == CLI_HELP || ret_args->command == CLI_VERSION)
            return 0;
    }
    if (code >= 0 && ret_args->command == CLI_CHECK && !ret_args->script)
        code = fail(&r, "check needs a script: sioc check app.lua");
    return code;
}

void cli_args_free(struct cli_args *args)
{
    for (size_t i = 0; i < args->option_count; i++)
        free(args->options[i]);
    free(args->options);
    args->options = NULL;
    args->option_count = 0;
}

/* ---- help ---- */

static void print_option(FILE *out, const char *name, const char *value, const char *help,
                         const char *def)
{
    char left[80];

    snprintf(left, sizeof left, "--%s%s%s", name, value ? " " : "", value ? value : "");
    fprintf(out, "  %-34s %s%s%s\n", left, help, def && *def ? "; " : "", def ? def : "");
}

static const char *placeholder(enum sioc_option_type type)
{
    switch (type) {
    case SIOC_OPTION_SECONDS:
        return "SECONDS";
    case SIOC_OPTION_COUNT:
        return "N";
    case SIOC_OPTION_LIST:
        return "A,B";
    case SIOC_OPTION_TEXT:
        return "TEXT";
    case SIOC_OPTION_BOOL:
    default:
        return NULL;
    }
}

void cli_print_help(FILE *out)
{
    const struct sioc_option_info *info;

    fputs("sioc [app.lua | app.py] [options] [-- arguments of the script]\n"
          "    serves Socket.IO as the script says; without a script: a page that shows it "
          "works\n"
          "sioc check app.lua | app.py\n"
          "    loads the script and runs its checks; says file:line: message what is wrong\n"
          "sioc reload [--pid N | --port N]\n"
          "    asks the server that runs (on port 3000) to load its script again\n"
          "sioc rollback [--pid N | --port N]\n"
          "    asks it to load back the script that it had before the last reload\n"
          "sioc bench URL [--help]\n"
          "    puts load on a Socket.IO server, checks every answer, says how fast it was\n"
          "\nOptions (they beat what the script says):\n",
          out);
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (own_options[i].set)
            print_option(out, own_options[i].name, own_options[i].value, own_options[i].help,
                         NULL);
    fputs("\nOptions of the server (the same that sioc.server{...} takes), with defaults:\n",
          out);
    for (size_t i = 0; (info = sioc_option_at(i)); i++) {
        char name[NAME_MAX_];

        spell(info->name, name, sizeof name);
        if (find_own(name, strlen(name)))
            continue;
        print_option(out, name, placeholder(info->type), info->help, info->default_text);
    }
}
