// node tests/bench/reload.mjs [CLIENTS] [RELOADS] -- reloads of a script with 5 handlers per socket under connected
// clients with traffic: what is lost, and how long the loop stands still.  SIOC_BIN names the program.

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
  const good = [...app.log().matchAll(/serves after ([\d.]+) ms; (\d+) sockets re-bound in ([\d.]+) ms, longest pause ([\d.]+) ms/g)].map((m) => m.slice(1).map(Number));
  const most = (i) => Math.max(...good.map((line) => line[i]));
  const middle = (i) => good.map((line) => line[i]).sort((a, b) => a - b)[good.length >> 1];
  console.log(`${clients} clients, ${reloads} reloads: ${good.length} took effect, ${answered} requests answered, ${wrong.length} wrong, ${all.flatMap((client) => client.gone).length} disconnects`);
  console.log(`load: median ${middle(0)} ms, worst ${most(0)} ms; re-binding all: median ${middle(2)} ms, worst ${most(2)} ms; longest pause of the loop: median ${middle(3)} ms, worst ${most(3)} ms`);
  console.log(`slowest answer that a client has seen: ${worst.toFixed(0)} ms (the clients share this machine)`);
});
