/* script/watch_files.c -- stat, compare, remember.
 *
 * Knows no event and no time.  Invariant: an allocation that fails leaves the old set.
 */
#include "script/watch_files.h"
#include "base/mem.h"
#include <sys/stat.h>
#include <time.h>

/* ---- stamps ---- */

static int64_t ns_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* The clock that the kernel stamps files with, where there is one: it is behind the exact one
 * by some milliseconds, and the two must not be compared. */
static int64_t file_clock_ns(void)
{
    struct timespec now = {0};
#ifdef CLOCK_REALTIME_COARSE
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
#else
    clock_gettime(CLOCK_REALTIME, &now);
#endif
    return ns_of(&now);
}

/* ret_touched_ns  when anything of it has changed, its name included; 0 unless it is a file */
static struct script_stamp stamp_of(const char *path, int64_t *ret_touched_ns)
{
    struct stat st;
    *ret_touched_ns = 0;
    if (stat(path, &st) != 0)
        return (struct script_stamp){0};
    struct script_stamp stamp = {
        .dev = (uint64_t)st.st_dev,
        .ino = (uint64_t)st.st_ino,
        .mode = (uint32_t)st.st_mode, /* never 0: it holds the type */
    };
    if (S_ISREG(st.st_mode)) { /* what goes on in a folder that took its place is no news */
        stamp.size_bytes = (int64_t)st.st_size;
        stamp.mtime_ns = ns_of(&st.st_mtim);
        *ret_touched_ns = ns_of(&st.st_ctim);
    }
    return stamp;
}

static bool same(const struct script_stamp *a, const struct script_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size_bytes == b->size_bytes &&
           a->mtime_ns == b->mtime_ns && a->mode == b->mode;
}

/* ---- the set ---- */

void script_files_init(struct script_files *files)
{
    map_init(&files->map);
    files->since_ns = file_clock_ns();
    files->stale_sets = 0;
}

static void free_all(struct map *map)
{
    size_t pos = 0;
    struct script_file *file;
    while ((file = map_next(map, &pos)) != NULL)
        mem_free(file);
    map_deinit(map);
}

void script_files_deinit(struct script_files *files)
{
    free_all(&files->map);
}

/* Counts all as told, as they were seen. */
static void tell(struct script_files *files)
{
    size_t pos = 0;
    struct script_file *file;
    while ((file = map_next(&files->map, &pos)) != NULL)
        file->known = file->seen;
    files->since_ns = file_clock_ns();
}

static struct script_file *new_file(const struct script_files *files, const char *path)
{
    size_t size = strlen(path) + 1;
    struct script_file *file = mem_zalloc(sizeof *file + size);
    if (!file)
        return NULL;
    memcpy(file->path, path, size);
    int64_t touched_ns;
    file->seen = stamp_of(path, &touched_ns);
    const struct script_file *old = map_get(&files->map, sioc_str(path));
    if (old)
        file->known = old->known;
    else if (touched_ns <= files->since_ns)
        file->known = file->seen; /* else: as if it had not been there before */
    return file;
}

static int add(struct map *map, const struct script_files *files, const char *path)
{
    if (map_get(map, sioc_str(path)))
        return 0;
    struct script_file *file = new_file(files, path);
    if (!file)
        return SIOC_ENOMEM;
    int error = map_add(map, sioc_str(file->path), file);
    if (error < 0)
        mem_free(file);
    return error;
}

static bool any_differs(const struct map *map)
{
    size_t pos = 0;
    const struct script_file *file;
    while ((file = map_next(map, &pos)) != NULL) {
        if (!same(&file->seen, &file->known))
            return true;
    }
    return false;
}

int script_files_set(struct script_files *files, const char *const *paths, size_t count)
{
    struct map map;
    map_init(&map);
    for (size_t i = 0; i < count; i++) {
        if (add(&map, files, paths[i]) < 0) {
            free_all(&map);
            return SIOC_ENOMEM;
        }
    }
    free_all(&files->map);
    files->map = map;
    files->stale_sets = any_differs(&map) ? files->stale_sets + 1 : 0;
    if (files->stale_sets > SCRIPT_STALE_SETS) {
        tell(files);
        files->stale_sets = 0;
    }
    return 0;
}

enum script_look script_files_look(struct script_files *files)
{
    bool differ = false, moved = false;
    size_t pos = 0;
    struct script_file *file;
    while ((file = map_next(&files->map, &pos)) != NULL) {
        int64_t touched_ns;
        struct script_stamp now = stamp_of(file->path, &touched_ns);
        moved |= !same(&now, &file->seen);
        differ |= !same(&now, &file->known);
        file->seen = now;
    }
    if (!differ)
        return SCRIPT_SAME;
    if (moved)
        return SCRIPT_UNSETTLED;
    tell(files);
    return SCRIPT_CHANGED;
}
