// What one client may have of the server: packets in one turn, messages and bytes in a second (security.md 2).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, RS, Ws } from './lib/eio.mjs';
import { Polling3, payload } from './lib/eio3.mjs';
import { Http, requestBytes, settle } from './lib/http.mjs';
import { siocOnly, withServer } from './lib/server.mjs';
import { frame } from './lib/ws.mjs';

const only = siocOnly('the reference has no such limit');
const echo = (i) => `42["echo",${i}]`;
const echoes = (count, from = 0) => Array.from({ length: count }, (_, i) => echo(from + i));

async function counters(ws) {
  await ws.text('421["metrics"]');
  return JSON.parse((await ws.nextText()).slice('431'.length))[0];
}

// All that comes until there are so many packets.
async function gather(session, count, split = (text) => text.split(RS)) {
  const packets = [];
  while (packets.length < count) packets.push(...split(await session.get()));
  return packets;
}

withServer('max_packets_per_turn', { options: { max_packets_per_turn: 4, allow_eio3: true } }, (server) => {
  for (const count of [3, 4, 5, 9])
    it(`${count} packets at once, where a turn has 4`, async () => {
      const watcher = await Ws.joined(server);
      const { deferred: before } = await counters(watcher);
      const turns = Math.ceil(count / 4) - 1;
      const ws = await Ws.joined(server);
      await ws.raw(Buffer.concat(echoes(count).map((text) => frame({ payload: text }))));
      for (const text of echoes(count)) assert.equal(await ws.nextText(), text);
      assert.equal((await counters(watcher)).deferred - before, turns);
      const session = await Polling.joined(server);
      await session.post(echoes(count).join(RS));
      assert.deepEqual(await gather(session, count), echoes(count));
      assert.equal((await counters(watcher)).deferred - before, turns * 2);
      const old = await Polling3.joined(server);
      await old.postRaw(payload(...echoes(count)));
      assert.deepEqual(await gather(old, count, (text) => text.match(/42\["echo",\d+\]/g)), echoes(count));
      assert.equal((await counters(watcher)).deferred - before, turns * 3);
      ws.destroy();
      watcher.destroy();
    });

  it('thousands keep their order, with attachments', async () => {
    const ws = await Ws.joined(server);
    const attached = (i) => [frame({ payload: `451-["echo",{"_placeholder":true,"num":0},${i}]` }), frame({ op: 2, payload: Buffer.from([i & 255]) })];
    await ws.raw(Buffer.concat(Array.from({ length: 3000 }, (_, i) => (i % 3 ? [frame({ payload: echo(i) })] : attached(i))).flat()));
    for (let i = 0; i < 3000; i += 1)
      if (i % 3) {
        assert.equal(await ws.nextText(), echo(i));
      } else {
        assert.equal(await ws.nextText(), `451-["echo",{"_placeholder":true,"num":0},${i}]`);
        assert.deepEqual(await ws.nextBinary(), Buffer.from([i & 255]));
      }
    ws.destroy();
  });

  it('the end of the session amid a payload', async () => {
    const session = await Polling.joined(server);
    await session.post([...echoes(10), '1', ...echoes(10)].join(RS));
    await server.assertReason(session.id, 'transport close');
    await session.assertGone();
    const other = await Polling.joined(server);
    await other.post([...echoes(10), '7', ...echoes(10)].join(RS));
    await server.assertReason(other.id, 'parse error');
  });
}, only);

