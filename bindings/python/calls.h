/* bindings/python/calls.h -- what the files of the shim share beside spy.h. */
#ifndef SPY_CALLS_H
#define SPY_CALLS_H

#include "sioc_py.h"

/* The exception that is set, and is not any more; a new reference. */
PyObject *spy_take_exception(void);
/* Keeps the exception that is set for the end of the step. */
void spy_keep_fatal(struct spy_loop *loop);
PyObject *spy_nsp_new(struct spy_server *server, struct sioc_namespace *core);
int spy_acks_traverse(struct spy_server *server, visitproc visit, void *arg);
/* Puts the arguments into the message; on failure an exception, and the message is freed. */
int spy_fill(struct spy_server *server, struct sioc_message *message, PyObject *args);
/* The JSON text of `data` in the encoder; ptr NULL for NotImplemented.  < 0: an exception. */
int spy_json(const struct spy_server *server, PyObject *data, struct sioc_json_encoder *encoder,
             struct sioc_str *ret_json);
/* As a handler's result answers: None = nothing, a tuple = several, else one.  1: sent, 0: the
 * client has gone or has an answer; < 0: an exception is set. */
int spy_answer(struct spy_server *server, struct sioc_reply reply, PyObject *result);
/* Who is meant, from (rooms, except, socket, local).  < 0: an exception is set. */
struct spy_target {
    struct sioc_target target;
    struct sioc_str *names, few[8];
};
int spy_target(PyObject *tuple, struct spy_target *ret_target);
void spy_target_done(struct spy_target *target);
void spy_on_socket_gone(void *owner, intptr_t host_ref);

/* (handle, method, path, url, headers, query, params, body, address) */
PyObject *spy_request_tuple(struct sioc_request *request);
/* A handler of requests that calls face._requested(fn, tuple). */
bool spy_http_handler(struct spy_server *server, PyObject *fn, struct sioc_http_handler *ret);
bool spy_same_function(PyObject *a, PyObject *b);
/* Lets the core go. */
void spy_server_shut(struct spy_server *server);
/* For sioc_server_set_log; user: the server. */
void spy_on_log(void *user, enum sioc_log_level level, const char *text);
/* For sioc_server_on_rebind; user: the server that the socket belongs to now. */
void spy_on_rebind(void *user, struct sioc_socket *socket);
/* Answers that are waited for do not come any more: their functions are told `why` (NULL:
 * nothing). */
void spy_acks_forget(struct spy_server *server, const char *why);
/* Handlers that somebody still has find no list any more. */
void spy_handlers_orphan(struct spy_handler **list);

/* A message that has come: str, or bytes. */
PyObject *spy_data(struct sioc_str data, bool is_binary);
/* One that is to be sent: text, or a view of bytes that has to be released. */
struct spy_data {
    struct sioc_str bytes;
    Py_buffer view;
    bool is_binary;
};
bool spy_data_of(PyObject *object, struct spy_data *ret);
void spy_data_done(struct spy_data *data);
/* A new reference to the sioc.Connection, made when there is none. */
PyObject *spy_conn_object(struct spy_server *server, struct sioc_conn *conn);
/* The packets that are about to leave, a list of dicts. */
PyObject *spy_conn_packets(const struct sioc_conn_event *event);

enum spy_change { SPY_JOIN, SPY_LEAVE, SPY_DISCONNECT, SPY_DISCONNECT_CLOSE, SPY_CLOSE };

static inline struct sioc_socket *spy_find(const struct spy_nsp *nsp, unsigned long long socket)
{
    return nsp->server->core ? sioc_socket_find(nsp->server->core, socket) : NULL;
}

#endif
