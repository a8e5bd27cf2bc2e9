// Counters of the server, asked for by a client of their own, which must be let in.

import { Ws } from './eio.mjs';

export class Counters {
  static async open(server) {
    const counters = new Counters();
    counters.ws = await Ws.joined(server);
    return counters;
  }

  async all() {
    await this.ws.text('421["metrics"]');
    return JSON.parse((await this.ws.nextText()).slice('431'.length))[0];
  }

  // What has changed of these since the last call of mark, in this order.
  async since(...names) {
    const now = await this.all();
    return names.map((name) => now[name] - this.then[name]);
  }

  async mark() { this.then = await this.all(); }
  close() { this.ws.destroy(); }
}

// run() is called with a fresh mark of the counters; they must have grown by exactly this much in the end.
export async function assertCounted(server, expected, run) {
  const counters = await Counters.open(server);
  await counters.mark();
  await run();
  const grown = await counters.since(...Object.keys(expected));
  counters.close();
  const { deepEqual } = (await import('node:assert/strict')).default;
  deepEqual(Object.fromEntries(Object.keys(expected).map((name, i) => [name, grown[i]])), expected);
}
