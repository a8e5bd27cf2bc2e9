/* sioc_lua.h -- the Lua host, as the program that runs it sees it.
 *
 * A host is one Lua state in one loop: it loads a script, whose servers listen when the script
 * says so (io:listen), and dispatches what happens to the script's handlers.
 */
#ifndef SIOC_LUA_H
#define SIOC_LUA_H

#include <sioc/sioc.h>

struct slua_host;
struct slua_app;

struct slua_config {
    const char *script;      /* path of the script; "app.lua" */
    const char *const *args; /* what follows it on the command line: the script's `arg` */
    size_t arg_count;
    const char *host_override;  /* NULL = what the script says, else "127.0.0.1" */
    int port_override;          /* -1 = what the script says, else 3000 */
    const char *client_dir;     /* files of the browser client, or NULL */
    const char *const *statics; /* folders to serve at "/" in addition */
    size_t static_count;
    const char *const
        *options; /* "name=value" server options from the command line, beat the script's */
    size_t option_count;
    double handler_timeout_s;  /* CPU seconds a handler may run without waiting; default 5 */
    size_t memory_limit_bytes; /* of the Lua state; default 256 MiB */
    double load_timeout_s;     /* to load aside, checks included; default 10 */
    bool watch;                /* reload when a file of the script was saved (slua_app) */
    bool watch_poll;           /* ... by looking at them all the time */
    enum sioc_log_level log_level;
    sioc_log_fn log;
    void *log_user;
    /* Each address that a server listens on, once it does. */
    void (*listening)(void *user, const char *host, uint16_t port, bool secure);
    /* The script asked for the end (sioc.stop, os.exit). */
    void (*stop)(void *user, int exit_code);
    /* A reload has ended (code 0: a new generation serves); may be NULL.  slua_app_file has
     * changed. */
    void (*reloaded)(void *user, int code);
    void *user;
};

/* Sensible defaults for everything but script. */
void slua_config_init(struct slua_config *config);

/* loop, config: borrowed, outlive the host.  0, SIOC_ENOMEM. */
int slua_host_new(struct sioc_loop *loop, const struct slua_config *config,
                  struct slua_host **ret_host);
/* Runs the script's top level and its checks.  On failure a complete message "file:line: what"
 * (with traceback lines behind it for run-time errors) is in ret_error.  Nothing listens yet.
 * 0, SIOC_ENOTFOUND (unreadable), SIOC_ESYNTAX, SIOC_EINVAL (run-time error), SIOC_ETIMEDOUT,
 * SIOC_ENOMEM. */
int slua_host_load(struct slua_host *host, char *ret_error, size_t cap);
/* Opens what the script's io:listen calls asked for (a script that never called it gets the
 * default). On failure the message names the address. */
int slua_host_start(struct slua_host *host, char *ret_error, size_t cap);
/* Closes all servers (sockets are told "server shutting down"); done(user) when all is out. */
void slua_host_close(struct slua_host *host, void (*done)(void *user), void *user);
void slua_host_free(struct slua_host *host); /* accepts NULL */

/* ---- a script that can be reloaded: the same, over and over ---- */

/* As the functions of a host above. */
int slua_app_new(struct sioc_loop *loop, const struct slua_config *config,
                 struct slua_app **ret_app);
int slua_app_load(struct slua_app *app, char *ret_error, size_t cap);
int slua_app_start(struct slua_app *app, char *ret_error, size_t cap);
/* Asks for a reload: soon the script runs again, and when all goes well what it registers takes
 * the place of what is there.  The outcome is logged, and config.reloaded is called.  From the
 * loop's thread, any time; before slua_app_start it does nothing. */
void slua_app_reload(struct slua_app *app);
/* Asks for the script of the generation before, as it was when it was loaded. */
void slua_app_rollback(struct slua_app *app);
/* The i-th file that the generation that serves has loaded (script, modules); NULL at the end.
 */
const char *slua_app_file(const struct slua_app *app, size_t index);
void slua_app_close(struct slua_app *app, void (*done)(void *user), void *user);
void slua_app_free(struct slua_app *app); /* accepts NULL */

#endif
