// The way back: a script that fails after a reload is given up for the one before, by itself or by `sioc rollback`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { App, ask } from './lib/app.mjs';
import { program, siocOnly } from './lib/server.mjs';
import { pause } from './lib/wire.mjs';

const run = promisify(execFile);
const script = (version, body = '', options = '') => `local sioc = require "sioc"
local io = sioc.server { ${options} }
io:event("version", function() return { "${version}", sioc.generation, sioc.is_reload, sioc.is_rollback } end)
io:event("count", function() sioc.state.n = (sioc.state.n or 0) + 1 return sioc.state.n end)
${body}
`;
const good = 'io:event("work", function(s, n) return n end)';
const bad = 'io:event("work", function(s, n, ack) ack(n) error("broken") end)';
const BACK = /rollback: generation (\d+) serves the script of generation (\d+) after [^;]*; (\d+) sockets re-bound[^;\n]*(?:; (.*))?/g;
const REFUSED = /rollback refused, generation (\d+) serves on: (.*)/g;
const outcomes = (app) => [...app.log().matchAll(BACK)].map(([, generation, of, sockets, why]) => ({ generation: Number(generation), of: Number(of), sockets: Number(sockets), why }));
const refusals = (app) => [...app.log().matchAll(REFUSED)].map(([, generation, why]) => ({ generation: Number(generation), why }));
const back = (app, n = 0) => app.process.until(`rollback ${n + 1}`, () => outcomes(app)[n], 20000);
const work = async (client, count) => { for (let i = 0; i < count; i += 1) assert.equal(await ask(client, 'work', i), i); };
const version = (client) => ask(client, 'version');

