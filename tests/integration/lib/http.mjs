// HTTP/1.1 over raw sockets: send any bytes, read responses exactly.

import assert from 'node:assert/strict';
import { Wire } from './wire.mjs';

export class Http {
  static async connect(server) { return new Http(await Wire.connect(server.port)); }

  constructor(wire) { this.wire = wire; }

  send(bytes) { return this.wire.write(bytes); }
  destroy() { this.wire.destroy(); }

  // One response; 1xx counts as one.  head: it answers a HEAD request, so no body follows.
  async response({ head = false } = {}) {
    const wire = this.wire;
    const text = await wire.readThrough('\r\n\r\n');
    const [line, ...lines] = text.slice(0, -4).split('\r\n');
    const match = line.match(/^HTTP\/1\.1 (\d{3}) ([ -~]*)$/);
    assert.ok(match, `a status line, not ${JSON.stringify(line)}`);
    const headers = {};
    for (const entry of lines) {
      const colon = entry.indexOf(':');
      assert.ok(colon > 0, `a header line, not ${JSON.stringify(entry)}`);
      const name = entry.slice(0, colon).toLowerCase();
      const value = entry.slice(colon + 1).trim();
      headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    }
    const status = Number(match[1]);
    let body = Buffer.alloc(0);
    if (head || status < 200 || status === 204 || status === 304) {
      // no body
    } else if (headers['transfer-encoding']) {
      assert.equal(headers['transfer-encoding'], 'chunked');
      const parts = [];
      for (;;) {
        const size = await wire.readThrough('\r\n');
        assert.match(size, /^[0-9a-fA-F]+\r\n$/);
        const count = parseInt(size, 16);
        const part = await wire.read(count + 2);
        assert.equal(part.subarray(count).toString(), '\r\n');
        if (count === 0) break;
        parts.push(part.subarray(0, count));
      }
      body = Buffer.concat(parts);
    } else if ('content-length' in headers) {
      assert.match(headers['content-length'], /^\d+$/);
      body = Buffer.from(await wire.read(Number(headers['content-length'])));
    } else {
      body = await wire.readToEnd();
    }
    return { status, headers, body, head: text, text: body.toString() };
  }

  // The peer ends the connection, and says nothing more.
  async assertEnd() {
    assert.equal((await this.wire.readToEnd()).toString('latin1'), '', 'nothing behind the response');
  }
}

export function requestBytes(server, { method = 'GET', path = '/', headers = {}, body, version = '1.1' } = {}) {
  const lines = [`${method} ${path} HTTP/${version}`];
  const all = { Host: `127.0.0.1:${server.port}`, ...headers };
  if (body !== undefined && !('Content-Length' in all) && !('Transfer-Encoding' in all)) all['Content-Length'] = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(all))
    if (value !== null) lines.push(`${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')]);
}

// One request on a connection of its own.
export async function request(server, options = {}) {
  const http = await Http.connect(server);
  try {
    await http.send(requestBytes(server, options));
    return await http.response({ head: options.method === 'HEAD' });
  } finally {
    http.destroy();
  }
}

// Sends raw bytes, gives the response, and checks that the connection is closed behind it.
export async function refused(server, bytes) {
  const http = await Http.connect(server);
  try {
    await http.send(bytes);
    const response = await http.response();
    await http.assertEnd();
    return response;
  } finally {
    http.destroy();
  }
}

// When this has come back, the server has seen what was sent before it on other connections.
export async function settle(server) {
  for (let i = 0; i < 2; i += 1) await request(server, { path: '/socket.io/?EIO=4' });
}

export const contentType = (response) => (response.headers['content-type'] ?? '').toLowerCase().replace(/\s/g, '');
