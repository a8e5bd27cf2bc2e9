// Connection state recovery on raw sessions: E180 to E186, and the repairs of api.md.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import { Polling, RS, Ws } from './lib/eio.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';

const notepack = createRequire(import.meta.url)('notepack.io');
const OFFSET = /^[0-9A-Za-z_.-]{5,24}$/;
const on = (more = {}) => ({ connection_state_recovery: { max_disconnection_duration: 60, ...more } });
const connectPacket = (nsp, auth) => `40${nsp === '/' ? '' : `${nsp},`}${auth ? JSON.stringify(auth) : ''}`;

// {sid, pid} of the answer to CONNECT.
function readConnect(nsp, packet) {
  const prefix = nsp === '/' ? '40' : `40${nsp},`;
  assert.ok(packet.startsWith(`${prefix}{`), packet);
  const answer = JSON.parse(packet.slice(prefix.length));
  assert.deepEqual(Object.keys(answer), ['sid', 'pid']);
  assert.match(answer.sid, /^[A-Za-z0-9_-]{20}$/);
  assert.match(answer.pid, /^[A-Za-z0-9_-]{20}$/);
  assert.notEqual(answer.sid, answer.pid);
  return answer;
}

// The event without its offset, and that.
function split(packet, head = '42') {
  assert.ok(packet.startsWith(`${head}[`), packet);
  const data = JSON.parse(packet.slice(head.length));
  const offset = data.pop();
  assert.match(String(offset), OFFSET, packet);
  return [data, offset];
}

class Client {
  // packets: what came before the answer to CONNECT.
  static async open(server, { nsp = '/', auth } = {}) {
    const client = new Client();
    client.ws = await Ws.open(server);
    client.nsp = nsp;
    client.server = server;
    client.packets = [];
    await client.ws.text(connectPacket(nsp, auth));
    for (;;) {
      const packet = await client.ws.nextText();
      if (packet.startsWith('40')) {
        Object.assign(client, readConnect(nsp, packet));
        return client;
      }
      client.packets.push(packet);
    }
  }

  async ask(id, ...args) {
    const prefix = this.nsp === '/' ? '' : `${this.nsp},`;
    await this.ws.text(`42${prefix}${id}${JSON.stringify(args)}`);
    const packet = await this.ws.nextText();
    assert.ok(packet.startsWith(`43${prefix}${id}[`), packet);
    return JSON.parse(packet.slice(`43${prefix}${id}`.length));
  }

  // An offset, by an event of its own.
  async offset() {
    await this.ws.text('42["echo","now"]');
    const [data, offset] = split(await this.ws.nextText());
    assert.deepEqual(data, ['echo', 'now']);
    return offset;
  }

  // The connection is lost, and the server knows.
  async drop() {
    const count = this.server.find({ what: 'disconnect', id: this.sid }).length;
    this.ws.destroy();
    await this.server.process.until('the disconnect', () => this.server.find({ what: 'disconnect', id: this.sid }).length > count);
  }

  back(auth) { return Client.open(this.server, { nsp: this.nsp, auth }); }
  cast(spec, ...args) { return this.ask(9, 'cast', spec, ...args); }
  async next() { return split(await this.ws.nextText()); }
  destroy() { this.ws.destroy(); }
}

async function assertFresh(client, old) {
  assert.notEqual(client.sid, old.sid);
  assert.notEqual(client.pid, old.pid);
  assert.deepEqual(client.packets, []);
  const [me] = await client.ask(1, 'me');
  assert.equal(me.recovered ?? false, false);
}

const data = (packets) => packets.map((packet) => split(packet)[0].slice(1));

