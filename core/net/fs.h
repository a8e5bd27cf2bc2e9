/* net/fs.h -- hints that something has happened in a folder of the file system.
 *
 * Hints, no more: a name may be missing, events may be lost when too many come, and some file
 * systems have none.  Whoever gets one looks for himself.  Not recursive.
 */
#ifndef NET_FS_H
#define NET_FS_H

#include <sioc/base.h>

struct net_loop;
struct net_folder;

/* fn(user, name) whenever an entry of the folder at `path` comes, goes or changes.
 *   path  borrowed for the call; symbolic links are followed now, once
 *   name  borrowed for the call; the entry; the last part of `path` when it is the folder
 *         itself that is renamed or removed (nothing comes after that); NULL when unknown
 * 0, SIOC_ENOTFOUND, SIOC_EACCES, SIOC_ELIMIT (the system's limit of watched things),
 * SIOC_ENOMEM or SIOC_EIO (it cannot be watched) */
int net_folder_open(struct net_loop *loop, const char *path,
                    void (*fn)(void *user, const char *name), void *user,
                    struct net_folder **ret_folder);
void net_folder_close(struct net_folder *folder); /* accepts NULL */

#endif
