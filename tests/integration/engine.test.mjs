// Hooks of the engine: allow_request, generate_id, io.engine's events (features.md 1.3, protocol.md 1.3, 1.4).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App } from './lib/app.mjs';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Http, request, requestBytes, settle } from './lib/http.mjs';
import { Server, differs, luaOnly, siocOnly, withServer } from './lib/server.mjs';
import { upgrade } from './lib/ws.mjs';

const polling = (query = '') => url(`EIO=4&transport=polling${query}`);
const websocket = (query = '') => url(`EIO=4&transport=websocket${query}`);
const code = (number, message) => JSON.stringify({ code: number, message });

async function assertRefused(server, path, status, body) {
  const response = await request(server, { path });
  assert.deepEqual([response.status, response.headers['content-type'], response.text], [status, 'application/json', body], path);
}

async function assertUpgradeRefused(server, path, text) {
  const { http, response } = await upgrade(server, path);
  assert.deepEqual([response.status, response.headers['content-type'], response.headers.connection, response.text], [400, 'text/html', 'close', text], path);
  await http.assertEnd();
  http.destroy();
}

withServer('allow_request', { options: { hooks: ['allow_request', 'events'] } }, (server) => {
  it('E015 a refusal with a text', async () => {
    await assertRefused(server, polling('&deny=nope'), 403, code(4, 'nope'));
    await assertUpgradeRefused(server, websocket('&deny=nope'), 'nope');
  });

  it('E015 a refusal without a text', async () => {
    await assertRefused(server, polling('&deny='), 403, code(4, 'Forbidden'));
    await assertUpgradeRefused(server, websocket('&deny='), 'Forbidden');
  });

  it('a text with quotes, and beyond ASCII', async () => {
    await assertRefused(server, polling('&deny=%22%C3%A9%5C%0A'), 403, code(4, '"é\\\n'));
    await assertUpgradeRefused(server, websocket('&deny=%C3%A9%E2%82%AC'), 'é€');
  });

  it('E016 is asked before the version is looked at', async () => {
    await assertRefused(server, url('EIO=3&transport=polling&deny=nope'), 403, code(4, 'nope'));
    await assertRefused(server, url('EIO=3&transport=polling'), 400, code(5, 'Unsupported protocol version'));
    await assertUpgradeRefused(server, url('EIO=3&transport=websocket&deny=nope'), 'nope');
    if (differs('1.4: check EIO before the 101', { sioc: true, node: false })) await assertUpgradeRefused(server, url('EIO=3&transport=websocket'), 'Unsupported protocol version');
  });

  it('is asked after transport, method and sid were looked at', async () => {
    await assertRefused(server, url('EIO=4&transport=abc&deny=nope'), 400, code(0, 'Transport unknown'));
    await assertRefused(server, polling('&sid=abc&deny=nope'), 400, code(1, 'Session ID unknown'));
    await assertRefused(server, websocket('&deny=nope'), 400, code(3, 'Bad request'));
    const response = await request(server, { path: polling('&deny=nope'), method: 'PUT' });
    assert.equal(response.text, code(2, 'Bad handshake method'));
  });

  it('is not asked for requests of a session', async () => {
    const session = await Polling.joined(server);
    await session.request({ path: `${session.path}&deny=nope`, method: 'POST', body: '42["echo",1]' });
    const response = await session.request({ path: `${session.path}&deny=nope` });
    assert.deepEqual([response.status, response.text], [200, '42["echo",1]']);
  });

  it('allows, now or later, over polling and WebSocket', async () => {
    for (const query of ['', '&slow=0.05']) {
      const response = await request(server, { path: polling(query) });
      assert.match(response.text, /^0\{"sid":"[A-Za-z0-9_-]{20}"/);
      const ws = await Ws.open(server, query);
      await ws.join();
      await ws.assertAlive();
      ws.destroy();
    }
    await assertRefused(server, polling('&slow=0.05&deny=late'), 403, code(4, 'late'));
    await assertUpgradeRefused(server, websocket('&slow=0.05&deny=late'), 'late');
  });

  it('takes frames that came before it has answered', async () => {
    const http = await Http.connect(server);
    const { upgradeHeaders, frame, WebSocket } = await import('./lib/ws.mjs');
    await http.send(Buffer.concat([requestBytes(server, { path: websocket('&slow=0.05'), headers: upgradeHeaders() }), frame({ payload: '40' })]));
    const response = await http.response();
    assert.equal(response.status, 101);
    const ws = new WebSocket(http.wire, response);
    assert.equal((await ws.nextText())[0], '0');
    assert.match(await ws.nextText(), /^40\{"sid":/);
    ws.destroy();
  });

  it('a client that goes meanwhile harms nobody', async () => {
    for (const path of [polling('&slow=0.05'), websocket('&slow=0.05')]) {
      const http = await Http.connect(server);
      await http.send(requestBytes(server, { path }));
      await settle(server);
      http.wire.rst();
    }
    await request(server, { path: polling('&slow=0.1') }); // the hooks of those before have ended
    await (await Polling.joined(server)).assertAlive();
  });

  it('pipelined requests wait for the answer before them', async () => {
    const http = await Http.connect(server);
    await http.send(Buffer.concat([requestBytes(server, { path: polling('&slow=0.05') }), requestBytes(server, { path: url('EIO=4') })]));
    assert.equal((await http.response()).status, 200);
    assert.equal((await http.response()).status, 400);
    http.destroy();
  });

  it('tells connection_error', async () => {
    await request(server, { path: polling('&deny=nope&t=told') });
    const record = await server.process.until('the record', () => server.find({ what: 'connection_error' }).find((entry) => entry.url.endsWith('t=told')));
    assert.deepEqual([record.code, record.message, record.context], [4, 'Forbidden', { message: 'nope' }]);
  });
});

withServer('allow_request, in Lua', { options: { hooks: ['allow_request', 'generate_id'] } }, (server) => {
  it('nil refuses as false does', () => assertRefused(server, polling('&deny=nil'), 403, code(4, 'Forbidden')));

  it('an error refuses, and is logged', async () => {
    await assertRefused(server, polling('&raise=allow'), 403, code(4, 'Forbidden'));
    await assertUpgradeRefused(server, websocket('&raise=allow'), 'Forbidden');
    await server.stderrMatches(/allow_request raises/);
  });

  for (const [what, id] of [['19 characters', 'a'.repeat(19)], ['65 characters', 'a'.repeat(65)], ['another character', `${'a'.repeat(20)}%2E`], ['a line break', `${'a'.repeat(20)}%0D%0A`]])
    it(`an id of ${what} is an error`, async () => {
      await assertRefused(server, polling(`&id=${id}`), 400, code(3, 'Bad request'));
      await server.stderrMatches(/generate_id must return 20 to 64 characters/);
    });

  for (const length of [20, 64])
    it(`an id of ${length} characters is none`, async () => {
      const sid = 'Zz_-9'.repeat(13).slice(0, length);
      const session = await Polling.open(server, `&id=${sid}`);
      assert.equal(session.sid, sid);
      await session.join();
      await session.assertAlive();
    });

  it('the id of another session is an error', async () => {
    const sid = 'x'.repeat(30);
    const session = await Polling.open(server, `&id=${sid}`);
    await session.join();
    await assertRefused(server, polling(`&id=${sid}`), 400, code(3, 'Bad request'));
    await assertUpgradeRefused(server, websocket(`&id=${sid}`), 'Bad request');
    await session.assertAlive();
    await server.stderrMatches(/the id of another session/);
  });

  it('stops while a hook waits', async () => {
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { path: polling('&slow=60') }));
    await settle(server);
    // the server is stopped after the suite: it does not wait for the hook
  });
}, siocOnly());

