/* script/watch_folders.h -- the folders whose events can mean that one of some paths has
 * changed.
 *
 * A path is walked as the kernel walks it.  Its last folder is watched, and so is every folder
 * on the way that holds a symbolic link (to see it swapped), or the first part that is missing
 * (to see it come).  Folders and not files: a watch on a file ends with the first rename over
 * it. Knows no stamp: it only says "look".  Invariant: after a refresh every folder that it
 * found is watched, and nothing that came to be during the refresh was overlooked.
 */
#ifndef SCRIPT_WATCH_FOLDERS_H
#define SCRIPT_WATCH_FOLDERS_H

#include "base/list.h"
#include <sioc/base.h>

struct net_loop;

struct script_folders {
    struct net_loop *loop;
    void (*hint)(void *user); /* one of the paths may have changed; from the loop */
    void *user;
    struct list all;
    bool changed; /* this pass has opened one: its past is unknown, walk again */
    int error;    /* of this refresh */
};

/* loop, user: borrowed */
void script_folders_init(struct script_folders *folders, struct net_loop *loop,
                         void (*hint)(void *user), void *user);
void script_folders_deinit(struct script_folders *folders); /* no hint comes after it */

/* Walks the paths again and watches what it meets; twice or more often, until nothing is new.
 *   each  calls back with each path: script_folders_walk(folders, path)
 * 0, or why not all can be watched: SIOC_ELIMIT, SIOC_ENOMEM, SIOC_EIO.  (A folder that may not
 * be read is left out without a word.) */
int script_folders_refresh(struct script_folders *folders,
                           void (*each)(void *user, struct script_folders *folders));
void script_folders_walk(struct script_folders *folders, const char *path);

#endif
