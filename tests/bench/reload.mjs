// node tests/bench/reload.mjs [CLIENTS] [RELOADS] -- reloads of a script with 5 handlers per socket under connected
// clients with traffic, a third of them broken: what is lost, and how long the loop stands still.
//
//   SIOC_BIN=build/release/sioc node tests/bench/reload.mjs 2000 300
//   SIOC_BIN=build/release/sioc node tests/bench/reload.mjs 5000 30
//
// The server measures each turn of its loop that a reload takes: by the clock, which includes what other programs
// computed meanwhile, and by the processor's time, which is what the clock would say on an idle core.

import { performance } from 'node:perf_hooks';
import { App } from '../integration/lib/app.mjs';

const [clients, reloads] = [Number(process.argv[2] ?? 2000), Number(process.argv[3] ?? 300)];
const script = (n) => `local sioc = require "sioc"
local io = sioc.server {}
io:on("connection", function(s)
  for i = 1, 4 do s:on("h" .. i, function(n) return n end) end
  s:on("n", function(n) return n, ${n} end)
end)
io:listen(0)`;

await App.run(script(0), async (app) => {
  const all = [];
  for (let i = 0; i < clients; i += 100) all.push(...await Promise.all(Array.from({ length: Math.min(100, clients - i) }, () => app.client('/', { upgrade: false }))));
  const wrong = [];
  let [answered, stopped, worst] = [0, false, 0];
  const talk = async (client, at) => {
    await new Promise((resolve) => setTimeout(resolve, at));
    for (let i = 0; !stopped; i += 1) {
      const start = performance.now();
      const got = await new Promise((resolve) => client.emit('n', i, resolve));
      worst = Math.max(worst, performance.now() - start);
      if (got !== i) wrong.push([i, got]);
      answered += 1;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  };
  const talks = all.map((client, i) => talk(client, (i * 1000) / clients));
  for (let n = 1; n <= reloads; n += 1) await app.reload(n % 3 ? script(n) : `${script(n)} )`);
  stopped = true;
  await Promise.all(talks);
  const numbers = (pattern) => [...app.log().matchAll(pattern)].map((m) => m.slice(1).map(Number));
  const summary = (values) => {
    const sorted = values.sort((x, y) => x - y);
    return `median ${sorted[sorted.length >> 1]} ms, worst ${sorted.at(-1)} ms`;
  };
  const good = numbers(/serves after ([\d.]+) ms; (\d+) sockets re-bound in ([\d.]+) ms/g);
  const turns = numbers(/longest turn of the loop ([\d.]+) ms, ([\d.]+) ms of work/g);
  const freed = numbers(/given back in \d+ turns, at most ([\d.]+) ms of work/g);
  console.log(`${clients} clients, ${reloads} reloads: ${good.length} took effect, ${answered} requests answered, ${wrong.length} wrong, ${all.flatMap((client) => client.gone).length} disconnects`);
  console.log(`from the signal to the swap: ${summary(good.map((m) => m[0]))}; re-binding all: ${summary(good.map((m) => m[2]))}`);
  console.log(`longest turn of the loop: ${summary(turns.map((m) => m[0]))}; its work: ${summary(turns.map((m) => m[1]))}`);
  console.log(`turns while old code is freed, work: ${summary(freed.map((m) => m[0]))}`);
  console.log(`slowest answer that a client has seen: ${worst.toFixed(0)} ms (the clients share this machine)`);
}, { args: ['--log-level', 'debug'] });
