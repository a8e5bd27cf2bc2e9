// Certificates that are renewed on disk: the next connection gets the new one, those that are open stay.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { App, ask } from './lib/app.mjs';
import { Authority } from './lib/certificates.mjs';
import { siocOnly } from './lib/server.mjs';
import { limit, pause } from './lib/wire.mjs';

const script = (options = '{}') => `local sioc = require "sioc"
local io = sioc.server ${options}
io:event("echo", function(s, i) return i end)
io:websocket("/plain", function(ws) ws:on("message", function(data) ws:send(data) end) end)
`;

describe('reload: certificates', siocOnly('the reference cannot'), () => {
  let ca;
  let pair;
  before(() => { ca = new Authority(); pair = ca.sign('renewed', 'localhost', '127.0.0.1'); });
  after(() => ca.remove());

  const withTls = () => script(`{ tls = { cert = "${pair.cert}", key = "${pair.key}" } }`);
  // The serial number of the certificate that a new connection is shown.
  const serial = (app) => limit(new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: app.port, ca: ca.pem }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.end();
    });
    socket.once('error', reject);
  }), 'a TLS connection');
  const secure = (app) => { app.url = `https://127.0.0.1:${app.port}`; };
  const client = (app, transport) => app.client('/', { transports: [transport], ca: ca.pem });

  // Numbered requests until stop(); gives how many were answered, and that all were, in order.
  const traffic = (socket) => {
    const state = { answered: 0, wrong: [], stopped: false };
    const done = (async () => {
      for (let i = 0; !state.stopped; i += 1) {
        const answer = await ask(socket, 'echo', i);
        if (answer !== i) state.wrong.push([i, answer]);
        state.answered += 1;
        await pause(2);
      }
    })();
    return { state, stop: async () => { state.stopped = true; await done; return state; } };
  };

  it('SIGHUP: new connections get the new certificate, old ones go on with traffic', () => App.run(withTls(), async (app) => {
    secure(app);
    const sockets = [await client(app, 'websocket'), await client(app, 'polling')];
    const running = sockets.map(traffic);
    const serials = [await serial(app)];
    for (let round = 0; round < 3; round += 1) {
      pair = ca.sign('renewed', 'localhost', '127.0.0.1');
      assert.equal(await serial(app), serials.at(-1), 'nothing happens by itself');
      assert.equal((await app.reload()).generation, round + 2);
      serials.push(await serial(app));
      assert.equal(new Set(serials).size, serials.length, `a new certificate each time: ${serials}`);
      const before = running.map(({ state }) => state.answered);
      await pause(100);
      running.forEach(({ state }, i) => assert.ok(state.answered > before[i], 'the traffic goes on'));
      sockets.push(await client(app, 'websocket'));
      running.push(traffic(sockets.at(-1)));
    }
    for (const run of running) assert.deepEqual((await run.stop()).wrong, []);
    assert.deepEqual(sockets.flatMap((socket) => socket.gone), []);
  }));

  it('a pair that does not fit, or cannot be read, is refused and changes nothing', () => App.run(withTls(), async (app) => {
    secure(app);
    const socket = await client(app, 'websocket');
    const shown = await serial(app);
    const good = { cert: fs.readFileSync(pair.cert), key: fs.readFileSync(pair.key) };
    const other = ca.sign('other', 'localhost');
    const wrongs = [
      () => fs.copyFileSync(other.key, pair.key), // half of the renewal is there
      () => fs.writeFileSync(pair.cert, good.cert.subarray(0, 200)),
      () => fs.writeFileSync(pair.cert, ''),
      () => fs.rmSync(pair.key),
    ];
    for (const wrong of wrongs) {
      wrong();
      assert.match((await app.reload()).refused ?? 'it serves', /renewed\.(pem|key)/);
      assert.equal(await serial(app), shown);
      assert.equal(await ask(socket, 'echo', 1), 1);
      fs.writeFileSync(pair.cert, good.cert);
      fs.writeFileSync(pair.key, good.key);
    }
    assert.equal((await app.reload()).generation, 2);
    assert.equal(await serial(app), shown);
    assert.deepEqual(socket.gone, []);
  }));

  it('TLS comes and goes with the script, on the same address', () => App.run(script(), async (app) => {
    const plain = await app.client('/');
    await app.swap(withTls());
    secure(app);
    const crypted = await client(app, 'websocket');
    assert.equal(await ask(plain, 'echo', 1), 1);
    assert.equal(await ask(crypted, 'echo', 2), 2);
    await app.swap(script());
    app.url = `http://127.0.0.1:${app.port}`;
    assert.equal(await ask(await app.client('/'), 'echo', 3), 3);
    assert.equal(await ask(crypted, 'echo', 4), 4);
    assert.deepEqual([...plain.gone, ...crypted.gone], []);
  }));
});