withServer('generate_id', { options: { hooks: ['generate_id', 'events'] } }, (server) => {
  it('names sessions of both transports', async () => {
    const session = await Polling.open(server);
    assert.match(session.sid, /^custom_id-\d{12}$/);
    await session.join();
    await session.assertAlive();
    const probe = await session.probe();
    await probe.text('2probe');
    assert.equal(await probe.nextText(), '3probe');
    probe.destroy();
    const ws = await Ws.open(server, '&slow=0.05');
    assert.match(ws.sid, /^custom_id-\d{12}$/);
    ws.destroy();
  });

  it('raising is connection_error 3, ID_GENERATION_ERROR', async () => {
    await assertRefused(server, polling('&raise=id&t=raised'), 400, code(3, 'Bad request'));
    if (differs('1.4: refuse before the 101', { sioc: true, node: false })) await assertUpgradeRefused(server, websocket('&raise=id'), 'Bad request');
    const record = await server.process.until('the record', () => server.find({ what: 'connection_error' }).find((entry) => entry.url.endsWith('t=raised')));
    assert.deepEqual([record.code, record.message, record.context.name], [3, 'Bad request', 'ID_GENERATION_ERROR']);
  });
});

withServer('events of the engine', { options: { hooks: ['events'] } }, (server) => {
  const told = async (path, options = {}) => {
    const mark = `t=${Math.random()}`;
    await request(server, { path: `${path}&${mark}`, ...options });
    const { code: number, message, context } = await server.process.until('the record', () => server.find({ what: 'connection_error' }).find((entry) => entry.url.endsWith(mark)));
    return [number, message, context];
  };

  it('connection_error tells why', async () => {
    const session = await Polling.joined(server);
    const ws = await Ws.joined(server);
    assert.deepEqual(await told(url('EIO=4&transport=abc')), [0, 'Transport unknown', { transport: 'abc' }]);
    assert.deepEqual(await told(polling('&sid=nobody')), [1, 'Session ID unknown', { sid: 'nobody' }]);
    assert.deepEqual(await told(polling(), { method: 'PUT' }), [2, 'Bad handshake method', { method: 'PUT' }]);
    assert.deepEqual(await told(websocket()), [3, 'Bad request', { name: 'TRANSPORT_HANDSHAKE_ERROR' }]);
    assert.deepEqual(await told(polling(`&sid=${ws.sid}`)), [3, 'Bad request', { name: 'TRANSPORT_MISMATCH', transport: 'polling', previousTransport: 'websocket' }]);
    assert.deepEqual(await told(url('EIO=3&transport=polling')), [5, 'Unsupported protocol version', { protocol: 3 }]);
    const [number, , context] = await told(url(`EIO=3&transport=polling&sid=${session.sid}`));
    assert.deepEqual([number, context.name], [3, 'PROTOCOL_MISMATCH']);
    ws.destroy();
  });

  it('initial_headers comes with the first answer, headers with all of them', async () => {
    const open = await request(server, { path: polling('&t=7') });
    const { sid } = JSON.parse(open.text.slice(1));
    assert.deepEqual([open.headers['x-initial'], open.headers['x-each'], open.headers['set-cookie']], ['7!', 'GET', 'a=1, b=2']);
    assert.equal(open.headers['content-type'], 'text/plain; charset=UTF-8');
    const session = new Polling(server, { sid });
    const post = await session.post('40');
    assert.deepEqual([post.headers['x-initial'], post.headers['x-each'], post.headers['set-cookie']], [undefined, 'POST', undefined]);
    const get = await session.request({});
    assert.deepEqual([get.headers['x-initial'], get.headers['x-each']], [undefined, 'GET']);
    const probe = await session.probe();
    assert.deepEqual([probe.response.headers['x-initial'], probe.response.headers['x-each']], [undefined, 'GET']);
    probe.destroy();
    const ws = await Ws.open(server, '&t=8');
    assert.deepEqual([ws.response.headers['x-initial'], ws.response.headers['x-each']], ['8!', 'GET']);
    ws.destroy();
  });

  it('headers does not come with refusals', async () => {
    const session = await Polling.joined(server);
    for (const response of [await request(server, { path: url('EIO=4&transport=abc') }), await session.request({ method: 'PUT' })])
      assert.deepEqual([response.headers['x-each'], response.headers['x-initial']], [undefined, undefined]);
  });

  it('clients_count counts sessions', async () => {
    const ws = await Ws.joined(server);
    await ws.text('421["clients"]');
    const before = Number((await ws.nextText()).match(/^431\[(\d+)\]$/)[1]);
    const other = await Ws.open(server);
    await ws.text('422["clients"]');
    assert.equal(await ws.nextText(), `432[${before + 1}]`);
    other.destroy();
    ws.destroy();
  });
});

