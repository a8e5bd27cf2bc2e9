// What peers send by mistake or by malice: valid conversations with changes by chance, the same in each run.  Whatever comes,
// the server answers everybody else, ends in order, and its sanitizers have nothing to say.
//
//   SIOC_HOSTILE_ROUNDS   conversations of each kind; 250 when not set
//   SIOC_HOSTILE_SEED     1 when not set

import assert from 'node:assert/strict';
import net from 'node:net';
import { it } from 'node:test';
import zlib from 'node:zlib';
import { Ws } from './lib/eio.mjs';
import { Counters } from './lib/counters.mjs';
import { Wire, limit, pause } from './lib/wire.mjs';
import { below, chance, mutate, pick, pieces } from './lib/mutate.mjs';
import { siocOnly, withServer } from './lib/server.mjs';
import { frame, OP, upgradeHeaders } from './lib/ws.mjs';

const ROUNDS = Number(process.env.SIOC_HOSTILE_ROUNDS || 250);
const SEED = Number(process.env.SIOC_HOSTILE_SEED || 1);
const AT_ONCE = 8;

const latin = (text) => Buffer.from(text, 'latin1');
const head = (line, headers = {}) => latin([line, 'Host: 127.0.0.1', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'));
const upgradeHead = (query, headers = {}) => head(`GET /socket.io/?${query}&transport=websocket HTTP/1.1`, upgradeHeaders(headers));
const post = (query, body) => Buffer.concat([head(`POST /socket.io/?${query}&transport=polling HTTP/1.1`, { 'Content-Type': 'text/plain;charset=UTF-8', 'Content-Length': body.length }), body]);

// ---- what is valid ----

const EVENTS = ['42["echo",1,"two",[3,{"four":5.5e0}],null,true]', '4212["echo"]', '42["echo",{"a":"\\u00e9\\ud83d\\ude00"},[[[{}]]]]', '42["echo","äöü€😀",-0.1e-7,12345678901234567890]',
  '40/admin,{"token":"abc"}', '42/admin,["echo","x"]', '41/admin,', '40{"pid":"abcdefghij","offset":"0123456789"}', '4399["late"]', '2', '3', '42["metrics"]'].map((text) => Buffer.from(text));
const BINARY = [['451-["echo",{"_placeholder":true,"num":0}]', 'abc'], ['452-/admin,7["echo",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', 'abc', 'defghijkl'], ['461-1[{"_placeholder":true,"num":0}]', '\0\xff']];

// event of the msgpack parser: {type, data, nsp, id?}
const text = (value) => Buffer.concat([Buffer.from([0xa0 | value.length]), latin(value)]);
const packed = (type, data, nsp = '/') => Buffer.concat([Buffer.from([0x83]), text('type'), Buffer.from([type]), text('nsp'), text(nsp), text('data'), data]);
const MSGPACK = [packed(0, Buffer.from([0x80])), packed(2, Buffer.concat([Buffer.from([0x93]), text('echo'), Buffer.from([0xcb, 0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18]), Buffer.from([0xc4, 3, 1, 2, 3])])),
  packed(2, Buffer.concat([Buffer.from([0x92]), text('echo'), Buffer.from([0x82]), text('a'), Buffer.from([0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]), text('b'), Buffer.from([0xdc, 0, 2, 0xc0, 0xc3])])),
  packed(2, Buffer.concat([Buffer.from([0x92]), text('echo'), Buffer.from([0xd6, 0xff, 0, 0, 0, 1])])), packed(1, Buffer.from([0xc0]))];

const REQUESTS = [
  head('GET /socket.io/?EIO=4&transport=polling HTTP/1.1'),
  head('OPTIONS /socket.io/?EIO=4&transport=polling HTTP/1.1', { Origin: 'http://a.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-a' }),
  head('GET /socket.io/socket.io.js HTTP/1.1', { 'Accept-Encoding': 'gzip, br;q=0.5, *;q=0', 'If-None-Match': '"x", W/"y"', Range: 'bytes=0-5' }),
  head('HEAD /socket.io/?EIO=3&transport=polling&j=0&b64=1 HTTP/1.1', { Cookie: 'io=abc; a="b c"', Origin: 'null' }),
  Buffer.concat([head('POST /socket.io/?EIO=4&transport=polling&sid=abcdefghijklmnopqrst HTTP/1.1', { 'Transfer-Encoding': 'chunked', Expect: '100-continue' }), latin('5;a=b\r\n42[1]\r\n0\r\nTrailer: x\r\n\r\n')]),
  post('EIO=4', Buffer.from('40')),
  head('GET http://127.0.0.1/socket.io/?EIO=4&transport=websocket HTTP/1.1', upgradeHeaders({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits=9; server_no_context_takeover, x' })),
  head('GET / HTTP/1.0', { Connection: 'keep-alive, x', 'X-Forwarded-For': '1.2.3.4, [::1]:80', Forwarded: 'for="[::1]:80";proto=https' }),
];

const deflated = (data) => zlib.deflateRawSync(data, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);

// ---- what is not ----

// Mostly still UTF-8: the rest is refused before anything is looked at.
function bad(random, data) {
  const changed = mutate(random, data, pick(random, EVENTS));
  return random() < 0.8 ? Buffer.from(changed.toString()) : changed;
}

const some = (random, list, most = 3) => Array.from({ length: below(random, most + 1) }, () => pick(random, list));
const good = (random) => some(random, EVENTS.slice(0, 4));

// A few good packets, and one that is not; or a binary one, in parts.
const packets = (random) => [...good(random).map((data) => [OP.text, data]),
  ...(random() < 0.3 ? pick(random, BINARY).map((part, i) => [i ? OP.binary : OP.text, random() < 0.5 ? bad(random, latin(part)) : latin(part)]) : [[OP.text, bad(random, pick(random, EVENTS))]]),
  ...(random() < 0.2 ? [[OP.close, mutate(random, Buffer.from([3, 0xe8, 0x62, 0x79]))]] : [])];

const frames = (random, list) => Buffer.concat(list.map(([op, data]) => {
  if (random() < 0.8 || data.length < 2) return frame({ op, payload: data });
  const at = 1 + below(random, data.length - 1);
  return Buffer.concat([frame({ op, fin: false, payload: data.subarray(0, at) }), frame({ op: OP.ping, payload: 'p' }), frame({ op: OP.continuation, payload: data.subarray(at) })]);
}));

// Changed bytes of frames as well, now and then.
const bent = (random, bytes) => (random() < 0.2 ? mutate(random, bytes, pick(random, REQUESTS)) : bytes);

const payload4 = (random) => Buffer.from(packets(random).map(([op, data]) => (op === OP.text ? data : `b${data.toString('base64')}`)).join('\x1e'));
const payload3 = (random) => Buffer.from([...good(random), bad(random, pick(random, EVENTS))].map((data) => `${data.toString().length}:${data}`).join(''));
const binary3 = (random) => Buffer.concat(packets(random).map(([op, data]) => Buffer.concat([Buffer.from([op === OP.text ? 0 : 1, ...String(data.length).split('').map(Number), 255]), data])));
const now = (random, data) => (random() < 0.3 ? mutate(random, data) : data);

// A conversation: what is written in turn, each when the one before was answered; functions get the session's id.
const JOIN = frame({ payload: '40' });
const join = (eio) => (sid) => post(`EIO=${eio}&sid=${sid}`, Buffer.from('40'));
const get = (query) => head(`GET /socket.io/?${query}&transport=polling HTTP/1.1`);
const form = (query, type, body) => Buffer.concat([head(`POST /socket.io/?${query}&transport=polling HTTP/1.1`, { 'Content-Type': type, 'Content-Length': body.length }), body]);
const answers = (query) => (sid) => get(`${query}&sid=${sid}`);

const kinds = {
  requests: (random) => [mutate(random, Buffer.concat([pick(random, REQUESTS), ...some(random, REQUESTS)]), pick(random, REQUESTS))],
  websocket: (random) => [upgradeHead('EIO=4'), JOIN, bent(random, frames(random, packets(random)))],
  'websocket, v3': (random) => [upgradeHead('EIO=3'), bent(random, frames(random, packets(random)))],
  'websocket, compressed': (random) => [upgradeHead('EIO=4', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }), JOIN,
    bent(random, Buffer.concat(packets(random).map(([op, data]) => (op === OP.close ? frame({ op, payload: data }) : frame({ op, rsv: random() < 0.9 ? 4 : 0, payload: now(random, deflated(data)) })))))],
  polling: (random) => [get('EIO=4'), join(4), answers('EIO=4'), (sid) => post(`EIO=4&sid=${sid}`, now(random, payload4(random))), answers('EIO=4')],
  'polling, v3': (random) => [get('EIO=3&b64=1'), answers('EIO=3&b64=1'), (sid) => post(`EIO=3&sid=${sid}`, now(random, payload3(random))), answers('EIO=3&b64=1')],
  'polling, v3, binary': (random) => [get('EIO=3'), answers('EIO=3'), (sid) => form(`EIO=3&sid=${sid}`, 'application/octet-stream', now(random, binary3(random))), answers('EIO=3')],
  'polling, v3, JSONP': (random) => [get('EIO=3&j=0'), answers('EIO=3&j=0'),
    (sid) => form(`EIO=3&j=0&sid=${sid}`, 'application/x-www-form-urlencoded', now(random, Buffer.from(`d=${encodeURIComponent(payload3(random)).replaceAll('%20', '+')}`))), answers('EIO=3&j=0')],
};

const ofMsgpack = {
  websocket: (random) => [upgradeHead('EIO=4'), frame({ op: OP.binary, payload: MSGPACK[0] }), bent(random, frames(random, [...some(random, MSGPACK), mutate(random, pick(random, MSGPACK))].map((data) => [OP.binary, data])))],
  polling: (random) => [get('EIO=4'), (sid) => post(`EIO=4&sid=${sid}`, Buffer.from(`b${MSGPACK[0].toString('base64')}`)), answers('EIO=4'),
    (sid) => post(`EIO=4&sid=${sid}`, Buffer.from([...some(random, MSGPACK), mutate(random, pick(random, MSGPACK))].map((data) => `b${data.toString('base64')}`).join('\x1e'))), answers('EIO=4')],
};

const ofProxies = {
  'PROXY, version 1': (random) => [Buffer.concat([mutate(random, latin(pick(random, ['PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n', 'PROXY TCP6 ::1 ::2 1 2\r\n', 'PROXY UNKNOWN\r\n']))), REQUESTS[0]])],
  'PROXY, version 2': (random) => [Buffer.concat([mutate(random, Buffer.concat([latin('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x01\xbb')])), REQUESTS[0]])],
};

// Says it all, hears what comes, and goes: when nothing more is to be expected, in some way.
async function converse(server, random, steps) {
  const socket = net.connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  let heard = '', wake = () => {};
  socket.on('error', () => {});
  socket.on('data', (data) => { if (heard.length < 4096) heard += data.toString('latin1'); wake(); });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const answer = (ms) => Promise.race([new Promise((resolve) => { wake = resolve; }), closed, pause(ms)]);
  for (const [i, step] of steps.entries()) {
    const answered = answer(i + 1 < steps.length ? 1000 : 15);
    const bytes = typeof step === 'function' ? step(heard.match(/"sid\\?":\\?"([\w-]{20})/)?.[1]) : step;
    for (const piece of pieces(random, bytes)) if (!socket.destroyed) await new Promise((resolve) => socket.write(piece, resolve));
    await answered;
    await pause(below(random, 3));
  }
  if (random() < 0.2) socket.end();
  if (random() < 0.5 && !socket.writableEnded) socket.resetAndDestroy(); // which never ends a socket that is ending
  else socket.destroy();
  await closed;
}

async function converseAll(server, seed, make) {
  let next = 0;
  const worker = async () => {
    while (next < ROUNDS) {
      const random = chance(seed + next);
      next += 1;
      await converse(server, random, make(random));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

// ---- tests ----

let number = 0;
function survives(server, all, alive) {
  for (const [name, make] of Object.entries(all)) {
    number += 1;
    const seed = SEED * 1e7 + number * 1e5;
    it(name, async () => {
      await converseAll(server, seed, make);
      await alive();
    });
  }
}

const options = { allow_eio3: true, per_message_deflate: { threshold: 1 }, cors: { origin: ['http://a.example'], credentials: true },
  cookie: true, ping_interval: 3, ping_timeout: 1, max_log_rate: 10 };

withServer('hostile', { options }, (server) => {
  survives(server, kinds, async () => {
    const ws = await Ws.joined(server);
    await ws.assertAlive();
    ws.destroy();
  });

  it('none of their connections is left', async () => { // polling sessions may wait for a client to come again
    let left;
    for (let turn = 0; turn < 300 && left !== 1; turn += 1) {
      if (turn) await pause(100);
      const counters = await Counters.open(server);
      const all = await counters.all();
      counters.close();
      left = all.connections_opened - all.connections_closed;
    }
    assert.equal(left, 1, 'its own');
  });
}, siocOnly('its own robustness'));

withServer('hostile, msgpack', { options: { ...options, parser: 'msgpack' } }, (server) => {
  survives(server, ofMsgpack, async () => {
    const ws = await Ws.open(server);
    await ws.binary(MSGPACK[0]);
    const answer = await limit(ws.nextBinary(), 'an answer to CONNECT');
    assert.match(answer.toString('latin1'), /sid/);
    ws.destroy();
  });
}, siocOnly('its own robustness'));

withServer('hostile, behind a proxy', { options: { proxy_protocol: true, trusted_proxies: ['127.0.0.1'] } }, (server) => {
  survives(server, ofProxies, async () => {
    const wire = await Wire.connect(server.port);
    await wire.write(Buffer.concat([latin('PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n'), REQUESTS[0]]));
    assert.match(await wire.readThrough('\r\n\r\n'), /^HTTP\/1\.1 200/);
    wire.destroy();
  });
}, siocOnly('its own robustness'));
