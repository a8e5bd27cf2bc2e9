// Answers: to the client, from the client, from many clients.

const nsp = '/acks';
const connected = (t, name = 'A', options = {}) => t.connected(name, { nsp, ...options });
const each = (...lists) => async (t) => {
  const a = await connected(t);
  for (const list of lists) await t.ask(a, ...list);
};
// answer: what the client does with the question.
const asking = (event, args, answer) => async (t) => {
  const a = await connected(t);
  a.on('q', (...all) => answer(...all));
  const done = t.event(a, 'asked');
  a.emit(event, ...args);
  await done;
};
const three = async (t) => {
  const sockets = [];
  for (const name of ['A', 'B', 'C']) sockets.push(await connected(t, name));
  for (const socket of sockets) socket.on('q', (...args) => args.at(-1)(`${socket.lane} ${args.length}`));
  return sockets;
};
const askAll = (spec, seconds = 10, prepare = () => {}) => async (t) => {
  const sockets = await three(t);
  await t.ask(sockets[1], 'join', 'r');
  await t.ask(sockets[2], 'join', 'r');
  await prepare(sockets, t);
  const done = t.event(sockets[0], 'asked');
  sockets[0].emit('ask all', seconds, spec, 'x');
  await done;
  await t.settle();
};

export default {
  app: 'acks',
  msgpack: true,
  scenarios: {
    'an answer with one value, none, several': each(['one'], ['none'], ['several'], ['one', 1, 2]),
    'an answer with binary': each(['binary']),
    'arguments come back in the answer': each(['back'], ['back', 1], ['back', null, [], {}], ['back', 'é€', { deep: [1.5] }], ['back', Buffer.from('x'), { b: Buffer.from('y') }]),
    'only the first answer counts': async (t) => {
      const a = await connected(t);
      a.emit('twice', (...args) => t.note('ack', ...args));
      await t.event(a, 'done');
      await t.settle();
    },
    'late answers overtake each other': async (t) => {
      const a = await connected(t);
      await Promise.all([0.12, 0, 0.06].map((seconds) => t.ask(a, 'late', seconds)));
    },
    'an answer that never comes': async (t) => {
      const a = await connected(t);
      await a.timeout(50).emitWithAck('never').catch((error) => t.note(error.message));
      await a.timeout(50).emitWithAck('nobody listens').catch((error) => t.note(error.message));
      await t.ask(a, 'one');
    },
    'no answer after the server has left': async (t) => {
      const a = await connected(t);
      a.emit('after leaving', () => t.note('answered'));
      await t.event(a, 'disconnect');
      await t.saw(a, 'disconnect');
    },
    'events before and after an answer keep their place': async (t) => {
      const a = await connected(t);
      const order = [];
      a.onAny((name) => order.push(name));
      a.emit('order', () => order.push('ack'));
      await t.settle();
      t.note(...order);
    },
    'whether an answer is wanted': async (t) => {
      const a = await connected(t);
      a.emit('wants', 1);
      a.emit('wants', 1, () => {});
      a.emit('wants');
      a.emit('wants', () => {});
      await t.settle();
    },
    'a hundred questions of the client': async (t) => {
      const a = await connected(t);
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => t.answer(a, 'back', i)));
      t.note(answers.flat());
    },
    'an answer to nothing is ignored': {
      text: true,
      run: async (t) => {
        const a = await connected(t);
        a.io.engine.write(`3${nsp},999["x"]`);
        await t.ask(a, 'one');
      },
    },
    'the server asks, the client answers': asking('ask', [10, 'what?', { n: 1 }], (...all) => all.at(-1)({ got: all.slice(0, -1) })),
    'the server asks, the answer is binary': asking('ask', [10, Buffer.from('q')], (data, answer) => answer({ b: [data, Buffer.from([255])] })),
    'the server asks, the answer has no value': asking('ask by callback', [10], (answer) => answer()),
    'the server asks by callback, the answer has several values': asking('ask by callback', [10, 1], (n, answer) => answer(n, 'two', [3], null)),
    'the server asks without a timeout': asking('ask without timeout', [1], (n, answer) => answer(n, 'two')),
    'the server asks, the client does not answer': asking('ask', [0.05], () => {}),
    'the server asks by callback, the client does not answer': asking('ask by callback', [0.05], () => {}),
    'the server asks, the answer is late': async (t) => {
      const a = await connected(t);
      let late;
      a.on('q', (answer) => { late = answer; });
      const done = t.event(a, 'asked');
      a.emit('ask', 0.05);
      await done;
      late('too late');
      await t.settle();
    },
    'the server asks, the client answers twice': async (t) => {
      const a = await connected(t);
      a.on('q', (answer) => { answer(1); answer(2); });
      const done = t.event(a, 'asked');
      a.emit('ask by callback', 10);
      await done;
      await t.settle();
    },
    'fifty questions of the server, answered out of order': async (t) => {
      const a = await connected(t);
      const waiting = [];
      a.on('q', (n, answer) => {
        waiting.push(() => answer(n));
        if (waiting.length === 50) for (const go of waiting.reverse()) go();
      });
      const done = t.event(a, 'asked');
      a.emit('ask many times', 50);
      await done;
    },
    'the client leaves while the server waits for its answer': async (t) => {
      const a = await connected(t);
      a.on('q', () => a.disconnect());
      const { id } = a;
      a.emit('ask', 0.2);
      await t.saw(id, 'no answer');
      await t.saw(id, 'disconnect');
      const [record] = await t.take((entry) => entry[0] === 'no answer'); // its place differs, too
      t.differs('api.md, "Semantics that differ" 2: an answer that can no longer come fails at once', record, { sioc: ['no answer', 'disconnected'], node: ['no answer', 'operation has timed out'] });
    },
    'everybody is asked': askAll({}),
    'a room is asked': askAll({ to: ['r'] }),
    'nobody is asked': askAll({ to: ['empty'] }),
    'all but a room are asked': askAll({ except: ['r'] }),
    'all but the socket itself are asked': askAll({ broadcast: true }),
    'everybody is asked, not all answer': askAll({}, 0.5, ([, b]) => { b.off('q'); }),
    'a room is asked, nobody answers': askAll({ to: ['r'] }, 0.1, ([, b, c]) => { b.off('q'); c.off('q'); }),
    'everybody is asked by callback': async (t) => {
      const [a] = await three(t);
      const done = t.event(a, 'asked');
      a.emit('ask all by callback', 10);
      await done;
    },
    'everybody is asked by callback, not all answer': async (t) => {
      const [a, , c] = await three(t);
      c.off('q');
      const done = t.event(a, 'asked');
      a.emit('ask all by callback', 0.5);
      await done;
    },
    'a client leaves while everybody is asked': async (t) => {
      const [a, b] = await three(t);
      b.off('q');
      b.on('q', () => b.disconnect());
      a.emit('ask all', 0.3, {}, 'x');
      await t.event(a, 'asked');
      const [record] = await t.take((entry) => /answers$/.test(entry[0]));
      t.differs('api.md, "Semantics that differ" 2: who leaves is subtracted', record,
        { sioc: ['answers', { unordered: ['A 2', 'C 2'] }], node: ['some answers', 'operation has timed out', { unordered: ['A 2', 'C 2'] }] });
    },
  },
};
