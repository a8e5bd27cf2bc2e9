/* http/client_files.c -- the browser client, from memory.
 *
 * A fixed table of eight names; nothing of a request's path ever reaches the file system.  Each
 * name has up to three bodies (plain, gzip, brotli), read at its first request and shared by
 * all answers as counted chunks.
 *
 * Invariant: when `loaded` is set, bodies[PLAIN] is there and the others never change again.
 */
#include "http/client_files.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/accept.h"
#include "net/chunk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16u << 20)
#define VERSION_MAX    32
#define PATH_BYTES     4096

enum { PLAIN, GZIP, BROTLI, VARIANTS };
static const char *const suffixes[VARIANTS] = {"", ".gz", ".br"};

static const char *const names[] = {
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
};
#define NAMES (sizeof names / sizeof names[0])

struct client_file {
    bool loaded;
    struct net_chunk *bodies[VARIANTS]; /* NULL: not there */
};

struct http_client_files {
    struct client_file files[NAMES];
    char etag[VERSION_MAX + 2]; /* quoted; "" when no version is known */
    char dir[];
};

/* ---- loading ---- */

static bool read_all(int fd, uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t n = read(fd, bytes + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* A whole file as bytes (taken by the caller, mem_free), or NULL. */
static uint8_t *read_file(const char *dir, const char *name, const char *suffix,
                          size_t *ret_len)
{
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    if (len < 0 || (size_t)len >= sizeof path)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    struct stat st;
    uint8_t *bytes = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_BYTES)
        bytes = mem_alloc((size_t)st.st_size + 1);
    if (bytes && !read_all(fd, bytes, (size_t)st.st_size)) {
        mem_free(bytes);
        bytes = NULL;
    }
    if (bytes)
        *ret_len = (size_t)st.st_size;
    close(fd);
    return bytes;
}

static struct net_chunk *load_body(const char *dir, const char *name, const char *suffix)
{
    size_t len;
    uint8_t *bytes = read_file(dir, name, suffix, &len);
    struct net_chunk *body = bytes ? net_chunk_new(sioc_str_n(bytes, len)) : NULL;
    mem_free(bytes);
    return body;
}

static struct client_file *load(struct http_client_files *files, size_t index)
{
    struct client_file *file = &files->files[index];
    if (!file->bodies[PLAIN]) /* not there yet: it may be installed later */
        file->bodies[PLAIN] = load_body(files->dir, names[index], suffixes[PLAIN]);
    if (!file->bodies[PLAIN] || file->loaded)
        return file;
    for (int v = PLAIN + 1; v < VARIANTS; v++)
        file->bodies[v] = load_body(files->dir, names[index], suffixes[v]);
    file->loaded = true;
    return file;
}

/* The first line of version.txt in quotes, if it looks like a version. */
static void load_version(struct http_client_files *files)
{
    size_t len;
    uint8_t *bytes = read_file(files->dir, "version.txt", "", &len);
    if (!bytes)
        return;
    struct sioc_str rest = sioc_str_n(bytes, len), line;
    size_t end = 0;
    if (str_next(&rest, '\n', &line))
        while (end < line.len && line.ptr[end] > ' ' && line.ptr[end] < 0x7f &&
               line.ptr[end] != '"')
            end++;
    if (end > 0 && end < VERSION_MAX)
        snprintf(files->etag, sizeof files->etag, "\"%.*s\"", (int)end, line.ptr);
    mem_free(bytes);
}

int http_client_files_new(const char *dir, struct http_client_files **ret_files)
{
    size_t len = strlen(dir);
    struct http_client_files *files = mem_zalloc(sizeof *files + len + 1);
    if (!files)
        return SIOC_ENOMEM;
    memcpy(files->dir, dir, len);
    load_version(files);
    *ret_files = files;
    return 0;
}

void http_client_files_free(struct http_client_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < NAMES; i++)
        for (int v = 0; v < VARIANTS; v++)
            net_chunk_unref(files->files[i].bodies[v]);
    mem_free(files);
}

/* ---- answering ---- */

/* Exactly the tag, weak or not; lists and "*" get the file (protocol.md 9). */
static bool has_it(const struct http_client_files *files, const struct http_head *head)
{
    struct sioc_str tag = http_header_get(head, STR("If-None-Match"));
    if (!tag.ptr || !files->etag[0])
        return false;
    if (str_starts(tag, STR("W/")))
        tag = str_from(tag, 2);
    return str_eq(tag, sioc_str(files->etag));
}

static int choose_variant(const struct client_file *file, const struct http_head *head)
{
    static const struct sioc_str codings[VARIANTS] = {
        [GZIP] = {"gzip", 4}, [BROTLI] = {"br", 2}};
    struct sioc_str offers[VARIANTS];
    int variant_of[VARIANTS];
    size_t count = 0;
    for (int v = BROTLI; v > PLAIN; v--)
        if (file->bodies[v]) {
            variant_of[count] = v;
            offers[count++] = codings[v];
        }
    int best =
        http_accept_encoding(http_header_get(head, STR("Accept-Encoding")), offers, count);
    return best < 0 ? PLAIN : variant_of[best];
}

static void respond_text(struct http_request *request, int status, const char *text)
{
    const struct http_field fields[] = {{"Content-Type", STR("text/plain; charset=utf-8")},
                                        {"Allow", STR("GET, HEAD")}};
    (void)http_respond(request, status, fields, status == 405 ? 2 : 1, sioc_str(text));
}

static void respond_file(const struct http_client_files *files, const struct client_file *file,
                         struct sioc_str name, struct http_request *request)
{
    bool is_map = str_eq(str_from(name, name.len - 4), STR(".map"));
    int variant = choose_variant(file, &request->head);
    struct http_field fields[5];
    size_t count = 0;
    fields[count++] = (struct http_field){
        "Content-Type", is_map ? STR("application/json; charset=utf-8")
                               : STR("application/javascript; charset=utf-8")};
    fields[count++] = (struct http_field){"Cache-Control", STR("public, max-age=0")};
    fields[count++] = (struct http_field){"Vary", STR("Accept-Encoding")};
    if (files->etag[0])
        fields[count++] = (struct http_field){"ETag", sioc_str(files->etag)};
    if (variant != PLAIN)
        fields[count++] =
            (struct http_field){"Content-Encoding", variant == GZIP ? STR("gzip") : STR("br")};
    (void)http_respond_chunk(request, 200, fields, count, file->bodies[variant]);
}

static bool find_name(struct sioc_str name, size_t *ret_index)
{
    for (size_t i = 0; i < NAMES; i++)
        if (str_eq(name, sioc_str(names[i]))) {
            *ret_index = i;
            return true;
        }
    return false;
}

bool http_client_files_handle(struct http_client_files *files, struct sioc_str name,
                              struct http_request *request)
{
    size_t index;
    if (!find_name(name, &index))
        return false;
    const struct http_head *head = &request->head;
    if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
        respond_text(request, 405, "Method Not Allowed\n");
        return true;
    }
    const struct client_file *file = load(files, index);
    if (!file->loaded)
        respond_text(request, 404, "the browser client is not installed on this server\n");
    else if (has_it(files, head))
        (void)http_respond(request, 304, NULL, 0, (struct sioc_str){NULL, 0});
    else
        respond_file(files, file, name, request);
    return true;
}
