// permessage-deflate on the WebSocket transport: E091 to E093, the table of protocol.md 1.11, RFC 7692.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { io } from 'socket.io-client';
import { WebSocket as Client } from 'ws';
import { Ws, url } from './lib/eio.mjs';
import { Server, differs, isReference, siocOnly, withServer } from './lib/server.mjs';
import { OP, WebSocket, closeBody, upgrade } from './lib/ws.mjs';

const PATH = url('EIO=4&transport=websocket');
const PMD = 'permessage-deflate';
const offer = (value) => ({ 'Sec-WebSocket-Extensions': value });
const NONE = `${PMD}; server_no_context_takeover; client_no_context_takeover`;

// The options under which sioc answers as the reference does by default.
const TAKEOVER = isReference ? {} : { server_no_context_takeover: false, client_no_context_takeover: false };

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const deflate = (data, options) => {
  const all = zlib.deflateRawSync(data, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options });
  assert.deepEqual(all.subarray(-4), TAIL);
  return all.subarray(0, -4);
};
const inflate = (data, options) => zlib.inflateRawSync(Buffer.concat([data, TAIL]), { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options });

// Text that compresses, but not by two hundred.
const letters = (length) => Array.from({ length }, (_, i) => 'aäbcdefghi'[Math.floor(Math.abs(Math.sin(i * i)) * 10)]).join('');

// A session on a WebSocket that offers `value`, a namespace joined.
class Session extends Ws {
  static async joined(server, value, { takeover = false, bits = 15 } = {}) {
    const ws = await WebSocket.open(server, PATH, offer(value));
    Object.setPrototypeOf(ws, Session.prototype);
    Object.assign(ws, { takeover, bits, history: Buffer.alloc(0) });
    assert.match(await ws.nextText(), /^0/);
    ws.id = await ws.join();
    return ws;
  }

  inflated(payload) {
    const text = inflate(payload, { windowBits: this.bits, ...(this.takeover && this.history.length ? { dictionary: this.history } : {}) });
    this.history = Buffer.concat([this.history, text]).subarray(-(2 ** this.bits));
    return text.toString();
  }

  // The next text, whether it is compressed or not.
  async nextText() {
    const got = await this.next();
    assert.ok(got.fin && got.op === OP.text && !(got.rsv & 3), `a text frame, not ${JSON.stringify(got)}`);
    return got.rsv ? this.inflated(got.payload) : got.payload.toString();
  }

  // The next frame is plain, or it is compressed.
  async assertPlain(expected) {
    const got = await this.next();
    assert.deepEqual([got.rsv, got.op, got.payload.toString()], [0, OP.text, expected]);
  }
  async assertDeflated(expected, op = OP.text) {
    const got = await this.next();
    assert.deepEqual([got.fin, got.rsv, got.op], [true, 4, op], `a compressed frame, not ${got.payload}`);
    assert.equal(this.inflated(got.payload), expected);
    return got.payload;
  }
}

withServer('permessage-deflate off', {}, (server) => {
  it('E093 ignores offers', async () => {
    for (const value of [PMD, `${PMD}; foo`, '=', 'x-webkit-deflate-frame']) {
      const { http, response } = await upgrade(server, PATH, offer(value));
      assert.deepEqual([response.status, response.headers['sec-websocket-extensions']], [101, undefined]);
      http.destroy();
    }
  });

  it('E093 takes RSV1 for what it is then', async () => {
    const ws = await Session.joined(server, PMD);
    await ws.frame({ rsv: 4, payload: deflate('42["echo",1]') });
    await ws.assertClose(1002);
  });
});

withServer('permessage-deflate with context takeover', { options: { per_message_deflate: { threshold: 1024, ...TAKEOVER } } }, (server) => {
  const declined = (value, answer) => [value, differs('1.11 ▶: decline an offer and go on', { sioc: answer, node: 400 })];
  for (const [value, answer] of [
    [PMD, PMD],
    [`${PMD}; client_max_window_bits`, PMD],
    [`${PMD}; client_max_window_bits=9`, `${PMD}; client_max_window_bits=9`],
    [`${PMD}; server_max_window_bits=10`, `${PMD}; server_max_window_bits=10`],
    [`${PMD}; server_no_context_takeover; client_no_context_takeover`, NONE],
    ['x-webkit-deflate-frame', undefined],
    declined(`${PMD}; server_max_window_bits=7`, undefined),
    declined(`${PMD}; foo=1`, undefined),
    declined(`${PMD}; foo=1, ${PMD}`, PMD),
    [`${PMD}; a b`, 400],
    [`${PMD};`, 400],
  ])
    it(`answers ${value} with ${answer}`, async () => {
      const { http, response } = await upgrade(server, PATH, offer(value));
      if (answer === 400) assert.deepEqual([response.status, response.text], [400, 'Invalid or unacceptable Sec-WebSocket-Extensions header']);
      else assert.deepEqual([response.status, response.headers['sec-websocket-extensions']], [101, answer]);
      http.destroy();
    });

  it('E091 compresses every message, and refers to those before', async () => {
    const ws = await Session.joined(server, PMD, { takeover: true });
    const packet = '42["echo","abcdefghijklmnopqrstuvwxyz"]';
    await ws.text('42["echo",1]');
    await ws.assertDeflated('42["echo",1]');
    await ws.text(packet);
    const first = await ws.assertDeflated(packet);
    await ws.text(packet);
    const second = await ws.assertDeflated(packet);
    assert.ok(second.length < first.length / 2);
    ws.destroy();
  });

  it('E091 reads what refers to earlier messages', async () => {
    const ws = await Session.joined(server, `${PMD}; server_no_context_takeover`);
    const text = '42["echo","a text that is said twice, word by word"]';
    await ws.frame({ rsv: 4, payload: deflate(text) });
    assert.equal(await ws.nextText(), text);
    await ws.frame({ rsv: 4, payload: deflate(text, { dictionary: Buffer.from(text) }) });
    assert.equal(await ws.nextText(), text);
    ws.destroy();
  });
});

