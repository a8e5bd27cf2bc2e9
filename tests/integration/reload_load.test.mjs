// Reloads under load: numbered requests and broadcasts in flight, over polling and WebSocket, while good and
// broken scripts come and go; and a hundred generations, of which nothing may be left.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App, ask } from './lib/app.mjs';
import { siocOnly } from './lib/server.mjs';
import { limit, pause } from './lib/wire.mjs';

const CLIENTS = 24;
const RELOADS = Number(process.env.SIOC_TEST_RELOADS ?? 45);

// Every way to handle an event: per socket, per namespace, waiting, with an ack to the client.
const good = (n) => `
  local sioc = require "sioc"
  local io = sioc.server { max_pending_acks = 10000 }
  io:on("connection", function(s)
    s:join("all")
    s:on("own", function(i) return i, ${n} end)
  end)
  io:event("flat", function(s, i) return i, ${n} end)
  io:event("slow", function(s, i) sioc.sleep(0.01) return i, ${n} end)
  io:event("back", function(s, i)
    local answer, err = s:timeout(9):emit_with_ack("question", i)
    return answer or err, ${n}
  end)
  io:event("shout", function(s, i) io:to("all"):emit("shouted", s.id, i) return i end)
  io:event("count", function(s) s.data.n = (s.data.n or 0) + 1 return s.data.n end)
  sioc.every(0.05, function() io:emit("tick", ${n}) end)`;
const broken = (n) => [`${good(n)} )`, `${good(n)} error("load ${n}")`, '', `${good(n).slice(0, 150)}`][n % 4];

// Sends numbered requests, five in flight, until stop() is called; each must be answered once, with its number, and
// those of one kind in order.
class Traffic {
  constructor(client) {
    Object.assign(this, { client, sent: 0, answered: 0, wrong: [], stopped: false, counted: 0, shouted: new Map() });
    client.on('question', (i, answer) => answer(i));
    client.on('shouted', (id, i) => {
      const last = this.shouted.get(id);
      if (last !== undefined && i <= last) this.wrong.push(`shout ${i} of ${id} after ${last}`);
      this.shouted.set(id, i);
    });
    this.done = Promise.all(['own', 'flat', 'slow', 'back', 'shout', 'count'].map((kind) => this.run(kind)));
  }

  async run(kind) {
    const width = kind === 'count' ? 1 : 3;
    let i = 0;
    let expected = 0;
    const one = async () => {
      while (!this.stopped) {
        const number = i;
        i += 1;
        this.sent += 1;
        const answer = await limit(new Promise((resolve) => this.client.emit(kind, number, resolve)), `the answer to ${kind} ${number}`, 20000);
        this.answered += 1;
        if (kind === 'count') {
          if (answer !== (this.counted += 1)) this.wrong.push(`count ${answer}, not ${this.counted}`);
        } else if (answer !== number) {
          this.wrong.push(`${kind} ${number}: ${answer}`);
        }
        if (kind === 'own' || kind === 'flat' || kind === 'shout') {
          if (number !== expected) this.wrong.push(`${kind} ${number} answered when ${expected} was due`);
          expected = number + 1;
        }
        await pause(2);
      }
    };
    await Promise.all(Array.from({ length: width }, one));
  }
}

describe('reload under load', siocOnly('the reference cannot'), () => {
  it(`${RELOADS} reloads, a third of them broken: nothing is lost, reordered, handled twice or disconnected`, { timeout: 120000 }, () => App.run(good(0), async (app) => {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => app.client('/', { transports: [i % 2 ? 'polling' : 'websocket'] })));
    const traffic = clients.map((client) => new Traffic(client));
    let swapped = 0;
    let refused = 0;
    for (let n = 1; n <= RELOADS; n += 1) {
      const outcome = await app.reload(n % 3 ? good(n) : broken(n));
      if (outcome.refused === undefined) swapped += 1;
      else refused += 1;
      assert.equal(outcome.refused === undefined, n % 3 !== 0, JSON.stringify(outcome));
      await pause(20);
    }
    for (const t of traffic) t.stopped = true;
    await Promise.all(traffic.map((t) => t.done));
    assert.deepEqual(traffic.flatMap((t) => t.wrong).slice(0, 10), []);
    assert.deepEqual(clients.flatMap((client) => client.gone), []);
    assert.equal(traffic.reduce((sum, t) => sum + t.answered, 0), traffic.reduce((sum, t) => sum + t.sent, 0));
    assert.ok(traffic.every((t) => t.sent > RELOADS), 'there was traffic');
    // Everybody has heard everything that everybody has said.
    const said = new Map(clients.map((client, i) => [client.id, Math.max(...traffic[i].shouted.values())]));
    for (const t of traffic) assert.deepEqual([...t.shouted.keys()].sort(), [...said.keys()].sort());
    assert.deepEqual([swapped, refused], [RELOADS - Math.floor(RELOADS / 3), Math.floor(RELOADS / 3)]);
  }));

  it('a hundred generations leave nothing behind', { timeout: 120000 }, () => {
    const version = (n) => `${good(n)}
      io:event("hold", function() sioc.sleep(0.03) return ${n} end)
      sioc.after(0.05, function() end)
      io:get("/x/:id", function() return "x" end)
      io:of("/other"):on("connection", function() end)
      io:of("^/room", { pattern = true }):on("connection", function(s) s:use(function() end) s:on_any_outgoing(function() end) end)
      io.engine:on("headers", function() end)`;
    return App.run(version(0), async (app) => {
      const client = await app.client();
      const room = await app.client('/room-1');
      for (let n = 1; n <= 100; n += 1) {
        const held = ask(client, 'hold', n).catch((error) => error);
        await app.swap(version(n));
        assert.equal(await held, n - 1);
      }
      // The last line of debug tells when an old one is freed.
      await app.logged(/generation 100 is gone/);
      for (let n = 1; n <= 100; n += 1) assert.ok(app.log().includes(`generation ${n} is gone\n`), `generation ${n} is gone`);
      assert.deepEqual([...client.gone, ...room.gone], []);
    }, { args: ['--log-level', 'debug'] }); // and the sanitizer looks for leaks at the end
  });
});
