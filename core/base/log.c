/* base/log.c -- log records on their way to whoever shows them.
 *
 * Knows stderr and nothing of who logs.  Invariant: one record is one call, and on stderr one
 * write, so that records of several threads never mix; a line never begins with a peer's bytes.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char level_names[4][6] = {"debug", "info", "warn", "error"};

const char *sioc_log_level_name(enum sioc_log_level level)
{
    return (unsigned)level < 4 ? level_names[level] : "?";
}

int sioc_log_level_parse(const char *name, enum sioc_log_level *ret_level)
{
    for (unsigned i = 0; name && i < 4; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum sioc_log_level)i;
            return 0;
        }
    }
    return SIOC_EINVAL;
}

/* Continuation lines are indented: what begins at the margin is a record. */
static void put_text(struct buf *out, enum sioc_log_level level, const char *time,
                     const char *text)
{
    buf_printf(out, "%s %-5s ", time, sioc_log_level_name(level));
    for (const char *line = text;;) {
        size_t len = strcspn(line, "\n");
        buf_put(out, line, len);
        buf_putc(out, '\n');
        if (line[len] == '\0' || line[len + 1] == '\0')
            return;
        line += len + 1;
        buf_put(out, "    ", 4);
    }
}

/* A JSON string.  (The codec has a faster one, but it lives above us.) */
static void put_json_string(struct buf *out, struct sioc_str s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '"' || c == '\\') {
            buf_putc(out, '\\');
            buf_putc(out, c);
        } else if (c == '\n') {
            buf_put(out, "\\n", 2);
        } else if (c == '\t') {
            buf_put(out, "\\t", 2);
        } else if ((unsigned char)c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
        } else {
            buf_putc(out, c);
        }
    }
    buf_putc(out, '"');
}

static void put_json(struct buf *out, enum sioc_log_level level, const char *time,
                     const char *text)
{
    struct buf clean;
    buf_init(&clean);
    utf8_repair(&clean, sioc_str(text));
    buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"text\":", time,
               sioc_log_level_name(level));
    put_json_string(out, buf_str(&clean));
    buf_put(out, "}\n", 2);
    if (clean.error && !out->error)
        out->error = clean.error;
    buf_deinit(&clean);
}

/* Best effort: there is nobody to tell when stderr is gone. */
static void write_all(struct sioc_str s)
{
    while (s.len > 0) {
        ssize_t n = write(STDERR_FILENO, s.ptr, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        s = sioc_str_n(s.ptr + n, s.len - (size_t)n);
    }
}

void sioc_log_stderr(void *user_json, enum sioc_log_level level, const char *text)
{
    char time[25];
    clock_iso(clock_wall_ms(), time);
    struct buf out;
    buf_init(&out);
    if (user_json)
        put_json(&out, level, time, text);
    else
        put_text(&out, level, time, text);
    /* Out of memory is when a record matters most: then without its dress. */
    write_all(out.error ? sioc_str(text) : buf_str(&out));
    buf_deinit(&out);
}

/* The record's slot; who has none of its own shares one. */
static struct log_site *site_of(struct log_limit *limit, const char *format)
{
    for (size_t i = 0; i < LOG_SITES; i++) {
        struct log_site *site = &limit->sites[i];
        if (!site->format)
            site->format = format;
        if (site->format == format)
            return site;
    }
    return &limit->sites[LOG_SITES - 1];
}

/* Whether there is room for one more of these. */
static bool may_write(const struct log *log, enum sioc_log_level level, const char *format)
{
    struct log_limit *limit = log->limit;
    if (!limit)
        return true;
    struct log_site *site = site_of(limit, format);
    uint64_t now = clock_mono_ms();
    if (now - site->since_ms >= 1000) {
        char text[80];
        uint32_t dropped = site->dropped;
        site->since_ms = now;
        site->written = site->dropped = 0;
        snprintf(text, sizeof text, "%u more lines like the next one were not written",
                 dropped);
        if (dropped)
            log->fn(log->user, level, text);
    }
    if (site->written < limit->per_second) {
        site->written++;
        return true;
    }
    site->dropped++;
    ++*limit->dropped;
    return false;
}

void log_write(const struct log *log, enum sioc_log_level level, const char *format, ...)
{
    if (!log->fn || level < log->level || !may_write(log, level, format))
        return;
    char small[512];
    small[0] = '\0';
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof small) {
        log->fn(log->user, level, small);
        return;
    }
    struct buf big;
    buf_init(&big);
    va_start(args, format);
    buf_vprintf(&big, format, args);
    va_end(args);
    buf_putc(&big, '\0');
    log->fn(log->user, level, big.error ? small : (const char *)big.bytes);
    buf_deinit(&big);
}

/* Length of the harmless character at the front of s, 0 when its first byte must be escaped.
 * U+0080 to U+009F are control characters too, and some terminals obey them. */
static size_t harmless(struct sioc_str s)
{
    uint8_t c = (uint8_t)s.ptr[0];
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f && c != '\\';
    size_t len = utf8_char(s.ptr, s.len);
    return c == 0xc2 && (uint8_t)s.ptr[1] < 0xa0 ? 0 : len;
}

const char *log_clean(struct sioc_str bytes, char out[LOG_CLEAN_MAX * 4 + 4])
{
    char *to = out;
    size_t len = bytes.len < LOG_CLEAN_MAX ? bytes.len : LOG_CLEAN_MAX;
    for (size_t i = 0; i < len;) {
        size_t n = harmless(sioc_str_n(bytes.ptr + i, len - i));
        if (n > 0) {
            memcpy(to, bytes.ptr + i, n);
            to += n;
            i += n;
        } else {
            to += snprintf(to, 5, "\\x%02x", (unsigned)(uint8_t)bytes.ptr[i++]);
        }
    }
    memcpy(to, len < bytes.len ? "..." : "", len < bytes.len ? 4 : 1);
    return out;
}
