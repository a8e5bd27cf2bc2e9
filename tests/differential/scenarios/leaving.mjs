// How connections end, and the reasons that both sides are told.

import { Socket as Engine } from 'engine.io-client';
import { limit } from '../../integration/lib/wire.mjs';

const nsp = '/leaving';
const connected = (t, name = 'A', options = {}) => t.connected(name, { nsp, ...options });

// Both sides have heard of the end.
const ends = (act, options = {}) => async (t) => {
  const a = await connected(t, 'A', options);
  const { id } = a;
  const gone = t.event(a, 'disconnect');
  await act(a, t);
  await gone;
  await t.saw(id, 'disconnect');
};
const raw = (text) => ends((a) => a.io.engine.write(text));
// A packet of Engine.IO as it is.
const engineRaw = (text) => ends((a) => {
  const { transport } = a.io.engine;
  if (transport.name === 'websocket') transport.ws.send(text);
  else transport.doWrite(text, () => {});
});
const both = (act) => async (t) => {
  const a = await connected(t);
  const b = await t.connected('B', { of: a });
  await t.settle();
  const { id } = a;
  const gone = t.event(a, 'disconnect');
  await act(a, t);
  await gone;
  await t.saw(id, 'disconnect');
  if (b.connected) await t.answer(b, 'sync').catch(() => {});
  t.note('the other', b.connected);
};

