/* bindings/lua/api.h -- what the files of the API objects share: types, servers, calls.
 *
 * Objects that scripts hold (server, namespace, socket, operator, request, response) are full
 * userdata.  Their methods carry the address of the one slua_api of the state as upvalue 1 and
 * know their own kind by the address of its metatable, so that no call looks up a name.  A
 * socket is known by its handle only; servers and namespaces are userdata that live as long as
 * the state, and a server that was freed leaves core == NULL behind.
 *
 * Knows the public headers of sioc and host.h; nothing of tasks but how to run one.
 */
#ifndef SLUA_API_H
#define SLUA_API_H

#include "host.h"

enum slua_type {
    SLUA_SERVER,
    SLUA_NAMESPACE,
    SLUA_SOCKET,
    SLUA_OPERATOR,
    SLUA_REQUEST, /* a table: what a route's handler is told */
    SLUA_RESPONSE,
    SLUA_WEBSOCKET,
    SLUA_CONN,
    SLUA_ENGINE,
    SLUA_LOCAL_ADAPTER,
    SLUA_SHARED,
    SLUA_TEST_SOCKET,
    SLUA_TYPES
};

/* One per state, a userdata that is never collected. */
struct slua_api {
    struct slua_host *host;
    const void *meta[SLUA_TYPES]; /* lua_topointer of the metatables */
    int meta_ref[SLUA_TYPES];
    int functions;                /* registry reference of a table, see slua_function_ref */
    int refusal_ref;              /* the metatable of sioc.Refusal */
    struct sioc_message *message; /* being filled; not NULL at the next one: an error struck */
    struct sioc_json_encoder *encoder;
    void (*closed)(void *user); /* of slua_servers_close */
    void *closed_user;
};

/* Code that was replaced by a reload registers nothing any more. */
static inline bool slua_is_retired(const struct slua_api *api)
{
    return api->host->retired;
}