describe('rollback: by itself', siocOnly('the reference cannot'), () => {
  it('when handlers fail more often than before, the script of before comes back', () => App.run(script('a', good), async (app) => {
    const client = await app.client();
    await work(client, 30);
    assert.deepEqual(await version(client), ['a', 1, false, false]);
    await app.swap(script('b', bad));
    assert.equal(await ask(client, 'count'), 1);
    await work(client, 19);
    const { generation, of, sockets, why } = await back(app);
    assert.deepEqual([generation, of, sockets], [3, 1, 1]);
    assert.equal(why, '19 of 20 handlers threw, 0 of 31 before');
    assert.deepEqual(await version(client), ['a', 3, true, true]);
    assert.equal(await ask(client, 'count'), 2, 'sioc.state stays');
    await work(client, 5);
    assert.equal(refusals(app).length, 0);
    await app.swap(script('c', good)); // the next save is a reload as any other
    assert.deepEqual(await version(client), ['c', 4, true, false]);
    assert.deepEqual(client.gone, []);
  }));

  it('connection handlers that are called again count apart', () => App.run(script('a'), async (app) => {
    const clients = await Promise.all(Array.from({ length: 25 }, () => app.client()));
    for (let i = 0; i < 100; i += 1) await version(clients[0]);
    await app.swap(script('b', 'io:on("connection", function(s) if s.reloaded then error("no") end end)'));
    assert.deepEqual(await back(app), { generation: 3, of: 1, sockets: 25, why: '25 of 25 connection handlers that were called again threw, 0 of 100 before' });
    assert.deepEqual((await version(clients[7]))[0], 'a');
    assert.deepEqual(clients.flatMap((client) => client.gone), []);
  }));

  it('modules come back as they were, also those whose files are gone', () => {
    const main = (name) => script(name, 'local helper = require "helper" local deep = require "deep.er"\nio:event("work", helper.work) io:event("deep", function() return deep end)');
    return App.run(`#!/usr/bin/env sioc\n${main('a')}`, async (app) => {
      const client = await app.client();
      await work(client, 25);
      await app.save('return { work = function(s, n, ack) ack(n) error("broken") end }', 'helper.lua');
      await rm(app.file('deep'), { recursive: true });
      await app.save('return "another"', 'deep.lua');
      await app.swap(script('b', 'io:event("work", require("helper").work)'));
      await work(client, 25);
      await back(app);
      assert.equal((await version(client))[0], 'a');
      await work(client, 5);
      assert.equal(await ask(client, 'deep'), 'as it was');
      const { generation, refused } = await app.reload(main('c')); // from the files
      assert.match(refused, /module 'deep\.er' not found/);
      assert.equal(generation, 3);
    }, { files: { 'helper.lua': 'return { work = function(s, n) return n end }', 'deep/er.lua': '\ufeffreturn "as it was"' } });
  });

  it('a few errors, or as many as before, or late ones, change nothing', () => App.run(script('a', bad, 'rollback = { window = 0.6 }'), async (app) => {
    const client = await app.client();
    await work(client, 30);
    await app.swap(script('b', bad, 'rollback = { window = 0.6 }')); // as many as before
    await work(client, 30);
    await pause(1000);
    await app.swap(script('c', good, 'rollback = { window = 0.6 }'));
    await work(client, 60);
    await pause(1000);
    await app.swap(script('d', bad, 'rollback = { window = 0.6 }'));
    await work(client, 15); // too few
    await pause(1200);
    await work(client, 30); // too late
    await pause(300);
    assert.deepEqual(await version(client), ['d', 4, true, false]);
    assert.deepEqual(outcomes(app), []);
  }));

  it('what counts: timers, HTTP handlers, middleware; not what is the client\'s fault', () => {
    const options = 'rollback = { min_handlers = 10, threshold = 50 }';
    return App.run(script('a', good, options), async (app) => {
      const client = await app.client();
      await work(client, 10);
      const failing = {
        timers: ['sioc.every(0.01, function() error("tick") end)', () => {}],
        http: ['io:get("/x", function() error("http") end)', async () => { for (let i = 0; i < 12; i += 1) assert.equal((await fetch(`${app.url}/x`)).status, 500); }],
        middleware: ['io:use(function() error("middleware") end)', async () => { for (let i = 0; i < 12; i += 1) await assert.rejects(app.client()); }],
      };
      let n = 0;
      for (const [name, [body, cause]] of Object.entries(failing)) {
        await app.swap(script(name, body, options));
        await cause();
        await back(app, n);
        n += 1;
        assert.equal((await version(client))[0], 'a', name);
      }
      await app.swap(script('json', 'io:post("/x", function(req) return req:json() end) io:use(function() return nil, "not you" end)', options));
      for (let i = 0; i < 12; i += 1) {
        assert.equal((await fetch(`${app.url}/x`, { method: 'POST', body: '{' })).status, 400);
        await assert.rejects(app.client(), /not you/);
      }
      await pause(500);
      assert.equal((await version(client))[0], 'json');
      assert.equal(outcomes(app).length, n);
    });
  });

  it('a rollback that cannot be is tried once, and the log says why', () => App.run(script('a', `${good} if sioc.is_rollback then error("not again") end`), async (app) => {
    const client = await app.client();
    await work(client, 5);
    await app.swap(script('b', bad));
    await work(client, 30);
    const { generation, why } = await app.process.until('the refusal', () => refusals(app)[0], 20000);
    assert.equal(generation, 2);
    assert.match(why, /app\.lua:5: not again/);
    assert.match(app.log(), /\(\d+ of 3\d handlers threw, 0 of 5 before\)/);
    await work(client, 10);
    await pause(500);
    assert.equal(refusals(app).length, 1);
    assert.equal((await version(client))[0], 'b');
  }));

  for (const [title, args, options, expected] of [
    ['with --watch only if it is asked for: not', ['--watch'], '', 'b'],
    ['with --watch only if it is asked for: by an option', ['--watch'], 'rollback = true', 'a'],
    ['with --watch only if it is asked for: on the command line', ['--watch', '--rollback-window', '20'], '', 'a'],
    ['it can be switched off', ['--no-rollback'], 'rollback = { window = 20 }', 'b'],
  ])
    it(title, () => App.run(script('a', good, options), async (app) => {
      const client = await app.client();
      const watches = args.includes('--watch');
      const save = async (source) => {
        if (!watches) return app.swap(source);
        const before = app.outcomes().length;
        await app.save(source);
        return app.outcome(before);
      };
      await save(script('b', bad, options));
      await work(client, 30);
      if (expected === 'a') await back(app);
      else await pause(600);
      assert.equal((await version(client))[0], expected);
      await pause(300);
      assert.equal(app.outcomes().length, 1, 'what lies in the file is not loaded again by itself');
      await save(script('c', good, options));
      assert.equal((await version(client))[0], 'c');
    }, { args }));
});

