// Engine.IO v3 sessions over polling and over WebSocket, on raw sockets (protocol.md 2).

import assert from 'node:assert/strict';
import { Pending } from './eio.mjs';
import { Http, request, requestBytes, settle } from './http.mjs';
import { WebSocket } from './ws.mjs';

export const url3 = (query) => `/socket.io/?EIO=3&${query}`;

// A payload in the text form: lengths are UTF-16 code units, as JavaScript counts.
export const payload = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');

// The open packet alone in a payload; what it says.
export function readOpen(text) {
  const match = text.match(/^(\d+):(0\{.*\})$/);
  assert.ok(match, `an open packet, not ${JSON.stringify(text)}`);
  assert.equal(Number(match[1]), match[2].length);
  return JSON.parse(match[2].slice(1));
}

export class Polling3 {
  // eio: how the query begins, for those who leave out EIO.
  static async open(server, query = '', eio = 'EIO=3&') {
    const response = await request(server, { path: `/socket.io/?${eio}transport=polling${query}` });
    assert.equal(response.status, 200, response.text);
    return new Polling3(server, readOpen(response.text), query);
  }

  // ... and the namespace "/", which comes by itself.
  static async joined(server, query = '') {
    const session = await Polling3.open(server, query);
    assert.equal(await session.get(), '2:40');
    return session;
  }

  constructor(server, open, query) { Object.assign(this, { server, open, query, sid: open.sid, id: open.sid }); }

  get path() { return url3(`transport=polling${this.query}&sid=${this.sid}`); }

  request(options) { return request(this.server, { path: this.path, ...options }); }

  async get() {
    const response = await this.request({});
    assert.equal(response.status, 200, response.text);
    return response.text;
  }

  async pend() {
    const http = await Http.connect(this.server);
    await http.send(requestBytes(this.server, { path: this.path }));
    const pending = new Pending(http);
    await settle(this.server);
    return pending;
  }

  async postRaw(body, type = 'text/plain;charset=UTF-8') {
    const response = await this.request({ method: 'POST', body, headers: { 'Content-Type': type } });
    assert.deepEqual([response.status, response.text], [200, 'ok']);
    return response;
  }

  post(...packets) { return this.postRaw(payload(...packets)); }
  postBytes(bytes) { return this.postRaw(bytes, 'application/octet-stream'); }

  async assertAlive() {
    await this.post('42["echo","alive"]');
    assert.equal(await this.get(), '18:42["echo","alive"]');
  }

  async assertGone() {
    const response = await this.request({});
    assert.deepEqual([response.status, response.text], [400, '{"code":1,"message":"Session ID unknown"}']);
  }

  probe(query = '') { return WebSocket.open(this.server, url3(`transport=websocket&sid=${this.sid}${query}`)); }
}

export class Ws3 extends WebSocket {
  static async joined(server, query = '') {
    const ws = await WebSocket.open(server, url3(`transport=websocket${query}`));
    Object.setPrototypeOf(ws, Ws3.prototype);
    const text = await ws.nextText();
    assert.equal(text[0], '0');
    ws.open = JSON.parse(text.slice(1));
    ws.id = ws.open.sid;
    ws.sid = ws.open.sid;
    assert.equal(await ws.nextText(), '40');
    return ws;
  }

  async assertText(packet, expected) {
    await this.text(packet);
    assert.equal(await this.nextText(), expected);
  }

  async assertAlive() { await this.assertText('42["echo","alive"]', '42["echo","alive"]'); }
}
