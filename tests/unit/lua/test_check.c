/* sioc.check and sioc.test_socket: what a script can try out, what comes of a failure, and that
 * nothing of it is left. */
#include "helper_host.h"

#define HEAD                                                    \
    "local sioc = require 'sioc' local io = sioc.server()\n"    \
    "local function show(t) for i, e in ipairs(t.emitted) do\n" \
    "  print(i, e.name, e.n, table.unpack(e, 1, e.n)) end end\n"

/* Loads; the log and the error without the folder. */
static void cut(struct rig *rig, char *text)
{
    size_t len = strlen(rig->dir) + 1;

    for (char *at; (at = strstr(text, rig->dir)) != NULL;)
        memmove(at, at + len, strlen(at + len) + 1);
}

static void passes(const char *source, const char *log)
{
    struct rig rig;

    rig_init(&rig);
    if (rig_load(&rig, source) < 0)
        fail_msg("%s", rig.error);
    assert_string_equal(rig.log, log);
    assert_false(rig.host->checking);
    rig_free(&rig);
}

/* The first line of the error, and that there is a traceback. */
static void fails(const char *source, int code, const char *error)
{
    struct rig rig;
    char *end;

    rig_init(&rig);
    rig.config.load_timeout_s = 0.3;
    rig.config.handler_timeout_s = 0.2;
    rig.config.memory_limit_bytes = 8 << 20;
    assert_int_equal(rig_load(&rig, source), code);
    cut(&rig, rig.error);
    end = strchr(rig.error, '\n');
    if (code == SIOC_EINVAL) {
        assert_non_null(end);
        assert_true(strncmp(end, "\nstack traceback:\n", 18) == 0);
    }
    if (end)
        *end = '\0';
    assert_string_equal(rig.error, error);
    assert_string_equal(rig.log, "");
    rig_free(&rig);
}

/* ---- the socket ---- */

static void events_and_answers(void **state)
{
    (void)state;
    passes(HEAD
           "io:event('add', function(s, a, b) return a + b, {a, b} end)\n"
           "io:event('later', function(s, ack) sioc.sleep(0.01) ack('now') end)\n"
           "io:event('deaf', function() end)\n"
           "io:event('say', function(s, text, bytes) s:emit('said', text, #bytes, nil, bytes)\n"
           "  return 'delivered' end)\n"
           "io:event('ask', function(s) local r, err = s:timeout(1):emit_with_ack('q', 1)\n"
           "  s:emit('result', r or err) end)\n"
           "sioc.check(function() local t = sioc.test_socket {timeout = 0.05}\n"
           "  print(#t.id, t.connected, t.socket.id == t.id, t.socket.data)\n"
           "  local sum, list = t:receive_with_ack('add', 3, 4) print(sum, list)\n"
           "  print(t:receive_with_ack 'later')\n"
           "  print(t:receive_with_ack 'deaf') print(t:receive_with_ack 'nobody')\n"
           "  print(t:receive('say', 'h\xc3\xa9', sioc.binary '\\0\\255'))\n"
           "  print(t:expect 'said')\n"
           "  t:receive('ask') t.emitted[2].ack('fine') print(t:expect 'result')\n"
           "  print(#t.emitted, t.emitted[1].name, t.emitted[1].n, t.emitted[1][4]:str() == "
           "'\\0\\255', t.emitted[1].ack)\n"
           "  t:receive 'ask' sioc.sleep(0.01) print(t.emitted[4].ack(1, 2), t:expect 'q')\n"
           "end)",
           "20\ttrue\ttrue\t{}\n"
           "7\t[3,4]\n"
           "now\n"
           "nil\toperation has timed out\n"
           "nil\toperation has timed out\n"
           "true\n"
           "h\xc3\xa9\t2\tnil\tsioc.Buffer (2 bytes)\n"
           "fine\n"
           "3\tsaid\t4\ttrue\tnil\n"
           "true\t1\n");
}

