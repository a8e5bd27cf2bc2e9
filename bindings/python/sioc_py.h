/* bindings/python/sioc_py.h -- what SWIG wraps: the functions that the package sioc calls.
 *
 * Names lose their spy_ on the way.  All return a new reference, or NULL with an exception;
 * spy_result is an int for which < 0 means that an exception is set.  `socket` is a handle:
 * one that is stale finds nothing.  None from a function that says so means that the caller is
 * in another thread than the loop, and nothing was done.
 */
#ifndef SIOC_PY_H
#define SIOC_PY_H

#include "spy.h"

typedef int spy_result;
typedef unsigned long long spy_handle;

/* ---- loop.c ---- */

PyObject *spy_loop_new(void);
/* From now on the calling thread is the loop's; on_work() is called when it has to be stepped
 * (None: by nobody). */
void spy_loop_attach(struct spy_loop *loop, PyObject *on_work);
/* One turn without waiting: milliseconds until the next one is due, -1: not before the
 * descriptor is readable; None: nothing is left to wait for. */
PyObject *spy_loop_step(struct spy_loop *loop);
int spy_loop_fd(struct spy_loop *loop);
/* Whether the calling thread is the loop's. */
bool spy_loop_here(struct spy_loop *loop);
/* In the child of a fork: from now on no thread is the loop's. */
void spy_loop_forked(struct spy_loop *loop);
/* A ContextVar: where its value is true, a connection handler is replayed, and nobody hears
 * what it says.  Looked at only between replay_begin and as many replay_end. */
PyObject *spy_loop_replay(struct spy_loop *loop);
void spy_loop_replay_begin(struct spy_loop *loop);
void spy_loop_replay_end(struct spy_loop *loop);

/* ---- server.c ---- */

/* face: the sioc.Server.  options: (name, value) pairs, names dotted.  classes: those of
 * sockets, of functions that answer, and of raw JSON.  sent: what emit returns, (no, yes). */
PyObject *spy_server_new(struct spy_loop *loop, PyObject *face, PyObject *options,
                         PyObject *classes, PyObject *sent, PyObject *encode_default);
/* The port. */
spy_result spy_server_listen(struct spy_server *server, const char *host, int port);
/* done(): all connections are gone. */
PyObject *spy_server_close(struct spy_server *server, PyObject *done);
void spy_server_free(struct spy_server *server);
/* ValueError: a certificate or a key cannot be used. */
spy_result spy_server_load_tls(struct spy_server *server);
bool spy_server_secure(struct spy_server *server);
const char *spy_version(void);
spy_result spy_server_set_log(struct spy_server *server, const char *level);
spy_result spy_server_set_client_dir(struct spy_server *server, const char *dir);
PyObject *spy_server_client_count(struct spy_server *server);
PyObject *spy_server_metrics(struct spy_server *server);
/* Handlers that were called, but those of connections beside the sockets. */
unsigned long long spy_server_handled(struct spy_server *server);
/* A namespace; face: its sioc.Namespace (borrowed: it has to live as long as the server). */
PyObject *spy_server_of(struct spy_server *server, PyObject *name, PyObject *face);
PyObject *spy_options(void);
/* Whether it waits for answers of clients. */
PyObject *spy_server_waiting(struct spy_server *server);

/* ---- script.c ---- */

/* An application whose generation `current` serves (number 1).  Called are: face._load(number)
 * -> generation (then script_loaded), _swap(generation) -> None or why not, _rebind(generation,
 * most) -> (how many, whether there are more), _retire, _busy -> bool, _drop -> int,
 * _outcome(error or None, number, load_ms, sockets, rebind_ms, stall_ms, rollback: whose script
 * or 0, why), _retired(number, ended); for the way back _keep(generation) -> its texts,
 * _load_back(number, texts) -> generation, _stats(generation) -> (handled, failed, replays,
 * replays that failed). */
PyObject *spy_script_new(struct spy_loop *loop, PyObject *face, PyObject *current);
/* error None: it has loaded */
void spy_script_loaded(struct spy_script *script, PyObject *generation, PyObject *error);
void spy_script_reload(struct spy_script *script);
/* Holds from the next swap on; from within _swap: for that one. */
void spy_script_set_rollback(struct spy_script *script, double window_s, double threshold,
                             unsigned min_handlers);
