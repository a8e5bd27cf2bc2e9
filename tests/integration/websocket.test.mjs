// The WebSocket transport, frame by frame: E070 to E090, RFC 6455.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Ws, url } from './lib/eio.mjs';
import { Http, contentType, requestBytes } from './lib/http.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';
import { OP, closeBody, frame, upgrade, upgradeHeaders } from './lib/ws.mjs';

const PATH = url('EIO=4&transport=websocket');
const MASKED_HI = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x36, 0x78]); // "6x" by hand

withServer('WebSocket', {}, (server) => {
  const joined = (...rest) => Ws.joined(server, ...rest);

  async function assertRefused(headers, text, { path = PATH, method = 'GET', status = 400 } = {}) {
    const { http, response } = await upgrade(server, path, headers, method);
    assert.deepEqual([response.status, response.text], [status, text]);
    assert.equal(contentType(response), 'text/html');
    assert.equal(response.headers.connection, 'close');
    await http.assertEnd();
    http.destroy();
    return response;
  }

  it('E070 opens with 101 and the handshake', async () => {
    const ws = await Ws.open(server);
    assert.deepEqual(Object.keys(ws.open), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
    assert.match(ws.sid, /^[A-Za-z0-9_-]{20}$/);
    assert.deepEqual([ws.open.upgrades, ws.open.pingInterval, ws.open.pingTimeout, ws.open.maxPayload], [[], 25000, 20000, 1000000]);
    ws.destroy();
  });

  for (const [name, headers] of [['no key', { 'Sec-WebSocket-Key': null }], ['a short key', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' }], ['a key that is no base64', { 'Sec-WebSocket-Key': 'not base64 at all!!!!!!=' }]])
    it(`E071 refuses ${name}`, () => assertRefused(headers, 'Missing or invalid Sec-WebSocket-Key header'));

  for (const [name, version] of [['version 12', '12'], ['no version', null]])
    it(`E071 refuses ${name}`, async () => {
      const response = await assertRefused({ 'Sec-WebSocket-Version': version }, 'Missing or invalid Sec-WebSocket-Version header');
      assert.match(response.headers['sec-websocket-version'], /\b13\b/);
    });

  it('E071 refuses another upgrade', () => assertRefused({ Upgrade: 'h2c' }, 'Invalid Upgrade header'));

  for (const headers of [{ Upgrade: 'WebSocket' }, { Connection: 'keep-alive, Upgrade' }, { Connection: 'upgrade' }])
    it(`E071 takes ${JSON.stringify(headers)}`, async () => (await Ws.open(server, '', headers)).destroy());

  it('a Connection without "Upgrade" makes it a plain GET', async () => {
    const { http, response } = await upgrade(server, PATH, { Connection: 'keep-alive' });
    http.destroy();
    assert.deepEqual([response.status, response.text], [400, '{"code":3,"message":"Bad request"}']);
  });

  it('E072 refuses an unknown transport, sid or version with a plain 400', async () => {
    await assertRefused({}, 'Transport unknown', { path: url('EIO=4&transport=abc') });
    await assertRefused({}, 'Transport unknown', { path: url('EIO=4') });
    await assertRefused({}, 'Session ID unknown', { path: url('EIO=4&transport=websocket&sid=zzz') });
    await assertRefused({}, 'Bad handshake method', { method: 'POST' });
  });

  it('E072 refuses another protocol version before the 101', { skip: differs('1.4: check EIO before the 101', { sioc: false, node: 'the reference sends 101 first' }) }, async () => {
    for (const query of ['EIO=3&transport=websocket', 'transport=websocket']) await assertRefused({}, 'Unsupported protocol version', { path: url(query) });
  });

  it('E073 an upgrade with transport=polling is closed at once', async () => {
    const { http, response } = await upgrade(server, url('EIO=4&transport=polling'));
    assert.equal(response.status, 101);
    assert.deepEqual(await http.wire.read(2), Buffer.from([0x88, 0]));
    http.destroy();
  });

  it('E074 an upgrade on another path is no session', async () => {
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { path: '/foo', headers: upgradeHeaders() }));
    // The reference ends the connection without a word, sioc answers as it does to any path that nobody serves.
    if (differs('1.4; a plain error', { sioc: true, node: false })) assert.equal((await http.response()).status, 404);
    else await http.assertEnd();
    http.destroy();
  });

  it('echoes the first subprotocol', async () => {
    const { http, response } = await upgrade(server, PATH, { 'Sec-WebSocket-Protocol': 'one, two' });
    http.destroy();
    assert.deepEqual([response.status, response.headers['sec-websocket-protocol']], [101, 'one']);
  });

  const violations = {
    unmasked: { masked: false, payload: '42["echo",1]' },
    RSV1: { rsv: 4, payload: '42["echo",1]' },
    RSV2: { rsv: 2, payload: '42["echo",1]' },
    RSV3: { rsv: 1, payload: '42["echo",1]' },
    'opcode 3': { op: 3, payload: 'x' },
    'opcode 7': { op: 7, payload: 'x' },
    'opcode 11': { op: 11, payload: 'x' },
    'opcode 15': { op: 15, payload: 'x' },
    'a stray continuation': { op: OP.continuation, payload: 'x' },
    'a fragmented ping': { op: OP.ping, fin: false, payload: 'x' },
    'a ping of 126 bytes': { op: OP.ping, payload: 'x'.repeat(126) },
    'a close of 1 byte': { op: OP.close, payload: Buffer.from([3]) },
    ...Object.fromEntries([0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) => [`close code ${code}`, { op: OP.close, payload: closeBody(code) }])),
  };
  for (const [name, fields] of Object.entries(violations))
    it(`E075 ${name}`, async () => {
      const ws = await joined();
      await ws.frame(fields);
      await ws.assertClose(1002);
      await server.assertReason(ws.id, 'transport error');
    });

  it('E075 a new message inside a fragmented one', async () => {
    const ws = await joined();
    await ws.frame({ fin: false, payload: '42["echo",' });
    await ws.frame({ payload: '42["echo",1]' });
    await ws.assertClose(1002);
    await server.assertReason(ws.id, 'transport error');
  });

  it('E076 invalid UTF-8', async () => {
    for (const bytes of [[0x34, 0xff, 0xfe], [0x34, 0xc0, 0xaf], [0x34, 0xed, 0xa0, 0x80], [0x34, 0xf4, 0x90, 0x80, 0x80], [0x34, 0xe2, 0x82]]) {
      const ws = await joined();
      await ws.text(Buffer.from(bytes));
      await ws.assertClose(1007);
      await server.assertReason(ws.id, 'transport error');
    }
  });

  it('E076 invalid UTF-8 in a close reason', async () => {
    const ws = await joined();
    await ws.frame({ op: OP.close, payload: Buffer.concat([closeBody(1000), Buffer.from([0xff])]) });
    await ws.assertClose(1007);
    await server.assertReason(ws.id, 'transport error');
  });

  it('E076 a character that is split between fragments is valid', async () => {
    const ws = await joined();
    const bytes = Buffer.from('42["echo","€😀"]');
    for (let i = 0; i < bytes.length; i += 1)
      await ws.frame({ op: i ? OP.continuation : OP.text, fin: i === bytes.length - 1, payload: bytes.subarray(i, i + 1) });
    assert.equal(await ws.nextText(), '42["echo","€😀"]');
    ws.destroy();
  });

  for (const [name, length] of [['one byte above the limit', 1000001], ['2^40', 2 ** 40], ['2^53 - 1', Number.MAX_SAFE_INTEGER]])
    it(`E077 a frame of ${name}`, async () => {
      const ws = await joined();
      await ws.raw(frame({ length }).subarray(0, 14));
      await ws.assertClose(1009);
      await server.assertReason(ws.id, 'transport error');
    });

  it('E077 a length above 2^53', async () => {
    for (const high of [0x00200000, 0x7fffffff, 0x80000000]) {
      const ws = await joined();
      const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
      head.writeUInt32BE(high, 2);
      await ws.raw(head);
      // With the top bit set: R27 says 1002, the reference 1009.
      const got = await ws.next();
      assert.equal(got.op, OP.close);
      assert.ok((high > 0x7fffffff && !differs('security.md R27', { sioc: false, node: true }) ? [1002, 1009] : [1009]).includes(got.payload.readUInt16BE()), String(got.payload.readUInt16BE()));
      await server.assertReason(ws.id, 'transport error');
      ws.destroy();
    }
  });

  it('E077 fragments above the limit together', async () => {
    const ws = await joined();
    await ws.frame({ fin: false, payload: 'x'.repeat(600000) });
    await ws.frame({ op: OP.continuation, fin: false, payload: 'x'.repeat(400001) });
    await ws.assertClose(1009);
    await server.assertReason(ws.id, 'transport error');
  });

  it('E077 a message of exactly the limit', async () => {
    const ws = await joined();
    const text = `42["echo","${'x'.repeat(1000000 - 13)}"]`;
    assert.equal(text.length, 1000000);
    await ws.text(text);
    assert.equal(await ws.nextText(), text);
    ws.destroy();
  });

  it('E078 a ping between fragments is answered first', async () => {
    const ws = await joined();
    await ws.frame({ fin: false, payload: '42["ec' });
    await ws.frame({ op: OP.ping, payload: 'p' });
    await ws.frame({ op: OP.continuation, payload: 'ho",1]' });
    const pong = await ws.next();
    assert.deepEqual([pong.fin, pong.op, pong.payload.toString()], [true, OP.pong, 'p']);
    assert.equal(await ws.nextText(), '42["echo",1]');
    ws.destroy();
  });

  it('E079 answers pings, ignores pongs', async () => {
    const ws = await joined();
    for (const body of ['hello', '', 'x'.repeat(125)]) {
      await ws.frame({ op: OP.ping, payload: body });
      const pong = await ws.next();
      assert.deepEqual([pong.op, pong.payload.toString()], [OP.pong, body]);
    }
    await ws.frame({ op: OP.pong, payload: 'x' });
    await ws.assertAlive();
    ws.destroy();
  });

  for (const [name, body] of [['empty', Buffer.alloc(0)], ['1000', closeBody(1000)], ['1000 "bye"', closeBody(1000, 'bye')], ['1001', closeBody(1001)], ['3000', closeBody(3000)], ['4999', closeBody(4999)]])
    it(`E080 a close frame, ${name}, is echoed`, async () => {
      const ws = await joined();
      await ws.frame({ op: OP.close, payload: body });
      await ws.assertClose(body.length > 2 ? 1000 : body, { answer: false });
      await server.assertReason(ws.id, 'transport close');
    });

  it('E081 FIN', async () => {
    const ws = await joined();
    ws.wire.end();
    await server.assertReason(ws.id, 'transport close');
    ws.destroy();
  });

  it('E081 RST', async () => {
    const ws = await joined();
    ws.wire.rst();
    await server.assertReason(ws.id, 'transport close');
  });

  it('E081 RST inside a frame, right after the upgrade request, and before it', async () => {
    const ws = await joined();
    await ws.raw(frame({ payload: '42["echo","abc"]' }).subarray(0, 9));
    ws.wire.rst();
    await server.assertReason(ws.id, 'transport close');
    for (const size of [20, 1000]) {
      const http = await Http.connect(server);
      await http.send(requestBytes(server, { path: PATH, headers: upgradeHeaders() }).subarray(0, size));
      http.wire.rst();
    }
    const again = await joined();
    await again.assertAlive();
    again.destroy();
  });

  async function assertEnds(send, reason) {
    const ws = await joined();
    await send(ws);
    await ws.assertClose();
    await server.assertReason(ws.id, reason);
  }

  for (const text of ['', 'abc', '7']) it(`E082 ${JSON.stringify(text)} is a parse error`, () => assertEnds((ws) => ws.text(text), 'parse error'));
  for (const text of ['2', '2probe', '2abc']) it(`E083 ${text} is a transport error`, () => assertEnds((ws) => ws.text(text), 'transport error'));

  for (const text of ['3', '5', '6', '0', '3abc', '6abc'])
    it(`E084 ignores ${text}`, async () => {
      const ws = await joined();
      await ws.text(text);
      await ws.assertAlive();
      ws.destroy();
    });

  it('E085 a close packet', { skip: differs('1.8: close with transport close', { sioc: false, node: 'the reference ignores it' }) },
    () => assertEnds((ws) => ws.text('1'), 'transport close'));

  it('E086 an empty message', () => assertEnds((ws) => ws.text('4'), 'forced close'));
  for (const text of ['48', '4a', '4-1', '47', '4 2["a"]']) it(`E087 ${text} is no packet`, () => assertEnds((ws) => ws.text(text), 'forced close'));
  it('E088 a binary message that nobody awaits', () => assertEnds((ws) => ws.binary(Buffer.from([1, 2, 3])), 'forced close'));
  it('E088 an empty one', () => assertEnds((ws) => ws.binary(''), 'forced close'));

  it('E089 an attachment as text in base64', async () => {
    const ws = await joined();
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.text('bBAEC');
    assert.equal(await ws.nextText(), '451-["echo",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await ws.nextBinary(), Buffer.from([4, 1, 2]));
    ws.destroy();
  });

  it('E093 an offer of permessage-deflate is ignored by default', async () => {
    const { http, response } = await upgrade(server, PATH, { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
    http.destroy();
    assert.deepEqual([response.status, response.headers['sec-websocket-extensions']], [101, undefined]);
  });

  it('frames in the same segment as the upgrade request', siocOnly('security.md R5; the reference loses them'), async () => {
    const http = await Http.connect(server);
    await http.send(Buffer.concat([requestBytes(server, { path: PATH, headers: upgradeHeaders() }), MASKED_HI, frame({ payload: '40' })]));
    assert.equal((await http.response()).status, 101);
    const ws = Object.assign(Object.create(Ws.prototype), { wire: http.wire });
    assert.equal((await ws.nextText())[0], '0');
    assert.match(await ws.nextText(), /^40\{"sid":"/);
    ws.destroy();
  });

  it('frames byte by byte', async () => {
    const ws = await joined();
    for (const byte of frame({ payload: '42["echo",1]' })) await ws.raw(Buffer.from([byte]));
    assert.equal(await ws.nextText(), '42["echo",1]');
    ws.destroy();
  });

  it('lengths around each form of the frame head', async () => {
    const ws = await joined();
    for (const size of [124, 125, 126, 127, 65534, 65535, 65536, 65537]) {
      const text = `42["echo","${'x'.repeat(size - 13)}"]`;
      await ws.text(text);
      assert.equal(await ws.nextText(), text);
    }
    ws.destroy();
  });

  it('a length that is not in its shortest form', siocOnly('security.md R27; the reference accepts it'), async () => {
    const ws = await joined();
    await ws.frame({ long: true, payload: '42["echo",1]' });
    await ws.assertClose(1002);
    await server.assertReason(ws.id, 'transport error');
  });

  it('a thousand messages in one segment are answered in order', async () => {
    const ws = await joined();
    await ws.raw(Buffer.concat(Array.from({ length: 1000 }, (_, i) => frame({ payload: `42["echo",${i}]` }))));
    for (let i = 0; i < 1000; i += 1) assert.equal(await ws.nextText(), `42["echo",${i}]`);
    ws.destroy();
  });

  it('binary both ways, of many sizes', async () => {
    const ws = await joined();
    for (const size of [0, 1, 125, 126, 65536, 300000]) {
      const bytes = Buffer.alloc(size, 0xa5);
      await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
      await ws.binary(bytes);
      assert.equal(await ws.nextText(), '451-["echo",{"_placeholder":true,"num":0}]');
      assert.deepEqual(await ws.nextBinary(), bytes);
    }
    ws.destroy();
  });

  it('the server closes: 41, an empty close frame, and the end', async () => {
    const ws = await joined();
    await ws.text('42["kick"]');
    assert.equal(await ws.nextText(), '41');
    await ws.assertClose();
    await server.assertReason(ws.id, 'server namespace disconnect');
  });

  it('conn.close()', () => assertEnds((ws) => ws.text('42["connclose"]'), 'forced close'));
});
