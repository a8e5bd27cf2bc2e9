/* bindings/cli/main.c -- the program sioc: one loop, one script, four signals.
 *
 * Exit codes: 0 it ended as it was asked to, 1 it could not serve, 2 a wrong command line,
 * 128 + n a second signal n.  One clear line on stderr says why.
 */
#include "args.h"
#include "bench.h"
#include "data.h"
#include "find.h"
#include "python.h"
#include "sioc_lua.h"
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_WRONG_USAGE = 2, DEFAULT_PORT = 3000 };

struct program {
    struct cli_args args;
    struct slua_config config;
    struct sioc_loop *loop;
    struct slua_app *app;
    struct sioc_signal *interrupt, *terminate, *hangup, *user2;
    bool serving, closing;
    int exit_code;
    char script[CLI_PATH_MAX], client_dir[CLI_PATH_MAX];
};

/* ---- the end ---- */

static void on_closed(void *user)
{
    struct program *p = user;

    sioc_loop_stop(p->loop);
}

static void close_all(void *user)
{
    struct program *p = user;

    if (p->closing)
        return;
    p->closing = true;
    slua_app_close(p->app, on_closed, p);
}

static void on_signal(void *user, int signum)
{
    struct program *p = user;

    if (p->closing)
        _exit(128 + signum);
    close_all(p);
}

static void on_hangup(void *user, int signum)
{
    const struct program *p = user;

    (void)signum;
    if (!p->closing)
        slua_app_reload(p->app);
}

static void on_user2(void *user, int signum)
{
    const struct program *p = user;

    (void)signum;
    if (!p->closing)
        slua_app_rollback(p->app);
}

/* The script wants to end.  Not now: it runs. */
static void on_stop(void *user, int exit_code)
{
    struct program *p = user;

    p->exit_code = exit_code;
    if (p->serving && sioc_loop_post(p->loop, close_all, p) < 0)
        _exit(exit_code);
}

/* ---- the beginning ---- */

static void on_listening(void *user, const char *host, uint16_t port, bool secure)
{
    bool v6 = strchr(host, ':') != NULL;

    (void)user;
    if (strncmp(host, "unix:", 5) == 0) /* no URL leads there */
        printf("listening on %s\n", host);
    else
        printf("listening on %s://%s%s%s:%u\n", secure ? "https" : "http", v6 ? "[" : "", host,
               v6 ? "]" : "", (unsigned)port);
    fflush(stdout);
}

/* One descriptor for each client: as many as there may be. */
static void prepare_process(void)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int configure(struct program *p)
{
    const struct cli_args *args = &p->args;
    struct slua_config *config = &p->config;

    slua_config_init(config);
    config->script = args->script;
    if (!config->script) {
        if (!cli_data_path("handlers/welcome.lua", p->script)) {
            fputs("sioc: no script given, and the welcome page is not installed "
                  "(SIOC_DATA names its folder); try sioc --help\n",
                  stderr);
            return EXIT_WRONG_USAGE;
        }
        config->script = p->script;
    }
    config->args = args->script_args;
    config->arg_count = args->script_arg_count;
    config->host_override = args->host;
    config->port_override = args->port;
    if (cli_data_path("client", p->client_dir))
        config->client_dir = p->client_dir;
    config->statics = args->statics;
    config->static_count = args->static_count;
    config->options = (const char *const *)args->options;
    config->option_count = args->option_count;
    if (args->handler_timeout_s > 0)
        config->handler_timeout_s = args->handler_timeout_s;
    config->watch = args->watch && args->command == CLI_SERVE;
    config->watch_poll = args->watch_poll;
    config->log_level = args->log_level;
    config->log = sioc_log_stderr;
    config->log_user = args->log_json ? p : NULL;
    config->listening = on_listening;
    config->stop = on_stop;
    config->user = p;
    return 0;
}

static int say(const char *text)
{
    fprintf(stderr, "sioc: %s\n", text);
    return EXIT_FAILURE;
}

/* Script errors begin with file:line:, which editors understand, so nothing goes before them.
 */
