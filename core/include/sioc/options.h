/* sioc/options.h -- the options of a server, by the names that scripts use.
 *
 * Names are snake_case, nested ones dotted ("cors.origin"); times are seconds, sizes bytes. All
 * have defaults; nothing is ever unlimited, so 0 is refused for limits.  sioc_option_at lists
 * them.
 */
#ifndef SIOC_OPTIONS_H
#define SIOC_OPTIONS_H

#include <sioc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_options;

enum sioc_option_type {
    SIOC_OPTION_BOOL = 1,
    SIOC_OPTION_SECONDS, /* a number, fractions allowed */
    SIOC_OPTION_COUNT,   /* a whole number (bytes, items, levels) */
    SIOC_OPTION_TEXT,
    SIOC_OPTION_LIST, /* of texts; each set_text adds one, the first replaces the default */
};

struct sioc_option_info {
    const char *name;
    enum sioc_option_type type;
    double min, max; /* of seconds and counts */
    const char *default_text;
    const char *help; /* one line */
    bool is_file;     /* texts are names of files */
};

/* NULL when out of memory. */
SIOC_API struct sioc_options *sioc_options_new(void);
SIOC_API void sioc_options_free(struct sioc_options *options);

/* Sets one option.  On failure a complete sentence is in ret_error (NUL-terminated, cut to
 * cap), e.g. unknown option "ping_intervall"; did you mean "ping_interval"? option
 * "max_payload" must be a whole number from 1 to 1073741824 Returns 0, SIOC_ENOTFOUND (no such
 * option), SIOC_EINVAL (type or range), SIOC_ENOMEM. */
SIOC_API int sioc_options_set_bool(struct sioc_options *options, const char *name, bool value,
                                   char *ret_error, size_t cap);
SIOC_API int sioc_options_set_number(struct sioc_options *options, const char *name,
                                     double value, char *ret_error, size_t cap);
SIOC_API int sioc_options_set_text(struct sioc_options *options, const char *name,
                                   const char *value, char *ret_error, size_t cap);
/* Parses `value` by the option's type, as a command line has it: "25", "true", "a,b". */
SIOC_API int sioc_options_parse(struct sioc_options *options, const char *name,
                                const char *value, char *ret_error, size_t cap);

/* Reads an option back: a number, or 0 and 1 for false and true.  SIOC_ENOTFOUND, SIOC_EINVAL
 * (a text). */
SIOC_API int sioc_options_get(const struct sioc_options *options, const char *name,
                              double *ret_value);

/* The i-th option, or NULL at the end.  Static. */
SIOC_API const struct sioc_option_info *sioc_option_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
