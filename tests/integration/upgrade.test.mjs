// The upgrade from polling to WebSocket, step by step: E100 to E112.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Http, request, settle } from './lib/http.mjs';
import { differs, withServer } from './lib/server.mjs';
import { WebSocket, upgrade } from './lib/ws.mjs';

const BAD_REQUEST = '{"code":3,"message":"Bad request"}';

const live = (probe) => Object.setPrototypeOf(probe, Ws.prototype);

async function assertPollingOver(server, session) {
  for (const method of ['GET', 'POST']) {
    const response = await request(server, { path: session.path, method, body: method === 'POST' ? '42["echo",1]' : undefined });
    assert.deepEqual([response.status, response.text], [400, BAD_REQUEST]);
  }
}

// Probes and switches; gives the WebSocket.
async function upgraded(session) {
  const ws = live(await session.probe());
  await ws.assertText('2probe', '3probe');
  await ws.text('5');
  await ws.assertAlive();
  return ws;
}

withServer('upgrade', {}, (server) => {
  it('E100 probe, noop, switch', async () => {
    const session = await Polling.joined(server);
    const pending = await session.pend();
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    assert.equal(await pending.text(), '6');
    await ws.text('5');
    await ws.assertAlive();
    await assertPollingOver(server, session);
    await ws.assertAlive();
    ws.destroy();
    await server.assertReason(session.id, 'transport close');
  });

  it('E100 the same without a GET, each probe is answered', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await ws.assertText('2probe', '3probe');
    await session.assertAlive();
    await ws.text('5');
    await ws.assertAlive();
    ws.destroy();
  });

  it('E100 before any namespace is joined', async () => {
    const session = await Polling.open(server);
    const ws = await session.probe();
    live(ws);
    await ws.assertText('2probe', '3probe');
    await ws.text('5');
    await ws.join();
    await ws.assertAlive();
    ws.destroy();
  });

  it('E101 each GET during probing is answered with a noop', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    for (let i = 0; i < 3; i += 1) assert.equal(await session.get(), '6');
    await ws.text('5');
    await ws.assertAlive();
    ws.destroy();
  });

  it('E102 a GET is pending when 5 arrives', async () => {
    const session = await Polling.joined(server);
    const pending = await session.pend();
    const ws = live(await session.probe());
    await ws.text('5');
    assert.equal(await pending.text(), differs('1.12: `6` is the friendlier answer', { sioc: '6', node: '1' }));
    await ws.assertAlive();
    ws.destroy();
  });

  it('E103 what is emitted during probing goes over polling, or waits for the switch; in order', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await session.assertText('42["echo",1]', '42["echo",1]');
    await session.post('42["echo",2]');
    await session.post('42["echo",3]');
    await ws.text('5');
    assert.equal(await ws.nextText(), '42["echo",2]');
    assert.equal(await ws.nextText(), '42["echo",3]');
    await ws.assertAlive();
    ws.destroy();
  });

  it('E103 binary events wait for the switch too', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await session.post('42["binary"]');
    await ws.text('5');
    assert.equal(await ws.nextText(), '451-["binary",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await ws.nextBinary(), Buffer.from([1, 2, 255]));
    ws.destroy();
  });

  for (const text of ['42["note"]', '2', '2Probe', '40', '', 'garbage', '3probe', '1'])
    it(`E104 the probing WebSocket sends ${JSON.stringify(text)}`, async () => {
      const session = await Polling.joined(server);
      const ws = await session.probe();
      await ws.text(text);
      await ws.assertClose();
      await session.assertAlive();
      assert.deepEqual(server.find({ id: session.id, what: 'note' }), []);
    });

  it('E104 after the probe was answered', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await ws.text('42["note"]');
    await ws.assertClose();
    await session.assertAlive();
  });

  it('E104 a malformed frame on the probing WebSocket', async () => {
    const session = await Polling.joined(server);
    const ws = await session.probe();
    await ws.frame({ op: 3, payload: 'x' });
    await ws.assertClose(1002);
    await session.assertAlive();
  });

  for (const text of ['5', '5anything'])
    it(`E105 ${text} without a probe`, async () => {
      const session = await Polling.joined(server);
      const ws = live(await session.probe());
      await ws.text(text);
      await ws.assertAlive();
      await assertPollingOver(server, session);
      ws.destroy();
    });

  it('E107 a second WebSocket while probing', async () => {
    const session = await Polling.joined(server);
    const first = live(await session.probe());
    await first.assertText('2probe', '3probe');
    const second = await session.probe();
    await second.assertClose();
    await first.text('5');
    await first.assertAlive();
    first.destroy();
  });

  it('E107 a second WebSocket after the upgrade', async () => {
    const session = await Polling.joined(server);
    const first = await upgraded(session);
    const second = await session.probe();
    await second.assertClose();
    await first.assertAlive();
    first.destroy();
  });

  it('E107 a second WebSocket on a session that began as one', { skip: differs('1.12: refuse', { sioc: false, node: 'the reference switches to it' }) }, async () => {
    const first = await Ws.joined(server);
    const { http, response } = await upgrade(server, url(`EIO=4&transport=websocket&sid=${first.sid}`));
    // "refuse" may be an HTTP error, or the answer of E107.
    if (response.status === 101) await new WebSocket(http.wire, response).assertClose();
    else assert.equal(response.status, 400);
    http.destroy();
    await first.assertAlive();
    first.destroy();
  });

  it('E108 the probing WebSocket is dropped', async () => {
    for (const how of ['FIN', 'RST', 'close frame']) {
      const session = await Polling.joined(server);
      const ws = live(await session.probe());
      await ws.assertText('2probe', '3probe');
      if (how === 'FIN') ws.destroy();
      else if (how === 'RST') ws.wire.rst();
      else {
        await ws.frame({ op: 8 });
        await ws.assertClose(Buffer.alloc(0), { answer: false });
      }
      await settle(server);
      await session.assertAlive();
      (await upgraded(session)).destroy();
      await server.assertReason(session.id, 'transport close');
    }
  });

  it('E109 POST 1 while probing', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await session.post('1');
    await ws.assertClose();
    await server.assertReason(session.id, 'transport close');
    await session.assertGone();
  });

  it('E110 the server closes while probing', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await session.post('42["kick"]');
    await ws.text('5');
    assert.equal(await ws.nextText(), '41');
    await ws.assertClose();
    await server.assertReason(session.id, 'server namespace disconnect');
  });

  it('E111 a POST is incomplete when 5 arrives', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    const post = await Http.connect(server);
    await post.send(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n42["e`);
    await settle(server);
    await ws.text('5');
    assert.equal((await post.wire.readToEnd()).toString(), '');
    await ws.assertAlive();
    ws.destroy();
  });

  it('E112 an upgrade with another protocol version', async () => {
    const session = await Polling.joined(server);
    for (const version of ['EIO=3&', '']) {
      const { http, response } = await upgrade(server, url(`${version}transport=websocket&sid=${session.sid}`));
      assert.deepEqual([response.status, response.text], [400, 'Bad request']);
      await http.assertEnd();
      http.destroy();
    }
    await session.assertAlive();
  });
});

withServer('upgrade, upgrade_timeout 0.3', { options: { upgrade_timeout: 0.3 } }, (server) => {
  it('E106 no probe in time', async () => {
    const session = await Polling.joined(server);
    const ws = await session.probe();
    await ws.assertClose();
    await session.assertAlive();
  });

  it('E106 no 5 in time', async () => {
    const session = await Polling.joined(server);
    const ws = live(await session.probe());
    await ws.assertText('2probe', '3probe');
    await ws.assertClose();
    await session.assertAlive();
    (await upgraded(session)).destroy();
  });
});
