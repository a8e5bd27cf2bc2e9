/* script/watch_folders.c -- from paths to watched folders.
 *
 * Knows no stamp and no time.  Invariants: a folder is in the list once per way to write its
 * path; it is watched by its inode, so it is opened anew when another folder has taken its
 * path.
 */
#include "script/watch_folders.h"
#include "base/buf.h"
#include "base/mem.h"
#include "net/fs.h"
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one folder ---- */

struct folder {
    struct list node;
    struct script_folders *owner;
    struct net_folder *watch; /* NULL: it may not be read */
    uint64_t dev, ino;
    bool wanted;      /* met in this pass */
    bool stale;       /* it was renamed or removed itself: another may come with its inode */
    struct buf names; /* entries that matter, each with a NUL behind it */
    char path[];
};

/* File systems that ignore case may tell another one than we asked for. */
static bool has_name(const struct folder *folder, const char *name)
{
    const struct buf *names = &folder->names;
    for (size_t at = 0; at < names->len;) {
        const char *mine = (const char *)names->bytes + at;
        if (strcasecmp(mine, name) == 0)
            return true;
        at += strlen(mine) + 1;
    }
    return false;
}

static bool is_itself(const struct folder *folder, const char *name)
{
    const char *slash = strrchr(folder->path, '/');
    return strcmp(slash ? slash + 1 : folder->path, name) == 0;
}

/* What editors drop next to a file (4913, .x.swp, x~, .#x), logs and all else has no name here,
 * so it neither costs a look nor puts one off. */
static void on_event(void *user, const char *name)
{
    struct folder *folder = user;
    if (!name || is_itself(folder, name))
        folder->stale = true;
    else if (folder->names.error == 0 && !has_name(folder, name))
        return;
    folder->owner->hint(folder->owner->user);
}

static void free_folder(struct folder *folder)
{
    list_remove(&folder->node);
    net_folder_close(folder->watch);
    buf_deinit(&folder->names);
    mem_free(folder);
}

/* What it is now is noted before it is opened: if another one takes its place in between, the
 * next refresh sees that. */
static void open_folder(struct script_folders *folders, struct folder *folder,
                        const struct stat *st)
{
    net_folder_close(folder->watch);
    folder->watch = NULL;
    folder->stale = false;
    folder->dev = (uint64_t)st->st_dev;
    folder->ino = (uint64_t)st->st_ino;
    folders->changed = true;
    int error = net_folder_open(folders->loop, folder->path, on_event, folder, &folder->watch);
    if (error == SIOC_ENOTFOUND)
        folder->stale = true; /* it has just gone; the next walk will see */
    else if (error < 0 && error != SIOC_EACCES)
        folders->error = error;
}

static struct folder *find(const struct script_folders *folders, const char *path)
{
    for (struct list *node = folders->all.next; node != &folders->all; node = node->next) {
        struct folder *folder = LIST_ENTRY(node, struct folder, node);
        if (strcmp(folder->path, path) == 0)
            return folder;
    }
    return NULL;
}

static struct folder *find_or_add(struct script_folders *folders, const char *path)
{
    struct folder *folder = find(folders, path);
    if (folder)
        return folder;
    size_t size = strlen(path) + 1;
    folder = mem_zalloc(sizeof *folder + size);
    if (!folder)
        return NULL;
    memcpy(folder->path, path, size);
    folder->owner = folders;
    folder->stale = true;
    buf_init(&folder->names);
    list_append(&folders->all, &folder->node);
    return folder;
}

/* Met for the first time in this pass: is it still the one that is watched? */
static void meet(struct script_folders *folders, struct folder *folder)
{
    struct stat st;
    folder->wanted = true;
    buf_reset(&folder->names);
    if (stat(folder->path, &st) != 0)
        folders->changed = folder->stale = true; /* it was there a moment ago */
    else if (folder->stale || folder->dev != (uint64_t)st.st_dev ||
             folder->ino != (uint64_t)st.st_ino)
        open_folder(folders, folder, &st);
}

