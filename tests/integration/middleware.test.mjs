// Middleware of sockets in Lua: order, waiting, refusing, throwing. (E167 in packets.test.mjs runs against the reference, too.)

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import { Ws } from './lib/eio.mjs';
import { siocOnly, withServer } from './lib/server.mjs';

withServer('middleware of sockets', { script: 'middleware.lua' }, (server) => {
  const on = (auth, body) => async () => {
    const ws = await Ws.joined(server, '/', auth);
    try {
      await body(ws);
    } finally {
      ws.destroy();
    }
  };
  const order = async (ws) => {
    await ws.text('421["order"]');
    const answer = await ws.nextText();
    assert.ok(answer.startsWith('431['), answer);
    return JSON.parse(answer.slice(3))[0].filter((line) => !line.endsWith(' order'));
  };

  it('runs after the handlers of every event and before those of its name', on(undefined, async (ws) => {
    await ws.text('42["next",1,2]');
    assert.deepEqual(await order(ws), ['any next', 'first next', 'second next', 'got next 2']);
  }));

  it('may wait; the next event waits, too', on(undefined, async (ws) => {
    await ws.text('42["wait",1]');
    await ws.text('42["next"]');
    assert.deepEqual(await order(ws), ['any wait', 'first wait', 'waited', 'second wait', 'got wait 1', 'any next', 'first next', 'second next', 'got next 0']);
  }));

  it('refuses with a message and data, told to the handlers of the server', on(undefined, async (ws) => {
    await ws.text('425["refuse late",[1]]');
    assert.deepEqual(await order(ws), ['any refuse late', 'first refuse late']);
    assert.deepEqual(await server.record({ what: 'error', id: ws.id }), { what: 'error', id: ws.id, err: 'late', event: 'refuse late', data: { a: [1] } });
  }));

  it('tells the handlers of the socket instead, if it has any', on({ own: true }, async (ws) => {
    await ws.text('42["refuse late",7]');
    assert.deepEqual(await order(ws), ['any refuse late', 'first refuse late']);
    assert.deepEqual(await server.record({ what: 'own', id: ws.id }), { what: 'own', id: ws.id, err: 'late', event: 'refuse late', data: { a: 7 } });
    assert.deepEqual(server.find({ what: 'error', id: ws.id }), []);
  }));

  it('false alone refuses', on(undefined, async (ws) => {
    await ws.text('42["false"]');
    assert.deepEqual(await order(ws), ['any false', 'first false']);
    assert.equal((await server.record({ what: 'error', id: ws.id })).err, 'not allowed');
  }));

  for (const [name, text] of [['throw', 'thrown by the middleware'], ['throw late', 'thrown late'], ['bad data', 'a function cannot be sent']])
    it(`"${name}": an error drops the event, is logged and told once`, on({ own: true }, async (ws) => {
      await ws.text(`42["${name}"]`);
      assert.deepEqual(await order(ws), [`any ${name}`, `first ${name}`]);
      const record = await server.record({ what: 'error', id: ws.id });
      assert.ok(record.err.includes(text), record.err);
      assert.equal(record.event, name);
      assert.equal(server.find({ what: 'error', id: ws.id }).length, 1);
      assert.deepEqual(server.find({ what: 'own', id: ws.id }), []);
      assert.match(server.log(), new RegExp(`error in middleware of the event "${name}".*`));
    }));

  it('may answer the client itself', on(undefined, async (ws) => {
    await ws.assertText('4212["answer",1]', '4312["from the middleware"]');
    await ws.text('421["order"]');
    assert.match(await ws.nextText(), /^431\[/); // no second answer
  }));

  it('a client that goes while it waits', on(undefined, async (ws) => {
    await ws.text('42["wait"]');
    await ws.text('41');
    const other = await Ws.joined(server);
    await other.text('42["wait"]');
    assert.equal((await order(other)).at(-1), 'got wait 0');
    other.destroy();
  }));

  for (const text of ['42["next",01]', '42["next",{"a":}]', '42["wait","\\x"]'])
    it(`${text} closes the client and is no error of the script`, on(undefined, async (ws) => {
      const before = server.log();
      await ws.text(text);
      await ws.assertClose();
      const other = await Ws.joined(server);
      assert.deepEqual(await order(other), []);
      assert.equal(server.log().slice(before.length).match(/error|traceback/), null);
      other.destroy();
    }));
}, siocOnly());

withServer('middleware of sockets, msgpack', { script: 'middleware.lua', env: { SIOC_TEST_OPTIONS: '{"parser":"msgpack"}' } }, (server) => {
  it('an event that waits keeps its arguments', async () => {
    const notepack = createRequire(import.meta.url)('notepack.io');
    const ws = await Ws.open(server);
    const send = (packet) => ws.binary(Buffer.from(notepack.encode({ nsp: '/', ...packet })));
    const next = async () => notepack.decode(await ws.nextBinary());
    await send({ type: 0 });
    const { sid } = (await next()).data;
    await send({ type: 2, data: ['wait', 1, Buffer.from('x'), [2]] });
    await send({ type: 2, data: ['refuse late', { k: 1 }] });
    await send({ type: 2, id: 1, data: ['order'] });
    assert.deepEqual((await next()).data[0].slice(0, 7), ['any wait', 'first wait', 'waited', 'second wait', 'got wait 3', 'any refuse late', 'first refuse late']);
    assert.deepEqual((await server.record({ what: 'error', id: sid })).data, { a: { k: 1 } });
    ws.destroy();
  });
}, siocOnly());
