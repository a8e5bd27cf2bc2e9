/* http/static.c -- files of a folder as responses.
 *
 * A request goes through four steps, each a group of functions below: the path (clean, no dot
 * names), the file (opened below the folder's descriptor), the choice (plain or a precompressed
 * neighbour, whole or a part), the answer.  Knows no cache: the kernel has one.
 *
 * Invariant: only regular files below the folder are ever opened for sending, whatever the path
 * or the links on its way; the check is made by the open itself, so there is no race.
 */
#include "http/static.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/accept.h"
#include "http/conditional.h"
#include "http/url.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif
#endif

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define ETAG_MAX   64
#define DATE_MAX   30
#define MAX_FIELDS 10

struct http_static {
    int dir_fd;
    size_t prefix_len;
    char prefix[]; /* without a slash at its end */
};

/* One open file, and what is said about it. */
struct opened {
    int fd; /* -1: none */
    struct stat st;
};

int http_static_new(struct sioc_str prefix, const char *dir, struct http_static **ret_static)
{
    while (prefix.len && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return SIOC_ENOTFOUND;
    struct http_static *s = mem_alloc(sizeof *s + prefix.len);
    if (!s) {
        close(fd);
        return SIOC_ENOMEM;
    }
    s->dir_fd = fd;
    s->prefix_len = prefix.len;
    if (prefix.len)
        memcpy(s->prefix, prefix.ptr, prefix.len);
    *ret_static = s;
    return 0;
}

void http_static_free(struct http_static *s)
{
    if (!s)
        return;
    close(s->dir_fd);
    mem_free(s);
}

/* ---- the path ---- */

static bool has_dot_name(struct sioc_str path)
{
    for (size_t i = 0; i + 1 < path.len; i++)
        if (path.ptr[i] == '/' && path.ptr[i + 1] == '.')
            return true;
    return false;
}

/* "/a/b.txt" of the request's path, NUL-terminated behind its end; false when it is nobody's
 * business. */
static bool read_path(const struct http_static *s, struct sioc_str path, struct buf *out)
{
    if (!str_starts(path, sioc_str_n(s->prefix, s->prefix_len)))
        return false;
    path = str_from(path, s->prefix_len);
    /* Nothing behind the prefix stays nothing: the folder itself, without its slash. */
    if (path.len && (url_clean_path(out, path) != 0 || has_dot_name(buf_str(out))))
        return false;
    buf_putc(out, '\0');
    if (out->error)
        return false;
    out->len--;
    return true;
}

/* ---- the file ---- */

/* Without openat2: part by part, no links at all. */
static int open_walking(int dir_fd, const char *path)
{
    char name[256]; /* NAME_MAX and a NUL */
    int fd = dir_fd;
    for (;;) {
        size_t len = strcspn(path, "/");
        bool last = path[len] == '\0' || path[len + 1] == '\0'; /* "a/" ends at "a" */
        int next = -1;
        if (len < sizeof name) {
            memcpy(name, path, len);
            name[len] = '\0';
            next = openat(fd, name, OPEN_FLAGS | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
        }
        if (fd != dir_fd)
            close(fd);
        if (next < 0 || last)
            return next;
        fd = next;
        path += len + 1;
    }
}

/* path: relative, clean, not empty. */
static int open_below(int dir_fd, const char *path)
{
#ifdef SYS_openat2
    struct open_how how = {.flags = OPEN_FLAGS,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd; /* else: an old kernel, or a sandbox that forbids the call */
#endif
    return open_walking(dir_fd, path);
}

static void close_file(struct opened *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* A file or a folder; false when it is neither, or not there. */
static bool open_path(const struct http_static *s, const char *path, struct opened *ret_file)
{
    while (*path == '/')
        path++;
    struct opened file = {.fd = open_below(s->dir_fd, *path ? path : ".")};
    if (file.fd < 0)
        return false;
    if (fstat(file.fd, &file.st) != 0 ||
        !(S_ISREG(file.st.st_mode) || S_ISDIR(file.st.st_mode))) {
        close_file(&file);
        return false;
    }
    *ret_file = file;
    return true;
}

/* path + suffix, a regular file. */
static bool open_with(const struct http_static *s, struct buf *path, const char *suffix,
                      struct opened *ret_file)
{
    size_t len = path->len;
    buf_put(path, suffix, strlen(suffix) + 1);
    bool found = !path->error && open_path(s, (const char *)path->bytes, ret_file);
    if (found && !S_ISREG(ret_file->st.st_mode)) {
        close_file(ret_file);
        found = false;
    }
    if (!path->error) {
        path->len = len;
        path->bytes[len] = '\0';
    }
    return found;
}

/* ---- the choice ---- */

static const struct sioc_str codings[] = {{"br", 2}, {"gzip", 4}};
static const char *const suffixes[] = {".br", ".gz"};
enum {
    PLAIN = -1,
    CODINGS = 2,
};

static bool older(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec < b->st_mtim.tv_sec ||
           (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec < b->st_mtim.tv_nsec);
}

/* Replaces the file by the precompressed neighbour that the client likes best.  A neighbour
 * older than the file is a leftover.  Returns the coding; ret_vary: there was a choice. */
static int choose_coding(const struct http_static *s, const struct http_head *head,
                         struct buf *path, struct opened *file, bool *ret_vary)
{
    struct opened there[CODINGS];
    struct sioc_str offers[CODINGS];
    int coding_of[CODINGS], chosen = PLAIN;
    size_t count = 0;
    for (int i = 0; i < CODINGS; i++) {
        if (!open_with(s, path, suffixes[i], &there[count]))
            continue;
        if (older(&there[count].st, &file->st)) {
            close_file(&there[count]);
            continue;
        }
        coding_of[count] = i;
        offers[count++] = codings[i];
    }
    *ret_vary = count > 0;
    /* Parts are cut from the plain file. */
    if (!http_header_get(head, STR("Range")).ptr) {
        int best =
            http_accept_encoding(http_header_get(head, STR("Accept-Encoding")), offers, count);
        if (best >= 0) {
            struct opened plain = *file;
            *file = there[best];
            there[best] = plain;
            chosen = coding_of[best];
        }
    }
    for (size_t i = 0; i < count; i++)
        close_file(&there[i]);
    return chosen;
}

static void write_etag(char etag[ETAG_MAX], const struct stat *st, int coding)
{
    snprintf(etag, ETAG_MAX, "\"%llx-%llx.%lx%s\"", (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
             coding == PLAIN ? "" : suffixes[coding]);
}

static bool not_modified(const struct http_head *head, struct sioc_str etag, int64_t mtime_s)
{
    struct sioc_str tags = http_header_get(head, STR("If-None-Match"));
    int64_t since_s;
    if (tags.ptr)
        return http_etag_listed(tags, etag);
    return http_date_read(http_header_get(head, STR("If-Modified-Since")), &since_s) &&
           mtime_s <= since_s;
}

static enum http_range_kind choose_range(const struct http_head *head, struct sioc_str etag,
                                         struct sioc_str modified, uint64_t size,
                                         uint64_t *ret_first, uint64_t *ret_last)
{
    struct sioc_str condition = http_header_get(head, STR("If-Range"));
    if (head->method != HTTP_GET ||
        (condition.ptr && !str_eq(condition, etag) && !str_eq(condition, modified)))
        return HTTP_RANGE_ALL;
    return http_range_read(http_header_get(head, STR("Range")), size, ret_first, ret_last);
}

/* ---- the answer ---- */

struct fields {
    struct http_field items[MAX_FIELDS];
    size_t count;
};

static void add_field(struct fields *fields, const char *name, struct sioc_str value)
{
    fields->items[fields->count++] = (struct http_field){name, value};
}

static void respond_text(struct http_request *request, int status, const char *text)
{
    struct fields fields = {.count = 0};
    add_field(&fields, "Content-Type", STR("text/plain; charset=utf-8"));
    if (status == 405)
        add_field(&fields, "Allow", STR("GET, HEAD"));
    (void)http_respond(request, status, fields.items, fields.count, sioc_str(text));
}

static void respond_not_found(struct http_request *request)
{
    respond_text(request, 404, "Not Found\n");
}

/* path: clean, so it can never be read as "//host". */
static void put_escaped(struct buf *out, struct sioc_str path)
{
    static const char plain[] = "-._~!$&'()*+,;=:@/";
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (alnum || (c && strchr(plain, c)))
            buf_putc(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

/* A folder's own relative links need the slash. */
static void respond_folder_redirect(const struct http_static *s, struct http_request *request,
                                    struct sioc_str path)
{
    struct buf location;
    struct fields fields = {.count = 0};
    buf_init(&location);
    buf_put_str(&location, sioc_str_n(s->prefix, s->prefix_len));
    put_escaped(&location, path);
    buf_putc(&location, '/');
    if (request->head.query.len) {
        buf_putc(&location, '?');
        buf_put_str(&location, request->head.query);
    }
    add_field(&fields, "Content-Type", STR("text/plain; charset=utf-8"));
    add_field(&fields, "Location", buf_str(&location));
    if (location.error)
        respond_not_found(request);
    else
        (void)http_respond(request, 301, fields.items, fields.count,
                           STR("Moved Permanently\n"));
    buf_deinit(&location);
}

/* What the client has already is not sent again. */
static bool respond_not_modified(struct http_request *request, struct fields *fields,
                                 struct sioc_str etag, const struct opened *file)
{
    if (!not_modified(&request->head, etag, (int64_t)file->st.st_mtim.tv_sec))
        return false;
    (void)http_respond(request, 304, fields->items, fields->count, STR(""));
    return true;
}

/* The body, or the part of it that was asked for.  Uses up the descriptor. */
static void respond_body(struct http_request *request, struct fields *fields,
                         struct opened *file, struct sioc_str etag, struct sioc_str modified)
{
    char text[80];
    unsigned long long size = (unsigned long long)file->st.st_size;
    uint64_t first = 0, last = 0;
    switch (choose_range(&request->head, etag, modified, size, &first, &last)) {
    case HTTP_RANGE_ALL:
        (void)http_respond_file(request, 200, fields->items, fields->count, file->fd, size);
        return;
    case HTTP_RANGE_BEYOND:
        close_file(file);
        snprintf(text, sizeof text, "bytes */%llu", size);
        add_field(fields, "Content-Range", sioc_str(text));
        (void)http_respond(request, 416, fields->items, fields->count, STR(""));
        return;
    case HTTP_RANGE_PART:
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)first,
                 (unsigned long long)last, size);
        add_field(fields, "Content-Range", sioc_str(text));
        (void)lseek(file->fd, (off_t)first, SEEK_SET);
        (void)http_respond_file(request, 206, fields->items, fields->count, file->fd,
                                last - first + 1);
    }
}

static void respond_file(struct http_request *request, struct sioc_str name,
                         struct opened *file, int coding, bool vary)
{
    char etag_text[ETAG_MAX], modified_text[DATE_MAX];
    write_etag(etag_text, &file->st, coding);
    clock_http_date((int64_t)file->st.st_mtim.tv_sec * 1000, modified_text);
    struct sioc_str etag = sioc_str(etag_text), modified = sioc_str(modified_text);

    struct fields fields = {.count = 0};
    add_field(&fields, "ETag", etag);
    add_field(&fields, "Last-Modified", modified);
    add_field(&fields, "Cache-Control", STR("public, max-age=0"));
    if (vary)
        add_field(&fields, "Vary", STR("Accept-Encoding"));
    if (respond_not_modified(request, &fields, etag, file)) {
        close_file(file);
        return;
    }
    add_field(&fields, "Content-Type", sioc_str(http_mime_type(name)));
    add_field(&fields, "X-Content-Type-Options", STR("nosniff"));
    add_field(&fields, "Accept-Ranges", STR("bytes"));
    if (coding != PLAIN)
        add_field(&fields, "Content-Encoding", codings[coding]);
    respond_body(request, &fields, file, etag, modified);
}

static void serve(const struct http_static *s, struct http_request *request, struct buf *path)
{
    struct opened file;
    bool vary, slash = path->len && path->bytes[path->len - 1] == '/';
    if (!open_path(s, (const char *)path->bytes, &file)) {
        respond_not_found(request);
        return;
    }
    if (S_ISDIR(file.st.st_mode)) {
        close_file(&file);
        if (!slash) {
            respond_folder_redirect(s, request, buf_str(path));
            return;
        }
        buf_put(path, "index.html", sizeof "index.html"); /* with the NUL */
        path->len -= path->error ? 0 : 1;
        slash = false;
        if (!open_with(s, path, "", &file)) {
            respond_not_found(request);
            return;
        }
    }
    if (slash) {
        close_file(&file);
        respond_not_found(request);
        return;
    }
    int coding = choose_coding(s, &request->head, path, &file, &vary);
    respond_file(request, buf_str(path), &file, coding, vary);
}

void http_static_handle(void *user, struct http_request *request)
{
    const struct http_static *s = user;
    if (request->head.method != HTTP_GET && request->head.method != HTTP_HEAD) {
        respond_text(request, 405, "Method Not Allowed\n");
        return;
    }
    struct buf path;
    buf_init(&path);
    if (read_path(s, request->head.path, &path))
        serve(s, request, &path);
    else
        respond_not_found(request);
    buf_deinit(&path);
}
