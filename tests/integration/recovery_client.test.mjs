// The stock client behind a proxy that loses its connections: it is recovered, on every transport.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { Server, siocOnly } from './lib/server.mjs';
import { limit } from './lib/wire.mjs';

const TRANSPORTS = { polling: ['polling'], WebSocket: ['websocket'], 'polling, then WebSocket': ['polling', 'websocket'] };
const PARSERS = { json: undefined, msgpack };
const event = (emitter, name) => limit(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), `"${name}"`);

// Passes bytes on, until cut(); then nobody gets through, until mend().
class Proxy {
  async start(port) {
    this.pairs = new Set();
    this.broken = false;
    this.server = net.createServer((client) => {
      client.on('error', () => {});
      if (this.broken) { client.destroy(); return; }
      const upstream = net.connect(port, '127.0.0.1');
      const pair = [client, upstream];
      this.pairs.add(pair);
      for (const [from, to] of [[client, upstream], [upstream, client]]) {
        from.on('error', () => {});
        from.on('close', () => { this.pairs.delete(pair); to.destroy(); });
        from.pipe(to);
      }
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  cut() {
    this.broken = true;
    for (const pair of this.pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  mend() { this.broken = false; }
  stop() { this.cut(); this.server.close(); }
}

for (const [title, transports] of Object.entries(TRANSPORTS))
  for (const [name, parser] of Object.entries(PARSERS))
    describe(`recovery of the client, ${title}, ${name}`, () => {
      // A polling client that is cut off between two requests is missed by its heartbeat only.
      const server = new Server({ options: { parser: name, ping_interval: 1, ping_timeout: 1, connection_state_recovery: { max_disconnection_duration: 60 } } });
      const proxy = new Proxy();
      let sockets = [];
      before(async () => { await server.start(); await proxy.start(server.port); });
      after(async () => { proxy.stop(); await server.stop(); });
      afterEach(() => {
        proxy.mend();
        for (const socket of sockets) socket.disconnect();
        sockets = [];
      });

      async function connected(url) {
        const socket = io(url, { transports, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 40, ...(parser && { parser }) });
        sockets.push(socket);
        const upgrade = transports.length > 1 ? event(socket.io.engine, 'upgrade') : undefined;
        await event(socket, 'connect');
        await upgrade;
        return socket;
      }

      const ask = (socket, ...args) => socket.timeout(10000).emitWithAck(...args);

      async function lose(socket) {
        const { id } = socket;
        const gone = event(socket, 'disconnect');
        const count = server.find({ what: 'disconnect', id }).length;
        proxy.cut();
        await gone;
        await server.process.until('the disconnect', () => server.find({ what: 'disconnect', id }).length > count);
      }

      async function comeBack(socket) {
        const back = event(socket, 'connect');
        proxy.mend();
        await back;
      }

      it('events, rooms and data', async () => {
        const socket = await connected(proxy.url);
        const other = await connected(server.url);
        assert.equal(socket.recovered, false);
        const { id } = socket;
        await ask(socket, 'join', 'red');
        await ask(socket, 'set', 'name', 'é');
        const first = event(socket, 'news');
        await ask(other, 'cast', { from: 'server', to: ['red'] }, 'first');
        assert.equal((await first)[0], 'first');
        await lose(socket);
        const got = [];
        socket.on('news', (...args) => got.push(args.slice(0, -1)));
        for (let i = 0; i < 20; i += 1) await ask(other, 'cast', { from: 'server', to: [i % 2 ? 'red' : id] }, i);
        await ask(other, 'cast', { from: 'server', to: ['blue'] }, 'not for it');
        await ask(other, 'cast', { from: 'server', to: ['red'] }, Buffer.from([1, 2]));
        await comeBack(socket);
        assert.equal(socket.recovered, true);
        assert.equal(socket.id, id);
        assert.deepEqual(await ask(socket, 'data'), { name: 'é' });
        assert.deepEqual(await ask(other, 'who', 'red'), [id]);
        const binary = got.pop();
        assert.deepEqual(got, Array.from({ length: 20 }, (_, i) => [i]));
        assert.deepEqual(Buffer.from(binary[0]), Buffer.from([1, 2]));
        assert.equal((await ask(socket, 'me')).recovered, true);
      });

      it('three times, and events in between', async () => {
        const socket = await connected(proxy.url);
        const other = await connected(server.url);
        const { id } = socket;
        const got = [];
        socket.on('news', (n) => got.push(n));
        for (let i = 0; i < 3; i += 1) {
          await ask(other, 'cast', { from: 'server', to: [id] }, 2 * i);
          await ask(socket, 'hello');
          await lose(socket);
          await ask(other, 'cast', { from: 'server', to: [id] }, 2 * i + 1);
          await comeBack(socket);
          assert.equal(socket.recovered, true);
        }
        await ask(socket, 'hello');
        assert.deepEqual(got, [0, 1, 2, 3, 4, 5]);
      });

      it('before its first event', siocOnly('api.md, differences 6'), async () => {
        const socket = await connected(proxy.url);
        const other = await connected(server.url);
        const { id } = socket;
        await lose(socket);
        await ask(other, 'cast', { from: 'server', to: [id] }, 'missed');
        const news = event(socket, 'news');
        await comeBack(socket);
        assert.deepEqual((await news)[0], 'missed');
        assert.deepEqual([socket.id, socket.recovered], [id, true]);
      });

      it('not when it was sent away', async () => {
        const socket = await connected(proxy.url);
        const { id } = socket;
        await ask(socket, 'hello');
        const gone = event(socket, 'disconnect');
        socket.emit('kick');
        await gone;
        const back = event(socket, 'connect');
        socket.connect();
        await back;
        assert.notEqual(socket.id, id);
        assert.equal(socket.recovered, false);
      });
    });
