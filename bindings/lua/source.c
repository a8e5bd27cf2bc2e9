/* bindings/lua/source.c -- what a generation is made of: its files, and what was in them.
 *
 * The script and its modules are read once, and the text is kept with the path: a watcher wants
 * to know the paths (also those where a module was looked for in vain), and going back to an
 * earlier generation wants the texts as they were.  Generations share a text that has not
 * changed. Invariant: a file with a text was loaded; the newest comes first.
 */
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct text {
    unsigned refs;
    size_t len;
    char bytes[];
};

struct slua_file {
    struct slua_file *next;
    struct text *text;  /* NULL: it was only looked for */
    const char *module; /* by what name it was required; NULL: it is the script */
    char path[];        /* and the module's name behind it */
};

/* ---- lists ---- */

static void text_unref(struct text *text)
{
    if (text && --text->refs == 0)
        free(text);
}

/* Without memory it is neither watched nor kept. */
static struct slua_file *add(struct slua_file **list, const char *path, const char *module)
{
    size_t size = strlen(path) + 1, more = module ? strlen(module) + 1 : 0;
    struct slua_file *file = malloc(sizeof *file + size + more);

    if (!file)
        return NULL;
    file->text = NULL;
    file->module = module ? file->path + size : NULL;
    memcpy(file->path, path, size);
    if (module)
        memcpy(file->path + size, module, more);
    file->next = *list;
    *list = file;
    return file;
}

void slua_note_file(struct slua_host *host, const char *path)
{
    add(&host->files, path, NULL);
}

const char *slua_files_at(const struct slua_file *file, size_t index)
{
    while (file && index-- > 0)
        file = file->next;
    return file ? file->path : NULL;
}

const char *slua_host_file(const struct slua_host *host, size_t index)
{
    return slua_files_at(host->files, index);
}

void slua_files_free(struct slua_file **list)
{
    while (*list) {
        struct slua_file *file = *list;

        *list = file->next;
        text_unref(file->text);
        free(file);
    }
}

struct slua_file *slua_files_copy(const struct slua_file *list)
{
    struct slua_file *copy = NULL, **end = &copy;
    bool script = false;

    for (; list; list = list->next) {
        struct slua_file *file;

        if (!list->text)
            continue;
        file = add(end, list->path, list->module);
        if (!file) {
            slua_files_free(&copy);
            return NULL;
        }
        file->text = list->text;
        file->text->refs++;
        script = script || !file->module;
        end = &file->next;
    }
    if (!script)
        slua_files_free(&copy);
    return copy;
}

static bool same_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static struct slua_file *find(struct slua_file *list, const char *module)
{
    while (list && (!list->text || !same_name(list->module, module)))
        list = list->next;
    return list;
}

const char *slua_source_path(const struct slua_host *host, const char *module)
{
    const struct slua_file *file = find(host->source, module);

    return file ? file->path : NULL;
}

/* ---- reading ---- */

/* Opening a pipe, or reading a device, might never end. */
static bool may_block(const char *path)
{
    struct stat is;

    return stat(path, &is) == 0 && !S_ISREG(is.st_mode) && !S_ISDIR(is.st_mode);
}

static int complain(lua_State *L, const char *what, const char *path)
{
    lua_pushfstring(L, "cannot %s %s: %s", what, path, strerror(errno));
    return LUA_ERRFILE;
}

/* All that `file` has, NULL when that is too much or cannot be read; errno 0: no memory. */
static struct text *read_all(FILE *file, size_t limit)
{
    struct text *text = NULL;
    size_t cap = 0, len = 0, n;

    do {
        if (len == cap) {
            size_t grown = cap ? cap * 2 : 8192;
            struct text *more = grown > limit ? NULL : realloc(text, sizeof *text + grown);

            if (!more) {
                free(text);
                errno = 0;
                return NULL;
            }
            text = more;
            cap = grown;
        }
        n = fread(text->bytes + len, 1, cap - len, file);
        len += n;
    } while (n > 0);
    if (ferror(file)) {
        free(text);
        return NULL;
    }
    text->refs = 1;
    text->len = len;
    return text;
}

static int read_file(lua_State *L, const char *path, struct text **ret_text)
{
    const struct slua_host *host = slua_host_of(L);
    FILE *file;
    int status = LUA_OK;

    if (host->number > 1 && may_block(path)) { /* others are being served */
        lua_pushfstring(L, "cannot read %s: it is not a file", path);
        return LUA_ERRFILE;
    }
    file = fopen(path, "r");
    if (!file)
        return complain(L, "open", path);
    *ret_text = read_all(file, host->config->memory_limit_bytes);
    if (!*ret_text && errno == 0) {
        lua_pushliteral(L, "not enough memory");
        status = LUA_ERRMEM;
    } else if (!*ret_text) {
        status = complain(L, "read", path);
    }
    fclose(file);
    return status;
}

/* The one that the serving generation has, if it is the same. */
static struct text *share(const struct slua_host *host, const char *path, const char *module,
                          struct text *text)
{
    const struct slua_host *serving = host->app ? slua_app_host(host->app) : NULL;
    const struct slua_file *file =
        serving && serving != host ? find(serving->files, module) : NULL;

    if (!file || strcmp(file->path, path) != 0 || file->text->len != text->len ||
        memcmp(file->text->bytes, text->bytes, text->len) != 0)
        return text;
    text_unref(text);
    file->text->refs++;
    return file->text;
}

/* Where Lua begins: behind a byte order mark, and at the end of a first line that begins with a
 * '#', so that lines keep their numbers. */
static size_t beginning(const struct text *text)
{
    size_t at = text->len >= 3 && memcmp(text->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    if (at < text->len && text->bytes[at] == '#')
        while (at < text->len && text->bytes[at] != '\n')
            at++;
    return at;
}

static int load_text(lua_State *L, const struct text *text, const char *path)
{
    size_t at = beginning(text);
    int status;

    lua_pushfstring(L, "@%s", path);
    status = luaL_loadbufferx(L, text->bytes + at, text->len - at, lua_tostring(L, -1), "t");
    lua_remove(L, -2);
    return status;
}

int slua_load_file(lua_State *L, const char *path, const char *module)
{
    struct slua_host *host = slua_host_of(L);
    const struct slua_file *kept = find(host->source, module);
    struct slua_file *file = add(&host->files, path, module);
    struct text *text;
    int status;

    if (kept && strcmp(kept->path, path) == 0) {
        text = kept->text;
        text->refs++;
    } else {
        status = read_file(L, path, &text);
        if (status != LUA_OK)
            return status;
        text = share(host, path, module, text);
    }
    if (file)
        file->text = text;
    status = load_text(L, text, path);
    if (!file)
        text_unref(text);
    return status;
}
