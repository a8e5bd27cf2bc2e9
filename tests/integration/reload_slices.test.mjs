// A script that takes long to load: everybody else has turns meanwhile.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App, ask } from './lib/app.mjs';
import { siocOnly } from './lib/server.mjs';
import { pause } from './lib/wire.mjs';

const script = (version, body = '') => `local sioc = require "sioc"
local io = sioc.server {}
io:event("version", function() return "${version}" end)
${body}`;

// Much of the language, so that a turn can begin anywhere in it; gives a number that depends on all of it.
const WORK = `
  local function mix(h, ...) for i = 1, select("#", ...) do h = (h * 31 + math.tointeger((select(i, ...)) // 1 % 65521)) % 2147483647 end return h end
  local Point = {} Point.__index = Point
  Point.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Point) end
  Point.__eq = function(a, b) return a.x == b.x and a.y == b.y end
  Point.__lt = function(a, b) return a.x < b.x end
  Point.__concat = function(a, b) return tostring(a) .. "|" .. tostring(b) end
  Point.__tostring = function(p) return p.x .. "," .. p.y end
  Point.__len = function(p) local n = 0 for _ = 1, 5 do n = n + p.x % 3 end return n end
  Point.__call = function(p, ...) return p.x, ... end
  Point.__close = function(p) CLOSED = (CLOSED or 0) + p.x end
  local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
  local function tail(n, acc) if n == 0 then return acc end return tail(n - 1, (acc + n) % 10007) end
  local function vararg(...) local t = { ... } return #t, table.unpack(t) end
  local function generator(n) return coroutine.wrap(function() for i = 1, n do local inner = coroutine.wrap(function() for j = 1, 3 do coroutine.yield(i * j) end end)
    for j = 1, 3 do coroutine.yield(inner()) end end end) end
  function work(rounds)
    local h = 17
    for round = 1, rounds do
      local a, b = setmetatable({ x = round, y = 2 }, Point), setmetatable({ x = 3, y = round }, Point)
      local sum = a + b
      h = mix(h, sum.x, sum.y, #sum, (sum == a) and 1 or 2, (a < b) and 3 or 4, #(a .. b), (select("#", sum(1, 2, 3))))
      do local guard <close> = a h = mix(h, guard.x) end
      h = mix(h, fib(9), tail(300, round), vararg(1, 2, round))
      for v in generator(4) do h = mix(h, v) end
      local list = {} for i = 1, 40 do list[i] = (i * round * 7919) % 1009 end
      table.sort(list, function(p, q) local r = 0 for i = 1, 3 do r = r + i end return p < q end)
      for i, v in ipairs(list) do h = mix(h, i, v) end
      local count = 0 for _, v in pairs { a = 1, b = 2, c = { d = 3 } } do count = count + (type(v) == "table" and v.d or v) end
      local ok, err = pcall(function() for i = 1, 20 do if i == 17 then error({ code = i + round }) end end end)
      local _, msg = xpcall(function() local t = nil; return t.x end, function(m) return #m > 0 and 5 or 6 end)
      h = mix(h, count, ok and 1 or err.code, msg)
      local s = ("%d:%s"):format(round, ("ab"):rep(5)):gsub("%a", function(c) return c:upper() end)
      for word in s:gmatch("%w+") do h = mix(h, #word, word:byte(1, -1)) end
      local k = 0 while true do k = k + 1 if k > 10 then break end end repeat k = k - 1 until k <= 0
      for i = 10, 1, -3 do h = mix(h, i, i // 2, i % 4, i & 6, i ~ 3, i << 1) end
      goto skip
      h = 0
      ::skip::
      h = mix(h, k, math.floor(math.sin(round) * 1000 + 2000), utf8.len("äöü"), #tostring(a))
    end
    return h, CLOSED
  end`;

// Asks again and again until stop(); how often it was answered.
const asking = (client) => {
  const state = { answered: 0, stopped: false };
  const done = (async () => { while (!state.stopped) { await ask(client, 'version'); state.answered += 1; } })();
  return { state, stop: async () => { state.stopped = true; await done; return state.answered; } };
};

describe('reload: loading takes turns', siocOnly('the reference cannot'), () => {
  it('computes the same in slices as in one go, and others are served meanwhile', () => {
    const body = (rounds) => `${WORK}
      local a, b = work(${rounds})
      io:event("result", function() return a, b end)`;
    const rounds = 4000;
    return App.run(script('a', body(rounds)), async (app) => {
      const client = await app.client();
      const result = () => new Promise((resolve) => client.emit('result', (...args) => resolve(args)));
      const expected = await result(); // the first one is loaded in one go
      assert.equal(expected.length, 2);
      for (let n = 0; n < 3; n += 1) {
        const others = asking(client);
        await app.swap(script(`b${n}`, body(rounds)));
        const answered = await others.stop();
        assert.ok(answered > 20, `${answered} requests were answered while it loaded`);
        assert.deepEqual(await result(), expected);
      }
      assert.deepEqual(client.gone, []);
    });
  });

  for (const [what, loop] of [['a loop', 'while true do end'], ['a loop behind pcall', 'while true do pcall(function() while true do end end) end'],
    ['a loop in a coroutine in a coroutine', 'coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()']])
    it(`${what} that never ends stops nobody else, and is refused`, () => App.run(script('a'), async (app) => {
      const client = await app.client();
      const others = asking(client);
      await app.refused(script('b', loop), /ran longer than/);
      const answered = await others.stop();
      assert.ok(answered > 20, `${answered} requests were answered meanwhile`);
      assert.deepEqual(client.gone, []);
      await app.swap(script('c'));
      assert.equal(await ask(client, 'version'), 'c');
    }, { args: ['--handler-timeout', '1'] }));

  it('a loop where nothing can yield is stopped, too', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    await app.refused(script('b', 'table.sort({ 3, 2, 1 }, function() while true do end end)'), /ran longer than/);
    assert.equal(await ask(client, 'version'), 'a');
  }, { args: ['--handler-timeout', '0.5'] }));

  it('waiting, modules and coroutines that outlive the load work as ever', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    await app.save(`${WORK.replace('function work', 'function module_work')} module_work(300) sioc = require "sioc" sioc.sleep(0.01) return module_work(100)`, 'heavy.lua');
    await app.swap(script('b', `${WORK}
      local before = work(200)
      sioc.sleep(0.02)
      local from_module = require "heavy"
      local later = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
      later()
      sioc.spawn(function() sioc.sleep(0.01) SPAWNED = work(10) end)
      io:event("later", function() return later(), SPAWNED ~= nil, before == work(200), math.type(from_module) end)`));
    await pause(50);
    const later = () => new Promise((resolve) => client.emit('later', (...args) => resolve(args)));
    assert.deepEqual(await later(), [2, true, true, 'integer']);
    assert.deepEqual((await later())[0], 3);
    assert.deepEqual(client.gone, []);
  }));

  it('the program ends while a script loads', () => App.run(script('a'), async (app) => {
    await app.client();
    await app.save(script('b', 'sioc.log.info("loads") while true do end'));
    app.process.kill('SIGHUP');
    await app.logged(/loads/); // and App.run ends it, cleanly
  }));
});
