/* bindings/lua/check.c -- sioc.check: what a script tries out on itself before it serves.
 *
 * Checks run one after the other when the script has loaded, each in a task of its own, begun
 * by a timer.  Whatever comes of them must not be seen afterwards: their clients are closed,
 * tasks and timers that they have brought about are dropped (slua_task_info.check says which),
 * what was shared was a draft, and sioc.state is put back.  The first error, of a check or of a
 * handler that it has called, ends it all. Invariant: host->checking exactly while there is a
 * `run`.
 */
#include "check.h"
#include "task.h"
#include "watchdog.h"
#include <stdio.h>
#include <stdlib.h>

struct slua_checks {
    struct slua_host *host;
    int list_ref; /* {name or false, function}, in turn */
    lua_Integer count, at;
    bool over, failed;
    int code;
    char name[80];  /* of the one that runs, for messages */
    char where[80]; /* "file:line" of its beginning */
    char error[8192];
    struct sioc_timer *step, *deadline;
    struct slua_test_socket *sockets; /* that are open */
    struct sioc_shared *shared, *draft;
    int state_ref, state_was_ref; /* the table, and what was in it */
    void (*done)(void *user, int code, const char *error);
    void *user;
};

struct slua_test_socket **slua_check_sockets(struct slua_host *host)
{
    return &host->checks->sockets;
}

/* ---- what went wrong ---- */

/* The length of "file:line" at the beginning of the text, 0 when there is none.  A sentence may
 * hold a time of day: in messages the name of the file has no spaces. */
static size_t position_length(const char *text, bool spaces)
{
    for (const char *at = text; *at && *at != '\n' && (spaces || *at != ' '); at++) {
        const char *digits = at + 1;

        if (*at != ':' || at == text)
            continue;
        while (*digits >= '0' && *digits <= '9')
            digits++;
        if (digits > at + 1 && *digits == ':')
            return (size_t)(digits - text);
    }
    return 0;
}

/* Of an error without a position (assert gives none): where the innermost Lua function was. */
static size_t traceback_position(const char *text, const char **ret_at)
{
    for (const char *at = text; (at = strstr(at, "\n\t")) != NULL; at++) {
        *ret_at = at + 2;
        if (**ret_at != '[' && position_length(*ret_at, true) > 0)
            return position_length(*ret_at, true);
    }
    return 0;
}

/* "file:line: check "name": what", and the traceback.  in: which handler it was, or "". */
static void fail(struct slua_checks *c, int code, const char *in, const char *text)
{
    const char *at = text, *what = text;
    size_t len = position_length(text, false);

    if (c->failed)
        return;
    c->failed = true;
    c->code = code;
    if (len > 0)
        what += len + 2 <= strlen(text) ? len + 2 : len; /* ": " */
    else
        len = traceback_position(text, &at);
    if (len == 0) {
        at = c->where;
        len = strlen(at);
    }
    snprintf(c->error, sizeof c->error, "%.*s%s%s%s%s: %s", (int)len, at, len ? ": " : "",
             c->name, *in ? ": " : "", in, what);
}

void slua_check_report(struct slua_host *host, const struct slua_task_info *info,
                       const char *message_and_traceback)
{
    char in[160];

    snprintf(in, sizeof in, "error in %s%s%s%s", info->what ? info->what : "handler",
             info->name[0] ? " \"" : "", info->name, info->name[0] ? "\"" : "");
    fail(host->checks, SIOC_EINVAL, in, message_and_traceback);
}

void slua_check_forbid(lua_State *L, const char *what)
{
    const struct slua_task *task = slua_task_current(L);

    if (slua_host_of(L)->checking && task && task->info.check)
        luaL_error(L, "%s is not possible in a check", what);
}

bool slua_in_check(lua_State *L)
{
    const struct slua_task *task = slua_task_current(L);

    return slua_host_of(L)->checking && task && task->info.check;
}

/* ---- the end ---- */

static int put_state_back(lua_State *L)
{
    struct slua_checks *c = lua_touserdata(L, 1);

    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "sioc");
    slua_push_ref(L, c->state_ref);
    if (lua_istable(L, -1)) {
        slua_push_ref(L, c->state_was_ref);
        slua_assign(L, -2, -1);
        lua_pop(L, 1);
    }
    lua_setfield(L, -2, "state");
    return 0;
}

