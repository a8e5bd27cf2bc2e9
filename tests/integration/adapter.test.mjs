// Adapters that scripts write: two servers in one program, with an adapter between them (fixtures/adapter.lua; and the
// same with Node's, reference/adapter.mjs).

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import { App, ask, next } from './lib/app.mjs';
import { Process, fixtures, isReference, program, siocOnly } from './lib/server.mjs';
import { limit } from './lib/wire.mjs';

const TRANSPORTS = { 'polling only': ['polling'], 'WebSocket only': ['websocket'] };
const sorted = (items) => [...items].sort();

class Pair {
  clients = [];

  async start(options = {}) {
    const [command, file] = isReference ? [process.execPath, '../reference/adapter.mjs'] : [program, 'adapter.lua'];
    this.process = new Process(command, [path.join(fixtures, file)], { env: { SIOC_TEST_OPTIONS: JSON.stringify(options) } });
    const urls = await this.process.until('two addresses', () => {
      const all = [...this.process.out.matchAll(/http:\/\/\S+/g)];
      return all.length === 2 && all;
    });
    [this.a, this.b] = urls.map(([url]) => url);
  }

  async stop() {
    this.leave();
    this.process.kill();
    assert.equal(await this.process.exit(), 0, this.process.err.slice(-3000));
    this.process.assertClean();
  }

  leave() {
    for (const client of this.clients) client.disconnect();
    this.clients = [];
  }

  async client(server, nsp = '/', transports = ['websocket']) {
    const client = io(this[server] + nsp, { transports, forceNew: true, reconnection: false });
    client.heard = [];
    client.on('said', (...args) => client.heard.push(args.length === 1 ? args[0] : args));
    client.on('question', (ack) => ack(`${server} ${client.id}`));
    this.clients.push(client);
    await limit(new Promise((resolve, reject) => { client.once('connect', resolve); client.once('connect_error', reject); }), 'connect');
    return client;
  }
}