static void whom_broadcasts_reach(void **state)
{
    (void)state;
    passes(
        HEAD
        "io:on('connection', function(s) s:join 'lobby' s.broadcast:emit('joined', s.id)\n"
        "  s:on('disconnect', function(why) io:emit('left', why) end) end)\n"
        "local room = io:of '/room'\n"
        "room:event('say', function(s, x) room:emit('said', x) end)\n"
        "sioc.check('rooms', function()\n"
        "  local a, b = sioc.test_socket(), sioc.test_socket {nsp = '/'}\n"
        "  local c = sioc.test_socket {nsp = 'room'}\n"
        "  print(a:expect 'joined' == b.id, #b.emitted, #io:fetch_sockets(), #room.sockets)\n"
        "  io:to 'lobby':except(b.id):emit('only', 'a') show(b) print(a:expect 'only')\n"
        "  c:receive('say', 7) c:receive('say', 8)\n"
        "  print(c:expect 'said', (c:expect 'said'), pcall(c.expect, c, 'said', 0.01))\n"
        "  b:disconnect() print(a:expect 'left', b.connected, b.socket)\n"
        "  c:close() print(c:receive 'say', c:receive_with_ack 'say')\n"
        "  a.socket:emit('last', 1) a.socket:disconnect(true) print(a.connected, a:expect "
        "'last')\n"
        "end)",
        "true\t0\t2\t0\n"
        "a\n"
        "7\t8\tfalse\tno \"said\" was emitted; there were: said, said\n"
        "client namespace disconnect\tfalse\tnil\n"
        "false\tnil\tdisconnected\n"
        "false\t1\n");
}

static void who_may_come_in(void **state)
{
    (void)state;
    passes(HEAD
           "io:use(function(s) local h = s.handshake sioc.sleep(0.01)\n"
           "  print(h.auth.token, h.headers['x-one'], h.query.a, h.query['b c'], h.address,\n"
           "    h.url:match '^/socket.io/' ~= nil)\n"
           "  if h.auth.token ~= 'good' then return nil, 'not you', {code = 7} end end)\n"
           "local dynamic = io:of('^/t%-%d+$', {pattern = true})\n"
           "dynamic:on('connection', function(s) s:emit('hello', s.nsp.name) end)\n"
           "sioc.check(function()\n"
           "  print(sioc.test_socket {auth = {token = 'bad'}})\n"
           "  print(sioc.test_socket {auth = {token = 'good'}, headers = {['X-One'] = '1'},\n"
           "    query = {a = 1, ['b c'] = 'd&e'}, address = '10.0.0.1'}.connected)\n"
           "  print(sioc.test_socket {nsp = '/t-7'}:expect 'hello')\n"
           "  print(sioc.test_socket {nsp = '/nowhere'})\n"
           "end)",
           "bad\tnil\tnil\tnil\t127.0.0.1\ttrue\n"
           "nil\tnot you\t{\"code\":7}\n"
           "good\t1\t1\td&e\t10.0.0.1\ttrue\n"
           "true\n"
           "/t-7\n"
           "nil\tInvalid namespace\tnil\n");
}

static void msgpack_and_recovery(void **state)
{
    (void)state;
    passes("local sioc = require 'sioc'\n"
           "local io = sioc.server {parser = 'msgpack', path = '/p/'}\n"
           "io:event('echo', function(s, a, b) return a, b end)\n"
           "local two = sioc.server {connection_state_recovery = true}\n"
           "two:event('echo', function(s, x) s:emit('e', x) end)\n"
           "sioc.check(function() local t = sioc.test_socket()\n"
           "  local a, b = t:receive_with_ack('echo', {x = {1}}, sioc.binary 'abc')\n"
           "  print(a, b:str(), t.socket.handshake.url:sub(1, 4))\n"
           "  t = sioc.test_socket {server = two} t:receive('echo', 1) print((t:expect 'e'))\n"
           "end)",
           "{\"x\":[1]}\tabc\t/p/?\n1\n");
}

/* ---- what is wrong ---- */

#define IN(body) HEAD "sioc.check('it', function()\n" body "\nend)\n"

static void failures_say_where(void **state)
{
    (void)state;
    fails(IN("error 'no'"), SIOC_EINVAL, "app.lua:5: check \"it\": no");
    fails(IN("assert(1 == 2)"), SIOC_EINVAL, "app.lua:5: check \"it\": assertion failed!");
    fails(IN("assert(false, 'at 12:30: no')"), SIOC_EINVAL,
          "app.lua:5: check \"it\": at 12:30: no");
    fails(IN("error(setmetatable({}, {__tostring = function() return 'mine' end}))"),
          SIOC_EINVAL, "app.lua:5: check \"it\": mine");
    fails(HEAD "local function helper() error('no', 2) end\n"
               "sioc.check(function()\n"
               "end)\n"
               "sioc.check(function()\n"
               "  helper()\nend)",
          SIOC_EINVAL, "app.lua:8: check 2: no");
    fails(IN("local t = sioc.test_socket() t:expect('never', 0.01)"), SIOC_EINVAL,
          "app.lua:5: check \"it\": no \"never\" was emitted");
    fails(HEAD "io:on('connection', function(s) s:emit 'a' s:emit 'b' s:disconnect() end)\n"
               "sioc.check(function() sioc.test_socket():expect('c') end)",
          SIOC_EINVAL,
          "app.lua:5: check 1: no \"c\" was emitted before it was disconnected; there were: a, "
          "b");
}

