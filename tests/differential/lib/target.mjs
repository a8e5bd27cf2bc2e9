// A server under test with the applications of apps/: sioc with the .lua files, or Node's with the .mjs files.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { Process, program } from '../../integration/lib/server.mjs';
import { limit } from '../../integration/lib/wire.mjs';

const apps = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../apps');

export class Target {
  // options: of the server, by their script names
  constructor(isNode, names, options = {}) {
    Object.assign(this, { isNode, names, options, parser: options.parser === 'msgpack' ? msgpack : undefined, title: isNode ? 'node' : 'sioc' });
  }

  async start() {
    const env = { SIOC_TEST_OPTIONS: JSON.stringify(this.options), SIOC_TEST_APPS: this.names.join(',') };
    this.process = this.isNode
      ? new Process(process.execPath, [path.join(apps, 'main.mjs')], { env })
      : new Process(program, [path.join(apps, 'main.lua'), '--port', '0'], { env });
    const listening = await this.process.until(`${this.title}: "listening on ..."`, () => this.process.out.match(/^listening on (\S+)$/m));
    this.url = listening[1];
    this.control = io(`${this.url}/control`, { transports: this.options.transports ?? ['websocket'], forceNew: true, path: this.options.path, parser: this.parser });
    await limit(new Promise((resolve) => this.control.once('connect', resolve)), `${this.title}: control connects`);
    return this;
  }

  get records() { return this.process.records; }
  until(what, ready) { return this.process.until(what, ready); }
  tell(...args) { return limit(this.control.emitWithAck(...args), `${this.title}: control ${args[0]}`); }

  // All records up to now are here.
  async fence(event = 'fence') {
    const { fence, clients } = await this.tell(event);
    await this.until('the fence', () => this.records.some((record) => record.fence === fence));
    return clients;
  }

  // No client is left but control, and all records are here.
  async drain() {
    const clients = await this.fence('drain');
    if (clients !== 1) throw new Error(`${this.title}: ${clients - 1} clients are left\n${this.process.err.slice(-2000)}`);
    for (const record of this.records) if (record.error) throw new Error(`${this.title}: ${record.error}`);
  }

  async stop() {
    this.control?.disconnect();
    if (!this.process) return;
    if (this.process.code === null) this.process.kill('SIGTERM');
    await this.process.exit();
    this.process.assertClean();
  }
}

// Both, side by side.
export class Pair {
  constructor(names, options) { this.targets = [new Target(false, names, options), new Target(true, names, options)]; }
  start() { return Promise.all(this.targets.map((target) => target.start())); }
  stop() { return Promise.all(this.targets.map((target) => target.stop())); }
}
