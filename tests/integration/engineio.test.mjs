// Raw Engine.IO routes (io:engineio), and what is told of connections, raw or below sockets (features.md 1.3).
//
// The same against the reference, whose package engine.io is what raw routes are here.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { Socket as Client4 } from 'engine.io-client';
import { io } from 'socket.io-client';
import { App } from './lib/app.mjs';
import { Polling, RS, Ws, url } from './lib/eio.mjs';
import { payload } from './lib/eio3.mjs';
import { Http, request, requestBytes, settle } from './lib/http.mjs';
import { siocOnly, withServer } from './lib/server.mjs';
import { limit } from './lib/wire.mjs';
import { WebSocket, upgrade } from './lib/ws.mjs';

const require = createRequire(import.meta.url);
const Client3 = createRequire(require.resolve('socket.io-client-2'))('engine.io-client');

const PATH = '/engine.io/';
const path = (query, eio = 'EIO=4') => `${PATH}?${eio}&${query}`;
let tags = 0;
const newTag = () => `t${tags += 1}`;

// A raw session over polling.
class Raw {
  static async open(server, query = '', eio = 'EIO=4') {
    const response = await request(server, { path: path(`transport=polling${query}`, eio) });
    assert.equal(response.status, 200, response.text);
    const session = Object.assign(new Raw(), { server, eio });
    [session.first, ...session.rest] = eio === 'EIO=4' ? response.text.split(RS) : [response.text.replace(/^\d+:/, '')];
    session.open = JSON.parse(session.first.slice(1));
    session.sid = session.open.sid;
    return session;
  }

  get path() { return path(`transport=polling&sid=${this.sid}`, this.eio); }
  request(options = {}) { return request(this.server, { path: this.path, ...options }); }
  async get() {
    const response = await this.request();
    assert.equal(response.status, 200, response.text);
    return response.text;
  }

  async post(body) {
    const response = await this.request({ method: 'POST', body });
    assert.deepEqual([response.status, response.text], [200, 'ok']);
  }

  async pend() {
    const http = await Http.connect(this.server);
    await http.send(requestBytes(this.server, { path: this.path }));
    await settle(this.server);
    return { http, text: async () => (await http.response()).text };
  }

  probe() { return WebSocket.open(this.server, path(`transport=websocket&sid=${this.sid}`, this.eio)); }

  async upgrade() {
    const ws = await this.probe();
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3probe');
    await ws.text('5');
    return ws;
  }
}

async function rawWs(server, query = '', eio = 'EIO=4') {
  const ws = await WebSocket.open(server, path(`transport=websocket${query}`, eio));
  ws.open = JSON.parse((await ws.nextText()).slice(1));
  return ws;
}

// What was recorded of that connection, of these events: their names and fields.
const FIELDS = ['packet', 'packets', 'data', 'transport', 'reason', 'details', 'same', 'state', 'url', 'method', 'agent'];
const recorded = (server, tag, ...names) => server.records.filter((r) => r.id === tag && (names.length === 0 || names.includes(r.what)))
  .map((r) => [r.what, ...FIELDS.filter((name) => r[name] !== undefined).map((name) => r[name])]);
const until = (server, tag, count, ...names) => server.process.until(`${count} records of ${names}`, () => {
  const list = recorded(server, tag, ...names);
  return list.length >= count ? list : undefined;
});

const message = (data) => ({ type: 'message', data });
const options = { hooks: ['engineio'] };

