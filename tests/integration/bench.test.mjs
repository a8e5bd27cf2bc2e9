// `sioc bench`: what it says and counts, against sioc and against the reference.  No figure is asserted: that it works.

import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Authority } from './lib/certificates.mjs';
import { Process, isReference, program, repository, siocOnly } from './lib/server.mjs';

const example = (name) => path.join(repository, 'examples/bench', name);

// Runs `sioc bench` to its end: { code, out, err }.
async function bench(...args) {
  const child = new Process(program, ['bench', ...args.map(String)]);
  await child.exit(60000);
  child.assertClean();
  return { code: child.code, out: child.out, err: child.err };
}

// The same, short, as JSON.
async function load(url, ...args) {
  const { code, out, err } = await bench(url, '--seconds', 0.3, '--warmup', 0.1, '--clients', 10, '--json', ...args);
  assert.equal(out.split('\n').length, 2, `one line of JSON\n${out}${err}`);
  return { code, err, ...JSON.parse(out) };
}

function assertGood(result) {
  assert.deepEqual([result.err, result.verdict, result.code], ['', 'ok', 0]);
  assert.deepEqual([result.wrong, result.missing, result.lost_connections], [0, 0, 0]);
}

function assertMeasured(result) {
  assertGood(result);
  assert.ok(result.messages > 0 && result.messages_per_s > 0);
  const times = ['p50', 'p90', 'p99', 'p999', 'max'].map((name) => result[`latency_${name}_us`]);
  assert.ok(times[0] > 0);
  assert.deepEqual(times.slice(0, 4), times.slice(0, 4).sort((a, b) => a - b));
}

async function started(command, args) {
  const child = new Process(command, args);
  const [, scheme, port] = await child.until('"listening on"', () => child.out.match(/^listening on (https?):\/\/127\.0\.0\.1:(\d+)$/m));
  child.url = `${scheme}://127.0.0.1:${port}`;
  return child;
}

async function stop(child) {
  child.kill();
  await child.exit();
  child.assertClean();
}

const sioc = (...args) => started(program, [...args, '--port', '0']);

async function withSioc(args, body) {
  const server = await sioc(...args);
  try {
    await body(server);
  } finally {
    await stop(server);
  }
}

// The example finds socket.io among the packages of the tests.
async function reference() {
  const folder = path.join(repository, 'tests/artifacts');
  await mkdir(folder, { recursive: true });
  const dir = await mkdtemp(path.join(folder, 'bench-'));
  await copyFile(example('server.mjs'), path.join(dir, 'server.mjs'));
  const child = await started(process.execPath, [path.join(dir, 'server.mjs'), '0']);
  await rm(dir, { recursive: true });
  return child;
}

