// What many generations leave behind: nothing, by the kernel's count. (reload_load.test.mjs has a hundred generations
// under the leak sanitizer.)

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { App, ask } from './lib/app.mjs';
import { siocOnly } from './lib/server.mjs';
import { WebSocket } from './lib/ws.mjs';

const CLIENTS = 60;
// Every kind of thing that a generation can own; the ballast makes it heavy, so that a kept one is seen.
const script = (n) => `local sioc = require "sioc"
BALLAST = ("${String(n).padStart(4, '0')}"):rep(50000)
local io = sioc.server {}
io:use(function(s) s.data.n = 0 end)
io:on("connection", function(s)
  for i = 1, 5 do s:on("h" .. i, function(x) return x, ${n} end) end
  s:join("room")
  s:on("ask", function() return (s:timeout(9):emit_with_ack("question")) end)
end)
io:event("wait", function(s) sioc.sleep(0.01) return BALLAST and ${n} end)
io:of("/other"):on("connection", function() end)
io:of("^/room", { pattern = true }):on("connection", function() end)
io:get("/x/:id", function(req) return req.params.id end)
io:websocket("/plain", function(ws) ws:subscribe("t") ws.data.list = ws.data.list or { 1, 2, 3 } ws:on("message", function(m) ws:send(m) end) end)
sioc.every(0.01, function() io:to("room").volatile:emit("tick", ${n}) io:publish("t", "tick") end)
sioc.after(0.02, function() end)
sioc.state.count = (sioc.state.count or 0) + 1
sioc.on_unload(function() end)
`;

// In MB. Freed memory that the address sanitizer keeps would count as used, so it keeps none.
const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0` };
const resident = async (app) => Number((await readFile(`/proc/${app.process.child.pid}/status`, 'utf8')).match(/^VmRSS:\s+(\d+) kB$/m)[1]) / 1024;

describe('reload: memory', siocOnly('the reference cannot'), () => {
  it('does not grow from the 20th to the 120th generation, with clients connected', { timeout: 120000, skip: process.platform !== 'linux' && 'it asks the kernel of Linux' }, () => App.run(script(0), async (app) => {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => app.client(i % 10 ? '/' : '/room-1', { transports: [i % 3 ? 'websocket' : 'polling'] }, (socket) => {
      socket.on('question', (answer) => answer('fine'));
    })));
    const plain = await Promise.all(Array.from({ length: 20 }, () => WebSocket.open(app, '/plain')));
    for (const ws of plain) ws.wire.socket.on('data', () => { ws.wire.take(ws.wire.buffer.length); });
    const talk = clients.find((client) => client.nsp === '/');
    const sizes = [];
    for (let n = 1; n <= 120; n += 1) {
      const asked = [ask(talk, 'wait'), ask(talk, 'ask'), fetch(`${app.url}/x/${n}`).then((response) => response.text())];
      const outcome = n % 3 ? await app.reload(script(n)) : await app.reload(`${script(n)} )`);
      assert.equal(outcome.refused === undefined, n % 3 !== 0);
      assert.equal((await Promise.all(asked))[2], String(n));
      if (n % 10 === 0) sizes.push(await resident(app));
    }
    // Single values waver, since the collector has its own time.
    const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
    const [early, late] = [middle(sizes.slice(1, 4)), middle(sizes.slice(-3))];
    assert.ok(late - early < 2, `the program has grown by ${(late - early).toFixed(1)} MB: ${sizes.map((size) => size.toFixed(1)).join(' ')}`);
    assert.deepEqual(clients.flatMap((client) => client.gone), []);
    for (const ws of plain) ws.destroy();
  }, { env }));

  it('a big heap is given back in many turns; finalizers run once, and may call anything', () => {
    const version = (n) => `local sioc = require "sioc"
      local io = sioc.server {}
      io:event("version", function() return "${n}" end)
      local function dying(what)
        return setmetatable({}, { __gc = function()
          local emits, waits = pcall(io.emit, io, "x"), pcall(sioc.sleep, 1)
          local starts = pcall(sioc.after, 0.001, function() sioc.log.info("never") end)
          sioc.log.info("${n} finalized", what, emits, waits, starts)
        end })
      end
      HELD, HELD_2 = dying("global"), { dying("table") }
      local data = dying("local")
      local big = {}
      for i = 1, 200000 do big[i] = { i } end
      io:on("connection", function(s) s:on("big", function() return #big, data ~= nil end) end)`;
    return App.run(version('a'), async (app) => {
      const client = await app.client();
      assert.equal(await ask(client, 'big'), 200000);
      for (const [i, n] of ['b', 'c'].entries()) {
        await app.swap(version(n));
        const [, size, turns] = await app.logged(new RegExp(`generation ${i + 1}: (\\d+) kB given back in (\\d+) turns`));
        assert.ok(Number(size) > 8000 && Number(turns) > 3, `${size} kB in ${turns} turns`);
        assert.equal(await ask(client, 'big'), 200000);
      }
      // And what was refused goes the same way.
      await app.refused(`${version('d')} error("on purpose")`, /on purpose/);
      await app.logged(/generation 4: \d+ kB given back in \d+ turns/);
      for (const n of ['a', 'b', 'd'])
        assert.deepEqual([...app.log().matchAll(new RegExp(`${n} finalized\t(\\w+)\t(.*)\n`, 'g'))].map((m) => `${m[1]} ${m[2]}`).sort(),
          ['global', 'local', 'table'].map((what) => `${what} false\tfalse\tfalse`));
      assert.doesNotMatch(app.log(), /never|error in __gc/);
      assert.deepEqual(client.gone, []);
    }, { args: ['--log-level', 'debug'] });
  });
});
