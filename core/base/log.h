/* base/log.h -- log records on their way to whoever shows them.
 *
 * Library floors log at debug only; `app` and the hosts log above.  Bytes that came from a peer
 * are passed through log_clean so that they cannot forge a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <sioc/log.h>

/* What peers make us say, they could make us say without end: of records with the same format,
 * only so many are written within a second, and then how many were not. */
#define LOG_SITES 16
struct log_limit {
    uint32_t per_second;
    uint64_t *dropped; /* counts them; borrowed */
    struct log_site {
        const char *format;
        uint64_t since_ms;
        uint32_t written, dropped; /* since then */
    } sites[LOG_SITES];
};

struct log {
    enum sioc_log_level level; /* records below it are dropped before they are formatted */
    sioc_log_fn fn;            /* NULL: nowhere */
    void *user;
    struct log_limit *limit; /* borrowed; NULL: none */
};

void log_write(const struct log *log, enum sioc_log_level level, const char *format, ...)
    SIOC_PRINTF(3, 4);

#define LOG_CLEAN_MAX 256
/* Escapes control characters and cuts at LOG_CLEAN_MAX bytes; returns `out`. */
const char *log_clean(struct sioc_str bytes, char out[LOG_CLEAN_MAX * 4 + 4]);

#endif
