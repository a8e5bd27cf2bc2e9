// Heartbeats: E120 to E125. Orders, and windows so wide that a busy machine stays within them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, Ws } from './lib/eio.mjs';
import { siocOnly, withServer } from './lib/server.mjs';

withServer('heartbeat 0.3 s, 0.5 s', { options: { ping_interval: 0.3, ping_timeout: 0.5 } }, (server) => {
  it('E120 no pong: 2, then the end with ping timeout', async () => {
    const begin = Date.now();
    const ws = await Ws.joined(server);
    assert.equal(await ws.nextText(), '2');
    assert.ok(Date.now() - begin >= 280, 'not before its time');
    await ws.assertClose();
    assert.ok(Date.now() - begin >= 750, 'not before its time');
    await server.assertReason(ws.id, 'ping timeout');
  });

  it('E121 pings go on as long as pongs come', async () => {
    const ws = await Ws.joined(server);
    for (let i = 0; i < 4; i += 1) {
      assert.equal(await ws.nextText(), '2');
      await ws.text('3');
    }
    await ws.assertAlive();
    ws.destroy();
    await server.assertReason(ws.id, 'transport close');
  });

  it('E122 another packet is no pong', async () => {
    const ws = await Ws.joined(server);
    assert.equal(await ws.nextText(), '2');
    await ws.assertAlive();
    await ws.assertClose();
    await server.assertReason(ws.id, 'ping timeout');
  });

  it('E079 a WebSocket ping is no pong either', async () => {
    const ws = await Ws.joined(server);
    assert.equal(await ws.nextText(), '2');
    await ws.frame({ op: 9, payload: 'x' });
    assert.equal((await ws.next()).op, 10);
    await ws.assertClose();
    await server.assertReason(ws.id, 'ping timeout');
  });

  it('E123 over polling with a GET pending', async () => {
    const session = await Polling.joined(server);
    assert.equal(await session.get(), '2');
    assert.equal(await session.get(), '1');
    await server.assertReason(session.id, 'ping timeout');
    await session.assertGone();
  });

  it('E123 over polling with pongs', async () => {
    const session = await Polling.joined(server);
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await session.get(), '2');
      await session.post('3');
    }
    await session.assertAlive();
  });

  it('E124 over polling without a GET', async () => {
    const session = await Polling.joined(server);
    await server.assertReason(session.id, 'ping timeout');
    await session.assertGone();
  });

  it('the heartbeat goes on after an upgrade', siocOnly('1.12, heartbeat hole: the reference never pings again'), async () => {
    const session = await Polling.joined(server);
    assert.equal(await session.get(), '2');
    const ws = Object.setPrototypeOf(await session.probe(), Ws.prototype);
    await ws.text('5');
    await ws.text('3');
    assert.equal(await ws.nextText(), '2');
    await ws.assertClose();
    await server.assertReason(session.id, 'ping timeout');
  });

  it('the heartbeat goes on after an upgrade without a pong', siocOnly('1.12, heartbeat hole'), async () => {
    const session = await Polling.joined(server);
    assert.equal(await session.get(), '2');
    const ws = Object.setPrototypeOf(await session.probe(), Ws.prototype);
    await ws.text('5');
    await server.assertReason(session.id, 'ping timeout');
    ws.destroy();
  });
});

withServer('heartbeat 1 s, 5 s', { options: { ping_interval: 1, ping_timeout: 5 } }, (server) => {
  it('E125 an unsolicited pong restarts the interval', async () => {
    const ws = await Ws.joined(server);
    const begin = Date.now();
    while (Date.now() - begin < 1500) {
      await ws.text('3');
      await ws.assertAlive();
    }
    assert.equal(await ws.nextText(), '2');
    ws.destroy();
  });
});
