/* bindings/lua/host.h -- inside the Lua host: the state, tasks (pooled coroutines), errors.
 *
 * Every call into Lua runs in a *task*: a coroutine from a pool, so that everything may wait.
 * A task runs one C function, the body, which decodes its arguments (protected) and calls the
 * handler with lua_callk.  Waiting functions give the coroutine back to the host (slua_wait)
 * and are resumed by number (slua_wake), so a task that is gone can never be touched. Includes
 * public headers of sioc only.
 */
#ifndef SLUA_HOST_H
#define SLUA_HOST_H

#include "sioc_lua.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define SLUA_SHARED_BYTES ((size_t)64 << 20) /* until an option says otherwise */

struct slua_task;
struct slua_pool;
struct slua_watchdog;
struct slua_server; /* server.c */
struct slua_luv;
struct slua_timer;
struct slua_file;
struct slua_load;   /* host.c */
struct slua_app;    /* app.c */
struct slua_checks; /* check.c */
struct slua_follow;

/* Registry references and addresses that the hot paths compare instead of looking up names. */
struct slua_values {
    int array_ref, buffer_ref, raw_ref;              /* the metatables */
    const void *array_meta, *buffer_meta, *raw_meta; /* lua_topointer of them */
    struct sioc_json_encoder *encoder;               /* sioc.json.encode, sioc.log; reused */
};

/* Options of sioc.server that are the host's own business: of the first server, unless a later
 * one says otherwise. */
struct slua_settings {
    double max_shared_bytes;
    double rollback, rollback_window, rollback_threshold, rollback_min_handlers;
    bool rollback_given; /* one of those four was set: --watch does not turn it off */
};

/* The time that a script takes while it loads aside (slice.c). */
struct slua_slices {
    bool on;
    unsigned run;   /* of the watchdog: the slice that began_s belongs to */
    double began_s; /* by the thread's own clock */
    double spent_s; /* in the slices before */
    uint64_t task;  /* that waits for the next one */
    struct sioc_timer *timer;
};

struct slua_host {
    lua_State *L; /* the main thread; nothing runs on it but loading */
    struct sioc_loop *loop;
    const struct slua_config *config;
    struct slua_pool *pool;
    struct slua_watchdog *watchdog;
    struct slua_luv *luv;        /* NULL until the script requires it */
    struct slua_server *servers; /* linked list; owned */
    struct slua_timer *timers;   /* sioc.after, sioc.every that are active (timers.c) */
    struct slua_file *files;     /* what was loaded: script and modules (source.c) */
    struct slua_file *source;    /* what to load instead of files: it is loaded back */
    struct slua_values values;
    struct slua_slices slices;
    struct slua_load *load;     /* while it loads aside */
    struct slua_checks *checks; /* NULL: the script has none */
    struct slua_app *app;       /* NULL: a host on its own, which is never reloaded */
    unsigned number;            /* of the generation */
    int unload_ref;             /* sioc.on_unload: a list of functions */
    int state_base_ref;         /* sioc.state as it was when the load began; 0: none */
    double handler_timeout_s;   /* what the script asks for; 0: nothing */
    struct slua_settings settings;
    struct sioc_shared *shared;       /* where sioc.shared writes to now */
    struct sioc_shared *shared_draft; /* owned; over the next one, while it loads aside */
    struct sioc_shared *shared_own;   /* owned, of a host without an app */
    struct sioc_shared_value *shared_values[2]; /* on their way in (shared.c) */
    uint64_t shared_full_ms;                    /* when that was last logged; 0: never */
    unsigned callbacks; /* answers that functions of this host wait for */
    struct sioc_script_stats stats;
    struct sioc_pool *memory; /* of the state: strings come and go with every event */
    size_t memory_used;
    unsigned runs;         /* of tasks, for slua_tune_garbage */
    int pause;             /* what it has set; 0: nothing yet */
    bool own_pause;        /* the script has */
    unsigned memory_grace; /* > 0: foreign code runs unprotected, so the limit may be passed */
    bool loading;          /* the script's top level runs */
    bool turning;          /* ... and waits, while the loop turns for it */
    bool draft;            /* it loads aside: nothing that it does may be seen */
    bool checking;         /* its checks run (check.c) */
    bool retired;          /* it only finishes what it began: its handlers are off */
    bool closing;
    bool stopped; /* sioc.stop or os.exit was called */
    bool freeing; /* finalizers of the script may still run, but start nothing */
};

