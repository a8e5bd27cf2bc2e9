// The msgpack parser on raw sessions (section 7 of the protocol): E220, E221, and what exactly is sent.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import { Polling, RS, Ws } from './lib/eio.mjs';
import { settle } from './lib/http.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';

const notepack = createRequire(import.meta.url)('notepack.io');
const pack = (value) => Buffer.from(notepack.encode(value));
const unpack = (bytes) => notepack.decode(bytes);
const hex = (text) => Buffer.from(text.replace(/ /g, ''), 'hex');
const latin1 = (text) => Buffer.from(text, 'latin1').toString('hex');

const TYPE = `a4${latin1('type')}`;
const NSP = `a3${latin1('nsp')}`;
const DATA = `a4${latin1('data')}`;
const ID = `a2${latin1('id')}`;
const ROOT = `${NSP}a12f`;

// What the browser's client sends for CONNECT without auth.
const CONNECT = hex(`83 ${TYPE}00 ${DATA}d40000 ${ROOT}`);

async function join(ws, packet = CONNECT) {
  await ws.binary(packet);
  const answer = unpack(await ws.nextBinary());
  assert.equal(answer.type, 0);
  return answer.data.sid;
}

async function joined(server, packet) {
  const ws = await Ws.open(server);
  ws.id = await join(ws, packet);
  return ws;
}

const eventOf = (...data) => pack({ type: 2, nsp: '/', data });

