/* bindings/lua/host.c -- one Lua state in one loop: made, loaded, started, closed, freed.
 *
 * Knows the parts only by name.  Invariant: whatever may raise runs in a task or in a protected
 * call, so that lack of memory (the state has a limit) costs a handler and never the process.
 */
#include "host.h"
#include "check.h"
#include "task.h"
#include "watchdog.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void slua_config_init(struct slua_config *config)
{
    *config = (struct slua_config){
        .port_override = -1,
        .handler_timeout_s = 5,
        .memory_limit_bytes = (size_t)256 << 20,
        .load_timeout_s = 10,
        .log_level = SIOC_LOG_INFO,
        .log = sioc_log_stderr,
    };
}

/* ---- memory ---- */

/* Counts what the state uses, and refuses what goes beyond the limit: Lua then collects garbage
 * and, if that does not help, raises in the script. */
static void *allocate(void *user, void *old, size_t old_size, size_t new_size)
{
    struct slua_host *host = user;
    void *block;

    if (!old)
        old_size = 0; /* it says what kind of object it is for */
    if (new_size > old_size && host->memory_grace == 0 &&
        host->memory_used + (new_size - old_size) > host->config->memory_limit_bytes)
        return NULL;
    block = sioc_pool_resize(host->memory, old, old_size, new_size);
    if (block || new_size == 0)
        host->memory_used = host->memory_used - old_size + new_size;
    return block;
}

/* ---- making ---- */

static int open_all(lua_State *L)
{
    luaL_openlibs(L);
    slua_open_base(L);
    slua_open_require(L);
    slua_open_luv(L);
    slua_open_module(L);
    return 0;
}

/* Warnings of Lua itself: errors in finalizers.  They come in pieces. */
static void on_warning(void *user, const char *text, int more)
{
    struct slua_host *host = user;

    if (*text == '@' && !more)
        return; /* a control message */
    slua_log(host, SIOC_LOG_WARN, "lua: %s", text);
}

static int on_panic(lua_State *L)
{
    slua_log(slua_host_of(L), SIOC_LOG_ERROR, "lua: error outside of a protected call: %s",
             lua_isstring(L, -1) ? lua_tostring(L, -1) : "?");
    return 0; /* and Lua aborts: this is a bug of ours */
}

static int open_state(struct slua_host *host)
{
    host->values.encoder = sioc_json_encoder_new();
    if (!host->values.encoder || slua_pool_new(&host->pool) < 0)
        return SIOC_ENOMEM;
    if (host->app)
        host->watchdog = slua_app_watchdog(host->app); /* their runs may be inside each other */
    else if (slua_watchdog_new(host->config->handler_timeout_s, &host->watchdog) < 0)
        return SIOC_ENOMEM;
    if (sioc_pool_new(&host->memory) < 0)
        return SIOC_ENOMEM;
    host->L = lua_newstate(allocate, host);
    if (!host->L)
        return SIOC_ENOMEM;
    *(struct slua_host **)lua_getextraspace(host->L) = host;
    lua_atpanic(host->L, on_panic);
    lua_setwarnf(host->L, on_warning, host);
    lua_pushcfunction(host->L, open_all);
    if (lua_pcall(host->L, 0, 0, 0) == LUA_OK)
        return 0;
    slua_log(host, SIOC_LOG_ERROR, "lua: %s", lua_tostring(host->L, -1));
    return SIOC_ENOMEM;
}

/* What a script that may still be refused shares is a draft. */
static int open_shared(struct slua_host *host)
{
    int r = 0;

    if (host->app)
        host->shared = slua_app_shared(host->app);
    else if ((r = sioc_shared_new(SLUA_SHARED_BYTES, &host->shared_own)) >= 0)
        host->shared = host->shared_own;
    if (r >= 0 && host->number > 1)
        r = sioc_shared_draft(host->shared, &host->shared_draft);
    if (host->shared_draft)
        host->shared = host->shared_draft;
    return r;
}

int slua_host_new(struct sioc_loop *loop, const struct slua_config *config,
                  struct slua_host **ret_host)
{
    return slua_host_make(loop, config, NULL, 1, NULL, ret_host);
}

int slua_host_make(struct sioc_loop *loop, const struct slua_config *config,
                   struct slua_app *app, unsigned number, const struct slua_file *source,
                   struct slua_host **ret_host)
{
    struct slua_host *host = calloc(1, sizeof *host);
    int code = 0;