withServer('Raw Engine.IO', { options }, (server) => {
  it('opens, echoes and closes over polling', async () => {
    const session = await Raw.open(server);
    assert.deepEqual(Object.keys(session.open), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
    assert.deepEqual(session.open.upgrades, ['websocket']);
    await session.post(['4hello', '4é€😀', 'bAQL/', '4'].join(RS));
    assert.equal(await session.get(), ['4hello', '4é€😀', 'bAQL/', '4'].join(RS));
    await session.post('1');
    assert.equal((await session.request()).text, '{"code":1,"message":"Session ID unknown"}');
  });

  it('opens, echoes and closes over WebSocket', async () => {
    const tag = newTag();
    const ws = await rawWs(server, `&tag=${tag}`);
    assert.deepEqual(ws.open.upgrades, []);
    await ws.text('4hello');
    assert.equal(await ws.nextText(), '4hello');
    await ws.binary(Buffer.from([0, 1, 255]));
    assert.deepEqual(await ws.nextBinary(), Buffer.from([0, 1, 255]));
    await ws.text('bAQL/'); // base64 comes as the bytes that it means
    assert.deepEqual(await ws.nextBinary(), Buffer.from([1, 2, 255]));
    await ws.text('4close');
    await ws.assertClose();
    assert.deepEqual(await until(server, tag, 1, 'closed'), [['closed', 'forced close', 'closed']]);
  });

  it('moves from polling to WebSocket', async () => {
    const tag = newTag();
    const session = await Raw.open(server, `&tag=${tag}&listen=upgrading,upgrade`);
    await session.post('4before');
    const ws = await session.upgrade();
    assert.equal(await ws.nextText(), '4before');
    await ws.text('4state');
    assert.deepEqual(JSON.parse((await ws.nextText()).slice(1)),
      { state: 'open', transport: 'websocket', protocol: 4, upgraded: true, address: '127.0.0.1', waiting: 0 });
    assert.deepEqual(await until(server, tag, 2, 'upgrading', 'upgrade'), [['upgrading', 'websocket'], ['upgrade', 'websocket']]);
    assert.equal((await session.request()).text, '{"code":3,"message":"Bad request"}');
    ws.destroy();
  });

  it('tells who came, by which request', async () => {
    const tag = newTag();
    const target = path(`transport=polling&tag=${tag}&x=%20y`);
    await request(server, { path: target, headers: { 'X-Agent': 'test' } });
    const state = { state: 'open', transport: 'polling', protocol: 4, upgraded: false, address: '127.0.0.1' };
    const [[, { waiting, ...rest }, ...more]] = await until(server, tag, 1, 'open');
    assert.deepEqual([rest, more], [state, [target, 'GET', 'test']]);
  });

  it('what is sent while it opens comes behind the open packet', async () => {
    const session = await Raw.open(server, '&greet=welcome');
    assert.deepEqual(session.rest, [], 'the open packet is alone in its answer');
    assert.equal(await session.get(), '4welcome');
    const ws = await rawWs(server, '&greet=welcome');
    assert.equal(await ws.nextText(), '4welcome');
    ws.destroy();
  });

  it('keeps apart from the sessions of Socket.IO', async () => {
    const raw = await Raw.open(server);
    const joined = await Polling.joined(server);
    const unknown = '{"code":1,"message":"Session ID unknown"}';
    assert.equal((await request(server, { path: url(`EIO=4&transport=polling&sid=${raw.sid}`) })).text, unknown);
    assert.equal((await request(server, { path: path(`transport=polling&sid=${joined.sid}`) })).text, unknown);
    await raw.post('42["echo",1]');
    assert.equal(await raw.get(), '42["echo",1]', 'nobody but the script reads messages');
    await joined.assertAlive();
  });

  it('refuses as the engine does', async () => {
    for (const [target, status, text] of [
      [path('transport=abc'), 400, '{"code":0,"message":"Transport unknown"}'],
      [path('transport=polling&sid=abc'), 400, '{"code":1,"message":"Session ID unknown"}'],
      [path('transport=websocket'), 400, '{"code":3,"message":"Bad request"}'],
      [path('transport=polling', 'EIO=3'), 400, '{"code":5,"message":"Unsupported protocol version"}'],
      ['/engine.io?EIO=4&transport=polling', 404, undefined],
      ['/engine.ioo/?EIO=4&transport=polling', 404, undefined],
    ]) {
      const response = await request(server, { path: target });
      assert.equal(response.status, status, target);
      if (text) assert.equal(response.text, text);
    }
    assert.equal((await request(server, { path: path('transport=polling'), method: 'POST' })).text, '{"code":2,"message":"Bad handshake method"}');
    const { http, response } = await upgrade(server, path('transport=websocket&sid=abc'));
    assert.deepEqual([response.status, response.text], [400, 'Session ID unknown']);
    http.destroy();
  });

  it('sends several messages in one answer, text and binary', async () => {
    const session = await Raw.open(server);
    await session.post(['4three', '4mixed'].join(RS));
    assert.equal(await session.get(), ['4m1', '4m2', '4m3', '4text', 'bAQL/'].join(RS));
    const ws = await rawWs(server);
    await ws.text('4mixed');
    assert.equal(await ws.nextText(), '4text');
    assert.deepEqual(await ws.nextBinary(), Buffer.from([1, 2, 255]));
    ws.destroy();
  });

  it('compresses unless told not to', async () => {
    const session = await Raw.open(server);
    for (const [wish, coding] of [['4big', 'gzip'], ['4plain', undefined]]) {
      await session.post(wish);
      const response = await session.request({ headers: { 'Accept-Encoding': 'gzip' } });
      assert.equal(response.headers['content-encoding'], coding, wish);
    }
  });

  it('calls back when what was sent has left', async () => {
    const tag = newTag();
    const session = await Raw.open(server, `&tag=${tag}`);
    await session.post('4sent');
    await settle(server);
    assert.deepEqual(recorded(server, tag, 'sent'), [], 'nobody has fetched it');
    assert.equal(await session.get(), '4sent');
    await until(server, tag, 1, 'sent');
    const ws = await rawWs(server, `&tag=${tag}`);
    await ws.text('4sent');
    assert.equal(await ws.nextText(), '4sent');
    assert.deepEqual(await until(server, tag, 2, 'sent'), [['sent'], ['sent']]);
    ws.destroy();
  });

  it('an orderly close lets out what was sent before', async () => {
    const session = await Raw.open(server);
    await session.post('4last words');
    assert.equal(await session.get(), '4bye');
    assert.equal(await session.get(), `6${RS}1`);
    const ws = await rawWs(server);
    await ws.text('4last words');
    assert.equal(await ws.nextText(), '4bye');
    await ws.assertClose();
  });

  it('a hard close does not wait for the client', async () => {
    const tag = newTag();
    const session = await Raw.open(server, `&tag=${tag}`);
    await session.post('4discard');
    assert.deepEqual(await until(server, tag, 1, 'closed'), [['closed', 'forced close', 'closed']]);
    assert.equal((await session.request()).text, '{"code":1,"message":"Session ID unknown"}');
  });
});

withServer('An initial packet', { options: { ...options, initial_packet: '2["early","é"]', allow_eio3: true } }, (server) => {
  it('comes in the answer to the handshake, or behind the open packet', async () => {
    const session = await Raw.open(server);
    assert.deepEqual(session.rest, ['42["early","é"]']);
    const ws = await rawWs(server);
    assert.equal(await ws.nextText(), '42["early","é"]');
    ws.destroy();
    const response = await request(server, { path: path('transport=polling', 'EIO=3') });
    assert.ok(response.text.endsWith('}15:42["early","é"]'), response.text);
  });

  it('as an event of Socket.IO, it reaches the stock client', async () => {
    for (const transports of [['polling'], ['websocket']]) {
      const client = io(server.url, { transports, forceNew: true, reconnection: false });
      const [text] = await limit(new Promise((resolve) => client.once('early', (...args) => resolve(args))), '"early"');
      assert.equal(text, 'é');
      client.disconnect();
    }
  });
});

withServer('Raw Engine.IO, heartbeat', { options: { ...options, ping_interval: 0.3, ping_timeout: 0.2 } }, (server) => {
  it('pings, and closes who does not answer', async () => {
    const tag = newTag();
    const ws = await rawWs(server, `&tag=${tag}&listen=heartbeat,packet,packet_create`);
    assert.equal(await ws.nextText(), '2');
    await ws.text('3');
    assert.equal(await ws.nextText(), '2');
    await ws.assertClose();
    assert.deepEqual(await until(server, tag, 1, 'closed'), [['closed', 'ping timeout', 'closed']]);
    assert.deepEqual(recorded(server, tag, 'heartbeat', 'packet', 'packet_create'),
      [['packet_create', { type: 'ping' }], ['packet', { type: 'pong' }], ['heartbeat'], ['packet_create', { type: 'ping' }]]);
  });
});

withServer('Events of a connection', { options }, (server) => {
  const all = '&listen=data,message,packet,packet_create,flush,drain,heartbeat';

  it('over WebSocket: packets both ways, flush before drain', async () => {
    const tag = newTag();
    const ws = await rawWs(server, `&tag=${tag}${all}`);
    await ws.text('4hi');
    assert.equal(await ws.nextText(), '4hi');
    await ws.text('3'); // nobody has asked
    await until(server, tag, 1, 'heartbeat');
    await until(server, tag, 1, 'drain');
    const seen = recorded(server, tag);
    assert.deepEqual(seen.filter(([what]) => what === 'packet'), [['packet', message('hi')], ['packet', { type: 'pong' }]]);
    assert.deepEqual(seen.filter(([what]) => what === 'packet_create'), [['packet_create', message('hi')]]);
    assert.deepEqual(seen.filter(([what]) => ['data', 'message'].includes(what)).sort(), [['data', 'hi'], ['message', 'hi']]);
    const order = seen.map(([what]) => what).filter((what) => ['packet', 'packet_create', 'flush', 'drain'].includes(what));
    assert.deepEqual(order.slice(0, 4), ['packet', 'packet_create', 'flush', 'drain']);
    assert.deepEqual(seen.find(([what]) => what === 'flush'), ['flush', [message('hi')]]);
    ws.destroy();
  });

  it('over polling: one flush for one answer', async () => {
    const tag = newTag();
    const session = await Raw.open(server, `&tag=${tag}${all}`);
    await session.post(['4a', 'bAQL/'].join(RS));
    await settle(server);
    assert.deepEqual(recorded(server, tag, 'flush'), [], 'nobody has fetched it');
    assert.equal(await session.get(), ['4a', 'bAQL/'].join(RS));
    await until(server, tag, 1, 'drain');
    const messages = [message('a'), message('<0102ff>')];
    for (const what of ['packet', 'packet_create']) assert.deepEqual(recorded(server, tag, what), messages.map((p) => [what, p]));
    assert.deepEqual(recorded(server, tag, 'flush', 'drain'), [['flush', messages], ['drain']]);
  });

  it('each packet is flushed once, in order, whatever carries it', async () => {
    const tag = newTag();
    const session = await Raw.open(server, `&tag=${tag}&listen=flush,drain`);
    await session.post('4three');
    assert.equal(await session.get(), ['4m1', '4m2', '4m3'].join(RS));
    await session.post('4three');
    const ws = await session.upgrade();
    for (const text of ['4m1', '4m2', '4m3']) assert.equal(await ws.nextText(), text);
    await ws.text('4three');
    for (const text of ['4m1', '4m2', '4m3']) assert.equal(await ws.nextText(), text);
    await server.process.until('nine flushed packets', () => recorded(server, tag, 'flush').flatMap(([, list]) => list).length === 9);
    assert.deepEqual(recorded(server, tag, 'flush').flatMap(([, list]) => list.map((p) => p.data)),
      ['m1', 'm2', 'm3', 'm1', 'm2', 'm3', 'm1', 'm2', 'm3']);
    ws.destroy();
  });

  it('what is no packet comes as one of type error', async () => {
    const tag = newTag();
    const ws = await rawWs(server, `&tag=${tag}&listen=packet`);
    await ws.text('9x');
    await ws.assertClose();
    assert.deepEqual(await until(server, tag, 1, 'closed'), [['closed', 'parse error', 'closed']]);
    assert.equal(recorded(server, tag, 'packet')[0][1].type, 'error');
  });

  it('nothing is told that nobody wants to hear', async () => {
    const tag = newTag();
    const ws = await rawWs(server, `&tag=${tag}`);
    await ws.text('4hi');
    assert.equal(await ws.nextText(), '4hi');
    assert.deepEqual(recorded(server, tag).map(([what]) => what), ['open']);
    ws.destroy();
  });
});

withServer('Connections below sockets', { options: { hooks: ['conns'] } }, (server) => {
  it('are told when they open, and are those of the sockets', async () => {
    const tag = newTag();
    const ws = await Ws.open(server, `&tag=${tag}`);
    const [[, { waiting, ...state }]] = await until(server, tag, 1, 'conn');
    assert.deepEqual(state, { state: 'open', transport: 'websocket', protocol: 4, upgraded: false, address: '127.0.0.1' });
    await ws.join();
    const [[, same]] = await until(server, tag, 1, 'below');
    assert.equal(same, true);
    ws.destroy();
  });

  it('tell what the sockets say and hear', async () => {
    const tag = newTag();
    const ws = await Ws.open(server, `&tag=${tag}&listen=message,packet,packet_create`);
    const id = await ws.join();
    await ws.text('42["echo","é",1]');
    assert.equal(await ws.nextText(), '42["echo","é",1]');
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.binary(Buffer.from([7]));
    await ws.nextText();
    await ws.nextBinary();
    const attached = '51-["echo",{"_placeholder":true,"num":0}]';
    await until(server, tag, 14);
    assert.deepEqual(recorded(server, tag, 'message'), [['message', '0'], ['message', '2["echo","é",1]'], ['message', attached], ['message', '<07>']]);
    assert.deepEqual(recorded(server, tag, 'packet'), [['packet', message('0')], ['packet', message('2["echo","é",1]')], ['packet', message(attached)], ['packet', message('<07>')]]);
    assert.deepEqual(recorded(server, tag, 'packet_create'),
      [['packet_create', message(`0{"sid":"${id}"}`)], ['packet_create', message('2["echo","é",1]')], ['packet_create', message(attached)], ['packet_create', message('<07>')]]);
    ws.destroy();
  });

  it('can be spoken to beneath the sockets', async () => {
    const ws = await Ws.joined(server);
    await ws.text('42["note","by hand"]');
    assert.equal(await ws.nextText(), '42["by hand"]');
    ws.destroy();
  });

  it('say why they end, after the sockets', async () => {
    const tag = newTag();
    const ws = await Ws.open(server, `&tag=${tag}&listen=close`);
    const id = await ws.join();
    await ws.text('2');
    await ws.assertClose();
    assert.deepEqual(await until(server, tag, 1, 'close'), [['close', 'transport error', 'invalid heartbeat direction']]);
    await server.record({ id, what: 'disconnect' });
    const names = server.records.filter((r) => [id, tag].includes(r.id)).map((r) => r.what);
    assert.deepEqual(names.slice(-3), ['disconnecting', 'disconnect', 'close']);
  });

  it('the engine tells of all of them', async () => {
    const tag = newTag();
    const ws = await Ws.open(server, `&tag=${tag}&engine=1`);
    const id = await ws.join();
    await ws.text('42["three"]');
    for (const i of [0, 1, 2]) assert.equal(await ws.nextText(), `42["m",${i}]`);
    await server.process.until('four packets', () => recorded(server, tag, 'engine flush').flatMap(([, list]) => list).filter((p) => p.type === 'message').length === 4);
    const told = recorded(server, tag, 'engine flush', 'engine drain');
    assert.deepEqual(told.filter(([what]) => what === 'engine flush').flatMap(([, list]) => list.map((p) => p.data)).filter((data) => data?.[0] !== '{'),
      [`0{"sid":"${id}"}`, '2["m",0]', '2["m",1]', '2["m",2]']);
    assert.equal(told[0][0], 'engine flush');
    ws.destroy();
  });

  it('move to a WebSocket', async () => {
    const tag = newTag();
    const session = await Polling.open(server, `&tag=${tag}&listen=upgrading,upgrade`);
    const ws = await session.probe();
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3probe');
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3probe');
    await ws.text('5');
    await until(server, tag, 3, 'upgrading', 'upgrade');
    assert.deepEqual(recorded(server, tag, 'upgrading', 'upgrade'), [['upgrading', 'websocket'], ['upgrading', 'websocket'], ['upgrade', 'websocket']]);
    ws.destroy();
  });
});

withServer('Raw Engine.IO v3', { options: { ...options, allow_eio3: true } }, (server) => {
  it('payloads in the text form, base64', async () => {
    const session = await Raw.open(server, '&b64=1', 'EIO=3');
    await session.post(payload('4hello', '4é€😀', 'b4AQL/'));
    assert.equal(await session.get(), payload('4hello', '4é€😀', 'b4AQL/'));
  });

  it('payloads in the binary form', async () => {
    const session = await Raw.open(server, '', 'EIO=3');
    await session.post(payload('4hello', 'b4AQIDBA=='));
    const response = await session.request();
    assert.equal(response.headers['content-type'], 'application/octet-stream');
    assert.deepEqual(response.body, Buffer.from([0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4]));
  });

  it('WebSocket: the type stands before binary data, the client pings', async () => {
    const tag = newTag();
    const ws = await rawWs(server, `&tag=${tag}&listen=packet,heartbeat,packet_create`, 'EIO=3');
    await ws.binary(Buffer.from([4, 1, 2, 3]));
    assert.deepEqual(await ws.nextBinary(), Buffer.from([4, 1, 2, 3]));
    await ws.text('2');
    assert.equal(await ws.nextText(), '3');
    await until(server, tag, 1, 'heartbeat');
    assert.deepEqual(recorded(server, tag, 'packet', 'packet_create'),
      [['packet', message('<010203>')], ['packet_create', message('<010203>')], ['packet', { type: 'ping' }], ['packet_create', { type: 'pong' }]]);
    ws.destroy();
  });

  it('both versions, apart', async () => {
    const four = await Raw.open(server);
    assert.equal((await request(server, { path: path(`transport=polling&sid=${four.sid}`, 'EIO=3') })).text, '{"code":3,"message":"Bad request"}');
  });
});

// The stock clients, over each transport.
for (const [title, Client, eio] of [['6.x', Client4, 4], ['3.x', Client3, 3]])
  withServer(`Raw Engine.IO, engine.io-client ${title}`, { options: { ...options, allow_eio3: true, ping_interval: 0.2, ping_timeout: 0.5 } }, (server) => {
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']])
      it(`${transports.join(', then ')}: text, binary, heartbeats, the end`, async () => {
        const tag = newTag();
        const client = new Client(server.url, { path: PATH, transports, query: { tag } });
        const event = (name) => limit(new Promise((resolve) => client.once(name, (...args) => resolve(args))), `"${name}"`);
        const upgraded = transports.length > 1 ? event('upgrade') : undefined;
        client.binaryType = 'arraybuffer';
        await event('open');
        await upgraded;
        for (const data of ['hello', 'é€😀', '', 'x'.repeat(100000)]) {
          const answer = event('message');
          client.send(data);
          assert.equal((await answer)[0] ?? '', data); // nothing is undefined to 6.x
        }
        const answer = event('message');
        client.send(Buffer.from([0, 1, 254, 255]));
        assert.deepEqual(Buffer.from((await answer)[0]), Buffer.from([0, 1, 254, 255]));
        const beats = [];
        await limit(new Promise((resolve) => client.on(eio === 4 ? 'ping' : 'pong', () => { if (beats.push(1) === 2) resolve(); })), 'two heartbeats', 20000);
        const gone = event('close');
        client.close();
        await gone;
        assert.deepEqual(await until(server, tag, 1, 'closed'), [['closed', 'transport close', 'closed']]);
      });
  });

// What only we have.
withServer('Raw Engine.IO and the hooks of the server', { options: { hooks: ['engineio', 'allow_request', 'generate_id', 'use', 'events'] } }, (server) => {
  it('asks the same hooks', async () => {
    const session = await Raw.open(server, '&id=a-raw-session-000001');
    assert.equal(session.sid, 'a-raw-session-000001');
    const response = await session.request({ method: 'POST', body: '4x' });
    assert.deepEqual([response.headers['x-used'], response.headers['x-each']], ['POST!', 'POST']);
    assert.equal((await request(server, { path: path('transport=polling&deny=nope') })).text, '{"code":4,"message":"nope"}');
    assert.equal((await request(server, { path: path('transport=polling&fail=why') })).text, '{"code":3,"message":"Bad request"}');
    await server.record({ what: 'connection_error', code: 3 });
  });
}, siocOnly('there, each engine has hooks of its own'));

const script = (version) => `
local sioc = require "sioc"
local app = sioc.server()
app:engineio("/stays/", function(conn, req)
  io.stderr:write(("@@ %s\\n"):format(sioc.json.encode { what = "open", version = ${version}, reloaded = conn.reloaded, tag = req.query.tag, sent = select(2, conn:send("muted?")) }))
  if conn.reloaded then sioc.sleep(0.05) end
  conn:on("message", function(data)
    conn.data.count = (conn.data.count or 0) + 1
    conn:send(${version} .. " " .. data .. " " .. conn.data.count)
  end)
end)
${version === 1 ? 'app:engineio("/goes/", function(conn) conn:on("close", function(reason) io.stderr:write("@@ " .. sioc.json.encode { what = "closed", reason = reason } .. "\\n") end) end)' : ''}
app:on("connection", function(socket)
  socket.conn:on("packet", function(p) if p.data == "2[\\"x\\"]" then socket:emit("heard", ${version}) end end)
end)
app:listen(0)`;

describe('Raw Engine.IO through a reload', siocOnly(), () => {
  it('connections stay, with new handlers and their data', () => App.run(script(1), async (app) => {
    const open = async (route) => {
      const ws = await WebSocket.open(app, `${route}?EIO=4&transport=websocket&tag=a`);
      assert.equal((await ws.nextText())[0], '0');
      return ws;
    };
    const ws = await open('/stays/');
    const gone = await open('/goes/');
    assert.equal(await ws.nextText(), '4muted?');
    await ws.text('4x');
    assert.equal(await ws.nextText(), '41 x 1');
    const below = await WebSocket.open(app, url('EIO=4&transport=websocket'));
    await below.nextText();
    await below.text('40');
    await below.nextText();
    await below.text('42["x"]');
    assert.equal(await below.nextText(), '42["heard",1]');
    await app.swap(script(2));
    await ws.text('4y');
    assert.equal(await ws.nextText(), '42 y 2');
    await below.text('42["x"]');
    assert.equal(await below.nextText(), '42["heard",2]');
    await gone.assertClose();
    assert.deepEqual(app.process.find({ what: 'open' }).map(({ version, reloaded, tag, sent }) => [version, reloaded, tag, sent]),
      [[1, false, 'a', undefined], [2, true, 'a', 'reload']]);
    assert.deepEqual(app.process.find({ what: 'closed' }).map((r) => r.reason), ['forced close']);
    for (const socket of [ws, below]) socket.destroy();
  }));
});

describe('io:engineio in a script', siocOnly(), () => {
  const serve = (body, check) => App.run(`local sioc = require "sioc"\nlocal app = sioc.server()\n${body}\napp:listen(0)`, check);

  it('a function that fails ends the connection; handlers that fail do not', () => serve(`
    app:engineio("/bad/", function() error("no") end)
    app:engineio("/good", function(conn)
      conn:once("message", function() error("once") end)
      conn:on("message", function(data, is_binary) conn:send(data, is_binary) end)
    end)`, async (app) => {
    const bad = await WebSocket.open(app, '/bad/?EIO=4&transport=websocket');
    await bad.nextText();
    await bad.assertClose();
    const good = await WebSocket.open(app, '/good/?EIO=4&transport=websocket');
    await good.nextText();
    await good.text('4a');
    assert.equal(await good.nextText(), '4a');
    await good.text('4b');
    assert.equal(await good.nextText(), '4b');
    assert.equal(app.log().match(/: once$/gm).length, 1);
    good.destroy();
  }));

  it('what comes while the function waits is kept for its handlers', () => serve(`
    app:engineio("/a/", function(conn)
      sioc.sleep(0.1)
      conn:on("message", function(data) conn:send(data) end)
      conn:on("close", function(reason) io.stderr:write("@@ " .. sioc.json.encode { what = "closed", reason = reason } .. "\\n") end)
    end)`, async (app) => {
    const ws = await WebSocket.open(app, '/a/?EIO=4&transport=websocket');
    await ws.nextText();
    for (const text of ['4a', '4b']) await ws.text(text);
    await ws.binary(Buffer.from([1]));
    assert.deepEqual([await ws.nextText(), await ws.nextText()], ['4a', '4b']);
    assert.deepEqual(await ws.nextBinary(), Buffer.from([1]));
    ws.destroy();
    assert.equal((await app.process.record({ what: 'closed' })).reason, 'transport close');
  }));

  it('says what is wrong with a call', () => serve(`
    local function try(fn, ...) return select(2, pcall(fn, ...)) end
    app:engineio("/a/", function(conn)
      local problems = {
        try(app.engineio, app, "no slash", print), try(app.engineio, app, "/a", print), try(app.engineio, app, "/socket.io/", print),
        try(conn.on, conn, "nothing", print), try(conn.send, conn, 1), try(conn.send, conn, "\\255"),
        try(function() conn.x = 1 end),
      }
      for i, problem in ipairs(problems) do problems[i] = tostring(problem):gsub("^.-:%d+: ", "") end
      conn:send(sioc.json.encode(sioc.array(problems)))
      conn:close()
      conn:send("late", function() end)
      io.stderr:write("@@ " .. sioc.json.encode { what = "late", state = conn.ready_state, why = select(2, conn:send("late")), queued = conn.queued } .. "\\n")
    end)`, async (app) => {
    const ws = await WebSocket.open(app, '/a/?EIO=4&transport=websocket');
    await ws.nextText();
    const problems = JSON.parse((await ws.nextText()).slice(1));
    assert.deepEqual(problems.map((p) => p.replace(/^bad argument #\d+ to '[^']*' /, '')).slice(0, 3),
      ['engineio no slash: a path such as "/engine.io/" expected', 'engineio /a: there is a handler already', 'engineio /socket.io/: there is a handler already']);
    assert.match(problems[3], /invalid option 'nothing'/);
    assert.match(problems[4], /string or sioc.Buffer expected/);
    assert.match(problems[5], /not valid UTF-8/);
    assert.match(problems[6], /conn.x cannot be set/);
    await ws.assertClose();
    const late = await app.process.record({ what: 'late' });
    assert.deepEqual([late.state, late.why, late.queued], ['closed', 'closed', 0]);
  }));

  it('handlers can be taken off', () => serve(`
    app:engineio("/a/", function(conn)
      local function twice(data) conn:send("twice " .. data) end
      conn:on("message", twice)
      conn:on("message", twice)
      conn:once("message", function(data)
        local removed = conn:off("message", twice)
        conn:on("message", function(again) conn:send("only " .. again .. " " .. removed) end)
      end)
    end)`, async (app) => {
    const ws = await WebSocket.open(app, '/a/?EIO=4&transport=websocket');
    await ws.nextText();
    await ws.text('4x');
    assert.deepEqual([await ws.nextText(), await ws.nextText()], ['4twice x', '4twice x']);
    await ws.text('4y');
    assert.equal(await ws.nextText(), '4only y 2');
    ws.destroy();
  }));
});