withServer('recovery', { options: on() }, (server) => {
  // ---- E180 ----

  it('E180 offsets, exactly', async () => {
    const a = await Client.open(server);
    const b = await Client.open(server);
    await a.ws.text('42["echo","x"]');
    assert.match(await a.ws.nextText(), /^42\["echo","x","[0-9A-Za-z_.-]{5,24}"\]$/);
    await a.ws.text('42["echo"]');
    assert.match(await a.ws.nextText(), /^42\["echo","[0-9A-Za-z_.-]{5,24}"\]$/);
    await a.ws.text('42["binary"]');
    assert.match(await a.ws.nextText(), /^451-\["binary",\{"_placeholder":true,"num":0\},"[0-9A-Za-z_.-]{5,24}"\]$/);
    assert.deepEqual(await a.ws.nextBinary(), Buffer.from([1, 2, 255]));
    for (const spec of [{ from: 'server' }, { from: 'server', local: true }, { from: 'socket', broadcast: true }]) {
      await a.ws.text(`42${JSON.stringify(['cast', spec, 'hi'])}`);
      assert.match(await b.ws.nextText(), /^42\["news","hi","[0-9A-Za-z_.-]{5,24}"\]$/);
      if (spec.from === 'server') await a.ws.nextText();
    }
    a.destroy();
    b.destroy();
  });

  it('E180 none on what asks for an answer, and none on answers', async () => {
    const a = await Client.open(server);
    assert.deepEqual(await a.ask(5, 'hello', 'x'), ['world', 'x']);
    await a.ws.text('42["ask",10,"what?"]');
    assert.match(await a.ws.nextText(), /^42\d+\["q","what\?"\]$/);
    await a.ws.text('421["askall",10]');
    assert.match(await a.ws.nextText(), /^42\d+\["q","all"\]$/);
    a.destroy();
  });

  it('E180 an offset on volatile events as well, because clients take any last text for one', async () => {
    const a = await Client.open(server);
    await a.ws.text('42["volatile first"]');
    assert.match(await a.ws.nextText(), differs('section 3.5', { sioc: /^42\["v",1,"[0-9A-Za-z_-]{8,24}"\]$/, node: /^42\["v",1\]$/ }));
    a.destroy();
  });

  it('offsets of one namespace differ', async () => {
    const a = await Client.open(server);
    const offsets = [];
    for (let i = 0; i < 70; i += 1) offsets.push(await a.offset());
    assert.equal(new Set(offsets).size, 70);
    a.destroy();
  });

  // ---- E181, E182 ----

  it('E181 missed packets in order, then CONNECT; id, rooms and data are back', async () => {
    const a = await Client.open(server);
    const b = await Client.open(server);
    await a.ask(1, 'join', 'red');
    await a.ask(2, 'set', 'name', { deep: [1, 'é', null] });
    const offset = await a.offset();
    await a.drop();
    await b.cast({ from: 'socket', broadcast: true }, 'to all');
    b.destroy();
    const c = await Client.open(server);
    for (const [spec, ...args] of [[{ from: 'server', to: ['red'] }, 1], [{ from: 'server', to: [a.sid] }, 2], [{ from: 'socket', broadcast: true }, 3], [{ from: 'server', to: ['red'], local: true }, { b: 4 }]])
      await c.cast(spec, ...args);
    const again = await a.back({ pid: a.pid, offset });
    assert.deepEqual([again.sid, again.pid], [a.sid, a.pid]);
    assert.deepEqual(data(again.packets), [['to all'], [1], [2], [3], [{ b: 4 }]]);
    const [me] = await again.ask(1, 'me');
    assert.deepEqual([me.id, me.connected, me.recovered], [a.sid, true, true]);
    assert.deepEqual((await again.ask(2, 'data'))[0], { name: { deep: [1, 'é', null] } });
    assert.deepEqual((await again.ask(3, 'who', 'red'))[0], [a.sid]);
    await server.process.until('"connection" handlers run again', () => server.find({ what: 'connection', id: a.sid }).length === 2);
    await c.cast({ from: 'server', to: ['red'] }, 'live');
    assert.deepEqual((await again.next())[0], ['news', 'live']);
    again.destroy();
    c.destroy();
  });

  it('E181 binary events come back whole', async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.ws.text('42["binary"]');
    await a.ws.nextText();
    await a.ws.nextBinary();
    await a.drop();
    const again = await Ws.open(server);
    await again.text(connectPacket('/', { pid: a.pid, offset }));
    assert.match(await again.nextText(), /^451-\["binary",\{"_placeholder":true,"num":0\},"[0-9A-Za-z_.-]+"\]$/);
    assert.deepEqual(await again.nextBinary(), Buffer.from([1, 2, 255]));
    assert.equal(readConnect('/', await again.nextText()).sid, a.sid);
    again.destroy();
  });

  it('E181 what was sent and did not arrive is sent again', async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.ws.text('42["three"]');
    const [, second] = [await a.next(), await a.next()];
    await a.next();
    await a.drop();
    const again = await a.back({ pid: a.pid, offset });
    assert.deepEqual(data(again.packets), [[0], [1], [2]]);
    await again.drop();
    const third = await again.back({ pid: a.pid, offset: second[1] });
    assert.deepEqual(data(third.packets), [[2]]);
    assert.equal(third.sid, a.sid);
    third.destroy();
  });

  it('E182 other rooms, excluded ones and volatile ones are not sent again', async () => {
    const a = await Client.open(server);
    await a.ask(1, 'join', 'red');
    const offset = await a.offset();
    const b = await Client.open(server);
    await a.drop();
    for (const [spec, n] of [[{ from: 'server', to: ['blue'] }, 1], [{ from: 'server', to: ['red', 'blue'], except: ['red'] }, 2], [{ from: 'server', except: [a.sid, b.sid] }, 3], [{ from: 'server', to: ['red'], volatile: true }, 4], [{ from: 'server', to: [b.sid] }, 5], [{ from: 'server', to: ['blue', 'red'] }, 6]])
      await b.ws.text(`42${JSON.stringify(['cast', spec, n])}`);
    assert.equal((await b.next())[0][1], 5);
    assert.deepEqual(await b.ask(1, 'hello'), ['world']);
    const again = await a.back({ pid: a.pid, offset });
    assert.deepEqual(data(again.packets), [[6]]);
    again.destroy();
    b.destroy();
  });

  it('E182 the sender of a broadcast does not get it back', async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.cast({ from: 'socket', broadcast: true }, 'not for me');
    await a.cast({ from: 'socket', to: ['red'] }, 'nor that');
    await a.drop();
    const again = await a.back({ pid: a.pid, offset });
    assert.equal(again.sid, a.sid);
    assert.deepEqual(again.packets, []);
    again.destroy();
  });

  // ---- E183 ----

  for (const [name, claim] of Object.entries({
    'an unknown pid': (a, offset) => ({ pid: 'x'.repeat(20), offset }),
    'an unknown offset': (a) => ({ pid: a.pid, offset: 'unknown' }),
    'an empty offset': (a) => ({ pid: a.pid, offset: '' }),
    'a numeric offset': (a) => ({ pid: a.pid, offset: 1 }),
    'a numeric pid': (a, offset) => ({ pid: 1, offset }),
    'a pid of an object': (a, offset) => ({ pid: { a: 1 }, offset }),
    'the id instead of the pid': (a, offset) => ({ pid: a.sid, offset }),
    'an offset that does not exist yet': (a, offset) => ({ pid: a.pid, offset: `${offset}z` }),
  }))
    it(`E183 ${name}: a fresh session`, async () => {
      const a = await Client.open(server);
      const offset = await a.offset();
      await a.drop();
      const again = await a.back(claim(a, offset));
      await assertFresh(again, a);
      again.destroy();
    });

  it('E183 another namespace', async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.drop();
    const other = await Client.open(server, { nsp: '/chat', auth: { pid: a.pid, offset } });
    assert.notEqual(other.sid, a.sid);
    assert.notEqual(other.pid, a.pid);
    const again = await a.back({ pid: a.pid, offset });
    assert.equal(again.sid, a.sid, 'which has taken nothing away');
    again.destroy();
    other.destroy();
  });

  it('a client that has not yet received an event', siocOnly('api.md, differences 6: works without an offset'), async () => {
    const a = await Client.open(server);
    await a.ask(1, 'join', 'red');
    await a.drop();
    const b = await Client.open(server);
    await b.cast({ from: 'server', to: ['red'] }, 'missed');
    for (const auth of [{ pid: a.pid }, { pid: a.pid, offset: null }]) {
      const again = await a.back(auth);
      assert.equal(again.sid, a.sid);
      assert.deepEqual(data(again.packets), [['missed']]);
      await again.drop();
    }
    b.destroy();
  });

  it('an offset of a session before is none of this one', siocOnly('clients keep the offset of a session that was not recovered'), async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.drop();
    const b = await Client.open(server);
    await b.ask(1, 'join', 'blue');
    await b.cast({ from: 'server', except: ['blue'] }, 'before its time');
    const fresh = await Client.open(server);
    await fresh.drop();
    await b.cast({ from: 'server', except: ['blue'] }, 'missed');
    const again = await fresh.back({ pid: fresh.pid, offset });
    assert.equal(again.sid, fresh.sid);
    assert.deepEqual(data(again.packets), [['missed']]);
    again.destroy();
    b.destroy();
  });

  // ---- E184 ----

  for (const [name, leave] of Object.entries({
    '41 of the client': (a) => a.ws.text('41'),
    'disconnect()': (a) => a.ws.text('42["bye"]'),
    'disconnect(true)': (a) => a.ws.text('42["kick"]'),
    'parse error': (a) => a.ws.text('x'),
  }))
    it(`E184 not after ${name}`, async () => {
      const a = await Client.open(server);
      const offset = await a.offset();
      await leave(a);
      await server.record({ what: 'disconnect', id: a.sid });
      a.destroy();
      const again = await a.back({ pid: a.pid, offset });
      await assertFresh(again, a);
      again.destroy();
    });

  for (const [name, leave] of Object.entries({
    'transport close': async (a) => { await a.ws.frame({ op: 8, payload: Buffer.from([3, 233]) }); a.ws.wire.end(); },
    'transport error': (a) => a.ws.frame({ op: 3 }),
    'forced close': (a) => a.ws.text('42["connclose"]'),
  }))
    it(`after ${name}`, async () => {
      const a = await Client.open(server);
      const offset = await a.offset();
      await leave(a);
      await server.assertReason(a.sid, name);
      a.destroy();
      const again = await a.back({ pid: a.pid, offset });
      assert.deepEqual([again.sid, again.pid], [a.sid, a.pid]);
      again.destroy();
    });

  // ---- E185 ----

  it('E185 middlewares run again, and see it', async () => {
    const a = await Client.open(server, { nsp: '/recovery' });
    await a.ask(1, 'set', 'n', 5);
    await a.ws.text('42/recovery,["echo",1]');
    const [, offset] = split(await a.ws.nextText(), '42/recovery,');
    await a.drop();
    const again = await a.back({ pid: a.pid, offset });
    assert.equal(again.sid, a.sid);
    await server.record({ what: 'middleware', id: a.sid, recovered: true });
    const seen = server.find({ what: 'middleware', id: a.sid });
    assert.deepEqual(seen.map((entry) => [entry.recovered ?? false, entry.data]), [[false, {}], [true, { n: 5 }]]);
    again.destroy();
  });

  it('a middleware refuses: nothing is sent, and the session waits on', siocOnly('the reference sends what was missed before it asks'), async () => {
    const a = await Client.open(server, { nsp: '/recovery' });
    await a.ask(1, 'join', 'red');
    await a.drop();
    const b = await Client.open(server, { nsp: '/recovery' });
    await b.cast({ from: 'server', to: ['red'] }, 'secret');
    const ws = await Ws.open(server);
    await ws.assertText(connectPacket('/recovery', { pid: a.pid, refuse: true }), '44/recovery,{"message":"refused"}');
    const again = await a.back({ pid: a.pid });
    assert.equal(again.sid, a.sid);
    assert.deepEqual(again.packets.map((packet) => split(packet, '42/recovery,')[0]), [['news', 'secret']]);
    for (const each of [again, b, ws]) each.destroy();
  });

  it('what is sent while a middleware thinks comes once', siocOnly('the reference sends what was missed before it asks'), async () => {
    const a = await Client.open(server, { nsp: '/recovery' });
    await a.drop();
    const b = await Client.open(server, { nsp: '/recovery' });
    await b.ask(1, 'join', 'blue');
    const back = a.back({ pid: a.pid, slow: 0.2 });
    await server.process.until('the middleware', () => server.find({ what: 'middleware', id: a.sid }).length === 2);
    await b.cast({ from: 'server', except: ['blue'] }, 'meanwhile');
    const again = await back;
    assert.deepEqual(again.packets.map((packet) => split(packet, '42/recovery,')[0]), [['news', 'meanwhile']]);
    assert.deepEqual((await again.ask(1, 'hello')), ['world']);
    again.destroy();
    b.destroy();
  });

  // ---- E186 ----

  it('E186 a pid that was used is refused while its socket is there', siocOnly('section 3.5: a session is consumed'), async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.drop();
    const again = await a.back({ pid: a.pid, offset });
    assert.equal(again.sid, a.sid);
    const second = await a.back({ pid: a.pid, offset });
    await assertFresh(second, a);
    assert.deepEqual(await again.ask(1, 'hello'), ['world'], 'the first one does not notice');
    again.destroy();
    second.destroy();
  });

  it('E186 nor that of a client that was never away', async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    const second = await a.back({ pid: a.pid, offset });
    await assertFresh(second, a);
    a.destroy();
    second.destroy();
  });

  it('again and again', async () => {
    let client = await Client.open(server);
    const first = client;
    await client.ask(1, 'set', 'n', 1);
    let offset = await client.offset();
    for (let i = 0; i < 5; i += 1) {
      await client.drop();
      client = await client.back({ pid: first.pid, offset });
      assert.equal(client.sid, first.sid);
      if (i === 3) assert.deepEqual((await client.ask(2, 'data'))[0], { n: 1 }, 'also when nobody has looked at it in between');
      if (i % 2) offset = await client.offset();
    }
    assert.deepEqual((await client.ask(2, 'data'))[0], { n: 1 });
    client.destroy();
  });

  // ---- transports ----

  it('polling: what was missed and the answer, in order', async () => {
    const a = await Polling.open(server);
    await a.post('40');
    const { sid, pid } = readConnect('/', await a.get());
    await a.post('42["echo",1]');
    const [, offset] = split(await a.get());
    await a.post('1');
    await server.record({ what: 'disconnect', id: sid });
    const b = await Client.open(server);
    await b.cast({ from: 'server', to: [sid] }, 'one');
    await b.cast({ from: 'server', to: [sid] }, 'two');
    const again = await Polling.open(server);
    await again.post(connectPacket('/', { pid, offset }));
    const packets = (await again.get()).split(RS);
    assert.deepEqual(data(packets.slice(0, 2)), [['one'], ['two']]);
    assert.deepEqual(readConnect('/', packets[2]), { sid, pid });
    await again.post('1');
    b.destroy();
  });
});