    if (!host)
        return SIOC_ENOMEM;
    host->loop = loop;
    host->config = config;
    host->app = app;
    host->number = number;
    if (source && !(host->source = slua_files_copy(source)))
        code = SIOC_ENOMEM;
    if (code >= 0)
        code = open_shared(host);
    if (code >= 0)
        code = open_state(host);
    if (code < 0) {
        slua_host_free(host);
        return code;
    }
    *ret_host = host;
    return 0;
}

/* ---- garbage ---- */

#define GARBAGE_BYTES (1u << 20) /* a cycle should be worth its price */
#define PAUSE_MIN     200        /* Lua's own: as much garbage as there is use */
#define PAUSE_MAX     400

/* A small state would be searched for garbage all the time: with 64 KiB messages, at every
 * other one (29,000 of 174,000 instructions; with 128 bytes 100 of 5,200).  A script that has
 * set the pause itself is left alone. */
void slua_tune_garbage(struct slua_host *host)
{
    size_t used = host->memory_used / 100 + 1, pause = 100 + GARBAGE_BYTES / used;

    if (host->own_pause)
        return;
    pause = pause < PAUSE_MIN ? PAUSE_MIN : pause > PAUSE_MAX ? PAUSE_MAX : pause & ~(size_t)3;
    if ((int)pause == host->pause)
        return;
    int before = lua_gc(host->L, LUA_GCSETPAUSE, (int)pause);
    if (before == (host->pause ? host->pause : PAUSE_MIN)) {
        host->pause = (int)pause;
    } else if (before >= 0) {
        lua_gc(host->L, LUA_GCSETPAUSE, before);
        host->own_pause = true;
    }
}

/* ---- loading ---- */

struct slua_load {
    struct slua_host *host;
    void (*done)(void *user, int code, const char *error); /* of slua_host_load_aside */
    void *user;
    char *error; /* the caller's */
    size_t cap;
    int code;
    bool over; /* the task has ended */
};

static void set_error(struct slua_load *load, int code, const char *text)
{
    load->code = code;
    if (load->cap > 0)
        snprintf(load->error, load->cap, "%s", text);
}

