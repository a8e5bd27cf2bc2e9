// Limits on how much comes: connections, requests, handshakes, guesses, packets, pings (security.md 2).
// Each one below its limit, at it, and one above; the counter; and that others go on.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ENGINE, Polling, RS, Ws, url } from './lib/eio.mjs';
import { Http, request, requestBytes } from './lib/http.mjs';
import { siocOnly, withServer } from './lib/server.mjs';
import { Wire } from './lib/wire.mjs';
import { OP, upgrade } from './lib/ws.mjs';

const POLLING = url('EIO=4&transport=polling');
const only = siocOnly('the reference has no such limit');

// Counters by name, asked for by a client that is there already.
async function counters(ws) {
  await ws.text('421["metrics"]');
  return JSON.parse((await ws.nextText()).slice('431'.length))[0];
}

// Turned away: 503 if it could still be read, and the end.
async function assertTurnedAway(server) {
  const wire = await Wire.connect(server.port);
  const text = (await wire.readToEnd()).toString();
  assert.match(text, /^(HTTP\/1\.1 503 Service Unavailable\r\n[^]*Retry-After: 1\r\n[^]*)?$/);
  wire.destroy();
}

for (const name of ['max_conns', 'max_conns_per_ip'])
  withServer(name, { options: { [name]: 3 } }, (server) => {
    it('the third connection is served, the fourth is not; then one may come for one that goes', async () => {
      const counter = name === 'max_conns' ? 'reject_conn_limit' : 'reject_conn_ip';
      const ws = await Ws.joined(server);
      const idle = await Http.connect(server); // says nothing, and counts
      const last = await Http.connect(server);
      await last.send(requestBytes(server, { path: url('EIO=4') }));
      assert.equal((await last.response()).status, 400);
      assert.equal((await counters(ws))[counter], 0);
      await assertTurnedAway(server);
      await assertTurnedAway(server);
      assert.equal((await counters(ws))[counter], 2);
      await ws.assertAlive();
      idle.destroy();
      for (let i = 0; i < 2; i += 1) { // behind them, the server has seen the end
        await last.send(requestBytes(server, { path: url('EIO=4') }));
        assert.equal((await last.response()).status, 400);
      }
      assert.equal((await request(server, { path: url('EIO=4') })).status, 400);
      last.destroy();
      ws.destroy();
    });

    it('nothing is left over of connections that have gone', async () => {
      for (let i = 0; i < 10; i += 1) {
        const ws = await Ws.joined(server);
        await ws.frame({ op: OP.close, payload: '' });
        await ws.wire.readToEnd();
        ws.destroy();
      }
    });
  }, only);

withServer('max_keepalive_requests', { options: { max_keepalive_requests: 3 } }, (server) => {
  it('the third request is answered, and is the last', async () => {
    const ws = await Ws.joined(server);
    const http = await Http.connect(server);
    for (const connection of [undefined, undefined, 'close']) {
      await http.send(requestBytes(server, { path: url('EIO=4') }));
      assert.equal((await http.response()).headers.connection, connection);
    }
    await http.assertEnd();
    assert.equal((await counters(ws)).reject_keepalive, 1);
    http.destroy();
    ws.destroy();
  });

  it('pipelined ones behind it are not answered', async () => {
    const http = await Http.connect(server);
    await http.send(Buffer.concat(Array(4).fill(requestBytes(server, { path: url('EIO=4') }))));
    for (let i = 0; i < 3; i += 1) assert.equal((await http.response()).status, 400);
    await http.assertEnd();
    http.destroy();
  });

  it('a connection that closes anyway is not counted', async () => {
    const ws = await Ws.joined(server);
    const { reject_keepalive: before } = await counters(ws);
    const http = await Http.connect(server);
    for (let i = 0; i < 3; i += 1) {
      await http.send(requestBytes(server, { path: url('EIO=4'), headers: i === 2 ? { Connection: 'close' } : {} }));
      await http.response();
    }
    await http.assertEnd();
    http.destroy();
    assert.equal((await counters(ws)).reject_keepalive, before);
    ws.destroy();
  });
}, only);

withServer('max_handshakes_per_ip', { options: { max_handshakes_per_ip: 3 } }, (server) => {
  it('the third session is opened, the fourth is not; sessions go on', async () => {
    const ws = await Ws.joined(server);
    const session = await Polling.joined(server);
    const refused = await request(server, { path: url('EIO=4&transport=abc') });
    assert.equal(refused.status, 400, 'what opens no session does not count');
    await Polling.open(server);
    assert.equal((await counters(ws)).reject_hs_rate, 0);
    const response = await request(server, { path: POLLING });
    assert.deepEqual([response.status, response.headers['retry-after'], response.headers.connection, response.text], [429, '10', 'close', '']);
    const { http, response: answer } = await upgrade(server, url('EIO=4&transport=websocket'));
    assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '10']);
    http.destroy();
    assert.equal((await counters(ws)).reject_hs_rate, 2);
    await session.assertAlive();
    const probe = await session.probe(); // no handshake of a session
    await probe.text('2probe');
    assert.equal(await probe.nextText(), '3probe');
    probe.destroy();
    await ws.assertAlive();
    ws.destroy();
  });
}, only);

