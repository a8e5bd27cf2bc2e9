/* sioc/watch.h -- tells a host when one of the files that it has loaded was saved.
 *
 * For development: whoever loads scripts opens a watch, hands it the paths of every load, and
 * loads again when it is told to.  Paths that were looked for and not found belong in the list,
 * too: the file may come.  All ways of saving are one change: writing in place, in pieces,
 * renaming another file over it, swapping a symbolic link on the way to it.
 */
#ifndef SIOC_WATCH_H
#define SIOC_WATCH_H

#include <sioc/log.h>
#include <sioc/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_files_watch;

struct sioc_files_watch_options {
    /* Looks at the files every poll_ms instead of asking the system for events; for file
     * systems that have none: NFS, shares of virtual machines, some bind mounts. */
    bool poll;
    uint32_t poll_ms; /* 0: 500 */
    /* Called once for each change that has come to rest: no event for 50 ms, and then two looks
     * 50 ms apart that agree.  A file that has gone is a change, too.  May do anything, also
     * set the files or close the watch. */
    void (*changed)(void *user);
    sioc_log_fn log; /* NULL: nowhere; says (once) that polling has to do */
    void *user;      /* goes to changed */
    void *log_user;  /* goes to log */
};

/* Opens a watch over no files.  Open it before the first load: a file that is newer than the
 * watch when it is first set has changed while it was loaded.
 *   loop     borrowed, outlives the watch, which keeps it running
 *   options  borrowed for the call; what it points to, as long as the watch is open
 * 0, SIOC_EINVAL (nobody to tell), SIOC_ENOMEM */
SIOC_API int sioc_files_watch_open(struct sioc_loop *loop,
                                   const struct sioc_files_watch_options *options,
                                   struct sioc_files_watch **ret_watch);

/* Call it after each load, good or bad, with all that the load has read or looked for.  (After
 * a bad one, add what the code that still serves was loaded from.)  What has changed since it
 * was last told of, while the load ran for instance, is a change.  But when that is so in four
 * loads in a row, the files are taken as they are: a script that writes what it reads does not
 * load for ever.
 *   paths  borrowed; absolute, or relative to the working folder; twice the same is once
 * 0 or SIOC_ENOMEM (the old set stays) */
SIOC_API int sioc_files_watch_set(struct sioc_files_watch *watch, const char *const *paths,
                                  size_t count);

/* No call comes after it.  Accepts NULL. */
SIOC_API void sioc_files_watch_close(struct sioc_files_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
