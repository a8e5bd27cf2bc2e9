// What survives a reload: sioc.state with all that is done to it while the new script loads, and sioc.shared.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App, ask } from './lib/app.mjs';
import { siocOnly } from './lib/server.mjs';

const HEAD = 'local sioc = require "sioc"\nlocal io = sioc.server {}\n';
// Clients run code in it, so that a test says itself what happens: "return" gives the answer.
const script = (body = '') => `${HEAD}io:event("do", function(s, code) return assert(load("local sioc, io, s = ... " .. code))(sioc, io, s) or sioc.null end)\n${body}\n`;

describe('reload: sioc.state', siocOnly('the reference cannot'), () => {
  it('R15: what the old code writes while the new one loads is kept', () => App.run(script(`
      sioc.state.n = 1 sioc.state.gone = true sioc.state.list = { 1 } sioc.state.both = "old"
      sioc.state.scores = { ann = 1, bob = 1, deep = { x = 1, y = 1 } }`), async (app) => {
    const client = await app.client();
    const outcome = app.reload(script(`
      local scores, list = sioc.state.scores, sioc.state.list       -- kept by the script: they stay the same tables
      sioc.state.both = "new" scores.bob = 7 scores.deep.y = 7 sioc.state.mine = { 1 }
      sioc.log.info("loading") sioc.sleep(0.4)
      io:event("kept", function() return scores == sioc.state.scores, scores, list == sioc.state.list, list end)`));
    await app.logged(/loading/);
    await ask(client, 'do', `local st = sioc.state st.n = st.n + 1 st.gone = nil st.list[2] = 2 st.both = "old 2" st.late = { 1, 2 }
      st.scores.ann = 2 st.scores.bob = 2 st.scores.eve = 2 st.scores.deep.x = 2 st.scores.deep.y = 2`);
    assert.equal((await outcome).generation, 2);
    const scores = { ann: 2, bob: 7, eve: 2, deep: { x: 2, y: 7 } };
    assert.deepEqual(await ask(client, 'do', 'return sioc.state'), { n: 2, list: [1, 2], both: 'new', late: [1, 2], mine: [1], scores });
    assert.deepEqual(await new Promise((resolve) => client.emit('kept', (...args) => resolve(args))), [true, scores, true, [1, 2]]);
  }));

  it('R15: what on_unload writes is kept', () => App.run(script('local cache = { a = 1 } sioc.on_unload(function() sioc.state.cache = cache end)'), async (app) => {
    const client = await app.client();
    await app.swap(script());
    assert.deepEqual(await ask(client, 'do', 'return sioc.state.cache'), { a: 1 });
  }));

  it('R2: a refused script has changed nothing in it', () => App.run(script('sioc.state.t = { a = 1 }'), async (app) => {
    const client = await app.client();
    await app.refused(script('sioc.state.t.a = 2 sioc.state.x = 1 error("on purpose")'), /on purpose/);
    assert.deepEqual(await ask(client, 'do', 'return sioc.state'), { t: { a: 1 } });
  }));

  it('what cannot be kept is said once, when the reload has come about', () => App.run(script('sioc.state.f = print'), async (app) => {
    await app.refused(script('error("no")'), /no/);
    assert.doesNotMatch(app.log(), /is not kept/);
    await app.swap(script());
    await app.logged(/reload: sioc\.state\.f is not kept/);
    assert.equal(app.log().match(/is not kept/g).length, 1);
  }));
});

describe('reload: sioc.shared', siocOnly('the reference cannot'), () => {
  it('R15: it survives, and old code that still runs uses the same', () => App.run(script(), async (app) => {
    const client = await app.client();
    await ask(client, 'do', 'local t = sioc.shared "t" t:set("a", { 1, { b = "x" } }) t:incr("n", 5)');
    const late = ask(client, 'do', 'sioc.sleep(0.4) return sioc.shared "t":incr("n", 100)');
    await ask(client, 'do', 'return 1');
    await app.swap(script('sioc.shared "t":incr("n")'));
    assert.deepEqual(await ask(client, 'do', 'return sioc.shared "t":get "a"'), [1, { b: 'x' }]);
    assert.equal(await ask(client, 'do', 'return sioc.shared "t":get "n"'), 6);
    assert.equal(await late, 106);
  }));

  it('R2: what a script shares while it loads is nobody\'s before it has loaded', () => App.run(script('sioc.shared "t":set("n", 1)'), async (app) => {
    const client = await app.client();
    const write = 'local t = sioc.shared "t" t:incr("n", 10) t:set("new", 1) sioc.log.info("loading", t:get "n") sioc.sleep(0.3)';
    const get = (key) => ask(client, 'do', `return sioc.shared "t":get "${key}"`);
    let outcome = app.reload(script(`${write} error("on purpose")`));
    await app.logged(/loading\t11/);
    assert.deepEqual([await get('n'), await get('new')], [1, null]);
    assert.match((await outcome).refused, /on purpose/);
    assert.deepEqual([await get('n'), await get('new')], [1, null]);

    outcome = app.reload(script(`local t = sioc.shared "t" sioc.log.info("taken", t:add("leader", "new")) ${write.replace('loading', 'again')}`));
    await app.logged(/again\t11/);
    await ask(client, 'do', 'sioc.shared "t":incr("n", 100) sioc.shared "t":add("leader", "old")');
    assert.equal((await outcome).generation, 2);
    assert.deepEqual([await get('n'), await get('new'), await get('leader')], [111, 1, 'old']);
  }));

  it('its limit follows the script; on the command line it wins', async () => {
    const version = (limit) => script().replace('{}', `{ max_shared_bytes = ${limit} }`);
    const set = (client, bytes) => ask(client, 'do', `local ok, why = sioc.shared "t":set("k", ("x"):rep(${bytes})) return { ok or false, why }`);
    await App.run(version(2000), async (app) => {
      const client = await app.client();
      assert.deepEqual(await set(client, 3000), [false, 'full (option max_shared_bytes)']);
      await app.swap(version(5000));
      assert.deepEqual(await set(client, 3000), [true]);
      await app.swap(version(2000));
      assert.deepEqual(await set(client, 3001), [false, 'full (option max_shared_bytes)']);
      assert.equal(await ask(client, 'do', 'return #sioc.shared "t":get "k"'), 3000);
      await app.refused(version(20), /"max_shared_bytes" must be a whole number from 1024/);
      await app.swap(script());
      assert.deepEqual(await set(client, 100000), [true]);
    });
    await App.run(version(1e6), async (app) => {
      const client = await app.client();
      assert.deepEqual(await set(client, 3000), [false, 'full (option max_shared_bytes)']);
    }, { args: ['--max-shared-bytes', '2000'] });
  });
});
