// A program whose script changes: a folder with app.lua, reloads, and what the log says came of them.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { io } from 'socket.io-client';
import { Process, program } from './server.mjs';
import { limit } from './wire.mjs';

const OUTCOME = /^.*(?:reload: generation (\d+) serves.*?; (\d+) sockets re-bound|reload refused, generation (\d+) serves on: (.*)$)/gm;

export class App {
  // Runs body(app) with the script serving; the program must end well.
  static async run(source, body, { args = [], env = {}, port = true, files = {} } = {}) {
    const app = new App();
    app.dir = await mkdtemp(path.join(os.tmpdir(), 'sioc-reload-'));
    app.clients = [];
    try {
      for (const [name, text] of Object.entries(files)) { // beside the script
        await mkdir(path.dirname(app.file(name)), { recursive: true });
        await app.save(text, name);
      }
      await app.save(source);
      app.process = new Process(program, [app.file(), ...(port ? ['--port', '0'] : []), ...args], { env });
      app.port = Number((await app.process.until('"listening on"', () => app.process.out.match(/^listening on \S+:(\d+)$/m)))[1]);
      app.url = `http://127.0.0.1:${app.port}`;
      await body(app);
      for (const client of app.clients) client.disconnect();
      app.process.kill();
      assert.equal(await app.process.exit(20000), 0, app.process.err.slice(-3000));
      app.process.assertClean();
    } finally {
      for (const client of app.clients) client.disconnect();
      if (app.process && app.process.code === null) app.process.kill('SIGKILL');
      await rm(app.dir, { recursive: true, force: true });
    }
  }

  file(name = 'app.lua') { return path.join(this.dir, name); }
  save(source, name = 'app.lua') { return writeFile(this.file(name), source); }
  log() { return this.process.err; }

  // Every outcome so far: { generation, sockets } or { generation, refused }.
  outcomes() {
    return [...this.log().matchAll(OUTCOME)].map((m) => (m[1] ? { generation: Number(m[1]), sockets: Number(m[2]) } : { generation: Number(m[3]), refused: m[4] }));
  }

  outcome(n) { return this.process.until(`outcome ${n + 1}`, () => this.outcomes()[n], 20000); }

  // Saves (unless source is undefined), asks for a reload, and gives what came of it.
  async reload(source) {
    const before = this.outcomes().length;
    if (source !== undefined) await this.save(source);
    this.process.kill('SIGHUP');
    return this.outcome(before);
  }

  async swap(source) {
    const outcome = await this.reload(source);
    assert.equal(outcome.refused, undefined, this.log().slice(-3000));
    return outcome;
  }

  async refused(source, pattern) {
    const { generation } = this.outcomes().at(-1) ?? { generation: 1 };
    const outcome = await this.reload(source);
    assert.match(outcome.refused ?? `generation ${outcome.generation} serves`, pattern);
    assert.equal(outcome.generation, generation, 'the old generation serves on');
    return outcome;
  }

  logged(pattern) { return this.process.stderrMatches(pattern); }

  // A connected client that must stay so: a disconnect is noted in client.gone.
  async client(nsp = '/', options = {}, setup = () => {}) {
    const client = io(this.url + nsp, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
    this.clients.push(client);
    client.gone = [];
    client.heard = [];
    setup(client);
    client.on('disconnect', (reason) => client.gone.push(reason));
    client.onAny((...args) => client.heard.push(args));
    await limit(new Promise((resolve, reject) => { client.once('connect', resolve); client.once('connect_error', reject); }), 'connect');
    return client;
  }
}

export const ask = (client, ...args) => client.timeout(10000).emitWithAck(...args);
// Resolves with the arguments of the next event of that name.
export const next = (client, name) => limit(new Promise((resolve) => client.once(name, (...args) => resolve(args))), `"${name}"`);
