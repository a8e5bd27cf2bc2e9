// Engine.IO v3 with the Socket.IO v4 wire on it, over raw sockets: E200 to E215.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, Ws, url } from './lib/eio.mjs';
import { Polling3, Ws3, payload, readOpen, url3 } from './lib/eio3.mjs';
import { contentType, request } from './lib/http.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';
import { WebSocket, upgrade } from './lib/ws.mjs';

const UNSUPPORTED = '{"code":5,"message":"Unsupported protocol version"}';
const BAD_REQUEST = '{"code":3,"message":"Bad request"}';

withServer('v3 clients where they are not allowed', {}, (server) => {
  it('refuses them by default', async () => {
    for (const query of ['EIO=3&transport=polling', 'transport=polling', 'EIO=3&transport=polling&j=0']) {
      const response = await request(server, { path: `/socket.io/?${query}` });
      assert.deepEqual([response.status, response.text], [400, UNSUPPORTED]);
    }
  });
});

withServer('Engine.IO v3, polling', { options: { allow_eio3: true } }, (server) => {
  it('E200 the handshake holds the open packet alone, then comes 40', async () => {
    const response = await request(server, { path: url3('transport=polling') });
    assert.equal(response.status, 200);
    assert.equal(contentType(response), 'text/plain;charset=utf-8');
    assert.equal(response.headers['cache-control'], 'no-store');
    const open = readOpen(response.text);
    assert.equal(response.text, `118:0{"sid":"${open.sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`);
    const session = new Polling3(server, open, '');
    assert.equal(await session.get(), '2:40');
    await server.record({ what: 'connection', id: open.sid, nsp: '/' });
    await session.assertAlive();
  });

  it('E201 no EIO, and every other value, is v3', async () => {
    for (const eio of ['', 'EIO=5&', 'EIO=04&', 'EIO=abc&', 'EIO=4&EIO=3&']) {
      const session = await Polling3.open(server, '', eio);
      assert.equal(await session.get(), '2:40');
    }
    const v4 = await Polling.joined(server);
    await v4.assertAlive();
  });

  it('E202 lengths are UTF-16 code units', async () => {
    const session = await Polling3.joined(server);
    await session.postRaw('17:42["echo","é€😀"]');
    const response = await session.request({});
    assert.equal(response.text, '17:42["echo","é€😀"]');
    assert.equal(response.headers['content-length'], '25');
    await session.postRaw('15:42["echo","é"]');
    await server.assertReason(session.id, 'parse error');
    await session.assertGone();
  });

  it('E203 several packets in one payload, both ways', async () => {
    const session = await Polling3.joined(server);
    await session.postRaw('12:42["echo",1]12:42["echo",2]1:2');
    const text = await session.get();
    assert.ok(['1:312:42["echo",1]12:42["echo",2]', '12:42["echo",1]12:42["echo",2]1:3'].includes(text), text);
  });

  for (const body of ['', 'abc', '99:42["note",1]', '-1:2', '12', '1:9', ':', ':2', '1.5:2', '2:2'])
    it(`E204 a payload ${JSON.stringify(body)} is a parse error`, async () => {
      const session = await Polling3.joined(server);
      await session.postRaw(body);
      await server.assertReason(session.id, 'parse error');
      await session.assertGone();
      const second = await Polling3.joined(server);
      const pending = await second.pend();
      await second.postRaw(body);
      assert.equal(await pending.text(), '1:1');
      await server.assertReason(second.id, 'parse error');
    });

  for (const body of ['1.0:2', ' 1:2', '1e0:2', '0x1:2', '+1:2'])
    it(`a length ${JSON.stringify(body)} is no decimal number`, async () => {
      const session = await Polling3.joined(server);
      await session.postRaw(body);
      if (differs('section 12: strict digits for v3 lengths', { sioc: true, node: false })) await server.assertReason(session.id, 'parse error');
      else assert.equal(await session.get(), '1:3');
    });

  it('E204 0: is nothing', async () => {
    const session = await Polling3.joined(server);
    await session.postRaw('0:');
    await session.postRaw('0:18:42["echo","alive"]0:');
    assert.equal(await session.get(), '18:42["echo","alive"]');
  });

  it('delivers what stands before a parse error', async () => {
    const session = await Polling3.joined(server);
    await session.postRaw(`${payload('42["note",1]')}1:9${payload('42["note",2]')}`);
    await server.assertReason(session.id, 'parse error');
    const notes = server.find({ id: session.id, what: 'note' }).map((note) => note.args[0]);
    assert.deepEqual(notes, differs('section 12: in-order dispatch', { sioc: [1], node: [] }));
  });

  it('E205 binary comes as bytes', async () => {
    const session = await Polling3.joined(server);
    await session.post('42["binary"]');
    const response = await session.request({});
    assert.equal(response.status, 200);
    assert.equal(contentType(response), 'application/octet-stream');
    const head = Buffer.from('451-["binary",{"_placeholder":true,"num":0}]');
    assert.deepEqual(response.body, Buffer.concat([Buffer.from([0, 4, 4, 0xff]), head, Buffer.from([1, 4, 0xff, 4, 1, 2, 255])]));
    await session.assertAlive();
  });

  it('E205 text of a binary flush is UTF-8, counted in bytes', async () => {
    const session = await Polling3.joined(server);
    await session.post('42["echo","é€😀\u2028"]', '42["binary"]');
    const text = Buffer.from('42["echo","é€😀\u2028"]');
    const head = Buffer.from('451-["binary",{"_placeholder":true,"num":0}]');
    assert.deepEqual([text.length, head.length], [25, 44]);
    const { body } = await session.request({});
    assert.deepEqual(body, Buffer.concat([
      Buffer.from([0, 2, 5, 0xff]), text, Buffer.from([0, 4, 4, 0xff]), head, Buffer.from([1, 4, 0xff, 4, 1, 2, 255]),
    ]));
  });

  it('E205 binary is base64 for those who want b64', async () => {
    const session = await Polling3.joined(server, '&b64=1');
    await session.post('42["binary"]');
    const response = await session.request({});
    assert.equal(contentType(response), 'text/plain;charset=utf-8');
    assert.equal(response.text, '44:451-["binary",{"_placeholder":true,"num":0}]6:b4AQL/');
    const empty = await Polling3.joined(server, '&b64=');
    await empty.post('42["binary"]');
    assert.equal(contentType(await empty.request({})), 'application/octet-stream');
  });

  const header = Buffer.from('451-["echo",{"_placeholder":true,"num":0}]');
  const inBytes = (...parts) => Buffer.concat(parts.map((part) => (Array.isArray(part) ? Buffer.from(part) : part)));
  const echoed = inBytes([0, 4, 2, 0xff], header, [1, 4, 0xff, 4, 1, 2, 255]);

  it('E206 takes text and binary as bytes', async () => {
    const session = await Polling3.joined(server);
    await session.postBytes(echoed);
    assert.deepEqual((await session.request({})).body, echoed);
    await session.postBytes('');
    await session.postBytes(inBytes([0, 1, 8, 0xff], Buffer.from('42["echo","alive"]')));
    assert.equal(await session.get(), '18:42["echo","alive"]');
  });

  it('E206 takes binary in text, and split over two POSTs', async () => {
    const session = await Polling3.joined(server);
    await session.post(String(header), 'b4AQL/');
    assert.deepEqual((await session.request({})).body, echoed);
    await session.post(String(header));
    await session.postRaw('6:b4AQL/');
    assert.deepEqual((await session.request({})).body, echoed);
    await session.post('42["echo","ä"]', String(header));
    await session.postBytes(inBytes([1, 4, 0xff, 4, 1, 2, 255]));
    assert.ok((await session.request({})).body.subarray(-7).equals(echoed.subarray(-7)));
  });

  const bad = {
    'no end of the length': [0, ...Array(400).fill(1)],
    'text that is no UTF-8': [0, 2, 0xff, 0xc3, 0x28],
    'an empty text': [0, 0, 0xff],
  };
  const strict = { 'a digit that is none': [0, 10, 0xff, ...Array(10).fill(50)], 'no length at all': [0], 'more announced than there is': [0, 2, 0xff, 50], 'neither text nor binary': [2, 1, 0xff, 50], 'an empty binary': [1, 0, 0xff] };
  for (const [title, bytes] of Object.entries(bad))
    it(`E206 ${title} is a parse error`, async () => {
      const session = await Polling3.joined(server);
      await session.postBytes(Buffer.from(bytes));
      await server.assertReason(session.id, 'parse error');
    });
  for (const [title, bytes] of Object.entries(strict))
    it(`E206 ${title} is a parse error`, { skip: differs('2.3: what is malformed is refused', { sioc: false, node: 'the reference guesses' }) }, async () => {
      const session = await Polling3.joined(server);
      await session.postBytes(Buffer.from(bytes));
      await server.assertReason(session.id, 'parse error');
    });

  it('E212 40 while joined closes; after 41 it joins again', async () => {
    const session = await Polling3.joined(server);
    await session.post('41');
    await server.assertReason(session.id, 'client namespace disconnect');
    await session.post('40');
    assert.equal(await session.get(), '2:40');
    await session.assertAlive();
    const pending = await session.pend();
    await session.post('40');
    assert.equal(await pending.text(), '1:1');
    await session.assertGone();
  });

  it('E210 a query behind the namespace is auth', async () => {
    const session = await Polling3.joined(server);
    await session.post('40/chat?token=abc,');
    assert.equal(await session.get(), '8:40/chat,');
    await server.record({ what: 'connection', nsp: '/chat', id: `/chat#${session.sid}` });
    await session.post('421["handshake"]', '42/chat,2["handshake"]', '42/chat?token=abc,["echo","x"]');
    const text = await session.get();
    const [, first, second, third] = text.match(/^\d+:431(\[.*\])\d+:43\/chat,2(\[.*\])(20:42\/chat,\["echo","x"\])$/);
    assert.deepEqual(JSON.parse(first)[0].auth, {});
    assert.deepEqual(JSON.parse(second)[0].auth, { token: 'abc' });
    assert.ok(third);
    assert.equal(JSON.parse(second)[0].query.EIO, '3');
    await session.assertAlive();
  });

  it('E210 the query is decoded, its values are texts', async () => {
    const session = await Polling3.joined(server);
    await session.post('40/admin?a=%22%C3%A9%22&n=1&plus=a+b&empty=&%2C=%0A,');
    assert.equal(await session.get(), '9:40/admin,');
    await session.post('42/admin,1["handshake"]');
    const auth = JSON.parse((await session.get()).replace(/^\d+:43\/admin,1/, ''))[0].auth;
    assert.deepEqual(auth, { a: '"é"', n: '1', plus: 'a b', empty: '', ',': '\n' });
    await session.post('41/admin?x=1');
    await server.assertReason(`/admin#${session.sid}`, 'client namespace disconnect');
  });

  it('knows its ids, and its rooms', async () => {
    const session = await Polling3.joined(server);
    await session.post('420["me"]');
    assert.match(await session.get(), new RegExp(`"id":"${session.sid}"`));
    await session.post('40/chat');
    assert.equal(await session.get(), '8:40/chat,');
    await session.post('42/chat,0["me"]');
    assert.match(await session.get(), new RegExp(`"id":"/chat#${session.sid}"`));
    await session.post('42/chat,0["join","r"]');
    assert.equal(await session.get(), payload(`43/chat,0[["/chat#${session.sid}","r"]]`));
    await session.post(`42/chat,["cast",{"to":["/chat#${session.sid}"],"from":"server"},"hi"]`);
    assert.equal(await session.get(), payload('42/chat,["news","hi"]'));
    await session.post('41');
    await server.assertReason(session.sid, 'client namespace disconnect');
    await session.post('42/chat,["echo",1]');
    assert.equal(await session.get(), payload('42/chat,["echo",1]'));
  });

  it('E211 what middleware refuses with', async () => {
    for (const [refuse, expected] of [['null', '10:44"denied"'], ['{"code":7}', '12:44{"code":7}'], ['"why"', '7:44"why"'], ['0', '10:44"denied"'], ['""', '10:44"denied"'], ['[1]', '5:44[1]']]) {
      const session = await Polling3.open(server, `&refuse=${encodeURIComponent(refuse)}`);
      assert.equal(await session.get(), expected);
      await session.post('40/chat');
      assert.equal(await session.get(), '8:40/chat,');
    }
  });

  it('E211 other namespaces, and unknown ones', async () => {
    const session = await Polling3.joined(server);
    await session.post('40/mw');
    assert.deepEqual(JSON.parse((await session.get()).replace(/^25:44\/mw,/, '')), { code: 'E1', n: 1 });
    await session.post('40/mw?token=secret&plain=1');
    assert.equal(await session.get(), payload('44/mw,"plain refusal"'));
    await session.post('40/nope?a=1,');
    assert.equal(await session.get(), payload('44/nope,{"message":"Invalid namespace"}'));
    await session.post('40/mw?token=secret,');
    assert.equal(await session.get(), '6:40/mw,');
    await session.assertAlive();
  });

  it('acks and events go both ways', async () => {
    const session = await Polling3.joined(server);
    await session.post('421["hello","x"]');
    assert.equal(await session.get(), payload('431["world","x"]'));
    await session.post('42["ask",5]');
    const id = (await session.get()).match(/^\d+:42(\d+)\["q"\]$/)[1];
    await session.post(`43${id}["answered"]`);
    assert.match(await session.get(), /^\d+:42\["answer","answered"/);
    await session.post('42["three"]');
    assert.equal(await session.get(), payload('42["m",0]', '42["m",1]', '42["m",2]'));
  });

  it('leaving: 41 from the server, 1 from the client', async () => {
    const session = await Polling3.joined(server);
    await session.post('42["bye"]');
    assert.equal(await session.get(), '2:41');
    await server.assertReason(session.id, 'server namespace disconnect');
    const pending = await session.pend();
    await session.post('1');
    assert.equal(await pending.text(), '1:6');
    await session.assertGone();
    const kicked = await Polling3.joined(server);
    await kicked.post('42["kick"]');
    assert.equal(await kicked.get(), '2:41');
    assert.equal(await kicked.get(), '1:61:1');
    await kicked.assertGone();
  });

  it('E215 a pong from the client is a transport error', async () => {
    const session = await Polling3.joined(server);
    await session.post('3');
    await server.assertReason(session.id, 'transport error');
    await session.assertGone();
  });

  it('E214 EIO cannot change, both ways', async () => {
    const session = await Polling3.joined(server);
    const v4 = await request(server, { path: url(`EIO=4&transport=polling&sid=${session.sid}`) });
    assert.deepEqual([v4.status, v4.text], [400, BAD_REQUEST]);
    await session.assertAlive();
    const other = await Polling.joined(server);
    for (const path of [url3(`transport=polling&sid=${other.sid}`), `/socket.io/?transport=polling&sid=${other.sid}`]) {
      const response = await request(server, { path });
      assert.deepEqual([response.status, response.text], [400, BAD_REQUEST]);
    }
    await other.assertAlive();
    const { response } = await upgrade(server, url(`EIO=4&transport=websocket&sid=${session.sid}`));
    assert.deepEqual([response.status, response.text], [400, 'Bad request']);
    await session.assertAlive();
  });

  it('a body of binary type is v3 only', async () => {
    const session = await Polling.joined(server);
    const response = await session.request({ method: 'POST', body: echoed, headers: { 'Content-Type': 'application/octet-stream' } });
    assert.deepEqual([response.status, response.text], [400, '']);
  });

  it('compresses as ever', async () => {
    const session = await Polling3.joined(server);
    await session.post('42["big",2000]');
    const response = await session.request({ headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(response.headers['content-encoding'], 'gzip');
  });
});

withServer('JSONP', { options: { allow_eio3: true } }, (server) => {
  const script = (index, text) => `___eio[${index}](${JSON.stringify(text)});`;
  const form = (data) => `d=${encodeURIComponent(data)}`;
  const FORM = 'application/x-www-form-urlencoded';

  async function open(query) {
    const response = await request(server, { path: url3(`transport=polling${query}`) });
    assert.equal(response.status, 200);
    assert.equal(contentType(response), 'text/plain;charset=utf-8');
    const [, index, text] = response.text.match(/^___eio\[(\d*)\]\((".*")\);$/);
    return { index, session: new Polling3(server, readOpen(JSON.parse(text)), query) };
  }

  it('E207 answers are scripts', async () => {
    const { session, index } = await open('&j=0&b64=1');
    assert.equal(index, '0');
    const response = await session.request({});
    assert.equal(response.text, '___eio[0]("2:40");');
    assert.equal(contentType(response), 'text/plain;charset=utf-8');
    assert.equal(response.headers['cache-control'], 'no-store');
  });

  for (const [j, expected] of [['1x2', '12'], ['abc', ''], ['', ''], ['7&j=8', '8'], ['0);alert(1', '01']])
    it(`E207 j=${j} is index "${expected}"`, async () => {
      const { session, index } = await open(`&b64=1&j=${j}`);
      assert.equal(index, expected);
      session.query = '&b64=1&j=99';
      assert.equal(await session.get(), script(expected, '2:40'), 'that of the handshake is used for the whole session');
    });

  it('E207 scripts have no line separators', async () => {
    const { session } = await open('&j=3&b64=1');
    await session.get();
    await session.postRaw(form(payload('42["echo","\u2028é\u2029…\\"\\\\"]')), FORM);
    assert.equal(await session.get(), '___eio[3]("21:42[\\"echo\\",\\"\\u2028é\\u2029…\\\\\\"\\\\\\\\\\"]");');
  });

  it('binary is base64 here', async () => {
    const { session } = await open('&j=3&b64=1');
    await session.get();
    await session.postRaw(form(payload('42["binary"]')), FORM);
    assert.equal(await session.get(), script(3, '44:451-["binary",{"_placeholder":true,"num":0}]6:b4AQL/'));
    await session.postRaw(form(payload('451-["echo",{"_placeholder":true,"num":0}]', 'b4AQL/')), FORM);
    assert.equal(await session.get(), script(3, '42:451-["echo",{"_placeholder":true,"num":0}]6:b4AQL/'));
  });

  // What stands in the form, what the payload is after that.
  const escapes = [['\\n', '\n'], ['\\\\n', '\\n'], ['\\\\\\n', '\\\\n'], ['\\\\\\\\n', '\\\\\\n'], ['\\n\\\\n', '\n\\n'], ['\\t\\', '\\t\\'], ['a+b c', 'a+b c']];
  for (const [written, meant] of escapes)
    it(`E208 ${JSON.stringify(written)} in the form means ${JSON.stringify(meant)}`, async () => {
      const { session } = await open('&j=0&b64=1');
      await session.get();
      // as a query behind a namespace: any bytes may stand there
      const packet = `40/chat?x=${meant},`;
      await session.postRaw(form(`${packet.length}:40/chat?x=${written},`), FORM);
      assert.equal(await session.get(), script(0, '8:40/chat,'));
    });

  it('E208 a plus is a space', async () => {
    const { session } = await open('&j=0&b64=1');
    await session.get();
    await session.postRaw('d=14%3A42[%22echo%22,%22+%22]', FORM);
    assert.equal(await session.get(), script(0, '14:42["echo"," "]'));
  });

  it('E208 no d, or two of them, are ignored', async () => {
    const { session } = await open('&j=0&b64=1');
    await session.get();
    for (const body of ['', 'x=1', '1:9', 'd=1:9&d=1:9', 'd=1:9&x=1&%64=1:9', 'D=1:9']) await session.postRaw(body, FORM);
    await session.postRaw(`x=1&${form('18:42["echo","alive"]')}`, 'text/plain');
    assert.equal(await session.get(), script(0, '18:42["echo","alive"]'));
  });

  it('an empty d is a parse error', async () => {
    const { session } = await open('&j=0&b64=1');
    await session.postRaw('d=', FORM);
    await server.assertReason(session.sid, 'parse error');
  });

  it('closes in scripts, too', async () => {
    const { session } = await open('&j=0&b64=1');
    await session.get();
    const pending = await session.pend();
    await session.postRaw(form('1:1'), FORM);
    assert.equal(await pending.text(), script(0, '1:6'));
    await session.assertGone();
  });

  // JSONP knows no CORS: any page can run the answer as a script, and read what is in it.
  for (const [title, headers, status] of [
    ['no browser', {}, 200],
    ['a page of ours', (own) => ({ Referer: `${own}/chat?x=1`, 'Sec-Fetch-Site': 'same-origin' }), 200],
    ['a page of ours, old browser', (own) => ({ Referer: `${own}/` }), 200],
    ['typed in', { 'Sec-Fetch-Site': 'none' }, 200],
    ['a foreign page', { Referer: 'https://evil.example/', 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['a foreign page, old browser', { Referer: 'https://evil.example' }, 403],
    ['a foreign page that hides', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['another site of the domain', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['a foreign page with our name in its path', (own) => ({ Referer: `https://evil.example/${own}` }), 403],
  ])
    it(`${title}: ${status}`, siocOnly('the reference lets every page in'), async () => {
      const fields = typeof headers === 'function' ? headers(`http://127.0.0.1:${server.port}`) : headers;
      const response = await request(server, { path: url3('transport=polling&j=0&b64=1'), headers: fields });
      assert.equal(response.status, status);
      if (status === 403) assert.equal(response.text, '{"code":4,"message":"Forbidden"}');
      const plain = await request(server, { path: url3('transport=polling&b64=1'), headers: fields });
      assert.equal(plain.status, 200, 'what no script can read needs no such check');
    });

  it('is for v3 only', { skip: differs('2.4: v3 only', { sioc: false, node: 'the reference serves it with v4, too' }) }, async () => {
    const response = await request(server, { path: url('EIO=4&transport=polling&j=0') });
    assert.equal(response.text[0], '0');
  });
});

withServer('JSONP for the pages of others', { options: { allow_eio3: true, cors: { origin: ['https://app.example'] } } }, (server) => {
  for (const [referer, status] of [['https://app.example/page', 200], ['https://app.example.evil.example/', 403], [null, 403]])
    it(`page ${referer}: ${status}`, siocOnly('the reference lets every page in'), async () => {
      const headers = { 'Sec-Fetch-Site': 'cross-site', Referer: referer };
      const response = await request(server, { path: url3('transport=polling&j=0&b64=1'), headers });
      assert.equal(response.status, status);
    });
});

withServer('packets of a payload', { options: { allow_eio3: true, max_packets: 4 } }, (server) => {
  const pings = (count) => Array(count).fill('2');
  const bytes = (count) => Buffer.concat(Array(count).fill(Buffer.from([0, 1, 0xff, 50])));
  for (const [title, body, headers, query] of [
    ['text', (n) => payload(...pings(n)), { 'Content-Type': 'text/plain' }, ''],
    ['bytes', bytes, { 'Content-Type': 'application/octet-stream' }, ''],
    ['JSONP', (n) => `d=${encodeURIComponent(payload(...pings(n)))}`, { 'Content-Type': 'application/x-www-form-urlencoded' }, '&j=0&b64=1'],
  ])
    it(`${title}: one too many costs the session`, siocOnly('the reference has no such limit'), async () => {
      for (const count of [3, 4]) {
        const path = url3(`transport=polling${query}`);
        const sid = (await request(server, { path })).text.match(/\\?"sid\\?":\\?"([^"\\]+)/)[1];
        const to = { path: `${path}&sid=${sid}`, method: 'POST', headers };
        assert.equal((await request(server, { ...to, body: body(count) })).text, 'ok');
        const refused = await request(server, { ...to, body: body(5) });
        assert.deepEqual([refused.status, refused.text], [400, '']);
        await server.assertReason(sid, 'parse error');
      }
    });
});

withServer('Engine.IO v3, WebSocket', { options: { allow_eio3: true } }, (server) => {
  it('E209 open, then 40', async () => {
    const ws = await Ws3.joined(server);
    assert.deepEqual(ws.open, { sid: ws.sid, upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
    await ws.assertAlive();
    ws.destroy();
    await server.assertReason(ws.sid, 'transport close');
  });

  it('E209 2 and 2probe are answered 3', async () => {
    const ws = await Ws3.joined(server);
    for (const ping of ['2', '2probe', '2abc']) await ws.assertText(ping, '3');
    ws.destroy();
  });

  it('E209 binary has 04 in front', async () => {
    const ws = await Ws3.joined(server);
    await ws.text('42["binary"]');
    assert.equal(await ws.nextText(), '451-["binary",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await ws.nextBinary(), Buffer.from([4, 1, 2, 255]));
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.binary(Buffer.from([4, 9, 8]));
    assert.equal(await ws.nextText(), '451-["echo",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await ws.nextBinary(), Buffer.from([4, 9, 8]));
    await ws.text('451-["echo",{"_placeholder":true,"num":0}]');
    await ws.text('b4CQg=');
    await ws.nextText();
    assert.deepEqual(await ws.nextBinary(), Buffer.from([4, 9, 8]));
    ws.destroy();
  });

  it('E209 b64: binary is text', async () => {
    const ws = await Ws3.joined(server, '&b64=1');
    await ws.text('42["binary"]');
    assert.equal(await ws.nextText(), '451-["binary",{"_placeholder":true,"num":0}]');
    assert.equal(await ws.nextText(), 'b4AQL/');
    ws.destroy();
  });

  it('E212 40 while joined: CLOSE()', async () => {
    const ws = await Ws3.joined(server);
    await ws.text('40');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  });

  it('E215 a pong: CLOSE(), transport error', async () => {
    const ws = await Ws3.joined(server);
    await ws.text('3');
    await ws.assertClose();
    await server.assertReason(ws.id, 'transport error');
  });

  for (const packet of ['', '7', 'abc'])
    it(`a packet ${JSON.stringify(packet)} is a parse error`, async () => {
      const ws = await Ws3.joined(server);
      await ws.text(packet);
      await ws.assertClose();
      await server.assertReason(ws.id, 'parse error');
    });

  for (const [title, bytes] of [['no bytes', []], ['type 7', [7, 1]], ['type "4"', [0x34]]])
    it(`a binary packet of ${title} is a parse error`, { skip: differs('as strict as for text', { sioc: false, node: 'the reference ignores it' }) }, async () => {
      const ws = await Ws3.joined(server);
      await ws.binary(Buffer.from(bytes));
      await ws.assertClose();
      await server.assertReason(ws.id, 'parse error');
    });

  it('an event for /chat does not reach /', async () => {
    const one = await Ws3.joined(server);
    const two = await Ws3.joined(server);
    for (const ws of [one, two]) await ws.assertText('40/chat', '40/chat,');
    await one.text('42/chat,["cast",{"broadcast":true},"x"]');
    assert.equal(await two.nextText(), '42/chat,["news","x"]');
    await two.assertAlive();
    one.destroy();
    two.destroy();
  });

  it('v3 and v4 are in one room', async () => {
    const three = await Ws3.joined(server);
    const text = await Ws3.joined(server, '&b64=1');
    const four = await Ws.joined(server);
    for (const ws of [three, text, four]) assert.match((await ws.text('421["join","mixed"]'), await ws.nextText()), /^431/);
    await four.text('451-["cast",{"from":"server","in":["mixed"]},{"_placeholder":true,"num":0}]');
    await four.binary(Buffer.from([7, 7]));
    for (const ws of [three, text, four]) assert.equal(await ws.nextText(), '451-["news",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await three.nextBinary(), Buffer.from([4, 7, 7]));
    assert.equal(await text.nextText(), 'b4Bwc=');
    assert.deepEqual(await four.nextBinary(), Buffer.from([7, 7]));
    await three.text(`42["cast",{"to":["${four.id}"]},"é"]`);
    assert.equal(await four.nextText(), '42["news","é"]');
    for (const ws of [three, text, four]) ws.destroy();
  });
});

withServer('Engine.IO v3, upgrade', { options: { allow_eio3: true } }, (server) => {
  it('E214 probe, 1:6, 5', async () => {
    const session = await Polling3.joined(server);
    const ws = await session.probe();
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3probe');
    assert.equal(await session.get(), '1:6');
    await ws.text('5');
    await ws.text('42["echo",1]');
    assert.equal(await ws.nextText(), '42["echo",1]');
    await ws.text('2probe');
    assert.equal(await ws.nextText(), '3');
    const response = await session.request({});
    assert.deepEqual([response.status, response.text], [400, BAD_REQUEST]);
    ws.destroy();
    await server.assertReason(session.id, 'transport close');
  });

  it('what waits goes to the WebSocket, in its form', async () => {
    for (const [query, expected] of [['', Buffer.from([4, 1, 2, 255])], ['&b64=1', 'b4AQL/']]) {
      const session = await Polling3.joined(server, '&b64=1');
      const ws = await session.probe(query);
      await ws.text('2probe');
      assert.equal(await ws.nextText(), '3probe');
      await session.post('42["binary"]');
      await ws.text('5');
      assert.equal(await ws.nextText(), '451-["binary",{"_placeholder":true,"num":0}]');
      assert.deepEqual(await (typeof expected === 'string' ? ws.nextText() : ws.nextBinary()), expected);
      ws.destroy();
    }
  });

  it('a failed probe costs nothing', async () => {
    const session = await Polling3.joined(server);
    const ws = await session.probe();
    await ws.text('40');
    await ws.assertClose();
    await session.assertAlive();
  });
});

withServer('Engine.IO v3, heartbeat', { options: { allow_eio3: true, ping_interval: 0.3, ping_timeout: 0.2 } }, (server) => {
  it('E213 without a ping: ping timeout; the server never pings', async () => {
    const ws = await Ws3.joined(server);
    await ws.assertClose();
    await server.assertReason(ws.id, 'ping timeout');
  });

  it('E213 other packets do not count', async () => {
    const ws = await Ws3.joined(server);
    let open = true;
    const talk = (async () => { while (open) { await ws.text('42["note",1]'); await new Promise((resolve) => setTimeout(resolve, 50)); } })();
    await ws.assertClose();
    open = false;
    await talk;
    await server.assertReason(ws.id, 'ping timeout');
  });

  it('E213 pings keep it', async () => {
    const ws = await Ws3.joined(server);
    for (let i = 0; i < 8; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await ws.assertText('2', '3');
    }
    await ws.assertAlive();
    ws.destroy();
  });

  it('E213 on polling a pending GET gets 1:1', async () => {
    const session = await Polling3.joined(server);
    const pending = await session.pend();
    assert.equal(await pending.text(), '1:1');
    await server.assertReason(session.id, 'ping timeout');
    await session.assertGone();
  });
});

withServer('Engine.IO v3, WebSocket only', { options: { allow_eio3: true, transports: ['websocket'] } }, (server) => {
  it('refuses polling', async () => {
    const response = await request(server, { path: url3('transport=polling') });
    assert.equal(response.text, '{"code":0,"message":"Transport unknown"}');
    const ws = await WebSocket.open(server, '/socket.io/?transport=websocket');
    assert.equal((await ws.nextText())[0], '0');
    assert.equal(await ws.nextText(), '40');
    ws.destroy();
  });
});

withServer('Engine.IO v3, msgpack', { options: { allow_eio3: true, parser: 'msgpack' } }, (server) => {
  // {"type":0,"nsp":"/"} and the like
  const connect = (nsp) => Buffer.concat([Buffer.from('\x82\xa4type\x00\xa3nsp', 'latin1'), Buffer.from([0xa0 | nsp.length]), Buffer.from(nsp)]);
  const typed = (bytes) => Buffer.concat([Buffer.from([4]), bytes]);
  const echo = Buffer.from('\x83\xa4type\x02\xa4data\x92\xa4echo\x01\xa3nsp\xa1/', 'latin1');

  it('packets are binary, with 04 in front', async () => {
    const ws = await WebSocket.open(server, url3('transport=websocket'));
    assert.equal((await ws.nextText())[0], '0');
    assert.deepEqual(await ws.nextBinary(), typed(connect('/')));
    await ws.binary(typed(echo));
    assert.deepEqual(await ws.nextBinary(), typed(echo));
    await ws.binary(typed(connect('/chat?a=1')));
    assert.deepEqual(await ws.nextBinary(), typed(connect('/chat')));
    ws.destroy();
  });

  it('and so they are on polling', async () => {
    const { sid } = await Polling3.open(server);
    const path = url3(`transport=polling&sid=${sid}`);
    const response = await request(server, { path });
    assert.equal(contentType(response), 'application/octet-stream');
    assert.deepEqual(response.body, Buffer.concat([Buffer.from([1, 1, 4, 0xff]), typed(connect('/'))]));
    const text = await Polling3.open(server, '&b64=1');
    assert.equal(await text.get(), payload(`b4${connect('/').toString('base64')}`));
  });
});
