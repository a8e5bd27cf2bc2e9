// Events with values of all kinds, in both directions, and in their order.

import { createHash } from 'node:crypto';

const nsp = '/events';
const connected = (t, name = 'A', options = {}) => t.connected(name, { nsp, ...options });

// Sends each, waits for what comes back by that name.
const echo = async (t, ...lists) => {
  const a = await connected(t);
  for (const list of lists) {
    const back = t.event(a, 'echo');
    a.emit('echo', ...list);
    await back;
  }
};
const raw = (socket, text) => socket.io.engine.write(text);
const hash = (data) => createHash('sha256').update(Buffer.from(data)).digest('hex');

const named = (...names) => async (t) => {
  const a = await connected(t);
  for (const name of names) {
    const back = t.event(a, 'heard');
    a.emit(name, 1, 'two');
    await back;
  }
};

// Of the JSON parser alone: packets as text, limits that msgpack does not have, and values that the reference's msgpack
// writes as others (whole numbers beyond 64 bits) or that are no others here (undefined, which is null in msgpack as well).
const jsonOnly = (run) => ({ text: true, run });

export default {
  app: 'events',
  msgpack: true,
  scenarios: {
    'all JSON types come back': (t) => echo(t, [0], [-1], [1.5], [1e21], [9007199254740991], [-9007199254740991], [true], [false], [null], [''], ['text'], [[]], [{}], [[[]]], [[1, [2, [3]]]],
      [{ a: { b: { c: [{}] } } }], [{ 'é': 'ключ', '': 1 }], [[null, 1]]),
    'no arguments, and fifty': (t) => echo(t, [], Array.from({ length: 50 }, (_, i) => i)),
    'numbers at their edges': (t) => echo(t, [5e-324, 1.7976931348623157e308, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64, -(2 ** 63), 1e300, 0.1 + 0.2, 1 / 3, 123e-20, 4.35, 1e23, -0]),
    'numbers in unusual notation': jsonOnly(async (t) => {
      const a = await connected(t);
      for (const text of ['1E5', '1e+2', '10e-1', '1.0', '0.0', '0e0', '100000000000000000000000', '12345678901234567', '-0', '-0.0', '0.1e1']) {
        const back = t.event(a, 'echo');
        raw(a, `2${nsp},["echo",${text}]`);
        await back;
      }
    }),
    'text of all kinds': (t) => echo(t, ['é€😀', '\u2028\u2029\u0000\u001f\u007f', '"\\/\b\f\n\r\t', '\ufeff', 'e\u0301', '👩‍👩‍👧', '\u{10ffff}', ' ']),
    'escapes of all kinds': jsonOnly(async (t) => {
      const a = await connected(t);
      for (const text of ['"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"', '"\\ud83d\\ude00"', '"\\u0000"', ' "spaces around" ', '\t[ 1 ,\n2 ]\r']) {
        const back = t.event(a, 'echo');
        raw(a, `2${nsp},["echo",${text}]`);
        await back;
      }
    }),
    'undefined, dates and holes become what JSON makes of them': jsonOnly((t) => echo(t, [undefined], [[undefined, 1]], [{ a: undefined, b: 1 }], [new Date(0)], [NaN, Infinity], [[, 1]])), // eslint-disable-line no-sparse-arrays
    'odd keys': (t) => echo(t, [JSON.parse('{"__proto__":{"x":1},"constructor":1,"toString":null,"length":3,"1":"one","0":"zero"}')], [{ _placeholder: false, num: 0 }]),
    'a key twice': jsonOnly(async (t) => {
      const a = await connected(t);
      const back = t.event(a, 'echo');
      raw(a, `2${nsp},["echo",{"a":1,"b":2,"a":3}]`);
      await back;
    }),
    'a placeholder that is no attachment': jsonOnly(async (t) => {
      const a = await connected(t);
      const back = t.event(a, 'echo');
      raw(a, `2${nsp},["echo",{"_placeholder":true,"num":0}]`);
      await back;
    }),
    'types as the server sees them': async (t) => {
      const a = await connected(t);
      a.emit('types', null, true, 1, 'x', [], {}, Buffer.from('x'), [1], { a: 1 }, Buffer.alloc(0), 1.5, undefined);
      await t.settle();
    },
    'values from the server': jsonOnly(async (t) => {
      const a = await connected(t);
      a.emit('from server');
      await t.settle();
    }),
    'nested to a depth of sixty': (t) => {
      let value = 1;
      for (let i = 0; i < 60; i += 1) value = i % 2 ? [value] : { v: value };
      return echo(t, [value]);
    },
    'an array of ten thousand': (t) => echo(t, [Array.from({ length: 10000 }, (_, i) => i)]),
    'an object of a thousand keys': (t) => echo(t, [Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, i]))]),
    'event names: empty, spaces, letters of the world': named('', 'with space', 'ключ😀', '"\\\n', 'x'.repeat(200)),
    'event names: * and digits': named('*', '0'),
    'event names: error, message, connection': named('error', 'message', 'connection', 'connect_error_'),
    'event names: of JavaScript objects': named('__proto__', 'constructor', 'toString'),
    'an event nobody listens to': async (t) => {
      const a = await connected(t);
      a.emit('nobody', 1);
      await t.settle();
    },
    'send is the event message': async (t) => {
      const a = await connected(t);
      const back = t.event(a, 'heard');
      a.send('hello', 2);
      await back;
    },
    'reserved names are refused on the server': async (t) => {
      const a = await connected(t);
      for (const name of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener', 'error', 'connection']) a.emit('reserved', name);
      await t.settle();
    },
    'binary both ways': (t) => echo(t, [Buffer.from([0, 1, 2, 255])], [new Uint8Array([1, 2])], [new Uint8Array([7, 8]).buffer], [Buffer.alloc(0)], [new Float32Array([1.5])]),
    'binary inside of other values': (t) => echo(t, [{ a: [Buffer.from('x'), { b: Buffer.from('y') }], c: 'text', n: null }, 1, Buffer.from('z')]),
    'the same binary twice': (t) => {
      const same = Buffer.from('same');
      return echo(t, [same, same, [same]]);
    },
    'ten attachments': (t) => echo(t, Array.from({ length: 10 }, (_, i) => Buffer.from([i]))),
    'eleven attachments end the connection': jsonOnly(async (t) => {
      const a = await connected(t);
      a.emit('echo', ...Array.from({ length: 11 }, (_, i) => Buffer.from([i])));
      await t.event(a, 'disconnect');
      await t.saw(a, 'disconnect');
    }),
    'binary of all bytes': (t) => echo(t, [Buffer.from(Array.from({ length: 256 }, (_, i) => i))]),
    'a big text from the server': async (t) => {
      const a = await connected(t);
      for (const size of [125, 126, 65535, 65536, 500000]) {
        a.offAny();
        a.emit('big', size);
        const [text, info] = await t.event(a, 'big');
        t.note(text.length, hash(text), info);
      }
    },
    'a big text from the client': async (t) => {
      const a = await connected(t);
      a.offAny();
      for (const size of [125, 126, 65535, 65536, 500000]) {
        const back = t.event(a, 'echo');
        a.emit('echo', 'é'.repeat(size / 2));
        const [text] = await back;
        t.note(text.length, hash(text));
      }
    },
    'big binary both ways': async (t) => {
      const a = await connected(t);
      a.offAny();
      const data = Buffer.alloc(300000, 'sioc');
      const back = t.event(a, 'echo');
      a.emit('echo', data);
      const [again] = await back;
      t.note(hash(again));
      a.emit('big binary', 300000);
      const [bytes] = await t.event(a, 'big');
      t.note(hash(bytes));
    },
    'hundreds of events keep their order, both ways': async (t) => {
      const a = await connected(t);
      a.emit('many', 300);
      for (let i = 0; i < 300; i += 1) a.emit('note', i);
      await t.settle();
    },
    'text and binary keep their order, both ways': async (t) => {
      const a = await connected(t);
      a.emit('mixed', 60);
      for (let i = 0; i < 60; i += 1) a.emit('note', i % 3 === 1 ? Buffer.from([i]) : i);
      await t.settle();
    },
    'small and big events keep their order': async (t) => {
      const a = await connected(t);
      const got = [];
      a.offAny();
      a.on('big', (text) => got.push(text.length));
      for (const size of [10, 200000, 10, 100000, 1]) a.emit('big', size);
      await t.settle();
      t.note(...got);
    },
    'a reserved name from the client ends the connection': jsonOnly(async (t) => {
      const a = await connected(t);
      raw(a, `2${nsp},["disconnect","x"]`);
      await t.event(a, 'disconnect');
      await t.saw(a, 'disconnect');
    }),
  },
};
