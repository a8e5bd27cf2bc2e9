/* sioc/sioc.h -- the whole API.  Start with server.h; examples/hello_c is a server in 40 lines.
 */
#ifndef SIOC_SIOC_H
#define SIOC_SIOC_H

#include <sioc/adapter.h>
#include <sioc/args.h>
#include <sioc/base.h>
#include <sioc/conn.h>
#include <sioc/engine.h>
#include <sioc/http.h>
#include <sioc/log.h>
#include <sioc/loop.h>
#include <sioc/options.h>
#include <sioc/parser.h>
#include <sioc/pool.h>
#include <sioc/reload.h>
#include <sioc/script.h>
#include <sioc/server.h>
#include <sioc/shared.h>
#include <sioc/sink.h>
#include <sioc/socket.h>
#include <sioc/test.h>
#include <sioc/watch.h>
#include <sioc/websocket.h>

#endif
