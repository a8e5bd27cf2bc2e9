// --watch: whatever way a file is saved, the program notices, once the file is whole. (How the watch itself does it, and
// more ways: unit/script/test_watch*.)

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { App, ask } from './lib/app.mjs';
import { siocOnly } from './lib/server.mjs';
import { pause } from './lib/wire.mjs';

const run = promisify(execFile);
const script = (version) => `local sioc = require "sioc"
local io = sioc.server {}
io:event("version", function() return "${version}" end)
`;

// name, how (a shell command in the script's folder; $NEW is a file with the new text, elsewhere).
const WAYS = [
  ['in place', 'cat "$NEW" > app.lua'],
  ['appending', 'cp "$NEW" app.lua'],
  ['renaming over it (most editors)', 'cp "$NEW" app.tmp && mv app.tmp app.lua'],
  ['renaming over it, again', 'cp "$NEW" .app.lua.kate && mv .app.lua.kate app.lua'],
  ['vim: backup, new file, 4913', 'touch 4913 && rm 4913 && touch .app.lua.swp && mv app.lua app.lua~ && cp "$NEW" app.lua && rm app.lua~ .app.lua.swp'],
  ['emacs: a lock that leads nowhere, then in place', 'ln -s nobody@nowhere .#app.lua && cat "$NEW" > app.lua && rm .#app.lua'],
  ['sed -i', 'V=$(sed -n "s/.*return \\"\\(.*\\)\\" end.*/\\1/p" "$NEW"); sed -i "s/return \\".*\\" end/return \\"$V\\" end/" app.lua'],
  ['deleting and writing (git checkout)', 'rm app.lua && cp "$NEW" app.lua'],
  ['with the time of before (cp -p, tar)', 'cp "$NEW" app.tmp && touch -r app.lua app.tmp && mv app.tmp app.lua'],
  ['a symbolic link in its place', 'mkdir -p v1 && cp "$NEW" v1/app.lua && ln -s v1/app.lua app.link && mv -T app.link app.lua'],
  ['what the link leads to', 'cat "$NEW" > v1/app.lua'],
  ['a ConfigMap: the folder behind the link is swapped', 'mkdir ..1 && cp "$NEW" ..1/app.lua && ln -s ..1 ..data && ln -s ..data/app.lua app.link && mv -T app.link app.lua'],
  ['a ConfigMap, swapped again', 'mkdir ..2 && cp "$NEW" ..2/app.lua && ln -s ..2 ..tmp && mv -T ..tmp ..data && rm -r ..1'],
  ['a ConfigMap, a third time', 'mkdir ..3 && cp "$NEW" ..3/app.lua && ln -s ..3 ..tmp && mv -T ..tmp ..data && rm -r ..2'],
];

async function follow(app, ways) {
  const client = await app.client();
  const elsewhere = await mkdtemp(path.join(os.tmpdir(), 'sioc-new-'));
  try {
    for (const [i, [name, how]] of ways.entries()) {
      const text = path.join(elsewhere, 'new');
      await writeFile(text, script(`${i} ${name.replace(/\W+/g, ' ')}`));
      await run('sh', ['-euc', how], { cwd: app.dir, env: { ...process.env, NEW: text } });
      const expected = `${i} ${name.replace(/\W+/g, ' ')}`;
      let version;
      for (let turn = 0; turn < 100 && version !== expected; turn += 1) {
        await pause(50);
        version = await ask(client, 'version');
      }
      assert.equal(version, expected, `${name}\n${app.log().slice(-1000)}`);
    }
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
  assert.deepEqual(client.gone, []);
}

describe('reload: ways of saving', { ...siocOnly('the reference cannot'), concurrency: 2 }, () => {
  for (const option of ['--watch', '--watch-poll'])
    it(`${option} notices all of them`, () => App.run(script('first'), (app) => follow(app, WAYS), { args: [option] }));

  it('a slow write is loaded when it is whole; what was half is refused at most', () => App.run(script('first'), async (app) => {
    const client = await app.client();
    const parts = `${script('slow')}io:event("end", function() return "whole" end)\n`.split('\n');
    await writeFile(app.file(), '');
    for (const part of parts) { await writeFile(app.file(), `${part}\n`, { flag: 'a' }); await pause(120); }
    for (let turn = 0; turn < 100 && await ask(client, 'version') !== 'slow'; turn += 1) await pause(50);
    assert.equal(await ask(client, 'end'), 'whole');
    assert.deepEqual(client.gone, []);
  }, { args: ['--watch'] }));

  it('droppings of editors are no reload', () => App.run(script('first'), async (app) => {
    await app.client();
    for (const name of ['4913', '.app.lua.swp', 'app.lua~', '.#app.lua', 'app.lua.bak', 'other.lua']) await app.save(script('wrong'), name);
    await pause(500);
    assert.deepEqual(app.outcomes(), []);
  }, { args: ['--watch'] }));

  it('modules: in a folder of their own, of a module, missing at first, gone, and come back', () => {
    const main = `${script('main')}
      local ok, helper = pcall(require, "lib.helper")
      io:event("helper", function() return ok and helper.version or "none" end)`;
    return App.run(main, async (app) => {
      const client = await app.client();
      const helped = async (expected) => {
        let got;
        for (let turn = 0; turn < 100 && got !== expected; turn += 1) { await pause(50); got = await ask(client, 'helper'); }
        assert.equal(got, expected, app.log().slice(-1500));
      };
      await helped('none');
      await mkdir(app.file('lib'));
      await app.save('return { version = require "lib.deep" }', 'lib/helper.lua'); // needs one that is missing
      await pause(300);
      await app.save('return "one"', 'lib/deep.lua');
      await helped('one');
      await app.save('return "two"', 'lib/deep.lua');
      await helped('two');
      await run('sh', ['-euc', 'mkdir lib2 && cp lib/helper.lua lib2 && echo \'return "three"\' > lib2/deep.lua && mv lib lib1 && mv lib2 lib'], { cwd: app.dir });
      await helped('three');
      await rm(app.file('lib'), { recursive: true });
      await helped('none');
      await run('mv', ['lib1', 'lib'], { cwd: app.dir });
      await helped('two');
      assert.deepEqual(client.gone, []);
    }, { args: ['--watch'] });
  });
});
