// Socket.IO packets on raw sessions: E130 to E170.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Polling, RS, Ws, readJoined } from './lib/eio.mjs';
import { request, settle } from './lib/http.mjs';
import { differs, siocOnly, withServer } from './lib/server.mjs';

const PLACEHOLDER = '{"_placeholder":true,"num":0}';
const STRICT_DIGITS = 'section 3.1 step 4 and section 12: strict digits';
const IN_ORDER = 'section 12: in-order dispatch';

withServer('packets', {}, (server) => {
  const joined = (...rest) => Ws.joined(server, ...rest);

  // ---- what the "error" handlers of a socket are told (section 3.2) ----

  for (const [texts, message] of [
    ['42["a"', 'invalid payload'], ['42[]', 'invalid payload'], ['42["connect"]', 'invalid payload'], ['40[1]', 'invalid payload'], ['41{}', 'invalid payload'],
    ['7', 'unknown packet type 7'], ['9["a"]', 'unknown packet type 9'], ['x', 'unknown packet type NaN'],
    ['450-["a"]', 'Illegal attachments'], ['4511-["a"]', 'too many attachments'],
    [[`451-["echo",${PLACEHOLDER}]`, '42["echo"]'], 'got plaintext data when reconstructing a packet'],
    [[Buffer.from([1])], 'got binary data when not reconstructing a packet'],
    [['451-["echo",{"_placeholder":true,"num":1}]', Buffer.from([1])], 'illegal attachments'],
  ])
    it(`3.2 "error" for ${JSON.stringify(texts)}`, async () => {
      const ws = await joined();
      const admin = await ws.join('/admin');
      for (const text of [texts].flat()) await (typeof text === 'string' ? ws.text(text.replace(/^(?!4)/, '4')) : ws.binary(text));
      await ws.assertClose();
      for (const id of [ws.id, admin]) {
        assert.equal((await server.record({ id, what: 'error' })).err, message);
        await server.assertReason(id, 'forced close');
      }
    });

  // On a joined session, sending this ends it.
  async function assertEnds(texts, reason = 'forced close') {
    const ws = await joined();
    for (const text of [texts].flat()) await (typeof text === 'string' ? ws.text(text) : ws.binary(text));
    await ws.assertClose();
    await server.assertReason(ws.id, reason);
  }

  const assertEcho = async (given, back = given) => {
    const ws = await joined();
    await ws.assertText(`42["echo",${given}]`, `42["echo",${back}]`);
    ws.destroy();
  };

  // ---- CONNECT ----

  it('E130 auth reaches the handshake', async () => {
    const ws = await joined('/', { token: 'a', n: 1 });
    await ws.text('421["handshake"]');
    const [facts] = JSON.parse((await ws.nextText()).slice(3));
    assert.deepEqual(facts.auth, { token: 'a', n: 1 });
    ws.destroy();
  });

  it('E130 handshake fields', async () => {
    const ws = await Ws.open(server, '&x=a%20b+c&arr=1&arr=2', { 'User-Agent': 'tester' });
    await ws.join();
    await ws.text('421["handshake"]');
    const [facts] = JSON.parse((await ws.nextText()).slice(3));
    assert.deepEqual(facts.auth, {});
    assert.deepEqual(facts.query, { EIO: '4', transport: 'websocket', x: 'a b c', arr: '2' });
    assert.equal(facts.agent, 'tester');
    assert.match(facts.address, /^(::ffff:)?127\.0\.0\.1$/);
    assert.equal(facts.url, '/socket.io/?EIO=4&transport=websocket&x=a%20b+c&arr=1&arr=2');
    assert.deepEqual([facts.secure, facts.xdomain, facts.issued], [false, false, true]);
    assert.match(facts.time, /^\w{3} \w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2} GMT\+0000 \(.+\)$/);
    ws.destroy();
  });

  it('E130 40/, is 40', async () => {
    const ws = await Ws.open(server);
    await ws.text('40/,');
    readJoined('/', await ws.nextText());
    await ws.assertAlive();
    ws.destroy();
  });

  it('E130 the ids of Engine.IO and Socket.IO differ', async () => {
    const ws = await joined();
    assert.notEqual(ws.sid, ws.id);
    ws.destroy();
  });

  it('E131 a namespace without a comma', async () => {
    const ws = await Ws.open(server);
    await ws.text('40/admin');
    readJoined('/admin', await ws.nextText());
    ws.destroy();
  });

  for (const packet of ['40admin,', '40[1]', '40"abc"', '40null', '40{"a":', '40{}x', '40/admin,[]'])
    it(`E132 ${packet}`, async () => {
      const ws = await Ws.open(server);
      await ws.text(packet);
      await ws.assertClose();
    });

  it('E133 an unknown namespace, then a known one', async () => {
    const ws = await Ws.open(server);
    await ws.assertText('40/nope,', '44/nope,{"message":"Invalid namespace"}');
    await ws.assertText('40/nope,{"token":1}', '44/nope,{"message":"Invalid namespace"}');
    await ws.join();
    await ws.assertAlive();
    ws.destroy();
  });

  for (const [packet, name] of [['40/admin?token=abc,', '/admin?token=abc'], ['40/admin{"a":1}', '/admin{"a":1}'], ['40/Admin,', '/Admin'], ['40/admin/,', '/admin/'], ['40//admin,', '//admin'], ['40/ä €,', '/ä €']])
    it(`E134 E135 E170 ${packet} is an unknown namespace`, async () => {
      const ws = await Ws.open(server);
      await ws.assertText(packet, `44${name},{"message":"Invalid namespace"}`);
      await ws.join();
      ws.destroy();
    });

  it('E136 a middleware refuses, with and without data', async () => {
    const ws = await Ws.open(server);
    for (const connect of ['40/mw,', '40/mw,{"token":"wrong"}']) {
      await ws.text(connect);
      const answer = await ws.nextText();
      assert.match(answer, /^44\/mw,\{"message":"not authorized","data":\{/);
      // The order of keys in a Lua table is nobody's business.
      assert.deepEqual(JSON.parse(answer.slice(6)).data, { code: 'E1', n: 1 });
    }
    await ws.assertText('40/mw,{"token":"secret","plain":true}', '44/mw,{"message":"plain refusal"}');
    const id = await ws.join('/mw', { token: 'secret' });
    await ws.assertText('42/mw,["echo",1]', '42/mw,["echo",1]');
    await server.record({ what: 'connection', id, nsp: '/mw' });
    ws.destroy();
  });

  it('what a middleware emits goes before the answer', async () => {
    const ws = await Ws.open(server);
    await ws.assertText('40/early,', '42/early,["early",1]');
    readJoined('/early', await ws.nextText());
    ws.destroy();
  });

  it('E137 CONNECT twice', () => assertEnds('40'));

  for (const packet of ['42["a"]', '431[]', '41', '44{"message":"x"}'])
    it(`E138 ${packet} before CONNECT`, async () => {
      const ws = await Ws.open(server);
      await ws.text(packet);
      await ws.assertClose();
    });

  it('E138 CONNECT_ERROR from a client at any time', () => assertEnds('44{"message":"x"}'));

  it('E139 an event for a namespace that was never joined', async () => {
    const ws = await joined();
    const admin = await ws.join('/admin');
    await ws.text('42/chat,["echo",1]');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
    await server.assertReason(admin, 'forced close');
  });

  it('E139 an event for a namespace that the client left', async () => {
    const ws = await joined();
    const admin = await ws.join('/admin');
    await ws.text('41/admin,');
    await server.assertReason(admin, 'client namespace disconnect');
    await ws.assertAlive();
    await ws.text('42/admin,["echo",1]');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  });

  it('E140 the same over polling', async () => {
    const session = await Polling.joined(server);
    await session.post('42/admin,["echo",1]');
    assert.equal(await session.get(), `6${RS}1`);
    await server.assertReason(session.id, 'forced server close');
    await session.assertGone();
    const second = await Polling.joined(server);
    const pending = await second.pend();
    await second.post('40');
    assert.equal(await pending.text(), '1');
    await server.assertReason(second.id, 'forced close');
  });

  it('E141 leaving / does not touch another namespace', async () => {
    const ws = await joined();
    await ws.join('/admin');
    await ws.text('41');
    await server.assertReason(ws.id, 'client namespace disconnect');
    await ws.assertText('42/admin,["echo",1]', '42/admin,["echo",1]');
    const again = await ws.join();
    assert.notEqual(again, ws.id);
    await ws.assertAlive();
    ws.destroy();
  });

  it('E142 a DISCONNECT with an id is one, with data it is none', async () => {
    const ws = await joined();
    await ws.text('415');
    await server.assertReason(ws.id, 'client namespace disconnect');
    ws.destroy();
    await assertEnds('41{"a":1}');
  });

  it('the connection stays open without a namespace', async () => {
    const ws = await joined();
    await ws.text('41');
    await server.assertReason(ws.id, 'client namespace disconnect');
    await ws.join();
    await ws.assertAlive();
    ws.destroy();
  });

  it('CONNECT and an event in one payload', async () => {
    const session = await Polling.open(server);
    await session.post(`40${RS}42["echo",1]`);
    if (differs(IN_ORDER, { sioc: true, node: false })) {
      const packets = (await session.get()).split(RS);
      readJoined('/', packets[0]);
      if (packets.length === 1) packets.push(await session.get());
      assert.deepEqual(packets.slice(1), ['42["echo",1]']);
    } else {
      assert.equal(await session.get(), `6${RS}1`);
    }
  });

  // ---- EVENT ----

  for (const payload of ['[]', '{"a":1}', '[null]', '[true]', '[{}]', '[[]]', '["a"', '["a"]x', '["a",]', "['a']", '"a"', 'null', '["a"]["b"]', '["a"] //x'])
    it(`E143 42${payload}`, () => assertEnds(`42${payload}`));

  it('E144 42 without a payload', async () => {
    const ws = await joined();
    await ws.text('42');
    // 3.1 step 5: "may be treated as invalid".
    if (differs('section 3.1: may be treated as invalid', { sioc: false, node: true })) await ws.assertAlive();
    else {
      await ws.text('42["echo","alive"]');
      const next = await ws.next();
      assert.ok(next.op === 8 ? next.payload.length === 0 : next.payload.toString() === '42["echo","alive"]');
    }
    ws.destroy();
  });

  it('E145 a number or an empty text as name', async () => {
    const ws = await joined();
    await ws.text('42[1,2]');
    await ws.assertAlive();
    await ws.assertText('42["","x"]', '42["","x"]');
    ws.destroy();
  });

  for (const name of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])
    it(`E146 ${name} is reserved`, () => assertEnds(`42["${name}","x"]`));

  it('E146 these are not', async () => {
    const ws = await joined();
    for (const name of ['connection', 'error', 'message']) await ws.assertText(`42["${name}","x"]`, `42["got ${name}","x"]`);
    for (const name of ['ping', 'reconnect', '__proto__', 'constructor', 'toString', 'hasOwnProperty']) await ws.text(`42["${name}","x"]`);
    await ws.assertAlive();
    ws.destroy();
  });

  it('E146 an escaped name is the same name', async () => {
    const ws = await joined();
    await ws.assertText('42["\\u0065cho",1]', '42["echo",1]');
    ws.destroy();
    await assertEnds('42["\\u0064isconnect","x"]');
  });

  it('an event without a handler does nothing', async () => {
    const ws = await joined();
    await ws.text('421["nobody listens",1]');
    await ws.assertAlive();
    ws.destroy();
  });

  // ---- ACK ----

  it('E147 acks', async () => {
    const ws = await joined();
    await ws.assertText('421["hello","x"]', '431["world","x"]');
    await ws.assertText('420["hello","x"]', '430["world","x"]');
    await ws.assertText('425["acknone"]', '435[]');
    await ws.text('426["acktwice"]');
    assert.equal(await ws.nextText(), '436[1]');
    assert.equal(await ws.nextText(), '42["done"]');
    await ws.text('427["acknever"]');
    await ws.assertText('429007199254740991["hello"]', '439007199254740991["world"]');
    ws.destroy();
  });

  it('E148 an id with leading zeros', async () => {
    if (differs(STRICT_DIGITS, { sioc: false, node: true })) {
      const ws = await joined();
      await ws.assertText('42007["hello","x"]', '437["world","x"]');
      ws.destroy();
    } else {
      // "digits only, max 2^53-1, else invalid" does not name leading zeros; security.md 1c and 2 do: parse error, or the number.
      const ws = await joined();
      await ws.text('42007["hello","x"]');
      const got = await ws.next();
      assert.ok(got.op === 8 || got.payload.toString() === '437["world","x"]', got.payload.toString());
      ws.destroy();
    }
  });

  for (const packet of ['421e3["hello"]', '42abc["x"]', '421.5["hello"]', '42-1["hello"]', '42+1["hello"]'])
    it(`E149 ${packet}`, () => assertEnds(packet));

  for (const id of ['9007199254740992', '99999999999999999999', '9'.repeat(400)])
    it(`E149 an id beyond 2^53-1: ${id.slice(0, 24)}`, siocOnly(STRICT_DIGITS), () => assertEnds(`42${id}["hello"]`));

  it('E150 an ack in a namespace', async () => {
    const ws = await joined('/admin');
    await ws.assertText('42/admin,5["hello","x"]', '43/admin,5["world","x"]');
    ws.destroy();
  });

  it('E151 a callback runs once; unknown acks are ignored', async () => {
    const ws = await joined();
    await ws.text('42["askcb"]');
    const question = await ws.nextText();
    const id = question.match(/^42(\d+)\["q"\]$/)?.[1];
    assert.ok(id, question);
    await ws.text('43999999["r"]');
    await ws.text('43["r"]');
    await ws.assertText(`43${id}["r"]`, '42["answer","r",1]');
    await ws.text(`43${id}["again"]`);
    await ws.assertAlive();
    ws.destroy();
  });

  for (const packet of ['430{"a":1}', '430"a"', '430null']) it(`E151 ${packet} is no ack`, () => assertEnds(packet));

  it('E151 an ack without a payload, and with binary', async () => {
    const ws = await joined();
    await ws.text('42["ask",5]');
    const id = (await ws.nextText()).match(/^42(\d+)\["q"\]$/)[1];
    await ws.text(`461-${id}[${PLACEHOLDER}]`);
    await ws.binary(Buffer.from([1, 2]));
    assert.equal(await ws.nextText(), `451-["answer",${PLACEHOLDER},null]`);
    assert.deepEqual(await ws.nextBinary(), Buffer.from([1, 2]));
    ws.destroy();
  });

  it('E152 one counter for all sockets of a namespace; a wrong socket cannot answer', async () => {
    const [a, b] = [await joined('/chat'), await joined('/chat')];
    const idOf = async (ws) => {
      await ws.text('42/chat,["ask",5]');
      return Number((await ws.nextText()).match(/^42\/chat,(\d+)\["q"\]$/)[1]);
    };
    const first = await idOf(a);
    const second = await idOf(b);
    assert.equal(second, first + 1);
    await b.text(`43/chat,${first}["stolen"]`);
    await b.assertText('42/chat,["echo",1]', '42/chat,["echo",1]');
    await a.assertText(`43/chat,${first}["mine"]`, '42/chat,["answer","mine",null]');
    await b.assertText(`43/chat,${second}["mine too"]`, '42/chat,["answer","mine too",null]');
    a.destroy();
    b.destroy();
  });

  it('E152 the first id of a namespace is 0', async () => {
    const ws = await joined('/mw', { token: 'secret' });
    await ws.text('42/mw,["ask",5]');
    assert.equal(await ws.nextText(), '42/mw,0["q"]');
    ws.destroy();
  });

  it('E153 no answer in time; a late one is ignored', async () => {
    const ws = await joined();
    await ws.text('42["ask",0.2]');
    const id = (await ws.nextText()).match(/^42(\d+)\["q"\]$/)[1];
    assert.equal(await ws.nextText(), '42["answer",null,"operation has timed out"]');
    await ws.text(`43${id}["late"]`);
    await ws.assertAlive();
    ws.destroy();
  });

  it('E154 a broadcast with ack: one id for all, partial answers with the error', async () => {
    const [a, b, c] = [await joined('/admin'), await joined('/admin'), await joined('/admin')];
    await a.text('42/admin,7["askall",0.3]');
    const questions = await Promise.all([a, b, c].map((ws) => ws.nextText()));
    assert.equal(new Set(questions).size, 1);
    const id = questions[0].match(/^42\/admin,(\d+)\["q","all"\]$/)[1];
    await a.text(`43/admin,${id}["A"]`);
    await b.text(`43/admin,${id}["B"]`);
    assert.equal(await a.nextText(), '43/admin,7["asked","operation has timed out"]');
    const record = await server.record({ what: 'answers', id: a.id });
    assert.deepEqual([...record.answers].sort(), ['A', 'B']);
    for (const ws of [a, b, c]) ws.destroy();
  });

  it('E154 all answer', async () => {
    const [c, d] = [await joined('/slow'), await joined('/slow')];
    await c.text('42/slow,7["askall",5]');
    const id = (await c.nextText()).match(/^42\/slow,(\d+)\["q","all"\]$/)[1];
    await d.nextText();
    await d.text(`43/slow,${id}["D"]`);
    await c.text(`43/slow,${id}["C"]`);
    assert.match(await c.nextText(), /^43\/slow,7\["asked"(,null)?\]$/);
    const record = await server.record({ what: 'answers', id: c.id });
    assert.deepEqual([...record.answers].sort(), ['C', 'D']);
    c.destroy();
    d.destroy();
  });

  it('an ack behind a disconnect is not sent', siocOnly('3.4: suppress'), async () => {
    const ws = await joined();
    await ws.text('425["ackbye"]');
    assert.equal(await ws.nextText(), '41');
    await ws.join();
    await ws.assertAlive();
    ws.destroy();
  });

  // ---- binary ----

  for (const packet of ['450-["a"]', '451["a"]', '45-["a"]', '45-1-["a"]', '451.5-["a"]', '45["a"]', '45', '451', '4511-["a"]', '4599999999999-["a"]', '45a-["a"]', '4611-1["a"]', '460-1["a"]'])
    it(`E155 E156 ${packet}`, () => assertEnds(packet));

  it('E155 a count in another form', siocOnly(STRICT_DIGITS), async () => {
    for (const packet of ['4501-["a"]', '451e0-["a"]', '45+1-["a"]', '45 1-["a"]']) await assertEnds(packet);
  });

  it('E156 ten attachments', async () => {
    const ws = await joined();
    const items = Array.from({ length: 10 }, (_, num) => ({ _placeholder: true, num }));
    const text = `4510-${JSON.stringify(['echo', ...items])}`;
    await ws.text(text);
    for (let i = 0; i < 10; i += 1) await ws.binary(Buffer.from([i]));
    assert.equal(await ws.nextText(), text);
    for (let i = 0; i < 10; i += 1) assert.deepEqual(await ws.nextBinary(), Buffer.from([i]));
    ws.destroy();
  });

  for (const num of ['1', '"0"', '-1', 'null', '1e9', '"splice"'])
    it(`E157 num ${num} of one attachment`, () => assertEnds([`451-["echo",{"_placeholder":true,"num":${num}}]`, Buffer.from([1])]));
  it('E157 num 0.5', siocOnly('3.1 step 7: reject'), () => assertEnds(['451-["echo",{"_placeholder":true,"num":0.5}]', Buffer.from([1])]));

  it('E158 the same number twice, unused attachments, placeholders in a text event', async () => {
    const ws = await joined();
    await ws.text(`451-["echo",${PLACEHOLDER},${PLACEHOLDER}]`);
    await ws.binary(Buffer.from([7]));
    assert.equal(await ws.nextText(), '452-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    assert.deepEqual([await ws.nextBinary(), await ws.nextBinary()], [Buffer.from([7]), Buffer.from([7])]);
    await ws.text('451-["echo","none"]');
    await ws.binary(Buffer.from([7]));
    assert.equal(await ws.nextText(), '42["echo","none"]');
    await ws.text(`42["echo",${PLACEHOLDER}]`);
    assert.deepEqual(JSON.parse((await ws.nextText()).slice(2)), ['echo', { _placeholder: true, num: 0 }]);
    await ws.text('451-["echo",{"_placeholder":false,"num":0}]');
    await ws.binary(Buffer.from([7]));
    assert.deepEqual(JSON.parse((await ws.nextText()).slice(2)), ['echo', { _placeholder: false, num: 0 }]);
    ws.destroy();
  });

  it('E159 text while an attachment is awaited', () => assertEnds([`451-["echo",${PLACEHOLDER}]`, '42["echo",1]']));

  it('E159 a pong while an attachment is awaited', async () => {
    const ws = await joined();
    await ws.text(`451-["echo",${PLACEHOLDER}]`);
    await ws.text('3');
    await ws.binary(Buffer.from([1]));
    assert.equal(await ws.nextText(), `451-["echo",${PLACEHOLDER}]`);
    assert.deepEqual(await ws.nextBinary(), Buffer.from([1]));
    ws.destroy();
  });

  it('E160 placeholders are numbered anew, in the order of the document', async () => {
    const ws = await joined();
    await ws.text('452-["echo",[{"_placeholder":true,"num":1},{"deep":[{"_placeholder":true,"num":0}]}]]');
    await ws.binary(Buffer.from([1]));
    await ws.binary(Buffer.from([2]));
    assert.equal(await ws.nextText(), '452-["echo",[{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]]');
    assert.deepEqual([await ws.nextBinary(), await ws.nextBinary()], [Buffer.from([2]), Buffer.from([1])]);
    ws.destroy();
  });

  it('E161 an ack with binary', async () => {
    const ws = await joined();
    await ws.text(`451-7["ackbin",${PLACEHOLDER},${PLACEHOLDER}]`);
    await ws.binary(Buffer.from([9]));
    assert.equal(await ws.nextText(), '462-7["bin",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    assert.deepEqual([await ws.nextBinary(), await ws.nextBinary()], [Buffer.from([9]), Buffer.from([9])]);
    ws.destroy();
  });

  it('an unfinished binary event ends with its session', async () => {
    const ws = await joined();
    await ws.text(`451-["echo",${PLACEHOLDER}]`);
    ws.destroy();
    await server.assertReason(ws.id, 'transport close');
  });

  it('binary in namespaces', async () => {
    const ws = await joined('/admin');
    await ws.text(`451-/admin,["echo",${PLACEHOLDER}]`);
    await ws.binary(Buffer.from([9]));
    assert.equal(await ws.nextText(), `451-/admin,["echo",${PLACEHOLDER}]`);
    assert.deepEqual(await ws.nextBinary(), Buffer.from([9]));
    ws.destroy();
  });

  // ---- JSON ----

  it('E162 texts', async () => {
    const ws = await joined();
    for (const text of ['"é€😀"', '"\\u0000"', '"\\"\\\\/\\b\\f\\n\\r\\t\\u001f"', '"\u2028\u2029\u007f"', '""'])
      await ws.assertText(`42["echo",${text}]`, `42["echo",${text}]`);
    await ws.assertText('42["echo","\\u00e9\\ud83d\\ude00\\/"]', '42["echo","é😀/"]');
    ws.destroy();
  });

  it('E162 a lone surrogate', async () => {
    const ws = await joined();
    await ws.text('42["echo","\\ud800"]');
    const got = await ws.nextText();
    // security.md 2: "replaced by U+FFFD or refused (option)"; protocol.md: echoed. A Lua string holds no surrogate.
    assert.ok(differs('security.md 2, lone surrogates', { sioc: ['42["echo","\\ud800"]', '42["echo","\ufffd"]'], node: ['42["echo","\\ud800"]'] }).includes(got), got);
    ws.destroy();
  });

  for (const char of ['\u0000', '\u0001', '\n', '\u001f']) it(`E162 a raw ${JSON.stringify(char)} in a text`, () => assertEnds(`42["echo","${char}"]`));

  for (const number of ['01', '+1', '.5', '1.', '0x1', 'NaN', '-', '1e', '1e+', '--1', 'Infinity', '1_000', '00', '-01']) it(`E163 ${number} is no number`, () => assertEnds(`42["echo",${number}]`));

  it('E163 numbers', async () => {
    const ws = await joined();
    const both = [['0', '0'], ['-1', '-1'], ['1.5', '1.5'], ['0.1', '0.1'], ['9007199254740991', '9007199254740991'], ['1e21', '1e+21'], ['5e-324', '5e-324'], ['1.7976931348623157e308', '1.7976931348623157e+308'],
      ['0.000001', '0.000001'], ['1e-7', '1e-7'], ['123456789.125', '123456789.125']];
    for (const [given, back] of both) await ws.assertText(`42["echo",${given}]`, `42["echo",${back}]`);
    // Floats may keep their point in Lua: the value counts, and the shortest form of api.md.
    for (const [given, value] of [['1e5', 100000], ['-0.0', 0], ['1.0', 1], ['1E2', 100]]) {
      await ws.text(`42["echo",${given}]`);
      const text = await ws.nextText();
      const back = JSON.parse(text.slice(2))[1];
      assert.ok(back === value, `${given} -> ${text}`); // -0 === 0
      assert.equal(text, `42["echo",${value}]`);
    }
    await ws.assertText('42["echo",1e400]', '42["echo",null]');
    ws.destroy();
  });

  it('E163 integers beyond 2^53 keep their digits', siocOnly('api.md, values: integers within 64 bits are exact'), async () => {
    const ws = await joined();
    for (const number of ['9007199254740993', '9223372036854775807', '-9223372036854775808']) await ws.assertText(`42["echo",${number}]`, `42["echo",${number}]`);
    ws.destroy();
  });

  it('E164 the last of several equal keys wins; __proto__ is data', async () => {
    const ws = await joined();
    await ws.assertText('42["echo",{"a":1,"a":2}]', '42["echo",{"a":2}]');
    await ws.assertText('42["echo",{"__proto__":1}]', '42["echo",{"__proto__":1}]');
    ws.destroy();
  });

  it('arrays, objects, literals, white space', async () => {
    const ws = await joined();
    for (const value of ['[]', '{}', '[[],{}]', '{"a":[]}', '[null]', 'true', 'false', 'null', '[1,[2,[3,[]]]]', '{"a":{"b":{"c":{}}}}', '[null,1,null]'])
      await ws.assertText(`42["echo",${value}]`, `42["echo",${value}]`);
    await ws.assertText('42[ "echo" ,\t[ 1 ,\r\n2 ] ]', '42["echo",[1,2]]');
    await ws.assertText('42["echo"]', '42["echo"]');
    await ws.assertText('42["echo",1,"a",[true],{"k":null}]', '42["echo",1,"a",[true],{"k":null}]');
    ws.destroy();
  });

  it('nil arguments keep their place', async () => {
    const ws = await joined();
    await ws.assertText('42["echo",null,1,null]', '42["echo",null,1,null]');
    ws.destroy();
  });

  it('E162 long texts', () => assertEcho(`"${'é'.repeat(100000)}"`));

  // ---- middleware, leaving ----

  it('E165 events and DISCONNECT before the answer of a slow middleware', async () => {
    for (const packet of ['42/slow,["echo",1]', '41/slow,']) {
      const ws = await joined();
      await ws.text('40/slow,');
      await ws.text(packet);
      await ws.assertClose();
      await server.assertReason(ws.id, 'forced close');
    }
  });

  it('E165 a second CONNECT while the first is pending', siocOnly('3.3: an invalid state'), async () => {
    const ws = await joined();
    await ws.text('40/slow,');
    await ws.text('40/slow,');
    await ws.assertClose();
    await server.assertReason(ws.id, 'forced close');
  });

  it('E165 a client that is gone meanwhile makes no connection', async () => {
    const before = server.find({ what: 'connection', nsp: '/slow' }).length;
    const middlewares = server.find({ what: 'slow' }).length;
    const ws = await joined();
    await ws.text('40/slow,');
    await server.process.until('the middleware runs', () => server.find({ what: 'slow' }).length > middlewares);
    ws.destroy();
    await server.assertReason(ws.id, 'transport close');
    const other = await joined('/slow'); // takes as long as the middleware
    await server.record({ what: 'connection', id: other.id });
    assert.equal(server.find({ what: 'connection', nsp: '/slow' }).length, before + 1);
    other.destroy();
  });

  it('E165 another namespace goes on while a middleware waits', async () => {
    const ws = await joined();
    await ws.text('40/slow,');
    await ws.assertAlive();
    readJoined('/slow', await ws.nextText());
    ws.destroy();
  });

  it('E167 a middleware of a socket refuses an event; the next one works', async () => {
    const ws = await joined();
    await ws.text('421["forbidden"]');
    await ws.assertAlive();
    assert.deepEqual((await server.record({ id: ws.id, what: 'error' })), { what: 'error', id: ws.id, err: 'forbidden event', data: { code: 403 } });
    assert.deepEqual(server.find({ id: ws.id, what: 'forbidden' }), []);
    ws.destroy();
  });

  it('E169 a dynamic namespace by its pattern', async () => {
    const ws = await Ws.open(server);
    const id = await ws.join('/dyn-12');
    assert.equal((await server.record({ id, what: 'connection' })).nsp, 'dyn');
    await server.record({ id: '/dyn-12', what: 'new_namespace' });
    await ws.assertText('42/dyn-12,["echo",1]', '42/dyn-12,["echo",1]');
    await ws.assertText('40/dyn-x,', '44/dyn-x,{"message":"Invalid namespace"}');
    await ws.assertText('40/dyn-,', '44/dyn-,{"message":"Invalid namespace"}');
    const again = await ws.join('/dyn-13');
    await ws.assertText('42/dyn-13,["bye"]', '41/dyn-13,');
    await server.assertReason(again, 'server namespace disconnect');
    await ws.assertText('42/dyn-12,["echo",2]', '42/dyn-12,["echo",2]');
    ws.destroy();
  });

  it('E169 rooms and broadcasts in a dynamic namespace', async () => {
    const ws = await Ws.joined(server, '/dyn-20');
    const other = await Ws.joined(server, '/dyn-21');
    await ws.assertText('42/dyn-20,1["join","r"]', `43/dyn-20,1[["${ws.id}","r"]]`);
    await other.assertText('42/dyn-21,1["join","r"]', `43/dyn-21,1[["${other.id}","r"]]`);
    await ws.text('42/dyn-20,["cast",{"from":"socket","in":["r"]},"not to myself"]');
    await ws.assertText('42/dyn-20,["echo",1]', '42/dyn-20,["echo",1]');
    await ws.text('42/dyn-20,["cast",{"from":"server"},"to all of them"]');
    assert.equal(await ws.nextText(), '42/dyn-20,["news","to all of them"]');
    assert.equal(await other.nextText(), '42/dyn-21,["news","to all of them"]');
    ws.destroy();
    other.destroy();
  });

  it('E169 a dynamic namespace by a function of name and auth, now and later', async () => {
    const ws = await Ws.open(server);
    await ws.assertText('40/fn,{"key":"shut"}', '44/fn,{"message":"Invalid namespace"}');
    await ws.assertText('40/late,', '44/late,{"message":"Invalid namespace"}');
    await ws.text('40/late,{"key":"open"}');
    await ws.text('40/fn,{"key":"open"}');
    assert.match(await ws.nextText(), /^40\/fn,\{"sid":"/);
    assert.equal(await ws.nextText(), '42/fn,["hello","/fn"]');
    assert.match(await ws.nextText(), /^40\/late,\{"sid":"/);
    assert.equal(await ws.nextText(), '42/late,["hello","/late"]');
    ws.destroy();
  });

  it('E168 disconnect(true) with two namespaces', async () => {
    const ws = await joined();
    const admin = await ws.join('/admin');
    await ws.text('42["kick"]');
    assert.deepEqual([await ws.nextText(), await ws.nextText()].sort(), ['41', '41/admin,']);
    await ws.assertClose();
    await server.assertReason(ws.id, 'server namespace disconnect');
    await server.assertReason(admin, 'server namespace disconnect');
  });

  it('disconnect() of one namespace', async () => {
    const ws = await joined();
    const admin = await ws.join('/admin');
    await ws.assertText('42/admin,["bye"]', '41/admin,');
    await server.assertReason(admin, 'server namespace disconnect');
    await ws.assertAlive();
    ws.destroy();
  });

  it('"disconnecting" still has the rooms, "disconnect" has not', async () => {
    const ws = await joined();
    await ws.text('421["join","lobby"]');
    assert.deepEqual(JSON.parse((await ws.nextText()).slice(3))[0].sort(), ['lobby', ws.id].sort());
    ws.destroy();
    await server.assertReason(ws.id, 'transport close');
    assert.deepEqual(server.find({ id: ws.id, what: 'disconnecting' })[0].rooms.sort(), ['lobby', ws.id].sort());
    assert.deepEqual(server.find({ id: ws.id, what: 'disconnect' })[0].rooms, []);
  });

  it('messages go out in the order of their emits', async () => {
    const ws = await joined();
    await ws.text('42["count",500]');
    for (let i = 1; i <= 500; i += 1) assert.equal(await ws.nextText(), `42["n",${i}]`);
    ws.destroy();
  });

  it('a garbage request does not disturb others', async () => {
    const ws = await joined();
    await request(server, { path: '/socket.io/?EIO=4&transport=polling&sid=x' });
    await settle(server);
    await ws.assertAlive();
    ws.destroy();
  });
});

withServer('packets, connect_timeout 0.3', { options: { connect_timeout: 0.3 } }, (server) => {
  it('E166 no CONNECT in time', async () => {
    const ws = await Ws.open(server);
    await ws.assertClose();
    const session = await Polling.open(server);
    const pending = await session.pend();
    assert.equal(await pending.text(), '1');
  });

  it('E166 a refused CONNECT does not count', async () => {
    const ws = await Ws.open(server);
    await ws.assertText('40/nope,', '44/nope,{"message":"Invalid namespace"}');
    await ws.assertClose();
  });

  it('E166 joined, then left: stays open', async () => {
    const ws = await Ws.joined(server);
    await ws.text('41');
    await server.assertReason(ws.id, 'client namespace disconnect');
    const idle = await Ws.open(server);
    await idle.assertClose(); // by now the time is over for both
    await ws.join();
    await ws.assertAlive();
    ws.destroy();
  });
});
