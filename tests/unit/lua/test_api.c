/* The API objects without a client: what they are, and what they refuse. */
#include "helper_host.h"

#define HEAD                                               \
    "local sioc = require 'sioc'\n"                        \
    "local io = sioc.server()\n"                           \
    "local function refuses(fn, ...)\n"                    \
    "  local ok, why = pcall(fn, ...)\n"                   \
    "  print(ok, (tostring(why):gsub('^.-:%d+: ', '')))\n" \
    "end\n"
#define TAIL "\nsioc.stop()"

static void namespaces(void **state)
{
    (void)state;
    rig_script(HEAD "print(io:of('/') == io, io.name, io.sockets == io)\n"
                    "print(io:of('/a') == io:of('a'), io:of('/a').name, io:of('/b').name)\n"
                    "print(next(io:of('/a').sockets), #io:fetch_sockets(), io.clients_count)\n"
                    "print(io.nonsense, getmetatable(io))\n" TAIL,
               "true\t/\ttrue\ntrue\t/a\t/b\nnil\t0\t0\nnil\tfalse\n");
}

static void operators_are_values(void **state)
{
    (void)state;
    rig_script(HEAD "local red = io:to('red')\n"
                    "print(red ~= red:to('blue'), red ~= red.volatile)\n"
                    "local all = io:to{'a', 'b', 3}:in_('c'):except('d'):except{'e', 'f'}\n"
                    "all = all.volatile:compress(false):timeout(1).local_['local'].broadcast\n"
                    "collectgarbage()\n"
                    "print(all:emit('x', 1), io:emit('y'), io:of('/n').volatile:emit('z'))\n"
                    "print(all:send('hello'), #all:fetch_sockets())\n"
                    "all:sockets_join('a') all:sockets_leave{'a', 'b'}\n"
                    "all:disconnect_sockets(true)\n" TAIL,
               "true\ttrue\ntrue\ttrue\ttrue\ntrue\t0\n");
}

static void wrong_calls_are_explained(void **state)
{
    (void)state;
    rig_script(
        HEAD "refuses(io.to, 'red')\n"
             "refuses(io.on, io, 'chat', print)\n"
             "refuses(io.on, io, 'connection')\n"
             "refuses(io.event, io, 'connect', print)\n"
             "refuses(io.emit, io, 'disconnect')\n"
             "refuses(io.emit, io)\n"
             "refuses(io.emit, io, 'x', 1, { a = { 1, print } })\n"
             "refuses(io.emit, io, 'x', { a = { b = '\\xff' } })\n"
             "refuses(io.to, io, {{}})\n"
             "refuses(io.timeout, io, -1)\n"
             "refuses(io.listen, io, 70000)\n"
             "refuses(io.of, io, '^%', { pattern = true })\n"
             "refuses(io.websocket, io, 'x', print)\n"
             "refuses(io.publish, io, 't', '\\255')\n"
             "refuses(io.static, io, '/', 'no such folder')\n" TAIL,
        "false\tthis is a method: call it with a colon, as in io:emit(...) or "
        "socket:emit(...)\n"
        "false\ton(\"chat\"): a server hears of \"connection\", \"disconnecting\", "
        "\"disconnect\", \"reload\" and \"error\"; for what clients send there are "
        "io:event(name, "
        "function(socket, ...) end) and socket:on\n"
        "false\tbad argument #3 to '?' (function expected, got no value)\n"
        "false\t\"connect\" is a reserved event name\n"
        "false\t\"disconnect\" is a reserved event name\n"
        "false\tbad argument #2 to '?' (string expected, got no value)\n"
        "false\targument 2: field \"a[2]\": a function cannot be sent\n"
        "false\targument 1: field \"a.b\": not valid UTF-8; use sioc.binary() for raw bytes\n"
        "false\tbad argument #2 to '?' (the name of a room, or an array of names, expected)\n"
        "false\tbad argument #2 to '?' (a time in seconds expected, 0 or more)\n"
        "false\tbad argument #2 to '?' (a port from 0 to 65535 expected)\n"
        "false\tmalformed pattern (ends with '%')\n"
        "false\twebsocket x: invalid argument\n"
        "false\tnot valid UTF-8; use sioc.binary() for raw bytes\n"
        "false\tstatic folder \"no such folder\": there is no readable folder of that "
        "name\n");
}

/* Nobody is there, so all have answered. */
static void asking_nobody(void **state)
{
    (void)state;
    rig_script(HEAD "local answers, why = io:timeout(1):emit_with_ack('q')\n"
                    "print(#answers, sioc.json.encode(answers), why)\n"
                    "io:timeout(1):emit('q', function(err, list)\n"
                    "  print(err, sioc.json.encode(list)) sioc.stop() end)\n",
               "0\t[]\tnil\nnil\t[]\n");
}

static void handlers_come_and_go(void **state)
{
    (void)state;
    rig_script(HEAD "local function f() end\n"
                    "for i = 1, 100 do\n"
                    "  io:on('connection', f) io:event('x', f, { serial = true })\n"
                    "  io:once('disconnect', f) io:use(f)\n"
                    "end\n"
                    "io:off('connection', f) io:off('connection', f) io:off('nobody')\n"
                    "io:off('x') io:off('x', f) io:off('disconnect', print)\n"
                    "for i = 1, 8 do io:on('error', f) end\n"
                    "refuses(io.on, io, 'error', f)\n"
                    "io:off('error', f) io:on('error', f) io:off('error')\n"
                    "collectgarbage() collectgarbage()\n" TAIL,
               "false\tmore than 8 \"error\" handlers\n");
}

static void routes(void **state)
{
    (void)state;
    rig_script(HEAD "io:get('/x', print)\n"
                    "refuses(io.get, io, '/x', print)\n"
                    "refuses(io.get, io, 'x', print)\n" TAIL,
               "false\tGET /x: there is a handler already\n"
               "false\tGET x: invalid argument\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(namespaces),
        cmocka_unit_test(operators_are_values),
        cmocka_unit_test(wrong_calls_are_explained),
        cmocka_unit_test(asking_nobody),
        cmocka_unit_test(handlers_come_and_go),
        cmocka_unit_test(routes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
