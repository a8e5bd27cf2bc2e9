// Plain WebSocket routes: RFC 6455 over an echo, and the API of api.md. sioc only: the reference has no such routes.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import zlib from 'node:zlib';
import { io } from 'socket.io-client';
import { WebSocket as Client } from 'ws';
import { request } from './lib/http.mjs';
import { siocOnly, withServer } from './lib/server.mjs';
import { OP, WebSocket, closeBody, frame, upgrade } from './lib/ws.mjs';

const script = 'websocket.lua';
const utf8 = 'κόσμε 😀 ';
const bad = Buffer.from([0xce, 0xba, 0xed, 0xa0, 0x80, 0x65]); // a surrogate

withServer('Plain WebSocket', { script }, (server) => {
  const open = (path = '/echo', headers = {}) => WebSocket.open(server, path, headers);

  it('echoes text and binary of every length of a head', async () => {
    const ws = await open();
    for (const length of [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 300000]) {
      const text = 'é'.repeat(length >> 1).padEnd(length - (length >> 1), '*');
      await ws.text(text);
      assert.equal(await ws.nextText(), text);
      const bytes = Buffer.alloc(length, 0xfe);
      await ws.binary(bytes);
      assert.deepEqual(await ws.nextBinary(), bytes);
    }
    ws.destroy();
  });

  it('echoes what comes byte by byte', async () => {
    const ws = await open();
    for (const byte of frame({ payload: utf8 })) await ws.raw(Buffer.from([byte]));
    assert.equal(await ws.nextText(), utf8);
    ws.destroy();
  });

  it('answers pings, also between fragments, and joins these', async () => {
    const ws = await open();
    await ws.frame({ fin: false, payload: 'frag' });
    await ws.frame({ op: OP.ping, payload: 'x'.repeat(125) });
    await ws.frame({ op: OP.continuation, fin: false, payload: '' });
    await ws.frame({ op: OP.continuation, payload: 'ment' });
    assert.deepEqual(await ws.next(), { fin: true, rsv: 0, op: OP.pong, payload: Buffer.from('x'.repeat(125)) });
    assert.equal(await ws.nextText(), 'fragment');
    await ws.frame({ op: OP.pong, payload: 'unasked' });
    await ws.frame({ op: OP.binary, fin: false, payload: 'a' });
    await ws.frame({ op: OP.continuation, payload: 'b' });
    assert.equal((await ws.nextBinary()).toString(), 'ab');
    ws.destroy();
  });

  it('joins UTF-8 that is cut between fragments, anywhere', async () => {
    const bytes = Buffer.from(utf8);
    const ws = await open();
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      await ws.frame({ fin: false, payload: bytes.subarray(0, cut) });
      await ws.frame({ op: OP.continuation, payload: bytes.subarray(cut) });
      assert.equal(await ws.nextText(), utf8);
    }
    ws.destroy();
  });

  // The end of the message never comes: the answer does not wait for it.
  it('fails fast on bad UTF-8, after the fragment that holds it', async () => {
    const ws = await open();
    await ws.frame({ fin: false, payload: utf8 });
    await ws.frame({ op: OP.continuation, fin: false, payload: bad.subarray(0, 4) });
    await ws.assertClose(1007);
  });

  it('fails fast on bad UTF-8, within a frame', async () => {
    for (const before of ['', utf8, 'x'.repeat(70000)]) {
      const ws = await open();
      const whole = frame({ payload: Buffer.concat([Buffer.from(before), bad, Buffer.from('x'.repeat(1000))]) });
      const head = whole.length - Buffer.byteLength(before) - 1000 - bad.length;
      await ws.raw(whole.subarray(0, head + Buffer.byteLength(before) + 3));
      await ws.raw(whole.subarray(head + Buffer.byteLength(before) + 3, head + Buffer.byteLength(before) + 4));
      await ws.assertClose(1007);
    }
  });

  for (const [name, frames, code] of [
    ['RSV1', [{ rsv: 4, payload: 'x' }], 1002],
    ['RSV2', [{ rsv: 2, payload: 'x' }], 1002],
    ['an unmasked frame', [{ masked: false, payload: 'x' }], 1002],
    ['opcode 3', [{ op: 3 }], 1002],
    ['opcode 11', [{ op: 11 }], 1002],
    ['a fragmented ping', [{ op: OP.ping, fin: false }], 1002],
    ['a long ping', [{ op: OP.ping, payload: 'x'.repeat(126) }], 1002],
    ['a continuation of nothing', [{ op: OP.continuation }], 1002],
    ['a message inside a message', [{ fin: false, payload: 'x' }, { payload: 'y' }], 1002],
    ['bad UTF-8', [{ payload: bad }], 1007],
    ['UTF-8 that ends too early', [{ payload: bad.subarray(0, 3) }], 1007],
    ['a message that is too big', [{ length: 1000001 }], 1009],
    ['fragments that are too big', [{ fin: false, payload: 'x'.repeat(999999) }, { op: OP.continuation, length: 2 }], 1009],
    ['a close of one byte', [{ op: OP.close, payload: Buffer.from([3]) }], 1002],
    ['a close reason that is no UTF-8', [{ op: OP.close, payload: Buffer.concat([closeBody(1000), bad]) }], 1007],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((bads) => [`close code ${bads}`, [{ op: OP.close, payload: closeBody(bads) }], 1002]),
  ])
    it(`refuses ${name} with ${code}`, async () => {
      const ws = await open();
      for (const fields of frames) await ws.frame(fields);
      await ws.assertClose(code);
    });

  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
    it(`echoes close code ${code}`, async () => {
      const ws = await open();
      await ws.frame({ op: OP.close, payload: closeBody(code, `bye ${code}`) });
      await ws.assertClose(closeBody(code, `bye ${code}`), { answer: false });
      const told = await server.record({ what: 'close', code, reason: `bye ${code}` });
      assert.deepEqual([told.connected, told.sent], [false, false]);
    });

  it('tells of an empty close frame and of none', async () => {
    const polite = await open();
    await polite.frame({ op: OP.close });
    await polite.assertClose(undefined, { answer: false });
    await server.record({ what: 'close', code: 1005 });
    const rude = await open();
    rude.wire.rst();
    await server.record({ what: 'close', code: 1006 });
  });

  it('tells the request', async () => {
    const ws = await open('/req/a%20b?x=1&y=%C3%A9', { 'User-Agent': 'me' });
    const told = JSON.parse(await ws.nextText());
    assert.deepEqual(told, { path: '/req/a b', query: { x: '1', y: 'é' }, params: { id: 'a b' }, address: '127.0.0.1', agent: 'me', method: 'GET', url: '/req/a%20b?x=1&y=%C3%A9' });
    await ws.assertClose(closeBody(4001, 'enough'));
  });

  it('is beside HTTP routes; other paths are 404', async () => {
    assert.equal((await request(server, { path: '/both' })).text, 'http');
    const ws = await open('/both');
    assert.equal(await ws.nextText(), 'websocket');
    ws.destroy();
    for (const path of ['/nowhere', '/echo/more', '/topics']) {
      const { http, response } = await upgrade(server, path);
      assert.equal(response.status, 404);
      http.destroy();
    }
    const plain = await request(server, { path: '/echo' });
    assert.deepEqual([plain.status, plain.headers.upgrade, plain.headers.connection], [426, 'websocket', 'Upgrade'], 'RFC 9110, 15.5.22');
    assert.equal((await request(server, { path: '/echo', method: 'POST', body: '' })).status, 404);
  });

  it('checks the handshake and the origin', async () => {
    const refused = async (headers) => {
      const { http, response } = await upgrade(server, '/echo', headers);
      http.destroy();
      return response;
    };
    assert.equal((await refused({ 'Sec-WebSocket-Key': 'x' })).status, 400);
    assert.equal((await refused({ 'Sec-WebSocket-Version': '12' })).status, 400);
    const foreign = await refused({ Origin: 'https://evil.example' });
    assert.deepEqual([foreign.status, foreign.text], [403, 'Forbidden']);
    await server.stderrMatches(/refused a page from origin https:\/\/evil\.example/);
    (await open('/echo', { Origin: server.url })).destroy();
  });

  it('holds messages while its handler waits', async () => {
    const { http, response } = await upgrade(server, '/slow');
    assert.equal(response.status, 101);
    const ws = new WebSocket(http.wire, response);
    await ws.text('one');
    await ws.text('two');
    assert.equal(await ws.nextText(), 'late one');
    assert.equal(await ws.nextText(), 'late two');
    ws.destroy();
  });

  it('a handler that throws closes with 1011', async () => {
    const ws = await open('/throws');
    await ws.assertClose(1011);
    await server.stderrMatches(/WebSocket: .*no/);
  });

  it('an error in a message is reported, and the connection lives', async () => {
    const ws = await open('/command');
    await ws.text('throw');
    await ws.text('wait');
    assert.equal(await ws.nextText(), 'waited');
    await server.stderrMatches(/thrown in a message/);
    await ws.text('twice');
    assert.equal(await ws.nextText(), 'second handler');
    await ws.text('utf8');
    assert.match(await ws.nextText(), /^false .*not valid UTF-8; use sioc\.binary\(\)/);
    await ws.text('binary');
    assert.deepEqual(await ws.nextBinary(), Buffer.from([255, 0]));
    await server.record({ what: 'drained' });
    ws.destroy();
  });

  it('closes with code and reason, and refuses bad ones', async () => {
    const ws = await open('/command');
    for (const code of [999, 1004, 1005, 1006, 1015]) {
      await ws.text(`close ${code}`);
      assert.match(await ws.nextText(), /a code from 1000 to 4999/);
    }
    await ws.text(`close 1000 ${'x'.repeat(124)}`);
    assert.match(await ws.nextText(), /at most 123 bytes/);
    await ws.text('close 3456 good bye');
    await ws.assertClose(closeBody(3456, 'good bye'));
    await server.record({ what: 'closed', code: 3456, reason: 'good bye' });
  });

  it('publishes to the subscribers of a topic', async () => {
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => open(`/topics/${name}`)));
    const ask = async (ws, text) => { await ws.text(text); return ws.nextText(); };
    assert.equal(await ask(a, 'name'), 'a');
    assert.equal(await ask(a, 'sub news'), '[true]');
    assert.equal(await ask(a, 'sub news'), '[true]');
    assert.equal(await ask(b, 'sub news'), '[true]');
    assert.equal(await ask(a, 'list'), '["all","news"]');
    assert.equal(await ask(c, 'pub news hi there'), 'sent 2');
    assert.deepEqual([await a.nextText(), await b.nextText()], ['hi there', 'hi there']);
    assert.equal(await ask(a, 'others news more'), 'sent 1');
    assert.equal(await b.nextText(), 'more');
    assert.equal(await ask(b, 'unsub news'), 'ok');
    assert.equal(await ask(c, 'bin news raw'), 'sent 1');
    assert.equal((await a.nextBinary()).toString(), 'raw');
    a.destroy();
    for (;;) if (await ask(c, 'pub news x') === 'sent 0') break;
    assert.equal(await ask(c, 'pub nobody x'), 'sent 0');
    b.destroy();
    c.destroy();
  });

  it('a Socket.IO handler can publish', async () => {
    const ws = await open('/topics/x');
    const socket = io(server.url, { transports: ['websocket'], forceNew: true });
    socket.emit('publish', 'all', 'from Socket.IO');
    assert.equal(await ws.nextText(), 'from Socket.IO');
    socket.disconnect();
    ws.destroy();
  });

  it('a client of another implementation', async () => {
    const client = new Client(`${server.url.replace('http', 'ws')}/echo`, ['one', 'two']);
    const got = new Promise((resolve, reject) => { client.once('message', (data, binary) => resolve([data.toString(), binary])); client.once('error', reject); });
    await new Promise((resolve) => client.once('open', resolve));
    assert.equal(client.protocol, 'one');
    client.send('hello');
    assert.deepEqual(await got, ['hello', false]);
    const closed = new Promise((resolve) => client.once('close', (code, reason) => resolve([code, reason.toString()])));
    client.close(3000, 'done');
    assert.deepEqual(await closed, [3000, 'done']);
  });

  it('throws out who does not read: 1013', async () => {
    const ws = await open('/command');
    ws.wire.socket?.pause?.();
    await ws.text('flood');
    const flood = await server.record({ what: 'flood' });
    assert.deepEqual([flood.sent, flood.err], [false, 'queue limit reached']);
    await server.record({ what: 'closed', code: 1013, reason: 'slow reader' });
    ws.destroy();
  });
}, siocOnly());