// A slow rate holds what is above the burst back for so long that things can be done meanwhile.
withServer('max_message_rate', { options: { max_message_rate: 1, message_burst: 5, rate_timeout: 3600, allow_eio3: true } }, (server) => {
  it('a burst of five, CONNECT among them; the sixth is worked on, the seventh has to wait', async () => {
    const watcher = await Ws.joined(server);
    for (const [count, throttled] of [[4, 0], [5, 1], [6, 1]]) {
      const { throttled: before } = await counters(watcher);
      watcher.destroy();
      Object.assign(watcher, await Ws.joined(server));
      const ws = await Ws.joined(server);
      await ws.raw(Buffer.concat(echoes(count).map((text) => frame({ payload: text }))));
      for (const text of echoes(Math.min(count, 5))) assert.equal(await ws.nextText(), text);
      await settle(server);
      assert.equal(ws.wire.buffer.length, 0, 'what is above comes later');
      assert.equal((await counters(watcher)).throttled - before, throttled);
      if (count > 5) assert.equal(await ws.nextText(), echo(5), 'but it comes');
      ws.destroy();
    }
    watcher.destroy();
  });

  it('over polling the answer of the POST waits', async () => {
    const session = await Polling.joined(server);
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { method: 'POST', path: session.path, body: echoes(7).join(RS) }));
    assert.deepEqual(await gather(session, 5), echoes(5));
    await settle(server);
    assert.equal(http.wire.buffer.length, 0);
    assert.deepEqual(await gather(session, 2), echoes(2, 5));
    assert.equal((await http.response()).text, 'ok');
    http.destroy();
  });

  const waiting = async (Session, body) => {
    const session = await Session.joined(server);
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { method: 'POST', path: session.path, body }));
    await gather(session, 5, (text) => text.match(/42\["echo",\d+\]/g));
    await settle(server);
    return { session, http };
  };

  it('the client goes while packets of its POST wait', async () => {
    const { session, http } = await waiting(Polling, echoes(20).join(RS));
    http.wire.rst();
    await server.assertReason(session.id, 'transport error');
    const old = await waiting(Polling3, payload(...echoes(20)));
    old.http.wire.rst();
    await server.assertReason(old.session.id, 'transport error');
  });

  it('another POST while packets wait: 400, and the session is over', async () => {
    const { session, http } = await waiting(Polling, echoes(20).join(RS));
    assert.equal((await session.request({ method: 'POST', body: '3' })).status, 400);
    await http.assertEnd();
    await server.assertReason(session.id, 'transport error');
  });

  it('an upgrade while packets wait: they are worked on first', async () => {
    const { session, http } = await waiting(Polling, echoes(20).join(RS));
    const ws = await session.probe();
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3probe');
    await ws.text('5');
    for (const text of echoes(15, 5)) assert.equal(await ws.nextText(), text);
    http.destroy();
    ws.destroy();
  });

  it('the server closes the session while packets wait', async () => {
    const { session, http } = await waiting(Polling, [...echoes(5), '42["kick"]', ...echoes(9)].join(RS));
    await server.assertReason(session.id, 'server namespace disconnect');
    http.destroy();
  });
}, only);

withServer('max_byte_rate and rate_timeout', { options: { max_byte_rate: 1000, rate_timeout: 0.3 } }, (server) => {
  it('who is above the rate all the time is closed, others go on', async () => {
    const watcher = await Ws.joined(server);
    const [ws, session] = [await Ws.joined(server), await Polling.joined(server)];
    const noise = `42["noise","${'x'.repeat(200)}"]`;
    await ws.raw(Buffer.concat(Array(100).fill(frame({ payload: noise }))));
    await ws.assertClose(1008);
    await server.assertReason(ws.id, 'transport error');
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { method: 'POST', path: session.path, body: Array(100).fill(noise).join(RS) }));
    await server.assertReason(session.id, 'transport error');
    assert.equal((await counters(watcher)).reject_rate, 2);
    await watcher.assertAlive();
    http.destroy();
    watcher.destroy();
  });

  for (const [size, throttled] of [[900, 0], [1000, 0], [1500, 1]])
    it(`${size} bytes, where 1000 may come at once`, async () => {
      const watcher = await Ws.joined(server);
      const { throttled: before } = await counters(watcher);
      const ws = await Ws.joined(server); // "40" are 2 of them
      const text = `42["echo","${'x'.repeat(size - 2 - '42["echo",""]'.length)}"]`;
      await ws.assertText(text, text);
      assert.equal((await counters(watcher)).throttled - before, throttled);
      ws.destroy();
      watcher.destroy();
    });
}, only);