withServer('recovery without middlewares', { options: on({ skip_middlewares: true }) }, (server) => {
  it('E185 skip_middlewares', async () => {
    const a = await Client.open(server, { nsp: '/recovery' });
    await a.ws.text('42/recovery,["echo",1]');
    const [, offset] = split(await a.ws.nextText(), '42/recovery,');
    await a.drop();
    const again = await a.back({ pid: a.pid, offset, refuse: true });
    assert.equal(again.sid, a.sid);
    assert.equal(server.find({ what: 'middleware', id: a.sid }).length, 1);
    const fresh = await Ws.open(server);
    await fresh.assertText(connectPacket('/recovery', { refuse: true }), '44/recovery,{"message":"refused"}');
    again.destroy();
    fresh.destroy();
  });
});

withServer('recovery, soon over', { options: on({ max_disconnection_duration: 1 }) }, (server) => {
  it('E183 expired', async () => {
    const a = await Client.open(server);
    const offset = await a.offset();
    await a.drop();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    const again = await a.back({ pid: a.pid, offset });
    await assertFresh(again, a);
    again.destroy();
  });

  it('a client that was quiet for longer than that', siocOnly('the reference needs its last packet to be in the log'), async () => {
    const a = await Client.open(server);
    const b = await Client.open(server);
    const offset = await a.offset();
    await b.offset(); // something that was not for it, and is forgotten by then
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await a.drop();
    await b.cast({ from: 'server', to: [a.sid] }, 'missed');
    const again = await a.back({ pid: a.pid, offset });
    assert.equal(again.sid, a.sid);
    assert.deepEqual(data(again.packets), [['missed']]);
    again.destroy();
    b.destroy();
  });
});