static inline struct slua_api *slua_api(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* What a handler was registered as; its address is the `user` of the core's handler. */
enum slua_hook_flags {
    SLUA_HOOK_SERIAL = 1, /* the socket's next events wait while it waits */
    SLUA_HOOK_OWN = 2,    /* of one socket: is not told the socket */
    SLUA_HOOK_ANY = 4,    /* of every event: is told its name */
    SLUA_HOOKS = 8
};
struct slua_hook {
    struct slua_server *server;
    unsigned flags;
};

/* A namespace.  `core` of a dynamic one is referenced by its userdata: whoever keeps the
 * address of a slua_nsp keeps the userdata, too, as a user value. */
struct slua_nsp {
    struct slua_server *server;
    struct sioc_namespace *core;
};

/* A handler that may wait, and what depends on its end: an admission, held events, a request.
 */
struct slua_pending {
    struct slua_pending *next, **link; /* list of the server */
    struct slua_server *server;
    uint64_t handle;  /* of the socket or the request */
    uint64_t passage; /* of the socket's event that is asked about; 0 = none */
    /* What a handler that fails means; of those that answer (admission.c) */
    void (*refuse)(struct sioc_server *core, uint64_t handle, uint64_t passage);
    bool held; /* the socket's events are */
    bool ended;
    bool replayed; /* a WebSocket that was there before: it stays, whatever happens */
    char name[64]; /* for logs */
};

struct slua_address {
    char host[256];
    uint16_t port;
};

#define SLUA_ADDRESSES      8
#define SLUA_ERROR_HANDLERS 8

struct slua_server {
    struct slua_nsp root; /* first: a server is used as its namespace "/" */
    struct slua_api *api;
    struct slua_server *next; /* in the order of their creation */
    struct sioc_server *core; /* NULL once freed */
    struct slua_hook hooks[SLUA_HOOKS];
    int ref;         /* keeps this userdata */
    int engine_ref;  /* io.engine */
    int adapter_ref; /* the option adapter; 0: the local one */
    int address_count, error_count;
    struct slua_address addresses[SLUA_ADDRESSES]; /* asked for while the script loads */
    int errors[SLUA_ERROR_HANDLERS];               /* registry references */
    struct slua_pending *pending;
    unsigned registered; /* handlers, routes, namespaces: 0 = an empty script */
    bool serial;
    bool borrowed; /* core belongs to a later generation */
    bool started, closing, closed;
};

/* The userdata of a socket; user value 1 is `data`, 2 is `handshake`, 3 keeps the namespace. */
struct slua_socket {
    const void *type; /* &slua_socket_type: tells it from any other userdata */
    uint64_t handle;
    struct slua_nsp *nsp;
    bool reloaded; /* it was there before this generation */
    char id[32];
};

/* Who is spoken to and how: immutable, built by copying. */
struct slua_operator {
    struct slua_nsp *nsp;
    uint64_t socket;     /* direct: the receiver; else who is left out, 0 = nobody */
    uint64_t timeout_ms; /* 0 = none */
    unsigned rooms, excepts;
    bool direct, is_volatile, no_compress, local;
};

/* ---- api.c ---- */

/* Makes the metatable of a type: `methods` and, with ids from 1, `properties` (each a
 * NULL-ended list; may be NULL) behind index, a function that starts with slua_member. */
void slua_new_type(lua_State *L, struct slua_api *api, enum slua_type type, const char *name,
                   const luaL_Reg *methods, const char *const *properties, lua_CFunction index);
/* In an __index function: pushes the method and returns 0, or returns the property's id.
 * Unknown members are nil. */
int slua_member(lua_State *L);
/* Sets the metatable of the value on the top. */
void slua_set_type(lua_State *L, const struct slua_api *api, enum slua_type type);
bool slua_is(lua_State *L, const struct slua_api *api, int index, enum slua_type type);
/* The userdata at index 1, or an error that says to use a colon. */
int slua_wrong_self(lua_State *L); /* raises that */
void *slua_self(lua_State *L, const struct slua_api *api, enum slua_type type);
/* The server or namespace at index 1; the server is alive. */
struct slua_nsp *slua_self_nsp(lua_State *L);

/* A registry reference to the function at index; the same for the same function, counted, so
 * that it can be found again to take a handler off.  unref never raises. */
int slua_function_ref(lua_State *L, struct slua_api *api, int index);
int slua_function_find(lua_State *L, struct slua_api *api, int index); /* 0 = not registered */
void slua_function_unref(struct slua_api *api, intptr_t ref);

struct slua_pending *slua_pending_new(struct slua_server *server, uint64_t handle);
void slua_pending_free(struct slua_pending *pending);

/* Seconds at index as milliseconds, at least 1. */
uint64_t slua_check_ms(lua_State *L, int index);
/* The number of names from index on: an array of them, or strings up to the last argument.
 * slua_push_name pushes the i-th (from 1). */
unsigned slua_count_names(lua_State *L, int index);
struct sioc_str slua_push_name(lua_State *L, int index, unsigned i);
static inline struct sioc_str slua_check_str(lua_State *L, int index)
{
    size_t len;
    const char *text = luaL_checklstring(L, index, &len);

    return sioc_str_n(text, len);
}
static inline void slua_push_str(lua_State *L, struct sioc_str s)
{
    lua_pushlstring(L, s.ptr ? s.ptr : "", s.len);
}
/* Sets the field `name` of the table at the top. */
static inline void slua_set_str(lua_State *L, const char *name, struct sioc_str s)
{
    slua_push_str(L, s);
    lua_setfield(L, -2, name);
}
/* JSON text of the value at index in the shared encoder, valid until its next use. */
struct sioc_str slua_to_json(lua_State *L, struct slua_api *api, int index);
/* `dir` as the script means it: relative to the folder of the script.  Pushed. */
const char *slua_push_path(lua_State *L, const struct slua_api *api, const char *dir);

/* ---- options.c ---- */

/* Options from the table at index (or none) and the command line; the caller's. Raises on a
 * wrong one.  *ret_handler_timeout, the host's own business, is written when the table sets it;
 * the rest of that kind goes to the host's settings.
 */
struct sioc_options *slua_options(lua_State *L, const struct slua_api *api, int index,
                                  double *ret_handler_timeout);

/* ---- namespace.c, dynamic.c, server.c ---- */

void slua_open_namespace(lua_State *L, struct slua_api *api);
extern const luaL_Reg slua_namespace_methods[];
void slua_push_rooms(lua_State *L, const struct sioc_namespace *core);
void slua_nsp_init(lua_State *L, struct slua_nsp *nsp, struct slua_server *server,
                   struct sioc_namespace *core);
int slua_nsp_gc(lua_State *L);
int slua_server_of(lua_State *L); /* io:of */
/* The core's handler of what middleware of sockets refuses, user = the server: tells the
 * server's "error" handlers. */
void slua_on_refused(void *user, intptr_t ref, struct sioc_event *event);
/* The namespaces of the server are those of `live` from now on, which has adopted it. */
void slua_move_namespaces(struct slua_server *server, struct sioc_server *live);
/* Pushes the namespace's object, made when there is none: for "/" the server. */
struct slua_nsp *slua_push_nsp(lua_State *L, struct slua_server *server,
                               struct sioc_namespace *core);
/* The handler of the function at index (a new reference). */
struct sioc_handler slua_handler(lua_State *L, struct slua_nsp *nsp, unsigned flags, int index,
                                 int options);
/* Raises what a registration that failed means. */
int slua_refused(lua_State *L, int code, const char *name);
/* Takes off the handlers of `name`: of all functions, or of the one at index 3. */
int slua_off(lua_State *L, struct slua_nsp *nsp, struct sioc_socket *socket,
             struct sioc_str name, int index);

/* ---- socket.c, listeners.c, handshake.c ---- */

void slua_open_socket(lua_State *L, struct slua_api *api);
extern const luaL_Reg slua_listener_methods[];
extern const char slua_socket_type;
/* As slua_self, but it looks into the userdata, not for its metatable: 60 instructions less. */
static inline struct slua_socket *slua_self_socket(lua_State *L)
{
    struct slua_socket *s = lua_touserdata(L, 1);

    if (!s || lua_rawlen(L, 1) < sizeof *s || s->type != &slua_socket_type)
        slua_wrong_self(L);
    return s;
}
/* A userdata for the socket, and (unless the host is retired) its one from now on. */
struct slua_socket *slua_new_socket(lua_State *L, struct slua_server *server,
                                    struct sioc_socket *socket);
enum { SLUA_SOCKET_DATA = 1, SLUA_SOCKET_HANDSHAKE, SLUA_SOCKET_NSP, SLUA_SOCKET_VALUES = 3 };
/* Pushes the one userdata of the socket. */
void slua_push_socket(lua_State *L, struct slua_server *server, struct sioc_socket *socket);
/* Pushes a fresh list of its rooms; socket may be NULL. */
void slua_push_socket_rooms(lua_State *L, const struct sioc_socket *socket);
/* Pushes the table of the socket's handshake; socket may be NULL (it is gone). */
void slua_push_handshake(lua_State *L, const struct sioc_socket *socket);
/* Pushes the first request of a connection, as those of http.c look; conn may be NULL. */
void slua_push_first_request(lua_State *L, const struct slua_api *api,
                             const struct sioc_conn *conn);

/* connection state recovery (recovery.c) */
/* As sioc_server_on_socket_save wants it; user is the slua_server. */
int slua_save_data(void *user, struct sioc_socket *socket, struct sioc_sink *sink);
/* Pushes what socket.data is at first: an empty table, or that of the session before. */
void slua_push_data(lua_State *L, const struct sioc_socket *socket);
static inline struct sioc_socket *slua_find_socket(const struct slua_socket *s)
{
    struct sioc_server *core = s->nsp->server->core;

    return core ? sioc_socket_find(core, s->handle) : NULL;
}

/* ---- broadcast.c: operators, and the functions that sockets and namespaces share with them */

void slua_open_operator(lua_State *L, struct slua_api *api);
int slua_op_to(lua_State *L);
int slua_op_except(lua_State *L);
int slua_op_compress(lua_State *L);
int slua_op_timeout(lua_State *L);
int slua_op_emit(lua_State *L);
int slua_op_send(lua_State *L);
int slua_op_emit_with_ack(lua_State *L);
int slua_op_sockets_join(lua_State *L);
int slua_op_sockets_leave(lua_State *L);
int slua_op_disconnect_sockets(lua_State *L);
int slua_op_fetch_sockets(lua_State *L);
int slua_op_all_sockets(lua_State *L);
int slua_op_server_side_emit(lua_State *L);
int slua_op_server_side_emit_with_ack(lua_State *L);
enum slua_op_property {
    SLUA_OP_VOLATILE = 1,
    SLUA_OP_LOCAL,
    SLUA_OP_LOCAL_,
    SLUA_OP_BROADCAST,
    SLUA_OP_LAST = SLUA_OP_BROADCAST
};
#define SLUA_OP_PROPERTIES "volatile", "local", "local_", "broadcast"
/* Who is meant; names: the rooms, then the excepted ones. */
struct sioc_target slua_target(const struct slua_operator *op, const struct sioc_str *names);
/* Pushes the operator that the property means for the object at index 1. */
int slua_op_property(lua_State *L, int property);

/* What namespaces and operators have in common. */
#define SLUA_OP_METHODS                                                                       \
    {"to", slua_op_to}, {"in_", slua_op_to}, {"except", slua_op_except},                      \
        {"compress", slua_op_compress}, {"timeout", slua_op_timeout}, {"emit", slua_op_emit}, \
        {"send", slua_op_send}, {"write", slua_op_send},                                      \
        {"emit_with_ack", slua_op_emit_with_ack}, {"sockets_join", slua_op_sockets_join},     \
        {"sockets_leave", slua_op_sockets_leave},                                             \
        {"disconnect_sockets", slua_op_disconnect_sockets},                                   \
        {"fetch_sockets", slua_op_fetch_sockets},                                             \
    {                                                                                         \
        "all_sockets", slua_op_all_sockets                                                    \
    }

/* ---- adapter.c, local_adapter.c, remote.c ---- */

/* The option adapter, for the namespaces of a server that begins to serve. */
void slua_adapters_start(struct slua_server *server);
/* Pushes the script's adapter of the namespace, or the local one. */
void slua_push_adapter(lua_State *L, struct slua_nsp *nsp);
void slua_open_local_adapter(lua_State *L, struct slua_api *api);
void slua_push_local_adapter(lua_State *L, struct slua_nsp *nsp);
/* The names in the list at index, in a userdata that is pushed; the list keeps them alive. */
const struct sioc_str *slua_check_names(lua_State *L, int index, size_t *ret_count);
/* The message of the list at index, { event, ... }; raises what is wrong with it. */
struct sioc_message *slua_check_message(lua_State *L, struct slua_nsp *nsp, int index,
                                        bool for_servers);
/* Whether the handler waits for an answer that an adapter of this host wants. */
bool slua_is_local_answer(const struct sioc_handler *handler, const struct slua_host *host);
bool slua_is_servers_reply(const struct sioc_handler *handler, const struct slua_host *host);
/* Pushes a list of the sockets of this server that are meant. */
void slua_push_sockets(lua_State *L, struct slua_nsp *nsp, const struct sioc_target *target);
/* Makes a list of their ids of it, at the top. */
void slua_to_ids(lua_State *L);
/* The list at the top has ids of sockets that are here, and tables of those elsewhere: both
 * become sockets. */
void slua_to_sockets(lua_State *L, struct slua_nsp *nsp);
void slua_push_remote_meta(lua_State *L, struct slua_nsp *nsp);

/* ---- emit.c ---- */

/* The event at index `first` with what follows it, to one socket. One boolean is pushed. */
int slua_emit(lua_State *L, const struct slua_operator *to, int first);
int slua_emit_with_ack(lua_State *L, const struct slua_operator *to, int first);
/* The same to many. */
int slua_emit_to_many(lua_State *L, const struct slua_operator *to,
                      const struct sioc_str *names, int first);
int slua_ask_many(lua_State *L, const struct slua_operator *to, const struct sioc_str *names,
                  int first);
/* And to the other servers of the cluster. */
int slua_emit_to_servers(lua_State *L, const struct slua_operator *to, int first);
int slua_ask_servers(lua_State *L, const struct slua_operator *to, int first);

/* ---- ack.c ---- */

/* Pushes the function that answers. */
void slua_push_answer(lua_State *L, struct slua_server *server, struct sioc_reply reply);
/* Puts the arguments from `first` to `last` into the message (taken on failure). On failure a
 * message is pushed. */
int slua_fill(lua_State *L, struct slua_api *api, struct sioc_message *message, int first,
              int last);
/* How an emit asks for an answer, or many sockets for theirs: by callback (a registry
 * reference) or by waking a task. */
struct sioc_handler slua_ack_callback(struct slua_server *server, int ref, bool many);
struct sioc_handler slua_ack_task(struct slua_server *server, uint64_t task, bool many);
/* While a connection handler is replayed nothing is sent; scripts are told "reload". */
#define SLUA_MUTED SIOC_ESTATE
/* What scripts are told instead of an answer. */
const char *slua_why_not(int code);
/* Nobody in this host waits for an answer any more. */
void slua_acks_forget(struct slua_host *host);
/* Calls the callback with an error now: the message could not be sent. */
void slua_ack_fail(struct slua_server *server, uint64_t socket, int ref, int code);

/* ---- admission.c: handlers whose answer the core waits for ---- */

/* What the core calls about, on its stack: valid until the handler first waits. */
struct slua_call {
    struct slua_hook *hook;
    intptr_t ref;
    struct sioc_event *event;
};
/* Run the handler of MIDDLEWARE and of PACKET; 0, or SIOC_ENOMEM (the answer was no then). */
int slua_ask_admission(struct slua_call *call, struct slua_task_info *info);
int slua_ask_passage(struct slua_call *call, struct slua_task_info *info);
int slua_ask_match(struct slua_call *call, struct slua_task_info *info);
/* Pushes what "error" handlers of a socket are told of an event that was refused. */
void slua_push_refusal(lua_State *L, struct slua_api *api, const struct sioc_event *event);
void slua_open_admission(lua_State *L, struct slua_api *api);
/* ---- carry.c: what survives a generation ---- */

/* The core re-binds a socket: it gets a userdata of this host, with the data it had. */
void slua_on_rebind(void *user, struct sioc_socket *socket);
/* What an object of the old host (registry reference `ref` there) has as `user_value` is copied
 * to the object on the top of L; what: for the log. */
void slua_carry_data(lua_State *L, struct slua_host *old, intptr_t ref, int user_value,
                     const char *what);

/* ---- shell.c: the tables that were copied ---- */

struct slua_shell {
    enum { SLUA_SHELL_STATE, SLUA_SHELL_SOCKET, SLUA_SHELL_WEBSOCKET, SLUA_SHELL_CONN } what;
    struct sioc_server *core; /* outlives the host that the shell is in */
    uint64_t handle;
};
/* The table on the top of L (which goes) becomes a shell. */
void slua_make_shell(lua_State *L, const struct slua_shell *shell);
/* After slua_carry_data: the old object goes; its data become a shell if anybody may still
 * have them. */
void slua_leave_data(struct slua_host *old, intptr_t ref, int user_value,
                     const struct slua_shell *shell);
/* The same, but the old object stays. */
void slua_leave_shell(struct slua_host *old, intptr_t ref, int user_value,
                      const struct slua_shell *shell);
/* Pushes sioc.state, or at least something; whether it is a table. */
bool slua_push_state(lua_State *L);

/* ---- server.c, for reload.c ---- */

/* The command line beats the script, for the first server. */
void slua_servers_settle(struct slua_host *host);
int slua_open_address(struct slua_server *server, struct sioc_server *core,
                      const struct slua_address *address, char *ret_error, size_t cap);

/* ---- dispatch.c ---- */

/* Pushes the arguments of a client's event.  Returns whether the client wants an answer (its
 * function is the last argument then), or that they cannot be read: no fault of the script, and
 * the core deals with the client. */
int slua_push_client_event(lua_State *L, const struct slua_call *call);

/* The core's handler for every function of a script. */
void slua_on_event(void *user, intptr_t ref, struct sioc_event *event);
void slua_on_drop(void *user, intptr_t ref);

/* ---- shared.c ---- */

/* Adds `shared` to the table on the top. */
void slua_open_shared(lua_State *L, struct slua_api *api);

/* ---- emitter.c: handlers by event, in user value 1 of an object; events are numbers from 1 */

/* Of the userdata at the top. */
void slua_emitter_init(lua_State *L);
/* In a method: the function at 3 goes behind the others. */
void slua_emitter_add(lua_State *L, int event, bool once);
/* Takes the function at 3 off, or all of them (nil); how many.  The stack has 3 values then. */
int slua_emitter_remove(lua_State *L, int event);
int slua_emitter_count(lua_State *L, int object, int event);
/* Pushes the list of the event; nil when there are no handlers. */
void slua_emitter_push(lua_State *L, int object, int event);
/* Makes the entry of a list at the top the function that it is; false: it is not to be called.
 */
bool slua_emitter_entry(lua_State *L, int object, int event);

/* One event on its way through its handlers:
 *   for (e.index = e.count = 1; e.index <= e.count; e.index++) run a body: if
 * (slua_emission_next (L, object, event, &e)) the handler is on the top;
 * slua_emission_end(host, &e) */
struct slua_emission {
    int index, count;
    int list_ref;
};
bool slua_emission_next(lua_State *L, int object, int event, struct slua_emission *emission);
void slua_emission_end(struct slua_host *host, struct slua_emission *emission);

/* ---- conn.c ---- */

void slua_open_conn(lua_State *L, struct slua_api *api);
/* Pushes the one userdata of the connection; one that is closed for NULL. */
void slua_push_conn(lua_State *L, struct slua_server *server, struct sioc_conn *conn);
/* Pushes conn.data of the connection, if it has a userdata in that host. */
bool slua_push_conn_data(lua_State *L, const struct slua_host *host,
                         const struct sioc_conn *conn);
/* Pushes a list of {type =, data =, compress =}. */
void slua_push_packets(lua_State *L, const struct sioc_conn_event *event);

/* ---- engineio.c ---- */

extern const luaL_Reg slua_engineio_routes[];

/* ---- engine.c ---- */

void slua_open_engine(lua_State *L, struct slua_api *api);
/* Makes io.engine; the server needs no core yet. */
void slua_engine_new(lua_State *L, struct slua_server *server);

/* ---- questions.c ---- */

/* The functions among the options at that index. */
void slua_engine_options(lua_State *L, struct slua_server *server, int options);

/* ---- http.c, exchange.c ---- */

extern const luaL_Reg slua_http_methods[];
/* Pushes the request's table; without its body it is only what the head says. */
void slua_push_request(lua_State *L, const struct slua_api *api, struct sioc_request *request,
                       bool with_body);
/* Pushes the request's table, and the object that answers it. */
void slua_push_exchange(lua_State *L, struct slua_server *server, struct sioc_request *request);
/* Answers with what a handler returned, the values from `first` up, unless it has answered
 * itself.  response: stack index. */
void slua_respond_with(lua_State *L, int response, int first);
void slua_open_exchange(lua_State *L, struct slua_api *api);

/* ---- websocket.c ---- */

extern const luaL_Reg slua_websocket_routes[];
/* Pushes ws.data of the userdata at that index. */
void slua_push_websocket_data(lua_State *L, int index);
/* What a message holds: a string, or a sioc.Buffer of binary data. */
void slua_push_data_of(lua_State *L, struct sioc_str data, bool is_binary);
/* The string or sioc.Buffer at index; *ret_binary: the latter. */
struct sioc_str slua_check_data(lua_State *L, int index, bool *ret_binary);
/* Pushes true, or false and why not, and returns how many. */
int slua_push_sent(lua_State *L, int code);
void slua_open_websocket(lua_State *L, struct slua_api *api);

#define SLUA_BAD_JSON "invalid JSON in the request body"

#endif
