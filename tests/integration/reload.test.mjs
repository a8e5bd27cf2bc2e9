// Hot reload: one test for each rule, by its number (docs/reload.md), and scripts that must never take effect.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import net from 'node:net';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { App, ask, next } from './lib/app.mjs';
import { program, siocOnly } from './lib/server.mjs';
import { pause } from './lib/wire.mjs';

const run = promisify(execFile);
const HEAD = 'local sioc = require "sioc"\nlocal io = sioc.server {}\n';
// A script: the head, and a version that clients can ask for.
const script = (version, body = '') => `${HEAD}io:event("version", function() return "${version}" end)\n${body}\n`;
const get = async (app, path, options) => {
  const response = await fetch(app.url + path, options);
  return `${response.status} ${await response.text()}`;
};

// Whether anybody accepts there; fetch would use a connection that it has.
const connects = (url) => new Promise((resolve) => {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

describe('reload', siocOnly('the reference cannot'), () => {
  it('R1: SIGHUP and `sioc reload` ask for it; what is asked meanwhile becomes one more', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    assert.equal(await ask(client, 'version'), 'a');
    assert.deepEqual(await app.reload(script('b')), { generation: 2, sockets: 1 });
    assert.equal(await ask(client, 'version'), 'b');
    for (const [n, args] of [['c', ['--port', String(app.port)]], ['d', ['--pid', String(app.process.child.pid)]]]) {
      const before = app.outcomes().length;
      await app.save(script(n));
      const { stdout } = await run(program, ['reload', ...args]);
      assert.match(stdout, new RegExp(`process ${app.process.child.pid} reloads`));
      await app.outcome(before);
      assert.equal(await ask(client, 'version'), n);
    }
    // The load waits; five more triggers come, which are one more reload.
    await app.save(script('e', 'sioc.log.info("loading") sioc.sleep(0.4)'));
    const before = app.outcomes().length;
    app.process.kill('SIGHUP');
    await app.logged(/loading/);
    for (let i = 0; i < 5; i += 1) { app.process.kill('SIGHUP'); await pause(20); }
    await app.outcome(before + 1);
    await pause(600);
    assert.equal(app.outcomes().length, before + 2);
    assert.deepEqual(client.gone, []);
  }));

  it('R1: `sioc reload` says when there is nobody', async () => {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(run(program, ['reload', '--port', String(port)]), /nobody listens on port/);
  });

  it('R2: nothing of a script is visible before it has loaded whole', () => App.run(script('a', 'sioc.state.kept = "yes"'), async (app) => {
    const client = await app.client();
    const half = script('b', `sioc.state.kept = "no"
      io:emit("leak", 1) io:get("/new", function() return "new" end)
      sioc.every(0.01, function() io:emit("leak", 2) end)
      io:listen(0) sioc.sleep(0.3)`);
    await app.refused(`${half} error("on purpose")`, /on purpose/);
    assert.match(app.log(), /app\.lua:\d+: on purpose\n\s*stack traceback:/);
    await app.refused(`${half} local t = nil; t.x = 1`, /attempt to index a nil value/);
    await app.refused(`${half} )`, /unexpected symbol near '\)'/);
    assert.equal(await get(app, '/new'), '404 Not Found\n');
    assert.equal(await ask(client, 'version'), 'a');
    await app.swap(script('c', 'io:event("kept", function() return sioc.state.kept end)'));
    assert.equal(await ask(client, 'kept'), 'yes');
    assert.deepEqual(client.heard, []);
    assert.equal(app.process.out.match(/listening/g).length, 1);
  }));

  it('R3: a script that registers nothing is refused', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    await app.refused('', /registers no handler/);
    await app.refused(HEAD, /registers no handler/);
    await app.refused(`${HEAD}local function later() io:on("connection", print) end`, /registers no handler/);
    assert.equal(await ask(client, 'version'), 'a');
  }));

  it('R4: one worker tries a script before the others', { skip: 'there is one worker so far' }, () => {});

  it('R5: the next event, connection and request is the new code\'s', () => {
    const version = (n) => script(n, `
      io:on("connection", function(s) s:emit("welcome", "${n}") end)
      io:use(function(s) s.data.by = (s.data.by or "") .. "${n}" end)
      io:event("by", function(s) return s.data.by end)
      io:get("/version", function() return "${n}" end)
      io:get("/only-${n}", function() return "here" end)`);
    return App.run(version('a'), async (app) => {
      const first = await app.client();
      await app.swap(version('b'));
      assert.equal(await ask(first, 'version'), 'b');
      assert.equal(await ask(first, 'by'), 'a', 'middleware is not run again (R17)');
      const second = await app.client();
      assert.equal(await ask(second, 'by'), 'b');
      assert.deepEqual(second.heard, [['welcome', 'b']]);
      assert.deepEqual(first.heard, [['welcome', 'a']]);
      assert.equal(await get(app, '/version'), '200 b');
      assert.equal(await get(app, '/only-b'), '200 here');
      assert.equal(await get(app, '/only-a'), '404 Not Found\n');
    });
  });

  it('R6: live sockets get the handlers of the new connection handler, and lose the old ones', () => {
    const version = (n) => script(n, `
      io:on("connection", function(s)
        s:on("own", function() return "${n}", s.reloaded end)
        s:on("own ${n}", function() return true end)
        s:on_any(function(name) sioc.state.any = (sioc.state.any or "") .. "${n}" end)
      end)
      io:event("any", function() return sioc.state.any end)`);
    return App.run(version('a'), async (app) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => app.client()));
      assert.equal(await clients[0].timeout(9000).emitWithAck('own'), 'a');
      assert.equal((await app.swap(version('b'))).sockets, 20);
      for (const client of clients) {
        const answer = await new Promise((resolve) => client.emit('own', (...args) => resolve(args)));
        assert.deepEqual(answer, ['b', true]);
      }
      const fresh = await app.client();
      assert.deepEqual(await new Promise((resolve) => fresh.emit('own', (...args) => resolve(args))), ['b', false]);
      await assert.rejects(clients[3].timeout(300).emitWithAck('own a'), 'the old handler is gone');
      assert.equal(await ask(clients[3], 'own b'), true);
      assert.match(await ask(clients[3], 'any'), /^ab+$/);
      assert.deepEqual(clients.flatMap((client) => client.gone), []);
    });
  });

  it('R7: the replayed connection handler is muted, across waits; "reload" is not', () => {
    const version = (n) => script(n, `
      io:on("connection", function(s)
        local sent = s:emit("greeting", "${n}")
        io:emit("joined", s.id)
        s.broadcast:emit("joined", s.id)
        local r, err = s:timeout(5):emit_with_ack("question")
        s:emit("question 2", function(err) s.data.callback = err end)
        sioc.sleep(0.05)
        io:to("room"):emit("later", s.id)
        s:join("room ${n}")
        if s.reloaded then s:disconnect(true) io:disconnect_sockets() s.conn:close() end
        s.data.seen = { sent, r or sioc.null, err or sioc.null }
        s:on("seen", function() return s.data.seen, s.rooms, s.data.callback end)
      end)
      io:on("reload", function(s) s:emit("reloaded", "${n}", s.reloaded) end)`);
    return App.run(version('a'), async (app) => {
      const client = await app.client('/', {}, (socket) => {
        socket.on('question', (answer) => answer('fine'));
        socket.on('question 2', (answer) => answer());
      });
      const seen = () => new Promise((resolve) => client.emit('seen', (...args) => resolve(args)));
      assert.deepEqual((await seen())[0], [true, 'fine', null]);
      client.heard.length = 0;
      const reloaded = next(client, 'reloaded');
      await app.swap(version('b'));
      assert.deepEqual(await reloaded, ['b', true]);
      const [values, rooms, callback] = await seen();
      assert.deepEqual(values, [false, null, 'reload']);
      assert.equal(callback, 'reload');
      assert.deepEqual(rooms, [client.id, 'room a', 'room b'], 'rooms stay, joining works');
      assert.deepEqual(client.heard, [['reloaded', 'b', true]]);
      assert.deepEqual(client.gone, []);
    });
  });

  it('R8: handlers of the namespace need no replay; a socket\'s own goes before', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    await app.swap(script('b', 'io:on("connection", function(s) s:on("version", function() return "own" end) end)'));
    assert.equal(await ask(client, 'version'), 'own');
    await app.swap(script('c'));
    assert.equal(await ask(client, 'version'), 'c');
  }));

  it('R9: events that come while the replay waits are held, in order', () => {
    const version = (wait) => script('x', `
      io:on("connection", function(s)
        sioc.sleep(${wait})
        local seen = {}
        s:on("n", function(n) seen[#seen + 1] = n return sioc.array(seen) end)
      end)`);
    return App.run(version(0), async (app) => {
      const client = await app.client();
      await ask(client, 'n', 0);
      await app.swap(version(0.5));
      const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => ask(client, 'n', n)));
      assert.deepEqual(answers.at(-1), [1, 2, 3, 4, 5]);
    });
  });

  it('R10: what waits finishes in its own generation, and still answers', () => App.run(script('a', `
      io:on("connection", function(s)
        s:on("slow", function() sioc.sleep(0.5) s:emit("note", "a") s:on("late", print) io:on("connection", print) return "a" end)
      end)
      io:event("slow 2", function(s) sioc.sleep(0.5) return "a", s.connected, s.id end)`), async (app) => {
    const client = await app.client();
    const slow = ask(client, 'slow');
    const slow2 = new Promise((resolve) => client.emit('slow 2', (...args) => resolve(args)));
    await pause(50);
    await app.swap(script('b'));
    assert.equal(await ask(client, 'version'), 'b');
    assert.equal(await slow, 'a');
    assert.deepEqual(await slow2, ['a', true, client.id]);
    assert.deepEqual(client.heard, [['note', 'a']]);
    await assert.rejects(client.timeout(200).emitWithAck('late'), 'handlers of replaced code are not taken');
  }));

  it('R11: acks both ways go on', () => App.run(script('a', `
      local pending
      io:event("keep", function(s, ack) pending = ack sioc.after(0.4, function() pending("kept by a") end) end)
      io:event("ask", function(s) s:emit("q", function(err, r) s:emit("callback", err or sioc.null, r) end)
        return (s:timeout(5):emit_with_ack("q2")) end)`), async (app) => {
    const client = await app.client();
    const answers = [];
    client.on('q', (answer) => answers.push(() => answer('one')));
    client.on('q2', (answer) => answers.push(() => answer('two')));
    // A handler that keeps its ack answers with nil by itself: so it is asked without return.
    const kept = new Promise((resolve) => client.emit('keep', resolve));
    const asked = ask(client, 'ask');
    await pause(100);
    await app.swap(script('b'));
    const callback = next(client, 'callback');
    for (const answer of answers) answer();
    assert.equal(await asked, 'two');
    assert.deepEqual(await callback, [null, 'one']);
    assert.equal(await kept, 'kept by a');
    assert.deepEqual(client.gone, []);
  }));

  it('R12: intervals stop at the swap, one-shot timers still come', () => {
    const version = (n) => script(n, `
      sioc.every(0.02, function() io:emit("tick", "${n}") end)
      sioc.after(0.4, function() io:emit("once", "${n}") end)
      io:on("connection", function(s) sioc.every(0.02, function() s:emit("own tick", "${n}") end) end)`);
    return App.run(version('a'), async (app) => {
      const client = await app.client();
      await next(client, 'own tick');
      await app.swap(version('b'));
      await ask(client, 'version');
      client.heard.length = 0;
      await next(client, 'once');
      await next(client, 'once');
      const ticks = client.heard.filter(([name]) => name.endsWith('tick'));
      assert.ok(ticks.some(([name]) => name === 'own tick') && ticks.some(([name]) => name === 'tick'));
      assert.deepEqual(ticks.filter(([, by]) => by !== 'b'), []);
      assert.deepEqual(client.heard.filter(([name]) => name === 'once').map(([, by]) => by).sort(), ['a', 'b']);
    });
  });

  it('R13: at most two generations finish; the oldest is told "retired" and ended', () => {
    const version = (n) => script(n, `
      io:event("sleep", function(s) local r, why = sioc.sleep(60) s:emit("woken", "${n}", why) sioc.sleep(60) return "never" end)
      io:event("wait", function(s) local r, why = s:timeout(60):emit_with_ack("silence") s:emit("waited", "${n}", why) end)
      io:event("quick", function() sioc.sleep(0.2) return "${n}" end)
      sioc.on_unload(function() sioc.log.info("unload ${n}") end)`);
    return App.run(version('a'), async (app) => {
      const client = await app.client();
      client.on('silence', () => {});
      client.emit('sleep');
      client.emit('wait');
      await ask(client, 'version');
      await app.swap(version('b'));
      await app.swap(version('c'));
      await ask(client, 'version');
      assert.deepEqual(client.heard.filter(([name]) => name !== 'silence'), [], 'two may finish');
      const told = [next(client, 'woken'), next(client, 'waited')];
      client.emit('sleep');
      await ask(client, 'version');
      await app.swap(version('d'));
      await app.swap(version('e'));
      assert.deepEqual(await Promise.all(told), [['a', 'retired'], ['a', 'retired']]);
      await app.logged(/generation 1 is gone; 2 handlers that still waited were ended/);
      assert.equal(await ask(client, 'quick'), 'e');
      assert.deepEqual(client.gone, []);
    }, { args: ['--log-level', 'debug'] });
  });

  it('R14: socket.data is kept; functions are dropped with a warning; late writes are not lost', () => App.run(script('a', `
      io:event("fill", function(s, bytes)
        s.data.name = "ann" s.data.n = 7 s.data.f = 1.5 s.data.list = sioc.array {} s.data.deep = { a = { 1, 2, { b = sioc.null } } }
        s.data.bytes = bytes s.data.fn = print
        local data = s.data
        sioc.spawn(function() sioc.sleep(0.4) data.late = "written by a" data.n = data.n + 1 s.data.other = data.name end)
      end)`), async (app) => {
    const client = await app.client();
    client.emit('fill', Buffer.from([1, 2, 255]));
    await ask(client, 'version');
    await app.swap(script('b', `
      io:event("data", function(s) return { name = s.data.name, n = s.data.n, f = s.data.f, list = s.data.list, deep = s.data.deep,
        fn = type(s.data.fn), late = s.data.late, other = s.data.other, integer = math.type(s.data.n) }, s.data.bytes end)`));
    const data = () => new Promise((resolve) => client.emit('data', (...args) => resolve(args)));
    const expected = { name: 'ann', n: 7, f: 1.5, list: [], deep: { a: [1, 2, { b: null }] }, fn: 'nil', integer: 'integer' };
    assert.deepEqual(await data(), [expected, Buffer.from([1, 2, 255])]);
    await app.logged(/reload: socket\.data\.fn is not kept: .*function/);
    await pause(500);
    assert.deepEqual((await data())[0], { ...expected, n: 8, late: 'written by a', other: 'ann' });
  }));

  it('R15: sioc.state survives, nested tables and all', () => App.run(script('a', `
      sioc.state.boots = (sioc.state.boots or 0) + 1
      sioc.state.scores = sioc.state.scores or {}
      io:event("score", function(s, name, n) sioc.state.scores[name] = n end)
      io:event("late", function() sioc.sleep(0.3) sioc.state.late = sioc.state.boots return "done" end)`), async (app) => {
    const client = await app.client();
    client.emit('score', 'ann', 3);
    const late = ask(client, 'late');
    await ask(client, 'version');
    await app.swap(script('b', `
      sioc.state.boots = (sioc.state.boots or 0) + 1
      io:event("state", function() return sioc.state end)`));
    assert.deepEqual(await ask(client, 'state'), { boots: 2, scores: { ann: 3 } });
    assert.equal(await late, 'done');
    assert.deepEqual(await ask(client, 'state'), { boots: 2, scores: { ann: 3 }, late: 2 });
  }));

  it('R16: sockets of a namespace that is gone stay, unheard; it can come back', () => {
    const room = 'io:of("/room"):on("connection", function(s) s:on("hi", function() return "hello" end) end)';
    return App.run(script('a', room), async (app) => {
      const client = await app.client('/room');
      assert.equal(await ask(client, 'hi'), 'hello');
      await app.swap(script('b'));
      await app.logged(/namespace "\/room" is gone from the script: events of 1 sockets are ignored/);
      await assert.rejects(client.timeout(200).emitWithAck('hi'));
      await assert.rejects(app.client('/room'), /Invalid namespace/);
      assert.deepEqual(client.gone, []);
      await app.swap(script('c', room));
      assert.equal(await ask(client, 'hi'), 'hello');
      const gone = next(client, 'disconnect');
      await app.swap(script('d').replace('sioc.server {}', 'sioc.server { drop_missing_namespaces = true }'));
      assert.deepEqual((await gone)[0], 'io server disconnect');
    });
  });

  it('R17: middleware is not run again; a socket that is just being asked is asked by the new one, too', () => {
    const version = (n, wait) => script(n, `
      io:use(function(s) s.data.asked = (s.data.asked or "") .. "${n}" sioc.sleep(${wait}) end)
      io:event("asked", function(s) return s.data.asked end)`);
    return App.run(version('a', 0.4), async (app) => {
      const first = await app.client();
      const second = app.client();
      await pause(150);
      await app.swap(version('b', 0));
      assert.equal(await ask(first, 'asked'), 'a');
      assert.equal(await ask(await second, 'asked'), 'ab');
      await app.swap(script('c', 'io:use(function() return nil, "closed" end) io:event("asked", function(s) return s.data.asked end)'));
      assert.equal(await ask(first, 'asked'), 'a');
      await assert.rejects(app.client(), /closed/);
    });
  });

  it('R18: options hold for what comes; equal addresses keep their socket', () => App.run(`
      local sioc = require "sioc"
      local io = sioc.server { ping_interval = 20, max_payload = 1000, path = "/one/" }
      io:on("connection", function() end) io:listen(0)`, async (app) => {
    const open = async (path = '/one/') => JSON.parse((await (await fetch(`${app.url}${path}?EIO=4&transport=polling`)).text()).slice(1));
    assert.equal((await open()).pingInterval, 20000);
    const client = await app.client('/', { path: '/one/' });
    await app.swap(`
      local sioc = require "sioc"
      local io = sioc.server { ping_interval = 10, max_payload = 2000, path = "/two/", cors = "http://page.example" }
      io:on("connection", function() end) io:listen(0)`);
    assert.equal((await open()).pingInterval, 10000);
    assert.equal((await open()).maxPayload, 2000);
    await app.logged(/option "path" stays "\/one\/" until a restart/);
    const response = await fetch(`${app.url}/one/?EIO=4&transport=polling`, { headers: { Origin: 'http://page.example' } });
    assert.equal(response.headers.get('access-control-allow-origin'), 'http://page.example');
    assert.equal(app.process.out.match(/listening/g).length, 1, 'it listens as before');
    assert.deepEqual(client.gone, []);
  }));

  it('R18: another address is opened, the old one closed, its connections stay', async () => {
    const [taken, free] = [net.createServer(), net.createServer()];
    for (const server of [taken, free]) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [a, b] = [taken, free].map((server) => server.address().port);
    await new Promise((resolve) => free.close(resolve));
    const version = (n, ...addresses) => script(n, `for _, port in ipairs { ${addresses.join(', ')} } do io:listen(port) end`);
    await App.run(version('zero', 0), async (app) => {
      const client = await app.client();
      await app.refused(version('taken', a), /cannot listen on 127\.0\.0\.1:\d+: address already in use/);
      await app.refused(version('taken', b, a), /address already in use/);
      assert.equal(await ask(client, 'version'), 'zero');
      assert.equal(await connects(`http://127.0.0.1:${b}`), false, 'what was opened before the refusal is closed');
      await app.swap(version('both', 0, b));
      assert.equal(await get(app, '/'), '404 Not Found\n');
      const old = app.url;
      app.url = `http://127.0.0.1:${b}`;
      assert.equal(await ask(await app.client(), 'version'), 'both');
      await app.swap(version('moved', b));
      assert.equal(await connects(old), false, 'nobody is let in at the old address');
      assert.equal(await ask(client, 'version'), 'moved');
      assert.equal(await ask(await app.client(), 'version'), 'moved');
      assert.deepEqual(client.gone, []);
    }, { port: false }).finally(() => taken.close());
  });

  it('R19: generation, is_reload, on_unload', () => {
    const version = (n) => script(n, `
      sioc.log.info("load", sioc.generation, sioc.is_reload)
      sioc.on_unload(function() sioc.sleep(0.05) sioc.log.info("unload ${n} of", sioc.generation) end)
      io:event("generation", function() return sioc.generation end)`);
    return App.run(version('a'), async (app) => {
      const client = await app.client();
      await app.swap(version('b'));
      await app.refused('error("no")', /no/);
      assert.equal((await app.swap(version('c'))).generation, 3);
      assert.equal(await ask(client, 'generation'), 3);
      await app.logged(/unload b of\t2/);
      assert.deepEqual(app.log().match(/(?:load\t\d\t\w+|unload . of\t\d)/g).sort(), ['load\t1\tfalse', 'load\t2\ttrue', 'load\t3\ttrue', 'unload a of\t1', 'unload b of\t2']);
    });
  });

  it('luv: what is open in its loop keeps its generation until it is closed, or 30 s', () => {
    const version = (n) => script(n, `
      local uv = require "luv"
      local ticks, until_go = uv.new_timer(), uv.new_timer()
      ticks:start(20, 20, function() io:emit("tick", "${n}") end)
      until_go:start(20, 20, function() if sioc.state.go then until_go:close() io:emit("gone", "${n}") end end)
      sioc.on_unload(function() ticks:close() end)
      io:event("go", function() sioc.state.go = true end)`);
    return App.run(version('a'), async (app) => {
      const client = await app.client();
      await next(client, 'tick');
      await app.swap(version('b'));
      await ask(client, 'version');
      client.heard.length = 0;
      await pause(200);
      assert.doesNotMatch(app.log(), /generation 1 is gone/);
      client.emit('go');
      await app.logged(/generation 1 is gone\n/);
      await ask(client, 'version');
      assert.deepEqual(client.heard.filter(([name]) => name === 'gone').map(([, by]) => by).sort(), ['a', 'b']);
      assert.deepEqual(client.heard.filter(([name, by]) => name === 'tick' && by === 'a'), []);
    }, { args: ['--log-level', 'debug'] });
  });

  it('HTTP requests that wait are answered by the code that took them; a body that comes late by the new', () => {
    const version = (n) => script(n, `
      io:get("/slow/:id", function(req) sioc.sleep(0.3) return "${n} " .. req.params.id end)
      io:post("/body/:id", function(req) return "${n} " .. req.params.id .. " " .. req.body end)`);
    return App.run(version('a'), async (app) => {
      const slow = get(app, '/slow/7');
      const socket = net.connect(app.port, '127.0.0.1');
      let text = '';
      socket.on('data', (data) => { text += data; });
      socket.write('POST /body/8 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc');
      await pause(100);
      await app.swap(version('b'));
      assert.equal(await slow, '200 a 7');
      socket.write('def');
      await app.process.until('the answer', () => (text.endsWith('b 8 abcdef') ? true : (socket.once('data', () => {}), setTimeout(() => {}, 0), undefined)), 300).catch(() => {});
      assert.match(text, /^HTTP\/1.1 200 [^]*b 8 abcdef$/);
      socket.destroy();
    });
  });
});