const NO_TAKEOVER = { per_message_deflate: isReference ? { serverNoContextTakeover: true, clientNoContextTakeover: true } : true };

withServer('permessage-deflate', { options: NO_TAKEOVER }, (server) => {
  const joined = () => Session.joined(server, PMD);

  it('asks for no context takeover', siocOnly('the default of sioc: one compressed frame is right for every receiver'), async () => {
    const { http, response } = await upgrade(server, PATH, offer(`${PMD}; client_max_window_bits`));
    assert.equal(response.headers['sec-websocket-extensions'], NONE);
    http.destroy();
  });

  it('E091 compresses from the threshold on', async () => {
    const ws = await joined();
    for (const [length, compressed] of [[1023, false], [1024, true], [70000, true]]) {
      const text = `42["echo","${'y'.repeat(length - 13)}"]`;
      await ws.text(text);
      if (compressed) assert.ok((await ws.assertDeflated(text)).length < 400);
      else await ws.assertPlain(text);
    }
    ws.destroy();
  });

  it('compress(false) leaves it plain', { skip: differs('better than the reference, where the flag means nothing here', { sioc: false, node: 'no effect' }) }, async () => {
    const ws = await joined();
    await ws.text('42["big",2000]');
    await ws.assertDeflated(`42["big","${'x'.repeat(2000)}"]`);
    await ws.text('42["big plain",2000]');
    await ws.assertPlain(`42["big","${'x'.repeat(2000)}"]`);
    ws.destroy();
  });

  it('reads compressed messages, in fragments, with pings in between', async () => {
    const ws = await joined();
    const packed = deflate('42["echo","héllo"]');
    await ws.frame({ rsv: 4, payload: packed });
    assert.equal(await ws.nextText(), '42["echo","héllo"]');
    await ws.frame({ rsv: 4, fin: false, payload: packed.subarray(0, 5) });
    await ws.frame({ op: OP.ping, payload: 'p' });
    await ws.frame({ op: OP.continuation, fin: false, payload: packed.subarray(5, 9) });
    await ws.frame({ op: OP.continuation, payload: packed.subarray(9) });
    const pong = await ws.next();
    assert.deepEqual([pong.op, pong.rsv, pong.payload.toString()], [OP.pong, 0, 'p']);
    assert.equal(await ws.nextText(), '42["echo","héllo"]');
    ws.destroy();
  });

  it('carries compressed attachments', async () => {
    const ws = await joined();
    const data = Buffer.alloc(5000, 'abc');
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.frame({ op: OP.binary, rsv: 4, payload: deflate(data) });
    assert.equal(await ws.nextText(), '451-["echo",{"_placeholder":true,"num":0}]');
    await ws.assertDeflated(data.toString(), OP.binary);
    ws.destroy();
  });

  for (const [name, frames, code, options = {}] of [
    ['E092 garbage', [{ rsv: 4, payload: 'garbage garbage' }], 1007],
    ['E092 a message that is cut', [{ rsv: 4, payload: deflate('42["echo",1]').subarray(0, 6) }], 1007, siocOnly('it waits for the rest')],
    ['text that is not UTF-8', [{ rsv: 4, payload: deflate(Buffer.from([0x34, 0xff])) }], 1007],
    ['RSV1 on a continuation', [{ fin: false, payload: 'x' }, { op: OP.continuation, rsv: 4, payload: 'x' }], 1002],
    ['RSV1 on a ping', [{ op: OP.ping, rsv: 4 }], 1002],
    ['RSV1 on a close', [{ op: OP.close, rsv: 4, payload: closeBody(1000) }], 1002],
    ['RSV2 beside RSV1', [{ rsv: 6, payload: deflate('42') }], 1002],
    ['a message that inflates to more than 200 times its size', [{ rsv: 4, payload: deflate(Buffer.alloc(200000, '4')) }], 1009, siocOnly('no such limit')],
    ['a message that inflates beyond max_payload', [{ rsv: 4, payload: deflate(letters(1000001)) }], 1009],
  ])
    it(`refuses ${name} with ${code}`, options, async () => {
      const ws = await joined();
      for (const fields of frames) await ws.frame(fields);
      await ws.assertClose(code);
      await server.assertReason(ws.id, 'transport error');
    });

  it('an upgraded session is compressed, too', async () => {
    const socket = io(server.url, { transports: ['polling', 'websocket'], forceNew: true, perMessageDeflate: { threshold: 10 } });
    await new Promise((resolve) => socket.io.engine.on('upgrade', resolve));
    const text = 'z'.repeat(30000);
    const answer = new Promise((resolve) => socket.on('echo', resolve));
    socket.emit('echo', text);
    assert.equal(await answer, text);
    assert.match(socket.io.engine.transport.ws.extensions, /permessage-deflate/);
    socket.disconnect();
  });

  it('the stock client talks in both directions', async () => {
    const socket = io(server.url, { transports: ['websocket'], forceNew: true, perMessageDeflate: { threshold: 0 } });
    const all = [];
    const done = new Promise((resolve) => socket.on('echo', (...args) => { all.push(args); if (all.length === 40) resolve(); }));
    for (let i = 0; i < 40; i += 1) socket.emit('echo', i, letters(i * 997), Buffer.alloc(i * 331, i));
    await done;
    all.forEach((args, i) => assert.deepEqual([args[0], args[1], Buffer.from(args[2])], [i, letters(i * 997), Buffer.alloc(i * 331, i)]));
    socket.disconnect();
  });
});

