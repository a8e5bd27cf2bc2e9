// The two servers of fixtures/adapter.lua with Node's socket.io and an adapter of the same kind: what one is told reaches
// the clients of the other.

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { Adapter } from 'socket.io-adapter';

const record = (fields) => process.stderr.write(`@@ ${JSON.stringify(fields)}\n`);
const copy = (value) => JSON.parse(JSON.stringify(value));
const far = ({ rooms, except, flags }) => ({ rooms: new Set(rooms), except: new Set(except), flags: { ...flags } });
const peers = new Map(); // namespace -> adapters

const adapterOf = (server) => class extends Adapter {
  constructor(nsp) {
    super(nsp);
    this.server = server;
    if (!peers.has(nsp.name)) peers.set(nsp.name, []);
    peers.get(nsp.name).push(this);
    for (const event of ['create-room', 'join-room', 'leave-room', 'delete-room'])
      this.on(event, (room, id) => record({ what: event, server, room, id }));
  }

  get list() { return peers.get(this.nsp.name); }
  get others() { return this.list.filter((other) => other !== this); }
  local(method, ...args) { return Adapter.prototype[method].apply(this, args); }

  init() { record({ what: 'init', server, nsp: this.nsp.name }); }

  close() {
    record({ what: 'close', server, nsp: this.nsp.name });
    this.list.splice(this.list.indexOf(this), 1);
  }

  serverCount() { return Promise.resolve(this.list.length); }

  addAll(id, rooms) {
    record({ what: 'add_all', server, id, rooms: [...rooms] });
    super.addAll(id, rooms);
  }

  del(id, room) {
    record({ what: 'del', server, id, room });
    super.del(id, room);
  }

  delAll(id) {
    record({ what: 'del_all', server, id });
    super.delAll(id);
  }

  broadcast(packet, opts) {
    if (!opts.flags?.local) for (const other of this.others) other.local('broadcast', copy(packet), far(opts));
    super.broadcast(packet, opts);
  }

  broadcastWithAck(packet, opts, count, answer) {
    if (!opts.flags?.local) for (const other of this.others) other.local('broadcastWithAck', copy(packet), far(opts), count, answer);
    super.broadcastWithAck(packet, opts, count, answer);
  }

  async fetchSockets(opts) {
    const list = await super.fetchSockets(opts);
    if (opts.flags?.local) return list;
    for (const other of this.others)
      for (const { id, rooms, data, handshake } of await other.local('fetchSockets', far(opts))) list.push({ id, rooms: [...rooms], data: copy(data), handshake: { query: handshake.query } });
    return list;
  }

  async sockets(rooms) {
    const all = [await super.sockets(rooms), ...(await Promise.all(this.others.map((other) => other.local('sockets', rooms))))];
    return new Set(all.flatMap((set) => [...set]));
  }

  #everywhere(method, opts, what) {
    if (!opts.flags?.local) for (const other of this.others) other.local(method, far(opts), what);
    this.local(method, opts, what);
  }

  addSockets(opts, rooms) { this.#everywhere('addSockets', opts, rooms); }
  delSockets(opts, rooms) { this.#everywhere('delSockets', opts, rooms); }
  disconnectSockets(opts, close) { this.#everywhere('disconnectSockets', opts, close); }

  serverSideEmit(packet) {
    const ack = typeof packet.at(-1) === 'function' && packet.pop();
    const answers = [];
    if (ack && this.others.length === 0) ack(null, answers);
    for (const other of this.others)
      other.nsp._onServerSideEmit([...copy(packet), ...(ack ? [(answer) => { if (answers.push(answer) === this.list.length - 1) ack(null, answers); }] : [])]);
  }
};

async function serve(name) {
  const io = new Server(createServer(), { adapter: adapterOf(name), cleanupEmptyChildNamespaces: true });
  io.httpServer.listen(0, '127.0.0.1');
  await new Promise((resolve) => io.httpServer.once('listening', resolve));
  console.log(`listening on http://127.0.0.1:${io.httpServer.address().port}`);

  io.on('ping', (n, ack) => {
    record({ what: 'server event', server: name, n });
    ack?.(name + n);
  });

  const target = (socket, words) => words.reduce((op, word) => {
    if (word === 'local') return op.local;
    if (word === 'broadcast') return (op === io ? socket : op).broadcast;
    return word.startsWith('!') ? op.except(word.slice(1)) : op.to(word);
  }, io);

  io.on('connection', (socket) => {
    socket.data.server = name;
    socket.on('disconnect', (reason) => record({ what: 'disconnect', server: name, id: socket.id, reason }));
    const on = (event, fn) => socket.on(event, async (...args) => args.pop()(await fn(...args)));
    on('join', (room) => { socket.join(room); return true; });
    on('leave', (room) => { socket.leave(room); return true; });
    on('rooms', () => [...socket.rooms]);
    on('say', (words, ...args) => target(socket, words).emit('said', ...args));
    socket.on('ask', (words, ack) => target(socket, words).timeout(1000).emit('question', (error, answers) => ack(answers, error ? error.message : undefined)));
    on('fetch', async (words) => (await target(socket, words).fetchSockets()).map((found) => ({ id: found.id, rooms: [...found.rooms], server: found.data.server, is_local: 'nsp' in found })));
    on('ids', async (words) => [...(await target(socket, words).allSockets())]);
    on('remote', async (id, method, ...args) => {
      const found = (await io.fetchSockets()).find((one) => one.id === id);
      const timed = method === 'emit_with_ack' ? found.timeout(1000) : found;
      const answer = await timed[{ emit_with_ack: 'emitWithAck' }[method] ?? method](...args);
      return typeof answer === 'string' ? answer : true;
    });
    on('sockets join', (words, room) => { target(socket, words).socketsJoin(room); return true; });
    on('sockets leave', (words, room) => { target(socket, words).socketsLeave(room); return true; });
    on('sockets out', (words) => { target(socket, words).disconnectSockets(); return true; });
    on('server_side_emit', (n) => io.serverSideEmit('ping', n));
    on('ask servers', (n) => io.serverSideEmitWithAck('ping', n));
  });

  io.of(/^\/dynamic-/).on('connection', (socket) => {
    socket.on('say', (text, ack) => { socket.nsp.emit('said', text); ack(true); });
  });
  return io;
}

const both = [await serve('a'), await serve('b')];
process.on('SIGTERM', async () => {
  for (const io of both) await io.close();
  process.exit(0);
});
