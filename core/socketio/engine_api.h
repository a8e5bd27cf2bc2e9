/* socketio/engine_api.h -- the engine's questions and news, on their way to the application. */
#ifndef SOCKETIO_ENGINE_API_H
#define SOCKETIO_ENGINE_API_H

#include "engineio/admission.h"
#include "engineio/refuse.h"
#include "socketio/internal.h"

/* Members of sio_client_ops; engine_user is the server. */
void sio_engine_ask_allow(void *engine_user, struct eio_admission *admission);
void sio_engine_ask_id(void *engine_user, struct eio_admission *admission);
void sio_engine_admission_over(void *engine_user, struct eio_admission *admission);
bool sio_engine_passes(void *engine_user, struct http_request *request);
void sio_engine_headers(void *engine_user, struct http_request *request, bool initial);
void sio_engine_refused(void *engine_user, struct http_request *request,
                        const struct eio_refused *refused);
/* What the engine need ask, by the hooks that the server has. */
void sio_engine_note_hooks(const struct sioc_server *server, struct eio_engine *engine);
/* Drops the server's hooks. */
void sio_engine_forget_hooks(struct sioc_server *server);

/* Each has the other's from now on. */
void sio_engine_swap_hooks(struct sioc_server *server, struct sioc_server *draft);

#endif
