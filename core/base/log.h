/* base/log.h -- log records on their way to whoever shows them.
 *
 * Library floors log at debug only; `app` and the hosts log above.  Bytes that came from a peer
 * are passed through log_clean so that they cannot forge a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <sioc/log.h>

struct log {
    enum sioc_log_level level; /* records below it are dropped before they are formatted */
    sioc_log_fn fn;            /* NULL: nowhere */
    void *user;
};

void log_write(const struct log *log, enum sioc_log_level level, const char *format, ...)
    SIOC_PRINTF(3, 4);

#define LOG_CLEAN_MAX 256
/* Escapes control characters and cuts at LOG_CLEAN_MAX bytes; returns `out`. */
const char *log_clean(struct sioc_str bytes, char out[LOG_CLEAN_MAX * 4 + 4]);

#endif
