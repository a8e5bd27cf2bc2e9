// The stock client, over polling only, WebSocket only, and polling that upgrades; with JSON, with msgpack, and with the
// parser of examples/parser, which is a library.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import * as tagged from '../../examples/parser/tagged.mjs';
import { Server, differs, isReference, library } from './lib/server.mjs';
import { limit } from './lib/wire.mjs';

const TRANSPORTS = { 'polling only': ['polling'], 'WebSocket only': ['websocket'], 'polling, then WebSocket': ['polling', 'websocket'] };

const PARSERS = [{ option: 'json' }, { name: 'msgpack', option: 'msgpack', parser: msgpack }, { name: 'tagged', option: library('parser/tagged.so'), parser: tagged }];
const SETUPS = Object.entries(TRANSPORTS).flatMap(([title, transports]) =>
  PARSERS.filter(({ name }) => !isReference || name !== 'tagged')
    .map(({ name, option, parser }) => [name ? `${title}, ${name}` : title, transports, option, parser]));

const event = (emitter, name) => limit(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), `"${name}"`);
const sorted = (items) => [...items].sort();

for (const [title, transports, name, parser] of SETUPS)
  describe(`client, ${title}`, () => {
    const maxPayload = parser ? 200000 : 100000; // base64 takes a third more, and the client does not count all of it
    const server = new Server({ options: { max_payload: maxPayload, parser: name } });
    let sockets = [];
    before(() => server.start());
    after(() => server.stop());
    afterEach(() => {
      for (const socket of sockets) socket.disconnect();
      sockets = [];
    });

    function open(nsp = '/', options = {}) {
      const socket = io(server.url + nsp, { transports, forceNew: true, reconnection: false, ...(parser && { parser }), ...options });
      sockets.push(socket);
      return socket;
    }

    // Connected, and on its last transport.
    async function connected(nsp = '/', options = {}) {
      const socket = open(nsp, options);
      socket.on('connect_error', () => {});
      const upgrade = transports.length > 1 ? event(socket.io.engine, 'upgrade') : undefined;
      if (!socket.connected) await event(socket, 'connect');
      await upgrade;
      return socket;
    }

    const ask = (socket, ...args) => socket.timeout(10000).emitWithAck(...args);
    // What the socket hears by this name, until a round trip is over.
    async function heard(socket, name, act) {
      const list = [];
      const listen = (...args) => list.push(args);
      socket.on(name, listen);
      await act();
      for (const other of sockets) if (other.connected) await ask(other, 'hello');
      socket.off(name, listen);
      return list;
    }

    it('connects on the right transport', async () => {
      const socket = await connected();
      assert.equal(socket.io.engine.transport.name, transports.at(-1));
      assert.match(socket.id, /^[A-Za-z0-9_-]{20}$/);
      assert.notEqual(socket.id, socket.io.engine.id);
      assert.ok(!socket.recovered);
      await server.record({ what: 'connection', id: socket.id });
      const me = await ask(socket, 'me');
      assert.deepEqual([me.id, me.connected], [socket.id, true]);
    });

    it('sends auth and query', async () => {
      const socket = await connected('/', { auth: { token: 'é€', deep: { list: [1, null] } }, query: { room: 'a b&c' } });
      const facts = await ask(socket, 'handshake');
      assert.deepEqual(facts.auth, { token: 'é€', deep: { list: [1, null] } });
      assert.equal(facts.query.room, 'a b&c');
      assert.equal(facts.query.EIO, '4');
      assert.equal(facts.query.transport, transports[0]);
    });

    it('events of all JSON types come back', async () => {
      const socket = await connected();
      // notepack writes 1e21 as a 64-bit integer, and cuts it.
      const values = [0, -1, 1.5, ...(parser ? [] : [1e21]), 9007199254740991, true, false, null, '', 'text', 'é€😀\u2028\u0000"\\', [], {}, [[]], [1, [2, [3]]], { a: { b: { c: [{}] } } }, { é: 'ключ', '': 1 }, [null, 1], Array.from({ length: 1000 }, (_, i) => i)];
      for (const value of values) {
        const back = event(socket, 'echo');
        socket.emit('echo', value);
        assert.deepEqual(await back, [value]);
      }
      const back = event(socket, 'echo');
      socket.emit('echo', ...values);
      assert.deepEqual(await back, values);
    });

    it('an event without arguments', async () => {
      const socket = await connected();
      const back = event(socket, 'echo');
      socket.emit('echo');
      assert.deepEqual(await back, []);
    });

    it('acks from the server', async () => {
      const socket = await connected();
      const args = await limit(new Promise((resolve) => socket.emit('hello', 'x', { y: 1 }, (...got) => resolve(got))), 'the ack');
      assert.deepEqual(args, ['world', 'x', { y: 1 }]);
      assert.deepEqual(await limit(new Promise((resolve) => socket.emit('acknone', (...got) => resolve(got))), 'the ack'), []);
      assert.deepEqual(await Promise.all(Array.from({ length: 50 }, (_, i) => new Promise((resolve) => socket.emit('hello', i, (_world, n) => resolve(n))))), Array.from({ length: 50 }, (_, i) => i));
    });

    it('an ack that never comes times out', async () => {
      const socket = await connected();
      await assert.rejects(socket.timeout(200).emitWithAck('acknever'), /operation has timed out/);
      assert.equal(await ask(socket, 'hello'), 'world');
    });

    it('acks to the server', async () => {
      const socket = await connected();
      socket.on('q', (...args) => args.at(-1)({ got: args.slice(0, -1) }));
      const answer = event(socket, 'answer');
      socket.emit('ask', 10, 'what?', { n: 1 });
      assert.deepEqual((await answer)[0], { got: ['what?', { n: 1 }] });
    });

    it('an ack to the server that never comes', async () => {
      const socket = await connected();
      const answer = event(socket, 'answer');
      socket.emit('ask', 0.2);
      const [value, error] = await answer;
      assert.deepEqual([value ?? null, error], [null, 'operation has timed out']);
    });

    it('an ack to the server from a client that leaves', async () => {
      const socket = await connected();
      const { id } = socket;
      const question = event(socket, 'q');
      socket.emit('ask', differs('api.md, differences 2: it fails at once', { sioc: 60, node: 1 }));
      await question;
      socket.disconnect();
      const record = await server.record({ what: 'answer', id });
      assert.equal(record.answer ?? null, null);
      assert.equal(record.err, differs('api.md, differences 2', { sioc: 'disconnected', node: 'operation has timed out' }));
    });

    it('binary both ways, nested', async () => {
      const socket = await connected();
      for (const bytes of [Buffer.alloc(0), Buffer.from([0, 1, 2, 255]), randomBytes(30000)]) {
        const back = event(socket, 'echo');
        socket.emit('echo', bytes, { deep: [{ b: bytes }, 'x'], n: 1 }, new Uint8Array([1, 2]));
        const [a, b, c] = await back;
        assert.deepEqual(Buffer.from(a), bytes);
        assert.deepEqual(Buffer.from(b.deep[0].b), bytes);
        assert.deepEqual([b.deep[1], b.n], ['x', 1]);
        assert.deepEqual(Buffer.from(c), Buffer.from([1, 2]));
      }
      const [, got] = await limit(new Promise((resolve) => socket.emit('ackbin', { b: Buffer.from([5]) }, (...args) => resolve(args))), 'the ack');
      assert.deepEqual(Buffer.from(got.b), Buffer.from([5]));
      const made = event(socket, 'binary');
      socket.emit('binary');
      assert.deepEqual(Buffer.from((await made)[0]), Buffer.from([1, 2, 255]));
    });

    it('binary in an ack to the server', async () => {
      const socket = await connected();
      socket.on('q', (ack) => ack(Buffer.from([7, 8])));
      const answer = event(socket, 'answer');
      socket.emit('ask', 10);
      assert.deepEqual(Buffer.from((await answer)[0]), Buffer.from([7, 8]));
    });

    it('rooms: join, leave, who', async () => {
      const [a, b] = [await connected(), await connected()];
      assert.deepEqual(sorted(await ask(a, 'join', 'red')), sorted([a.id, 'red']));
      assert.deepEqual(sorted(await ask(b, 'join', 'red')), sorted([b.id, 'red']));
      assert.deepEqual(sorted(await ask(a, 'who', 'red')), sorted([a.id, b.id]));
      assert.deepEqual(await ask(b, 'leave', 'red'), [b.id]);
      assert.deepEqual(await ask(b, 'leave', 'red'), [b.id]);
      assert.deepEqual(await ask(a, 'who', 'red'), [a.id]);
      assert.deepEqual(await ask(a, 'who', 'nobody'), []);
      const { id } = a;
      a.disconnect();
      await server.record({ what: 'disconnect', id });
      assert.deepEqual(await ask(b, 'who', 'red'), []);
    });

    it('broadcast operators', async () => {
      const [a, b, c] = [await connected(), await connected(), await connected()];
      await ask(a, 'join', 'red');
      await ask(b, 'join', 'red');
      await ask(b, 'join', 'blue');
      await ask(c, 'join', 'blue');
      const cases = [
        [{ from: 'server' }, 'abc'],
        [{ from: 'server', to: ['red'] }, 'ab'],
        [{ from: 'server', to: ['red', 'blue'] }, 'abc'],
        [{ from: 'server', in: ['blue'] }, 'bc'],
        [{ from: 'server', to: ['red'], except: ['blue'] }, 'a'],
        [{ from: 'server', except: ['blue'] }, 'a'],
        [{ from: 'server', to: ['nobody'] }, ''],
        [{ from: 'server', to: [b.id] }, 'b'],
        [{ from: 'server', local: true }, 'abc'],
        [{ from: 'socket', broadcast: true }, 'bc'],
        [{ from: 'socket', to: ['red'] }, 'b'],
        [{ from: 'socket', broadcast: true, to: ['blue'] }, 'bc'],
        [{ from: 'socket', broadcast: true, except: ['blue'] }, ''],
        [{ from: 'socket', to: ['red', 'blue'], except: [c.id] }, 'b'],
        [{ from: 'socket', local: true, to: ['blue'] }, 'bc'],
      ];
      for (const [spec, expected] of cases) {
        const got = { a: 0, b: 0, c: 0 };
        for (const [name, socket] of Object.entries({ a, b, c })) socket.on('news', (text) => { assert.equal(text, 'hi'); got[name] += 1; });
        await ask(a, 'cast', spec, 'hi');
        for (const socket of [a, b, c]) await ask(socket, 'hello');
        for (const socket of [a, b, c]) socket.off('news');
        assert.deepEqual(got, { a: expected.includes('a') ? 1 : 0, b: expected.includes('b') ? 1 : 0, c: expected.includes('c') ? 1 : 0 }, JSON.stringify(spec));
      }
    });

    it('binary to many', async () => {
      const [a, b] = [await connected(), await connected()];
      const got = [event(a, 'news'), event(b, 'news')];
      a.emit('cast', { from: 'server' }, Buffer.from([1, 2, 3]), 'x');
      for (const [bytes, text] of await Promise.all(got)) assert.deepEqual([Buffer.from(bytes), text], [Buffer.from([1, 2, 3]), 'x']);
    });

    it('sockets are moved and dropped by the server', async () => {
      const [a, b] = [await connected(), await connected()];
      await ask(b, 'join', 'one');
      await ask(a, 'pull', 'one', 'two');
      assert.deepEqual(await ask(a, 'who', 'two'), [b.id]);
      await ask(a, 'push', 'one', 'one');
      assert.deepEqual(await ask(a, 'who', 'one'), []);
      const gone = event(b, 'disconnect');
      a.emit('drop', 'two');
      assert.equal((await gone)[0], 'io server disconnect');
    });

    it('volatile events reach a client that listens', async () => {
      const socket = await connected();
      // May be dropped at a moment when nothing can be written: ask again until one comes.
      let got = false;
      socket.on('v', (n) => { assert.equal(n, 1); got = true; });
      for (let i = 0; i < 100 && !got; i += 1) {
        socket.emit('volatile first');
        await ask(socket, 'hello');
      }
      assert.ok(got);
    });

    it('namespaces on one connection', async () => {
      const root = await connected();
      const admin = root.io.socket('/admin');
      if (!admin.connected) await event(admin, 'connect');
      assert.notEqual(root.id, admin.id);
      const list = await heard(root, 'echo', async () => {
        const back = event(admin, 'echo');
        admin.emit('echo', 'in admin');
        assert.deepEqual(await back, ['in admin']);
      });
      assert.deepEqual(list, []);
      const gone = event(admin, 'disconnect');
      admin.emit('bye');
      assert.equal((await gone)[0], 'io server disconnect');
      assert.equal(await ask(root, 'hello'), 'world');
    });

    it('an unknown namespace', async () => {
      const [error] = await event(open('/nope'), 'connect_error');
      assert.equal(error.message, 'Invalid namespace');
    });

    it('a middleware refuses, then lets pass', async () => {
      const socket = open('/mw');
      const [error] = await event(socket, 'connect_error');
      assert.deepEqual([error.message, error.data], ['not authorized', { code: 'E1', n: 1 }]);
      socket.auth = { token: 'secret' };
      socket.connect();
      await event(socket, 'connect');
      assert.equal(await ask(socket, 'hello'), 'world');
    });

    it('the client leaves', async () => {
      const socket = await connected();
      const { id } = socket;
      const gone = event(socket, 'disconnect');
      socket.disconnect();
      assert.equal((await gone)[0], 'io client disconnect');
      await server.assertReason(id, 'client namespace disconnect');
    });

    it('the connection breaks', async () => {
      const socket = await connected();
      const { id } = socket;
      const gone = event(socket, 'disconnect');
      socket.io.engine.close();
      await gone;
      const record = await server.record({ what: 'disconnect', id });
      assert.equal(record.reason, 'transport close');
    });

    it('the server sends the client away', async () => {
      for (const name of ['bye', 'kick']) {
        const socket = await connected();
        const { id } = socket;
        const gone = event(socket, 'disconnect');
        socket.emit(name);
        assert.equal((await gone)[0], 'io server disconnect');
        await server.assertReason(id, 'server namespace disconnect');
      }
    });

    it('comes back after it was sent away', async () => {
      const socket = await connected();
      const first = socket.id;
      const gone = event(socket, 'disconnect');
      socket.emit('kick');
      await gone;
      socket.connect();
      await event(socket, 'connect');
      assert.notEqual(socket.id, first);
      assert.equal(await ask(socket, 'hello'), 'world');
    });

    it('many messages keep their order', async () => {
      const socket = await connected();
      const got = [];
      const done = new Promise((resolve) => socket.on('echo', (n) => { if (got.push(n) === 2000) resolve(); }));
      for (let i = 0; i < 2000; i += 1) socket.emit('echo', i);
      await limit(done, '2000 echoes');
      assert.deepEqual(got, Array.from({ length: 2000 }, (_, i) => i));
      const counted = [];
      const all = new Promise((resolve) => socket.on('n', (n) => { if (counted.push(n) === 2000) resolve(); }));
      socket.emit('count', 2000);
      await limit(all, '2000 events');
      assert.deepEqual(counted, Array.from({ length: 2000 }, (_, i) => i + 1));
    });

    it('text and binary keep their order', async () => {
      const socket = await connected();
      const got = [];
      const done = new Promise((resolve) => socket.on('echo', (value) => { if (got.push(typeof value === 'number' ? value : value[0]) === 200) resolve(); }));
      for (let i = 0; i < 200; i += 1) socket.emit('echo', i % 2 ? i : Buffer.from([i]));
      await limit(done, '200 echoes');
      assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => i));
    });

    it('big payloads', async () => {
      const socket = await connected();
      const text = 'x'.repeat(90000);
      const back = event(socket, 'echo');
      socket.emit('echo', text);
      assert.equal((await back)[0], text);
      const big = event(socket, 'big');
      socket.emit('big', 400000); // the limit is for what comes in
      assert.equal((await big)[0].length, 400000);
    });

    it('a payload above max_payload ends the connection, of this client only', async () => {
      const [socket, other] = [await connected(), await connected()];
      const { id } = socket;
      const gone = event(socket, 'disconnect');
      socket.emit('echo', 'x'.repeat(maxPayload + 1));
      const [reason] = await gone;
      assert.ok(['transport close', 'transport error'].includes(reason), reason);
      // A polling session survives a 413; the client gives up and its GET breaks.
      const record = await server.record({ what: 'disconnect', id });
      if (transports.includes('websocket')) assert.equal(record.reason, 'transport error');
      else assert.ok(['transport close', 'transport error'].includes(record.reason), record.reason);
      assert.equal(await ask(other, 'hello'), 'world');
    });

    it('middleware of a socket', async () => {
      const socket = await connected();
      socket.emit('forbidden');
      assert.equal(await ask(socket, 'hello'), 'world');
      assert.deepEqual(server.find({ what: 'forbidden' }), []);
    });

    it('twenty clients at once', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => connected()));
      assert.equal(new Set(all.map((socket) => socket.id)).size, 20);
      await Promise.all(all.map(async (socket, i) => assert.deepEqual(await limit(new Promise((resolve) => socket.emit('hello', i, (...args) => resolve(args))), 'the ack'), ['world', i])));
    });
  });

for (const [title, transports] of Object.entries(TRANSPORTS))
  it(`client, ${title}: comes back when the server starts again`, async () => {
    const server = new Server();
    await server.start();
    const socket = io(server.url, { transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, randomizationFactor: 0 });
    try {
      await event(socket, 'connect');
      const first = socket.id;
      const gone = event(socket, 'disconnect');
      const { port, process } = server;
      await server.stop();
      const [reason] = await gone;
      // The reference's twin may cut the connection at its end.
      assert.ok(['transport close', 'transport error'].includes(reason), reason);
      assert.deepEqual(process.find({ what: 'disconnect', id: first }).map((record) => record.reason), ['server shutting down']);
      const again = event(socket, 'connect');
      await server.start(port);
      await again;
      assert.notEqual(socket.id, first);
      assert.equal(await socket.timeout(10000).emitWithAck('hello'), 'world');
    } finally {
      socket.disconnect();
      await server.stop();
    }
  });