/* The host of a state (kept in its extra space). */
static inline struct slua_host *slua_host_of(lua_State *L)
{
    return *(struct slua_host **)lua_getextraspace(L);
}

/* ---- tasks (task.c) ---- */

/* How a task ended. */
struct slua_result {
    int status;   /* LUA_OK, or an error code: then the error was reported already */
    lua_State *L; /* the coroutine; results are its topmost `count` values (LUA_OK only) */
    int count;
    bool stopped;      /* by the watchdog */
    const char *error; /* message and traceback, borrowed for the call; NULL when LUA_OK */
};

struct slua_task_info {
    const char *what;           /* for logs: "event", "connection", "timer", "GET /x" */
    char name[64];              /* event name, cut; may be "" */
    uint64_t socket;            /* handle, 0 = none */
    struct sioc_server *server; /* of the socket */
    struct slua_server *owner;  /* whose "error" handlers hear of it; NULL = none */
    bool quiet; /* errors are not reported: `done` does with them what it likes */
    bool muted; /* a connection handler is replayed: nobody hears what it says */
    bool check; /* it is a check, or comes of one: what it does is undone afterwards */
    bool inner; /* no handler of the script: it does not count as one */
    /* Called when the body has returned or failed; may be NULL.  Also for a task that still
     * waits when the host is freed (status LUA_ERRRUN, host->closing).  It runs outside of any
     * protected call: look at results, but create nothing on L (that may raise); whatever needs
     * more belongs into the continuation of the body. */
    void (*done)(struct slua_host *host, void *user, const struct slua_result *result);
    void *user;
};

/* Runs body(L) in a coroutine now, with `arg` as its light userdata argument 1, until it ends
 * or waits. info: copied; not if it is that of slua_next_task, which the event of a client
 * saves 60 instructions with.  0 (ended or waits), SIOC_ENOMEM. */
int slua_run(struct slua_host *host, lua_CFunction body, void *arg,
             const struct slua_task_info *info);

/* How much garbage there may be before it is collected, by what is in use.  Now and then. */
void slua_tune_garbage(struct slua_host *host);

/* The info of the task that the next slua_run will take, to be filled in there: all of it.
 * NULL: no memory. */
struct slua_task_info *slua_next_task(struct slua_host *host);

/* In a function called from Lua: `return slua_wait(L, &id, k, ctx)` suspends the task; arm
 * whatever wakes it with its id *before* calling it (slua_task_id).  k runs when it is woken,
 * with what the waker pushed. Raises a Lua error when the place does not allow waiting (a sort
 * comparator, __gc, ...).  At k the stack is as it was at slua_wait, with the waker's values
 * on top; without k those are what the function returns. */
uint64_t slua_task_id(lua_State *L); /* of the task that runs now; 0 = none */
int slua_wait(lua_State *L, lua_KFunction k, lua_KContext ctx);
/* Wakes a waiting task: push(L, user) pushes values on its coroutine and returns how many (NULL
 * = none).  push runs inside the coroutine, so it may raise.  False when the task is gone or
 * does not wait (yet): nothing was called then. */
bool slua_wake(struct slua_host *host, uint64_t id, int (*push)(lua_State *L, void *user),
               void *user);
/* Whether the task with that id still exists (runs or waits). */
bool slua_task_alive(const struct slua_host *host, uint64_t id);
/* Whether what runs now is muted (slua_task_info). */
bool slua_muted(lua_State *L);
/* Before a wait, may the running function wait at all? */
bool slua_can_wait(lua_State *L);

/* Calls the function at registry reference `ref` with what lies above it on the stack as
 * arguments: for bodies.  Usage in a body: push args with slua_push_ref first. */
static inline void slua_push_ref(lua_State *L, intptr_t ref)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, (lua_Integer)ref);
}
static inline void slua_unref(struct slua_host *host, intptr_t ref)
{
    luaL_unref(host->L, LUA_REGISTRYINDEX, (int)ref);
}

/* A continuation that returns nothing, for bodies that only call. */
static inline int slua_return_nothing(lua_State *L, int status, lua_KContext ctx)
{
    (void)L, (void)status, (void)ctx;
    return 0;
}

/* ---- values (build.c, walk.c) ---- */

/* A sink that pushes each value it is driven with on L's stack. One per use, on the C stack.
 * Does not raise while it is driven: at the memory limit it answers SIOC_ENOMEM. */