static void restore(struct slua_checks *c)
{
    struct slua_host *host = c->host;
    struct slua_task_info info = {.what = "the end of the checks"};

    while (c->sockets)
        slua_test_socket_close(c->sockets, true);
    slua_pool_drop_checks(host);
    slua_timers_stop_checks(host);
    if (c->state_was_ref)
        slua_run(host, put_state_back, c, &info);
    if (c->draft)
        host->shared = c->shared;
    sioc_shared_free(c->draft);
    c->draft = NULL;
    slua_unref(host, c->state_ref ? c->state_ref : LUA_NOREF);
    slua_unref(host, c->state_was_ref ? c->state_was_ref : LUA_NOREF);
    slua_unref(host, c->list_ref);
    c->list_ref = LUA_NOREF;
    c->state_ref = c->state_was_ref = 0;
    lua_gc(host->L, LUA_GCCOLLECT); /* nothing of them is to go over into serving */
}

static void stop_timer(struct sioc_timer **timer)
{
    if (*timer)
        sioc_timer_stop(*timer);
    *timer = NULL;
}

static void finish(struct slua_checks *c)
{
    struct slua_host *host = c->host;

    if (c->over)
        return;
    c->over = true;
    stop_timer(&c->step);
    stop_timer(&c->deadline);
    restore(c);
    host->checking = false;
    if (!c->failed)
        slua_log(host, SIOC_LOG_DEBUG, "%d checks passed", (int)c->count);
    c->done(c->user, c->failed ? c->code : 0, c->failed ? c->error : "");
}

void slua_checks_free(struct slua_host *host)
{
    struct slua_checks *c = host->checks;

    if (!c)
        return;
    stop_timer(&c->step);
    stop_timer(&c->deadline);
    c->over = true; /* nothing goes on when what waits is dropped */
    if (host->checking && host->L)
        restore(c);
    host->checking = false;
    host->checks = NULL;
    free(c);
}

/* ---- running ---- */

static void on_step(void *user);

static void next_step(struct slua_checks *c)
{
    if (sioc_timer_start(c->host->loop, 0, 0, on_step, c, &c->step) < 0) {
        fail(c, SIOC_ENOMEM, "", "not enough memory");
        finish(c);
    }
}

static int run_check(lua_State *L)
{
    const struct slua_checks *c = lua_touserdata(L, 1);

    slua_push_ref(L, c->list_ref);
    lua_rawgeti(L, -1, c->at * 2);
    lua_callk(L, 0, 0, 0, slua_return_nothing);
    return 0;
}

static void check_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_checks *c = user;

    if (host->closing || c->over)
        return;
    if (result->status != LUA_OK)
        fail(c,
             result->stopped                ? SIOC_ETIMEDOUT
             : result->status == LUA_ERRMEM ? SIOC_ENOMEM
                                            : SIOC_EINVAL,
             "", result->error);
    next_step(c);
}

static int read_name(lua_State *L)
{
    struct slua_checks *c = lua_touserdata(L, 1);
    lua_Debug info;

    slua_push_ref(L, c->list_ref);
    lua_rawgeti(L, -1, c->at * 2);
    lua_getinfo(L, ">S", &info);
    snprintf(c->where, sizeof c->where, "%s:%d", info.short_src, info.linedefined);
    if (lua_rawgeti(L, -1, c->at * 2 - 1) == LUA_TSTRING)
        snprintf(c->name, sizeof c->name, "check \"%.64s\"", lua_tostring(L, -1));
    else
        snprintf(c->name, sizeof c->name, "check %d", (int)c->at);
    return 0;
}

static void on_step(void *user)
{
    struct slua_checks *c = user;
    struct slua_task_info info = {
        .what = "check", .quiet = true, .check = true, .done = check_done, .user = c};
    struct slua_task_info plain = {.what = "check"};

    c->step = NULL;
    if (c->failed || c->at == c->count) {
        finish(c);
        return;
    }
    c->at++;
    slua_run(c->host, read_name, c, &plain);
    if (slua_run(c->host, run_check, c, &info) < 0) {
        fail(c, SIOC_ENOMEM, "", "not enough memory");
        finish(c);
    }
}

