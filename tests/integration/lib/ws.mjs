// A WebSocket client that works on frames: sends any frame, also malformed ones, reads frames exactly.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Http, requestBytes } from './http.mjs';

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const acceptOf = (key) => createHash('sha1').update(key + GUID).digest('base64');

export function upgradeHeaders(extra = {}) {
  return { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13', ...extra };
}

// The bytes of one frame. length: what the head announces (default: the truth).
export function frame({ op = OP.text, fin = true, rsv = 0, masked = true, payload = '', length, long = false } = {}) {
  const data = Buffer.from(payload);
  const size = length ?? data.length;
  let head;
  if (long || size > 65535) {
    head = Buffer.alloc(10);
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  } else if (size > 125) {
    head = Buffer.alloc(4);
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head = Buffer.alloc(2);
    head[1] = size;
  }
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | op;
  if (!masked) return Buffer.concat([head, data]);
  head[1] |= 0x80;
  const mask = randomBytes(4);
  const body = Buffer.from(data);
  for (let i = 0; i < body.length; i += 1) body[i] ^= mask[i & 3];
  return Buffer.concat([head, mask, body]);
}

export function closeBody(code, reason = '') {
  const body = Buffer.alloc(2);
  body.writeUInt16BE(code);
  return Buffer.concat([body, Buffer.from(reason)]);
}

// The answer to an upgrade request: { response, http }.
export async function upgrade(server, path, headers = {}, method = 'GET') {
  const http = await Http.connect(server);
  await http.send(requestBytes(server, { method, path, headers: upgradeHeaders(headers) }));
  return { http, response: await http.response() };
}

export class WebSocket {
  static async open(server, path, headers = {}) {
    const { http, response } = await upgrade(server, path, headers);
    assert.equal(response.status, 101, response.text);
    assert.equal(response.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    assert.equal(response.headers.upgrade.toLowerCase(), 'websocket');
    assert.equal(response.headers.connection.toLowerCase(), 'upgrade');
    return new WebSocket(http.wire, response);
  }

  constructor(wire, response) { this.wire = wire; this.response = response; }

  frame(fields) { return this.wire.write(frame(fields)); }
  raw(bytes) { return this.wire.write(bytes); }
  text(payload) { return this.frame({ op: OP.text, payload }); }
  binary(payload) { return this.frame({ op: OP.binary, payload }); }
  destroy() { this.wire.destroy(); }

  // The next frame: the server's are whole and unmasked, in the shortest form.
  async next() {
    const head = await this.wire.read(2);
    const fin = (head[0] & 0x80) !== 0;
    const rsv = (head[0] >> 4) & 7;
    const op = head[0] & 15;
    assert.equal(head[1] & 0x80, 0, 'frames of a server are not masked');
    let length = head[1] & 127;
    if (length === 126) {
      length = (await this.wire.read(2)).readUInt16BE();
      assert.ok(length > 125);
    } else if (length === 127) {
      length = Number((await this.wire.read(8)).readBigUInt64BE());
      assert.ok(length > 65535);
    }
    return { fin, rsv, op, payload: Buffer.from(await this.wire.read(length)) };
  }

  async nextText() {
    const got = await this.next();
    assert.deepEqual([got.fin, got.rsv, got.op], [true, 0, OP.text], `a text frame, not ${JSON.stringify(got)} ${got.payload}`);
    return got.payload.toString();
  }

  async nextBinary() {
    const got = await this.next();
    assert.deepEqual([got.fin, got.rsv, got.op], [true, 0, OP.binary], `a binary frame, not ${got.payload}`);
    return got.payload;
  }

  // The next frame is a close frame with this body (bytes, a code, or nothing); it is answered, and TCP ends.
  async assertClose(body = Buffer.alloc(0), { answer = true } = {}) {
    const expected = typeof body === 'number' ? closeBody(body) : Buffer.from(body);
    const got = await this.next();
    assert.equal(got.op, OP.close, `a close frame, not ${JSON.stringify(got.payload.toString())}`);
    assert.deepEqual([got.fin, got.rsv], [true, 0]);
    if (typeof body === 'number') assert.equal(got.payload.length >= 2 ? got.payload.readUInt16BE() : 'no code', body);
    else assert.deepEqual(got.payload, expected);
    if (answer) await this.frame({ op: OP.close, payload: got.payload });
    await this.assertEnd();
  }

  async assertEnd() {
    assert.deepEqual(await this.wire.readToEnd(), Buffer.alloc(0));
    this.destroy();
  }
}