describe('bench: the examples answer', () => {
  let server;
  before(async () => { server = await (isReference ? reference() : sioc(example('bench.lua'))); });
  after(() => stop(server));

  for (const transport of ['websocket', 'polling']) {
    for (const mode of ['echo', 'ack']) {
      it(`${mode}, ${transport}`, async () => {
        const result = await load(server.url, '--mode', mode, '--in-flight', 4, '--transport', transport, '--pid', server.child.pid);
        assertMeasured(result);
        assert.deepEqual([result.mode, result.transport, result.clients, result.in_flight, result.bytes], [mode, transport, 10, 4, 128]);
        assert.ok(result.server_rss_kib > 0);
      });
    }

    it(`idle, ${transport}`, async () => {
      const result = await load(server.url, '--mode', 'idle', '--transport', transport, '--pid', server.child.pid);
      assertGood(result);
      assert.equal(result.messages, 0);
      assert.ok('pss_bytes_per_client' in result);
    });

    it(`connect, ${transport}`, async () => assertMeasured(await load(server.url, '--mode', 'connect', '--transport', transport)));
  }

  it('fan-out to everybody: whole rounds of deliveries', async () => {
    const result = await load(server.url, '--mode', 'fanout', '--in-flight', 3);
    assertMeasured(result);
  });

  it('fan-out to rooms', async () => {
    const result = await load(server.url, '--mode', 'fanout', '--rooms', 3, '--in-flight', 2);
    assertMeasured(result);
    assert.equal(result.rooms, 3);
  });

  it('a rate: so many messages, whatever the answers', async () => {
    const result = await load(server.url, '--rate', 500, '--seconds', 1);
    assertMeasured(result);
    assert.ok(result.messages <= 700, `${result.messages}`);
  });

  it('large payloads', async () => assertMeasured(await load(server.url, '--bytes', 200000, '--clients', 2)));

  it('for people: what was done, how fast, how late, errors', async () => {
    const { code, out, err } = await bench(server.url, '--seconds', 0.2, '--warmup', 0, '--clients', 3, '--pid', server.child.pid);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^http:\/\/127\.0\.0\.1:\d+ {2}echo, 3 clients, 1 in flight, 128 bytes, websocket$/m);
    assert.match(out, /^clients +3 joined in [\d.]+ s$/m);
    assert.match(out, /^messages +[\d,]+\/s/m);
    assert.match(out, /^latency +p50 .* p90 .* p99 .* p99\.9 .* max /m);
    assert.match(out, /^server +\S+ µs of CPU per message/m);
    assert.match(out, /^errors +none$/m);
  });

  it('^C shows what there is', async () => {
    const child = new Process(program, ['bench', server.url, '--seconds', '600', '--warmup', '0', '--progress', '0.2', '--clients', '2']);
    await child.stderrMatches(/ messages /);
    child.kill('SIGINT');
    assert.equal(await child.exit(), 0, child.err);
    assert.match(child.out, /^messages +[\d,]+\/s/m);
  });

  it('an event that nobody answers: says so', async () => {
    const child = new Process(program, ['bench', server.url, '--event', 'nobody', '--seconds', '0.1', '--warmup', '0', '--clients', '3']);
    assert.equal(await child.exit(30000), 1);
    assert.match(child.err, /not one answer: does the server have the events of --mode echo\?/);
    assert.match(child.out, /^errors +0 wrong answers, 3 missing, 0 connections failed$/m);
  });

  it('a namespace that the server does not have', async () => {
    const { code, err } = await bench(`${server.url}/nowhere`, '--clients', 1);
    assert.equal(code, 1);
    assert.match(err, /CONNECT refused: 44\/nowhere,\{"message":"Invalid namespace"\}/);
  });

  it('another path', async () => {
    const { code, err } = await bench(server.url, '--path', '/elsewhere/', '--clients', 1);
    assert.equal(code, 1);
    assert.match(err, /client 0: /);
  });
});

