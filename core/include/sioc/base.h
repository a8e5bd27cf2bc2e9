/* sioc/base.h -- what every other header of the API uses: strings, result codes, export mark.
 *
 * Conventions of the whole API:
 *   - Fallible functions return int: >= 0 is good, a negative value is one of SIOC_E*.
 *   - Outputs come last, are named ret_x, and are written only on success.
 *   - Pointers are *borrowed* (valid for the call), *taken* (the callee owns them from now on)
 *     or *shared* (counted); each function says which.
 *   - One thread, the one that runs the server's loop, may call in; see server.h for the rest.
 */
#ifndef SIOC_BASE_H
#define SIOC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIOC_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SIOC_API          __attribute__((visibility("default")))
#define SIOC_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define SIOC_API
#define SIOC_PRINTF(a, b)
#endif

/* Result codes: name, text.  No code is 0, so "no error" can never be mistaken for one. */
#define SIOC_ERRORS(X)                                          \
    X(ENOMEM, "out of memory")                                  \
    X(EINVAL, "invalid argument")                               \
    X(EPROTO, "protocol error")                                 \
    X(ETOOBIG, "too big")                                       \
    X(EDEPTH, "nested too deeply")                              \
    X(EUTF8, "not valid UTF-8 (use binary data for raw bytes)") \
    X(ESYNTAX, "syntax error")                                  \
    X(ENOTFOUND, "not found")                                   \
    X(EEXIST, "exists already")                                 \
    X(ECLOSED, "closed")                                        \
    X(EAGAIN, "not writable now")                               \
    X(EFULL, "queue limit reached")                             \
    X(ELIMIT, "limit reached")                                  \
    X(ERESERVED, "reserved event name")                         \
    X(ETIMEDOUT, "operation has timed out")                     \
    X(EIO, "input/output error")                                \
    X(EADDRINUSE, "address already in use")                     \
    X(EACCES, "permission denied")                              \
    X(ESTATE, "not possible in this state")

enum sioc_error {
    SIOC_OK_ = 0,
    SIOC_E_BASE_ = -1000,
#define SIOC_ERROR_ENUM_(name, text) SIOC_##name,
    SIOC_ERRORS(SIOC_ERROR_ENUM_)
#undef SIOC_ERROR_ENUM_
        SIOC_E_END_
};

/* Text for a result code; "unknown error" for anything else.  Static, never NULL. */
SIOC_API const char *sioc_strerror(int code);

/* Version of the library that runs, e.g. "0.1.0". */
SIOC_API const char *sioc_version(void);

/* A borrowed run of bytes; not NUL-terminated, may hold NUL.  ptr may be NULL when len is 0. */
struct sioc_str {
    const char *ptr;
    size_t len;
};

/* A slice of a C string (borrowed). */
static inline struct sioc_str sioc_str(const char *text)
{
    struct sioc_str s = {text, text ? strlen(text) : 0};
    return s;
}

static inline struct sioc_str sioc_str_n(const void *bytes, size_t len)
{
    struct sioc_str s = {(const char *)bytes, len};
    return s;
}

/* Whether it is valid UTF-8 (RFC 3629). */
SIOC_API bool sioc_utf8_valid(struct sioc_str text);

/* How many letters must be changed, added or left out to make one of the other: for "did you
 * mean ...?".  SIZE_MAX when one is longer than 63 bytes. */
SIOC_API size_t sioc_edit_distance(struct sioc_str a, struct sioc_str b);

/* printf arguments for "%.*s". */
#define SIOC_STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

#ifdef __cplusplus
}
#endif

#endif
