// Engine.IO handshake over raw sockets: E001 to E026, and who may connect (Origin).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ENGINE, Polling, Ws, url } from './lib/eio.mjs';
import { Http, contentType, refused, request, requestBytes } from './lib/http.mjs';
import { differs, withServer } from './lib/server.mjs';
import { upgrade } from './lib/ws.mjs';

const UNKNOWN_TRANSPORT = '{"code":0,"message":"Transport unknown"}';
const UNKNOWN_SID = '{"code":1,"message":"Session ID unknown"}';
const BAD_METHOD = '{"code":2,"message":"Bad handshake method"}';
const BAD_REQUEST = '{"code":3,"message":"Bad request"}';
const BAD_VERSION = '{"code":5,"message":"Unsupported protocol version"}';
const POLLING = url('EIO=4&transport=polling');

async function assertError(server, options, body) {
  const response = await request(server, options);
  assert.deepEqual([response.status, contentType(response), response.text], [400, 'application/json', body], JSON.stringify(options));
}

withServer('handshake', {}, (server) => {
  it('E001 opens a session with five keys in order', async () => {
    const response = await request(server, { path: POLLING });
    assert.equal(response.status, 200);
    assert.equal(contentType(response), 'text/plain;charset=utf-8');
    assert.equal(response.headers['cache-control'], 'no-store');
    assert.equal(response.headers['content-length'], '118');
    assert.match(response.text, /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/);
    assert.equal(response.headers['access-control-allow-origin'], undefined);
    assert.equal(response.headers['set-cookie'], undefined);
  });

  it('E001 gives each session an id of its own', async () => {
    const sids = new Set();
    for (let i = 0; i < 20; i += 1) sids.add((await Polling.open(server)).sid);
    assert.equal(sids.size, 20);
  });

  it('E002 refuses a request without transport', () => assertError(server, { path: url('EIO=4') }, UNKNOWN_TRANSPORT));

  for (const name of ['abc', 'POLLING', 'constructor', '__proto__', 'webtransport'])
    it(`E003 refuses transport=${name}`, () => assertError(server, { path: url(`EIO=4&transport=${name}`) }, UNKNOWN_TRANSPORT));

  for (const sid of ['abc', '__proto__', 'AAAAAAAAAAAAAAAAAAAA'])
    it(`E004 does not know sid=${sid}`, async () => {
      await assertError(server, { path: url(`EIO=4&transport=polling&sid=${sid}`) }, UNKNOWN_SID);
      await assertError(server, { path: url(`EIO=4&transport=polling&sid=${sid}`), method: 'POST', body: '40' }, UNKNOWN_SID);
    });

  it('E005 takes an empty sid for none', async () => {
    const response = await request(server, { path: url('EIO=4&transport=polling&sid=') });
    assert.equal(response.status, 200);
    assert.match(response.text, /^0\{"sid":"/);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    it(`E006 refuses a handshake by ${method}`, () => assertError(server, { path: POLLING, method, body: method === 'POST' ? '40' : undefined }, BAD_METHOD));

  it('E007 answers HEAD with the headers of an error only', async () => {
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { path: POLLING, method: 'HEAD', headers: { Connection: 'close' } }));
    const response = await http.response({ head: true });
    assert.deepEqual([response.status, contentType(response)], [400, 'application/json']);
    await http.assertEnd();
  });

  it('E008 refuses transport=websocket without an upgrade', () => assertError(server, { path: url('EIO=4&transport=websocket') }, BAD_REQUEST));

  for (const version of ['', 'EIO=3&', 'EIO=5&', 'EIO=04&', 'EIO=abc&', 'EIO=&'])
    it(`E009 refuses the protocol version "${version}"`, () => assertError(server, { path: url(`${version}transport=polling`) }, BAD_VERSION));

  it('E009 checks method and transport before the version', async () => {
    await assertError(server, { path: url('EIO=3&transport=abc') }, UNKNOWN_TRANSPORT);
    await assertError(server, { path: url('EIO=3&transport=polling'), method: 'PUT' }, BAD_METHOD);
  });

  it('E010 lets the last of several parameters win', async () => {
    assert.equal((await request(server, { path: url('EIO=3&EIO=4&transport=abc&transport=polling') })).status, 200);
    await assertError(server, { path: url('EIO=4&EIO=3&transport=polling') }, BAD_VERSION);
  });

  it('E011 refuses another version on a session, which lives on', async () => {
    const session = await Polling.joined(server);
    await assertError(server, { path: url(`transport=polling&sid=${session.sid}`) }, BAD_REQUEST);
    await assertError(server, { path: url(`EIO=3&transport=polling&sid=${session.sid}`) }, BAD_REQUEST);
    await session.assertAlive();
  });

  it('E012 refuses transport=websocket without an upgrade on a polling session, which lives on', async () => {
    const session = await Polling.joined(server);
    await assertError(server, { path: url(`EIO=4&transport=websocket&sid=${session.sid}`) }, BAD_REQUEST);
    await session.assertAlive();
  });

  it('E013 refuses polling on a WebSocket session, which lives on', async () => {
    const ws = await Ws.joined(server);
    await assertError(server, { path: url(`EIO=4&transport=polling&sid=${ws.sid}`) }, BAD_REQUEST);
    await assertError(server, { path: url(`EIO=4&transport=polling&sid=${ws.sid}`), method: 'POST', body: '42["echo",1]' }, BAD_REQUEST);
    await ws.assertAlive();
    ws.destroy();
  });

  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'])
    it(`E014 answers ${method} on a session with 500; the session lives on`, async () => {
      const session = await Polling.joined(server);
      const response = await session.request({ method });
      assert.deepEqual([response.status, response.text], [500, '']);
      await session.assertAlive();
    });

  for (const agent of ['Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.1)', 'Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko'])
    it(`E017 adds X-XSS-Protection for ${agent.slice(13, 40)}`, async () => {
      const response = await request(server, { path: POLLING, headers: { 'User-Agent': agent } });
      assert.equal(response.headers['x-xss-protection'], '0');
      const other = await request(server, { path: POLLING, headers: { 'User-Agent': 'Mozilla/5.0' } });
      assert.equal(other.headers['x-xss-protection'], undefined);
    });

  it('E018 decodes names and values of parameters', async () => {
    assert.equal((await request(server, { path: `${ENGINE}?%45IO=%34&transport=p%6Flling` })).status, 200);
    assert.equal((await request(server, { path: url('EIO=4&transport=polling&x=%zz') })).status, 200);
    assert.equal((await request(server, { path: url('EIO=4&transport=polling&t=a+b#fragment') })).status, 200);
  });

  it('E021 wants a Host in HTTP/1.1', async () => {
    const response = await refused(server, `GET ${POLLING} HTTP/1.1\r\n\r\n`);
    assert.deepEqual([response.status, response.text], [400, '']);
  });

  it('E021 serves HTTP/1.0 and closes', async () => {
    const response = await refused(server, `GET ${POLLING} HTTP/1.0\r\n\r\n`);
    assert.equal(response.status, 200);
    assert.match(response.text, /^0\{"sid":"/);
    assert.equal(response.headers.connection, 'close');
  });

  it('E022 refuses a head of 20 KB', async () => {
    const response = await refused(server, `GET ${POLLING} HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20000)}\r\n\r\n`);
    assert.equal(response.status, 431);
  });

  for (const [name, lines] of [['two equal Content-Length', 'Content-Length: 2\r\nContent-Length: 2'], ['two different Content-Length', 'Content-Length: 2\r\nContent-Length: 3'],
    ['Content-Length with Transfer-Encoding', 'Content-Length: 2\r\nTransfer-Encoding: chunked']])
    it(`E023 refuses ${name}`, async () => {
      const session = await Polling.open(server);
      const response = await refused(server, `POST ${session.path} HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n40`);
      assert.deepEqual([response.status, response.text], [400, '']);
      await session.assertKnown();
    });

  it('E024 knows its path exactly', async () => {
    assert.equal((await request(server, { path: `http://127.0.0.1:${server.port}${POLLING}` })).status, 404, 'absolute form');
    assert.equal((await request(server, { path: '/socket.iox/?EIO=4&transport=polling' })).status, 404);
    assert.equal((await request(server, { path: '/socket.ioXsocket.io.js' })).status, differs('section 9: "the reference only compares the prefix"', { sioc: 404, node: 200 }));
  });

  it('E024 does not take the path without its slash', async () => {
    assert.equal((await request(server, { path: '/socket.io?EIO=4&transport=polling' })).status, 404);
  });

  it('E024 a longer path', async () => {
    const response = await request(server, { path: '/socket.io/foo?EIO=4&transport=polling' });
    // 1.2: "match the exact path component instead"; whether "foo" belongs to it is not said: not a session, or one as in the reference.
    if (response.status === 200) assert.match(response.text, /^0\{"sid":"/);
    else assert.ok(response.status === 404 || response.status === 400, String(response.status));
  });

  it('accepts the same origin', async () => {
    const headers = { Origin: server.url };
    assert.equal((await request(server, { path: POLLING, headers })).status, 200);
    const ws = await Ws.open(server, '', headers);
    ws.destroy();
  });

  for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1.evil.example', 'http://127.0.0.1:1'])
    it(`refuses the origin ${origin} over polling and WebSocket`, async () => {
      const reason = 'api.md, differences 5: same-origin by default';
      const response = await request(server, { path: POLLING, headers: { Origin: origin } });
      assert.equal(response.status, differs(reason, { sioc: 403, node: 200 }));
      assert.equal(response.headers['access-control-allow-origin'], undefined);
      const { http, response: answer } = await upgrade(server, url('EIO=4&transport=websocket'), { Origin: origin });
      http.destroy();
      // 1.4: an Upgrade request is refused with 400 whatever the code; security.md 2 says 403 for polling and WebSocket.
      assert.equal(answer.status, differs(reason, { sioc: 403, node: 101 }));
    });
});

withServer('handshake, options', {
  options: { ping_interval: 10, ping_timeout: 5.5, max_payload: 12345, allow_upgrades: false, cors: { origin: 'http://app.example' } },
}, (server) => {
  it('tells its options in the handshake', async () => {
    const response = await request(server, { path: POLLING });
    assert.match(response.text, /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\[\],"pingInterval":10000,"pingTimeout":5500,"maxPayload":12345\}$/);
  });

  it('refuses a probe when upgrades are not allowed', async () => {
    const session = await Polling.joined(server);
    const { http, response } = await upgrade(server, url(`EIO=4&transport=websocket&sid=${session.sid}`));
    // Section 12 says refuse, not how: 400, or as a second probe is refused (101, then an empty close frame).
    if (differs('section 12: refuse probes when allowUpgrades is off', { sioc: true, node: false })) {
      if (response.status === 101) assert.deepEqual(await http.wire.read(2), Buffer.from([0x88, 0]));
      else assert.equal(response.status, 400);
    }
    http.destroy();
    await session.assertAlive();
  });

  it('opens polling and WebSocket to the listed origin', async () => {
    const headers = { Origin: 'http://app.example' };
    const response = await request(server, { path: POLLING, headers });
    assert.equal(response.status, 200);
    assert.equal(response.headers['access-control-allow-origin'], 'http://app.example');
    assert.match(response.headers.vary, /\bOrigin\b/);
    const ws = await Ws.open(server, '', headers);
    ws.destroy();
    const error = await request(server, { path: url('EIO=4&transport=abc'), headers });
    assert.equal(error.status, 400);
    assert.equal(error.headers['access-control-allow-origin'], 'http://app.example');
  });
});

withServer('handshake, WebSocket only', { options: { transports: ['websocket'] } }, (server) => {
  it('E025 refuses polling', () => assertError(server, { path: POLLING }, UNKNOWN_TRANSPORT));
  it('E025 opens a WebSocket', async () => (await Ws.joined(server)).destroy());
});

withServer('handshake, polling only', { options: { transports: ['polling'] } }, (server) => {
  it('E025 offers no upgrade', async () => assert.deepEqual((await Polling.open(server)).open.upgrades, []));
  it('E025 answers an upgrade as an ordinary request', async () => {
    const { http, response } = await upgrade(server, url('EIO=4&transport=websocket'));
    http.destroy();
    assert.deepEqual([response.status, response.text], [400, UNKNOWN_TRANSPORT]);
  });
});

withServer('handshake, polling only, sessions', { options: { transports: ['polling'] } }, (server) => {
  it('E025 a probe is an ordinary request, too; the session lives on', async () => {
    const session = await Polling.joined(server);
    const { http, response } = await upgrade(server, url(`EIO=4&transport=websocket&sid=${session.sid}`));
    http.destroy();
    assert.deepEqual([response.status, response.text], [400, UNKNOWN_TRANSPORT]);
    await session.assertAlive();
  });

  it('E025 an upgrade of a polling request is polling', async () => {
    const { http, response } = await upgrade(server, POLLING);
    http.destroy();
    assert.equal(response.status, 200);
    assert.match(response.text, /^0\{"sid":"/);
  });
});

withServer('handshake, WebSocket only, sessions', { options: { transports: ['websocket'] } }, (server) => {
  it('E025 polling with a session is unknown', async () => {
    const ws = await Ws.joined(server);
    assert.deepEqual(ws.open.upgrades, []);
    await assertError(server, { path: url(`EIO=4&transport=polling&sid=${ws.sid}`) }, UNKNOWN_TRANSPORT);
    await ws.assertAlive();
    ws.destroy();
  });
});

withServer('handshake, a path with several parts', { options: { path: '/a/b' } }, (server) => {
  it('E024 serves that path only, and the client below', async () => {
    assert.equal((await request(server, { path: '/a/b/?EIO=4&transport=polling' })).status, 200);
    assert.equal((await request(server, { path: '/a/b/socket.io.js' })).status, 200);
    for (const path of ['/a/b?EIO=4&transport=polling', '/a/?EIO=4&transport=polling', '/b/?EIO=4&transport=polling', '/socket.io/socket.io.js'])
      assert.equal((await request(server, { path })).status, 404, path);
    const { http, response } = await upgrade(server, '/a/b/?EIO=4&transport=websocket');
    http.destroy();
    assert.equal(response.status, 101);
  });
});

withServer('handshake, another path', { options: { path: '/live/' } }, (server) => {
  it('serves the path of the option only', async () => {
    assert.equal((await request(server, { path: '/live/?EIO=4&transport=polling' })).status, 200);
    assert.equal((await request(server, { path: POLLING })).status, 404);
  });
});