/* The entry `name` of the folder `path` matters. */
static void want(struct script_folders *folders, const char *path, const char *name)
{
    struct folder *folder = find_or_add(folders, path);
    if (!folder) {
        folders->error = SIOC_ENOMEM;
        return;
    }
    if (!folder->wanted)
        meet(folders, folder);
    if (!has_name(folder, name))
        buf_put(&folder->names, name, strlen(name) + 1);
}

/* ---- the way along a path ---- */

#define LINKS_MAX 40 /* as in Linux */

struct walk {
    char at[PATH_MAX];   /* a folder, free of links */
    char rest[PATH_MAX]; /* what is still to go from there */
    int links;
};

static bool put(char out[PATH_MAX], const char *a, const char *b, const char *c)
{
    int len = snprintf(out, PATH_MAX, "%s%s%s", a, b, c);
    return len >= 0 && len < PATH_MAX;
}

/* Cuts the next part off the rest; false at the end. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
    for (;;) {
        const char *from = walk->rest + strspn(walk->rest, "/");
        size_t len = strcspn(from, "/");
        if (len == 0 || len > NAME_MAX)
            return false;
        memcpy(name, from, len);
        name[len] = '\0';
        memmove(walk->rest, from + len, strlen(from + len) + 1);
        if (strcmp(name, ".") != 0)
            return true;
    }
}

/* Goes on where the link points to. */
static bool follow(struct walk *walk, const char *link)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t len = readlink(link, target, sizeof target - 1);
    if (len <= 0 || ++walk->links > LINKS_MAX)
        return false;
    target[len] = '\0';
    if (target[0] == '/')
        put(walk->at, "/", "", "");
    put(rest, walk->rest, "", "");
    return put(walk->rest, target, "/", rest);
}

/* One part further; false when the way ends here. */
static bool step(struct script_folders *folders, struct walk *walk)
{
    char name[NAME_MAX + 1], path[PATH_MAX];
    struct stat st;
    if (!next_name(walk, name) ||
        !put(path, walk->at, strcmp(walk->at, "/") == 0 ? "" : "/", name))
        return false;
    bool there = lstat(path, &st) == 0, more = walk->rest[strspn(walk->rest, "/")] != '\0';
    if (there && S_ISDIR(st.st_mode) && more)
        return put(walk->at, path, "", "");
    want(folders, walk->at, name);
    return there && S_ISLNK(st.st_mode) && follow(walk, path);
}

void script_folders_walk(struct script_folders *folders, const char *path)
{
    struct walk walk = {.links = 0};
    if (!put(walk.at, path[0] == '/' ? "/" : ".", "", "") || !put(walk.rest, path, "", ""))
        return; /* too long to be opened, either */
    while (step(folders, &walk))
        ;
}

/* ---- all of them ---- */

void script_folders_init(struct script_folders *folders, struct net_loop *loop,
                         void (*hint)(void *user), void *user)
{
    *folders = (struct script_folders){.loop = loop, .hint = hint, .user = user};
    list_init(&folders->all);
}

static void sweep(struct script_folders *folders)
{
    struct list *next;
    for (struct list *node = folders->all.next; node != &folders->all; node = next) {
        struct folder *folder = LIST_ENTRY(node, struct folder, node);
        next = node->next;
        if (!folder->wanted)
            free_folder(folder);
        else
            folder->wanted = false;
    }
}

void script_folders_deinit(struct script_folders *folders)
{
    while (!list_empty(&folders->all))
        free_folder(LIST_ENTRY(folders->all.next, struct folder, node));
}

/* What came to be between the walk and the opening of a watch has given no event; so the walk
 * is repeated until it opens nothing.  Not for ever: somebody may be swapping folders in a
 * loop. */
int script_folders_refresh(struct script_folders *folders,
                           void (*each)(void *user, struct script_folders *folders))
{
    folders->error = 0;
    for (int pass = 0; pass < 8; pass++) {
        folders->changed = false;
        each(folders->user, folders);
        sweep(folders);
        if (!folders->changed || folders->error < 0)
            break;
    }
    return folders->error;
}
