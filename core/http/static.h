/* http/static.h -- a folder of files, served under a prefix.
 *
 * GET and HEAD (405 else); "index.html" for folders (a folder without trailing slash is
 * redirected, 301); type by extension; ETag from size and mtime, Last-Modified, If-None-Match
 * (lists and "*"), If-Modified-Since, 304; single byte ranges (206, 416); precompressed
 * neighbours (x.js.br, x.js.gz) by Accept-Encoding with Vary; dot files, links out of the
 * folder and ".." are 404.  Files are sent from the descriptor, not read whole.
 */
#ifndef HTTP_STATIC_H
#define HTTP_STATIC_H

#include "http/conn.h"

struct http_static;

/* dir: must be a readable folder (SIOC_ENOTFOUND otherwise); resolved now. */
int http_static_new(struct sioc_str prefix, const char *dir, struct http_static **ret_static);
void http_static_free(struct http_static *s);
/* An http_route_fn: user is the struct http_static. */
void http_static_handle(void *user, struct http_request *request);

/* "text/html; charset=utf-8" for "index.html"; "application/octet-stream" by default. */
const char *http_mime_type(struct sioc_str file_name);

#endif
