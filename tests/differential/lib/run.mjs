// One run of a scenario against one server: its clients, and the transcript of what all of them saw.
//
// A transcript is a set of lanes, each in order: one per client ("A"), one per socket as the server sees it
// ("server A"), one for the scenario's own notes ("notes").  Ids are replaced by the names of their clients;
// what happens in different lanes is not ordered, unless the scenario waits in between.

import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import io2 from 'socket.io-client-2';
import { limit, pause } from '../../integration/lib/wire.mjs';
import { Network } from './network.mjs';
import { PythonClient } from './python.mjs';

export const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

// Binary data as text, so that a Buffer and an ArrayBuffer with the same bytes are the same.
export function plain(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
    return `<binary ${bytes.toString('hex')}>`;
  }
  if (value instanceof Error) return { error: value.message, ...(value.data === undefined ? {} : { data: plain(value.data) }) };
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

const byText = (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

// Lists marked as unordered, in one order.
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value.unordered)) return value.unordered.map(sorted).sort(byText);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
}

export class Run {
  // target: a Target (target.mjs).  transports: for the clients.
  constructor(target, transports) {
    this.target = target;
    this.transports = transports;
    this.isNode = target.isNode;
    this.lanes = {};
    this.names = new Map(); // id -> name
    this.sockets = [];
    this.engines = [];
    this.networks = [];
    this.kept = new Set();
    this.from = target.records.length;
  }

