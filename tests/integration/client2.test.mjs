// The stock client of Socket.IO 2.x (Engine.IO v3), alone and in one room with that of 4.x.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { io as io4 } from 'socket.io-client';
import io2 from 'socket.io-client-2';
import { Server } from './lib/server.mjs';
import { limit } from './lib/wire.mjs';

const TRANSPORTS = { 'polling only': ['polling'], 'WebSocket only': ['websocket'], 'polling, then WebSocket': ['polling', 'websocket'] };

const event = (emitter, name) => limit(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), `"${name}"`);
const ask = (socket, ...args) => limit(new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer))), `an answer to "${args[0]}"`);
const bytes = (value) => Buffer.from(value);

for (const [title, transports] of Object.entries(TRANSPORTS))
  describe(`2.x client, ${title}`, () => {
    const server = new Server({ options: { allow_eio3: true } });
    let sockets = [];
    before(() => server.start());
    after(() => server.stop());
    afterEach(() => {
      for (const socket of sockets) socket.disconnect();
      sockets = [];
    });

    function keep(socket) {
      sockets.push(socket);
      return socket;
    }
    const open = (nsp = '/', options = {}) => keep(io2(server.url + nsp, { transports, forceNew: true, reconnection: false, ...options }));
    async function connected(nsp = '/', options = {}) {
      const socket = open(nsp, options);
      const upgrade = transports.length > 1 ? event(socket.io.engine, 'upgrade') : undefined;
      if (!socket.connected) await event(socket, 'connect');
      await upgrade;
      return socket;
    }
    async function connected4() {
      const socket = keep(io4(server.url, { transports, forceNew: true, reconnection: false }));
      await event(socket, 'connect');
      return socket;
    }

    it('connects on the right transport, and knows its id', async () => {
      const socket = await connected();
      assert.equal(socket.io.engine.transport.name, transports.at(-1));
      assert.equal(socket.id, socket.io.engine.id);
      const [me] = await ask(socket, 'me');
      assert.equal(me.id, socket.id);
      await server.record({ what: 'connection', id: socket.id, nsp: '/' });
    });

    it('sends and receives values of all kinds', async () => {
      const socket = await connected();
      const values = [null, true, 1, -1.5, 'é€😀\n\\n"', [1, [2, { a: {} }]], { k: 'v', n: null }];
      assert.deepEqual(await ask(socket, 'hello', ...values), ['world', ...values]);
      const echo = event(socket, 'echo');
      socket.emit('echo', ...values);
      assert.deepEqual(await echo, values);
    });

    for (const size of [0, 3, 125, 70000])
      it(`binary of ${size} bytes goes both ways`, async () => {
        const socket = await connected();
        const data = randomBytes(size);
        const echo = event(socket, 'echo');
        socket.emit('echo', 'é', data, { inside: [data] });
        const [text, first, second] = await echo;
        assert.equal(text, 'é');
        assert.deepEqual([bytes(first), bytes(second.inside[0])], [data, data]);
        const [, answer] = await ask(socket, 'ackbin', data);
        assert.deepEqual(bytes(answer), data);
      });

    it('keeps the order of many events', async () => {
      const socket = await connected();
      const got = [];
      socket.on('n', (n) => got.push(n));
      socket.emit('count', 500);
      await limit(new Promise((resolve) => socket.on('n', (n) => n === 500 && resolve())), 'the last');
      assert.deepEqual(got, Array.from({ length: 500 }, (_, i) => i + 1));
    });

    it('joins a namespace with a query', async () => {
      const socket = await connected('/chat?token=a%20b');
      const [handshake] = await ask(socket, 'handshake');
      assert.deepEqual(handshake.auth, { token: 'a b' });
      assert.equal(socket.id, `/chat#${socket.io.engine.id}`);
      assert.equal((await ask(socket, 'me'))[0].id, socket.id);
      await server.record({ what: 'connection', id: socket.io.engine.id, nsp: '/' });
    });

    it('is refused by middleware', async () => {
      assert.deepEqual(await event(open('/mw'), 'error'), [{ code: 'E1', n: 1 }]);
      assert.deepEqual(await event(open('/mw?token=secret&plain=1'), 'error'), ['plain refusal']);
      assert.deepEqual(await event(open('/', { query: { refuse: 'null' } }), 'error'), ['denied']);
      assert.deepEqual(await event(open('/nope'), 'error'), [{ message: 'Invalid namespace' }]);
    });

    it('answers the server', async () => {
      const socket = await connected();
      socket.on('q', (what, answer) => answer(`${what}!`));
      const answered = event(socket, 'answer');
      socket.emit('ask', 5, 'why');
      assert.equal((await answered)[0], 'why!');
    });

    it('is put out, and leaves', async () => {
      const socket = await connected();
      const put = socket.id;
      const gone = event(socket, 'disconnect');
      socket.emit('bye');
      assert.deepEqual(await gone, ['io server disconnect']);
      await server.assertReason(put, 'server namespace disconnect');
      const other = await connected();
      const left = other.id;
      other.disconnect();
      const { reason } = await server.record({ id: left, what: 'disconnect' });
      assert.ok(['client namespace disconnect', 'transport close'].includes(reason), reason);
    });

    it('is in one room with 4.x clients, binary included', async () => {
      const two = await connected();
      const three = await connected('/', { forceBase64: true });
      const four = await connected4();
      for (const socket of [two, three, four]) assert.deepEqual((await ask(socket, 'join', 'mixed')).length, 1);
      const data = randomBytes(300);
      for (const sender of [two, three, four]) {
        const news = [two, three, four].map((socket) => event(socket, 'news'));
        sender.emit('cast', { from: 'server', in: ['mixed'] }, 'é😀', data, { deep: [data] });
        for (const [text, plain, { deep: [deep] }] of await Promise.all(news)) {
          assert.equal(text, 'é😀');
          assert.deepEqual([bytes(plain), bytes(deep)], [data, data]);
        }
      }
      const others = [three, four].map((socket) => event(socket, 'news'));
      two.on('news', () => assert.fail('not to the sender'));
      two.emit('cast', { to: ['mixed'] }, 'to the others');
      assert.deepEqual(await Promise.all(others), [['to the others'], ['to the others']]);
      const direct = event(four, 'news');
      three.emit('cast', { from: 'server', to: [four.id] }, 'direct');
      assert.deepEqual(await direct, ['direct']);
      assert.deepEqual((await ask(four, 'who', 'mixed'))[0].sort(), [two.id, three.id, four.id].sort());
    });
  });

