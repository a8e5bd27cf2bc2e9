// Each limit at one below, at it, and one above: the reaction, and the counter (docs/limits.md, security.md 2).
// Those of connections, requests, payloads and pings are in flood.test.mjs, those of shares in share.test.mjs.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertCounted } from './lib/counters.mjs';
import { Polling, RS, Ws, url } from './lib/eio.mjs';
import { Http, refused, request, requestBytes } from './lib/http.mjs';
import { siocOnly, withServer } from './lib/server.mjs';
import { Wire, pause } from './lib/wire.mjs';
import { OP, frame } from './lib/ws.mjs';

const only = siocOnly('the reference has no such limit');

// A message is echoed, or its sender is closed, and this is counted once.
async function assertEchoes(server, text, counter) {
  await assertCounted(server, counter ? { [counter]: 0 } : {}, async () => {
    const ws = await Ws.joined(server);
    await ws.assertText(text, text);
    ws.destroy();
  });
}

async function assertCloses(server, text, counter, reason = 'forced close') {
  await assertCounted(server, { [counter]: 1 }, async () => {
    const ws = await Ws.joined(server);
    await ws.text(text);
    await ws.assertClose();
    await server.assertReason(ws.id, reason);
  });
}

const OPTIONS = { max_payload: 2000, max_attachments: 3, max_depth: 8, max_values: 20, max_event_name: 10, max_namespace_name: 10, max_empty_fragments: 3, max_unasked_pongs: 10 };