describe('reload: --watch', siocOnly('the reference cannot'), () => {
  // Each way of saving has its test in unit/script/test_watch*; here: that the program listens to them.
  for (const option of ['--watch', '--watch-poll'])
    it(`${option}: a save is a reload; so is one of a module, and the one that mends a mistake`, () => App.run(script('a'), async (app) => {
      const client = await app.client();
      await app.save(script('b'));
      assert.equal((await app.outcome(0)).generation, 2);
      assert.equal(await ask(client, 'version'), 'b');
      await app.save(script('c', 'require("helper")'));
      assert.match((await app.outcome(1)).refused, /module 'helper' not found/);
      await app.save('sioc = require "sioc" return {}', 'helper.lua'); // it was missing: now it comes
      assert.equal((await app.outcome(2)).generation, 3);
      await app.save('return )', 'helper.lua');
      assert.match((await app.outcome(3)).refused, /error loading module 'helper'/);
      await app.save('return { 1 }', 'helper.lua');
      assert.equal((await app.outcome(4)).generation, 4);
      assert.equal(await ask(client, 'version'), 'c');
      await rename(app.file(), app.file('old.lua'));
      assert.match((await app.outcome(5)).refused, /cannot open/);
      await app.save(script('d'), 'new.lua');
      await rename(app.file('new.lua'), app.file());
      assert.equal((await app.outcome(6)).generation, 5);
      assert.equal(await ask(client, 'version'), 'd');
      assert.deepEqual(client.gone, []);
    }, { args: [option] }));
});

