// The same scenarios, with the same stock clients, against Node's server, and sioc with its applications in Lua and in
// Python: the transcripts are equal.
//
//   scenarios/TOPIC.mjs   default export { app, options, msgpack, scenarios: { "name": run | { run, transports, options, fresh, text } } }
//   apps/APP.{lua,py,mjs} the application in each language; it tells what the server sees by record()
//
// Scenarios of a topic with the same options share a server, one after another; { fresh: true } has one of its own.
// A deviation is written down in its scenario, with its documented reason: Run.differs.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { stopPython } from './lib/python.mjs';
import { Run, TRANSPORTS } from './lib/run.mjs';
import { Targets } from './lib/target.mjs';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'scenarios');

// The scenario with the usual parser and, where its topic says so, with msgpack; not if it writes packets as text itself.
function parsers(topic, scenario) {
  if (!topic.msgpack || scenario.text || scenario.fresh) return [scenario];
  return [scenario, { ...scenario, name: `${scenario.name}, msgpack`, options: { ...scenario.options, parser: 'msgpack' } }];
}

async function load() {
  const groups = new Map(); // options as JSON -> scenarios
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort()) {
    const topic = (await import(path.join(folder, file))).default;
    for (const [name, given] of Object.entries(topic.scenarios)) {
      const scenario = { transports: Object.keys(TRANSPORTS), options: topic.options ?? {}, ...(typeof given === 'function' ? { run: given } : given) };
      Object.assign(scenario, { name, app: topic.app, topic: path.basename(file, '.mjs') });
      for (const variant of parsers(topic, scenario)) {
        const key = `${file} ${variant.fresh ? name : JSON.stringify(variant.options)}`;
        groups.set(key, [...(groups.get(key) ?? []), variant]);
      }
    }
  }
  return [...groups.values()];
}

async function transcript(target, scenario, transports) {
  const run = new Run(target, transports);
  let failure;
  await scenario.run(run).catch((error) => { failure = new Error(`${target.title}: ${error.message}`, { cause: error }); });
  const result = await run.end().catch((error) => { failure ??= error; });
  if (failure) throw failure;
  return result;
}

// The first entry of each lane that is not the same, for whoever reads a failure.
function differences(title, ours, node) {
  const lines = [];
  for (const lane of new Set([...Object.keys(ours), ...Object.keys(node)])) {
    const [a, b] = [ours[lane] ?? [], node[lane] ?? []];
    const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => !isDeepStrictEqual(a[i], b[i]));
    if (at !== undefined) lines.push(`${lane}[${at}]`, `  ${title} ${JSON.stringify(a[at])}`, `  node ${JSON.stringify(b[at])}`);
  }
  return lines.join('\n');
}

async function compare(all, scenario, transports) {
  const results = [];
  for (const targets of [all.targets.slice(0, 2), all.targets.slice(2)]) // not all at once: scenarios have their times
    results.push(...await Promise.allSettled(targets.map((target) => transcript(target, scenario, transports))));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const [node, ...ours] = results.map((result) => result.value);
  assert.notDeepEqual(node, {}, 'a transcript says something');
  assert.equal(ours.map((transcripts, i) => differences(all.targets[i + 1].title, transcripts, node)).join(''), '', 'sioc and Node\'s server say the same');
}

const topics = await load();

describe('differential', { concurrency: 3 }, () => {
  after(stopPython);
  for (const scenarios of topics) {
    const { options, fresh } = scenarios[0];
    const names = [...new Set(scenarios.map((scenario) => scenario.app))];
    const title = fresh ? `${scenarios[0].name}, a server of its own` : `options ${JSON.stringify(options)}`;
    const list = scenarios.flatMap((scenario) => scenario.transports.map((transport) => [scenario, transport]));

    describe(`${scenarios[0].topic}, ${title}`, { concurrency: 1 }, () => {
      const all = new Targets(names, options);
      if (!fresh) {
        before(() => all.start());
        after(() => all.stop());
      }
      for (const [scenario, transport] of list)
        it(`${scenario.topic}: ${scenario.name}, ${transport}`, { timeout: 90000 }, async () => {
          if (!fresh) return compare(all, scenario, TRANSPORTS[transport]);
          const own = new Targets(names, options);
          try {
            await own.start();
            await compare(own, scenario, TRANSPORTS[transport]);
          } finally {
            await own.stop();
          }
        });
    });
  }
});