withServer('events of the engine, in Lua', { options: { hooks: ['events'], cors: { origin: 'http://app.example' } } }, (server) => {
  it('a header with a line break is an error; the answer goes out without it', async () => {
    const response = await request(server, { path: polling('&bad=1') });
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-forged'], undefined);
    assert.doesNotMatch(response.head, /Forged/);
    await server.stderrMatches(/the header "X-Bad" cannot be set/);
  });

  it('a handler of headers cannot wait', luaOnly('in Python it is refused when it is registered'), async () => {
    assert.equal((await request(server, { path: polling('&wait=1') })).status, 200);
    await server.stderrMatches(/headers.*(wait|yield)|(wait|yield).*headers/s);
  });

  it('a handler that closes sockets while an answer is made', async () => {
    const [ws, session] = [await Ws.joined(server), await Polling.joined(server)];
    const pending = await session.pend();
    assert.equal((await request(server, { path: polling('&kill=1') })).status, 200);
    assert.equal(await ws.nextText(), '41');
    assert.equal(await pending.text(), '41');
    ws.destroy();
  });

  it('a refused origin is connection_error 4', async () => {
    await request(server, { path: polling(), headers: { Origin: 'http://evil.example' } });
    const record = await server.record({ what: 'connection_error', code: 4 });
    assert.deepEqual([record.message, record.context], ['Forbidden', { name: 'INVALID_ORIGIN', origin: 'http://evil.example', message: 'Forbidden' }]);
  });
}, siocOnly());

