/* A watch as a host would use it: on each report it "loads" (reads app.lua) and sets its files
 * again. */
#ifndef HELPER_WATCH_H
#define HELPER_WATCH_H

#include "helper_tree.h"
#include "script/watch.h"

struct rig {
    struct sioc_loop *loop;
    struct sioc_files_watch *watch;
    bool poll;
    const char *const *paths;
    size_t path_count;
    unsigned reports;
    unsigned lines;                   /* of the log */
    char loaded[4096];                /* app.lua as of the last report */
    void (*while_loading)(void);      /* between reading and setting; may be NULL */
    void (*instead)(struct rig *rig); /* of loading; may be NULL */
};
extern struct rig rig;

#define WATCH(...)                                           \
    do {                                                     \
        static const char *const paths_[] = {__VA_ARGS__};   \
        rig_watch(paths_, sizeof paths_ / sizeof paths_[0]); \
    } while (0)

/* Opens the watch: what was made before is old. */
void rig_open(void);
/* Opens it if need be, sets the files and waits until the watch is at rest. */
void rig_watch(const char *const *paths, size_t count);
/* Another report comes, and no more than one. */
void rig_one_report(void);
/* No report comes. */
void rig_no_report(void);
/* Reports come until app.lua was loaded with this content. */
void rig_await_content(const char *content);

/* **state: a bool, whether to poll. */
int rig_setup(void **state);
int rig_teardown(void **state);

#define EVENT_TEST(name)                              \
    {                                                 \
#name, name, rig_setup, rig_teardown, &(bool) \
        {                                             \
            false                                     \
        }                                             \
    }
#define POLL_TEST(name)                                            \
    {                                                              \
#name " (polling)", name, rig_setup, rig_teardown, &(bool) \
        {                                                          \
            true                                                   \
        }                                                          \
    }
#define BOTH_TESTS(name) EVENT_TEST(name), POLL_TEST(name)

#endif