describe('bench: what one can ask of a server', siocOnly('the example of sioc'), () => {
  it('a namespace, auth and a query', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'sioc-bench-'));
    await writeFile(path.join(dir, 'app.lua'), `local sioc = require "sioc"
      local io = sioc.server {}
      local chat = io:of("/chat")
      chat:use(function(socket)
        local auth, query = socket.handshake.auth, socket.handshake.query
        if auth.token ~= "abc" or query.room ~= "7" then error("no", 0) end
      end)
      chat:event("say", function(socket, ...) socket:emit("say", ...) end)
      io:listen(0)`);
    await withSioc([path.join(dir, 'app.lua')], async (server) => {
      assertMeasured(await load(`${server.url}/chat?room=7`, '--event', 'say', '--auth', '{"token":"abc"}'));
      for (const [url, token] of [['/chat?room=7', 'x'], ['/chat', 'abc']]) {
        const { code, err } = await bench(server.url + url, '--auth', `{"token":"${token}"}`, '--clients', '1');
        assert.equal(code, 1);
        assert.match(err, /CONNECT refused: 44\/chat,/);
      }
    });
    await rm(dir, { recursive: true });
  });

  it('permessage-deflate: fewer bytes; refused when the server does not', async () => {
    const args = ['--mode', 'fanout', '--bytes', 4096];
    await withSioc([example('bench.lua'), '--per-message-deflate'], async (server) => {
      const plain = await load(server.url, ...args), deflated = await load(server.url, ...args, '--deflate');
      assertMeasured(plain);
      assertMeasured(deflated);
      assert.ok(plain.bytes_in_per_message > 4096 && deflated.bytes_in_per_message < 3500, `${plain.bytes_in_per_message} ${deflated.bytes_in_per_message}`);
    });
    await withSioc([example('bench.lua')], async (server) => assert.match((await load(server.url, '--deflate')).err, /the server does not compress/));
  });

  it('TLS: a certificate that nobody has signed is refused, unless one insists', async () => {
    const authority = new Authority();
    const { cert, key } = authority.sign('server', '127.0.0.1');
    await withSioc([example('bench.lua'), '--tls-cert', cert, '--tls-key', key], async (server) => {
      assert.match(server.url, /^https:/);
      const { code, err } = await bench(server.url, '--clients', '1');
      assert.equal(code, 1);
      assert.match(err, /TLS: .*certificate.*--insecure/);
      for (const args of [['--in-flight', 4], ['--bytes', 100000], ['--transport', 'polling'], ['--mode', 'connect']])
        assertMeasured(await load(server.url, '--insecure', ...args));
      const plain = await bench(server.url.replace('https', 'http'), '--clients', '1');
      assert.equal(plain.code, 1);
    });
    authority.remove();
  });

  it('a server that goes away in the middle', async () => {
    const server = await sioc(example('bench.lua'));
    const child = new Process(program, ['bench', server.url, '--seconds', '600', '--warmup', '0', '--progress', '0.2', '--clients', '200']);
    await child.stderrMatches(/ messages /);
    server.kill('SIGKILL');
    assert.equal(await child.exit(30000), 1);
    assert.match(child.err, /client \d+: (closed by the server|the connection ended)/);
    await server.exit();
  });
});

describe('bench: a server that answers nonsense', siocOnly('no server of ours'), () => {
  const cases = {
    'another protocol': ['SSH-2.0-other\r\n', /upgrade refused: SSH-2\.0-other$/m],
    'HTTP, but no': ['HTTP/1.1 404 Not Found\r\n\r\n', /upgrade refused: HTTP\/1\.1 404 Not Found$/m],
    'a wrong key': ['HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: aaaa\r\n\r\n', /upgrade refused: HTTP\/1\.1 101/],
    'no frames': ['HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello', /no WebSocket frame that may be here/],
    'the rest of nothing': ['HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x80\x05hello', /a frame that continues nothing: hello$/m],
    'no packets': ['HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello', /unexpected packet: hello$/m],
    'nothing, and hangs up': [null, /the connection ended before the server said anything$/m],
    'nothing at all': ['', /only 0 of 1 clients joined in [\d.]+ s$/m],
  };
  for (const [name, [answer, message]] of Object.entries(cases)) {
    it(name, async () => {
      const server = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => { if (answer === null) socket.destroy(); else socket.write(answer, 'latin1'); });
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { code, out, err } = await bench(`http://127.0.0.1:${server.address().port}`, '--clients', '1', '--open-timeout', '1');
      server.close();
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, message);
      assert.match(err, /^sioc bench: /);
    });
  }

  it('no nonsense: messages in several frames', async () => {
    const frame = (head, text) => Buffer.concat([Buffer.from([head, text.length]), Buffer.from(text)]);
    const says = ['0{"sid":"a"}', '40{"sid":"b"}'];
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        if (data.toString().startsWith('GET ')) socket.write('HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n');
        const text = says.shift();
        if (!text) return void (data[0] === 0x88 && socket.end());
        socket.write(Buffer.concat([frame(0x01, text.slice(0, 3)), frame(0x89, 'ping'), frame(0x00, text.slice(3, 5)), frame(0x80, text.slice(5))]));
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { code, err } = await bench(`http://127.0.0.1:${server.address().port}`, '--clients', '1', '--mode', 'idle', '--seconds', '0.1', '--warmup', '0');
    server.close();
    assert.deepEqual([code, err], [0, '']);
  });

  it('polling: no answer to a poll', async () => {
    const server = net.createServer((socket) => { socket.on('error', () => {}); socket.once('data', () => socket.end('HTTP/1.1 500 Oh\r\n\r\n')); });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { code, err } = await bench(`http://127.0.0.1:${server.address().port}`, '--clients', '1', '--transport', 'polling');
    server.close();
    assert.equal(code, 1);
    assert.match(err, /no answer to a poll: HTTP\/1\.1 500 Oh$/m);
  });

  it('nobody listens', async () => {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    const { code, err } = await bench(`http://127.0.0.1:${port}`);
    assert.equal(code, 1);
    assert.equal(err, `sioc bench: cannot connect to 127.0.0.1 port ${port}: Connection refused\n`);
  });
});

