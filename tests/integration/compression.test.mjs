// HTTP compression of what polling clients fetch (protocol.md 1.10, E058).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { Polling, url } from './lib/eio.mjs';
import { request, settle } from './lib/http.mjs';
import { withServer } from './lib/server.mjs';

const decode = { gzip: gunzipSync, deflate: inflateSync };

// A GET with that header: [coding, payload].
async function fetch(session, accept) {
  const response = await session.request({ headers: accept === undefined ? {} : { 'Accept-Encoding': accept } });
  assert.equal(response.status, 200);
  assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
  assert.equal(response.headers['cache-control'], 'no-store');
  const coding = response.headers['content-encoding'];
  return [coding, coding ? decode[coding](response.body).toString() : response.text];
}

// A payload of exactly that many bytes waits: 42["big","xxx"].
async function fill(session, bytes) {
  const fixed = '42["big",""]'.length;
  await session.post(`42["big",${bytes - fixed}]`);
  return `42["big","${'x'.repeat(bytes - fixed)}"]`;
}

withServer('compression, as it is by default', {}, (server) => {
  for (const [bytes, expected] of [[1023, undefined], [1024, 'gzip'], [1025, 'gzip']])
    it(`E058 ${bytes} bytes are sent ${expected ?? 'plain'}`, async () => {
      const session = await Polling.joined(server);
      const payload = await fill(session, bytes);
      assert.deepEqual(await fetch(session, 'gzip, deflate, br'), [expected, payload]);
      await session.assertAlive();
    });

  for (const [accept, expected] of [['gzip, deflate', 'gzip'], ['deflate, gzip', 'deflate'], ['deflate, gzip;q=0.5', 'deflate'], ['gzip;q=0.5, deflate', 'deflate'],
    ['gzip;q=0', undefined], ['*', 'gzip'], ['br', undefined], ['', undefined], [undefined, undefined], ['gzip', 'gzip'], ['deflate', 'deflate']])
    it(`E058 Accept-Encoding "${accept}" gives ${expected ?? 'plain'}`, async () => {
      const session = await Polling.joined(server);
      const payload = await fill(session, 5000);
      assert.deepEqual(await fetch(session, accept), [expected, payload]);
    });

  it('E058 counts bytes, not characters', async () => {
    const session = await Polling.joined(server);
    const text = 'é'.repeat(600);
    await session.post(`42["echo","${text}"]`);
    assert.deepEqual(await fetch(session, 'gzip'), ['gzip', `42["echo","${text}"]`]);
  });

  it('E058 adds up the packets of a payload', async () => {
    const session = await Polling.joined(server);
    const parts = [await fill(session, 600), await fill(session, 600)];
    assert.deepEqual(await fetch(session, 'gzip'), ['gzip', parts.join('\x1e')]);
  });

  it('E058 compresses the answer of a GET that hung', async () => {
    const session = await Polling.joined(server);
    const waiting = session.request({ headers: { 'Accept-Encoding': 'gzip' } });
    await settle(server);
    const payload = await fill(session, 5000);
    const response = await waiting;
    assert.equal(response.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(response.body).toString(), payload);
  });

  it('compress(false) is heeded, unless another packet of the payload wants it', async () => {
    const session = await Polling.joined(server);
    const payload = `42["big","${'x'.repeat(2000)}"]`;
    await session.post('42["big plain",2000]');
    assert.deepEqual(await fetch(session, 'gzip'), [undefined, payload]);
    await session.post('42["big plain",2000]\x1e42["echo",1]');
    assert.deepEqual(await fetch(session, 'gzip'), ['gzip', `${payload}\x1e42["echo",1]`]);
  });

  it('compress(false) is heeded in a broadcast', async () => {
    const session = await Polling.joined(server);
    await session.post(`42["cast",{"from":"server","compress":false},"${'x'.repeat(2000)}"]`);
    assert.deepEqual(await fetch(session, 'gzip'), [undefined, `42["news","${'x'.repeat(2000)}"]`]);
  });

  it('never compresses the answer of a POST, or an error', async () => {
    const session = await Polling.joined(server);
    const ok = await session.post('6', { 'Accept-Encoding': 'gzip' });
    assert.equal(ok.headers['content-encoding'], undefined);
    const error = await request(server, { path: url('EIO=4&transport=abc'), headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(error.headers['content-encoding'], undefined);
  });
});

withServer('compression, threshold 100', { options: { http_compression: { threshold: 100 } } }, (server) => {
  it('E058 heeds the threshold', async () => {
    const session = await Polling.joined(server);
    for (const [bytes, expected] of [[99, undefined], [100, 'gzip']]) {
      const payload = await fill(session, bytes);
      assert.deepEqual(await fetch(session, 'gzip'), [expected, payload]);
    }
  });

  it('E058 compresses the handshake, too, when it is long enough', async () => {
    const response = await request(server, { path: url('EIO=4&transport=polling'), headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(response.headers['content-encoding'], 'gzip');
    assert.match(gunzipSync(response.body).toString(), /^0\{"sid":/);
  });
});

withServer('compression off', { options: { http_compression: false } }, (server) => {
  it('E058 sends everything plain', async () => {
    const session = await Polling.joined(server);
    const payload = await fill(session, 5000);
    assert.deepEqual(await fetch(session, 'gzip'), [undefined, payload]);
  });
});