withServer('limits of packets', { options: OPTIONS }, (server) => {
  const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const depth = (n) => `42["echo",${nested(n - 1)}]`; // the list of arguments is a level of its own
  for (const n of [7, 8]) it(`max_depth 8: ${n} levels`, () => assertEchoes(server, depth(n), 'reject_depth'));
  it('max_depth 8: 9 levels', () => assertCloses(server, depth(9), 'reject_depth'));

  const values = (n) => `42["echo",${Array.from({ length: n - 1 }, (_, i) => i).join()}]`;
  for (const n of [19, 20]) it(`max_values 20: ${n} of them`, () => assertEchoes(server, values(n), 'reject_values'));
  it('max_values 20: 21 of them', () => assertCloses(server, values(21), 'reject_values'));
  it('max_values 20: arrays, objects and what is in them', async () => {
    const nine = '"echo",[1,2,[3,{"b":[5]}]]';
    await assertEchoes(server, `42[${nine}${',[]'.repeat(11)}]`, 'reject_values');
    await assertCloses(server, `42[${nine}${',[]'.repeat(12)}]`, 'reject_values');
  });
  it('max_values 20: of auth', async () => {
    const auth = (n) => `40/admin,{"a":[${Array(n - 2).fill(0).join()}]}`;
    const ws = await Ws.open(server);
    await ws.text(auth(20));
    assert.match(await ws.nextText(), /^40\/admin,\{"sid"/);
    ws.destroy();
    await assertCounted(server, { reject_values: 1 }, async () => {
      const other = await Ws.joined(server);
      await other.text(auth(21));
      await other.assertClose();
    });
  });

  const named = (n) => `42["echo${'o'.repeat(n - 4)}"]`;
  for (const n of [9, 10])
    it(`max_event_name 10: ${n} bytes`, () => assertCounted(server, { reject_event_name: 0, events_unhandled: 1 }, async () => {
      const ws = await Ws.joined(server);
      await ws.text(named(n));
      await ws.assertAlive();
      ws.destroy();
    }));
  it('max_event_name 10: 11 bytes', () => assertCloses(server, named(11), 'reject_event_name'));
  it('max_event_name 10: bytes, not characters', () => assertCloses(server, '42["éééééé"]', 'reject_event_name'));

  for (const n of [9, 10])
    it(`max_namespace_name 10: ${n} bytes`, () => assertCounted(server, { reject_nsp_name: 0 }, async () => {
      const ws = await Ws.joined(server);
      const name = `/${'n'.repeat(n - 1)}`;
      await ws.assertText(`40${name},`, `44${name},{"message":"Invalid namespace"}`);
      ws.destroy();
    }));
  it('max_namespace_name 10: 11 bytes', () => assertCloses(server, `40/${'n'.repeat(10)},`, 'reject_nsp_name'));

  const attached = async (ws, n) => {
    await ws.text(`45${n}-["echo"]`);
    for (let i = 0; i < n; i += 1) await ws.binary('x');
  };
  for (const n of [2, 3])
    it(`max_attachments 3: ${n} of them`, async () => {
      const ws = await Ws.joined(server);
      await attached(ws, n);
      assert.equal(await ws.nextText(), '42["echo"]');
      ws.destroy();
    });
  it('max_attachments 3: 4 of them', () => assertCloses(server, '454-["echo"]', 'reject_sio_packet'));

  const sized = (n) => `42["echo","${'x'.repeat(n - 13)}"]`; // a message of n bytes, with the 4
  for (const n of [1999, 2000]) {
    it(`max_payload 2000: ${n} bytes on a WebSocket, whole and in fragments`, async () => {
      await assertEchoes(server, sized(n), 'reject_too_big');
      const ws = await Ws.joined(server);
      await ws.frame({ fin: false, payload: sized(n).slice(0, 1500) });
      await ws.frame({ op: OP.continuation, payload: sized(n).slice(1500) });
      assert.equal(await ws.nextText(), sized(n));
      ws.destroy();
    });
    it(`max_payload 2000: ${n} bytes over polling`, async () => {
      const session = await Polling.joined(server);
      await session.assertText(sized(n), sized(n));
    });
  }
  it('max_payload 2000: 2001 bytes on a WebSocket', () => assertCounted(server, { reject_too_big: 2 }, async () => {
    const whole = await Ws.joined(server);
    await whole.text(sized(2001));
    await whole.assertClose(1009);
    await server.assertReason(whole.id, 'transport error');
    const parts = await Ws.joined(server);
    await parts.frame({ fin: false, payload: 'x'.repeat(1500) });
    await parts.frame({ op: OP.continuation, payload: 'x'.repeat(501) });
    await parts.assertClose(1009);
    await server.assertReason(parts.id, 'transport error');
  }));
  it('max_payload 2000: 2001 bytes over polling, whole and in chunks', () => assertCounted(server, { reject_too_big: 2 }, async () => {
    const session = await Polling.joined(server);
    assert.equal((await session.request({ method: 'POST', body: sized(2001) })).status, 413);
    const http = await Http.connect(server);
    await http.send(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n${sized(2001)}\r\n0\r\n\r\n`);
    assert.equal((await http.response()).status, 413);
    http.destroy();
    await session.assertAlive();
  }));

  const fragments = (empty) => [frame({ fin: false, payload: '42["echo",' }), ...Array(empty).fill(frame({ op: OP.continuation, fin: false })), frame({ op: OP.continuation, payload: '1]' })];
  for (const n of [2, 3])
    it(`max_empty_fragments 3: ${n} of them`, async () => {
      const ws = await Ws.joined(server);
      await ws.raw(Buffer.concat(fragments(n)));
      assert.equal(await ws.nextText(), '42["echo",1]');
      await ws.raw(Buffer.concat(fragments(n))); // each message may have as many
      assert.equal(await ws.nextText(), '42["echo",1]');
      ws.destroy();
    });
  it('max_empty_fragments 3: 4 of them', () => assertCounted(server, { reject_ws_frag: 1, reject_ws_proto: 0 }, async () => {
    const ws = await Ws.joined(server);
    await ws.raw(Buffer.concat(fragments(4)));
    await ws.assertClose(1008);
    await server.assertReason(ws.id, 'transport error');
  }));

  for (const n of [9, 10])
    it(`max_unasked_pongs 10: ${n} in a row`, () => assertCounted(server, { reject_unasked_pong: 0 }, async () => {
      const ws = await Ws.joined(server);
      const session = await Polling.joined(server);
      for (let i = 0; i < n; i += 1) await ws.text('3');
      await session.post(Array(n).fill('3').join(RS));
      await ws.assertAlive(); // another packet: counting begins anew
      await session.assertAlive();
      for (let i = 0; i < n; i += 1) await ws.text('3');
      await ws.assertAlive();
      ws.destroy();
    }));
  it('max_unasked_pongs 10: 11 in a row', () => assertCounted(server, { reject_unasked_pong: 2 }, async () => {
    const ws = await Ws.joined(server);
    for (let i = 0; i < 11; i += 1) await ws.text('3');
    await ws.assertClose();
    await server.assertReason(ws.id, 'parse error');
    const session = await Polling.joined(server);
    await session.post(Array(11).fill('3').join(RS));
    await server.assertReason(session.id, 'parse error');
  }));

  it('sids: another transport, another version', () => assertCounted(server, { reject_sid_mismatch: 3, reject_sid_unknown: 0 }, async () => {
    const session = await Polling.joined(server);
    const ws = await Ws.joined(server);
    for (const query of [`EIO=4&transport=websocket&sid=${session.sid}`, `EIO=3&transport=polling&sid=${session.sid}`, `EIO=4&transport=polling&sid=${ws.sid}`])
      assert.equal((await request(server, { path: url(query) })).status, 400);
    await session.assertAlive();
    await ws.assertAlive();
    ws.destroy();
  }));

  for (const [how, counted] of [['end', { peer_eof: 1, peer_reset: 0 }], ['rst', { peer_eof: 0, peer_reset: 1 }]])
    it(`the end of a connection: ${how}`, () => assertCounted(server, counted, async () => {
      const ws = await Ws.joined(server);
      ws.wire[how]();
      await server.assertReason(ws.id, 'transport close');
      ws.destroy();
    }));
}, only);

withServer('limits of time', { options: { message_timeout: 1, first_request_timeout: 1, attachment_timeout: 0.4, upgrade_timeout: 0.4, min_body_rate: 1000, body_timeout: 5, keepalive_timeout: 0.4, allow_eio3: true } }, (server) => {
  it('message_timeout: a message that has begun, be it a frame or fragments', () => assertCounted(server, { reject_ws_frag: 3 }, async () => {
    const whole = frame({ payload: '42["echo",1]' });
    const first = frame({ fin: false, payload: '42["echo",' });
    for (const begun of [whole.subarray(0, 1), whole.subarray(0, whole.length - 1), first]) {
      const ws = await Ws.joined(server);
      await ws.raw(begun);
      await ws.assertClose(1008);
      await server.assertReason(ws.id, 'transport error');
    }
  }));
  it('message_timeout: one after the other has time enough', async () => {
    const ws = await Ws.joined(server);
    const bytes = frame({ payload: '42["echo",1]' });
    for (let i = 0; i < 4; i += 1) {
      await ws.raw(bytes.subarray(0, 5));
      await pause(400);
      await ws.raw(bytes.subarray(5));
      assert.equal(await ws.nextText(), '42["echo",1]');
    }
    ws.destroy();
  });

  it('first_request_timeout: a session that nobody asks about', () => assertCounted(server, { reject_hs_abandoned: 2 }, async () => {
    const left = await Polling.open(server); // before the other: it is gone when that one is
    const old = (await request(server, { path: '/socket.io/?EIO=3&transport=polling' })).text.match(/"sid":"([^"]+)"/)[1];
    const kept = await Polling.joined(server);
    const pending = await Polling.open(server);
    const get = await pending.pend();
    await server.assertReason(old, 'ping timeout'); // it joined by itself
    await left.assertGone();
    await kept.assertAlive();
    await pending.post('40');
    assert.match(await get.text(), /^40/);
  }));

  it('attachment_timeout', () => assertCounted(server, { reject_attachments: 1 }, async () => {
    const ws = await Ws.joined(server);
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  }));

  it('upgrade_timeout, and upgrades that fail', () => assertCounted(server, { reject_upgrade: 3, upgrades: 1 }, async () => {
    const session = await Polling.joined(server);
    const late = await session.probe();
    await late.text('2probe');
    assert.equal(await late.nextText(), '3probe');
    await late.assertClose();
    const wrong = await session.probe();
    await wrong.text('42["echo",1]');
    await wrong.assertClose();
    const gone = await session.probe();
    gone.wire.rst();
    await pause(50);
    const good = await session.probe();
    await good.text('2probe');
    assert.equal(await good.nextText(), '3probe');
    await good.text('5');
    await good.text('42["echo",1]');
    assert.equal(await good.nextText(), '42["echo",1]');
    good.destroy();
  }));

  // 1000 bytes per second: after the 2 s that any body has, 2000 have to be there.
  const post = async (session, size, had) => {
    const body = `42["echo","${'x'.repeat(size - 13)}"]`;
    const http = await Http.connect(server);
    await http.send(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${body.slice(0, had)}`);
    return { http, rest: body.slice(had) };
  };
  it('min_body_rate: a body that comes, and one that trickles', () => assertCounted(server, { reject_body_slow: 1, reject_body_timeout: 0 }, async () => {
    const [good, bad] = [await Polling.joined(server), await Polling.joined(server)];
    const fast = await post(good, 5000, 3500);
    const slow = await post(bad, 5000, 1000);
    const trickle = setInterval(() => slow.http.send('x').catch(() => {}), 50);
    assert.equal((await slow.http.response()).status, 408);
    clearInterval(trickle);
    await server.assertReason(bad.id, 'transport error');
    await fast.http.send(fast.rest);
    assert.equal((await fast.http.response()).text, 'ok');
    fast.http.destroy();
    slow.http.destroy();
  }));

  it('keepalive_timeout', () => assertCounted(server, { reject_idle: 1 }, async () => {
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { path: url('EIO=4') }));
    assert.equal((await http.response()).status, 400);
    await http.assertEnd();
    http.destroy();
  }));
}, only);

withServer('body_timeout and header_timeout', { options: { body_timeout: 0.4, header_timeout: 0.4, connect_timeout: 0.4 } }, (server) => {
  it('body_timeout', () => assertCounted(server, { reject_body_timeout: 1, reject_body_slow: 0 }, async () => {
    const session = await Polling.joined(server);
    const http = await Http.connect(server);
    await http.send(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n42["echo",`);
    assert.equal((await http.response()).status, 408);
    await server.assertReason(session.id, 'transport error');
    http.destroy();
  }));

  it('header_timeout', () => assertCounted(server, { reject_hdr_timeout: 1 }, async () => {
    const wire = await Wire.connect(server.port);
    await wire.write('GET / HTTP/1.1\r\n');
    assert.match((await wire.readToEnd()).toString(), /^HTTP\/1\.1 408 /);
    wire.destroy();
  }));

  it('connect_timeout', () => assertCounted(server, { reject_no_connect: 1 }, async () => {
    const ws = await Ws.open(server);
    await ws.assertClose();
  }));
}, only);

withServer('limits of requests', { options: { max_header_bytes: 1000, max_headers: 8, max_url_bytes: 256 } }, (server) => {
  const PATH = url('EIO=4');
  const head = (fields, path = PATH) => `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
  const answered = async (text) => (await refused(server, text)).status;
  const served = async (text) => {
    const http = await Http.connect(server);
    await http.send(text);
    const { status } = await http.response();
    http.destroy();
    return status;
  };

  for (const bytes of [999, 1000, 1001])
    it(`max_header_bytes 1000: ${bytes} of them`, () => assertCounted(server, { reject_hdr_size: bytes > 1000 ? 1 : 0 }, async () => {
      const text = head(`X: ${'y'.repeat(bytes - head('X: \r\n').length)}\r\n`);
      assert.equal(text.length, bytes);
      assert.equal(await (bytes > 1000 ? answered : served)(text), bytes > 1000 ? 431 : 400);
    }));

  for (const count of [7, 8, 9])
    it(`max_headers 8: ${count} of them`, () => assertCounted(server, { reject_hdr_size: count > 8 ? 1 : 0 }, async () => {
      const text = head(Array.from({ length: count - 1 }, (_, i) => `X-${i}: y\r\n`).join(''));
      assert.equal(await (count > 8 ? answered : served)(text), count > 8 ? 431 : 400);
    }));

  for (const bytes of [255, 256, 257])
    it(`max_url_bytes 256: ${bytes} of them`, () => assertCounted(server, { reject_hdr_size: bytes > 256 ? 1 : 0 }, async () => {
      const path = `${PATH}&x=`;
      const text = head('', path + 'y'.repeat(bytes - path.length));
      assert.equal(await (bytes > 256 ? answered : served)(text), bytes > 256 ? 414 : 400);
    }));
}, only);

// A connection handler of "/held" waits for half a second; so do the events of its sockets, unless they are too many.
const held = (server, texts, lifted) => assertCounted(server, { holds_lifted: lifted }, async () => {
  const ws = await Ws.open(server);
  await ws.text('40/held,');
  assert.match(await ws.nextText(), /^40\/held,/);
  await ws.raw(Buffer.concat(texts.map((text) => frame({ payload: `42/held,${text}` }))));
  for (const text of texts) assert.equal(await ws.nextText(), `42/held,${text}`);
  ws.destroy();
});

withServer('max_waiting_events and max_waiting_bytes', { options: { max_waiting_events: 3, max_waiting_bytes: 1000, hold_timeout: 60 } }, (server) => {
  for (const count of [2, 3, 4])
    it(`${count} events wait, where 3 may`, () => held(server, Array.from({ length: count }, (_, i) => `["echo",${i}]`), count > 3 ? 1 : 0));
  for (const bytes of [999, 1000, 1001])
    it(`${bytes} bytes wait, where 1000 may`, () => held(server, ['["echo",1]', `["echo","${'x'.repeat(bytes - 21)}"]`], bytes > 1000 ? 1 : 0));
}, only);

withServer('hold_timeout', { options: { hold_timeout: 0.1 } }, (server) => {
  it('events do not wait longer than that', () => held(server, ['["echo",1]'], 1));
}, only);

withServer('max_log_rate', { options: { max_log_rate: 5 } }, (server) => {
  it('a flood of log lines', () => assertCounted(server, { reject_origin: 20, log_dropped: 15 }, async () => {
    for (let i = 0; i < 20; i += 1)
      assert.equal((await request(server, { path: url('EIO=4&transport=polling'), headers: { Origin: 'http://evil.example' } })).status, 403);
    assert.equal(server.log().match(/refused a page from origin http:\/\/evil\.example/g).length, 5);
  }));
}, only);
