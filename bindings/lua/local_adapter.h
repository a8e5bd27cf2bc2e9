/* bindings/lua/local_adapter.h -- between the two files of nsp.local_adapter. */
#ifndef SLUA_LOCAL_ADAPTER_H
#define SLUA_LOCAL_ADAPTER_H

#include "api.h"

/* The namespace of the adapter at index 1; raises when its server is gone. */
struct slua_nsp *slua_local_nsp(lua_State *L);
/* The table at index, { rooms =, except =, flags = }, whose names it keeps alive by userdata
 * that it pushes; flags go to *emit. */
struct sioc_target slua_check_opts(lua_State *L, int index, struct sioc_emit *emit);
/* The message of the table at index, { data = { event, ... } }.  Owned by the caller. */
struct sioc_message *slua_check_packet(lua_State *L, struct slua_nsp *nsp, int index);

/* local_answers.c: methods */
int slua_local_broadcast_with_ack(lua_State *L);
int slua_local_deliver(lua_State *L);

#endif