/* The global `arg`, and the same as arguments of the script; returns how many. */
static int push_args(lua_State *L, const struct slua_config *config)
{
    int count = (int)config->arg_count;

    luaL_checkstack(L, count, "too many arguments");
    lua_createtable(L, count, 1);
    lua_pushstring(L, config->script);
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < count; i++) {
        lua_pushstring(L, config->args[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
    for (int i = 0; i < count; i++)
        lua_pushstring(L, config->args[i]);
    return count;
}

static int run_script(lua_State *L)
{
    struct slua_load *load = lua_touserdata(L, 1);
    const struct slua_config *config = load->host->config;
    int status = slua_load_file(L, config->script, NULL);

    if (status != LUA_OK) {
        set_error(load, status == LUA_ERRFILE ? SIOC_ENOTFOUND : SIOC_ESYNTAX,
                  lua_tostring(L, -1));
        return 0;
    }
    if (load->host->draft)
        slua_slices_begin(L);
    lua_callk(L, push_args(L, config), 0, 0, slua_return_nothing);
    return 0;
}

static void note_end(struct slua_host *host, struct slua_load *load,
                     const struct slua_result *result)
{
    load->over = true;
    slua_slices_end(host, result->L);
    if (load->done && host->closing)
        return;        /* nobody waits for it any more */
    if (host->turning) /* this may be just before the loop goes to sleep */
        sioc_loop_stop(host->loop);
    if (result->status == LUA_OK || load->code < 0)
        return;
    if (result->status == LUA_ERRMEM)
        set_error(load, SIOC_ENOMEM, result->error);
    else
        set_error(load, result->stopped ? SIOC_ETIMEDOUT : SIOC_EINVAL, result->error);
}

static void script_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_load *load = user;

    note_end(host, load, result);
    if (load->done && !host->closing)
        load->done(load->user, load->code, load->error);
}

/* The top level may wait (sioc.sleep, the answer of a database): nothing listens yet, so the
 * loop may as well turn here. */
static void turn_until_over(struct slua_load *load)
{
    struct slua_host *host = load->host;

    host->turning = true;
    while (!load->over && !host->stopped) {
        bool active = sioc_loop_step(host->loop, true);

        if (active || load->over || host->stopped)
            continue;
        set_error(load, SIOC_EINVAL, "the script waits for something that cannot come");
        break;
    }
    host->turning = false;
}

static void on_checked(void *user, int code, const char *error)
{
    struct slua_load *load = user;

    if (code < 0)
        set_error(load, code, error);
    load->over = true;
    sioc_loop_stop(load->host->loop);
}

int slua_host_load(struct slua_host *host, char *ret_error, size_t cap)
{
    struct slua_load load = {.host = host, .error = ret_error, .cap = cap};
    struct slua_task_info info = {
        .what = "script", .quiet = true, .done = script_done, .user = &load};

    host->loading = true;
    if (slua_run(host, run_script, &load, &info) < 0) {
        load.over = true;
        set_error(&load, SIOC_ENOMEM, "not enough memory");
    }
    turn_until_over(&load);
    if (load.over && load.code >= 0 && !host->stopped && slua_checks_any(host)) {
        load.over = false;
        slua_checks_begin(host, (uint64_t)(host->config->load_timeout_s * 1000), on_checked,
                          &load);
        turn_until_over(&load);
    }
    if (!load.over) /* it still waits: `done` must not find this frame */
        slua_pool_drop_all(host);
    if (host->stopped && load.code == SIOC_EINVAL)
        load.code = 0;
    host->loading = false;
    return load.code;
}

/* Loading aside keeps all it needs in the host. */
struct aside {
    struct slua_load load; /* first */
    char error[8192];
};

int slua_host_load_aside(struct slua_host *host,
                         void (*done)(void *user, int code, const char *error), void *user)
{
    struct slua_task_info info = {.what = "script", .quiet = true, .done = script_done};
    struct aside *aside = calloc(1, sizeof *aside);

    if (!aside)
        return SIOC_ENOMEM;
    host->load = &aside->load;
    aside->load = (struct slua_load){.host = host,
                                     .error = aside->error,
                                     .cap = sizeof aside->error,
                                     .done = done,
                                     .user = user};
    info.user = &aside->load;
    host->draft = host->loading = true;
    return slua_run(host, run_script, &aside->load, &info);
}

/* ---- finishing ---- */

bool slua_host_busy(const struct slua_host *host)
{
    if (host->callbacks > 0 || host->timers || (host->luv && slua_luv_alive(host->luv)))
        return true;
    return slua_pool_waiting(host->pool) > 0;
}

/* ---- starting, stopping ---- */

int slua_host_start(struct slua_host *host, char *ret_error, size_t cap)
{
    return slua_servers_start(host, ret_error, cap);
}

void slua_host_stop(struct slua_host *host, int exit_code)
{
    host->stopped = true;
    if (host->draft) { /* its end is not the program's */
        if (host->load && !host->load->over)
            host->load->done(host->load->user, SIOC_ESTATE,
                             "the script ends the program while it loads");
        return;
    }
    if (host->turning)
        sioc_loop_stop(host->loop);
    if (host->config->stop)
        host->config->stop(host->config->user, exit_code);
}

void slua_host_close(struct slua_host *host, void (*done)(void *user), void *user)
{
    host->closing = true;
    slua_timers_free(host); /* sleepers and handlers that still run may end */
    slua_servers_close(host, done, user);
}

void slua_host_shut(struct slua_host *host)
{
    slua_checks_free(host);
    host->closing = true;
    slua_slices_end(host, NULL);
    if (host->L) {
        slua_luv_close(host); /* its callbacks run once more */
        host->freeing = true;
        slua_timers_free(host);
        slua_pool_drop_all(host);
        slua_servers_free(host);
    }
}

void slua_host_dispose(struct slua_host *host)
{
    if (host->L)
        lua_close(host->L);
    slua_luv_free(host);
    slua_files_free(&host->files);
    slua_files_free(&host->source);
    free(host->load);
    if (!host->app)
        slua_watchdog_free(host->watchdog);
    slua_pool_free(host->pool);
    sioc_pool_free(host->memory);
    sioc_json_encoder_free(host->values.encoder);
    sioc_shared_value_free(host->shared_values[0]);
    sioc_shared_value_free(host->shared_values[1]);
    sioc_shared_free(host->shared_draft);
    sioc_shared_free(host->shared_own);
    free(host);
}

void slua_host_free(struct slua_host *host)
{
    if (!host)
        return;
    slua_host_shut(host);
    slua_host_dispose(host);
}