describe('bench: the command line', siocOnly(), () => {
  it('--help', async () => {
    const { code, out, err } = await bench('--help');
    assert.deepEqual([code, err], [0, '']);
    for (const word of ['--clients', '--in-flight', '--bytes', '--mode', '--json', '--transport', '--rate', 'examples/bench']) assert.ok(out.includes(word), word);
  });

  const wrong = {
    'which server?': [],
    'unknown option --nonsense; sioc bench --help lists them': ['http://h', '--nonsense'],
    '--clients must be a whole number from 1 to 200000, not "many"': ['http://h', '--clients', 'many'],
    '--clients must be a whole number from 1 to 200000, not "0"': ['http://h', '--clients', '0'],
    '--clients must be a whole number from 1 to 200000, not "1.5"': ['http://h', '--clients', '1.5'],
    '--bytes must be a whole number from 16 to 900000, not "15"': ['http://h', '--bytes', '15'],
    '--seconds must be a number from 0.1 to 3600, not "nan"': ['http://h', '--seconds', 'nan'],
    '--mode must be echo, ack, fanout, idle or connect, not "shout"': ['http://h', '--mode', 'shout'],
    '--transport must be websocket or polling, not "pigeon"': ['http://h', '--transport', 'pigeon'],
    '--seconds needs a value': ['http://h', '--seconds'],
    '--rate goes with --mode echo and ack, not with idle': ['http://h', '--rate', '5', '--mode', 'idle'],
    '--rooms goes with --mode fanout, not with echo': ['http://h', '--rooms', '5'],
    '--transport polling goes with echo, ack, idle and connect': ['http://h', '--transport', 'polling', '--mode', 'fanout'],
    '--auth must be a JSON object, not "abc"': ['http://h', '--auth', 'abc'],
    '--event must be a name without spaces and quotes, not "a"b"': ['http://h', '--event', 'a"b'],
    'ftp://h: the URL must begin with http, https, ws or wss': ['ftp://h'],
    'http://h:99999: wanted is a URL like http://127.0.0.1:3000': ['http://h:99999'],
    'http://: wanted is a URL like http://127.0.0.1:3000': ['http://'],
    'unexpected "http://b"': ['http://a', 'http://b'],
  };
  for (const [message, args] of Object.entries(wrong)) {
    it(message, async () => {
      const { code, out, err } = await bench(...args);
      assert.deepEqual([code, out], [2, '']);
      assert.ok(err.startsWith(`sioc bench: ${message}`), err);
      assert.equal(err.trimEnd().split('\n').length, 1, err);
    });
  }

  it('more clients than files: says which limit', async () => {
    const { code, err } = await bench('http://127.0.0.1:1', '--clients', '200000');
    if (/cannot connect/.test(err)) return; // this machine allows so many
    assert.equal(code, 2);
    assert.match(err, /--clients 200000: this process may have \d+ files open \(ulimit -n\)/);
  });
});
