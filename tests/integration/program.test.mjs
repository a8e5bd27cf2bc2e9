// The program: command line, exit codes, messages, signals.

import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Polling, Ws } from './lib/eio.mjs';
import { request } from './lib/http.mjs';
import { Process, fixtures, program, siocOnly } from './lib/server.mjs';

const fixture = (name) => path.join(fixtures, name);

// Runs to its end: { code, out, err }.
async function run(...args) {
  const child = new Process(program, args);
  await child.exit();
  child.assertClean();
  return { code: child.code, out: child.out, err: child.err };
}

// Starts, until it listens: the process, with its port.
async function serve(...args) {
  const child = new Process(program, args);
  const match = await child.until('"listening on ..."', () => child.out.match(/^listening on http:\/\/([^:\n]+):(\d+)\n/m));
  child.host = match[1];
  child.port = Number(match[2]);
  child.process = child;
  return child;
}

async function stop(child, signal = 'SIGTERM') {
  child.kill(signal);
  assert.equal(await child.exit(), 0, child.err);
  child.assertClean();
}

// One clear line, and an exit code of 1 or 2.
function assertRefused({ code, out, err }, ...patterns) {
  assert.ok(code === 1 || code === 2, `exit code ${code}\n${err}`);
  assert.equal(out, '');
  for (const pattern of patterns) assert.match(err, pattern);
}
const assertOneLine = ({ err }) => assert.equal(err.trimEnd().split('\n').length, 1, err);

describe('program', siocOnly('the reference is no program'), () => {
  it('--help', async () => {
    const { code, out, err } = await run('--help');
    assert.deepEqual([code, err], [0, '']);
    for (const word of ['--port', '--host', '--log-level', '--handler-timeout', 'check']) assert.ok(out.includes(word), word);
  });

  it('--version', async () => {
    const { code, out, err } = await run('--version');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^(sioc )?\d+\.\d+\.\d+\S*\n$/);
  });

  it('check: a good script', async () => {
    const { code, out } = await run('check', fixture('protocol.lua'));
    assert.equal(code, 0);
    assert.doesNotMatch(out, /listening/);
  });

  it('check: a syntax error', async () => {
    const result = await run('check', fixture('syntax.lua'));
    assertRefused(result, /syntax\.lua:3: /);
  });

  it('check: an error while loading', async () => {
    const result = await run('check', fixture('throws.lua'));
    assertRefused(result, /throws\.lua:2: thrown while loading/);
  });

  it('check: an unknown option names the nearest one', async () => {
    assertRefused(await run('check', fixture('option.lua')), /option\.lua:2: /, /ping_intervall/, /ping_interval\b/);
  });

  it('check: no such script', async () => {
    assertRefused(await run('check', fixture('nothing.lua')), /nothing\.lua/);
  });

  it('a syntax error', async () => assertRefused(await run(fixture('syntax.lua'), '--port', '0'), /syntax\.lua:3: /));

  it('an error while loading', async () => assertRefused(await run(fixture('throws.lua'), '--port', '0'), /throws\.lua:2: thrown while loading/));

  it('a script that cannot be read', async () => {
    for (const name of ['nothing.lua', 'public']) {
      const result = await run(fixture(name), '--port', '0');
      assertRefused(result, new RegExp(name.replace('.', '\\.')));
      assertOneLine(result);
    }
  });

  it('an unknown option, with the nearest one', async () => {
    const result = await run(fixture('quiet.lua'), '--prot', '0');
    assertRefused(result, /--prot\b/, /--port\b/);
    assertOneLine(result);
  });

  for (const args of [['--port', 'x'], ['--port', '65536'], ['--port', '-1'], ['--port'], ['--log-level', 'loud'], ['--handler-timeout', '0'], ['--handler-timeout', 'soon']])
    it(`a bad value: ${args.join(' ')}`, async () => {
      const result = await run(fixture('quiet.lua'), ...args);
      assertRefused(result, new RegExp(args[0]));
      assertOneLine(result);
    });

  it('a busy port', async () => {
    const holder = net.createServer();
    await new Promise((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address();
    try {
      const result = await run(fixture('quiet.lua'), '--port', String(port));
      assertRefused(result, new RegExp(`\\b${port}\\b`), /in use/i);
      assertOneLine(result);
    } finally {
      holder.close();
    }
  });

  it('a host that is none of this machine', async () => {
    assertRefused(await run(fixture('quiet.lua'), '--host', '192.0.2.1', '--port', '0'), /192\.0\.2\.1/);
  });

  it('the command line beats the script; one line on stdout', async () => {
    const child = await serve(fixture('quiet.lua'), '--port', '0');
    assert.equal(child.host, '127.0.0.1');
    assert.notEqual(child.port, 3000);
    assert.equal(child.out, `listening on http://127.0.0.1:${child.port}\n`);
    await stop(child);
    assert.equal(child.out, `listening on http://127.0.0.1:${child.port}\n`);
  });

  it('options may stand before the script', async () => {
    const child = await serve('--port', '0', '--log-level', 'error', fixture('quiet.lua'));
    await stop(child);
    assert.equal(child.err, '');
  });

  for (const signal of ['SIGTERM', 'SIGINT'])
    it(`${signal} tells every socket and ends with 0`, async () => {
      const child = await serve(fixture('quiet.lua'), '--port', '0');
      const ws = await Ws.joined(child);
      const session = await Polling.joined(child);
      const pending = await session.pend();
      child.kill(signal);
      await ws.assertClose();
      assert.equal(await pending.text(), '1');
      assert.equal(await child.exit(), 0, child.err);
      child.assertClean();
      assert.deepEqual(child.find({ what: 'disconnect' }).map((record) => record.reason), ['server shutting down', 'server shutting down']);
    });

  it('a second signal ends it at once', async () => {
    const child = await serve(fixture('quiet.lua'), '--port', '0');
    const slow = await Ws.joined(child);
    slow.wire.pauseReading();
    for (let i = 0; i < 8; i += 1) await slow.text('42["flood"]');
    const other = await Ws.joined(child); // by now the server has seen all that
    child.kill('SIGTERM');
    await other.wire.readToEnd().catch(() => {});
    child.kill('SIGTERM');
    await child.exit(5000);
    child.assertClean();
    slow.destroy();
    other.destroy();
  });

  it('a signal with nobody there', async () => stop(await serve(fixture('quiet.lua'), '--port', '0'), 'SIGINT'));

  it('the port is free again behind it', async () => {
    const child = await serve(fixture('quiet.lua'), '--port', '0');
    (await Ws.joined(child)).destroy();
    await stop(child);
    const again = await serve(fixture('quiet.lua'), '--port', String(child.port));
    assert.equal(again.port, child.port);
    await stop(again);
  });

  it('without a script: the welcome page', async () => {
    const child = await serve('--port', '0');
    const response = await request(child, {});
    assert.equal(response.status, 200);
    assert.match(response.headers['content-type'], /^text\/html/);
    assert.match(response.text, /sioc/);
    const ws = await Ws.joined(child);
    ws.destroy();
    await stop(child);
  });

  it('--static', async () => {
    const child = await serve(fixture('quiet.lua'), '--port', '0', '--static', fixture('public'));
    assert.equal((await request(child, { path: '/digits.txt' })).text, '0123456789');
    await stop(child);
  });
});