withServer('Plain WebSocket heartbeat', { script, options: { ping_interval: 0.3, ping_timeout: 0.3 } }, (server) => {
  it('pings who is silent, and closes who does not answer', async () => {
    const ws = await WebSocket.open(server, '/command');
    for (let i = 0; i < 2; i += 1) {
      const ping = await ws.next();
      assert.deepEqual([ping.op, ping.payload.length], [OP.ping, 0]);
      await ws.frame({ op: OP.pong });
    }
    assert.equal((await ws.next()).op, OP.ping);
    await ws.assertEnd();
    await server.record({ what: 'closed', code: 1006, reason: 'ping timeout' });
  });
}, siocOnly());

withServer('Plain WebSocket, large and compressed', { script, options: { max_payload: 16777216, per_message_deflate: true } }, (server) => {
  it('echoes 16 MiB, whole and in fragments', async () => {
    const ws = await WebSocket.open(server, '/echo');
    const data = Buffer.alloc(16 * 1024 * 1024, '*');
    await ws.binary(data);
    assert.deepEqual((await ws.next()).payload, data);
    for (const size of [65536]) {
      for (let at = 0; at < data.length; at += size)
        await ws.frame({ op: at ? OP.continuation : OP.text, fin: at + size >= data.length, payload: data.subarray(at, at + size) });
      assert.deepEqual((await ws.next()).payload, data);
    }
    await ws.frame({ length: data.length + 1 });
    await ws.assertClose(1009);
  });

  it('echoes many messages, compressed', async () => {
    const client = new Client(`${server.url.replace('http', 'ws')}/echo`, { perMessageDeflate: { threshold: 0 } });
    await new Promise((resolve) => client.once('open', resolve));
    assert.match(client.extensions, /permessage-deflate/);
    for (const size of [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]) {
      const text = Array.from({ length: size }, (_, i) => 'aäbcdefghi'[Math.floor(Math.abs(Math.sin(i * i)) * 10)]).join('');
      for (let i = 0; i < 20; i += 1) {
        const got = new Promise((resolve) => client.once('message', (data) => resolve(data.toString())));
        client.send(text);
        assert.equal(await got, text);
      }
    }
    client.terminate();
  });

  it('publishes one compressed frame to all', async () => {
    const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => WebSocket.open(server, `/topics/${i}`, offer)));
    const meter = await WebSocket.open(server, '/command');
    const deflated = async () => { await meter.text('metric deflated_frames'); return Number(await meter.nextText()); };
    const before = await deflated();
    const text = 'say it to all at once '.repeat(100);
    await all[0].text(`pub all ${text}`);
    const frames = await Promise.all(all.map((ws) => ws.next()));
    for (const got of frames) assert.deepEqual([got.rsv, got.payload], [4, frames[0].payload]);
    const tail = Buffer.from([0, 0, 0xff, 0xff]);
    assert.equal(zlib.inflateRawSync(Buffer.concat([frames[0].payload, tail]), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString(), text);
    assert.equal(await deflated(), before + 1);
    for (const ws of [meter, ...all]) ws.destroy();
  });
}, siocOnly());

withServer('Plain WebSocket at shutdown', { script }, (server) => {
  it('is closed with 1001', async () => {
    const ws = await WebSocket.open(server, '/command');
    server.process.kill('SIGTERM');
    await ws.assertClose(1001);
    await server.record({ what: 'closed', code: 1001, reason: 'server shutting down' });
    assert.equal(await server.process.exit(), 0);
    server.process.assertClean();
    server.forget();
  });
}, siocOnly());
