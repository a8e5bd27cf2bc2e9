/* sioc/log.h -- where log records go. */
#ifndef SIOC_LOG_H
#define SIOC_LOG_H

#include <sioc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sioc_log_level {
    SIOC_LOG_DEBUG,
    SIOC_LOG_INFO,
    SIOC_LOG_WARN,
    SIOC_LOG_ERROR,
};

/* Gets one record without line end; `text` is borrowed for the call.  May hold several lines (a
 * traceback). */
typedef void (*sioc_log_fn)(void *user, enum sioc_log_level level, const char *text);

/* "debug", "info", "warn", "error"; SIOC_EINVAL for anything else. */
SIOC_API int sioc_log_level_parse(const char *name, enum sioc_log_level *ret_level);
SIOC_API const char *sioc_log_level_name(enum sioc_log_level level);

/* A ready-made sink: one line per record on stderr with time and level; as text, or (user !=
 * NULL) as JSON. */
SIOC_API void sioc_log_stderr(void *user_json, enum sioc_log_level level, const char *text);

#ifdef __cplusplus
}
#endif

#endif