static void run_late(struct slua_checks *c)
{
    fail(c, SIOC_ETIMEDOUT, "", "it was not over in time");
}

static void on_deadline(void *user)
{
    struct slua_checks *c = user;

    c->deadline = NULL;
    run_late(c);
    finish(c);
}

void slua_checks_late(struct slua_host *host, char *error, size_t cap)
{
    if (!host->checking)
        return;
    run_late(host->checks);
    snprintf(error, cap, "%s", host->checks->error);
}

/* A copy of the table at index, tables in it as well; everything else is the same.  What is
 * nested too deeply (or contains itself) stays the same, too. */
static void push_clone(lua_State *L, int index, int depth)
{
    int top = lua_gettop(L);

    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    if (lua_getmetatable(L, index))
        lua_setmetatable(L, top + 1);
    for (lua_pushnil(L); lua_next(L, index); lua_settop(L, top + 2)) {
        lua_pushvalue(L, top + 2);
        if (lua_istable(L, top + 3) && depth < SLUA_MAX_DEPTH)
            push_clone(L, top + 3, depth + 1);
        else
            lua_pushvalue(L, top + 3);
        lua_rawset(L, top + 1);
    }
    lua_settop(L, top + 1);
}

static int keep_state(lua_State *L)
{
    struct slua_checks *c = lua_touserdata(L, 1);

    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "sioc");
    lua_getfield(L, -1, "state");
    lua_pushvalue(L, -1);
    if (lua_istable(L, -1))
        push_clone(L, lua_gettop(L), 1);
    else
        lua_pushvalue(L, -1);
    c->state_was_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pop(L, 1);
    c->state_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

void slua_checks_begin(struct slua_host *host, uint64_t timeout_ms,
                       void (*done)(void *user, int code, const char *error), void *user)
{
    struct slua_checks *c = host->checks;
    struct slua_task_info info = {.what = "the beginning of the checks"};

    c->done = done;
    c->user = user;
    host->checking = true;
    slua_run(host, keep_state, c, &info);
    if (!c->state_was_ref || sioc_shared_draft(host->shared, &c->draft) < 0 ||
        (timeout_ms > 0 &&
         sioc_timer_start(host->loop, timeout_ms, 0, on_deadline, c, &c->deadline) < 0)) {
        snprintf(c->name, sizeof c->name, "checks");
        fail(c, SIOC_ENOMEM, "", "not enough memory");
    } else {
        c->shared = host->shared;
        host->shared = c->draft;
    }
    next_step(c);
}

bool slua_checks_any(const struct slua_host *host)
{
    return host->checks && host->checks->count > 0 && !host->checks->over;
}

/* ---- sioc.check([name,] function) ---- */

static struct slua_checks *checks_of(lua_State *L)
{
    struct slua_host *host = slua_host_of(L);

    if (host->checks)
        return host->checks;
    host->checks = calloc(1, sizeof *host->checks);
    if (!host->checks)
        luaL_error(L, "not enough memory");
    host->checks->host = host;
    lua_newtable(L);
    host->checks->list_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return host->checks;
}

static int add_check(lua_State *L)
{
    const struct slua_host *host = slua_host_of(L);
    bool named = lua_gettop(L) > 1;
    struct slua_checks *c;

    slua_check_forbid(L, "sioc.check");
    if (named)
        luaL_checkstring(L, 1);
    luaL_checktype(L, named ? 2 : 1, LUA_TFUNCTION);
    if (!host->loading || host->checking)
        return luaL_error(L, "sioc.check: a check belongs to the loading of the script");
    if (!named) {
        lua_pushboolean(L, 0);
        lua_insert(L, 1);
    }
    lua_settop(L, 2);
    c = checks_of(L);
    slua_push_ref(L, c->list_ref);
    lua_insert(L, 1);
    lua_rawseti(L, 1, c->count * 2 + 2);
    lua_rawseti(L, 1, c->count * 2 + 1);
    c->count++;
    return 0;
}

void slua_open_check(lua_State *L)
{
    lua_pushcfunction(L, add_check);
    lua_setfield(L, -2, "check");
}