describe('reload: bad input', { ...siocOnly('the reference cannot'), concurrency: 3 }, () => {
  const good = script('good');
  const stays = async (app, source, pattern) => {
    const client = app.clients[0] ?? await app.client();
    await app.refused(source, pattern);
    assert.equal(await ask(client, 'version'), 'good');
    assert.deepEqual(client.gone, []);
  };
  const refuses = (name, source, pattern, options) => it(name, () => App.run(good, async (app) => {
    await stays(app, source, pattern);
    assert.equal((await app.swap(good)).generation, 2);
  }, options));

  refuses('a truncated file', good.slice(0, -9), /near <eof>|expected near|'end' expected/);
  refuses('a script that loops while it loads', `${good} while true do end`, /ran longer than/, { args: ['--handler-timeout', '0.3'] });
  refuses('a script that loops in spite of pcall', `${good} while true do pcall(function() while true do end end) end`, /ran longer than/, { args: ['--handler-timeout', '0.3'] });
  refuses('a script that allocates without end', `${good} local t, kilobyte = {}, ("x"):rep(1000) while true do t[#t + 1] = kilobyte:rep(1000) .. #t end`, /not enough memory/);
  refuses('a script that closes its server', `${good} io:close()`, /closes its server while it loads/);
  refuses('a script that ends the program', `${good} sioc.stop()`, /ends the program while it loads/);
  refuses('a script that exits', `${good} os.exit(3)`, /ends the program while it loads/);
  refuses('an unknown option', good.replace('{}', '{ ping_intervall = 3 }'), /did you mean "ping_interval"/);
  refuses('an error that is no text', `${good} error({})`, /table: /);
  refuses('a script without an end of its recursion', `${good} local function f() return 1 + f() end f()`, /stack overflow/);
  refuses('an error whose text loops', `${good} error(setmetatable({}, { __tostring = function() while true do end end }))`, /./, { args: ['--handler-timeout', '0.3'] });
  refuses('a script that waits for ever', `${good} sioc.sleep(1e6)`, /was not loaded after 10 s/);
  refuses('a script that waits for what never comes', `${good} coroutine.yield()`, /./);
  refuses('a module that is missing', `${good} require "nowhere"`, /module 'nowhere' not found/);
  refuses('a script that fails where it waited', `${good} sioc.sleep(0.01) error("after a wait")`, /after a wait/);
  refuses('zeros, as after a crash of the machine', '\0'.repeat(good.length), /unexpected symbol/);
  refuses('bytecode', '\x1bLua nonsense', /attempt to load a binary chunk/);

  it('different namespaces', () => App.run(good, async (app) => {
    const client = await app.client();
    await app.swap(`${HEAD}io:of("/other"):event("x", function() return 1 end)`);
    assert.equal(await ask(await app.client('/other'), 'x'), 1);
    assert.deepEqual(client.gone, []);
    await app.swap(good);
    assert.equal(await ask(client, 'version'), 'good');
  }));

  it('a deleted file, a directory in its place, and back', () => App.run(good, async (app) => {
    await app.client();
    await rm(app.file());
    await stays(app, undefined, /cannot open/);
    await mkdir(app.file());
    await stays(app, undefined, /cannot read|directory/i);
    await rm(app.file(), { recursive: true });
    await run('mkfifo', [app.file()]);
    await stays(app, undefined, /it is not a file/);
    await rm(app.file());
    await app.swap(good);
    assert.equal(await ask(app.clients[0], 'version'), 'good');
  }));

  for (const [how, args] of [['SIGHUP', []], ['--watch', ['--watch']], ['--watch-poll', ['--watch-poll']]])
    it(`ten saves within a second, ${how}: the last one counts`, () => App.run(good, async (app) => {
      const client = await app.client();
      for (let i = 0; i < 10; i += 1) {
        await app.save(script(`save ${i}`), 'app.tmp');
        await rename(app.file('app.tmp'), app.file()); // else a load may meet the file while it is empty
        if (how === 'SIGHUP') app.process.kill('SIGHUP');
        await pause(60);
      }
      for (let turn = 0; turn < 100 && await ask(client, 'version') !== 'save 9'; turn += 1) await pause(100);
      assert.equal(await ask(client, 'version'), 'save 9');
      assert.deepEqual(app.outcomes().filter((outcome) => outcome.refused), []);
      assert.ok(app.outcomes().length >= 1 && app.outcomes().length <= 10, `${app.outcomes().length} reloads`);
      assert.deepEqual(client.gone, []);
    }, { args }));

  it('the same with --watch: each is noticed by itself, and so is what mends it', () => App.run(good, async (app) => {
    const client = await app.client();
    let n = 0;
    const next = async (pattern) => {
      const outcome = await app.outcome(n);
      n += 1;
      if (pattern) assert.match(outcome.refused ?? `generation ${outcome.generation} serves`, pattern);
      else assert.equal(outcome.refused, undefined, app.log().slice(-2000));
      assert.equal(await ask(client, 'version'), 'good');
    };
    await app.save(good.slice(0, -9));
    await next(/near <eof>|expected near/);
    await app.save(`${good} `);
    await next();
    await rm(app.file());
    await next(/cannot open/);
    await mkdir(app.file());
    await next(/cannot read|directory/i);
    await rm(app.file(), { recursive: true });
    await next(/cannot open/);
    await run('mkfifo', [app.file()]);
    await next(/it is not a file/);
    await rm(app.file());
    await next(/cannot open/);
    await app.save(good);
    await next();
    assert.deepEqual(client.gone, []);
  }, { args: ['--watch'] }));
});
