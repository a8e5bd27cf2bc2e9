/* http/client_files.h -- the eight files of the browser client under the engine's path
 * (protocol.md 9): socket.io.js, .min.js, .esm.min.js, .msgpack.min.js and a .map of each.
 *
 * Read from one folder (the npm package's "dist" as setup installed it, with .br and .gz beside
 * each file), kept in memory from the first request on.  ETag is the quoted package version;
 * GET and HEAD only; Cache-Control: public, max-age=0; Vary: Accept-Encoding.
 */
#ifndef HTTP_CLIENT_FILES_H
#define HTTP_CLIENT_FILES_H

#include "http/conn.h"

struct http_client_files;

/* dir is copied; it need not exist (then nothing matches).  The version is read from
 * dir/version.txt. */
int http_client_files_new(const char *dir, struct http_client_files **ret_files);
void http_client_files_free(struct http_client_files *files);
/* Whether `name` (what follows the engine's path, e.g. "socket.io.js") is one of the files; if
 * so the request is answered (404 with a clear text when the folder lacks it). */
bool http_client_files_handle(struct http_client_files *files, struct sioc_str name,
                              struct http_request *request);

#endif
