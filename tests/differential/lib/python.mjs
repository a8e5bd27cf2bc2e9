// Clients of python-socketio: one process of clients.py plays all of them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { repository } from '../../integration/lib/server.mjs';
import { limit } from '../../integration/lib/wire.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const interpreter = path.join(repository, 'build/venv/bin/python');

let child;
let last = 0;
let buffer = '';
let errors = '';
const clients = new Map();

function start() {
  assert.ok(existsSync(interpreter), `no ${interpreter}: run scripts/setup`);
  child = spawn(interpreter, [path.join(here, 'clients.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stderr.on('data', (data) => { errors = (errors + data).slice(-4000); });
  child.stdout.on('data', (data) => {
    const lines = (buffer + data).split('\n');
    buffer = lines.pop();
    for (const line of lines) {
      const { id, ...record } = JSON.parse(line, (_, value) => (typeof value?.$binary === 'string' ? Buffer.from(value.$binary, 'hex') : value));
      clients.get(id)?.hear(record);
    }
  });
}

export async function stopPython() {
  if (!child) return;
  child.stdin.end();
  const [code] = await limit(new Promise((resolve) => child.once('close', (...all) => resolve(all))), 'the clients of python-socketio end');
  child = undefined;
  assert.deepEqual([code, errors], [0, '']);
}

const wire = (value) => JSON.parse(JSON.stringify(value, function replace(key, item) {
  const own = this[key]; // before Buffer.toJSON
  return Buffer.isBuffer(own) ? { $binary: own.toString('hex') } : item;
}));

// As much of the interface of a stock client as scenarios need.
export class PythonClient {
  // told: gets each { what, ... }
  constructor(told) {
    if (!child) start();
    last += 1;
    Object.assign(this, { number: last, told, waiting: [], calls: new Map(), connected: false });
    clients.set(last, this);
  }

  order(what, fields = {}) { child.stdin.write(`${JSON.stringify({ id: this.number, do: what, ...wire(fields) })}\n`); }

  hear(record) {
    if (record.what === 'connect') Object.assign(this, { connected: true, id: record.sid });
    if (record.what === 'disconnect') this.connected = false;
    if (record.what === 'answer') {
      this.calls.get(record.n)?.(record.answer);
      return;
    }
    this.told(record);
    const name = record.what === 'event' ? record.args[0] : record.what;
    const args = record.what === 'event' ? record.args.slice(1) : [record.reason ?? record.data];
    const waiting = this.waiting.filter((wait) => wait.name === name);
    this.waiting = this.waiting.filter((wait) => wait.name !== name);
    for (const { resolve } of waiting) resolve(args);
  }

  once(name, fn) { this.waiting.push({ name, resolve: (args) => fn(...args) }); }

  emit(name, ...args) {
    const answered = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    if (!answered) return this.order('emit', { args: [name, ...args] });
    const n = this.calls.size + 1;
    this.calls.set(n, (answer) => answered(...answer));
    this.order('call', { n, args: [name, ...args] });
  }

  emitWithAck(name, ...args) { return new Promise((resolve) => this.emit(name, ...args, resolve)); }
  disconnect() { this.order('disconnect'); }
}
