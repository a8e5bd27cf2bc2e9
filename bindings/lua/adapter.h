/* bindings/lua/adapter.h -- what the files of scripts' adapters share: a call of the core, and
 * how it becomes a call of a method. */
#ifndef SLUA_ADAPTER_H
#define SLUA_ADAPTER_H

#include "api.h"

struct slua_adapter {
    struct sioc_adapter base; /* first */
    struct sioc_adapter_ops ops;
    struct slua_server *server;
    struct sioc_namespace *core;
    int table_ref, nsp_ref;
    bool has_sockets, has_fetch, has_close;
};

/* What a body needs; on the stack of the core's caller. */
struct slua_adapter_call {
    const struct slua_adapter *adapter;
    const char *method;
    struct sioc_socket *socket;
    struct sioc_str text[2]; /* a room; a pid and an offset */
    const struct sioc_str *rooms;
    size_t count;
    const struct sioc_target *target;
    struct sioc_message *message;
    const struct sioc_emit *emit;
    const struct sioc_session *session;
    uint64_t survey; /* or the socket that wants a session */
    bool close;
};

static inline struct slua_adapter *slua_adapter_of(struct sioc_adapter *adapter)
{
    return (struct slua_adapter *)adapter;
}

/* Pushes the method, and the table as its self. */
void slua_push_method(lua_State *L, const struct slua_adapter *adapter, const char *method);
/* The body's last step: calls it with so many arguments beside the self. */
int slua_call_method(lua_State *L, int arguments);
void slua_push_names(lua_State *L, const struct sioc_str *names, size_t count);
/* Pushes { rooms =, except =, flags = } of the call; a sender that is left out is its id. */
void slua_push_opts(lua_State *L, const struct slua_adapter_call *call);
/* Pushes { event, ... }, and the packet with that. */
void slua_push_packet_data(lua_State *L, struct sioc_message *message);
void slua_push_packet(lua_State *L, const struct slua_adapter_call *call);
/* Runs the body with the call as its argument 1, in a task: 0 or SIOC_ENOMEM.  Of info, done,
 * user and socket are the caller's. */
int slua_adapter_run_with(const struct slua_adapter_call *call, lua_CFunction body,
                          struct slua_task_info *info);
int slua_adapter_run(const struct slua_adapter_call *call, lua_CFunction body);

/* The core's functions that are in other files: adapter_ask.c, adapter_session.c */
int slua_adapter_on_broadcast_with_ack(struct sioc_adapter *adapter,
                                       const struct sioc_target *target,
                                       struct sioc_message *message,
                                       const struct sioc_emit *emit, uint64_t survey);
void slua_adapter_on_fetch(struct sioc_adapter *adapter, const struct sioc_target *target,
                           bool ids, uint64_t survey);
int slua_adapter_on_server_side_emit(struct sioc_adapter *adapter, struct sioc_message *message,
                                     uint64_t survey);
void slua_adapter_on_persist(struct sioc_adapter *adapter, const struct sioc_session *session);
void slua_adapter_on_restore(struct sioc_adapter *adapter, uint64_t socket, struct sioc_str pid,
                             struct sioc_str offset);

#endif
