/* socketio/raw.h -- routes that speak Engine.IO and nothing above it. */
#ifndef SOCKETIO_RAW_H
#define SOCKETIO_RAW_H

#include "socketio/internal.h"

/* Whether a path is the engine's that is served at `base` (with slashes at both ends);
 * *ret_name is what follows it. */
bool sio_path_is_below(const struct sioc_options *options, struct sioc_str base,
                       struct sioc_str path, struct sioc_str *ret_name);
/* The engine that the path belongs to, or NULL. */
struct eio_engine *sio_raw_engine(struct sioc_server *server, struct sioc_str path);
/* Those of the server ask what its own engine asks. */
void sio_raws_note_hooks(struct sioc_server *server);
/* They take over the limits of the server's own engine. */
void sio_raws_note_limits(struct sioc_server *server);
/* Closes all of their sessions, and takes no more. */
void sio_raws_close(struct sioc_server *server);
/* Whether all of their output is out. */
bool sio_raws_all_out(const struct sioc_server *server);
/* Closes what is left hard; then, when the loop has forgotten it, frees them. */
void sio_raws_destroy(struct sioc_server *server);
void sio_raws_free(struct sioc_server *server);

/* The server has a route for each of the draft's, if need be one without an opener.  0 or
 * SIOC_ENOMEM. */
int sio_raws_prepare(struct sioc_server *server, struct sioc_server *draft);
/* Exchanges the openers. */
void sio_raws_swap(struct sioc_server *server, struct sioc_server *draft);
/* As sioc_server_rebind: a connection whose handler is of before gets a new one, or is closed.
 */
bool sio_raws_rebind(struct sioc_server *server, size_t max, size_t *ret_count);

#endif