void spy_script_rollback(struct spy_script *script);
void spy_script_stop(struct spy_script *script);
/* Drops all generations but the current one. */
void spy_script_free(struct spy_script *script);
/* changed() is called when one of the files was saved. */
PyObject *spy_watch_new(struct spy_loop *loop, PyObject *changed, bool poll);
/* paths: a list of str */
spy_result spy_watch_set(struct spy_watch *watch, PyObject *paths);
void spy_watch_close(struct spy_watch *watch);

/* ---- reload.c ---- */

/* The server takes over what `old` has: it is the one that serves from now on. */
spy_result spy_server_adopt(struct spy_server *server, struct spy_server *old);
/* Re-binds at most so many sockets: (how many, whether there are more). */
PyObject *spy_server_rebind(struct spy_server *server, unsigned most);
/* What waits for answers gets none any more; the server is gone for the old generation. */
void spy_server_retire(struct spy_server *server);
/* (host, port) pairs */
PyObject *spy_server_addresses(struct spy_server *server);
void spy_server_unlisten(struct spy_server *server, const char *host, int port);
bool spy_server_listens(struct spy_server *server, const char *host, int port);

/* ---- namespace.c ---- */

spy_result spy_nsp_on(struct spy_nsp *nsp, PyObject *name, PyObject *fn, int most,
                      unsigned flags, unsigned how);
/* name None: every event */
spy_result spy_nsp_event(struct spy_nsp *nsp, PyObject *name, PyObject *fn, int most,
                         unsigned flags, unsigned how);
spy_result spy_nsp_use(struct spy_nsp *nsp, PyObject *fn, int most);
/* fn None: all of that name.  Returns how many. */
spy_result spy_nsp_off(struct spy_nsp *nsp, PyObject *name, PyObject *fn);
/* error None: lets pass; data: any value, or NotImplemented for none */
spy_result spy_admit(struct spy_server *server, spy_handle socket, PyObject *error,
                     PyObject *data);
/* Another number for each namespace that is there. */
PyObject *spy_nsp_key(struct spy_nsp *nsp);
PyObject *spy_nsp_name(struct spy_nsp *nsp);
/* face: its sioc.Namespace (borrowed), None: it has none any more */
void spy_nsp_set_face(struct spy_nsp *nsp, PyObject *face);
/* The same for an event of a client, which a packet middleware is asked about. */
spy_result spy_pass(struct spy_server *server, spy_handle socket, spy_handle id,
                    PyObject *error, PyObject *data);
/* The parent of namespaces that fn accepts. */
PyObject *spy_server_match(struct spy_server *server, PyObject *fn, int most);
void spy_match(struct spy_server *server, spy_handle match, bool accepted);
/* A namespace of that name; None: there is one already, and it is not the parent's. */
PyObject *spy_nsp_child(struct spy_nsp *parent, PyObject *name);
PyObject *spy_nsp_rooms(struct spy_nsp *nsp);
PyObject *spy_nsp_size(struct spy_nsp *nsp);
/* The sockets that are meant, as sioc.Socket; target as for spy_broadcast */
PyObject *spy_sockets(struct spy_nsp *nsp, PyObject *target);
/* rooms: list; what: 0 join, 1 leave, 2 disconnect, 3 disconnect and close.  None: thread */
PyObject *spy_change_sockets(struct spy_nsp *nsp, PyObject *target, PyObject *rooms, int what);

/* ---- socket.c ---- */

spy_result spy_socket_on(struct spy_nsp *nsp, spy_handle socket, PyObject *name, PyObject *fn,
                         int most, unsigned flags, unsigned how);
spy_result spy_socket_on_outgoing(struct spy_nsp *nsp, spy_handle socket, PyObject *fn,
                                  int most, unsigned flags, unsigned how);
spy_result spy_socket_off(struct spy_nsp *nsp, spy_handle socket, PyObject *name, PyObject *fn);
spy_result spy_socket_off_outgoing(struct spy_nsp *nsp, spy_handle socket, PyObject *fn);
/* Functions, in order; name None: of every event. */
PyObject *spy_socket_listeners(struct spy_nsp *nsp, spy_handle socket, PyObject *name,
                               bool outgoing);
/* Names, in the order of registration, each once. */
PyObject *spy_socket_event_names(struct spy_nsp *nsp, spy_handle socket);
spy_result spy_socket_use(struct spy_nsp *nsp, spy_handle socket, PyObject *fn, int most);
/* what: 0 join, 1 leave, 2 disconnect, 3 disconnect and close, 4 close the connection only.
 * None: thread.  False: it is gone. */
