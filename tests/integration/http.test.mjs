// HTTP/1.1: framing, limits and smuggling over raw sockets; static files, routes of scripts, the client's files.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Http, contentType, refused, request, requestBytes } from './lib/http.mjs';
import { differs, fixtures, repository, siocOnly, withServer } from './lib/server.mjs';
import { upgradeHeaders } from './lib/ws.mjs';

const siocOnlyWhen = (condition, reason) => (condition ? siocOnly(reason) : {});
const HANDSHAKE = url('EIO=4&transport=polling');

withServer('HTTP framing', {}, (server) => {
  const get = (extra = '', target = HANDSHAKE) => `GET ${target} HTTP/1.1\r\nHost: x\r\n${extra}\r\n`;
  const isOpen = (response) => assert.match(response.text, /^0\{"sid":"/);

  it('keep-alive: many requests on one connection', async () => {
    const http = await Http.connect(server);
    for (let i = 0; i < 20; i += 1) {
      await http.send(get());
      isOpen(await http.response());
    }
    http.destroy();
  });

  it('Connection: close ends it', async () => {
    const http = await Http.connect(server);
    await http.send(get('Connection: close\r\n'));
    const response = await http.response();
    isOpen(response);
    assert.equal(response.headers.connection, 'close');
    await http.assertEnd();
  });

  it('HTTP/1.0: closed, or kept alive on request', async () => {
    const http = await Http.connect(server);
    for (let i = 0; i < 2; i += 1) {
      await http.send(`GET ${HANDSHAKE} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
      isOpen(await http.response());
    }
    await http.send(`GET ${HANDSHAKE} HTTP/1.0\r\n\r\n`);
    isOpen(await http.response());
    await http.assertEnd();
  });

  it('pipelined requests are answered in order', async () => {
    const http = await Http.connect(server);
    await http.send(get('', url('EIO=4')) + get() + get('', url('EIO=4&transport=polling&sid=x')) + get());
    assert.equal((await http.response()).text, '{"code":0,"message":"Transport unknown"}');
    isOpen(await http.response());
    assert.equal((await http.response()).text, '{"code":1,"message":"Session ID unknown"}');
    isOpen(await http.response());
    http.destroy();
  });

  it('what is pipelined behind a pending GET waits', async () => {
    const session = await Polling.joined(server);
    const http = await Http.connect(server);
    await http.send(Buffer.concat([requestBytes(server, { path: session.path }), requestBytes(server, { path: HANDSHAKE })]));
    await session.post('42["echo",1]');
    assert.equal((await http.response()).text, '42["echo",1]');
    isOpen(await http.response());
    http.destroy();
  });

  it('a request byte by byte, and cut at every place', async () => {
    const http = await Http.connect(server);
    const bytes = requestBytes(server, { path: HANDSHAKE });
    for (const byte of bytes) await http.send(Buffer.from([byte]));
    isOpen(await http.response());
    for (let at = 1; at < bytes.length; at += 9) {
      await http.send(bytes.subarray(0, at));
      await new Promise(setImmediate);
      await http.send(bytes.subarray(at));
      isOpen(await http.response());
    }
    http.destroy();
  });

  it('empty lines before a request', async () => {
    const http = await Http.connect(server);
    await http.send(`\r\n\r\n${get()}`);
    isOpen(await http.response());
    http.destroy();
  });

  it('header names in any case, white space around values', async () => {
    const session = await Polling.joined(server);
    const http = await Http.connect(server);
    await http.send(`POST ${session.path} HTTP/1.1\r\nhOST:x\r\ncONTENT-lENGTH:  \t 12  \r\n\r\n42["echo",1]`);
    assert.equal((await http.response()).text, 'ok');
    assert.equal(await session.get(), '42["echo",1]');
    http.destroy();
  });

  it('HEAD has no body', async () => {
    const http = await Http.connect(server);
    await http.send(`HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n${get()}`);
    assert.equal((await http.response({ head: true })).status, 404);
    isOpen(await http.response());
    http.destroy();
  });

  const post = (lines, body = '') => `POST ${HANDSHAKE} HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n${body}`;
  const bad = {
    'Content-Length twice, equal': post('Content-Length: 2\r\nContent-Length: 2', '40'),
    'Content-Length twice, different': post('Content-Length: 2\r\nContent-Length: 0', '40'),
    'Content-Length as a list': post('Content-Length: 2, 2', '40'),
    'Content-Length negative': post('Content-Length: -1'),
    'Content-Length with a sign': post('Content-Length: +2', '40'),
    'Content-Length in hex': post('Content-Length: 0x2', '40'),
    'Content-Length with a space inside': post('Content-Length: 1 2', '40'),
    'Content-Length beyond 64 bits': post('Content-Length: 18446744073709551618', '40'),
    'Content-Length and Transfer-Encoding': post('Content-Length: 2\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
    'Transfer-Encoding and Content-Length': post('Transfer-Encoding: chunked\r\nContent-Length: 2', '0\r\n\r\n'),
    'a space before the colon': get('X-A : b\r\n'),
    'a space before the colon of Content-Length': post('Content-Length : 2', '40'),
    'a folded header': get('X-A: b\r\n c\r\n'),
    'a header without a colon': get('X-A\r\n'),
    'an empty header name': get(': b\r\n'),
    'a control byte in a header': get('X-A: b\u0001c\r\n'),
    'NUL in a header': get('X-A: b\u0000c\r\n'),
    'a bare CR in a header': get('X-A: b\rc\r\n'),
    'a control byte in a header name': get('X-\u0001: b\r\n'),
    'HTTP/1.1 without Host': 'GET / HTTP/1.1\r\n\r\n',
    'bytes of TLS': Buffer.from('16030100a5010000a10303', 'hex'),
    'no HTTP at all': 'hello\r\n\r\n',
    'no version': 'GET /\r\n\r\n',
    'two spaces in the request line': 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n',
    'a version of nonsense': 'GET / HTTP/x\r\nHost: x\r\n\r\n',
    'another protocol': 'GET / RTSP/1.1\r\nHost: x\r\n\r\n',
    'a space in the target': 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
    'a NUL in the target': 'GET /a\u0000b HTTP/1.1\r\nHost: x\r\n\r\n',
  };
  const LENIENT = { // what Node's parser lets pass, or does otherwise; [R] decides for sioc
    'two spaces in the request line': 'RFC 9112, 3',
    'no version': 'no HTTP/0.9: RFC 9112',
    'Content-Length beyond 64 bits': 'security.md R30',
    'another protocol': 'RFC 9112, 2.3',
  };
  for (const [name, bytes] of Object.entries(bad))
    it(`refuses ${name}`, siocOnlyWhen(name in LENIENT, LENIENT[name]), async () => {
      const response = await refused(server, bytes);
      assert.deepEqual([response.status, response.text], [400, '']);
    });

  it('refuses bare LF line ends', async () => {
    assert.equal((await refused(server, `GET ${HANDSHAKE} HTTP/1.1\nHost: x\n\n`)).status, 400);
    const response = await refused(server, `GET ${HANDSHAKE} HTTP/1.1\r\nHost: x\r\nX-A: b\n\r\n`);
    assert.equal(response.status, 400);
  });

  for (const coding of ['gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'xchunked', 'identity', '"chunked"'])
    it(`refuses Transfer-Encoding: ${coding}`, siocOnlyWhen(['gzip, chunked', 'chunked, chunked'].includes(coding), 'the reference takes what ends in chunked; 1.16 says other than chunked'), async () => {
      const response = await refused(server, post(`Transfer-Encoding: ${coding}`, '0\r\n\r\n'));
      assert.ok([400, 501].includes(response.status), String(response.status)); // 501 is the answer of security.md R32
    });

  for (const method of ['get', 'GETT', 'FOO', 'G@T', ''])
    it(`refuses the method ${JSON.stringify(method)}`, async () => {
      const response = await refused(server, `${method} ${HANDSHAKE} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.ok(differs('1.16 says 400; RFC 9110 has 501 and 405 for a method that is not known', { sioc: [400, 405, 501], node: [400] }).includes(response.status), String(response.status));
    });

  it('refuses two Host headers', async () => {
    const bytes = get('Host: y\r\nConnection: close\r\n');
    const response = await refused(server, bytes);
    assert.equal(response.status, differs('1.16: reject, [R] 400', { sioc: 400, node: 200 }));
  });

  it('refuses another major version', async () => {
    const response = await refused(server, `GET ${HANDSHAKE} HTTP/2.0\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.equal(response.status, differs('1.16: 505', { sioc: 505, node: 200 }));
  });

  it('refuses another expectation', async () => {
    const http = await Http.connect(server);
    await http.send(post('Content-Length: 2\r\nExpect: the-unexpected', '40'));
    assert.equal((await http.response()).status, 417);
    http.destroy();
  });

  it('refuses an upgrade with a body', siocOnly('security.md R34'), async () => {
    const response = await refused(server, Buffer.concat([requestBytes(server, { path: url('EIO=4&transport=websocket'), headers: upgradeHeaders(), body: 'xx' })]));
    assert.equal(response.status, 400);
  });

  for (const [name, body] of [['a size that is no number', 'zz\r\n'], ['a negative size', '-1\r\n'], ['a size beyond 64 bits', '11111111111111111\r\n'], ['a chunk that is longer than its size', '2\r\n420\r\n'],
    ['a size with 0x', '0x2\r\n42\r\n']])
    it(`a chunked body with ${name} ends the connection`, async () => {
      const session = await Polling.joined(server);
      const http = await Http.connect(server);
      await http.send(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
      const answer = (await http.wire.readToEnd()).toString();
      assert.match(answer, /^(HTTP\/1\.1 400 [^]*)?$/);
      http.destroy();
      await server.assertReason(session.id, 'transport error');
    });

  it('trailers are discarded', async () => {
    const session = await Polling.joined(server);
    const http = await Http.connect(server);
    await http.send(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n42["echo",1]\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\nX-A: b\r\n\r\n${get()}`);
    assert.equal((await http.response()).text, 'ok');
    isOpen(await http.response());
    http.destroy();
    assert.equal(await session.get(), '42["echo",1]');
  });

  it('smuggling: bytes behind a refused request are not a request', async () => {
    const http = await Http.connect(server);
    await http.send(`POST ${HANDSHAKE} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get()}`);
    assert.equal((await http.response()).status, 400);
    await http.assertEnd();
    http.destroy();
  });

  it('heads: 12 KB pass, above 16 KB is 431', async () => {
    const http = await Http.connect(server);
    await http.send(get(`X-A: ${'a'.repeat(12000)}\r\n`));
    isOpen(await http.response());
    http.destroy();
    for (const size of [17000, 60000]) assert.equal((await refused(server, get(`X-A: ${'a'.repeat(size)}\r\n`))).status, 431);
    const many = Array.from({ length: 40 }, (_, i) => `X-${i}: ${'a'.repeat(500)}\r\n`).join('');
    assert.equal((await refused(server, get(many))).status, 431);
  });

  it('a head above 16 KB that never ends is refused', async () => {
    assert.equal((await refused(server, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20000)}`)).status, 431);
  });

  it('absolute form, asterisk and authority are no paths', async () => {
    for (const line of ['GET http://x/socket.io/?EIO=4&transport=polling', 'OPTIONS *'])
      assert.equal((await request(server, { method: line.split(' ')[0], path: line.split(' ')[1] })).status, 404, line);
  });
});

withServer('HTTP of scripts', { script: 'http.lua' }, (server) => {
  const get = (target, headers) => request(server, { path: target, headers });
  const file = (name) => readFileSync(path.join(fixtures, 'public', name));
  const json = { 'Content-Type': 'application/json' };

  // ---- static files ----

  it('serves files with type, length and ETag', async () => {
    for (const [target, name, type] of [['/style.css', 'style.css', 'text/css'], ['/digits.txt', 'digits.txt', 'text/plain'], ['/index.html', 'index.html', 'text/html'], ['/files/style.css', 'style.css', 'text/css']]) {
      const response = await get(target);
      assert.equal(response.status, 200, target);
      assert.deepEqual(response.body, file(name));
      assert.equal(contentType(response).split(';')[0], type);
      assert.match(response.headers.etag, /^(W\/)?"[^"]+"$/);
    }
    const empty = await get('/empty.txt');
    assert.deepEqual([empty.status, empty.headers['content-length'], empty.text], [200, '0', '']);
  });

  it('serves index.html for folders', async () => {
    assert.deepEqual((await get('/')).body, file('index.html'));
    assert.deepEqual((await get('/sub/')).body, file('sub/index.html'));
    const bare = await get('/sub');
    assert.ok([301, 302, 307, 308].includes(bare.status) ? bare.headers.location.endsWith('/sub/') : bare.status === 200 || bare.status === 404, String(bare.status));
  });

  it('ignores the query', async () => assert.deepEqual((await get('/digits.txt?x=1#y')).body, file('digits.txt')));

  it('decodes percent-encoding', async () => {
    assert.deepEqual((await get('/a%20b.txt')).body, file('a b.txt'));
    assert.deepEqual((await get('/%C3%A4.txt')).body, file('ä.txt'));
    assert.deepEqual((await get('/%64igits.txt')).body, file('digits.txt'));
  });

  it('answers HEAD like GET, without the body', async () => {
    const whole = await get('/digits.txt');
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { method: 'HEAD', path: '/digits.txt', headers: { Connection: 'close' } }));
    const response = await http.response({ head: true });
    assert.equal(response.status, 200);
    for (const name of ['content-length', 'content-type', 'etag']) assert.equal(response.headers[name], whole.headers[name]);
    await http.assertEnd();
  });

  it('304 for the ETag', async () => {
    const { etag } = (await get('/digits.txt')).headers;
    const same = await get('/digits.txt', { 'If-None-Match': etag });
    assert.deepEqual([same.status, same.text], [304, '']);
    const other = await get('/digits.txt', { 'If-None-Match': '"other"' });
    assert.deepEqual([other.status, other.text], [200, '0123456789']);
  });

  it('404 for what is not there', async () => {
    for (const target of ['/nothing', '/nothing/', '/digits.txt/', '/sub/nothing.html', '/filesx', '/files/nothing']) assert.equal((await get(target)).status, 404, target);
  });

  it('refuses other methods on files', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await request(server, { method, path: '/digits.txt', body: '' });
      assert.ok([404, 405].includes(response.status), String(response.status));
    }
  });

  for (const target of ['/../outside.txt', '/sub/../../outside.txt', '/%2e%2e/outside.txt', '/..%2foutside.txt', '/%2e%2e%2foutside.txt', '/.%2e/outside.txt', '/sub/%2e%2e/%2e%2e/outside.txt', '/files/../../outside.txt',
    '/files/%2e%2e/outside.txt', '/..%5coutside.txt', '/..\\outside.txt', '//../outside.txt', '/files..%2foutside.txt', '/%252e%252e/outside.txt', '/..;/outside.txt', '/digits.txt%00.html', '/%00', '/%', '/%zz', '/%2', '/%c0%ae%c0%ae/outside.txt',
    '/../../../../../../../../etc/passwd', '//etc/passwd', '/%2fetc/passwd', '/../fixtures/outside.txt', '/../public/../outside.txt'])
    it(`does not leave its folder: ${target}`, async () => {
      const response = await get(target);
      assert.ok([400, 403, 404].includes(response.status), `${response.status} ${response.text}`);
      assert.doesNotMatch(response.text, /not in public|root:/);
    });

  it('does not serve hidden files', async () => assert.ok([403, 404].includes((await get('/.hidden')).status)));

  // ---- routes ----

  it('answers a status, a text, a table', async () => {
    assert.equal((await get('/status')).status, 204);
    const text = await get('/text');
    assert.deepEqual([text.status, text.text], [200, 'hello é']);
    const table = await get('/table');
    assert.equal(contentType(table).split(';')[0], 'application/json');
    assert.deepEqual(JSON.parse(table.text), { a: 1, list: [], text: 'é' });
  });

  it('res:status, res:header, res:send, res:json', async () => {
    const full = await get('/full');
    assert.deepEqual([full.status, full.headers['x-test'], full.text], [202, 'yes', 'the body']);
    const list = await get('/json');
    assert.deepEqual([list.text, contentType(list).split(';')[0]], ['[1,2,3]', 'application/json']);
  });

  it('a header cannot be injected', async () => assert.equal((await get('/injected')).headers['x-injected'], undefined));

  it(':name parts', async () => {
    const response = await get('/users/a%20b/books/7?q=x+y');
    assert.deepEqual(JSON.parse(response.text), { id: 'a b', book: '7', q: 'x y' });
    assert.equal((await get('/users/1/books')).status, 404);
    assert.equal((await get('/users/1/books/2/3')).status, 404);
  });

  it('the facts of a request', async () => {
    const response = await get('/facts?a=1&b=%C3%A4&a=2', { 'User-Agent': 'tester' });
    assert.deepEqual(JSON.parse(response.text), { method: 'GET', path: '/facts', query: { a: '2', b: 'ä' }, agent: 'tester' });
  });

  it('HEAD is served by GET routes', async () => {
    const response = await request(server, { method: 'HEAD', path: '/text' });
    assert.deepEqual([response.status, response.headers['content-length']], [200, '8']);
  });

  it('405 or 404 for another method', async () => {
    const response = await request(server, { method: 'PUT', path: '/post', body: '{}', headers: json });
    assert.ok([404, 405].includes(response.status));
  });

  it('a POST with JSON emits to all', async () => {
    const ws = await Ws.joined(server);
    const response = await request(server, { method: 'POST', path: '/post', body: '{"title":"é","n":[1,null]}', headers: json });
    assert.equal(response.status, 201);
    assert.deepEqual(JSON.parse((await ws.nextText()).slice(2)), ['newPost', { title: 'é', n: [1, null] }]);
    ws.destroy();
  });

  it('bad JSON is 400', async () => {
    for (const body of ['{nope', '', '{"a":1}x', '[1,]', `${'['.repeat(5000)}`]) {
      const response = await request(server, { method: 'POST', path: '/post', body, headers: json });
      assert.equal(response.status, 400, body.slice(0, 20));
    }
  });

  it('a form', async () => {
    const response = await request(server, { method: 'POST', path: '/form', body: 'a=1&b=x+y%26z&%C3%A4=%E2%82%AC&empty=', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
    assert.deepEqual(JSON.parse(response.text), { a: '1', b: 'x y&z', ä: '€', empty: '' });
  });

  it('a body as it is, also binary and chunked', async () => {
    const body = Buffer.from([0, 1, 2, 255, 13, 10]);
    assert.deepEqual((await request(server, { method: 'POST', path: '/body', body })).body, body);
    const http = await Http.connect(server);
    await http.send('POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
    assert.equal((await http.response()).text, 'abcde');
    http.destroy();
  });

  it('a body that is too large is 413', async () => {
    const response = await request(server, { method: 'POST', path: '/body', body: Buffer.alloc(1500000, 'x') });
    assert.equal(response.status, 413);
    assert.equal((await get('/text')).status, 200);
  });

  it('PUT and DELETE', async () => {
    assert.deepEqual(JSON.parse((await request(server, { method: 'PUT', path: '/thing', body: '{"a":1}', headers: json })).text), { put: { a: 1 } });
    assert.equal((await request(server, { method: 'DELETE', path: '/thing' })).status, 204);
  });

  it('a route that throws is 500 and logged, without its text', async () => {
    const response = await get('/boom');
    assert.equal(response.status, 500);
    assert.doesNotMatch(response.text, /boom in a route/);
    await server.stderrMatches(/http\.lua:\d+:.*boom in a route/);
  });

  it('a route may wait; pipelined answers keep their order', async () => {
    const http = await Http.connect(server);
    await http.send(Buffer.concat([requestBytes(server, { path: '/wait' }), requestBytes(server, { path: '/text' })]));
    assert.equal((await http.response()).text, 'waited');
    assert.equal((await http.response()).text, 'hello é');
    http.destroy();
  });

  it('a client that goes while its route waits', async () => {
    const http = await Http.connect(server);
    await http.send(requestBytes(server, { path: '/wait' }));
    http.wire.rst();
    assert.equal((await get('/wait')).text, 'waited');
  });

  it('Socket.IO lives beside the routes', async () => {
    assert.equal((await request(server, { path: HANDSHAKE })).status, 200);
  });
}, siocOnly());

withServer('files of the client', {}, (server) => {
  const names = ['socket.io', 'socket.io.min', 'socket.io.esm.min', 'socket.io.msgpack.min'];
  const version = JSON.parse(readFileSync(path.join(repository, 'tests/node_modules/socket.io-client/package.json'))).version;

  for (const name of names)
    it(`serves ${name}.js and its map`, async () => {
      for (const [suffix, type] of [['.js', 'application/javascript;charset=utf-8'], ['.js.map', 'application/json;charset=utf-8']]) {
        const response = await request(server, { path: `/socket.io/${name}${suffix}` });
        assert.equal(response.status, 200);
        assert.equal(contentType(response), type);
        assert.equal(response.headers['cache-control'], 'public, max-age=0');
        assert.match(response.headers.etag, /^"\d+\.\d+\.\d+"$/);
        if (response.headers.etag === `"${version}"`) assert.deepEqual(response.body, readFileSync(path.join(repository, `tests/node_modules/socket.io-client/dist/${name}${suffix}`)));
      }
    });

  it('E230 304 for the ETag, also the weak one; lists and * are not taken', async () => {
    const target = '/socket.io/socket.io.min.js';
    const { etag } = (await request(server, { path: target })).headers;
    for (const value of [etag, `W/${etag}`]) {
      const response = await request(server, { path: target, headers: { 'If-None-Match': value } });
      assert.deepEqual([response.status, response.text], [304, '']);
    }
    for (const value of ['"0.0.0"', `"a", ${etag}`, '*'])
      assert.equal((await request(server, { path: target, headers: { 'If-None-Match': value } })).status, 200, value);
  });

  it('E231 HEAD, query, unknown names', async () => {
    const head = await request(server, { method: 'HEAD', path: '/socket.io/socket.io.js?x=1' });
    assert.equal(head.status, 200);
    for (const name of ['nope.js', 'socket.io.js/', '../package.json', 'socket.io.JS', '%2e%2e/package.json', 'socket.io.js.gz']) {
      const response = await request(server, { path: `/socket.io/${name}` });
      // The exact path match of section 12 makes it a path that nobody serves; E231 has code 0.
      if (differs('1.2: match the exact path component', { sioc: response.status === 404, node: false })) continue;
      assert.deepEqual([response.status, response.text], [400, '{"code":0,"message":"Transport unknown"}'], name);
    }
  });

  it('precompressed, by what the client accepts', async () => {
    const target = '/socket.io/socket.io.min.js';
    const plain = await request(server, { path: target });
    assert.equal(plain.headers['content-encoding'], undefined);
    for (const [accept, coding] of [['gzip', 'gzip'], ['br', 'br'], ['gzip;q=0', undefined], ['br;q=0.5, gzip', 'gzip']]) {
      const response = await request(server, { path: target, headers: { 'Accept-Encoding': accept } });
      assert.equal(response.headers['content-encoding'], coding, accept);
      if (coding) assert.ok(response.body.length < plain.body.length);
      else assert.deepEqual(response.body, plain.body);
    }
  });

  it('GET and HEAD only', siocOnly('section 9: 405 else'), async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await request(server, { method, path: '/socket.io/socket.io.js', body: '' })).status, 405);
  });
});

withServer('files of the client, switched off', { options: { serve_client: false } }, (server) => {
  it('are unknown', async () => {
    const response = await request(server, { path: '/socket.io/socket.io.js' });
    assert.deepEqual([response.status, response.text], [400, '{"code":0,"message":"Transport unknown"}']);
  });
});
