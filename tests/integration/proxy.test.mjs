// Behind proxies: whose word on the client counts, PROXY heads, sockets in the file system.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { io } from 'socket.io-client';
import { Process, fixtures, program, siocOnly, withServer } from './lib/server.mjs';

const own = siocOnly('proxies are the business of the framework there');

async function who(server, extraHeaders) {
  const socket = io(server.url, { transports: ['websocket'], extraHeaders, forceNew: true, reconnection: false });
  try {
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    return await new Promise((resolve) => socket.emit('who', (address, secure) => resolve([address, secure])));
  } finally {
    socket.disconnect();
  }
}

withServer('no trusted proxies', { script: 'proxy.lua' }, (server) => {
  it('such headers mean nothing', async () => {
    assert.deepEqual(await who(server, { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', Forwarded: 'for=203.0.113.9;proto=https' }), ['127.0.0.1', false]);
  });
}, own);

withServer('trusted proxies', { script: 'proxy.lua', options: { trusted_proxies: ['127.0.0.0/8', '10.0.0.0/8'] } }, (server) => {
  const cases = [
    ['nothing said', {}, ['127.0.0.1', false]],
    ['one client', { 'X-Forwarded-For': '203.0.113.9' }, ['203.0.113.9', false]],
    ['https in front', { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' }, ['203.0.113.9', true]],
    ['a chain: the last one that is no proxy of ours', { 'X-Forwarded-For': '1.1.1.1, 203.0.113.9, 10.2.3.4' }, ['203.0.113.9', false]],
    ['a forged beginning does not count', { 'X-Forwarded-For': 'evil, 127.0.0.1, 203.0.113.9' }, ['203.0.113.9', false]],
    ['only proxies of ours', { 'X-Forwarded-For': '10.1.1.1, 10.2.2.2' }, ['10.1.1.1', false]],
    ['nonsense at the end', { 'X-Forwarded-For': '203.0.113.9, unknown' }, ['127.0.0.1', false]],
    ['with a port, and IPv6', { 'X-Forwarded-For': '[2001:db8::9]:443' }, ['2001:db8::9', false]],
    ['Forwarded', { Forwarded: 'for=203.0.113.9;proto=https;by=10.0.0.1' }, ['203.0.113.9', true]],
    ['Forwarded with quotes, before X-Forwarded-For', { Forwarded: 'for="[2001:db8::9]:4711"', 'X-Forwarded-For': '1.1.1.1' }, ['2001:db8::9', false]],
    ['Forwarded, hidden', { Forwarded: 'for=_secret' }, ['127.0.0.1', false]],
  ];
  for (const [name, headers, expected] of cases) {
    it(name, async () => assert.deepEqual(await who(server, headers), expected));
  }
}, own);

// Sends bytes, possibly in pieces, and gives all that comes back.
function talk(port, ...pieces) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let answer = '';
    socket.on('data', (data) => { answer += data; });
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    const send = () => {
      const piece = pieces.shift();
      if (piece === undefined) return;
      socket.write(piece, (error) => { if (error) reject(error); else setTimeout(send, 20); });
    };
    socket.on('connect', send);
  });
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const V1 = 'PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n';

withServer('PROXY heads', { script: 'proxy.lua', options: { trusted_proxies: '127.0.0.1', proxy_protocol: true } }, (server) => {
  const port = () => Number(new URL(server.url).port);

  it('are taken off, in one piece or many', async () => {
    for (const pieces of [[V1 + GET], [V1, GET], [V1.slice(0, 3), V1.slice(3, 30), V1.slice(30) + GET.slice(0, 5), GET.slice(5)]]) {
      assert.match(await talk(port(), ...pieces), /^HTTP\/1\.1 200 OK\r\n[^]*here$/);
    }
  });

  it('name the client', async () => {
    const answer = await new Promise((resolve) => {
      // A balancer of a few lines in front of the stock client.
      const front = net.createServer((client) => {
        const back = net.connect(port(), '127.0.0.1', () => {
          back.write(V1);
          client.pipe(back).pipe(client);
        });
        for (const side of [client, back]) side.on('error', () => {});
      }).listen(0, '127.0.0.1', async () => {
        resolve(await who({ url: `http://127.0.0.1:${front.address().port}` }));
        front.close();
      });
    });
    assert.deepEqual(answer, ['203.0.113.9', false]);
  });

  it('are demanded, and must be right', async () => {
    for (const wrong of [GET, 'PROXY NONSENSE\r\n', 'PROXY TCP4 ::1 ::1 1 2\r\n', 'x'.repeat(2000)]) {
      assert.equal(await talk(port(), wrong), '');
    }
    assert.match(await talk(port(), V1 + GET), /^HTTP\/1\.1 200 OK/);
  });
}, own);

withServer('PROXY heads from strangers', { script: 'proxy.lua', options: { trusted_proxies: '10.0.0.1', proxy_protocol: true } }, (server) => {
  it('are not listened to', async () => {
    assert.equal(await talk(Number(new URL(server.url).port), V1 + GET), '');
  });
}, own);

it('a socket in the file system', own, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sioc-unix-'));
  const file = path.join(dir, 'sioc.sock');
  const start = () => new Process(program, [path.join(fixtures, 'proxy.lua'), '--host', `unix:${file}`]);
  const get = () => new Promise((resolve, reject) => {
    http.get({ socketPath: file, path: '/', agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve(body);
    }).on('error', reject);
  });
  const first = start();
  await first.until('listening', () => first.out.includes(`listening on unix:${file}\n`));
  assert.equal(await get(), 'here');

  const second = start();
  assert.equal(await second.exit(), 1);
  assert.match(second.err, /address already in use/);
  assert.equal(await get(), 'here');

  first.kill('SIGKILL'); // its file stays behind, and the next one takes its place
  await first.exit();
  assert.ok(fs.existsSync(file));
  const third = start();
  await third.until('listening', () => third.out.includes('listening on'));
  assert.equal(await get(), 'here');
  third.kill('SIGTERM');
  assert.equal(await third.exit(), 0);
  third.assertClean();
  assert.ok(!fs.existsSync(file));
  fs.rmSync(dir, { recursive: true });
});