withServer('middleware of the engine', { options: { hooks: ['use', 'events'] } }, (server) => {
  for (const fail of ['nope', 'second'])
    it(`E026 a failure is code 3, of whatever request: ${fail}`, async () => {
      await assertRefused(server, polling(`&fail=${fail}`), 400, code(3, 'Bad request'));
      await assertUpgradeRefused(server, websocket(`&fail=${fail}`), 'Bad request');
      await assertRefused(server, url(`EIO=4&transport=abc&fail=${fail}`), 400, code(3, 'Bad request'));
      const session = await Polling.joined(server);
      await assertRefused(server, `${session.path}&fail=${fail}`, 400, code(3, 'Bad request'));
      await assertUpgradeRefused(server, websocket(`&sid=${session.sid}&fail=${fail}`), 'Bad request');
      const response = await session.request({ path: `${session.path}&fail=${fail}`, method: 'POST', body: '42["echo",1]' });
      assert.deepEqual([response.status, response.text], [400, code(3, 'Bad request')]);
      await session.assertAlive();
    });

  it('is connection_error 3, MIDDLEWARE_FAILURE', async () => {
    await request(server, { path: polling('&fail=nope&t=told') });
    const record = await server.process.until('the record', () => server.find({ what: 'connection_error' }).find((entry) => entry.url.endsWith('t=told')));
    assert.deepEqual([record.code, record.message, record.context], [3, 'Bad request', { name: 'MIDDLEWARE_FAILURE' }]);
  });

  it('what passes goes on, with the headers it was given', async () => {
    const session = await Polling.joined(server);
    for (const options of [{ path: polling() }, { path: session.path, method: 'POST', body: '42["echo",1]' }, { path: session.path }]) {
      const response = await request(server, options);
      assert.deepEqual([response.status, response.headers['x-used']], [200, `${options.method ?? 'GET'}!`]);
    }
    const ws = await Ws.joined(server);
    assert.equal(ws.response.headers['x-used'], 'GET!');
    await ws.assertAlive();
    ws.destroy();
  });
});

withServer('middleware of the engine, in Lua', { options: { hooks: ['use', 'events'] } }, (server) => {
  it('false refuses; so does an error, which is logged', async () => {
    await assertRefused(server, polling('&fail=false'), 400, code(3, 'Bad request'));
    await assertRefused(server, polling('&raise=use'), 400, code(3, 'Bad request'));
    await server.stderrMatches(/middleware raises/);
  });

  it('cannot wait', luaOnly('in Python it is refused when it is registered'), async () => {
    await assertRefused(server, polling('&wait=use'), 400, code(3, 'Bad request'));
    await server.stderrMatches(/cannot wait|yield/);
  });
}, siocOnly());

