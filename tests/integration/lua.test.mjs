// The Lua host: values, errors, waiting, timers, modules, handlers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { Polling, Ws } from './lib/eio.mjs';
import { fixtures, siocOnly, withServer } from './lib/server.mjs';

const source = readFileSync(path.join(fixtures, 'lua.lua'), 'utf8').split('\n');
// The number of the line that is marked "-- line: name".
const lineOf = (name) => source.findIndex((line) => line.endsWith(`-- line: ${name}`)) + 1;

// The arguments of the ack with that id.
async function ask(ws, id, ...args) {
  await ws.text(`42${id}${JSON.stringify(args)}`);
  const text = await ws.nextText();
  assert.ok(text.startsWith(`43${id}[`), text);
  return JSON.parse(text.slice(2 + String(id).length));
}

withServer('Lua', { script: 'lua.lua' }, (server) => {
  // Runs body with a session of its own.
  const on = (body) => async () => {
    const ws = await Ws.joined(server);
    try {
      await body(ws);
    } finally {
      ws.destroy();
    }
  };

  // ---- values out ----

  const values = {
    'empty table': ['{}'],
    'empty array': ['[]'],
    list: ['[1,2,3]'],
    object: ['{"a":1}'],
    nested: ['{"a":[{"b":[]},{}]}'],
    'null in a table': ['{"a":null}'],
    'null in a list': ['[null,1,null]'],
    null: ['null'],
    nil: ['null,1,null'],
    booleans: ['true,false'],
    'beyond 2^53': ['9007199254740993,9223372036854775807,-9223372036854775808'],
    floats: ['0.1,1.5,3,0,1e+21,5e-324,1000000000000000,123456789.125'],
    'no number': ['null,null,null,[null]'],
    text: ['"é€😀\\u0000\\"\\\\\\n\\u001f\u007f"'],
    raw: ['{"made": [1, 2]}', '{"made":[1,2]}'],
    'depth 60': [`${'['.repeat(60)}${']'.repeat(60)}`],
  };
  for (const [name, texts] of Object.entries(values))
    it(`writes ${name}`, on(async (ws) => {
      await ws.text(`420["make","${name}"]`);
      const got = await ws.nextText();
      assert.ok(texts.some((text) => got === `42["made",${text}]`), got);
      assert.equal(await ws.nextText(), '430[true,true]');
    }));

  it('writes binary', on(async (ws) => {
    await ws.text('420["make","binary"]');
    assert.equal(await ws.nextText(), '452-["made",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]');
    assert.deepEqual([await ws.nextBinary(), await ws.nextBinary()], [Buffer.from([0, 255]), Buffer.from('x')]);
    assert.equal(await ws.nextText(), '430[true,true]');
  }));

  const refusals = {
    'bad text': [/a\.b\[2\]/, /sioc\.binary/, /UTF-8/i],
    'bad text at the top': [/sioc\.binary/, /UTF-8/i],
    'bad key': [/UTF-8/i],
    cycle: [/deep/],
    mixed: [/outer/],
    sparse: [/outer/],
    function: [/\bf\b/, /function/],
    thread: [/\bt\b/],
    'boolean key': [/key|boolean/],
    'depth 100': [/deep|depth|nest/i],
  };
  for (const [name, patterns] of Object.entries(refusals))
    it(`refuses ${name}, and names the place`, on(async (ws) => {
      const [ok, err] = await ask(ws, 0, 'make', name);
      assert.equal(ok, false);
      for (const pattern of patterns) assert.match(err, pattern);
      assert.equal((await ask(ws, 1, 'returns'))[0], 'returned');
    }));

  it('refuses to emit a reserved name', on(async (ws) => {
    const [ok, err] = await ask(ws, 0, 'reserved');
    assert.equal(ok, false);
    assert.match(err, /"disconnect" is a reserved event name/);
  }));

  // ---- values in ----

  it('reads arguments of all types', on(async (ws) => {
    await ws.text('421["types",1,1.5,9007199254740993,9223372036854775808,"x",true,null,[],{}]');
    const [types] = JSON.parse((await ws.nextText()).slice(3));
    assert.deepEqual(types, ['integer', 'float', 'integer', 'float', 'string', 'boolean', 'nil', 'table', 'table']);
  }));

  it('null is sioc.null inside tables', on(async (ws) => {
    assert.deepEqual(await ask(ws, 0, 'inside', { a: null, list: [1, null, 3] }), [true, 3, true]);
  }));

  it('integers are exact', on(async (ws) => {
    await ws.text('420["exact",9007199254740993]');
    assert.equal(await ws.nextText(), '430[true]');
  }));

  it('arrays stay arrays, objects objects, nil arguments keep their place', on(async (ws) => {
    for (const args of ['[],{},[[]],[{}],{"a":[]}', 'null,null', '1,null', '"",0,false'])
      await ws.assertText(`42["echo",${args}]`, `42["echo",${args}]`);
  }));

  it('a Buffer', on(async (ws) => {
    await ws.text('451-0["buffer",{"_placeholder":true,"num":0}]');
    await ws.binary('abcd');
    assert.equal(await ws.nextText(), '430[4,"abcd","bc","d"]');
  }));

  it('sioc.json', on(async (ws) => {
    assert.deepEqual(await ask(ws, 0, 'json'), ['[1,"x",null]', 2, true, '[]', 1.5, false]);
  }));

  // ---- errors ----

  for (const name of ['throw', 'throw deep', 'throw later', 'throw in timer'])
    it(`"${name}" is logged with file, line and traceback, and costs nothing else`, on(async (ws) => {
      const before = server.log().length;
      await ws.text(`42["${name}"]`);
      const line = new RegExp(`lua\\.lua:${lineOf(name)}\\b`);
      await server.process.until(`the line ${line}`, () => line.test(server.log().slice(before)) && /traceback/.test(server.log().slice(before)));
      assert.deepEqual(await ask(ws, 1, 'returns'), ['returned']);
    }));

  it('an error value that is no text', on(async (ws) => {
    await ws.text('42["throw table"]');
    assert.deepEqual(await ask(ws, 1, 'returns'), ['returned']);
  }));

  it('a connection handler that throws', async () => {
    const ws = await Ws.joined(server, '/throws');
    await server.stderrMatches(/thrown by a connection handler/);
    await ws.assertText('42/throws,1["hello"]', '43/throws,1["world"]');
    ws.destroy();
  });

  // ---- waiting ----

  it('handlers start in order, and wait side by side', on(async (ws) => {
    await ws.text('42["sleep",1,0.2]');
    await ws.text('42["sleep",2,0.01]');
    assert.equal(await ws.nextText(), '42["slept",2]');
    assert.equal(await ws.nextText(), '42["slept",1]');
    await server.record({ what: 'end', n: 1 });
    assert.deepEqual(server.records.filter((entry) => ['start', 'end'].includes(entry.what)).map((entry) => [entry.what, entry.n]),
      [['start', 1], ['start', 2], ['end', 2], ['end', 1]]);
  }));

  it('a handler that waits holds nobody up', on(async (ws) => {
    const other = await Ws.joined(server);
    await ws.text('42["sleep",3,0.3]');
    assert.deepEqual(await ask(other, 1, 'returns'), ['returned']);
    assert.equal(await ws.nextText(), '42["slept",3]');
    other.destroy();
  }));

  it('waiting inside pcall; coroutines of its own', on(async (ws) => {
    assert.deepEqual(await ask(ws, 0, 'nested sleep'), [true, 'awake', 3]);
  }));

  it('a client that goes while its handler waits', async () => {
    const ws = await Ws.joined(server);
    await ws.text('42["sleep",4,0.1]');
    await server.record({ what: 'start', n: 4 });
    ws.destroy();
    await server.record({ what: 'end', n: 4 });
  });

  it('events are held while the connection handler waits', async () => {
    const ws = await Ws.joined(server, '/waits');
    await ws.text('42/waits,["x",1]');
    await ws.text('42/waits,["x",2]');
    assert.equal(await ws.nextText(), '42/waits,["x",1]');
    assert.equal(await ws.nextText(), '42/waits,["x",2]');
    ws.destroy();
  });

  it('timers', on(async (ws) => {
    await ws.text('42["timers"]');
    const got = [];
    for (let i = 0; i < 5; i += 1) got.push(await ws.nextText());
    assert.deepEqual(got.filter((text) => text.includes('tick')), ['42["tick",1]', '42["tick",2]', '42["tick",3]']);
    assert.ok(got.includes('42["after"]'));
    assert.ok(got.includes('42["spawned",1,"two"]'));
  }));

  it('require "luv": a timer of its own', on(async (ws) => {
    await ws.assertText('42["luv"]', '42["luv","number"]');
  }));

  it('sioc.now', on(async (ws) => {
    assert.deepEqual(await ask(ws, 0, 'now'), ['float', true]);
  }));

  it('modules beside the script', on(async (ws) => {
    const got = await ask(ws, 0, 'modules');
    assert.deepEqual(got.slice(0, 5), ['beside', 'inner', true, 'string', false]);
    assert.match(got[5], /module 'no\.such\.module' not found/);
  }));

  // ---- emit ----

  it('emit tells the truth', on(async (ws) => {
    await ws.text('420["emit"]');
    const got = [];
    for (;;) {
      const text = await ws.nextText();
      if (text.startsWith('430')) {
        // The volatile one may be dropped when the others fill the way.
        const [own, all, volatile] = JSON.parse(text.slice(3));
        assert.deepEqual([own, all, typeof volatile], [true, true, 'boolean']);
        assert.equal(got.includes('42["z"]'), volatile);
        break;
      }
      got.push(text);
    }
    assert.deepEqual(got.filter((text) => text !== '42["z"]'), ['42["x",1]', '42["y"]']);
  }));

  it('emit to a socket that is gone is false', async () => {
    const ws = await Ws.joined(server);
    await ws.assertText('42["emit to nobody"]', '41');
    const record = await server.record({ what: 'after the end', id: ws.id });
    assert.deepEqual([record.emit, record.connected], [false, false]);
    ws.destroy();
  });

  it('a volatile emit to a polling client without a GET is dropped and false', async () => {
    const session = await Polling.joined(server);
    await session.post('420["emit"]');
    const packets = (await session.get()).split('\x1e');
    assert.deepEqual(packets, ['42["x",1]', '42["y"]', '430[true,true,false]']);
  });

  // ---- handlers ----

  it('returned values are acks', on(async (ws) => {
    assert.deepEqual(await ask(ws, 0, 'returns'), ['returned']);
    assert.deepEqual(await ask(ws, 1, 'returns table'), [{ ok: true }]);
    assert.deepEqual(await ask(ws, 2, 'returns false'), [false]);
    assert.deepEqual(await ask(ws, 3, 'waits and returns'), ['later']);
    await ws.text('42["returns"]');
    await ws.assertText('42["echo",1]', '42["echo",1]');
  }));

  it('handlers of the namespace', on(async (ws) => {
    assert.deepEqual(await ask(ws, 0, 'everywhere', 5), [ws.id, 5]);
    assert.deepEqual(await ask(ws, 1, 'everywhere returns', 5), [6]);
  }));

  it('once', on(async (ws) => {
    await ws.assertText('42["once",1]', '42["once",1]');
    await ws.text('42["once",2]');
    await ws.assertText('42["echo",1]', '42["echo",1]');
  }));

  it('several handlers run in order; off removes one or all', on(async (ws) => {
    await ws.text('42["two",1]');
    assert.deepEqual([await ws.nextText(), await ws.nextText()], ['42["first",1]', '42["second",1]']);
    await ask(ws, 0, 'off one');
    await ws.assertText('42["two",2]', '42["second",2]');
    await ask(ws, 1, 'off all');
    await ws.text('42["two",3]');
    await ws.assertText('42["echo",1]', '42["echo",1]');
  }));

  it('on_any', on(async (ws) => {
    await ask(ws, 0, 'any');
    await ws.text('42["nobody listens",1,2]');
    const record = await server.record({ what: 'any', name: 'nobody listens' });
    assert.equal(record.n, 2);
  }));

  // ---- properties ----

  it('socket.data stays with its socket', on(async (ws) => {
    const other = await Ws.joined(server);
    await ask(ws, 0, 'set', 'k', { v: [1] });
    assert.deepEqual(await ask(ws, 1, 'get', 'k'), [{ v: [1] }]);
    assert.deepEqual(await ask(other, 1, 'get', 'k'), [null]);
    other.destroy();
  }));

  it('properties', on(async (ws) => {
    const [me] = await ask(ws, 0, 'me');
    assert.deepEqual(me, { id: ws.id, connected: true, rooms: [ws.id], data: 'table', auth: 'table', fresh: true });
  }));

  it('sioc.log', on(async (ws) => {
    await ask(ws, 0, 'log');
    await server.stderrMatches(/error words/);
    for (const words of [/info words/, /warn words/]) assert.match(server.log(), words);
    assert.doesNotMatch(server.log(), /debug words/, '--log-level info');
  }));

  it('operators are values', on(async (ws) => {
    await ws.text('420["operators"]');
    assert.deepEqual([await ws.nextText(), await ws.nextText(), await ws.nextText()], ['42["to red",1]', '42["to red",2]', '430[]']);
  }));
}, siocOnly());

