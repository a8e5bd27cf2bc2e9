/* sioc/http.h -- plain HTTP on the server's port: routes, static folders.
 *
 * A request is answered now or later; it is known by its handle, which fails once the client
 * has gone.
 */
#ifndef SIOC_HTTP_H
#define SIOC_HTTP_H

#include <sioc/server.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_request;

struct sioc_http_handler {
    /* The request is complete, body included.  Borrowed for the call. */
    void (*call)(void *user, intptr_t ref, struct sioc_request *request);
    void (*drop)(void *user, intptr_t ref);
    void *user;
    intptr_t ref;
};

/* method: "GET", "POST", ...; path: "/users/:id".  0, SIOC_EINVAL, SIOC_EEXIST, SIOC_ENOMEM. */
SIOC_API int sioc_http_route(struct sioc_server *server, const char *method,
                             struct sioc_str path, struct sioc_http_handler handler);
/* The same for everything below the prefix ("/api" holds "/api" and "/api/x"), by any method,
 * if no route above is for it; of several prefixes the longest.  "/" holds all.  What belongs
 * to Socket.IO and to plain WebSockets does not come here. */
SIOC_API int sioc_http_mount(struct sioc_server *server, struct sioc_str prefix,
                             struct sioc_http_handler handler);
/* Serves the folder below the prefix.  SIOC_ENOTFOUND when it is no readable folder. */
SIOC_API int sioc_http_static(struct sioc_server *server, struct sioc_str prefix,
                              const char *dir);

SIOC_API uint64_t sioc_request_handle(const struct sioc_request *request);
SIOC_API struct sioc_request *sioc_request_find(const struct sioc_server *server,
                                                uint64_t handle);

/* All borrowed from the request. */
SIOC_API struct sioc_str sioc_request_method(const struct sioc_request *request);
SIOC_API struct sioc_str sioc_request_path(const struct sioc_request *request);
/* The request's target as it came, with its query. */
SIOC_API struct sioc_str sioc_request_url(const struct sioc_request *request);
SIOC_API struct sioc_str sioc_request_body(const struct sioc_request *request);
/* The peer's numeric address; valid until the next call of this or of one of the walks. */
SIOC_API struct sioc_str sioc_request_address(struct sioc_request *request);
/* Walks headers (names in lower case), query pairs and path parameters (decoded); *pos starts
 * at 0. Slices are valid until the next call of one of these for the same request. */
SIOC_API bool sioc_request_header_next(struct sioc_request *request, size_t *pos,
                                       struct sioc_str *ret_name, struct sioc_str *ret_value);
SIOC_API bool sioc_request_query_next(struct sioc_request *request, size_t *pos,
                                      struct sioc_str *ret_name, struct sioc_str *ret_value);
SIOC_API bool sioc_request_param_next(struct sioc_request *request, size_t *pos,
                                      struct sioc_str *ret_name, struct sioc_str *ret_value);
/* The same for the pairs of an application/x-www-form-urlencoded body. */
SIOC_API bool sioc_request_form_next(struct sioc_request *request, size_t *pos,
                                     struct sioc_str *ret_name, struct sioc_str *ret_value);

struct sioc_http_field {
    struct sioc_str name, value;
};
/* Answers.  body is copied.  Content-Length is added.  The request is gone after this.
 * SIOC_EINVAL: a header name or value that HTTP forbids (nothing was sent).  SIOC_ESTATE: the
 * request of a hook (engine.h), which others answer. */
SIOC_API int sioc_request_respond(struct sioc_request *request, int status,
                                  const struct sioc_http_field *fields, size_t field_count,
                                  struct sioc_str body);

/* An answer in pieces: begin, any number of writes, end, over as many turns as it takes.
 *   len  of the body in bytes, or SIOC_LENGTH_UNKNOWN: it ends with sioc_request_end
 * begin: as sioc_request_respond.
 * write: bytes are copied.  SIOC_EAGAIN: taken, but 64 KiB wait for the client; write on after
 *   `drained`.  SIOC_ETOOBIG: more than len, nothing was taken.
 * end: the request is gone.  SIOC_EINVAL: less than len came; the connection is closed.
 * SIOC_ESTATE: out of order.  SIOC_ECLOSED, SIOC_ENOMEM: the client and the request are gone.
 */
#define SIOC_LENGTH_UNKNOWN UINT64_MAX
SIOC_API int sioc_request_begin(struct sioc_request *request, int status,
                                const struct sioc_http_field *fields, size_t field_count,
                                uint64_t len);
SIOC_API int sioc_request_write(struct sioc_request *request, struct sioc_str bytes);
SIOC_API int sioc_request_end(struct sioc_request *request);
/* Gives up: the connection is closed, and the request is gone. */
SIOC_API void sioc_request_abort(struct sioc_request *request);

/* Calls with the request's handle; each may be NULL. */
struct sioc_request_watcher {
    void (*drained)(void *user, uint64_t request); /* little is left to be written */
    void (*gone)(void *user,
                 uint64_t request); /* its client has left before the answer's end */
    void *user;
};
/* watcher: copied; NULL = none. */
SIOC_API void sioc_request_watch(struct sioc_request *request,
                                 const struct sioc_request_watcher *watcher);

#ifdef __cplusplus
}
#endif

#endif
