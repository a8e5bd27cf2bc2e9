// The details of a disconnect, the argument behind its reason: what went wrong below, in the reference's words.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, Ws } from './lib/eio.mjs';
import { Polling3, Ws3 } from './lib/eio3.mjs';
import { Http, requestBytes, settle } from './lib/http.mjs';
import { withServer } from './lib/server.mjs';
import { OP, closeBody } from './lib/ws.mjs';

// There, an error in an error has the name of its class before its message.
const plain = (text) => text?.replace(/^\w*Error: /, '');

async function assertDetails(server, id, reason, details) {
  const record = await server.record({ id, what: 'disconnect' });
  assert.deepEqual([record.reason, plain(record.details)], [reason, details]);
  const leaving = server.find({ id, what: 'disconnecting' })[0];
  assert.deepEqual([leaving.reason, plain(leaving.details)], [reason, details], '"disconnecting" is told the same');
}

withServer('Details of a disconnect: polling', {}, (server) => {
  const half = async (session) => {
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { method: 'POST', path: session.path, headers: { 'Content-Length': '10' } }));
    await http.send('42');
    await settle(server);
    return http;
  };

  const cases = [
    ['two GETs at once', 'overlap from client', async (session) => { await session.pend(); await session.request({}); }],
    ['two POSTs at once', 'data request overlap from client', async (session) => { await half(session); await session.request({ method: 'POST', body: '3' }); }],
    ['a GET that the client drops', 'poll connection closed prematurely', async (session) => { (await session.pend()).drop(); }],
    ['a POST that the client drops', 'data request connection closed prematurely', async (session) => { (await half(session)).wire.rst(); }],
    ['a body of bytes', 'invalid content', (session) => session.request({ method: 'POST', body: 'x', headers: { 'Content-Type': 'application/octet-stream' } })],
    ['a ping from the client', 'invalid heartbeat direction', (session) => session.post('2')],
  ];
  for (const [name, details, act] of cases)
    it(name, async () => {
      const session = await Polling.joined(server);
      await act(session);
      await assertDetails(server, session.id, 'transport error', details);
    });
});

withServer('Details of a disconnect: WebSocket', { options: { max_payload: 1000 } }, (server) => {
  const frame = 'Invalid WebSocket frame: ';
  const cases = [
    ['an unmasked frame', `${frame}MASK must be set`, { masked: false, payload: '3' }],
    ['RSV1 without compression', `${frame}RSV1 must be clear`, { rsv: 4, payload: '3' }],
    ['RSV2', `${frame}RSV2 and RSV3 must be clear`, { rsv: 2, payload: '3' }],
    ['opcode 3', `${frame}invalid opcode 3`, { op: 3 }],
    ['opcode 11', `${frame}invalid opcode 11`, { op: 11 }],
    ['a continuation of nothing', `${frame}invalid opcode 0`, { op: OP.continuation, payload: 'x' }],
    ['a ping in pieces', `${frame}FIN must be set`, { op: OP.ping, fin: false }],
    ['a ping of 126 bytes', `${frame}invalid payload length 126`, { op: OP.ping, payload: 'x'.repeat(126) }],
    ['text that is not UTF-8', `${frame}invalid UTF-8 sequence`, { payload: Buffer.from([0x34, 0xff]) }],
    ['a close frame of one byte', `${frame}invalid payload length 1`, { op: OP.close, payload: 'x' }],
    ['a close frame with code 1005', `${frame}invalid status code 1005`, { op: OP.close, payload: closeBody(1005) }],
    ['a close frame with a reason that is not UTF-8', `${frame}invalid UTF-8 sequence`, { op: OP.close, payload: Buffer.concat([closeBody(1000), Buffer.from([0xff])]) }],
    ['a message that is too big', 'Max payload size exceeded', { payload: 'x'.repeat(1001) }],
    ['a ping of Engine.IO', 'invalid heartbeat direction', { payload: '2' }],
  ];
  for (const [name, details, fields] of cases)
    it(name, async () => {
      const ws = await Ws.joined(server);
      await ws.frame(fields);
      await assertDetails(server, ws.id, 'transport error', details);
      ws.destroy();
    });

  it('text within the fragments of another one', async () => {
    const ws = await Ws.joined(server);
    await ws.frame({ fin: false, payload: '4' });
    await ws.frame({ payload: '3' });
    await assertDetails(server, ws.id, 'transport error', `${frame}invalid opcode 1`);
    ws.destroy();
  });

  it('none where the reason says it all', async () => {
    const ends = {
      'transport close': (ws) => ws.wire.rst(),
      'client namespace disconnect': (ws) => ws.text('41'),
      'parse error': (ws) => ws.text('9'),
      'forced close': (ws) => ws.text('42{'),
      'server namespace disconnect': (ws) => ws.text('42["bye"]'),
    };
    for (const [reason, end] of Object.entries(ends)) {
      const ws = await Ws.joined(server);
      await end(ws);
      await assertDetails(server, ws.id, reason, undefined);
      ws.destroy();
    }
  });
});

withServer('Details of a disconnect: Engine.IO v3, silence, shutdown', { options: { allow_eio3: true, ping_interval: 0.2, ping_timeout: 0.1 } }, (server) => {
  it('a pong from a client of v3', async () => {
    const session = await Polling3.joined(server);
    await session.postRaw('1:3');
    await assertDetails(server, session.id, 'transport error', 'invalid heartbeat direction');
    const ws = await Ws3.joined(server);
    await ws.text('3');
    await assertDetails(server, ws.id, 'transport error', 'invalid heartbeat direction');
    ws.destroy();
  });

  it('none for silence, nor for a server that shuts down', async () => {
    const silent = await Ws.joined(server);
    await assertDetails(server, silent.id, 'ping timeout', undefined);
    silent.destroy();
    const last = await Ws.joined(server);
    const { process } = server;
    process.kill('SIGTERM');
    await assertDetails({ record: (fields) => process.record(fields), find: (fields) => process.find(fields) }, last.id, 'server shutting down', undefined);
    last.destroy();
    await process.exit();
    server.forget();
  });
});

