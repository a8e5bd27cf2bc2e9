// Reload and plain WebSockets: those whose path the new script has stay; docs/reload.md.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App } from './lib/app.mjs';
import { siocOnly } from './lib/server.mjs';
import { WebSocket, frame } from './lib/ws.mjs';

const HEAD = 'local sioc = require "sioc"\nlocal io = sioc.server {}\n';
// One route that answers each message with the version and the text, and what `body` adds before.
const script = (version, body = '', path = '/sensor/:id') => `${HEAD}
local VERSION = "${version}"
local function json(value) return sioc.json.encode(value) end
io:event("x", function() end)
io:websocket("${path}", function(ws, req)
  ${body}
  ws:on("message", function(text) ws:send(VERSION .. " " .. text) end)
end)
`;

const said = async (ws, text) => {
  await ws.text(text);
  return ws.nextText();
};

describe('reload: plain WebSockets', siocOnly('the reference has none'), () => {
  it('stay open with their topics, and hear the new code', () => App.run(script('a', 'ws:subscribe("news")'), async (app) => {
    const all = await Promise.all([1, 2, 3].map((n) => WebSocket.open(app, `/sensor/${n}`)));
    for (const ws of all) assert.equal(await said(ws, '1'), 'a 1');
    const outcome = await app.swap(script('b', 'if not ws.reloaded then ws:send("new") end ws:on("message", function(text) if text == "tell" then io:publish("news", json(ws.topics)) end end)'));
    assert.equal(outcome.sockets, 3, 'they count as sockets');
    for (const ws of all) assert.equal(await said(ws, '2'), 'b 2');
    await all[0].text('tell');
    assert.deepEqual(new Set([await all[0].nextText(), await all[0].nextText()]), new Set(['["news"]', 'b tell']));
    for (const ws of all.slice(1)) assert.equal(await ws.nextText(), '["news"]');
    const fresh = await WebSocket.open(app, '/sensor/4');
    assert.equal(await fresh.nextText(), 'new');
    for (const ws of [fresh, ...all]) ws.destroy();
  }));

  it('the route\'s function sees the request as it was, and the new names of parameters', () => {
    const tell = (name) => `ws:on("message", function(text)
        ws:send(json { id = req.params.${name}, q = req.query.q, mark = req.headers["x-mark"], path = req.path, url = req.url, method = req.method, address = req.address, reloaded = ws.reloaded })
      end)`;
    return App.run(script('a', tell('id')), async (app) => {
      const ws = await WebSocket.open(app, '/sensor/se%20ven?q=1%2B1', { 'X-Mark': 'kept' });
      const expected = { id: 'se ven', q: '1+1', mark: 'kept', path: '/sensor/se ven', url: '/sensor/se%20ven?q=1%2B1', method: 'GET', address: '127.0.0.1' };
      await ws.text('');
      assert.deepEqual(JSON.parse(await ws.nextText()), { ...expected, reloaded: false });
      assert.equal(await ws.nextText(), 'a ');
      await app.swap(script('b', tell('name'), '/sensor/:name'));
      await ws.text('');
      assert.deepEqual(JSON.parse(await ws.nextText()), { ...expected, reloaded: true });
      ws.destroy();
    });
  });

  it('the replay is muted, across waits; topics and data work', () => {
    const body = (n) => `
      ws.data.log = ws.data.log or {}
      local function note(...) ws.data.log[#ws.data.log + 1] = sioc.array { ... } end
      note("${n}", ws:send("hello"))
      sioc.sleep(0.1)
      note(io:publish("all", "joined"))
      note(ws:publish("all", "joined"))
      ws:subscribe("all")
      if ws.reloaded then note(ws:close(4000, "no")) end
      ws:on("message", function(text) if text == "log" then ws:send(json(ws.data.log)) ws.data.log = nil end end)`;
    return App.run(script('a', body('a')), async (app) => {
      const [one, two] = [await WebSocket.open(app, '/sensor/1'), await WebSocket.open(app, '/sensor/2')];
      await one.text('log');
      const heard = async (ws, last) => {
        const texts = [];
        do texts.push(await ws.nextText()); while (texts.at(-1) !== last);
        return texts;
      };
      const first = await heard(one, 'a log');
      assert.deepEqual(JSON.parse(first.at(-2)).slice(0, 1), [['a', true]]);
      await two.text('log');
      await heard(two, 'a log');
      await one.text('sync');
      assert.deepEqual((await heard(one, 'a sync')).filter((text) => text === 'joined').length + first.filter((text) => text === 'joined').length, 2);
      await app.swap(script('b', body('b')));
      for (const ws of [one, two]) {
        await ws.text('log');
        const [log, ...rest] = await heard(ws, 'b log');
        assert.deepEqual(JSON.parse(log), [['b', false, 'reload'], [0], [0], [false, 'reload']]);
        assert.deepEqual(rest, ['b log']);
        ws.destroy();
      }
    });
  });

  it('what comes while the replay waits is kept, in order', () => App.run(script('a'), async (app) => {
    const ws = await WebSocket.open(app, '/sensor/1');
    assert.equal(await said(ws, '0'), 'a 0');
    await app.swap(script('b', 'sioc.sleep(0.3)'));
    const many = (from) => Buffer.concat(Array.from({ length: 20 }, (_, i) => frame({ payload: String(from + i) })));
    await ws.raw(many(1));
    await ws.raw(many(21));
    for (let i = 1; i <= 40; i += 1) assert.equal(await ws.nextText(), `b ${i}`);
    // And when the peer goes before the wait is over, all is handed out, and then the end.
    await app.swap(script('c', 'local n = 0 ws:on("message", function() n = n + 1 end) ws:on("close", function(code) sioc.log.info("c", code, n) end) sioc.sleep(0.3)'));
    await ws.raw(Buffer.concat([many(1), frame({ op: 8, payload: Buffer.from([3, 232]) })]));
    await app.logged(/c\t1000\t20/);
    ws.destroy();
  }));

  it('a message that comes before its slice finds the new code; a burst in one read, too', () => App.run(script('a'), async (app) => {
    const all = await Promise.all(Array.from({ length: 60 }, (_, n) => WebSocket.open(app, `/sensor/${n}`)));
    let version = 'a';
    for (let round = 0; round < 6; round += 1) {
      const before = app.outcomes().length;
      version = String.fromCharCode(version.charCodeAt(0) + 1);
      await app.save(script(version));
      app.process.kill('SIGHUP');
      const seen = await Promise.all(all.map(async (ws) => {
        const texts = [];
        for (let i = 0; i < 10; i += 1) texts.push(await said(ws, String(i)));
        return texts;
      }));
      await app.outcome(before);
      for (const texts of seen) {
        assert.deepEqual(texts.map((text) => text.slice(2)), Array.from({ length: 10 }, (_, i) => String(i)));
        const versions = texts.map((text) => text[0]).join('');
        assert.equal(versions, [...versions].sort().join(''), 'never back to the old code');
      }
      for (const ws of all) assert.equal(await said(ws, 'x'), `${version} x`);
    }
    for (const ws of all) ws.destroy();
  }));

  it('a route that is gone closes its own with 1012, and tells the old code; others stay', () => {
    const two = (n) => `${script(n)}
      io:websocket("/other", function(ws) ws:on("close", function(code, why) sioc.log.info("${n} closed", code, why) end) ws:on("message", function(t) ws:send("${n} other " .. t) end) end)`;
    return App.run(two('a'), async (app) => {
      const [stays, goes] = [await WebSocket.open(app, '/sensor/1'), await WebSocket.open(app, '/other')];
      assert.equal(await said(goes, '1'), 'a other 1');
      await app.swap(script('b'));
      await goes.assertClose(1012);
      await app.logged(/a closed\t1012\tservice restart/);
      assert.equal(await said(stays, '1'), 'b 1');
      await app.swap(two('c'));
      assert.equal(await said(stays, '1'), 'c 1');
      const back = await WebSocket.open(app, '/other');
      assert.equal(await said(back, '1'), 'c other 1');
      await app.swap(`${HEAD}io:event("x", function() end)`);
      await Promise.all([back.assertClose(1012), stays.assertClose(1012)]);
    });
  });

  it('a replay that fails costs nothing but a line in the log', () => App.run(script('a'), async (app) => {
    const ws = await WebSocket.open(app, '/sensor/1');
    assert.equal(await said(ws, '1'), 'a 1');
    await app.swap(script('b', 'if ws.reloaded then error("on purpose") end'));
    await app.logged(/on purpose/);
    await app.swap(script('c', 'sioc.sleep(0.02) if ws.reloaded then error("later") end'));
    await app.logged(/later/);
    await app.swap(script('d'));
    assert.equal(await said(ws, '2'), 'd 2');
    ws.destroy();
  }));

  it('old code ends what it began: it sends, writes data, and hears of nothing more', () => App.run(script('a', `
      ws.data.kept = { 1, 2 } ws.data.fn = print
      ws:on("message", function(text)
        if text ~= "slow" then return end
        local data = ws.data
        sioc.sleep(0.3)
        ws:on("message", function() ws:send("never") end)
        data.late = "by a"
        ws:send("late " .. tostring(ws.data.by))
      end)`), async (app) => {
    const ws = await WebSocket.open(app, '/sensor/1');
    assert.equal(await said(ws, 'slow'), 'a slow');
    await app.swap(script('b', 'ws.data.by = "b" ws:on("message", function(text) if text == "data" then ws:send(json { ws.data.kept, ws.data.late or false, type(ws.data.fn) }) end end)'));
    await app.logged(/reload: ws\.data\.fn is not kept/);
    assert.equal(await said(ws, 'data'), '[[1,2],false,"nil"]');
    assert.equal(await ws.nextText(), 'b data');
    assert.equal(await ws.nextText(), 'late b');
    assert.equal(await said(ws, 'data'), '[[1,2],"by a","nil"]');
    assert.equal(await ws.nextText(), 'b data');
    ws.destroy();
  }));

  it('a function that waits while its code is replaced does not end the connection', () => App.run(script('a', 'sioc.sleep(60) error("woken")'), async (app) => {
    const ws = await WebSocket.open(app, '/sensor/1');
    await ws.text('1');
    for (const n of ['b', 'c', 'd']) await app.swap(script(n)); // the first is retired by force
    assert.equal(await ws.nextText(), 'd 1', 'held until then');
    await app.swap(`${HEAD}io:event("x", function() end)`);
    await ws.assertClose(1012);
  }));
});