for (const [title, transports] of Object.entries(TRANSPORTS))
  describe(`an adapter between two servers, ${title}`, () => {
    const pair = new Pair();
    let a, a2, b, b2;
    before(() => pair.start());
    after(() => pair.stop());
    afterEach(() => pair.leave());
    const four = async () => { [a, a2, b, b2] = await Promise.all(['a', 'a', 'b', 'b'].map((server) => pair.client(server, '/', transports))); };
    // Everybody has heard what was on its way.
    const heard = async () => {
      for (const client of [a, a2, b, b2]) if (client.connected) await ask(client, 'rooms');
      return [a, a2, b, b2].map((client) => client.heard);
    };

    it('a broadcast reaches everybody, exactly once', async () => {
      await four();
      await ask(a, 'say', [], 'hello', { n: [1, null] });
      assert.deepEqual(await heard(), Array(4).fill([['hello', { n: [1, null] }]]));
    });

    it('local stays local', async () => {
      await four();
      await ask(a, 'say', ['local'], 'here');
      assert.deepEqual(await heard(), [['here'], ['here'], [], []]);
    });

    it('rooms, a union of them, and who is left out', async () => {
      await four();
      for (const client of [a, b]) await ask(client, 'join', 'one');
      for (const client of [b, b2]) await ask(client, 'join', 'two');
      await ask(a2, 'say', ['one', 'two'], 1);
      assert.deepEqual(await heard(), [[1], [], [1], [1]]);
      await ask(a2, 'say', ['one', '!two'], 2);
      await ask(a2, 'say', ['!one'], 3);
      assert.deepEqual(await heard(), [[1, 2], [3], [1], [1, 3]]);
    });

    it('a room of one, wherever it is', async () => {
      await four();
      await ask(a, 'say', [b2.id], 'you');
      assert.deepEqual(await heard(), [[], [], [], ['you']]);
    });

    it('the sender is left out', async () => {
      await four();
      await ask(a, 'say', ['broadcast'], 'others');
      assert.deepEqual(await heard(), [[], ['others'], ['others'], ['others']]);
    });

    it('everybody answers', async () => {
      await four();
      const answers = await ask(a, 'ask', []);
      assert.deepEqual(sorted(answers), sorted([`a ${a.id}`, `a ${a2.id}`, `b ${b.id}`, `b ${b2.id}`]));
      assert.deepEqual(sorted(await ask(b, 'ask', ['local'])), sorted([`b ${b.id}`, `b ${b2.id}`]));
      assert.deepEqual(await ask(b, 'ask', ['nobody']), []);
    });

    it('some do not answer; who leaves is not waited for', async () => {
      await four();
      b.off('question');
      a2.off('question').on('question', () => a2.disconnect());
      const [answers, error] = await new Promise((resolve) => a.emit('ask', [], (...args) => resolve(args)));
      assert.deepEqual(sorted(answers), sorted([`a ${a.id}`, `b ${b2.id}`]));
      assert.equal(error, 'operation has timed out');
      b2.off('question').on('question', () => b2.disconnect());
      b.on('question', (ack) => ack('late'));
      assert.deepEqual(sorted(await ask(a, 'ask', [])), sorted([`a ${a.id}`, 'late']));
    });

    it('fetch_sockets knows those of both servers', async () => {
      await four();
      await ask(b, 'join', 'x');
      const list = await ask(a, 'fetch', []);
      assert.deepEqual(sorted(list.map(({ id }) => id)), sorted([a.id, a2.id, b.id, b2.id]));
      const there = list.find(({ id }) => id === b.id);
      assert.deepEqual({ ...there, rooms: sorted(there.rooms) }, { id: b.id, rooms: sorted([b.id, 'x']), server: 'b', is_local: false });
      assert.equal(list.find(({ id }) => id === a.id).is_local, true);
      assert.deepEqual((await ask(a, 'fetch', ['x'])).map(({ id }) => id), [b.id]);
      assert.deepEqual((await ask(a, 'fetch', ['local', 'x'])), []);
      assert.deepEqual(sorted(await ask(a, 'ids', [])), sorted([a.id, a2.id, b.id, b2.id]));
      assert.deepEqual(await ask(a, 'ids', ['x']), [b.id]);
    });

    it('a socket of the other server can be used', async () => {
      await four();
      await ask(a, 'remote', b.id, 'emit', 'said', 'psst');
      assert.deepEqual(await heard(), [[], [], ['psst'], []]);
      assert.equal(await ask(a, 'remote', b.id, 'emit_with_ack', 'question'), `b ${b.id}`);
      await ask(a, 'remote', b.id, 'join', 'y');
      assert.deepEqual(sorted(await ask(b, 'rooms')), sorted([b.id, 'y']));
      await ask(a, 'remote', b.id, 'leave', 'y');
      assert.deepEqual(await ask(b, 'rooms'), [b.id]);
      const gone = next(b, 'disconnect');
      await ask(a, 'remote', b.id, 'disconnect', true);
      assert.deepEqual((await gone)[0], 'io server disconnect');
    });

    it('sockets of both join, leave, and are sent away', async () => {
      await four();
      await ask(a, 'sockets join', [`!${a2.id}`], 'r');
      await ask(a2, 'say', ['r'], 'in');
      assert.deepEqual(await heard(), [['in'], [], ['in'], ['in']]);
      await ask(a, 'sockets leave', [b.id, a.id], 'r');
      await ask(a2, 'say', ['r'], 'left');
      assert.deepEqual(await heard(), [['in'], [], ['in'], ['in', 'left']]);
      const gone = Promise.all([a2, b2].map((client) => next(client, 'disconnect')));
      await ask(a, 'sockets out', [a2.id, b2.id]);
      await gone;
      assert.deepEqual([a.connected, b.connected], [true, true]);
    });

    it('servers tell each other, and answer', async () => {
      await four();
      const { process } = pair;
      await ask(a, 'server_side_emit', 7);
      assert.deepEqual(process.find({ what: 'server event', n: 7 }).map(({ server }) => server), ['b']);
      assert.deepEqual(await ask(b, 'ask servers', 8), ['a8']);
    });

    it('rooms are told to the adapter; their events are as they were', async () => {
      await four();
      const { process } = pair;
      await ask(a, 'join', 'events');
      await ask(a, 'join', 'events'); // once is enough
      await ask(b, 'join', 'events');
      await ask(a, 'leave', 'events');
      await ask(b, 'leave', 'events');
      const of = (server, fields) => process.records.filter((record) => record.server === server && Object.entries(fields).every(([key, value]) => record[key] === value)).map(({ what }) => what);
      assert.deepEqual(of('a', { room: 'events' }).filter((what) => what !== 'del'), ['create-room', 'join-room', 'leave-room', 'delete-room']);
      assert.deepEqual(of('b', { room: 'events' }).filter((what) => what !== 'del'), ['create-room', 'join-room', 'leave-room', 'delete-room']);
      assert.deepEqual(of('a', { room: a.id }), ['create-room', 'join-room']);
      const adds = process.records.filter(({ what, id }) => what === 'add_all' && id === a.id);
      assert.deepEqual(adds.map(({ rooms }) => rooms), [[a.id], ['events'], ['events']]);
      const { id: gone } = a;
      a.disconnect();
      await process.record({ what: 'disconnect', id: gone });
      assert.deepEqual(of('a', { id: gone }).slice(-3), ['leave', 'del_all', 'leave-room', 'disconnect'].slice(-3));
    });

    it('each namespace has one, and it ends with the namespace', async () => {
      const { process } = pair;
      const [one, two] = [await pair.client('a', '/dynamic-x', transports), await pair.client('b', '/dynamic-x', transports)];
      await Promise.all([next(two, 'said'), ask(one, 'say', 'deep')]);
      await Promise.all([next(one, 'said'), ask(two, 'say', 'down')]);
      assert.deepEqual([one.heard, two.heard], [['deep', 'down'], ['deep', 'down']]);
      assert.deepEqual(process.find({ what: 'init', nsp: '/dynamic-x' }).map(({ server }) => server).slice(-2), ['a', 'b']);
      const before = process.find({ what: 'close', nsp: '/dynamic-x', server: 'a' }).length;
      one.disconnect();
      await process.until('its end', () => process.find({ what: 'close', nsp: '/dynamic-x', server: 'a' }).length > before);
    });
  });