export default {
  app: 'leaving',
  scenarios: {
    'the client leaves': ends((a) => a.disconnect()),
    'the client closes its connection': ends((a) => a.io.engine.close()),
    'the connection breaks': ends((a, t) => t.drop(a)),
    'the server leaves the namespace': ends((a) => a.emit('leave me', false)),
    'the server leaves and closes': ends((a) => a.emit('leave me', true)),
    'the server leaves twice': ends((a) => a.emit('leave twice')),
    'the server cuts the connection': ends((a) => a.emit('cut')),
    'the last words of the server arrive': ends((a) => a.emit('say and leave', false)),
    'the last words of the server arrive before it closes': ends((a) => a.emit('say and leave', true)),
    'the server leaves at once': async (t) => {
      const a = t.open('A', { nsp: '/at-once' });
      await t.event(a, 'disconnect');
    },
    'the server closes at once': async (t) => {
      const a = t.open('A', { nsp: '/cut-at-once' });
      await t.event(a, 'disconnect');
    },
    'the client leaves one of two namespaces': async (t) => {
      const a = await connected(t);
      const b = await t.connected('B', { of: a });
      const { id } = a;
      a.disconnect();
      await t.saw(id, 'disconnect');
      await t.answer(b, 'sync');
      t.note('the other', b.connected);
    },
    'the server leaves one of two namespaces': both((a) => a.emit('leave me', false)),
    'the server closes with two namespaces': both((a) => a.emit('leave me', true)),
    'the connection breaks with two namespaces': both((a, t) => t.drop(a)),
    'the client comes back after it has left': async (t) => {
      const a = await connected(t);
      const first = a.id;
      a.disconnect();
      await t.saw(first, 'disconnect');
      a.connect();
      await t.event(a, 'connect');
      t.note('a new id', a.id !== first);
      await t.settle();
    },
    'the client comes back after it was sent away': async (t) => {
      const a = await connected(t);
      const gone = t.event(a, 'disconnect');
      a.emit('leave me', false);
      await gone;
      a.connect();
      await t.event(a, 'connect');
      await t.settle();
    },
    'the client reconnects by itself, and sends what it kept': async (t) => {
      const a = await connected(t, 'A', { reconnection: true, reconnectionDelay: 20, randomizationFactor: 0 });
      const { id } = a;
      const back = new Promise((resolve) => a.once('disconnect', () => { a.emit('note', 'kept'); a.volatile.emit('note', 'not kept'); resolve(t.event(a, 'connect')); }));
      await t.drop(a);
      await back;
      await t.saw(id, 'disconnect');
      await t.saw(a, 'note', 'kept');
      await t.settle();
    },
    'a client that was sent away does not reconnect by itself': async (t) => {
      const a = await connected(t, 'A', { reconnection: true, reconnectionDelay: 10 });
      const gone = t.event(a, 'disconnect');
      a.emit('leave me', false);
      await gone;
      t.note(a.active);
    },
    'garbage instead of a packet': raw('x'),
    'a packet of an unknown type': raw('9'),
    'bad JSON': raw(`2${nsp},["x"`),
    'an event without a name': raw(`2${nsp},[]`),
    'an event that is no array': raw(`2${nsp},{"a":1}`),
    'an event without data': async (t) => {
      const a = await connected(t);
      a.io.engine.write(`2${nsp},`);
      await t.settle();
    },
    'a CONNECT_ERROR from the client': raw(`4${nsp},{"message":"x"}`),
    'a second CONNECT': raw(`0${nsp},`),
    'an event for a namespace that was not joined': raw('2/elsewhere,["x"]'),
    'auth that is no object': raw('0/elsewhere,"text"'),
    'an attachment that nobody awaits': ends((a) => a.io.engine.write(Buffer.from([1, 2]))),
    'text while an attachment is awaited': ends((a) => { a.io.engine.write(`51-${nsp},["x",{"_placeholder":true,"num":0}]`); a.io.engine.write(`2${nsp},["x"]`); }),
    'a packet of Engine.IO of an unknown type': engineRaw('9abc'),
    'a ping from the client': engineRaw('2'),
    'too much for one message': {
      options: { max_payload: 10000, ping_interval: 0.3 },
      transports: ['websocket', 'upgrade'],
      run: ends((a) => a.emit('note', 'x'.repeat(20000))),
    },
    'exactly as much as is allowed': {
      options: { max_payload: 10000, ping_interval: 0.3 },
      run: async (t) => {
        const a = await connected(t);
        a.emit('note', 'x'.repeat(9000));
        a.emit('big', 20000);
        await t.event(a, 'big');
        t.note(a.io.engine.maxPayload);
      },
    },
    'the client stays silent': {
      options: { ping_interval: 0.6, ping_timeout: 0.3 },
      transports: ['polling', 'websocket'],
      run: async (t) => {
        const a = await connected(t);
        const { id } = a;
        const { engine } = a.io;
        const send = engine.sendPacket ?? engine._sendPacket;
        const name = engine.sendPacket ? 'sendPacket' : '_sendPacket';
        engine[name] = function quiet(type, ...rest) { if (type !== 'pong') send.call(this, type, ...rest); };
        await t.saw(id, 'disconnect');
        await (a.connected ? t.event(a, 'disconnect') : undefined);
      },
    },
    'the client answers pings': {
      options: { ping_interval: 0.1, ping_timeout: 0.5 },
      run: async (t) => {
        const a = await connected(t);
        for (let i = 0; i < 3; i += 1) await limit(new Promise((resolve) => a.io.engine.once('ping', resolve)), 'a ping');
        await t.settle();
        t.note(a.connected);
      },
    },
    'a client that joins nothing is closed': {
      options: { connect_timeout: 0.1 },
      transports: ['polling', 'websocket'],
      run: async (t) => {
        const engine = new Engine(t.target.url, { path: '/socket.io/', transports: t.transports });
        t.engines.push(engine);
        const reason = await limit(new Promise((resolve) => engine.once('close', resolve)), 'the end');
        t.note(reason);
      },
    },
    'what is sent right after joining': async (t) => {
      const a = t.open('A', { nsp });
      a.on('connect', () => { for (let i = 0; i < 5; i += 1) a.emit('note', i); });
      await t.event(a, 'connect');
      await t.settle();
    },
    'emit after the end': async (t) => {
      const a = await connected(t);
      const { id } = a;
      a.emit('speak after');
      await t.settle();
      a.disconnect();
      await t.saw(id, 'told');
      const [record] = await t.take((entry) => entry[0] === 'told');
      t.differs('api.md, "Semantics that differ" 1: emit tells the truth', record, { sioc: ['told', false], node: ['told', true] });
    },
    'the server shuts down': {
      fresh: true,
      run: async (t) => {
        const network = await t.network();
        const a = await connected(t, 'A', { through: network });
        const b = await t.connected('B', { of: a });
        await t.settle();
        await network.settled(t.transports.at(-1)); // or else the next GET finds nobody: another reason
        const ids = [a.id, b.id];
        const gone = [t.event(a, 'disconnect'), t.event(b, 'disconnect')];
        t.target.isGone = true;
        t.target.control.io.reconnection(false);
        t.target.control.emit('close');
        await Promise.all([...gone, t.saw(ids[0], 'disconnect'), t.saw(ids[1], 'disconnect')]);
      },
    },
  },
};