/* One that a check has called; what comes behind it is not tried. */
static void handlers_may_fail(void **state)
{
    (void)state;
    fails(HEAD "io:event('x', function() local t t.y = 1 end)\n"
               "sioc.check(function() sioc.test_socket():receive 'x' end)\n"
               "sioc.check(function() print 'never' end)",
          SIOC_EINVAL,
          "app.lua:4: check 1: error in event \"x\": attempt to index a nil value (local 't')");
    fails(HEAD "io:event('x', function(s) return print end)\n"
               "sioc.check(function() sioc.test_socket():receive_with_ack 'x' end)",
          SIOC_EINVAL,
          "app.lua:5: check 1: error in event \"x\": what the handler returned: argument 1: a "
          "function cannot be sent");
    fails(HEAD "io:use(function() error 'in the way' end)\n"
               "sioc.check(function() sioc.test_socket() end)",
          SIOC_EINVAL, "app.lua:4: check 1: error in middleware: in the way");
    fails(HEAD "io:on('disconnect', function() error 'late' end)\n"
               "sioc.check('a', function() sioc.test_socket() end)",
          SIOC_EINVAL, "app.lua:4: check \"a\": error in disconnect: late");
    fails(HEAD "io:event('x', function(s) sioc.after(0.01, function() error 'timer' end) end)\n"
               "sioc.check(function() sioc.test_socket():receive 'x' sioc.sleep(0.05) end)",
          SIOC_EINVAL, "app.lua:4: check 1: error in sioc.after: timer");
}

static void the_rules_of_loading_hold(void **state)
{
    (void)state;
    fails(IN("while true do end"), SIOC_ETIMEDOUT, /* the line is Lua's idea */
          "app.lua:4: check \"it\": handler ran longer than 0.2 s and was stopped");
    fails(IN("sioc.sleep(60)"), SIOC_ETIMEDOUT,
          "app.lua:4: check \"it\": it was not over in time");
    fails(IN("local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end"), SIOC_ENOMEM,
          "app.lua:4: check \"it\": not enough memory");
}

static void what_others_would_see_is_refused(void **state)
{
    static const char *const calls[][2] = {
        {"sioc.stop()", "sioc.stop"},           {"os.exit(0)", "os.exit"},
        {"io:listen(0)", "io:listen"},          {"io:close()", "io:close"},
        {"sioc.server()", "sioc.server"},       {"sioc.check(print)", "sioc.check"},
        {"sioc.spawn(sioc.stop)", "sioc.stop"},
    };
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char source[512], error[128];
        bool spawned = strstr(calls[i][0], "spawn") != NULL;

        snprintf(source, sizeof source, HEAD "sioc.check(function()\n%s\nend)", calls[i][0]);
        snprintf(error, sizeof error, "app.lua:%d: check 1: %s%s is not possible in a check",
                 spawned ? 4 : 5, spawned ? "error in sioc.spawn: " : "", calls[i][1]);
        fails(source, SIOC_EINVAL, error);
    }
    fails(IN("sioc.test_socket {name = '/x'}"), SIOC_EINVAL,
          "app.lua:5: check \"it\": sioc.test_socket: unknown option \"name\"");
    fails(IN("sioc.test_socket {headers = {'x'}}"), SIOC_EINVAL,
          "app.lua:5: check \"it\": sioc.test_socket: headers are strings by their names");
    fails(IN("sioc.test_socket {server = sioc}"), SIOC_EINVAL,
          "app.lua:5: check \"it\": sioc.test_socket: the option server is what sioc.server "
          "gave");
    fails(IN("local t = sioc.test_socket() sioc.spawn(t.expect, t, 'x') t:expect 'y'"),
          SIOC_EINVAL, "app.lua:5: check \"it\": somebody else waits for this test socket");
    rig_init(&rig);
    assert_int_equal(rig_load(&rig, "require 'sioc'.test_socket()"), SIOC_EINVAL);
    assert_non_null(strstr(rig.error, "app.lua:1: sioc.test_socket: only in a check"));
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, "require 'sioc'.check('a')"), SIOC_EINVAL);
    slua_host_free(rig.host);
    assert_int_equal(rig_load(&rig, HEAD "sioc.after(0.01, function()\n"
                                         "print(pcall(sioc.check, print)) sioc.stop() end)"),
                     0);
    rig_run(&rig);
    assert_non_null(strstr(rig.log, "a check belongs to the loading of the script"));
    rig_free(&rig);
}

