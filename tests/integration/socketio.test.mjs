// Namespaces, listeners, rooms and what is sent, as scripts in Lua see them. (What the wire shows of it: packets.test.mjs, with the reference.)

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import { Polling, Ws } from './lib/eio.mjs';
import { siocOnly, withServer } from './lib/server.mjs';

const notepack = createRequire(import.meta.url)('notepack.io');

async function ask(ws, name, nsp = '') {
  await ws.text(`42${nsp}7["${name}"]`);
  const text = await ws.nextText();
  assert.ok(text.startsWith(`43${nsp}7[`), text);
  return JSON.parse(text.slice(3 + nsp.length));
}

withServer('socketio', { script: 'socketio.lua' }, (server) => {
  const on = (nsp, body) => async () => {
    const ws = await Ws.joined(server, nsp);
    try {
      await body(ws);
    } finally {
      ws.destroy();
    }
  };

  // ---- dynamic namespaces ----

  it('handlers of the parent are told the child', on('/p-a', async (ws) => {
    assert.equal((await server.record({ what: 'connection', id: ws.id })).nsp, '/p-a');
    assert.deepEqual(await ask(ws, 'which', '/p-a,'), ['/p-a', true]);
    await ws.text('41/p-a,');
    assert.deepEqual(await server.record({ what: 'disconnect', id: ws.id }), { what: 'disconnect', id: ws.id, nsp: '/p-a', reason: 'client namespace disconnect' });
  }));

  it('middleware of the parent', async () => {
    const ws = await Ws.open(server);
    await ws.assertText('40/p-a,{"no":1}', '44/p-a,{"message":"no"}');
    ws.destroy();
  });

  it('the parent speaks to all, a child to its own', on('/p-x', async (ws) => {
    const other = await Ws.joined(server, '/p-y');
    await ws.text('42/p-x,["all",1,{"a":[]}]');
    assert.equal(await ws.nextText(), '42/p-x,["all",1,{"a":[]}]');
    assert.equal(await other.nextText(), '42/p-y,["all",1,{"a":[]}]');
    await other.assertText('42/p-y,["near"]', '42/p-y,["near"]');
    await ws.assertText('42/p-x,["near"]', '42/p-x,["near"]');
    other.destroy();
  }));

  it('"new_namespace" for those that the script makes, and for those of clients', async () => {
    await server.record({ what: 'new', id: '/p-hand' });
    await server.record({ what: 'new', id: '/plain' });
    const ws = await Ws.joined(server, '/p-new');
    await server.record({ what: 'new', id: '/p-new' });
    await ws.text('41/p-new,');
    await ws.join('/p-new');
    await server.process.until('a second one: it was closed when it was empty', () => server.find({ what: 'new', id: '/p-new' }).length === 2);
    ws.destroy();
  });

  it('of(name) belongs to the pattern that fits', on('/p-hand', async (ws) => {
    assert.deepEqual(await ask(ws, 'own', '/p-hand,'), ['of the child']); // the first of two answers
    assert.deepEqual(await ask(ws, 'which', '/p-hand,'), ['/p-hand', true]);
  }));

  it('its objects outlive it', on('/p-keep', async (ws) => {
    await ws.text('42/p-keep,["keep"]');
    await ws.text('41/p-keep,');
    assert.deepEqual(await server.record({ what: 'kept', id: ws.id }), { what: 'kept', id: ws.id, name: '/p-keep', sockets: 0, emitted: true, to: true });
  }));

  it('many, one after the other', async () => {
    const ws = await Ws.open(server);
    for (let i = 0; i < 200; i += 1) {
      const name = `/p-${'abcdefgh'[i % 8]}${'x'.repeat(i % 50)}`;
      await ws.join(name);
      assert.deepEqual(await ask(ws, 'which', `${name},`), [name, true]);
      await ws.text(`41${name},`);
    }
    ws.destroy();
  });

  for (const [name, text] of [['/throws', 'thrown by a matcher'], ['/throws-late', 'thrown late by a matcher']])
    it(`${name}: a matcher that throws refuses, and is logged`, async () => {
      const ws = await Ws.open(server);
      await ws.assertText(`40${name},`, `44${name},{"message":"Invalid namespace"}`);
      await server.stderrMatches(new RegExp(`error in matcher of the namespace "${name}".*${text}`));
      ws.destroy();
    });

  it('over polling', async () => {
    const polling = await Polling.open(server);
    await polling.join('/p-polling');
    await polling.assertText('42/p-polling,1["which"]', '43/p-polling,1["/p-polling",true]');
  });

  // ---- events of rooms ----

  it('tells who comes into rooms and goes', on('/rooms', async (ws) => {
    const expected = [
      ['create-room', ws.id], ['join-room', ws.id, ws.id],
      ['create-room', 'a'], ['join-room', 'a', ws.id], ['create-room', 'b'], ['join-room', 'b', ws.id],
      ['leave-room', 'a', ws.id], ['delete-room', 'a'],
    ];
    assert.deepEqual(await ask(ws, 'heard', '/rooms,'), [expected]);
    const other = await Ws.joined(server, '/rooms');
    await ask(other, 'heard', '/rooms,');
    await ws.text('41/rooms,');
    await ws.join('/');
    await ws.text('421["conn"]');
    await ws.nextText(); // it has left by now
    assert.deepEqual(await ask(other, 'heard', '/rooms,'), [[['leave-room', ws.id, ws.id], ['delete-room', ws.id], ['leave-room', 'b', ws.id]]]);
    other.destroy();
  }));

  it('lists the rooms and who is in them', on('/rooms', async (ws) => {
    await ask(ws, 'heard', '/rooms,');
    const other = await Ws.joined(server, '/rooms');
    const [rooms, own, elsewhere] = await ask(ws, 'rooms', '/rooms,');
    assert.deepEqual([rooms[ws.id], rooms[other.id], own, elsewhere], [1, 1, 1, true]);
    assert.ok(rooms.b >= 2 && !('a' in rooms), JSON.stringify(rooms));
    other.destroy();
  }));

  // ---- listeners ----

  it('lists, adds and removes', on('/', async (ws) => {
    const [facts] = await ask(ws, 'listeners');
    const { names, names_after: after, ...rest } = facts;
    assert.deepEqual(rest, { any: 2, order: true, x: 1, y: 2, none: 0, any_after: 1, no_any: 0 });
    assert.deepEqual(names.slice(-2), ['x', 'y']);
    assert.equal(names.length, new Set(names).size);
    assert.deepEqual(after, names.slice(0, -1));
    assert.deepEqual(await ask(ws, 'forget'), [[]]);
  }));

  it('hears what is sent to a socket, before it is', on('/', async (ws) => {
    assert.deepEqual(await ask(ws, 'overhear'), [2]);
    const events = [['a', 1, { b: true }], ['bin', 3], ['all', 2], ['room', 5], ['q', 6]];
    await ws.text('427["speak"]');
    const texts = [];
    for (let i = 0; i < 5; i += 1) {
      texts.push(await ws.nextText());
      if (i === 1) assert.equal(String(await ws.nextBinary()), 'xyz');
    }
    assert.deepEqual(texts.map((text) => text.replace(/^42\d/, '42')), ['42["a",1,{"b":true}]', '451-["bin",{"_placeholder":true,"num":0}]', '42["all",2]', '42["room",5]', '42["q",6]']);
    assert.deepEqual(JSON.parse((await ws.nextText()).slice(3)), [events.flatMap((event) => [['first', ...event], ['second', ...event]])]);
    assert.deepEqual(await ask(ws, 'one less'), [1]);
    assert.deepEqual(await ask(ws, 'none'), [0]);
  }));

  // ---- the rest ----

  it('no other server hears, or answers', on('/', async (ws) => {
    assert.deepEqual(await ask(ws, 'servers'), [{
      emitted: true, answers: [], disconnect: true,
      reserved: ['connect', 'connection', 'new_namespace'].map((name) => `"${name}" is a reserved event name`),
    }]);
    assert.deepEqual(await server.record({ what: 'servers' }), { what: 'servers', list: [] });
  }));

  it('send is emit of "message"', on('/', async (ws) => {
    await ws.text('42["send"]');
    assert.equal(await ws.nextText(), '42["message","to one",1]');
    assert.equal(await ws.nextText(), '42["message","to all",2]');
    assert.equal(await ws.nextText(), '42["message","to a room",3]');
    assert.equal(await ws.nextText(), '42["message","again",4]');
  }));

  it('all_sockets gives ids', on('/', async (ws) => assert.deepEqual(await ask(ws, 'ids'), [[ws.id], 0])));

  it('of is a method of the server alone', on('/', async (ws) => {
    assert.match((await ask(ws, 'wrong of'))[0], /call it with a colon/);
  }));

  it('socket.conn does not show the session id', on('/', async (ws) => {
    const [conn] = await ask(ws, 'conn');
    assert.deepEqual([conn.id, conn.name, conn.protocol, conn.address], ['number', 'websocket', 4, '127.0.0.1']);
    assert.notEqual(conn.sid, ws.sid);
  }));
}, siocOnly());

