// Connections that break in the network, and clients that come back: connection state recovery, through a proxy that cuts.

import { pause } from '../../integration/lib/wire.mjs';

const nsp = '/back';
const OPTIONS = { connection_state_recovery: { skip_middlewares: true } };
const WATCHED = { ...OPTIONS, ping_interval: 1, ping_timeout: 4 }; // between two GETs a server does not notice otherwise that its client has gone

// A, whose network can be lost, in "room", with data, and with an event so that the reference knows where it stands; B beside it.
async function pair(t) {
  const network = await t.network();
  const a = await t.connected('A', { nsp, through: network, reconnection: true, reconnectionDelay: 20, randomizationFactor: 0 });
  const b = await t.connected('B', { nsp });
  await t.ask(a, 'join', 'room');
  await t.ask(a, 'set', 'name', 'ann');
  await t.ask(b, 'to room', 'room', { n: 1 });
  await t.settle();
  return { a, b, network };
}

const gone = async (t, a, act) => {
  const { id } = a;
  const told = t.event(a, 'disconnect');
  act();
  await told;
  await t.saw(id, 'disconnect');
  for (const [what, reason, rooms] of await t.take((entry) => /^disconnect/.test(entry[0])))
    t.note(what, rooms.unordered.length, reason === 'transport error' ? 'transport close' : reason); // reading or writing: who is first
  return id;
};

const back = async (t, a, id, network) => {
  const connected = t.event(a, 'connect');
  network.mend();
  await connected;
  await t.upgraded(a);
  t.note('recovered', a.recovered, 'the same id', a.id === id);
  await t.settle();
  await t.ask(a, 'facts');
};

// What B does while A is away.
const away = (act, how = 'cut') => async (t) => {
  const { a, b, network } = await pair(t);
  await network.settled(t.transports.at(-1));
  const id = await gone(t, a, () => network[how]());
  await act(t, b, id);
  await back(t, a, id, network);
};

export default {
  app: 'recovery',
  options: OPTIONS,
  scenarios: {
    'the network is cut, and nothing was missed': away(async () => {}),
    'missed: to the room, to all but another room': away(async (t, b) => {
      await t.ask(b, 'to room', 'room', { n: 2 });
      await t.ask(b, 'to all but room', 'nobody', { n: 3 });
      await t.ask(b, 'to room', 'room', { n: 4 });
    }),
    'missed: to the id': away(async (t, b, id) => {
      b.emit('to id', id, { n: 2 }, () => {}); // the id has no name in the transcript yet
      await t.settle();
    }),
    'not missed: to another room, to all but the room, volatile': away(async (t, b) => {
      await t.ask(b, 'to room', 'elsewhere', { n: 2 });
      await t.ask(b, 'to all but room', 'room', { n: 3 });
      await t.ask(b, 'volatile');
      await t.ask(b, 'to room', 'room', { n: 4 });
    }),
    'missed: binary': away((t, b) => t.ask(b, 'binary')),
    'missed: many, in order': away(async (t, b) => {
      b.emit('numbers', 1, 300);
      await t.settle();
    }),
    'what the client says while it is away arrives': async (t) => {
      const { a, network } = await pair(t);
      await network.settled(t.transports.at(-1));
      const id = await gone(t, a, () => network.cut());
      for (let i = 0; i < 5; i += 1) a.emit('note', i);
      await back(t, a, id, network);
      await t.saw(a, 'note', 4);
    },
    'again and again': async (t) => {
      const { a, b, network } = await pair(t);
      for (let i = 2; i < 5; i += 1) {
        await network.settled(t.transports.at(-1));
        const id = await gone(t, a, () => network.cut());
        await t.ask(b, 'to room', 'room', { n: i });
        await back(t, a, id, network);
      }
    },
    'cut amid a flood: nothing twice, nothing lost': { options: WATCHED, run: async (t) => {
      const { a, b, network } = await pair(t);
      const { id } = a;
      const seen = [];
      a.on('n', (n) => seen.push(n));
      t.keepOut('A', 'n'); // how many came before the cut is chance
      t.keepOut('B', 'n');
      const told = t.event(a, 'disconnect');
      b.emit('numbers', 1, 500);
      await t.event(a, 'n');
      network.break();
      await told;
      network.cut();
      await t.saw(id, 'disconnect');
      await t.take((entry) => entry[0] === 'disconnecting' || entry[0] === 'disconnect'); // a write may fail first
      t.forget('A', 'disconnect');
      b.emit('numbers', 501, 600);
      await t.settle();
      await back(t, a, id, network);
      t.note('seen', seen.length, seen.every((n, i) => n === i + 1));
    } },
    'the client leaves: it does not come back as who it was': async (t) => {
      const { a, b } = await pair(t);
      const id = await gone(t, a, () => a.disconnect());
      await t.ask(b, 'to room', 'room', { n: 2 });
      const connected = t.event(a, 'connect');
      a.connect();
      await connected;
      t.note('recovered', a.recovered, 'the same id', a.id === id);
      await t.ask(a, 'facts');
    },
    'the server sends it away: the same': async (t) => {
      const { a } = await pair(t);
      const id = await gone(t, a, () => a.emit('leave me', false));
      const connected = t.event(a, 'connect');
      a.connect();
      await connected;
      t.note('recovered', a.recovered, 'the same id', a.id === id);
      await t.ask(a, 'facts');
    },
    'the network goes silent: both find out by the heartbeat': {
      options: WATCHED,
      run: away(async (t, b) => {
        await t.ask(b, 'to room', 'room', { n: 2 });
        await t.ask(b, 'binary');
      }, 'silence'),
    },
    'away for too long': {
      options: { connection_state_recovery: { skip_middlewares: true, max_disconnection_duration: 0.2 } },
      run: async (t) => {
        const { a, b, network } = await pair(t);
        await network.settled(t.transports.at(-1));
        const id = await gone(t, a, () => network.cut());
        await t.ask(b, 'to room', 'room', { n: 2 });
        await pause(500);
        await back(t, a, id, network);
      },
    },
  },
};
