// CORS (protocol.md 1.9, E019), on every kind of answer; and the cookie of a session (1.5, E020).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Http, request, requestBytes } from './lib/http.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';
import { upgrade } from './lib/ws.mjs';

const POLLING = url('EIO=4&transport=polling');
const APP = 'http://app.example';
const EVIL = 'http://evil.example';
const CLIENT_FILE = '/socket.io/socket.io.min.js';
const METHODS = 'GET,HEAD,PUT,PATCH,POST,DELETE';
const SAME_ORIGIN = 'api.md, differences 5: foreign origins are refused';

const preflight = (server, path, headers = {}) => request(server, { method: 'OPTIONS', path, headers: { Origin: APP, ...headers } });
const names = (value) => (value ?? '').split(',').map((part) => part.trim().toLowerCase()).filter(Boolean);

function assertPreflight(response, { methods = METHODS, headers, vary, maxAge, origin = APP }) {
  assert.deepEqual([response.status, response.text, response.headers['content-length']], [204, '', '0']);
  assert.equal(response.headers['access-control-allow-origin'], origin);
  assert.equal(response.headers['access-control-allow-methods'], methods);
  assert.equal(response.headers['access-control-allow-headers'], headers);
  assert.equal(response.headers['access-control-max-age'], maxAge);
  assert.equal(response.headers.vary, vary);
}