withServer('msgpack', { options: { parser: 'msgpack' } }, (server) => {
  // ---- what is sent ----

  it('CONNECT, exactly', siocOnly('section 7: "pid" is left out, not undefined'), async () => {
    const ws = await Ws.open(server);
    await ws.binary(CONNECT);
    const bytes = await ws.nextBinary();
    const at = bytes.length - 6 - 20;
    assert.equal(bytes.toString('hex'), `83${TYPE}00${DATA}81a3${latin1('sid')}b4${bytes.subarray(at, at + 20).toString('hex')}${ROOT}`);
    assert.match(bytes.subarray(at, at + 20).toString(), /^[A-Za-z0-9_-]{20}$/);
    ws.destroy();
  });

  it('an event, exactly', async () => {
    const ws = await joined(server);
    await ws.binary(eventOf('echo', 1, 'é', null, [true], { a: -1.5 }));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`83 ${TYPE}02 ${DATA}96 a4${latin1('echo')} 01 a2c3a9 c0 91c3 81a161cbbff8000000000000 ${ROOT}`).toString('hex'));
    ws.destroy();
  });

  it('an event that asks and its answer, exactly', async () => {
    const ws = await joined(server, pack({ type: 0, nsp: '/' }));
    await ws.binary(pack({ type: 0, nsp: '/chat' })); // where nobody has asked yet
    await ws.nextBinary();
    await ws.binary(pack({ type: 2, nsp: '/chat', data: ['ask', 10, 'x'] }));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`84 ${TYPE}02 ${DATA}92 a171 a178 ${ID}00 ${NSP}a5${latin1('/chat')}`).toString('hex'));
    await ws.binary(pack({ type: 3, nsp: '/chat', id: 0, data: ['yes'] }));
    assert.deepEqual(unpack(await ws.nextBinary()).data.slice(0, 2), ['answer', 'yes']);
    ws.destroy();
  });

  it('an answer, exactly', async () => {
    const ws = await joined(server);
    await ws.binary(pack({ type: 2, nsp: '/', id: 300, data: ['hello', 'x'] }));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`84 ${ID}cd012c ${TYPE}03 ${DATA}92 a5${latin1('world')} a178 ${ROOT}`).toString('hex'));
    await ws.binary(pack({ type: 2, nsp: '/', id: 0, data: ['acknone'] }));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`84 ${ID}00 ${TYPE}03 ${DATA}90 ${ROOT}`).toString('hex'));
    ws.destroy();
  });

  it('DISCONNECT, exactly', async () => {
    const ws = await joined(server);
    await ws.binary(eventOf('bye'));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`82 ${TYPE}01 ${ROOT}`).toString('hex'));
    ws.destroy();
  });

  it('CONNECT_ERROR', async () => {
    const ws = await Ws.open(server);
    await ws.binary(pack({ type: 0, nsp: '/nope', data: { token: 1 } }));
    assert.deepEqual(unpack(await ws.nextBinary()), { type: 4, nsp: '/nope', data: { message: 'Invalid namespace' } });
    await ws.binary(pack({ type: 0, nsp: '/mw', data: { token: 'wrong' } }));
    assert.deepEqual(unpack(await ws.nextBinary()), { type: 4, nsp: '/mw', data: { message: 'not authorized', data: { code: 'E1', n: 1 } } });
    ws.destroy();
  });

  it('binary data is within, and there are no attachments', async () => {
    const ws = await joined(server);
    await ws.binary(eventOf('echo', Buffer.from([1, 2, 255]), { deep: [Buffer.alloc(0)] }));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`83 ${TYPE}02 ${DATA}93 a4${latin1('echo')} c4030102ff 81a4${latin1('deep')}91c400 ${ROOT}`).toString('hex'));
    await ws.binary(pack({ type: 2, nsp: '/', id: 1, data: ['ackbin', Buffer.from([9])] }));
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['bin', Buffer.from([9])]);
    ws.destroy();
  });

  it('placeholders of the other parser are plain data', async () => {
    const ws = await joined(server);
    const value = { _placeholder: true, num: 0 };
    await ws.binary(eventOf('echo', value));
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', value]);
    ws.destroy();
  });

  it('more than fifteen arguments and members', async () => {
    const ws = await joined(server);
    const many = Array.from({ length: 40 }, (_, i) => i);
    const map = Object.fromEntries(many.map((i) => [`k${i}`, i]));
    await ws.binary(eventOf('echo', ...many, map));
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', ...many, map]);
    ws.destroy();
  });

  // ---- what is read ----

  it('E220 CONNECT with undefined, without data, with keys that nobody knows', async () => {
    for (const packet of [CONNECT, pack({ type: 0, nsp: '/' }), pack({ type: 0, nsp: '/', options: { compress: true }, x: [1, [2]] }), pack({ nsp: '/', data: { a: 1 }, type: 0 })]) {
      const ws = await joined(server, packet);
      await server.record({ what: 'connection', id: ws.id });
      ws.destroy();
    }
  });

  it('E220 CONNECT with nil is refused', async () => {
    const ws = await Ws.open(server);
    await ws.binary(pack({ type: 0, nsp: '/', data: null }));
    await ws.assertClose();
  });

  it('auth reaches the handshake', async () => {
    const ws = await joined(server, pack({ type: 0, nsp: '/', data: { token: 'é', n: 1.5, deep: { list: [1, null] } } }));
    await ws.binary(pack({ type: 2, nsp: '/', id: 1, data: ['handshake'] }));
    assert.deepEqual(unpack(await ws.nextBinary()).data[0].auth, { token: 'é', n: 1.5, deep: { list: [1, null] } });
    ws.destroy();
  });

  it('numbers of other widths, and whole floats for type and id', async () => {
    const ws = await joined(server);
    await ws.binary(hex(`84 ${TYPE}cb4000000000000000 ${ROOT} ${ID}cb4014000000000000 ${DATA}92 a5${latin1('hello')} d207ffffff`));
    assert.deepEqual(unpack(await ws.nextBinary()), { type: 3, nsp: '/', id: 5, data: ['world', 0x7ffffff] });
    await ws.binary(hex(`84 ${TYPE}d102 ${ROOT}`.replace('d102', 'd10002') + `${ID}cf0000000000000007 ${DATA}91 a5${latin1('hello')}`));
    assert.deepEqual(unpack(await ws.nextBinary()), { type: 3, nsp: '/', id: 7, data: ['world'] });
    ws.destroy();
  });

  it('undefined is null, dates are texts, ArrayBuffers are binary', siocOnly('the reference keeps its own types'), async () => {
    const ws = await joined(server);
    await ws.binary(eventOf('echo', undefined, new Date(0), new Uint8Array([1, 2]).buffer, 1));
    assert.equal((await ws.nextBinary()).toString('hex'), hex(`83 ${TYPE}02 ${DATA}95 a4${latin1('echo')} c0 b8${latin1('1970-01-01T00:00:00.000Z')} c4020102 01 ${ROOT}`).toString('hex'));
    ws.destroy();
  });

  it('an ack with nobody who waits is ignored', async () => {
    const ws = await joined(server);
    await ws.binary(pack({ type: 3, nsp: '/', id: 77, data: [] }));
    await ws.binary(pack({ type: 3, nsp: '/', data: [] }));
    await ws.binary(eventOf('echo'));
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo']);
    ws.destroy();
  });

  it('an event that is named by a number', async () => {
    const ws = await joined(server);
    await ws.binary(eventOf(7));
    await ws.binary(eventOf('echo', 1));
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', 1]);
    ws.destroy();
  });

  const event = (fields) => pack({ type: 2, nsp: '/', data: ['echo', 1], ...fields });
  const good = eventOf('echo', 1);
  const without = (name) => { const all = { type: 2, nsp: '/', data: ['echo', 1] }; delete all[name]; return pack(all); };
  const REFUSED = {
    'type 5': event({ type: 5 }),
    'type -1': event({ type: -1 }),
    'type "2"': event({ type: '2' }),
    'type 1.5': event({ type: 1.5 }),
    'no type': without('type'),
    'no nsp': without('nsp'),
    'nsp nil': event({ nsp: null }),
    'nsp as bytes': event({ nsp: Buffer.from('/') }),
    'id nil': event({ id: null }),
    'id 1.5': event({ id: 1.5 }),
    'id "1"': event({ id: '1' }),
    'no data': without('data'),
    'data nil': event({ data: null }),
    'data undefined': event({ data: undefined }),
    'data of a map': event({ data: { 0: 'echo' } }),
    'a byte too many': Buffer.concat([good, Buffer.from([0])]),
    'DISCONNECT with data': pack({ type: 1, nsp: '/', data: [] }),
    'CONNECT_ERROR': pack({ type: 4, nsp: '/', data: { message: 'x' } }),
    'an array': pack([2, '/', ['echo', 1]]),
    'nothing': Buffer.alloc(0),
    'CONNECT twice': CONNECT,
    'another namespace': event({ nsp: '/chat' }),
    'the byte c1': hex(`83 ${TYPE}02 ${ROOT} ${DATA}92a16101`.replace('a16101', 'a161c1')),
  };
  const STRICT = {
    'id -1': event({ id: -1 }),
    'id 2^53': hex(`84 ${TYPE}02 ${ROOT} ${DATA}91a161 ${ID}cf0020000000000000`),
    'an event without a name': event({ data: [] }),
    'an event named by an array': event({ data: [['echo']] }),
    'a reserved event': event({ data: ['disconnect'] }),
    'a namespace without a slash': event({ nsp: 'x' }),
    'text that is not UTF-8': hex(`83 ${TYPE}02 ${ROOT} ${DATA}92a161a1ff`),
    'too deep': event({ data: ['echo', Array.from({ length: 64 }).reduce((inner) => [inner], 1)] }),
    'binary data in auth': pack({ type: 0, nsp: '/chat', data: { token: Buffer.from([1]) } }),
  };
  const assertRefused = async (bytes) => {
    const ws = await joined(server);
    await ws.binary(bytes);
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  };
  for (const [name, bytes] of Object.entries(REFUSED)) it(`E221 ${name}`, () => assertRefused(bytes));
  for (const [name, bytes] of Object.entries(STRICT)) it(`refused: ${name}`, siocOnly('sections 3.1, 7: the rules of the other parser hold'), () => assertRefused(bytes));

  it('E221 cut off anywhere', async () => {
    for (let len = 1; len < good.length; len += 3) await assertRefused(good.subarray(0, len));
  });

  it('E221 a text message', async () => {
    const ws = await joined(server);
    await ws.text('40');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  });

  it('a length of four billion costs nothing', async () => {
    const ws = await joined(server);
    await ws.binary(hex(`83 ${TYPE}02 ${ROOT} ${DATA}ddffffffff`));
    await ws.assertClose();
    const other = await joined(server);
    await other.binary(good);
    assert.deepEqual(unpack(await other.nextBinary()).data, ['echo', 1]);
    other.destroy();
  });

  // ---- transports ----

  const base64 = (bytes) => `b${bytes.toString('base64')}`;
  const unbase64 = (text) => unpack(Buffer.from(text.slice(1), 'base64'));

  it('polling: base64 both ways, several in a payload', async () => {
    const session = await Polling.open(server);
    await session.post(base64(CONNECT));
    const answer = await session.get();
    assert.equal(answer[0], 'b');
    assert.equal(unbase64(answer).type, 0);
    await session.post([base64(good), base64(eventOf('echo', 2)), base64(eventOf('three'))].join(RS));
    const packets = [];
    while (packets.length < 5) packets.push(...(await session.get()).split(RS));
    assert.deepEqual(packets.map((packet) => unbase64(packet).data), [['echo', 1], ['echo', 2], ['m', 0], ['m', 1], ['m', 2]]);
    await session.post('1');
  });

  it('polling: a text message ends it', async () => {
    const session = await Polling.open(server);
    await session.post(base64(CONNECT));
    const { sid } = unbase64(await session.get()).data;
    const pending = await session.pend();
    await session.post('40');
    assert.equal(await pending.text(), '1');
    await server.assertReason(sid, 'forced close');
  });

  it('an upgrade', async () => {
    const session = await Polling.open(server);
    await session.post(base64(CONNECT));
    await session.get();
    const ws = await session.probe();
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3probe');
    await session.post(base64(eventOf('echo', 'queued')));
    await settle(server);
    await ws.text('5');
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', 'queued']);
    await ws.binary(eventOf('echo', 'upgraded'));
    assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', 'upgraded']);
    ws.destroy();
  });
});

