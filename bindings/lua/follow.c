/* bindings/lua/follow.c -- --watch: a reload whenever a file of the script was saved.
 *
 * Watched is what the generation that serves was loaded from, and after a reload that was
 * refused also what that one has read or looked for: there the mistake is mended.  How files
 * are watched is <sioc/watch.h>'s business.
 */
#include "host.h"
#include <stdlib.h>

#define MAX_FILES 4096

struct slua_follow {
    struct slua_app *app;
    struct sioc_files_watch *watch;
    struct slua_file *refused; /* of the last one that was refused; owned */
};

static void on_change(void *user)
{
    const struct slua_follow *f = user;

    slua_app_reload(f->app);
}

int slua_follow_open(struct slua_app *app, struct sioc_loop *loop,
                     const struct slua_config *config, struct slua_follow **ret_follow)
{
    struct slua_follow *f = calloc(1, sizeof *f);
    struct sioc_files_watch_options options = {.poll = config->watch_poll,
                                               .changed = on_change,
                                               .log = config->log,
                                               .user = f,
                                               .log_user = config->log_user};
    int r;

    if (!f)
        return SIOC_ENOMEM;
    f->app = app;
    r = sioc_files_watch_open(loop, &options, &f->watch);
    if (r < 0) {
        free(f);
        return r;
    }
    *ret_follow = f;
    return 0;
}

void slua_follow_refused(struct slua_follow *f, struct slua_host *host)
{
    slua_files_free(&f->refused);
    f->refused = host->files;
    host->files = NULL;
}

void slua_follow_set(struct slua_follow *f, struct slua_host *host, bool good)
{
    const struct slua_file *const lists[] = {host->files, good ? NULL : f->refused};
    const char *paths[MAX_FILES], *path;
    size_t count = 0;

    for (int l = 0; l < 2; l++)
        for (size_t i = 0; count < MAX_FILES && (path = slua_files_at(lists[l], i)); i++)
            paths[count++] = path;
    if (sioc_files_watch_set(f->watch, paths, count) < 0)
        slua_log(host, SIOC_LOG_ERROR, "no memory to watch the files of the script");
}

void slua_follow_close(struct slua_follow *f)
{
    if (!f)
        return;
    sioc_files_watch_close(f->watch);
    slua_files_free(&f->refused);
    free(f);
}