/* ---- nothing is left ---- */

static void nothing_is_left(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(
        rig_load(&rig, HEAD
                 "local things = sioc.shared 'things' things:set('n', 1)\n"
                 "local inner = {a = 1} sioc.state.inner = inner sioc.state.list = {1, 2}\n"
                 "local ticks, waits = 0, 0\n"
                 "sioc.spawn(function() sioc.sleep(0.1) print 'of the script' end)\n"
                 "local function look() return inner == sioc.state.inner, inner.a, inner.b,\n"
                 "  sioc.state.list, sioc.state.new, things:get 'n', ticks, waits,\n"
                 "  io.metrics.sessions_opened, io.clients_count, #io:fetch_sockets() end\n"
                 "io:on('connection', function(s) s.data.here = true\n"
                 "  sioc.every(0.001, function() ticks = ticks + 1 end)\n"
                 "  sioc.after(0.1, function() print 'never' end) end)\n"
                 "io:event('write', function(s) inner.a = 2 inner.b = {} things:incr 'n'\n"
                 "  sioc.state.new = {} table.insert(sioc.state.list, 3) waits = 1\n"
                 "  s:timeout(60):emit_with_ack 'q' waits = 2 end)\n"
                 "sioc.check(function() local t = sioc.test_socket() t:receive 'write'\n"
                 "  t:expect 'q' while ticks < 3 do sioc.sleep(0.005) end ticks = 0\n"
                 "  print(look()) sioc.spawn(function() sioc.sleep(0.1) print 'never' end)\n"
                 "  sioc.state = {} end)\n"
                 "sioc.check(function() end)\n"
                 "sioc.after(0.1, function() ticks = 0 end)\n"
                 "sioc.after(0.2, function() print(look()) sioc.stop() end)"),
        0);
    rig_run(&rig);
    assert_string_equal(rig.log, "true\t2\t{}\t[1,2,3]\t{}\t2\t0\t1\t1\t1\t1\n"
                                 "of the script\n"
                                 "true\t1\tnil\t[1,2]\tnil\t1\t0\t2\t0\t0\t0\n");
    rig_free(&rig);
}

/* ---- a reload ---- */

static void on_reloaded(void *user, int code)
{
    struct rig *rig = user;

    rig->stopped = true;
    rig->exit_code = code;
    sioc_loop_stop(rig->loop);
}

static void the_time_of_a_reload_is_that_of_its_checks_too(void **state)
{
    struct rig rig;
    struct slua_app *app;

    (void)state;
    rig_init(&rig);
    rig.config.load_timeout_s = 0.5;
    rig.config.reloaded = on_reloaded;
    rig.config.port_override = 0;
    rig_file(&rig, "app.lua", HEAD "io:event('x', print)");
    assert_int_equal(slua_app_new(rig.loop, &rig.config, &app), 0);
    assert_int_equal(slua_app_load(app, rig.error, sizeof rig.error), 0);
    assert_int_equal(slua_app_start(app, rig.error, sizeof rig.error), 0);
    rig_file(&rig, "app.lua",
             HEAD "io:event('x', print) sioc.sleep(0.1)\n"
                  "sioc.check('endless', function() sioc.sleep(60) end)");
    slua_app_reload(app);
    rig_run(&rig);
    assert_int_equal(rig.exit_code, SIOC_ETIMEDOUT);
    cut(&rig, rig.log);
    assert_string_equal(rig.log, "error: reload refused, generation 1 serves on: app.lua:5: "
                                 "check \"endless\": it was not over in time\n");
    slua_app_free(app);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_and_answers),
        cmocka_unit_test(whom_broadcasts_reach),
        cmocka_unit_test(who_may_come_in),
        cmocka_unit_test(msgpack_and_recovery),
        cmocka_unit_test(failures_say_where),
        cmocka_unit_test(handlers_may_fail),
        cmocka_unit_test(the_rules_of_loading_hold),
        cmocka_unit_test(what_others_would_see_is_refused),
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(the_time_of_a_reload_is_that_of_its_checks_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