describe('an adapter that keeps sessions', siocOnly(), () => {
  const pair = new Pair();
  before(() => pair.start({ recovery: true }));
  after(() => pair.stop());

  // Comes with what the client of before knew, to the other server.
  const back = (url, pid, offset) => {
    const client = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, autoConnect: false });
    Object.assign(client, { _pid: pid, _lastOffset: offset, heard: [] });
    client.on('said', (...args) => client.heard.push(args));
    pair.clients.push(client.connect());
    return limit(new Promise((resolve, reject) => { client.once('connect', () => resolve(client)); client.once('connect_error', reject); }), 'connect');
  };

  async function lost() {
    const client = await pair.client('a');
    await ask(client, 'join', 'kept');
    await Promise.all([next(client, 'said'), ask(client, 'to me', 'first')]);
    assert.match(client.heard[0][1], /^offset\d+$/);
    const { id, _pid: pid } = client;
    client.io.engine.close();
    await pair.process.record({ what: 'persist', sid: id });
    return { id, pid, offset: client.heard[0][1] };
  }

  it('what was missed comes from the other server', async () => {
    const { id, pid, offset } = await lost();
    const other = await pair.client('a');
    await ask(other, 'say', ['kept'], 'one');
    await ask(other, 'say', ['other'], 'two');
    await ask(other, 'say', ['!kept'], 'three');
    await ask(other, 'say', [], 'four');
    const client = await back(pair.b, pid, offset);
    assert.deepEqual([client.id, client.recovered], [id, true]);
    assert.deepEqual(client.heard.map(([text]) => text), ['one', 'four']);
    const record = await pair.process.until('its record', () => pair.process.find({ what: 'connection', id })[1]);
    assert.deepEqual([record.recovered, record.data, record.rooms], [true, { server: 'a' }, [id, 'kept']]);
    assert.equal((await back(pair.b, pid, offset)).recovered, false); // once
  });

  it('no such session, and an adapter that throws', async () => {
    const { pid } = await lost();
    for (const [who, offset] of [['x'.repeat(20), 'offset1'], [pid, 'throw']]) {
      const client = await back(pair.b, who, offset);
      assert.equal(client.recovered, false);
      assert.notEqual(client.id, undefined);
    }
    assert.match(pair.process.err, /broken/);
  });
});

