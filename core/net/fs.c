/* net/fs.c -- hints that something has happened in a folder, from uv_fs_event.
 *
 * Knows no file: what a hint means is the owner's business.  Invariant: after close no callback
 * comes; the memory goes in the handle's close callback.
 */
#include "net/fs.h"
#include "base/mem.h"
#include "net/internal.h"

struct net_folder {
    uv_fs_event_t handle;
    void (*fn)(void *user, const char *name);
    void *user;
};

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct net_folder *folder = NET_OF(handle, struct net_folder, handle);
    (void)events;
    folder->fn(folder->user, status < 0 ? NULL : name);
}

static void free_folder(uv_handle_t *handle)
{
    mem_free(NET_OF(handle, struct net_folder, handle));
}

static int code_of(int uv_error)
{
    switch (uv_error) {
    case UV_ENOENT:
    case UV_ENOTDIR:
    case UV_ELOOP:
        return SIOC_ENOTFOUND;
    case UV_EACCES:
    case UV_EPERM:
        return SIOC_EACCES;
    case UV_ENOSPC: /* fs.inotify.max_user_watches */
    case UV_EMFILE: /* fs.inotify.max_user_instances, or descriptors */
    case UV_ENFILE:
        return SIOC_ELIMIT;
    case UV_ENOMEM:
        return SIOC_ENOMEM;
    default:
        return SIOC_EIO;
    }
}

int net_folder_open(struct net_loop *loop, const char *path,
                    void (*fn)(void *user, const char *name), void *user,
                    struct net_folder **ret_folder)
{
    struct net_folder *folder = mem_zalloc(sizeof *folder);
    if (!folder)
        return SIOC_ENOMEM;
    if (uv_fs_event_init(&loop->uv, &folder->handle)) {
        mem_free(folder);
        return SIOC_EIO;
    }
    folder->fn = fn;
    folder->user = user;
    int error = uv_fs_event_start(&folder->handle, on_event, path, 0);
    if (error) {
        net_folder_close(folder);
        return code_of(error);
    }
    *ret_folder = folder;
    return 0;
}

void net_folder_close(struct net_folder *folder)
{
    if (folder)
        uv_close((uv_handle_t *)&folder->handle, free_folder);
}