#define SLUA_MAX_DEPTH 64
struct slua_builder {
    struct sioc_sink sink;
    lua_State *L;
    struct slua_host *host;
    int depth;  /* 0: the next value goes on the stack */
    int pushed; /* values at depth 0 */
    /* Private: the open arrays and maps. */
    struct slua_builder_frame {
        int base;      /* stack index of the first staged value, or of the table */
        int staged;    /* values (or keys and values) above it that are not in the table yet */
        lua_Integer n; /* elements in the table */
        bool made;     /* the table exists, at base */
    } frames[SLUA_MAX_DEPTH];
};
void slua_builder_init(struct slua_builder *b, lua_State *L);

/* Drives the sink with the value at `index`.  On failure a message that names the key path is
 * pushed (e.g. `argument 2: field "a.b[3]": not valid UTF-8; use sioc.binary() for raw bytes`)
 * and SIOC_E* returned; on success the stack is as before.  Never raises but for lack of
 * memory. */
int slua_walk(lua_State *L, int index, struct sioc_sink *sink);

/* sioc.Buffer userdata: pushes one for `data` (takes its own reference). */
int slua_push_buffer(lua_State *L, struct sioc_buffer *data);
/* The buffer at index, borrowed, or NULL. */
struct sioc_buffer *slua_to_buffer(lua_State *L, int index);
/* sioc.null */
static inline void slua_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}
/* Sets the array tag on the table at the top. */
void slua_tag_array(lua_State *L);
/* Pushes the value of JSON text (null: nil); on failure nothing, SIOC_E*. */
int slua_push_json(lua_State *L, struct sioc_str json);

/* ---- errors and logs (report.c) ---- */

void slua_log(struct slua_host *host, enum sioc_log_level level, const char *format, ...)
    SIOC_PRINTF(3, 4);
/* A handler is called, or has thrown. */
void slua_count(struct slua_host *host, const struct slua_task_info *info, bool failed);
/* Logs an error of a task with traceback, and calls the owner's "error" handlers. */
void slua_report(struct slua_host *host, const struct slua_task_info *info,
                 const char *message_and_traceback);

/* ---- the module (module.c) ---- */

/* Fills the table `sioc` (require "sioc"); each part adds its names to the table on the top.
 * Called once per host, before the script, in a protected call. */
void slua_open_module(lua_State *L); /* makes it: package.loaded.sioc (module.c) */
void slua_open_values(lua_State *L); /* null array binary raw Buffer json */
void slua_open_timers(lua_State *L); /* sleep after every spawn now */
void slua_open_log(lua_State *L);    /* log, version, stop, state */
void slua_open_server(lua_State *L); /* server shared test_socket */
void slua_open_check(lua_State *L);  /* check */

/* ---- the other parts of the host, for host.c ---- */

void slua_host_stop(struct slua_host *host, int exit_code); /* sioc.stop, os.exit */
void slua_open_base(lua_State *L);    /* what differs from the standard library (base.c) */
void slua_open_require(lua_State *L); /* require and its searchers (require.c) */
void slua_open_luv(lua_State *L);     /* makes require "luv" work, if it is installed (luv.c) */
/* Loads the script (module NULL) or a module, from the file or from host->source, and keeps the
 * text (source.c).  Pushes a function or a message; the codes of luaL_loadfilex. */
int slua_load_file(lua_State *L, const char *path, const char *module);
/* Where the module lies that host->source has; NULL: it has none of that name. */
const char *slua_source_path(const struct slua_host *host, const char *module);
/* It was looked for in vain, and may come. */
void slua_note_file(struct slua_host *host, const char *path);
/* The i-th file that was loaded; NULL at the end. */
const char *slua_host_file(const struct slua_host *host, size_t index);
void slua_timers_free(struct slua_host *host);
void slua_timers_stop_repeating(struct slua_host *host);
void slua_timers_stop_checks(struct slua_host *host); /* that checks have started */
void slua_files_free(struct slua_file **list);
/* The same again, without what was only looked for; the caller's.  NULL: there is no script in
 * it, or no memory. */
struct slua_file *slua_files_copy(const struct slua_file *list);
const char *slua_files_at(const struct slua_file *list, size_t index);
/* Takes the loop of luv down; before lua_close.  Callbacks may still run. */
void slua_luv_close(struct slua_host *host);
void slua_luv_free(struct slua_host *host); /* after lua_close */
/* Brings the clock of luv's loop up to date, before a script may start a timer in it. */
void slua_luv_touch(struct slua_luv *luv);