PyObject *spy_socket_change(struct spy_nsp *nsp, spy_handle socket, PyObject *room, int what);
PyObject *spy_socket_rooms(struct spy_nsp *nsp, spy_handle socket);
/* "connected", "recovered", "transport", "protocol", "client", "address", "url", "auth",
 * "issued", "time", "secure", "xdomain", "headers", "query"; None: it is gone. */
PyObject *spy_socket_get(struct spy_nsp *nsp, spy_handle socket, const char *what);
void spy_socket_hold(struct spy_nsp *nsp, spy_handle socket);
void spy_socket_release(struct spy_nsp *nsp, spy_handle socket);

/* ---- emit.c ---- */

/* flags: 1 volatile, 2 not compressed.  ack: called with (error, answer) or None.  Return what
 * `sent` has; None: thread. */
PyObject *spy_socket_emit(struct spy_nsp *nsp, spy_handle socket, PyObject *event,
                          PyObject *args);
PyObject *spy_socket_ask(struct spy_nsp *nsp, spy_handle socket, PyObject *event,
                         PyObject *args, unsigned flags, double timeout_s, PyObject *ack);
/* target: (rooms, except, socket that is left out, local) */
PyObject *spy_broadcast(struct spy_nsp *nsp, PyObject *target, PyObject *event, PyObject *args,
                        unsigned flags, double timeout_s, PyObject *ack);
/* To the other servers of the cluster; as spy_broadcast. */
PyObject *spy_server_side_emit(struct spy_nsp *nsp, PyObject *event, PyObject *args,
                               double timeout_s, PyObject *ack);
/* An answer to the client's event. */
PyObject *spy_reply(struct spy_server *server, spy_handle socket, spy_handle id,
                    spy_handle serial, PyObject *args);
/* A copy of the arguments that nobody else can change, made of plain values. */
PyObject *spy_snapshot(struct spy_server *server, PyObject *args);

/* ---- http.c ---- */

/* Server._requested(fn, (handle, method, path, url, headers, query, params, body, address)) is
 * called for a request; headers, query and params are lists of pairs. */
spy_result spy_http_route(struct spy_server *server, const char *method, PyObject *path,
                          PyObject *fn);
/* By any method, everything below the prefix that no route is for. */
spy_result spy_http_mount(struct spy_server *server, PyObject *prefix, PyObject *fn);
spy_result spy_http_static(struct spy_server *server, PyObject *prefix, const char *dir);
/* headers: a list of (str, bytes).  Return whether there is somebody to send it to. */
PyObject *spy_request_respond(struct spy_server *server, spy_handle request, int status,
                              PyObject *headers, PyObject *body);
/* length: of the body, -1: not known.  write: None: taken, but wait for Server._drained. */
PyObject *spy_request_begin(struct spy_server *server, spy_handle request, int status,
                            PyObject *headers, long long length);
PyObject *spy_request_write(struct spy_server *server, spy_handle request, PyObject *data);
PyObject *spy_request_end(struct spy_server *server, spy_handle request);
PyObject *spy_request_abort(struct spy_server *server, spy_handle request);
/* Server._drained(request) and ._gone(request) are called from now on. */
PyObject *spy_request_watch(struct spy_server *server, spy_handle request);

/* ---- shared.c ---- */

PyObject *spy_shared_new(unsigned long long max_bytes);
/* What is written to it is seen by nobody until it is committed: how much had no room. */
PyObject *spy_shared_draft(struct spy_shared *parent);
PyObject *spy_shared_commit(struct spy_shared *draft);
PyObject *spy_shared_get(struct spy_shared *shared, PyObject *name, PyObject *key,
                         PyObject *missing);
/* object None: removes.  add: only if there is none.  Whether it was done. */
PyObject *spy_shared_set(struct spy_shared *shared, struct spy_server *server, PyObject *name,
                         PyObject *key, PyObject *object, double ttl_s, bool add);
PyObject *spy_shared_cas(struct spy_shared *shared, struct spy_server *server, PyObject *name,
                         PyObject *key, PyObject *before, PyObject *after, double ttl_s);
PyObject *spy_shared_incr(struct spy_shared *shared, PyObject *name, PyObject *key,
                          PyObject *by, double ttl_s);

/* ---- engine.c ---- */

/* fn(server, handle, method, path, ...), as a route's, for each request that would open a
 * session; answered by engine_allow (refusal None: it may), engine_give_id (None: no id). */