// Every window that a client may ask for, with a client of its own implementation.
withServer('permessage-deflate windows', { options: { per_message_deflate: { ...TAKEOVER } } }, (server) => {
  for (let bits = 9; bits <= 15; bits += 1)
    it(`${bits} bits`, async () => {
      const client = new Client(server.url.replace('http', 'ws') + PATH, { perMessageDeflate: { serverMaxWindowBits: bits, clientMaxWindowBits: bits, threshold: 0 } });
      const got = [];
      let wake = () => {};
      client.on('message', (data) => { got.push(data.toString()); wake(); });
      const next = async (pattern) => {
        for (;;) {
          const found = got.find((text) => pattern.test(text));
          if (found) { got.splice(got.indexOf(found), 1); return found; }
          await new Promise((resolve, reject) => { wake = resolve; client.once('error', reject); client.once('close', () => reject(new Error('closed'))); });
        }
      };
      await next(/^0/);
      assert.match(client.extensions, /permessage-deflate/);
      client.send('40');
      await next(/^40/);
      for (const length of [1, 100, 600, 5000, 40000, 5000, 100]) {
        const text = letters(length);
        client.send(`42["echo","${text}"]`);
        assert.equal(await next(/^42/), `42["echo","${text}"]`);
      }
      client.terminate();
    });

  it('8 bits for what the server sends', siocOnly('the reference cannot do it'), async () => {
    const ws = await Session.joined(server, `${PMD}; server_max_window_bits=8`, { takeover: true, bits: 8 });
    for (const length of [300, 3000, 300]) {
      const text = `42["echo","${letters(length)}"]`;
      await ws.text(text);
      assert.equal(ws.inflated((await ws.next()).payload), text);
    }
    ws.destroy();
  });
});

describe('compress once', siocOnly('the reference has no such counter'), () => {
  it('a broadcast to 1,000 receivers is compressed once', { timeout: 60000 }, async () => {
    const server = await new Server({ options: { per_message_deflate: true } }).start();
    try {
      const clients = [];
      while (clients.length < 1000) clients.push(...await Promise.all(Array.from({ length: 50 }, () => Session.joined(server, PMD))));
      const deflated = async (ws) => {
        await ws.text('421["metric","deflated_frames"]');
        return Number((await ws.nextText()).match(/^431\[(\d+)\]$/)[1]);
      };
      const before = await deflated(clients[0]);
      const text = 'compress me once '.repeat(100);
      await clients[0].text(`42["cast",{"from":"server"},"${text}"]`);
      const frames = await Promise.all(clients.map((ws) => ws.next()));
      for (const got of frames) {
        assert.equal(got.rsv, 4);
        assert.deepEqual(got.payload, frames[0].payload);
      }
      assert.equal(inflate(frames[0].payload).toString(), `42["news","${text}"]`);
      assert.equal(await deflated(clients[0]), before + 1);
      for (const ws of clients) ws.destroy();
    } finally {
      await server.stop();
    }
  });
});
