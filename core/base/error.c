/* base/error.c -- result codes as text, and the version.
 *
 * Knows the table in <sioc/base.h>.  Invariant: every answer is a static string.
 */
#include <sioc/base.h>

const char *sioc_strerror(int code)
{
    switch (code) {
#define ERROR_CASE_(name, text) \
    case SIOC_##name:           \
        return text;
        SIOC_ERRORS(ERROR_CASE_)
#undef ERROR_CASE_
    default:
        return "unknown error";
    }
}

const char *sioc_version(void)
{
    return SIOC_VERSION;
}
