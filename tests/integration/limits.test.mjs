// Limits: slow readers, silent connections, sizes, depth. What they end, and what goes on beside it.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Http, refused, requestBytes } from './lib/http.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';
import { Wire } from './lib/wire.mjs';
import { OP, frame } from './lib/ws.mjs';

withServer('limits, max_queue 200000', { options: { max_queue: 200000 } }, (server) => {
  it('a client that does not read is disconnected, others go on', async () => {
    const [slow, other] = [await Ws.joined(server), await Ws.joined(server)];
    slow.wire.pauseReading();
    for (let i = 0; i < 10; i += 1) await slow.text('42["flood",100000,100]'); // far more than kernels buffer
    const record = await server.record({ what: 'disconnect', id: slow.id });
    assert.ok(['transport error', 'transport close'].includes(record.reason), record.reason);
    await server.process.until('an emit that tells that it was dropped', () => server.find({ what: 'flooded', id: slow.id }).some((entry) => entry.queued < 100));
    await other.assertAlive();
    other.destroy();
    slow.destroy();
    await server.stderrMatches(/queue|slow/i); // a log line of its own
  });

  it('a polling client that does not fetch is disconnected, others go on', async () => {
    const [slow, other] = [await Polling.joined(server), await Polling.joined(server)];
    await slow.post('42["flood",100000,10]');
    const record = await server.record({ what: 'disconnect', id: slow.id });
    assert.ok(['transport error', 'transport close'].includes(record.reason), record.reason);
    await other.assertAlive();
  });

  it('a broadcast goes on past a slow reader', async () => {
    const [slow, other] = [await Ws.joined(server), await Ws.joined(server)];
    slow.wire.pauseReading();
    for (let i = 0; i < 100; i += 1) {
      await other.text(`421["cast",{"from":"server"},"${'x'.repeat(200000)}"]`);
      assert.match(await other.nextText(), /^42\["news","x+"\]$/);
      assert.equal(await other.nextText(), '431["sent"]');
    }
    await server.record({ what: 'disconnect', id: slow.id });
    await other.assertAlive();
    other.destroy();
    slow.destroy();
  });
}, siocOnly('the reference has no limit for slow readers'));

withServer('limits, header_timeout 0.3', { options: { header_timeout: 0.3 } }, (server) => {
  it('a connection that says nothing is dropped', async () => {
    const wire = await Wire.connect(server.port);
    const rest = (await wire.readToEnd()).toString();
    assert.match(rest, /^(HTTP\/1\.1 408 [^]*)?$/);
    wire.destroy();
  });

  it('a head that does not end is dropped, however it trickles', async () => {
    const wire = await Wire.connect(server.port);
    await wire.write('GET / HTTP/1.1\r\nHost: x\r\n');
    const trickle = setInterval(() => { if (!wire.ended) wire.write('X: y\r\n'); }, 50);
    try {
      const rest = (await wire.readToEnd()).toString();
      assert.match(rest, /^(HTTP\/1\.1 408 [^]*)?$/);
    } finally {
      clearInterval(trickle);
      wire.destroy();
    }
  });

  it('a session stays, and so does a pending GET', async () => {
    const session = await Polling.joined(server);
    const pending = await session.pend();
    const wire = await Wire.connect(server.port);
    await wire.readToEnd(); // as long as the timeout
    wire.destroy();
    await session.post('42["echo",1]');
    assert.equal(await pending.text(), '42["echo",1]');
  });

  it('a WebSocket stays', async () => {
    const ws = await Ws.joined(server);
    const wire = await Wire.connect(server.port);
    await wire.readToEnd();
    wire.destroy();
    await ws.assertAlive();
    ws.destroy();
  });
}, siocOnly('the reference leaves this to Node'));

