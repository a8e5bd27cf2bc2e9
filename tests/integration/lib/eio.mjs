// Engine.IO sessions over polling and over WebSocket, on raw sockets.

import assert from 'node:assert/strict';
import { Http, request, requestBytes, settle } from './http.mjs';
import { WebSocket } from './ws.mjs';

export const RS = '\x1e'; // between the packets of a payload
export const ENGINE = '/socket.io/';
export const url = (query) => `${ENGINE}?${query}`;

const joinPacket = (nsp, auth) => `40${nsp === '/' ? '' : `${nsp},`}${auth === undefined ? '' : JSON.stringify(auth)}`;

// {"sid":...} out of the answer to CONNECT.
export function readJoined(nsp, packet) {
  const prefix = nsp === '/' ? '40' : `40${nsp},`;
  const match = packet.startsWith(prefix) && packet.slice(prefix.length).match(/^\{"sid":"([A-Za-z0-9_-]{20})"\}$/);
  assert.ok(match, `the answer to CONNECT for ${nsp}, not ${JSON.stringify(packet)}`);
  return match[1];
}

// A GET that hangs; response() gives its answer.
export class Pending {
  constructor(http) { this.http = http; this.answer = http.response().finally(() => http.destroy()); this.answer.catch(() => {}); }
  async response() { return this.answer; }
  async text() {
    const response = await this.answer;
    assert.equal(response.status, 200);
    return response.text;
  }
  drop() { this.http.wire.rst(); }
}

export class Polling {
  // A session; opened over polling, no namespace joined.
  static async open(server, query = '') {
    const response = await request(server, { path: url(`EIO=4&transport=polling${query}`) });
    assert.equal(response.status, 200, response.text);
    assert.equal(response.text[0], '0');
    return new Polling(server, JSON.parse(response.text.slice(1)));
  }

  // ... and a namespace joined: .id is the socket's id.
  static async joined(server, nsp = '/', auth = undefined) {
    const session = await Polling.open(server);
    session.id = await session.join(nsp, auth);
    return session;
  }

  constructor(server, open) { this.server = server; this.open = open; this.sid = open.sid; }

  get path() { return url(`EIO=4&transport=polling&sid=${this.sid}`); }

  request(options) { return request(this.server, { path: this.path, ...options }); }

  // GET: the payload.
  async get() {
    const response = await this.request({});
    assert.equal(response.status, 200, response.text);
    return response.text;
  }

  // A GET that the server holds, certainly.
  async pend() {
    const http = await Http.connect(this.server);
    await http.send(requestBytes(this.server, { path: this.path }));
    const pending = new Pending(http);
    await settle(this.server);
    return pending;
  }

  async post(body, headers = {}) {
    const response = await this.request({ method: 'POST', body, headers: { 'Content-Type': 'text/plain;charset=UTF-8', ...headers } });
    assert.deepEqual([response.status, response.text], [200, 'ok']);
    return response;
  }

  async join(nsp = '/', auth = undefined) {
    await this.post(joinPacket(nsp, auth));
    return readJoined(nsp, await this.get());
  }

  // The session answers: echoes over POST and GET.
  async assertAlive() {
    await this.post('42["echo","alive"]');
    assert.equal(await this.get(), '42["echo","alive"]');
  }

  // Alive, when no namespace is joined: a POST is still taken.
  async assertKnown() { await this.post('6'); }

  async assertGone() {
    const response = await this.request({});
    assert.deepEqual([response.status, response.text], [400, '{"code":1,"message":"Session ID unknown"}']);
  }

  async assertText(packet, expected) {
    await this.post(packet);
    assert.equal(await this.get(), expected);
  }

  probe() { return WebSocket.open(this.server, url(`EIO=4&transport=websocket&sid=${this.sid}`)); }
}

export class Ws extends WebSocket {
  static async open(server, query = '', headers = {}) {
    const ws = await WebSocket.open(server, url(`EIO=4&transport=websocket${query}`), headers);
    Object.setPrototypeOf(ws, Ws.prototype);
    const text = await ws.nextText();
    assert.equal(text[0], '0');
    ws.server = server;
    ws.open = JSON.parse(text.slice(1));
    ws.sid = ws.open.sid;
    return ws;
  }

  static async joined(server, nsp = '/', auth = undefined) {
    const ws = await Ws.open(server);
    ws.id = await ws.join(nsp, auth);
    return ws;
  }

  async join(nsp = '/', auth = undefined) {
    await this.text(joinPacket(nsp, auth));
    return readJoined(nsp, await this.nextText());
  }

  async assertText(packet, expected) {
    await this.text(packet);
    assert.equal(await this.nextText(), expected);
  }

  async assertAlive() { await this.assertText('42["echo","alive"]', '42["echo","alive"]'); }
}
