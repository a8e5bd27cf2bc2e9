// The stock client of 2.x, that of 4.x and python-socketio's: each alone, and all of them in one room.

const nsp = '/mixed';
const HEARS = ['echoed', 'news', 'q', 'asked', 'n'];
const two = (t, name = 'two', options = {}) => t.connected2(name, { nsp, hears: HEARS, ...options });
const four = (t, name = 'four', options = {}) => t.connected(name, { nsp, ...options });
const python = (t, name = 'python', options = {}) => t.connectedPython(name, { nsp, ...options });
const KINDS = { '2.x': two, python };

const VALUES = [true, 1, -1.5, 1e21, 'é€😀\n\\n"', [1, [2, { a: {} }]], { k: 'v', n: null, ключ: [] }];
const BINARY = [Buffer.from([0, 1, 255]), { deep: [Buffer.from('deep'), { again: Buffer.alloc(300, 7) }] }, 'end'];

// The same for either kind of client alone.
function alone(open) {
  const answersQ = (socket) => { if (!socket.isPython) socket.on('q', (what, answer) => answer(`${what}!`)); };
  return {
    'values of all kinds come back': async (t) => {
      const socket = await open(t);
      await t.ask(socket, 'back', ...VALUES);
      const echoed = t.event(socket, 'echoed');
      socket.emit('echo', ...VALUES);
      await echoed;
      socket.emit('note', ...VALUES);
      await t.saw(socket, 'note');
    },
    'binary comes back': async (t) => {
      const socket = await open(t);
      await t.ask(socket, 'back', ...BINARY);
      const echoed = t.event(socket, 'echoed');
      socket.emit('echo', ...BINARY);
      await echoed;
    },
    'an answer without arguments, and with one': async (t) => {
      const socket = await open(t);
      await t.ask(socket, 'back');
      await t.ask(socket, 'back', 'one');
    },
    'answers the server': async (t) => {
      const socket = await open(t);
      answersQ(socket);
      const asked = t.event(socket, 'asked');
      socket.emit('ask', 'why');
      await asked;
    },
    'many events, text and binary, in order': async (t) => {
      const socket = await open(t);
      socket.emit('many', 200);
      await t.settle();
    },
    'a big event': async (t) => {
      const socket = await open(t);
      await t.ask(socket, 'back', 'x'.repeat(150_000), Buffer.alloc(150_000, 1));
    },
    'it leaves': async (t) => {
      const socket = await open(t);
      const { id } = socket;
      socket.disconnect();
      await t.saw(id, 'disconnecting');
      await t.take((entry) => entry[0] === 'disconnecting' || entry[0] === 'disconnect'); // "client namespace disconnect" or "transport close": who is first
    },
    'the server leaves it': async (t) => {
      const socket = await open(t);
      const { id } = socket;
      const gone = t.event(socket, 'disconnect');
      socket.emit('leave me', false);
      await gone;
      await t.saw(id, 'disconnect');
    },
    'the server closes its connection': async (t) => {
      const socket = await open(t);
      const { id } = socket;
      const gone = t.event(socket, 'disconnect');
      socket.emit('leave me', true);
      await gone;
      await t.saw(id, 'disconnect');
    },
    'rooms of its own': async (t) => {
      const socket = await open(t);
      await t.ask(socket, 'join', 'one');
      await t.ask(socket, 'to room', 'one', 'said');
      await t.ask(socket, 'leave room', 'one');
      await t.ask(socket, 'to room', 'one', 'not heard');
      await t.settle();
    },
  };
}

const all = async (t) => {
  const sockets = [await two(t), await four(t), await python(t)];
  for (const socket of sockets) await t.ask(socket, 'join', 'room');
  return sockets;
};

const scenarios = {};
for (const [kind, open] of Object.entries(KINDS))
  for (const [name, run] of Object.entries(alone(open))) scenarios[`${kind}: ${name}`] = run;

export default {
  app: 'mixed',
  options: { allow_eio3: true },
  scenarios: {
    ...scenarios,
    '2.x: refused by middleware': async (t) => {
      await two(t, 'plain', { query: { refuse: 'plain' }, fails: 'error' });
      await two(t, 'data', { query: { refuse: 'data' }, fails: 'error' });
      await t.connected2('query', { nsp: '/mixed?refuse=data', fails: 'error' });
      await t.connected2('unknown', { nsp: '/nowhere', fails: 'error' });
    },
    'python: refused by middleware': async (t) => {
      await python(t, 'plain', { auth: { refuse: 'plain' }, fails: 'failed' });
      await python(t, 'data', { auth: { refuse: 'data' }, fails: 'failed' });
      await python(t, 'unknown', { nsp: '/nowhere', fails: 'failed' });
    },
    'all in one room, each speaks': async (t) => {
      for (const socket of await all(t)) {
        await t.ask(socket, 'to room', 'room', `from ${socket.lane}`, ...VALUES);
        await t.settle();
      }
    },
    'all in one room, binary': async (t) => {
      for (const socket of await all(t)) {
        await t.ask(socket, 'to room', 'room', `from ${socket.lane}`, ...BINARY);
        await t.settle();
      }
    },
    'all in one room, each to the others': async (t) => {
      for (const socket of await all(t)) {
        await t.ask(socket, 'to others', 'room', `from ${socket.lane}`, BINARY[0]);
        await t.settle();
      }
    },
    'all are asked': async (t) => {
      const sockets = await all(t);
      for (const socket of sockets) if (!socket.isPython) socket.on('q', (what, answer) => answer(`${socket.lane} ${what}`));
      const asked = t.event(sockets[1], 'asked');
      sockets[1].emit('ask all', 'room');
      await asked;
    },
  },
};
