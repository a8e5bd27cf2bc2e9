// Parsers that come in a library: how a script names one, and recovery with one.  What the stock client says through it
// is in client.test.mjs.

import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { io } from 'socket.io-client';
import * as tagged from '../../examples/parser/tagged.mjs';
import { App, ask, next } from './lib/app.mjs';
import { Process, library, program, siocOnly } from './lib/server.mjs';

const LIBRARY = library('parser/tagged.so');
const script = (options, before = '') => `
local sioc = require "sioc"
${before}
local io = sioc.server { ${options} }
io:event("echo", function(_, value) return value end)`;

describe('a parser in a library', siocOnly(), () => {
  async function works(source, setup = async () => {}) {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'sioc-parser-'));
    await setup(dir);
    await writeFile(path.join(dir, 'app.lua'), source);
    const server = new Process(program, [path.join(dir, 'app.lua'), '--port', '0']);
    try {
      const [url] = await server.until('"listening on"', () => server.out.match(/http:\/\/\S+/));
      const client = io(url, { parser: tagged, forceNew: true, reconnection: false });
      assert.deepEqual(await ask(client, 'echo', { a: [1, 'ü', null] }), { a: [1, 'ü', null] });
      client.disconnect();
    } finally {
      server.kill();
      await rm(dir, { recursive: true });
    }
    assert.equal(await server.exit(), 0, server.err);
    server.assertClean();
  }

  async function refused(source, pattern) {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'sioc-parser-'));
    await writeFile(path.join(dir, 'app.lua'), source);
    const check = new Process(program, ['check', path.join(dir, 'app.lua')]);
    assert.notEqual(await check.exit(), 0);
    await rm(dir, { recursive: true });
    assert.match(check.err, pattern);
    check.assertClean();
  }

  it('by its path', () => works(script(`parser = "${LIBRARY}"`)));
  it('by a path relative to the script', () => works(script('parser = "./lib/tagged.so"'), async (dir) => {
    await mkdir(path.join(dir, 'lib'));
    await copyFile(LIBRARY, path.join(dir, 'lib/tagged.so'));
  }));
  it('by its name, beside the script', () => works(script('parser = "tagged"'), (dir) => copyFile(LIBRARY, path.join(dir, 'tagged.so'))));
  it('by its name, where C modules are', () => works(script('parser = "tagged"', `package.cpath = "${path.dirname(LIBRARY)}/?.so;" .. package.cpath`)));

  it('a name that nobody knows', () => refused(script('parser = "tagged"'), /option "parser" must be "json" or "msgpack", the name of a parser/));
  it('a path that leads nowhere', () => refused(script('parser = "./tagged.so"'), /option "parser": \S*tagged\.so: cannot open shared object/));
  it('a library without a parser', () => refused(script(`parser = "${path.join(path.dirname(program), 'core/libsioc.so')}"`), /option "parser": \S*libsioc\.so: undefined symbol: sioc_parser/));

  it('what was missed is sent again, in its form', () => App.run(`${script(`parser = "${LIBRARY}", connection_state_recovery = true`)}
io:on("disconnect", function() io:emit("came", "missed", sioc.binary("\\1\\2")) end)`, async (app) => {
    const client = await app.client('/', { parser: tagged, reconnection: true, reconnectionDelay: 10 });
    const { id } = client;
    const came = next(client, 'came');
    client.io.engine.close();
    const [text, bytes, offset] = await came;
    assert.deepEqual([text, [...bytes], typeof offset], ['missed', [1, 2], 'string']);
    assert.deepEqual([client.recovered, client.id], [true, id]);
    client.io.reconnection(false);
  }));
});