withServer('cors, one origin', { options: { cors: { origin: APP } } }, (server) => {
  it('E019 answers a preflight with 204, and Content-Length 0', async () => {
    assertPreflight(await preflight(server, POLLING, { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-one, x-two' }),
      { headers: 'x-one, x-two', vary: 'Origin, Access-Control-Request-Headers' });
  });

  it('E019 reflects no headers when none are asked for', async () => {
    assertPreflight(await preflight(server, POLLING), { vary: 'Origin, Access-Control-Request-Headers' });
  });

  it('E019 does not look at the query of a preflight', async () => {
    for (const path of ['/socket.io/', url('EIO=3&transport=abc'), url('EIO=4&transport=polling&sid=abc')])
      assert.equal((await preflight(server, path)).status, 204, path);
  });

  it('E019 a preflight does nothing to its session, and keeps the connection', async () => {
    const session = await Polling.joined(server);
    const http = await Http.connect(server);
    for (let i = 0; i < 2; i += 1) {
      await http.send(requestBytes(server, { method: 'OPTIONS', path: session.path, headers: { Origin: APP } }));
      // what follows a 204 is the next response, whatever its Content-Length says
      assert.equal((await http.response()).status, 204);
    }
    http.destroy();
    await session.assertAlive();
  });

  it('answers the preflight of a client file', async () => {
    assertPreflight(await preflight(server, CLIENT_FILE), { vary: 'Origin, Access-Control-Request-Headers' });
  });

  it('tells the origin with every answer: GET, POST, errors, client files, 101', async () => {
    const headers = { Origin: APP };
    const assertTold = (response, status) => {
      assert.equal(response.status, status);
      assert.equal(response.headers['access-control-allow-origin'], APP);
      assert.equal(response.headers.vary.split(',')[0], 'Origin');
      assert.equal(response.headers['access-control-allow-methods'], undefined);
      assert.equal(response.headers['access-control-allow-credentials'], undefined);
    };
    const open = await request(server, { path: POLLING, headers });
    assertTold(open, 200);
    const { sid } = JSON.parse(open.text.slice(1));
    const path = url(`EIO=4&transport=polling&sid=${sid}`);
    assertTold(await request(server, { path, method: 'POST', body: '40', headers }), 200);
    assertTold(await request(server, { path, headers }), 200);
    assertTold(await request(server, { path, method: 'PUT', headers }), 500);
    assertTold(await request(server, { path: url('EIO=4&transport=abc'), headers }), 400);
    assertTold(await request(server, { path: url('EIO=4&transport=polling&sid=abc'), headers }), 400);
    const file = await request(server, { path: CLIENT_FILE, headers });
    assert.deepEqual([file.status, file.headers['access-control-allow-origin']], [200, APP]);
    assert.ok(names(file.headers.vary).includes('origin'));
    const ws = await Ws.open(server, '', headers);
    assert.equal(ws.response.headers['access-control-allow-origin'], APP);
    assert.equal(ws.response.headers.vary, 'Origin');
    ws.destroy();
  });

  it('tells the one origin also to those who do not say theirs', async () => {
    const response = await request(server, { path: POLLING });
    assert.deepEqual([response.status, response.headers['access-control-allow-origin'], response.headers.vary], [200, APP, 'Origin']);
  });

  it('refuses another origin, also its preflight', async () => {
    const response = await request(server, { path: POLLING, headers: { Origin: EVIL } });
    assert.equal(response.status, differs(SAME_ORIGIN, { sioc: 403, node: 200 }));
    assert.equal(response.headers['access-control-allow-origin'], APP);
    assert.equal((await preflight(server, POLLING, { Origin: EVIL })).status, differs(SAME_ORIGIN, { sioc: 403, node: 204 }));
  });
});

withServer('cors, all options', {
  options: { cors: { origin: [APP, 'http://two.example'], methods: ['GET', 'POST'], allowed_headers: ['x-mine', 'x-other'], exposed_headers: ['x-a', 'x-b'], credentials: true, max_age: 600 } },
}, (server) => {
  it('E019 says what is configured', async () => {
    const response = await preflight(server, POLLING, { 'Access-Control-Request-Headers': 'x-one' });
    assertPreflight(response, { methods: 'GET,POST', headers: 'x-mine,x-other', vary: 'Origin', maxAge: '600' });
    assert.equal(response.headers['access-control-allow-credentials'], 'true');
  });

  it('reflects each listed origin', async () => {
    for (const origin of [APP, 'http://two.example']) {
      const response = await request(server, { path: POLLING, headers: { Origin: origin } });
      assert.deepEqual([response.status, response.headers['access-control-allow-origin'], response.headers.vary], [200, origin, 'Origin']);
      assert.equal(response.headers['access-control-allow-credentials'], 'true');
      assert.equal(response.headers['access-control-expose-headers'], 'x-a,x-b');
      assert.equal(response.headers['access-control-max-age'], undefined);
    }
  });

  it('tells nothing to an origin that is not listed', async () => {
    const response = await request(server, { path: POLLING, headers: { Origin: EVIL } });
    assert.equal(response.status, differs(SAME_ORIGIN, { sioc: 403, node: 200 }));
    assert.equal(response.headers['access-control-allow-origin'], undefined);
    assert.equal(response.headers.vary, 'Origin');
  });
});

withServer('cors, everyone', { options: { cors: { origin: '*' } } }, (server) => {
  it('E019 says * without Vary', async () => {
    const response = await request(server, { path: POLLING, headers: { Origin: EVIL } });
    assert.deepEqual([response.status, response.headers['access-control-allow-origin'], response.headers.vary], [200, '*', undefined]);
    assertPreflight(await preflight(server, POLLING, { 'Access-Control-Request-Headers': 'x-one' }),
      { origin: '*', headers: 'x-one', vary: 'Access-Control-Request-Headers' });
    (await Ws.open(server, '', { Origin: EVIL })).destroy();
  });
});

withServer('cors, origin = true', { options: { cors: { origin: true, credentials: true } } }, (server) => {
  it('reflects every origin', async () => {
    const response = await request(server, { path: POLLING, headers: { Origin: EVIL } });
    assert.deepEqual([response.status, response.headers['access-control-allow-origin'], response.headers.vary], [200, EVIL, 'Origin']);
    assert.equal(response.headers['access-control-allow-credentials'], 'true');
    (await Ws.open(server, '', { Origin: EVIL })).destroy();
  });
});

withServer('cors, origin = false', { options: { cors: { origin: false } } }, (server) => {
  it('is as if the option was not there', async () => {
    const response = await request(server, { path: POLLING });
    assert.deepEqual([response.status, response.headers['access-control-allow-origin'], response.headers.vary], [200, undefined, undefined]);
    assert.equal((await request(server, { path: POLLING, method: 'OPTIONS' })).status, 400);
  });
});

withServer('cors, a pattern', { options: { cors: { origin: 'https://*.app.example' } } }, (server) => {
  it('reflects what matches', async () => {
    const response = await request(server, { path: POLLING, headers: { Origin: 'https://x.app.example' } });
    assert.deepEqual([response.status, response.headers['access-control-allow-origin'], response.headers.vary], [200, 'https://x.app.example', 'Origin']);
    for (const origin of ['https://app.example', 'https://x.app.example.evil', 'http://x.app.example', 'https://evil/.app.example'])
      assert.equal((await request(server, { path: POLLING, headers: { Origin: origin } })).status, 403, origin);
  });
}, siocOnly('the reference has regular expressions instead'));

async function assertCookie(server, expected) {
  const response = await request(server, { path: POLLING });
  const { sid } = JSON.parse(response.text.slice(1));
  assert.equal(response.headers['set-cookie'], expected.replace('SID', sid));
  const session = new Polling(server, { sid });
  assert.equal((await session.post('40')).headers['set-cookie'], undefined, 'not with a POST');
  assert.equal((await session.request({})).headers['set-cookie'], undefined, 'not with a later GET');
  const probe = await session.probe();
  assert.equal(probe.response.headers['set-cookie'], undefined, 'not with an upgrade');
  probe.destroy();
  const ws = await Ws.open(server);
  assert.equal(ws.response.headers['set-cookie'], undefined, 'not with a WebSocket handshake');
  ws.destroy();
  const error = await request(server, { path: url('EIO=4&transport=abc') });
  assert.equal(error.headers['set-cookie'], undefined, 'not with an error');
}

withServer('cookie = true', { options: { cookie: true } }, (server) => {
  it('E020 sets it on the polling handshake only', () => assertCookie(server, 'io=SID; Path=/; HttpOnly; SameSite=Lax'));
});

withServer('cookie, all attributes', {
  options: { cookie: { name: 'x', max_age: 86400, domain: 'ex.com', path: '/p', secure: true, http_only: false, same_site: 'none' } },
}, (server) => {
  it('E020 writes the attributes in order', () => assertCookie(server, 'x=SID; Max-Age=86400; Domain=ex.com; Path=/p; Secure; SameSite=None'));
});

withServer('no cookie', {}, (server) => {
  it('E020 is off unless asked for', async () => assert.equal((await request(server, { path: POLLING })).headers['set-cookie'], undefined));
});

withServer('a path without a slash at its end', { options: { path: '/live', add_trailing_slash: false } }, (server) => {
  it('E024 serves the path and what is below', async () => {
    for (const path of ['/live?EIO=4&transport=polling', '/live/?EIO=4&transport=polling'])
      assert.equal((await request(server, { path })).status, 200, path);
    assert.equal((await request(server, { path: '/live/socket.io.js' })).status, 200);
    assert.equal((await request(server, { path: '/livery?EIO=4&transport=polling' })).status, differs('1.2: the exact path component', { sioc: 404, node: 200 }));
    assert.equal((await request(server, { path: POLLING })).status, 404);
    const { http, response } = await upgrade(server, '/live?EIO=4&transport=websocket');
    http.destroy();
    assert.equal(response.status, 101);
  });
});

withServer('a path without a slash, completed', { options: { path: '/live' } }, (server) => {
  it('E024 wants the slash', async () => {
    assert.equal((await request(server, { path: '/live?EIO=4&transport=polling' })).status, 404);
    assert.equal((await request(server, { path: '/live/?EIO=4&transport=polling' })).status, 200);
  });
});