describe('2.x client, heartbeat', () => {
  const server = new Server({ options: { allow_eio3: true, ping_interval: 0.2, ping_timeout: 0.3 } });
  before(() => server.start());
  after(() => server.stop());
  for (const transport of ['polling', 'websocket'])
    it(`stays, on ${transport}`, async () => {
      const socket = io2(server.url, { transports: [transport], forceNew: true, reconnection: false });
      await event(socket, 'connect');
      for (let i = 0; i < 6; i += 1) await event(socket, 'pong');
      assert.ok(socket.connected);
      socket.disconnect();
    });
});

describe('2.x client, with permessage-deflate', () => {
  const server = new Server({ options: { allow_eio3: true, per_message_deflate: true } });
  before(() => server.start());
  after(() => server.stop());
  it('is in one room with 4.x clients, binary included', async () => {
    const options = { transports: ['websocket'], forceNew: true, reconnection: false, perMessageDeflate: { threshold: 0 } };
    const sockets = [io2(server.url, options), io4(server.url, options)];
    await Promise.all(sockets.map((socket) => event(socket, 'connect')));
    for (const socket of sockets) await ask(socket, 'join', 'mixed');
    const data = Buffer.alloc(5000, 'ab');
    for (const sender of sockets) {
      const news = sockets.map((socket) => event(socket, 'news'));
      sender.emit('cast', { from: 'server', in: ['mixed'] }, 'x'.repeat(3000), data);
      for (const [text, binary] of await Promise.all(news)) assert.deepEqual([text.length, bytes(binary)], [3000, data]);
    }
    for (const socket of sockets) socket.disconnect();
  });
});
