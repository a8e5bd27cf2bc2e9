// sioc.check: before a script serves it has tried itself out, and nobody has noticed.  What a check can do is unit/lua/test_check.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { App, ask } from './lib/app.mjs';
import { program, siocOnly } from './lib/server.mjs';
import { pause } from './lib/wire.mjs';

const script = (version, body = '') => `local sioc = require "sioc"
local io = sioc.server {}
io:event("version", function() return "${version}" end)
io:on("connection", function(s) io:emit("joined", s.id) s:join("all") s:on("disconnect", function() io:emit("left", s.id) end) end)
io:event("say", function(s, text)
  sioc.state.said = (sioc.state.said or 0) + 1 sioc.shared "n":incr "said"
  io:to("all"):emit("said", text) return #text
end)
io:event("count", function() return { sioc.state.said or 0, sioc.shared "n":get "said" or 0, io.metrics.sessions_opened, #io:fetch_sockets() } end)
${body}
`;
const checks = (name) => `sioc.check("${name}", function()
  local t = sioc.test_socket { auth = { who = "a check" } }
  assert(t:receive_with_ack("say", "hello") == 5)
  assert(t:expect("said") == "hello")
  assert(#io:fetch_sockets() == 1, "it sees only itself")
  io:emit("from the check", 1) sioc.sleep(0.05) t:receive("say", "again") sioc.sleep(0.05)
end)
`;
const run = (args) => new Promise((resolve) => execFile(program, args, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr })));

describe('sioc.check', siocOnly('the reference has nothing like it'), () => {
  it('runs before a reload, and nobody hears, sees or counts anything of it', () => App.run(script('a', checks('first')), async (app) => {
    const client = await app.client();
    assert.equal(await ask(client, 'say', 'x'), 1);
    assert.deepEqual(await ask(client, 'count'), [1, 1, 1, 1], 'nor of the one at the start');
    client.heard.length = 0;
    const outcome = app.reload(script('b', checks('second')));
    for (let i = 0; i < 5; i += 1) { assert.equal(await ask(client, 'say', 'y'), 1); await pause(15); }
    assert.deepEqual(await outcome, { generation: 2, sockets: 1 });
    assert.equal(await ask(client, 'version'), 'b');
    assert.deepEqual(await ask(client, 'count'), [6, 6, 1, 1]);
    await pause(100);
    assert.deepEqual(client.heard, Array.from({ length: 5 }, () => ['said', 'y']));
    assert.deepEqual(client.gone, []);
  }));

  it('a failing check refuses the reload: its name, where, and the traceback', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    await app.refused(script('b', `sioc.check("greets", function()
      local t = sioc.test_socket()
      assert(t:receive_with_ack("say", "x") == 2, "a wrong length")
    end)`), /^\S+\/app\.lua:\d+: check "greets": a wrong length$/);
    assert.match(app.log(), /a wrong length\n\s*stack traceback:\n(.*\n)*.*app\.lua:12: in function/);
    await app.refused(`${script('b', checks('x'))}\nio:event("say", function() error("broken") end)`, /app\.lua:\d+: check "x": error in event "say": broken/);
    assert.equal(await ask(client, 'version'), 'a');
    assert.deepEqual(await ask(client, 'count'), [0, 0, 1, 1]);
    assert.deepEqual(client.heard, [['joined', client.id]]);
    assert.deepEqual(client.gone, []);
    await app.swap(script('c', checks('x')));
    assert.equal(await ask(client, 'version'), 'c');
  }));

  it('the old script serves on while one does not end', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    await app.refused(script('b', 'sioc.check("loop", function() while true do end end)'), /check "loop": handler ran longer than/);
    const outcome = app.reload(script('b', 'sioc.check("late", function() sioc.log.info("waits") sioc.sleep(0.5) error("at last") end)'));
    await app.logged(/waits/);
    assert.equal(await ask(client, 'version'), 'a');
    assert.match((await outcome).refused, /check "late": at last/);
    await app.refused(script('b', 'sioc.check("full", function() local t, kilobyte = {}, ("x"):rep(1000) while true do t[#t + 1] = kilobyte:rep(1000) .. #t end end)'), /check "full": not enough memory/);
    assert.equal(await ask(client, 'version'), 'a');
  }, { args: ['--handler-timeout', '2'] }));

  it('the program ends while a check runs', () => App.run(script('a'), async (app) => {
    await app.save(script('b', 'sioc.check(function() local t = sioc.test_socket() sioc.log.info("waits") sioc.sleep(60) end)'));
    app.process.kill('SIGHUP');
    await app.logged(/waits/);
  }));

  it('`sioc check` runs them; a failing one keeps the program from starting', async () => {
    await App.run(script('a'), async (app) => {
      await app.save(script('b', checks('good')), 'good.lua');
      await app.save(script('b', `${checks('good')}sioc.check("bad", function() error("no") end)`), 'bad.lua');
      assert.deepEqual(await run(['check', app.file('good.lua')]), { code: 0, stdout: '', stderr: '' });
      for (const args of [['check', app.file('bad.lua')], [app.file('bad.lua'), '--port', '0']]) {
        const { code, stdout, stderr } = await run(args);
        assert.equal(code, 1);
        assert.equal(stdout, '');
        assert.match(stderr, /^\S+\/bad\.lua:17: check "bad": no\nstack traceback:\n/);
      }
    });
  });
});