  note(...entry) { this.#add('notes', ...entry); }
  #add(lane, ...entry) { (this.lanes[lane] ??= []).push(plain(entry)); }

  // ---- clients ----

  // A stock client that is called name; its lane has what it hears.  Options are the client's; nsp: a namespace; of: a
  // client whose connection it shares.
  // through: a network between it and the server.
  open(name, { nsp = '/', of, through, ...options } = {}) {
    const settings = { transports: this.transports, forceNew: true, reconnection: false, path: this.target.options.path, parser: this.target.parser, ...options };
    const socket = of ? of.io.socket(nsp, options) : io((through ?? this.target).url + nsp, settings);
    let count = 0;
    socket.lane = name;
    socket.on('connect', () => {
      this.names.set(socket.id, count ? `${name}${count + 1}` : name);
      count += 1;
      this.#add(name, 'connect');
    });
    socket.on('connect_error', (error) => this.#add(name, 'connect_error', error));
    socket.on('disconnect', (reason) => this.#add(name, 'disconnect', reason));
    socket.onAny((...args) => {
      if (this.kept.has(`${name} ${args[0]}`)) return;
      if (this.target.options.connection_state_recovery && typeof args.at(-1) === 'string') args.pop(); // an offset
      this.#add(name, 'event', ...args.filter((arg) => typeof arg !== 'function'));
    });
    this.sockets.push(socket);
    return socket;
  }

  // Such events of a client are no part of the transcript.
  keepOut(name, event) { this.kept.add(`${name} ${event}`); }

  async network() {
    const network = await Network.to(this.target.url);
    this.networks.push(network);
    return network;
  }

  // The same, connected, and on its last transport.
  async connected(name, options) {
    const socket = this.open(name, options);
    const { engine } = socket.io;
    const upgraded = (options?.transports ?? this.transports).length < 2 || options?.of || options?.stays
      ? undefined : limit(new Promise((resolve) => engine.once('upgrade', resolve)), `${name} upgrades`);
    if (!socket.connected) await this.event(socket, 'connect');
    await upgraded;
    return socket;
  }

  // A client of several transports is on its last one.
  async upgraded(socket) {
    const { engine } = socket.io;
    const last = this.transports.at(-1);
    if (engine.transport.name !== last) await limit(new Promise((resolve) => engine.once('upgrade', resolve)), `${socket.lane} upgrades`);
  }

  // The stock client of 2.x, connected; it has no catch-all listener, so its lane has these events.
  async connected2(name, { nsp = '/', hears = [], ...options } = {}) {
    const transports = options.transports ?? this.transports;
    const socket = io2(this.target.url + nsp, { transports, forceNew: true, reconnection: false, ...options });
    socket.lane = name;
    socket.emitWithAck = (...args) => new Promise((resolve) => socket.emit(...args, resolve));
    this.sockets.push(socket);
    socket.on('connect', () => {
      this.names.set(socket.id, name);
      this.#add(name, 'connect');
    });
    for (const what of ['error', 'disconnect']) socket.on(what, (...args) => this.#add(name, what, ...args));
    for (const what of hears) socket.on(what, (...args) => this.#add(name, 'event', what, ...args.filter((arg) => typeof arg !== 'function')));
    const upgraded = transports.length < 2 || options.fails ? undefined : limit(new Promise((resolve) => socket.io.engine.once('upgrade', resolve)), `${name} upgrades`);
    await this.event(socket, options.fails ?? 'connect');
    await upgraded;
    return socket;
  }

  // python-socketio's client, connected, or as far as it gets.
  async connectedPython(name, { nsp = '/', auth, fails, transports = this.transports } = {}) {
    const socket = new PythonClient(({ what, args, sid, reason, data }) => {
      if (sid) this.names.set(sid, name);
      if (what === 'event') this.#add(name, what, ...args);
      else if (what !== 'failed') this.#add(name, what, ...(reason ?? data) === undefined ? [] : [reason ?? data]);
    });
    Object.assign(socket, { lane: name, isPython: true });
    this.sockets.push(socket);
    socket.order('connect', { url: this.target.url, namespace: nsp, transports, auth });
    await this.event(socket, fails ?? 'connect');
    return socket;
  }

  // The next event of that name.
  event(socket, name) {
    return limit(new Promise((resolve) => socket.once(name, (...args) => resolve(args))), () => `${socket.lane}: "${name}"; so far ${JSON.stringify(this.lanes)}`);
  }

  // The answer, all of its arguments.
  answer(socket, ...args) {
    return limit(new Promise((resolve) => socket.emit(...args, (...got) => resolve(got))), () => `${socket.lane}: the answer to ${args[0]}`);
  }

  // The same, written to its lane; gives the first.
  async ask(socket, ...args) {
    const answer = await this.answer(socket, ...args);
    this.#add(socket.lane, 'ack', args[0], ...answer);
    return answer[0];
  }

  // Whatever the server said up to now has arrived.
  async settle() {
    for (const socket of this.sockets) if (socket.connected) await limit(socket.emitWithAck('sync'), () => `${socket.lane}: sync`);
  }

  // What the server saw of a socket or, without one, at all, until it has such an entry.
  async saw(socket, ...entry) {
    const wanted = JSON.stringify(entry).slice(0, -1);
    const id = typeof socket === 'string' ? socket : socket?.id;
    await this.target.until(`the server's record ${wanted}`, () => this.#records().some((record) =>
      (id === undefined || record.id === id) && JSON.stringify(record.entry).startsWith(wanted)));
  }

  #records() { return this.target.records.slice(this.from).filter((record) => record.entry); }

  // Takes the server's records with such entries out of the transcript.
  async take(matches) {
    await this.target.fence();
    const taken = this.#records().filter((record) => matches(record.entry));
    for (const record of taken) {
      record.taken = record.entry;
      delete record.entry;
    }
    return taken.map((record) => record.taken);
  }

  // Takes entries of a client out of the transcript.
  forget(name, what) { this.lanes[name] = this.lanes[name].filter((entry) => entry[0] !== what); }

  // What must not be the same: this target's value is checked, and the reason takes its place in the transcript.
  differs(reason, value, { sioc, node }) {
    assert.match(reason, /api\.md|protocol\.md|security\.md/, 'a deviation has a documented reason');
    assert.deepEqual(sorted(plain(value)), sorted(this.isNode ? node : sioc), `${this.target.title}: ${reason}`);
    this.#add('notes', 'differs', reason);
  }

  async drop(socket) {
    const engine = socket.io.engine;
    const { transport } = engine;
    if (transport.name === 'websocket') transport.ws.terminate();
    else engine.transport.onError('dropped by the test', new Error());
    await pause(0);
  }

  // ---- the end ----

  async end() {
    for (const socket of this.sockets) {
      if (socket.isPython) {
        socket.disconnect();
        continue;
      }
      socket.io.reconnection(false);
      (socket.io._close ?? socket.io.close).call(socket.io);
    }
    for (const engine of this.engines) engine.close();
    for (const network of this.networks) network.mend();
    const from = this.target.records.length;
    try {
      if (!this.target.isGone) await this.target.drain();
    } finally {
      for (const network of this.networks) network.close();
    }
    // It sends its 41 and its 1 in one payload: protocol.md 3.2, in order here, the 1 first there.
    const gone = this.sockets.filter((socket) => socket.isPython).map((socket) => socket.id);
    for (const record of this.target.records.slice(from))
      if (gone.includes(record.id) && /^disconnect/.test(record.entry?.[0])) delete record.entry;
    return this.transcript();
  }

  transcript() {
    const lanes = structuredClone(this.lanes);
    for (const { id, entry } of this.#records()) {
      const name = id === undefined || id === null ? 'server' : `server ${this.names.get(id) ?? 'nobody'}`;
      (lanes[name] ??= []).push(entry);
    }
    let text = JSON.stringify(Object.fromEntries(Object.entries(lanes).sort(([a], [b]) => (a < b ? -1 : 1))));
    for (const [id, name] of [...this.names].sort(([a], [b]) => b.length - a.length)) text = text.replaceAll(id, `<${name}>`);
    return sorted(JSON.parse(text));
  }
}