withServer('limits, small', { options: { max_payload: 2000, max_attachments: 3, max_depth: 8 } }, (server) => {
  const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  it('max_payload over polling', async () => {
    const session = await Polling.joined(server);
    const response = await session.request({ method: 'POST', body: `42["echo","${'x'.repeat(2000)}"]` });
    assert.equal(response.status, 413);
    await session.assertAlive();
  });

  it('max_payload over WebSocket, whole and in fragments', async () => {
    const whole = await Ws.joined(server);
    await whole.text(`42["echo","${'x'.repeat(2000)}"]`);
    await whole.assertClose(1009);
    await server.assertReason(whole.id, 'transport error');
    const parts = await Ws.joined(server);
    await parts.frame({ fin: false, payload: 'x'.repeat(1500) });
    await parts.frame({ op: OP.continuation, payload: 'x'.repeat(501) });
    await parts.assertClose(1009);
    await server.assertReason(parts.id, 'transport error');
  });

  it('max_payload for binary', async () => {
    const ws = await Ws.joined(server);
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.binary(Buffer.alloc(2000));
    assert.equal(await ws.nextText(), '451-["echo",{"_placeholder":true,"num":0}]');
    assert.equal((await ws.nextBinary()).length, 2000);
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.binary(Buffer.alloc(2001));
    await ws.assertClose(1009);
  });

  it('max_attachments', siocOnly('an option of the parser there'), async () => {
    const ws = await Ws.joined(server);
    await ws.text('453-["echo"]');
    for (let i = 0; i < 3; i += 1) await ws.binary('x');
    assert.equal(await ws.nextText(), '42["echo"]');
    await ws.text('454-["echo"]');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  });

  it('max_depth', siocOnly('3.1: no nesting limit in the reference'), async () => {
    const ws = await Ws.joined(server);
    const deepest = nested(7); // the list of arguments is a level of its own
    await ws.assertText(`42["echo",${deepest}]`, `42["echo",${deepest}]`);
    await ws.text(`42["echo",${nested(9)}]`);
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  });
});

withServer('limits, defaults', {}, (server) => {
  it('depth: 60 levels pass, 5000 do not', async () => {
    const ws = await Ws.joined(server);
    const deep = `${'['.repeat(60)}${']'.repeat(60)}`;
    await ws.assertText(`42["echo",${deep}]`, `42["echo",${deep}]`);
    const objects = `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`;
    await ws.assertText(`42["echo",${objects}]`, `42["echo",${objects}]`);
    if (differs('3.1: impose a nesting limit', { sioc: true, node: false })) {
      await ws.text(`42["echo",${'['.repeat(5000)}${']'.repeat(5000)}]`);
      await ws.assertClose();
      await server.assertReason(ws.id, 'forced close');
      for (const text of [`42["echo",${'['.repeat(900000)}`, `40{"a":${'['.repeat(5000)}`, `42["echo",${'{"a":'.repeat(100000)}`]) {
        const other = await Ws.joined(server, '/admin');
        await other.text(text);
        await other.assertClose();
      }
    }
    ws.destroy();
  });

  it('a payload of very many packets does not stop the server', async () => {
    const [session, other] = [await Polling.joined(server), await Ws.joined(server)];
    const payload = Array.from({ length: 100000 }, () => '3').join('\x1e');
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { method: 'POST', path: session.path, body: payload }));
    await other.assertAlive();
    const response = await http.response();
    assert.ok(response.status === 200 || response.status === 400, String(response.status));
    http.destroy();
    await other.assertAlive();
    other.destroy();
  });

  it('many headers, and a long target', siocOnly('security.md R22: 64 headers, 4096 bytes of target'), async () => {
    const headers = Array.from({ length: 200 }, (_, i) => `X-${i}: y\r\n`).join('');
    assert.equal((await refused(server, `GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)).status, 431);
    const status = (await refused(server, `GET /${'a'.repeat(12000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).status;
    assert.ok(status === 414 || status === 431, String(status));
  });

  it('many empty fragments', siocOnly('security.md R23'), async () => {
    const ws = await Ws.joined(server);
    await ws.raw(Buffer.concat([frame({ fin: false, payload: '42' }), ...Array.from({ length: 5000 }, () => frame({ op: OP.continuation, fin: false }))]));
    await ws.assertClose(1008);
    await server.assertReason(ws.id, 'transport error');
  });

  it('a flood of WebSocket pings by a client that reads', async () => {
    const ws = await Ws.joined(server);
    for (let i = 0; i < 20; i += 1) await ws.frame({ op: OP.ping, payload: String(i) });
    let pongs = 0;
    await ws.text('42["echo","behind"]');
    for (;;) {
      const got = await ws.next();
      if (got.op !== OP.pong) {
        assert.equal(got.payload.toString(), '42["echo","behind"]');
        break;
      }
      pongs += 1;
    }
    assert.ok(pongs >= 1 && pongs <= 20); // R24: only the newest of several must be answered
    ws.destroy();
  });

  it('connections that come and go in every way leave nothing behind', async () => {
    const bytes = requestBytes(server, { path: url('EIO=4&transport=polling') });
    for (let i = 0; i < 50; i += 1) {
      const wire = await Wire.connect(server.port);
      await wire.write(bytes.subarray(0, 1 + (i * 7) % bytes.length));
      if (i % 2) wire.rst();
      else wire.destroy();
    }
    const ws = await Ws.joined(server);
    await ws.assertAlive();
    ws.destroy();
  });
});
