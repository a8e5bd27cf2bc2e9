/* script/watch_files.h -- a set of paths, and how each file looked when it was last told of.
 *
 * Knows no event and no time: somebody says when to look.  Invariant: `known` changes only when
 * a change is told, so nothing that happens between telling and the next look is lost.
 */
#ifndef SCRIPT_WATCH_FILES_H
#define SCRIPT_WATCH_FILES_H

#include "base/map.h"

/* What stat says that tells one saved state from another; all zero: there is no file.  (The
 * mode is part of it since a file that becomes readable is news.) */
struct script_stamp {
    uint64_t dev, ino;
    int64_t size_bytes, mtime_ns; /* of regular files only */
    uint32_t mode;
};

struct script_file {
    struct script_stamp known; /* as it was told */
    struct script_stamp seen;  /* at the last look */
    char path[];
};

struct script_files {
    struct map map;   /* path -> struct script_file */
    int64_t since_ns; /* wall clock: what is set first but has changed later is a change */
    unsigned stale_sets;
};

enum script_look {
    SCRIPT_SAME,      /* all as it was told */
    SCRIPT_UNSETTLED, /* something differs, and has moved since the last look */
    SCRIPT_CHANGED,   /* something differs, and rests; it counts as told now */
};

void script_files_init(struct script_files *files); /* empty, `since` now */
void script_files_deinit(struct script_files *files);
/* Tracks these paths and no others; those that were tracked before keep what was told, so the
 * next look finds what has changed meanwhile.  But when that is so more than SCRIPT_STALE_SETS
 * times in a row, all count as told.
 * 0 or SIOC_ENOMEM, with everything as it was. */
#define SCRIPT_STALE_SETS 3
int script_files_set(struct script_files *files, const char *const *paths, size_t count);
enum script_look script_files_look(struct script_files *files);

#endif