// An adapter with one function only: the local one does the rest.
describe('an adapter with a single function', siocOnly(), () => {
  for (const plain of ['broadcast', 'add_all', 'del_all', 'fetch_sockets', 'broadcast_with_ack', 'server_side_emit'])
    it(plain, async () => {
      const pair = new Pair();
      await pair.start({ plain });
      after(() => pair.stop());
      const a = await pair.client('a'), b = await pair.client('b');
      await ask(a, 'join', 'r');
      await ask(a, 'say', ['r'], 'once');
      assert.deepEqual(a.heard, ['once']);
      await ask(a, 'say', [], 'all');
      await ask(b, 'rooms');
      assert.deepEqual(b.heard, plain === 'broadcast' ? ['all'] : []);
      assert.equal((await ask(a, 'ask', [])).length, 1);
      assert.equal((await ask(a, 'fetch', [])).length, plain === 'fetch_sockets' ? 2 : 1);
      assert.deepEqual(await ask(a, 'ask servers', 1), plain === 'server_side_emit' ? ['b1'] : []);
    });
});

describe('an adapter and a reload', siocOnly(), () => {
  const script = (name, more = '') => `
local sioc = require "sioc"
local io = sioc.server { ${name && `adapter = function(nsp)
  return {
    init = function() sioc.log.info("init ${name} " .. nsp.name) end,
    close = function() sioc.log.info("close ${name} " .. nsp.name) end,
    broadcast = function(_, packet, opts)
      packet.data[#packet.data + 1] = "${name}"
      nsp.local_adapter:broadcast(packet, opts)
    end,
  }
end`} }
io:event("say", function(_, text) io:emit("said", text) return true end)
${more}`;

  it('the new one takes the place of the old one, or none does', () => App.run(script('one'), async (app) => {
    const client = await app.client();
    const said = async () => (await Promise.all([next(client, 'said'), ask(client, 'say', 'hi')]))[0];
    assert.deepEqual(await said(), ['hi', 'one']);
    await app.swap(script('two', 'io:of("/new"):on("connection", function() end)'));
    assert.deepEqual(await said(), ['hi', 'two']);
    assert.match(app.log(), /init one \/[^]*close one \/[^]*init two \//);
    assert.match(app.log(), /init two \/new/);
    await app.refused(`${script('three')}\nerror "no"`, /no/);
    assert.doesNotMatch(app.log(), /init three/);
    await app.swap(script(''));
    assert.deepEqual(await said(), ['hi']);
    assert.match(app.log(), /close two \/new/);
    await app.swap(script('four'));
    assert.deepEqual(await said(), ['hi', 'four']);
    assert.deepEqual(client.gone, []);
  }));

  it('what is no table leaves the local one', () => App.run(`
local sioc = require "sioc"
local io = sioc.server { adapter = function(nsp) return nsp.name == "/" and 5 or nil end }
io:of("/x"):event("who", function(socket) return socket.nsp.adapter.nsp.name end)
io:event("say", function(_, text) io:emit("said", text) return true end)`, async (app) => {
    const client = await app.client();
    assert.deepEqual((await Promise.all([next(client, 'said'), ask(client, 'say', 'hi')]))[0], ['hi']);
    assert.match(app.log(), /adapter: a table of methods expected, not a number/);
    assert.equal(await ask(await app.client('/x'), 'who'), '/x');
  }));
});
