// The server under test as a child process: sioc with a Lua fixture, with a Python one, or the reference.
//
//   SIOC_BIN      the program; build/dev/sioc of this repository when not set
//   SIOC_TARGET   "node": run the same tests against reference/server.mjs; "python": with fixtures/*.py instead of *.lua
//
// Fixtures tell what happens on the server's side by lines "@@ {json}" on stderr: see record().

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe } from 'node:test';
import { WAIT_MS, limit } from './wire.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const repository = path.resolve(here, '../../..');
export const fixtures = path.resolve(here, '../fixtures');
export const program = path.resolve(repository, process.env.SIOC_BIN || 'build/dev/sioc');
// A library among our examples, as the program that is tested was built.
export const library = (name) => path.join(path.dirname(program), 'examples', name);
export const isReference = process.env.SIOC_TARGET === 'node';
export const isPython = process.env.SIOC_TARGET === 'python';

// `python3 -m sioc` of the same build: { command, args, env }.  With ASan its runtime comes first, and leaks are the
// interpreter's own.
let python;
export function pythonHost() {
  if (python) return python;
  const build = path.dirname(program);
  const modules = path.join(build, 'python/sioc');
  const native = fs.readdirSync(modules).find((name) => name.startsWith('_native.'));
  const env = { PYTHONPATH: path.join(build, 'python'), PYTHONDONTWRITEBYTECODE: '1' };
  if (fs.readFileSync(path.join(modules, native)).includes('libasan.so')) {
    env.LD_PRELOAD = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
    env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ? `${process.env.ASAN_OPTIONS}:` : ''}detect_leaks=0`;
  }
  python = { command: path.join(repository, 'build/venv/bin/python'), args: ['-m', 'sioc'], env };
  return python;
}

// What differs from the reference on purpose, with the reason (the section of the specification).
export const differs = (reason, { sioc, node }) => {
  assert.ok(reason);
  return isReference ? node : sioc;
};
// Options of a test or suite that has no counterpart in the reference.
export const siocOnly = (reason = 'the script host has no counterpart in the reference') => ({ skip: isReference && reason });
// ... or is written differently in Python.
export const luaOnly = (reason) => ({ skip: (isReference || isPython) && reason });

const SANITIZER = /ERROR: AddressSanitizer|runtime error:|LeakSanitizer/;

export class Process {
  constructor(command, args, { env = {}, cwd = repository } = {}) {
    this.out = '';
    this.err = '';
    this.records = [];
    this.watchers = [];
    this.line = '';
    this.child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (data) => { this.out += data; this.#look(); });
    this.child.stderr.on('data', (data) => { this.err += data; this.#read(String(data)); this.#look(); });
    this.code = null;
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => { this.err += error.message; this.code = -1; this.#look(); resolve(-1); });
      this.child.once('close', (code, signal) => { this.code = code ?? signal; this.#look(); resolve(this.code); });
    });
  }

  #read(text) {
    const lines = (this.line + text).split('\n');
    this.line = lines.pop();
    for (const line of lines) if (line.startsWith('@@ ')) this.records.push(JSON.parse(line.slice(3)));
  }

  #look() {
    const watchers = this.watchers;
    this.watchers = [];
    for (const look of watchers) look();
  }

  // Waits until ready() gives something.
  async until(what, ready, ms = WAIT_MS) {
    const end = Date.now() + ms;
    for (;;) {
      const value = ready();
      if (value !== undefined && value !== false && value !== null) return value;
      if (this.code !== null) throw new Error(`${what}: the program ended with ${this.code}\n${this.err}`);
      await limit(new Promise((resolve) => this.watchers.push(resolve)), () => `${what}\nstderr: ${this.err.slice(-4000)}`, Math.max(1, end - Date.now()));
    }
  }

  // The first record with these fields, e.g. { id, what: "disconnect" }.
  record(fields) {
    return this.until(`a record of ${JSON.stringify(fields)}`, () => this.find(fields)[0]);
  }

  find(fields) {
    return this.records.filter((record) => Object.entries(fields).every(([name, value]) => record[name] === value));
  }

  async assertReason(id, reason) {
    const record = await this.record({ id, what: 'disconnect' });
    assert.equal(record.reason, reason);
    const leaving = this.find({ id, what: 'disconnecting' });
    assert.deepEqual(leaving.map((entry) => entry.reason), [reason], '"disconnecting" comes before "disconnect"');
    assert.ok(this.records.indexOf(leaving[0]) < this.records.indexOf(record));
  }

  stderrMatches(pattern) { return this.until(`${pattern} on stderr`, () => this.err.match(pattern)); }

  kill(signal = 'SIGTERM') { this.child.kill(signal); }

  async exit(ms = WAIT_MS) {
    try {
      return await limit(this.ended, () => `the program ends\n${this.err.slice(-4000)}`, ms);
    } catch (error) {
      this.kill('SIGKILL');
      await this.ended;
      throw error;
    }
  }

  assertClean() {
    const report = this.err.match(SANITIZER);
    assert.equal(report, null, `no sanitizer report:\n${this.err.slice(0, 8000)}`);
  }
}

export class Server {
  // script: a file of fixtures/. options: of api.md, by their script names. args: for the command line.
  constructor({ options = {}, script = 'protocol.lua', args = [], env = {}, port = 0 } = {}) {
    Object.assign(this, { options, script, args, env, wantedPort: port });
  }

  async start(port = this.wantedPort) {
    const env = { SIOC_TEST_OPTIONS: JSON.stringify(this.options), ...this.env };
    if (isReference) {
      assert.equal(this.script, 'protocol.lua', 'the reference knows this fixture only');
      this.process = new Process(process.execPath, [path.resolve(here, '../reference/server.mjs'), String(port)], { env });
    } else {
      const host = isPython ? pythonHost() : { command: program, args: [], env: {} };
      const script = path.join(fixtures, isPython ? this.script.replace('.lua', '.py') : this.script);
      this.process = new Process(host.command, [...host.args, script, '--port', String(port), '--log-level', 'info', ...this.args], { env: { ...env, ...host.env } });
    }
    const listening = await this.process.until('"listening on ..."', () => this.process.out.match(/^listening on (http:\/\/\S+):(\d+)$/m));
    this.port = Number(listening[2]);
    this.url = `${listening[1]}:${this.port}`;
    return this;
  }

  get records() { return this.process.records; }
  record(fields) { return this.process.record(fields); }
  find(fields) { return this.process.find(fields); }
  assertReason(id, reason) { return this.process.assertReason(id, reason); }
  log() { return this.process.err; }
  stderrMatches(pattern) { return this.process.stderrMatches(pattern); }

  async stop() {
    if (!this.process) return;
    const running = this.process.code === null;
    if (running) this.process.kill('SIGTERM');
    const code = await this.process.exit();
    this.process.assertClean();
    assert.equal(code, 0, `exit code after SIGTERM\n${this.process.err.slice(-4000)}`);
    assert.ok(running, 'the program was still running');
  }

  // After a stop that was part of a test.
  forget() { this.process = undefined; }
}

// A suite with a server of its own.
export function withServer(name, configuration, body, options = {}) {
  describe(name, options, () => {
    const server = new Server(configuration);
    before(() => server.start());
    after(() => server.stop());
    body(server);
  });
}