withServer('max_unknown_sids_per_ip', { options: { max_unknown_sids_per_ip: 2 } }, (server) => {
  it('the second guess is answered, the third is told to wait; sessions go on', async () => {
    const ws = await Ws.joined(server);
    const path = url('EIO=4&transport=polling&sid=guess');
    for (let i = 0; i < 2; i += 1) assert.equal((await request(server, { path })).text, '{"code":1,"message":"Session ID unknown"}');
    const response = await request(server, { path });
    assert.deepEqual([response.status, response.headers['retry-after'], response.headers.connection, response.text], [429, '60', 'close', '']);
    const { http, response: answer } = await upgrade(server, url('EIO=4&transport=websocket&sid=guess'));
    assert.equal(answer.status, 429);
    http.destroy();
    const metrics = await counters(ws);
    assert.deepEqual([metrics.reject_sid_unknown, metrics.reject_sid_flood], [4, 2]);
    await (await Polling.joined(server)).assertAlive();
    ws.destroy();
  });
}, only);

withServer('max_packets', { options: { max_packets: 3 } }, (server) => {
  for (const count of [2, 3])
    it(`${count} packets are worked on`, async () => {
      const session = await Polling.joined(server);
      await session.post(Array(count).fill('42["echo",1]').join(RS));
      assert.equal(await session.get(), Array(count).fill('42["echo",1]').join(RS));
      await session.assertAlive();
    });

  it('of 4 packets none is; 400, and the session is over', async () => {
    const ws = await Ws.joined(server);
    const session = await Polling.joined(server);
    const pending = await session.pend();
    const response = await session.request({ method: 'POST', body: Array(4).fill('42["note",1]').join(RS) });
    assert.deepEqual([response.status, response.text], [400, '']);
    assert.equal(await pending.text(), '1');
    await server.assertReason(session.id, 'parse error');
    assert.deepEqual(server.find({ what: 'note', id: session.id }), []);
    await session.assertGone();
    assert.equal((await counters(ws)).reject_eio_packets, 1);
    ws.destroy();
  });
}, only);

withServer('max_packets, as it is by default', {}, (server) => {
  for (const [count, status] of [[4095, 200], [4096, 200], [4097, 400]])
    it(`${count} packets: ${status}`, async () => {
      const session = await Polling.joined(server);
      const response = await session.request({ method: 'POST', body: Array(count).fill('6').join(RS) });
      assert.equal(response.status, status);
      if (status === 200) await session.assertAlive();
      else await session.assertGone();
    });
}, only);

withServer('max_pings', { options: { max_pings: 3 } }, (server) => {
  it('the third ping is answered, the fourth ends the connection with 1008', async () => {
    const [ws, other] = [await Ws.joined(server), await Ws.joined(server)];
    for (let i = 0; i < 3; i += 1) {
      await ws.frame({ op: OP.ping, payload: `p${i}` });
      const pong = await ws.next();
      assert.deepEqual([pong.op, pong.payload.toString()], [OP.pong, `p${i}`]);
    }
    await ws.assertAlive();
    assert.equal((await counters(other)).reject_ws_ping, 0);
    await ws.frame({ op: OP.ping, payload: 'p3' });
    const close = await ws.next();
    assert.deepEqual([close.op, close.payload.readUInt16BE(0)], [OP.close, 1008]);
    await server.assertReason(ws.id, 'transport error');
    assert.equal((await counters(other)).reject_ws_ping, 1);
    ws.destroy();
    other.destroy();
  });
}, only);

withServer('no limits of one address', {}, (server) => {
  it('hundreds of connections, sessions and guesses from one address are nothing', async () => {
    const all = await Promise.all(Array.from({ length: 300 }, () => Ws.open(server)));
    for (const ws of all) ws.destroy();
    for (let i = 0; i < 100; i += 1) assert.equal((await request(server, { path: `${ENGINE}?EIO=4&transport=polling&sid=guess${i}` })).status, 400);
  });
}, only);

withServer('a body that is compressed', {}, (server) => {
  it('is refused with 415; the session goes on', async () => {
    const [ws, session] = [await Ws.joined(server), await Polling.joined(server)];
    const response = await session.request({ method: 'POST', body: gzipSync('42["note",1]'), headers: { 'Content-Encoding': 'gzip' } });
    assert.deepEqual([response.status, response.text], [415, '']);
    assert.equal((await counters(ws)).reject_encoding, 1);
    await session.post('42["echo",1]', { 'Content-Encoding': 'identity' });
    assert.equal(await session.get(), '42["echo",1]');
    ws.destroy();
  });
}, only);