/* A host for generation `number` of the app (NULL, 1: on its own).  source: what to load
 * instead of files, copied; NULL = the files. */
int slua_host_make(struct sioc_loop *loop, const struct slua_config *config,
                   struct slua_app *app, unsigned number, const struct slua_file *source,
                   struct slua_host **ret_host);
/* Begins to load aside; done(user, code, error) is called once, perhaps before this returns,
 * but not when the host is freed before. */
int slua_host_load_aside(struct slua_host *host,
                         void (*done)(void *user, int code, const char *error), void *user);
/* From now on L, which loads a script aside, takes turns with the rest of the program
 * (slice.c); and not any more (L may be NULL). */
void slua_slices_begin(lua_State *L);
void slua_slices_end(struct slua_host *host, lua_State *L);
/* slua_host_free in two parts: nothing of it is used any more but by finalizers; it is gone. */
void slua_host_shut(struct slua_host *host);
void slua_host_dispose(struct slua_host *host);
/* Hosts that go, in small steps (drain.c).  app: borrowed. */
struct slua_drain;
int slua_drain_new(struct sioc_loop *loop, const struct slua_app *app,
                   struct slua_drain **ret_drain);
void slua_drain_host(struct slua_drain *drain, struct slua_host *host); /* taken */
void slua_drain_end(struct slua_drain *drain);  /* frees all of them now */
void slua_drain_free(struct slua_drain *drain); /* accepts NULL */
/* Whether anything is left to finish: coroutines that wait, answers, one-shot timers. */
bool slua_host_busy(const struct slua_host *host);
/* Ends what still waits; it is told so once (nil, "retired").  Returns how many that were. */
unsigned slua_host_end_waiting(struct slua_host *host);
bool slua_luv_alive(const struct slua_luv *luv); /* anything is open in its loop */

/* generations (reload.c, carry.c) */
void slua_open_reload(lua_State *L); /* generation is_reload on_unload state */
/* Takes the servers of `old` over; on failure nothing has changed. */
int slua_swap(struct slua_host *host, struct slua_host *old, char *ret_error, size_t cap);
void slua_retire(struct slua_host *host);
/* sioc.state: the new script is loaded with a copy; when it takes over, what the old one has
 * done to its own meanwhile is done to the copy as well (merge.c), and the old table leads to
 * it from then on. */
void slua_state_copy(struct slua_host *from, struct slua_host *to);
void slua_state_update(struct slua_host *from, struct slua_host *to);
void slua_state_forward(struct slua_host *from);
/* Changes table `state` as `now` differs from `base`; makes `to` hold what `from` holds.
 * Indices of tables; may raise for lack of memory. */
void slua_merge(lua_State *L, int state, int base, int now);
void slua_assign(lua_State *L, int to, int from);
/* --watch (follow.c): the files of the host are watched, and (good = false) those of the one
 * that slua_follow_refused was told of, which it has given away. */
int slua_follow_open(struct slua_app *app, struct sioc_loop *loop,
                     const struct slua_config *config, struct slua_follow **ret_follow);
void slua_follow_set(struct slua_follow *follow, struct slua_host *host, bool good);
void slua_follow_refused(struct slua_follow *follow, struct slua_host *host);
void slua_follow_close(struct slua_follow *follow); /* accepts NULL */
void slua_app_set_rollback(struct slua_app *app, const struct sioc_script_rollback *rules);
/* Whom sioc.shared belongs to. */
struct sioc_shared *slua_app_shared(const struct slua_app *app);
/* The host of the app that serves now. */
struct slua_host *slua_app_host(const struct slua_app *app);
/* The server outlives all hosts; false: no memory, it goes with its host. */
bool slua_app_keep(struct slua_app *app, struct sioc_server *server);
struct slua_watchdog *slua_app_watchdog(const struct slua_app *app);

/* What the options say holds from now on: the host serves, or is the first. */
void slua_settings_apply(struct slua_host *host);

/* servers (server.c) */
int slua_servers_start(struct slua_host *host, char *ret_error, size_t cap);
void slua_servers_close(struct slua_host *host, void (*done)(void *user), void *user);
void slua_servers_free(struct slua_host *host);
/* Calls the server's "error" handlers (in a task of their own). */
void slua_server_error(struct slua_server *server, const char *message, uint64_t socket,
                       const char *event);

#endif