withServer('Lua, watchdog', { script: 'lua.lua', args: ['--handler-timeout', '0.5'] }, (server) => {
  for (const name of ['spin', 'spin in coroutine', 'spin in timer'])
    it(`"${name}" is interrupted, everything goes on`, async () => {
      const [ws, other] = [await Ws.joined(server), await Ws.joined(server)];
      const before = server.log().length;
      await ws.text(`42["${name}"]`);
      await other.assertAlive();
      await ws.assertAlive();
      const line = source.findIndex((text) => text.includes(`socket:on("${name}"`)) + 1;
      const place = new RegExp(`lua\\.lua:${line}\\b`);
      await server.process.until(`${place} on stderr`, () => place.test(server.log().slice(before)));
      await ws.assertAlive();
      await other.assertAlive();
      ws.destroy();
      other.destroy();
    });
}, siocOnly());

withServer('Lua, error hook', { script: 'lua.lua', env: { SIOC_TEST_HOOK: 'record' } }, (server) => {
  it('hears of errors, with socket and event', async () => {
    const ws = await Ws.joined(server);
    await ws.text('42["throw"]');
    const record = await server.record({ what: 'error', event: 'throw' });
    assert.match(record.err, /thrown on purpose/);
    assert.equal(record.id, ws.id);
    assert.deepEqual(await ask(ws, 1, 'returns'), ['returned']);
    ws.destroy();
  });
}, siocOnly());

withServer('Lua, error hook that throws', { script: 'lua.lua', env: { SIOC_TEST_HOOK: 'throw' } }, (server) => {
  it('is logged, and ends there', async () => {
    const ws = await Ws.joined(server);
    await ws.text('42["throw"]');
    await server.stderrMatches(/thrown by the hook/);
    assert.deepEqual(await ask(ws, 1, 'returns'), ['returned']);
    assert.ok(server.log().match(/thrown by the hook/g).length < 10);
    ws.destroy();
  });
}, siocOnly());

withServer('Lua, serial', { script: 'lua.lua', options: { serial: true } }, (server) => {
  it('each handler of a socket waits for the one before', async () => {
    const ws = await Ws.joined(server);
    await ws.text('42["sleep",1,0.1]');
    await ws.text('42["sleep",2,0]');
    assert.equal(await ws.nextText(), '42["slept",1]');
    assert.equal(await ws.nextText(), '42["slept",2]');
    await server.record({ what: 'end', n: 2 });
    assert.deepEqual(server.records.filter((entry) => ['start', 'end'].includes(entry.what)).map((entry) => [entry.what, entry.n]),
      [['start', 1], ['end', 1], ['start', 2], ['end', 2]]);
    ws.destroy();
  });
}, siocOnly());
