/* script/watch.c -- <sioc/watch.h>: hints and one timer decide when to look, the stamps decide
 * what is a change.
 *
 * Events are hints.  Each one that may concern us puts the next look off to 50 ms after it; a
 * look that finds a difference is repeated 50 ms later, until two agree.  Since events can get
 * lost (a full queue, a renamed grandparent, a folder that may not be read), it looks every 5 s
 * anyway.  Polling is the same without hints and with a shorter pause.  It is done here and not
 * with uv_fs_poll since that takes its first stamp at some later time, in another thread: what
 * is saved before then is never seen.  Knows no script and no language.  Invariant: the timer
 * runs whenever there is a file.
 */
#include "script/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/timer.h"
#include "script/watch_files.h"
#include "script/watch_folders.h"
#include "socketio/loop.h"

enum {
    SETTLE_MS = 50,
    LOST_EVENT_MS = 5000,
    POLL_MS = 500,
    COST_MAX = 20, /* looking takes at most one part in so many of the loop's time */
};

struct sioc_files_watch {
    struct net_loop *loop;
    struct net_timer timer;
    struct script_files files;
    struct script_folders folders;
    struct log log;
    void (*changed)(void *user);
    void *user;
    uint32_t poll_ms;
    uint32_t lost_event_ms;
    uint64_t looks;
    bool polls;
};

/* ---- looking ---- */

static void on_hint(void *user)
{
    struct sioc_files_watch *watch = user;
    net_timer_start(watch->loop, &watch->timer, SETTLE_MS);
}

static void walk_all(void *user, struct script_folders *folders)
{
    struct sioc_files_watch *watch = user;
    size_t pos = 0;
    const struct script_file *file;
    while ((file = map_next(&watch->files.map, &pos)) != NULL)
        script_folders_walk(folders, file->path);
}

static void refresh_folders(struct sioc_files_watch *watch)
{
    if (watch->polls)
        return;
    int error = script_folders_refresh(&watch->folders, walk_all);
    if (error == 0)
        return;
    watch->polls = true;
    script_folders_deinit(&watch->folders);
    log_write(&watch->log, SIOC_LOG_WARN,
              "no file events (%s%s); looking at the files every %u ms instead",
              sioc_strerror(error),
              error == SIOC_ELIMIT ? ": see fs.inotify in sysctl, and ulimit -n" : "",
              (unsigned)watch->poll_ms);
}

/* A slow file system makes it look less often rather than take the loop's time. */
static void rest(struct sioc_files_watch *watch, uint64_t cost_ms)
{
    uint64_t pause_ms = watch->polls ? watch->poll_ms : watch->lost_event_ms;
    if (pause_ms < cost_ms * COST_MAX)
        pause_ms = cost_ms * COST_MAX;
    net_timer_start(watch->loop, &watch->timer, pause_ms);
}

static void on_timer(struct net_timer *timer)
{
    struct sioc_files_watch *watch = LIST_ENTRY(timer, struct sioc_files_watch, timer);
    uint64_t start_ms = clock_mono_ms();
    refresh_folders(watch); /* first: whatever comes after the look must give a hint */
    enum script_look look = script_files_look(&watch->files);
    watch->looks++;
    if (look == SCRIPT_UNSETTLED)
        net_timer_start(watch->loop, &watch->timer, SETTLE_MS);
    else
        rest(watch, clock_mono_ms() - start_ms);
    if (look == SCRIPT_CHANGED)
        watch->changed(watch->user); /* may close the watch */
}

/* ---- the API ---- */

int sioc_files_watch_open(struct sioc_loop *loop,
                          const struct sioc_files_watch_options *options,
                          struct sioc_files_watch **ret_watch)
{
    if (!options->changed)
        return SIOC_EINVAL;
    struct sioc_files_watch *watch = mem_zalloc(sizeof *watch);
    if (!watch)
        return SIOC_ENOMEM;
    watch->loop = sio_net_loop(loop);
    watch->log = (struct log){SIOC_LOG_INFO, options->log, options->log_user, NULL};
    watch->changed = options->changed;
    watch->user = options->user;
    watch->poll_ms = options->poll_ms > 0 ? options->poll_ms : POLL_MS;
    watch->lost_event_ms = LOST_EVENT_MS;
    watch->polls = options->poll;
    net_timer_init(&watch->timer, on_timer);
    script_files_init(&watch->files);
    script_folders_init(&watch->folders, watch->loop, on_hint, watch);
    *ret_watch = watch;
    return 0;
}

int sioc_files_watch_set(struct sioc_files_watch *watch, const char *const *paths, size_t count)
{
    int error = script_files_set(&watch->files, paths, count);
    if (error < 0)
        return error;
    refresh_folders(watch);
    /* What was saved during the load, or before the folders were watched, has given no hint. */
    if (count > 0)
        net_timer_start(watch->loop, &watch->timer, SETTLE_MS);
    else
        net_timer_stop(&watch->timer);
    return 0;
}

void sioc_files_watch_close(struct sioc_files_watch *watch)
{
    if (!watch)
        return;
    net_timer_stop(&watch->timer);
    script_folders_deinit(&watch->folders);
    script_files_deinit(&watch->files);
    mem_free(watch);
}

uint64_t script_watch_looks(const struct sioc_files_watch *watch)
{
    return watch->looks;
}

bool script_watch_polls(const struct sioc_files_watch *watch)
{
    return watch->polls;
}

void script_watch_set_lost_event_ms(struct sioc_files_watch *watch, uint32_t pause_ms)
{
    watch->lost_event_ms = pause_ms;
}