withServer('recovery in little room', { options: { ...on({ max_packets: 3, max_sessions: 2 }), max_queue: 4096 } }, (server) => {
  it('max_packets - 1, max_packets, max_packets + 1', siocOnly(), async () => {
    for (const [count, recovers] of [[2, true], [3, true], [4, false]]) {
      const a = await Client.open(server);
      const offset = await a.offset();
      await a.drop();
      const b = await Client.open(server);
      for (let i = 0; i < count; i += 1) await b.cast({ from: 'server', to: [a.sid] }, i);
      const again = await a.back({ pid: a.pid, offset });
      assert.equal(again.sid === a.sid, recovers, `${count}`);
      if (recovers) assert.deepEqual(data(again.packets), Array.from({ length: count }, (_, i) => [i]));
      else await assertFresh(again, a);
      again.destroy();
      b.destroy();
    }
  });

  it('max_sessions: the oldest goes first', siocOnly(), async () => {
    const gone = [];
    for (let i = 0; i < 3; i += 1) gone.push(await Client.open(server));
    for (const client of gone) await client.drop();
    const back = [];
    for (const client of [...gone].reverse()) back.unshift(await client.back({ pid: client.pid }));
    assert.deepEqual(back.map((client, i) => client.sid === gone[i].sid), [false, true, true]);
    for (const client of back) client.destroy();
  });

  it('more than a reader may leave waiting', siocOnly(), async () => {
    const b = await Client.open(server);
    for (const [bytes, recovers] of [[1000, true], [3000, false]]) {
      const a = await Client.open(server);
      await a.drop();
      for (let i = 0; i < 2; i += 1) await b.cast({ from: 'server', to: [a.sid] }, 'x'.repeat(bytes));
      const again = await a.back({ pid: a.pid });
      assert.equal(again.sid === a.sid, recovers);
      again.destroy();
    }
    b.destroy();
  });
});