withServer('socketio, two dynamic namespaces', { script: 'socketio.lua', options: { max_dynamic_namespaces: 3 } }, (server) => {
  it('one more is refused', async () => { // the third is /p-hand, which no client has left yet
    const ws = await Ws.joined(server, '/p-a');
    await ws.join('/p-b');
    await ws.assertText('40/p-c,', '44/p-c,{"message":"Too many namespaces"}');
    await ws.text('41/p-b,');
    await ws.join('/p-c');
    ws.destroy();
  });
}, siocOnly());

withServer('socketio, msgpack', { script: 'socketio.lua', options: { parser: 'msgpack' } }, (server) => {
  const send = (ws, type, nsp, data, id) => ws.binary(Buffer.from(notepack.encode({ type, nsp, data, id })));
  const next = async (ws) => notepack.decode(await ws.nextBinary());
  async function joined(...names) {
    const ws = await Ws.open(server);
    for (const nsp of names) {
      await send(ws, 0, nsp, {});
      assert.equal((await next(ws)).type, 0);
    }
    return ws;
  }

  it('a dynamic namespace, with auth and middleware', async () => {
    const ws = await joined('/p-a');
    await send(ws, 0, '/p-b', { no: 1 });
    assert.deepEqual(await next(ws), { type: 4, nsp: '/p-b', data: { message: 'no' } });
    await send(ws, 2, '/p-a', ['which'], 1);
    assert.deepEqual(await next(ws), { type: 3, nsp: '/p-a', id: 1, data: ['/p-a', true] });
    ws.destroy();
  });

  it('the parent speaks to all: each namespace has its own packet', async () => {
    const ws = await joined('/p-x', '/p-y', '/p-zzz');
    await send(ws, 2, '/p-x', ['all', 1, Buffer.from('bin')]);
    for (const nsp of ['/p-x', '/p-y', '/p-zzz']) assert.deepEqual(await next(ws), { type: 2, nsp, data: ['all', 1, Buffer.from('bin')] });
    ws.destroy();
  });

  it('hears what is sent', async () => {
    const ws = await joined('/');
    await send(ws, 2, '/', ['overhear'], 1);
    assert.deepEqual((await next(ws)).data, [2]);
    await send(ws, 2, '/', ['speak'], 2);
    for (let i = 0; i < 5; i += 1) await next(ws);
    const events = [['a', 1, { b: true }], ['bin', 3], ['all', 2], ['room', 5], ['q', 6]];
    assert.deepEqual((await next(ws)).data, [events.flatMap((event) => [['first', ...event], ['second', ...event]])]);
    ws.destroy();
  });
}, siocOnly());
