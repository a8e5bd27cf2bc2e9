// A server under test with the applications of apps/: sioc with the .lua files, sioc from Python with the .py files,
// Node's with the .mjs files.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { Process, program, pythonHost } from '../../integration/lib/server.mjs';
import { limit } from '../../integration/lib/wire.mjs';

const apps = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../apps');

export class Target {
  // title: "sioc", "python" or "node".  options: of the server, by their script names
  constructor(title, names, options = {}) {
    Object.assign(this, { title, isNode: title === 'node', names, options, parser: options.parser === 'msgpack' ? msgpack : undefined });
  }

  #run(env) {
    if (this.isNode) return new Process(process.execPath, [path.join(apps, 'main.mjs')], { env });
    if (this.title === 'sioc') return new Process(program, [path.join(apps, 'main.lua'), '--port', '0'], { env });
    const host = pythonHost();
    return new Process(host.command, [...host.args, path.join(apps, 'main.py'), '--port', '0'], { env: { ...env, ...host.env } });
  }

  async start() {
    const env = { SIOC_TEST_OPTIONS: JSON.stringify(this.options), SIOC_TEST_APPS: this.names.join(',') };
    this.process = this.#run(env);
    const listening = await this.process.until(`${this.title}: "listening on ..."`, () => this.process.out.match(/^listening on (\S+)$/m));
    this.url = listening[1];
    this.control = io(`${this.url}/control`, { transports: this.options.transports ?? ['websocket'], forceNew: true, path: this.options.path, parser: this.parser });
    await limit(new Promise((resolve) => this.control.once('connect', resolve)), `${this.title}: control connects`);
    return this;
  }

  get records() { return this.process.records; }
  until(what, ready) { return this.process.until(what, ready); }
  tell(...args) { return limit(this.control.emitWithAck(...args), `${this.title}: control ${args[0]}`, 60000); }

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

// All of them, side by side.
export class Targets {
  constructor(names, options) { this.targets = ['node', 'sioc', 'python'].map((title) => new Target(title, names, options)); }
  start() { return Promise.all(this.targets.map((target) => target.start())); }
  stop() { return Promise.all(this.targets.map((target) => target.stop())); }
}