spy_result spy_engine_on_request(struct spy_server *server, PyObject *fn);
spy_result spy_engine_allow(struct spy_server *server, spy_handle request, PyObject *refusal);
spy_result spy_engine_on_id(struct spy_server *server, PyObject *fn);
spy_result spy_engine_give_id(struct spy_server *server, spy_handle request, PyObject *id);
/* Which of these are called from now on: 1: face._engine_error(request, code, message, pairs),
 * 2: _engine_request(request) -> None (refused) or headers, 4: _engine_headers(request,
 * initial)
 * -> headers, 8: _engine_connection(connection), 16: _engine_flush(connection, packets), 32:
 * _engine_drain(connection); a request is a tuple as a route's, headers a list of (str, str).
 */
void spy_engine_listen(struct spy_server *server, unsigned what);

/* ---- conn.c ---- */

/* The sioc.Connection, which face._connection(handle, number, protocol, address, replayed, that
 * of before or None) makes when somebody asks for it; None: it is gone. */
PyObject *spy_socket_conn(struct spy_nsp *nsp, spy_handle socket);
/* All of the Socket.IO server's. */
PyObject *spy_conns(struct spy_server *server);
/* What its _happened(kind, arguments) is told of from now on: enum sioc_conn_event_kind. */
void spy_conn_set_events(struct spy_server *server, spy_handle conn, unsigned events);
/* Whether it is queued; None: another thread. */
PyObject *spy_conn_send(struct spy_server *server, spy_handle conn, PyObject *data,
                        bool is_binary, bool compress);
PyObject *spy_conn_close(struct spy_server *server, spy_handle conn, bool discard);
void spy_conn_hold(struct spy_server *server, spy_handle conn, bool on);
/* (state, transport, writable, upgraded, packets that wait, bytes that wait), None: it is gone
 */
PyObject *spy_conn_facts(struct spy_server *server, spy_handle conn);
/* (url, headers, query) */
PyObject *spy_conn_request(struct spy_server *server, spy_handle conn);
/* route._opened(connection, replayed) is called for each. */
spy_result spy_engineio_route(struct spy_server *server, PyObject *path, PyObject *route);

/* ---- test.c ---- */

/* A client of a server that does not listen.  query: encoded pairs; headers: (str, str) pairs;
 * address: None = 127.0.0.1.  arrived() is called when something waits. */
PyObject *spy_test_open(struct spy_server *server, PyObject *query, PyObject *address,
                        PyObject *headers, PyObject *arrived);
void spy_test_close(struct spy_test *test);
/* These: whether it is open. */
spy_result spy_test_connect(struct spy_test *test, PyObject *nsp, PyObject *auth);
spy_result spy_test_disconnect(struct spy_test *test, PyObject *nsp);
/* id: of the answer, None: none is wanted. */
spy_result spy_test_send(struct spy_test *test, PyObject *nsp, PyObject *event, PyObject *args,
                         PyObject *id);
spy_result spy_test_answer(struct spy_test *test, PyObject *nsp, spy_handle id, PyObject *args);
/* ("connected", {"sid"}), ("refused", {"message", "data"}), ("event", name, args, id or None),
 * ("answer", id, args), ("disconnected",), ("closed",); None: nothing waits. */
PyObject *spy_test_next(struct spy_test *test);
/* The sioc.Socket on the other side, or None. */
PyObject *spy_test_socket(struct spy_test *test, PyObject *nsp, PyObject *id);

/* ---- websocket.c ---- */

/* route._opened(handle, request, replayed, before) -> the object of the connection, which has
 * _message(str or bytes) and _closed(code, reason). */
spy_result spy_websocket_route(struct spy_server *server, PyObject *path, PyObject *route);
/* data: str or bytes-like.  None: another thread; False: it is closed. */
PyObject *spy_websocket_send(struct spy_server *server, spy_handle handle, PyObject *data);
PyObject *spy_websocket_close(struct spy_server *server, spy_handle handle, int code,
                              PyObject *reason);
PyObject *spy_websocket_subscribe(struct spy_server *server, spy_handle handle, PyObject *topic,
                                  bool on);
PyObject *spy_websocket_topics(struct spy_server *server, spy_handle handle);
bool spy_websocket_connected(struct spy_server *server, spy_handle handle);
void spy_websocket_hold(struct spy_server *server, spy_handle handle, bool on);
PyObject *spy_publish(struct spy_server *server, PyObject *topic, PyObject *data,
                      spy_handle sender);

#endif