withServer('recovery with msgpack', { options: { ...on(), parser: 'msgpack' } }, (server) => {
  const pack = (value) => Buffer.from(notepack.encode(value));
  const next = async (ws) => notepack.decode(await ws.nextBinary());
  const joined = async (auth) => {
    const ws = await Ws.open(server);
    await ws.binary(pack({ type: 0, nsp: '/', data: auth }));
    return ws;
  };

  it('offsets, missed packets, rooms and data', async () => {
    const a = await joined();
    const { sid, pid } = (await next(a)).data;
    await a.binary(pack({ type: 2, nsp: '/', id: 1, data: ['set', 'b', Buffer.from([1, 2])] }));
    await next(a);
    await a.binary(pack({ type: 2, nsp: '/', data: ['echo', Buffer.from([7])] }));
    const event = (await next(a)).data;
    assert.deepEqual(event.slice(0, 2), ['echo', Buffer.from([7])]);
    assert.match(event[2], OFFSET);
    a.destroy();
    await server.record({ what: 'disconnect', id: sid });
    const b = await joined({});
    await next(b);
    await b.binary(pack({ type: 2, nsp: '/', id: 2, data: ['cast', { from: 'server', to: [sid] }, Buffer.from([9])] }));
    await next(b);
    const again = await joined({ pid, offset: event[2] });
    assert.deepEqual((await next(again)).data.slice(0, 2), ['news', Buffer.from([9])]);
    assert.deepEqual((await next(again)).data, { sid, pid });
    await again.binary(pack({ type: 2, nsp: '/', id: 3, data: ['data'] }));
    assert.deepEqual((await next(again)).data, [{ b: Buffer.from([1, 2]) }]);
    again.destroy();
    b.destroy();
  });

  it('without an offset, as the stock client says it', siocOnly('api.md, differences 6'), async () => {
    const a = await joined();
    const { sid, pid } = (await next(a)).data;
    a.destroy();
    await server.record({ what: 'disconnect', id: sid });
    const again = await joined({ pid, offset: undefined });
    assert.deepEqual((await next(again)).data, { sid, pid });
    again.destroy();
  });
});

withServer('without recovery', {}, (server) => {
  it('no pid, no offset', async () => {
    const ws = await Ws.joined(server);
    await ws.assertText('42["echo","x"]', '42["echo","x"]');
    const again = await Ws.joined(server, '/', { pid: 'x'.repeat(20), offset: 'y' });
    await again.text('421["handshake"]');
    assert.deepEqual(JSON.parse((await again.nextText()).slice(3))[0].auth, { pid: 'x'.repeat(20), offset: 'y' });
    ws.destroy();
    again.destroy();
  });
});