static int load(struct program *p)
{
    char error[8192] = "";
    int code = slua_app_load(p->app, error, sizeof error);

    if (code >= 0)
        return 0;
    if (!*error)
        return say(sioc_strerror(code));
    if (code == SIOC_ENOTFOUND)
        return say(error);
    fprintf(stderr, "%s\n", error);
    return EXIT_FAILURE;
}

static int serve(struct program *p)
{
    char error[512] = "";

    if (sioc_signal_open(p->loop, SIGINT, on_signal, p, &p->interrupt) < 0 ||
        sioc_signal_open(p->loop, SIGTERM, on_signal, p, &p->terminate) < 0 ||
        sioc_signal_open(p->loop, SIGHUP, on_hangup, p, &p->hangup) < 0 ||
        sioc_signal_open(p->loop, SIGUSR2, on_user2, p, &p->user2) < 0)
        return say("cannot listen to signals");
    p->serving = true;
    if (slua_app_start(p->app, error, sizeof error) < 0)
        return say(error);
    sioc_loop_run(p->loop);
    return p->exit_code;
}

/* sioc reload, sioc rollback: another process is asked, and says in its log what came of it. */
static int ask(const struct cli_args *args)
{
    bool back = args->command == CLI_ROLLBACK;
    int signum = back ? SIGUSR2 : SIGHUP;
    char error[160];
    long pid = args->pid;

    if (pid == 0)
        pid =
            cli_find_listener(args->port >= 0 ? args->port : DEFAULT_PORT, error, sizeof error);
    if (pid < 0)
        return say(error);
    if (!cli_catches(pid, signum)) {
        snprintf(error, sizeof error,
                 "process %ld does not listen to that signal: it is no sioc that serves", pid);
        return say(error);
    }
    if (kill((pid_t)pid, signum) < 0) {
        snprintf(error, sizeof error, "process %ld: %s", pid, strerror(errno));
        return say(error);
    }
    printf("process %ld %s; its log says what comes of it\n", pid,
           back ? "goes back" : "reloads");
    return 0;
}

static int run(struct program *p)
{
    int code = configure(p);

    if (code != 0)
        return code;
    prepare_process();
    if (sioc_loop_new(&p->loop) < 0)
        return say("cannot make an event loop");
    if (slua_app_new(p->loop, &p->config, &p->app) < 0)
        return say("cannot start Lua: out of memory");
    p->exit_code = -1;
    code = load(p);
    if (code != 0 || p->args.command == CLI_CHECK)
        return code;
    if (p->exit_code >= 0) /* the script has ended the program while it loaded */
        return p->exit_code;
    p->exit_code = 0;
    return serve(p);
}

static void clean_up(struct program *p)
{
    slua_app_free(p->app);
    if (p->interrupt)
        sioc_signal_close(p->interrupt);
    if (p->terminate)
        sioc_signal_close(p->terminate);
    if (p->hangup)
        sioc_signal_close(p->hangup);
    if (p->user2)
        sioc_signal_close(p->user2);
    sioc_loop_free(p->loop);
    cli_args_free(&p->args);
}

/* Long messages come and go: without this their memory is given back to the system after each,
 * and comes again page by page (64 KiB: 1.5 system calls and 19 page faults for a message). */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* what is longer is rare, and given back at once */
#endif
}

int main(int argc, char **argv)
{
    struct program p = {0};
    char error[512];
    int code;

    keep_memory();
    if (argc > 1 && strcmp(argv[1], "bench") == 0) {
        argv[1] = (char[]){"sioc bench"};
        return bench_main(argc - 1, argv + 1);
    }
    if (cli_args_parse(argc, argv, &p.args, error, sizeof error) < 0) {
        fprintf(stderr, "sioc: %s\n", error);
        code = EXIT_WRONG_USAGE;
    } else if (p.args.command == CLI_HELP) {
        cli_print_help(stdout);
        code = 0;
    } else if (p.args.command == CLI_VERSION) {
        printf("sioc %s\n", sioc_version());
        code = 0;
    } else if (p.args.command == CLI_RELOAD || p.args.command == CLI_ROLLBACK) {
        code = ask(&p.args);
    } else if (p.args.is_python) {
        code = cli_run_python(argc, argv, &p.args);
    } else {
        code = run(&p);
    }
    clean_up(&p);
    return code;
}