// The handler of "headers" closes the server, and with it the session whose answer is being made.
describe('a server that is closed while an answer is made', siocOnly(), () => {
  const CLOSE = '&close=1';
  const cases = {
    'the first one, over polling': async (server) => {
      const response = await request(server, { path: polling(CLOSE) });
      assert.equal(response.status, 200);
    },
    'of a request that middleware looks at': async (server) => {
      assert.equal((await request(server, { path: polling('&close=use') })).status, 503);
    },
    'the first one, a 101': async (server) => {
      const { http, response } = await upgrade(server, websocket(CLOSE));
      assert.equal(response.status, 101);
      http.destroy();
    },
    'of a GET': async (server) => {
      const session = await Polling.joined(server);
      await session.post('42["echo",1]');
      const response = await session.request({ path: session.path + CLOSE });
      assert.equal(response.status, 200);
    },
    'of a GET that hangs': async (server) => {
      const session = await Polling.joined(server);
      const waiting = session.request({ path: session.path + CLOSE });
      await settle(server);
      await session.request({ method: 'POST', body: '42["echo",1]' });
      assert.equal((await waiting).status, 200);
    },
    'of a POST': async (server) => {
      const session = await Polling.joined(server);
      const pending = await session.pend();
      const response = await session.request({ path: session.path + CLOSE, method: 'POST', body: '42["note",1]' });
      assert.deepEqual([response.status, response.text], [200, 'ok']);
      assert.equal(await pending.text(), '1');
    },
    'of a probe': async (server) => {
      const session = await Polling.joined(server);
      const { http, response } = await upgrade(server, websocket(`&sid=${session.sid}${CLOSE}`));
      assert.equal(response.status, 101);
      http.destroy();
    },
    'of a GET that a probe releases': async (server) => {
      const session = await Polling.joined(server);
      const probe = await session.probe();
      const waiting = session.request({ path: session.path + CLOSE });
      await settle(server);
      await probe.text('2probe');
      assert.equal((await waiting).status, 200);
      probe.destroy();
    },
    'of a GET that hangs when the session moves': async (server) => {
      const session = await Polling.joined(server);
      const probe = await session.probe();
      const waiting = session.request({ path: session.path + CLOSE });
      await settle(server);
      await probe.text('5');
      assert.equal((await waiting).status, 200);
      probe.destroy();
    },
  };
  for (const [name, body] of Object.entries(cases))
    it(name, name.includes('middleware') ? luaOnly('a handler that is no coroutine cannot wait for close() in Python') : {}, async () => {
      const server = await new Server({ options: { hooks: ['events', 'use'], close_timeout: 0.2 } }).start();
      try {
        const [ws, other] = [await Ws.joined(server), await Polling.joined(server)];
        await body(server);
        await server.assertReason(ws.id, 'server shutting down');
        await server.assertReason(other.id, 'server shutting down');
        ws.destroy();
      } finally {
        server.process.kill('SIGTERM');
        assert.equal(await server.process.exit(), 0);
        server.process.assertClean();
      }
    });
});

describe('a reload', siocOnly(), () => {
  const script = (version, options = '') => `local sioc = require "sioc"
local io = sioc.server { ${options} }
io.engine:on("headers", function(headers) headers["X-Version"] = "${version}" end)
io:event("version", function() return "${version}" end)
`;
  const get = (app, query = '') => request(app, { path: polling(query) });

  it('exchanges the hooks of the engine, and what options make of answers', () => App.run(script('a', 'allow_request = function() return false, "a" end'), async (app) => {
    assert.deepEqual([(await get(app)).status, (await get(app)).text], [403, code(4, 'a')]);
    await app.swap(script('b', 'cookie = { name = "b" }, generate_id = function() return ("b"):rep(30) end'));
    const response = await get(app);
    assert.deepEqual([response.status, response.headers['x-version'], response.headers['set-cookie'].slice(0, 4)], [200, 'b', 'b=bb']);
    assert.equal(JSON.parse(response.text.slice(1)).sid, 'b'.repeat(30));
    await app.swap('local sioc = require "sioc"\nsioc.server {}:event("x", print)\n');
    const last = await get(app);
    assert.deepEqual([last.status, last.headers['x-version'], last.headers['set-cookie']], [200, undefined, undefined]);
  }));

  it('lets a hook that waits answer still', () => App.run(script('a', 'allow_request = function(req) sioc.sleep(0.3) return req.query.deny == nil, "a" end'), async (app) => {
    const [allowed, denied] = [get(app), get(app, '&deny=1')];
    await settle(app);
    await app.swap(script('b', 'allow_request = function() return false, "b" end'));
    assert.equal((await get(app)).text, code(4, 'b'));
    assert.equal((await allowed).status, 200);
    assert.equal((await denied).text, code(4, 'a'));
  }));
});
