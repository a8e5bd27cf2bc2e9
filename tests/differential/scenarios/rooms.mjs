// Rooms, broadcast operators, and what is done to many sockets at once.

const nsp = '/rooms';
const connected = (t, name, options = {}) => t.connected(name, { nsp, ...options });

// A is in a, B in a and b, C in c, D in none.
const four = async (t) => {
  const sockets = [];
  for (const [name, ...rooms] of [['A', 'a'], ['B', 'a', 'b'], ['C', 'c'], ['D']]) {
    const socket = await connected(t, name, { auth: { name } });
    if (rooms.length) await t.ask(socket, 'join', ...rooms);
    sockets.push(socket);
  }
  await t.settle(); // all of them are welcome
  return sockets;
};

const cast = (from, ...steps) => async (t) => {
  const [a] = await four(t);
  await t.ask(a, 'cast', from, steps, 1, { two: 2 });
  await t.settle();
};

const act = (...args) => async (t) => {
  const sockets = await four(t);
  await t.ask(sockets[0], ...args);
  await t.settle();
  for (const socket of sockets) await t.ask(socket, 'join', 'x');
};

export default {
  app: 'rooms',
  msgpack: true,
  scenarios: {
    'join and leave': async (t) => {
      const a = await connected(t, 'A');
      for (const args of [['join', 'one'], ['join', 'two', 'three'], ['join', 'one'], ['leave', 'two'], ['leave', 'never joined'], ['leave', 'one']]) await t.ask(a, ...args);
    },
    'names of rooms: spaces, letters of the world, empty': async (t) => {
      const a = await connected(t, 'A');
      for (const name of ['with space', 'комната😀', '', '0', '__proto__', '/', '#', 'x'.repeat(200)]) await t.ask(a, 'join', name);
      for (const name of ['комната😀', '', '__proto__', 'x'.repeat(200)]) await t.ask(a, 'cast', 'namespace', [['to', name]], name);
      for (const name of ['комната😀', '', '__proto__']) await t.ask(a, 'leave', name);
    },
    'rooms are there when the socket leaves, and gone after': async (t) => {
      const a = await connected(t, 'A');
      await t.ask(a, 'join', 'one', 'two');
      a.disconnect();
      await t.saw(a, 'disconnect');
    },
    'a goodbye to the rooms': async (t) => {
      const [a, b] = await four(t);
      a.emit('leaving');
      await t.settle();
      const heard = t.event(b, 'news');
      a.disconnect();
      await heard;
      await t.settle();
    },
    'a socket that has left joins nothing': async (t) => {
      const [a, b] = await four(t);
      a.emit('after');
      await t.settle();
      const heard = t.event(b, 'news');
      a.disconnect();
      await heard;
      await t.settle();
    },
    'rooms of the same name in two namespaces': async (t) => {
      const a = await connected(t, 'A');
      const b = await t.connected('B', { nsp: '/others' });
      await t.ask(a, 'join', 'same');
      await t.ask(b, 'join', 'same');
      await t.ask(a, 'cast', 'namespace', [['to', 'same']], 'from rooms');
      await t.ask(b, 'cast', 'namespace', [['to', 'same']], 'from others');
      await t.settle();
    },
    'the own id is a room': async (t) => {
      const [a, b] = await four(t);
      await t.ask(a, 'cast', 'socket', [['to', b.id]], 'private');
      await t.ask(a, 'cast', 'namespace', [['to', a.id]], 'to myself');
      await t.ask(a, 'cast', 'socket', [['to', a.id]], 'to myself, but not me');
      await t.settle();
    },
    'the room of another': async (t) => {
      const [a, b] = await four(t);
      await t.ask(a, 'join', b.id);
      await t.ask(a, 'cast', 'namespace', [['to', b.id]], 'both');
      await t.settle();
    },
    'the own room can be left': async (t) => {
      const [a, b] = await four(t);
      await t.ask(a, 'leave own');
      await t.ask(b, 'cast', 'namespace', [['to', a.id]], 'lost');
      await t.ask(b, 'cast', 'namespace', [], 'to all');
      await t.settle();
    },
    'to everybody of the namespace': cast('namespace'),
    'to everybody of the main namespace': async (t) => {
      const [a] = await four(t);
      const root = await t.connected('R');
      await t.ask(a, 'cast', 'server', [], 'main only');
      await t.ask(root, 'cast', 'server', [], 'again');
      await t.settle();
    },
    'to a room': cast('namespace', ['to', 'a']),
    'to two rooms, each once': cast('namespace', ['to', 'a'], ['to', 'b']),
    'to a list of rooms': cast('namespace', ['to', ['a', 'c']]),
    'to one room and in another': cast('namespace', ['in', 'b'], ['to', 'c']),
    'to a room that is empty': cast('namespace', ['to', 'empty']),
    'to all but a room': cast('namespace', ['except', 'a']),
    'to all but a list of rooms': cast('namespace', ['except', ['b', 'c']]),
    'to a room but another': cast('namespace', ['to', 'a'], ['except', 'b']),
    'to a room but itself': cast('namespace', ['to', 'a'], ['except', 'a']),
    'to all, local': cast('namespace', ['local']),
    'to a room, uncompressed': cast('namespace', ['compress', false], ['to', 'a']),
    'from a socket to all others': cast('socket', ['broadcast']),
    'from a socket to its room': cast('socket', ['to', 'a']),
    'from a socket in a room': cast('socket', ['in', 'a']),
    'from a socket to all but a room': cast('socket', ['except', 'b']),
    'from a socket to a room but another': cast('socket', ['to', ['a', 'c']], ['except', 'b']),
    'from a socket, broadcast to a room': cast('socket', ['broadcast'], ['to', 'a']),
    'from a socket, local': cast('socket', ['local']),
    'from a socket to itself': cast('socket'),
    'from a socket to itself, uncompressed': cast('socket', ['compress', false]),
    'volatile, to those who can take it': {
      transports: ['websocket'],
      run: cast('namespace', ['volatile']),
    },
    'volatile from a socket to the others': {
      transports: ['websocket'],
      run: cast('socket', ['broadcast'], ['volatile']),
    },
    'binary to many': async (t) => {
      const [a] = await four(t);
      await t.ask(a, 'cast', 'namespace', [], Buffer.from([1, 2, 3]), { deep: Buffer.from('x') });
      await t.settle();
    },
    'broadcasts keep their order': async (t) => {
      const [a] = await four(t);
      for (let i = 0; i < 50; i += 1) a.emit('cast', 'namespace', i % 3 ? [] : [['to', 'a']], i, () => {});
      await t.settle();
    },
    'broadcasts and a socket\'s own events keep their order': async (t) => {
      const [a] = await four(t);
      for (let i = 0; i < 30; i += 1) a.emit('cast', i % 2 ? 'namespace' : 'socket', [], i, () => {});
      await t.settle();
    },
    'operators are values that can be kept': async (t) => {
      const [a] = await four(t);
      await t.ask(a, 'keep');
      await t.settle();
    },
    'who is in a room': async (t) => {
      const [a] = await four(t);
      for (const steps of [[['in', 'a']], [['in', 'b'], ['in', 'c']], [['in', 'empty']], [['except', 'a']]]) await t.ask(a, 'who', steps);
      await t.ask(a, 'who', []);
      await t.ask(a, 'sizes');
    },
    'what is known of sockets in a room': async (t) => {
      const [a, b] = await four(t);
      await t.ask(b, 'data', { n: 1, list: [1, 2] });
      await t.ask(a, 'facts', 'b');
      await t.ask(a, 'facts', 'empty');
    },
    'everybody joins a room': act('pull', [], ['new']),
    'a room joins two rooms': act('pull', [['in', 'a']], ['new', 'newer']),
    'a room leaves a room': act('push', [['in', 'b']], ['a', 'b']),
    'all but a room join a room': act('pull', [['except', 'a']], ['new']),
    'a room is sent away': async (t) => {
      const [a, b, c] = await four(t);
      const gone = [t.event(a, 'disconnect'), t.event(b, 'disconnect')];
      c.emit('drop', [['in', 'a']], false);
      await Promise.all([t.saw(a, 'disconnect'), t.saw(b, 'disconnect'), ...gone]);
      await t.ask(c, 'sizes');
    },
    'a room is sent away, with its connections': async (t) => {
      const [a, b, c] = await four(t);
      const root = await t.connected('R', { nsp: '/others', of: b });
      const gone = [t.event(b, 'disconnect'), t.event(root, 'disconnect')];
      c.emit('drop', [['in', 'b']], true);
      await Promise.all([t.saw(b, 'disconnect'), t.saw(root, 'disconnect'), ...gone]);
      await t.ask(a, 'sizes');
    },
    'each socket of a room is spoken to': act('each', 'a', 'emit'),
    'each socket of a room joins another': act('each', 'a', 'join'),
    'each socket of a room leaves it': act('each', 'a', 'leave'),
    'each socket of a room is sent away': async (t) => {
      const [a, b, c] = await four(t);
      const gone = t.event(b, 'disconnect');
      c.emit('each', 'b', 'disconnect');
      await gone;
      await t.saw(b, 'disconnect');
      await t.ask(a, 'sizes');
    },
  },
};
