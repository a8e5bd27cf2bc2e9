/* bindings/lua/app.c -- a script and its generations: <sioc/script.h> with Lua behind it.
 *
 * Each generation is a host of its own (host.h).  Here they come and go; what one takes over
 * from the other is reload.c and carry.c.
 */
#include "api.h"
#include "check.h"
#include "watchdog.h"
#include <stdio.h>
#include <stdlib.h>

/* A server that the script does not have any more: its connections stay. */
struct kept {
    struct kept *next;
    struct sioc_server *server;
};

struct slua_app {
    struct sioc_loop *loop;
    const struct slua_config *config;
    struct slua_watchdog *watchdog; /* one for all: their runs may be inside one another */
    struct sioc_shared *shared;     /* sioc.shared, of all generations */
    struct sioc_script *script;     /* NULL until it serves */
    struct slua_host *host;         /* the one that serves */
    struct slua_drain *drain;       /* those that are gone */
    struct kept *kept;
    struct slua_follow *follow; /* NULL: files are not watched */
};

struct slua_host *slua_app_host(const struct slua_app *app)
{
    return app->host;
}

struct slua_watchdog *slua_app_watchdog(const struct slua_app *app)
{
    return app->watchdog;
}

struct sioc_shared *slua_app_shared(const struct slua_app *app)
{
    return app->shared;
}

void slua_app_set_rollback(struct slua_app *app, const struct sioc_script_rollback *rules)
{
    if (app->script)
        sioc_script_set_rollback(app->script, rules);
}

bool slua_app_keep(struct slua_app *app, struct sioc_server *server)
{
    struct kept *kept = malloc(sizeof *kept);

    if (!kept)
        return false;
    *kept = (struct kept){app->kept, server};
    app->kept = kept;
    return true;
}

/* ---- what a generation is told (struct sioc_script_ops) ---- */

static uint64_t load_timeout_ms(const struct slua_config *config)
{
    return (uint64_t)(config->load_timeout_s * 1000);
}

static void on_checked(void *user, int code, const char *error)
{
    struct slua_host *host = user;

    sioc_script_loaded(host->app->script, host, code, error);
}

static void on_loaded(void *user, int code, const char *error)
{
    struct slua_host *host = user;

    if (code >= 0 && !host->source && slua_checks_any(host)) /* it has passed them once */
        slua_checks_begin(host, 0, on_checked, host);
    else
        sioc_script_loaded(host->app->script, host, code, error);
}

static void *load_back(void *user, unsigned number, void *source)
{
    struct slua_app *app = user;
    struct slua_host *host;

    if (slua_host_make(app->loop, app->config, app, number, source, &host) < 0)
        return NULL;
    slua_state_copy(app->host, host);
    if (slua_host_load_aside(host, on_loaded, host) >= 0)
        return host;
    slua_host_free(host);
    return NULL;
}

static void *load(void *user, unsigned number)
{
    return load_back(user, number, NULL);
}

static void *keep(void *user, void *generation)
{
    const struct slua_host *host = generation;

    (void)user;
    return slua_files_copy(host->files);
}

static void forget(void *user, void *source)
{
    struct slua_file *files = source;

    (void)user;
    slua_files_free(&files);
}

static void stats(void *user, void *generation, struct sioc_script_stats *ret_stats)
{
    const struct slua_host *host = generation;

    (void)user;
    *ret_stats = host->stats;
}

static int swap(void *user, void *generation, char *ret_error, size_t cap)
{
    struct slua_app *app = user;
    struct slua_host *host = generation;
    int r = slua_swap(host, app->host, ret_error, cap);

    if (r < 0)
        return r;
    if (host->source && app->follow) /* the mistake is mended where it was made */
        slua_follow_refused(app->follow, app->host);
    app->host = host;
    return r;
}

static bool rebind(void *user, void *generation, size_t max, size_t *ret_count)
{
    struct slua_host *host = generation;
    size_t before = *ret_count;
    bool more = false;

    (void)user;
    for (struct slua_server *s = host->servers; s && !more; s = s->next)
        more = sioc_server_rebind(s->core, max - (*ret_count - before), ret_count);
    return more;
}

static void retire(void *user, void *generation)
{
    const struct slua_app *app = user;

    slua_retire(generation); /* what on_unload puts into sioc.state is kept, too */
    slua_state_update(generation, app->host);
    slua_state_forward(generation);
}

static bool busy(void *user, void *generation)
{
    (void)user;
    return slua_host_busy(generation);
}

static unsigned drop(void *user, void *generation)
{
    struct slua_host *host = generation;
    struct slua_app *app = user;
    unsigned ended = 0;

    if (host->draft && app->follow)
        slua_follow_refused(app->follow, host);
    if (host->retired) {
        slua_acks_forget(host);
        ended = slua_host_end_waiting(host);
    }
    slua_drain_host(app->drain, host);
    return ended;
}