withServer('msgpack limits', { options: { parser: 'msgpack', max_depth: 3, max_payload: 200 } }, (server) => {
  it('max_depth - 1, max_depth, max_depth + 1', siocOnly(), async () => {
    for (const [value, passes] of [[1, true], [[1], true], [[[1]], true], [[[[1]]], false]]) {
      const ws = await joined(server);
      await ws.binary(eventOf('echo', value));
      if (passes) assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', value]);
      else await ws.assertClose();
      ws.destroy();
    }
  });

  it('max_payload', async () => {
    const size = 200 - eventOf('echo', 'x'.repeat(100)).length + 100;
    for (const n of [size - 1, size]) {
      const ws = await joined(server);
      const packet = eventOf('echo', 'x'.repeat(n));
      assert.equal(packet.length, 200 - size + n);
      await ws.binary(packet);
      assert.deepEqual(unpack(await ws.nextBinary()).data, ['echo', 'x'.repeat(n)]);
      ws.destroy();
    }
    const ws = await joined(server);
    await ws.binary(eventOf('echo', 'x'.repeat(size + 1)));
    await ws.assertClose(differs('section 1.11', { sioc: 1009, node: 1009 }));
  });
});

withServer('json, beside', {}, (server) => {
  it('a binary packet is no packet there', async () => {
    const ws = await Ws.open(server);
    await ws.binary(CONNECT);
    await ws.assertClose();
  });
});