describe('rollback: --watch', siocOnly('the reference cannot'), () => {
  it('the mistake is waited for where it was made', () => App.run(script('a', good, 'rollback = true'), async (app) => {
    const client = await app.client();
    await app.save('return function(s, n, ack) ack(n) error("broken") end', 'fresh.lua');
    await app.save(script('b', 'io:event("work", (require "fresh"))', 'rollback = true'));
    await app.outcome(0);
    await work(client, 25);
    await back(app);
    assert.equal((await version(client))[0], 'a');
    await app.save('return function(s, n) return n end', 'fresh.lua'); // which the script that serves does not know
    await app.outcome(1);
    assert.deepEqual(await version(client), ['b', 4, true, false]);
    await work(client, 25);
    await pause(300);
    assert.equal(outcomes(app).length, 1);
  }, { args: ['--watch'] }));
});

describe('rollback: by hand', siocOnly('the reference cannot'), () => {
  it('`sioc rollback` and SIGUSR2, step by step', () => App.run(script('a'), async (app) => {
    const client = await app.client();
    const { stdout } = await run(program, ['rollback', '--port', String(app.port)]);
    assert.match(stdout, new RegExp(`process ${app.process.child.pid} goes back`));
    await app.process.until('the refusal', () => refusals(app)[0]);
    assert.deepEqual(refusals(app), [{ generation: 1, why: 'there is no earlier script' }]);
    await app.swap(script('b'));
    await app.swap(script('c'));
    await run(program, ['rollback', '--pid', String(app.process.child.pid)]);
    assert.deepEqual(await back(app), { generation: 4, of: 2, sockets: 1, why: undefined });
    assert.deepEqual(await version(client), ['b', 4, true, true]);
    app.process.kill('SIGUSR2');
    assert.deepEqual(await back(app, 1), { generation: 5, of: 1, sockets: 1, why: undefined });
    assert.deepEqual(await version(client), ['a', 5, true, true]);
    await app.swap(undefined);
    assert.deepEqual(await version(client), ['c', 6, true, false], 'a reload loads the file, whatever served');
    assert.deepEqual(client.gone, []);
  }));

  it('under load nothing is lost, doubled or out of order', () => {
    const numbers = (name) => script(name, 'io:event("n", function(s, n) sioc.state.sum = (sioc.state.sum or 0) + 1 s:emit("got", n) return n end)');
    return App.run(numbers('a'), async (app) => {
      const clients = await Promise.all(Array.from({ length: 5 }, () => app.client()));
      let stop = false;
      const sent = clients.map(async (client) => {
        let n = 0;
        for (; !stop; n += 1) assert.equal(await ask(client, 'n', n), n);
        return n;
      });
      for (let i = 0; i < 5; i += 1) {
        await app.swap(numbers(`b${i}`));
        app.process.kill('SIGUSR2');
        await back(app, i);
      }
      stop = true;
      const counts = await Promise.all(sent);
      for (const [i, client] of clients.entries()) {
        assert.deepEqual(client.heard.map(([, n]) => n), Array.from({ length: counts[i] }, (_, n) => n));
        assert.deepEqual(client.gone, []);
      }
    });
  });

  it('a process that does not listen to the signal is left alone', async () => {
    const sleeper = execFile('sleep', ['30']);
    try {
      for (const command of ['rollback', 'reload'])
        await assert.rejects(run(program, [command, '--pid', String(sleeper.pid)]), /does not listen to that signal/);
      await pause(50);
      assert.equal(sleeper.exitCode, null);
      assert.equal(sleeper.signalCode, null);
    } finally {
      sleeper.kill('SIGKILL');
    }
    await assert.rejects(run(program, ['rollback', '--pid', String(sleeper.pid), 'x']), /rollback takes --pid or --port/);
  });
});
