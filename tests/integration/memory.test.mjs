// What happens when memory gets short (max_memory): above 80 % nobody new comes in, above 95 % those go for whom much waits.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Http, request, requestBytes } from './lib/http.mjs';
import { Server, siocOnly } from './lib/server.mjs';
import { Wire } from './lib/wire.mjs';

const MB = 1 << 20;
const resident = (server) => Number(fs.readFileSync(`/proc/${server.process.child.pid}/statm`, 'utf8').split(' ')[1]) * 4096;

async function withOptions(options, body) {
  const server = new Server({ options });
  await server.start();
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

// What a server needs that does nothing; with its tools (ASan) that is much.
let idle;
async function idleBytes() {
  if (!idle) await withOptions({}, async (server) => {
    const ws = await Ws.joined(server);
    await ws.assertAlive();
    idle = resident(server);
    ws.destroy();
  });
  return idle;
}

async function turnedAway(server) {
  const wire = await Wire.connect(server.port);
  const text = (await wire.readToEnd()).toString();
  wire.destroy();
  return /^(HTTP\/1\.1 503 Service Unavailable\r\n[^]*Retry-After: 1\r\n[^]*)?$/.test(text) ? text : undefined;
}

describe('max_memory', siocOnly('the reference has no such limit'), () => {
  it('enough of it: everybody comes in', async () => {
    await withOptions({ max_memory: (await idleBytes()) * 4 }, async (server) => {
      const ws = await Ws.joined(server);
      await ws.assertAlive();
      ws.destroy();
      await (await Polling.joined(server)).assertAlive();
      assert.doesNotMatch(server.log(), /memory/);
    });
  });

  it('too little: nobody comes in, and the log says why', async () => {
    await withOptions({ max_memory: Math.floor((await idleBytes()) / 2) }, async (server) => {
      await server.stderrMatches(/memory is very short: \d+ MB of \d+ \(max_memory\)/);
      assert.ok((await turnedAway(server)) !== undefined);
    });
  });

  it('clients who do not read are closed, those who do are served, nobody new comes in', async () => {
    const budget = Math.floor((await idleBytes()) + 100 * MB);
    await withOptions({ max_memory: budget, max_queue: 256 * MB, http_compression: false }, async (server) => {
      const [honest, hog, slow] = [await Ws.joined(server), await Ws.joined(server), await Polling.joined(server)];
      const http = await Http.connect(server); // here before, but without a session
      hog.wire.pauseReading();
      const metrics = async () => {
        await honest.text('421["metrics"]');
        return JSON.parse((await honest.nextText()).slice('431'.length))[0];
      };
      assert.equal((await metrics()).memory_evicted, 0);
      for (let i = 0; i < 50 && !server.find({ what: 'disconnect', id: hog.id }).length; i += 1) {
        await hog.text('42["flood",1000000,5]');
        await honest.assertAlive();
        await slow.request({ method: 'POST', body: '42["flood",100000,5]' });
      }
      const { reason } = await server.record({ what: 'disconnect', id: hog.id });
      assert.equal(reason, 'transport error');
      await honest.assertAlive();
      const after = await metrics();
      assert.ok(after.memory_evicted >= 1 && after.memory_evicted <= 2, `${after.memory_evicted} evicted`);
      assert.equal(after.reject_queue_full, 0, 'it is memory, not the queue of one');
      if (resident(server) > budget * 0.8) { // with ASan what was freed is kept for a while
        assert.ok((await turnedAway(server)) !== undefined);
        await http.send(requestBytes(server, { path: url('EIO=4&transport=polling') }));
        assert.equal((await http.response()).status, 503);
        assert.ok((await metrics()).reject_memory >= 2);
      } else {
        assert.equal((await request(server, { path: url('EIO=4&transport=polling') })).status, 200);
      }
      http.destroy();
      honest.destroy();
      hog.destroy();
    });
  });
});