static void log_outcome(struct slua_app *app, const struct sioc_script_outcome *o)
{
    const char *what = o->rollback ? "rollback" : "reload";
    const char *error = *o->error ? o->error : sioc_strerror(o->code);
    char whose[64] = "";

    if (o->code < 0) {
        slua_log(app->host, SIOC_LOG_ERROR, "%s refused, generation %u serves on: %s%s%s%s",
                 what, o->generation, error, *o->why ? " (" : "", o->why, *o->why ? ")" : "");
        return;
    }
    if (o->rollback)
        snprintf(whose, sizeof whose, " the script of generation %u", o->script);
    slua_log(app->host, o->rollback ? SIOC_LOG_WARN : SIOC_LOG_INFO,
             "%s: generation %u serves%s after %.1f ms; %zu sockets re-bound in %.1f ms, "
             "longest pause %.1f ms%s%s",
             what, o->generation, whose, o->load_ms, o->rebound, o->rebind_ms, o->stall_ms,
             *o->why ? "; " : "", o->why);
    slua_log(app->host, SIOC_LOG_DEBUG, "%s: longest turn of the loop %.1f ms, %.1f ms of work",
             what, o->stall_ms, o->work_ms);
}

static void outcome(void *user, const struct sioc_script_outcome *o)
{
    struct slua_app *app = user;

    log_outcome(app, o);
    if (app->follow)
        slua_follow_set(app->follow, app->host, o->code >= 0 && !o->rollback);
    if (app->config->reloaded)
        app->config->reloaded(app->config->user, o->code);
}

static void retired(void *user, unsigned number, unsigned ended)
{
    struct slua_app *app = user;

    if (ended > 0)
        slua_log(app->host, SIOC_LOG_WARN,
                 "generation %u is gone; %u handlers that still waited were ended", number,
                 ended);
    else
        slua_log(app->host, SIOC_LOG_DEBUG, "generation %u is gone", number);
}

static void late(void *user, void *generation, char *error, size_t cap)
{
    (void)user;
    slua_checks_late(generation, error, cap);
}

static const struct sioc_script_ops ops = {.load = load,
                                           .late = late,
                                           .swap = swap,
                                           .rebind = rebind,
                                           .retire = retire,
                                           .busy = busy,
                                           .drop = drop,
                                           .outcome = outcome,
                                           .retired = retired,
                                           .keep = keep,
                                           .forget = forget,
                                           .load_back = load_back,
                                           .stats = stats};

/* ---- life ---- */

int slua_app_new(struct sioc_loop *loop, const struct slua_config *config,
                 struct slua_app **ret_app)
{
    struct slua_app *app = calloc(1, sizeof *app);
    int r = SIOC_ENOMEM;

    if (!app)
        return SIOC_ENOMEM;
    app->loop = loop;
    app->config = config;
    r = slua_watchdog_new(config->handler_timeout_s, &app->watchdog);
    if (r >= 0)
        r = slua_drain_new(loop, app, &app->drain);
    if (r >= 0)
        r = sioc_shared_new(SLUA_SHARED_BYTES, &app->shared);
    if (r >= 0)
        r = slua_host_make(loop, config, app, 1, NULL, &app->host);
    if (r >= 0 && config->watch)
        r = slua_follow_open(app, loop, config, &app->follow);
    if (r < 0) {
        slua_app_free(app);
        return r;
    }
    *ret_app = app;
    return 0;
}

int slua_app_load(struct slua_app *app, char *ret_error, size_t cap)
{
    return slua_host_load(app->host, ret_error, cap);
}

int slua_app_start(struct slua_app *app, char *ret_error, size_t cap)
{
    struct sioc_script_limits limits;
    int r = slua_host_start(app->host, ret_error, cap);

    sioc_script_limits_init(&limits);
    limits.load_timeout_ms = load_timeout_ms(app->config);

    if (r >= 0)
        r = sioc_script_new(app->loop, &ops, app, &limits, app->host, &app->script);
    if (r >= 0)
        slua_settings_apply(app->host);
    if (r >= 0 && app->follow)
        slua_follow_set(app->follow, app->host, true);
    return r;
}

void slua_app_reload(struct slua_app *app)
{
    if (app->script)
        sioc_script_reload(app->script);
}

void slua_app_rollback(struct slua_app *app)
{
    if (app->script)
        sioc_script_rollback(app->script);
}

const char *slua_app_file(const struct slua_app *app, size_t index)
{
    return slua_host_file(app->host, index);
}

void slua_app_close(struct slua_app *app, void (*done)(void *user), void *user)
{
    slua_follow_close(app->follow);
    app->follow = NULL;
    if (app->script)
        sioc_script_stop(app->script);
    slua_host_close(app->host, done, user);
}

void slua_app_free(struct slua_app *app)
{
    if (!app)
        return;
    slua_follow_close(app->follow);
    app->follow = NULL;
    sioc_script_free(app->script);
    slua_drain_free(app->drain);
    while (app->kept) {
        struct kept *kept = app->kept;

        app->kept = kept->next;
        sioc_server_free(kept->server);
        free(kept);
    }
    slua_host_free(app->host);
    sioc_shared_free(app->shared);
    slua_watchdog_free(app->watchdog);
    free(app);
}
