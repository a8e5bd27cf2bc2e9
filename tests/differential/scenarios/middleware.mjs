// Who is let in, and which events are.

import { pause } from '../../integration/lib/wire.mjs';

const refused = (auth) => async (t) => {
  const a = t.open('A', { nsp: '/doors', auth });
  await t.event(a, 'connect_error');
  t.note(a.connected, a.active, a.io.engine.readyState);
};
const packets = (...list) => async (t) => {
  const a = await t.connected('A', { nsp: '/packets' });
  for (const args of list) {
    if (args.at(-1) === 'ask') await t.ask(a, ...args.slice(0, -1));
    else a.emit(...args);
    await t.settle();
  }
};

export default {
  app: 'middleware',
  msgpack: true,
  scenarios: {
    'two middlewares, in order, and what they leave behind': async (t) => {
      const a = await t.connected('A', { nsp: '/doors', auth: { who: 'A' } });
      await t.ask(a, 'data');
      await t.ask(a, 'rooms');
    },
    'a middleware that waits': async (t) => t.ask(await t.connected('A', { nsp: '/doors', auth: { wait: 0.05 } }), 'data'),
    'refused': refused({ refuse: 'plain' }),
    'refused with data': refused({ refuse: 'data' }),
    'refused with a text as data': refused({ refuse: 'text data' }),
    'refused with an empty message': refused({ refuse: 'empty' }),
    'refused by the second, later': refused({ refuse: 'late', wait: 0.03 }),
    'refused, then let in on the same connection': async (t) => {
      const a = t.open('A', { nsp: '/doors', auth: { refuse: 'plain' } });
      await t.event(a, 'connect_error');
      a.auth = { who: 'better' };
      a.connect();
      await t.event(a, 'connect');
      await t.ask(a, 'data');
    },
    'refused in one namespace, let in in another': async (t) => {
      const a = await t.connected('A', { nsp: '/early' });
      const b = t.open('B', { nsp: '/doors', of: a, auth: { refuse: 'plain' } });
      await t.event(b, 'connect_error');
      await t.settle();
    },
    'events wait while a middleware does': async (t) => {
      const a = t.open('A', { nsp: '/doors', auth: { wait: 0.05 } });
      a.emit('data', (data) => t.note('answer', data));
      await t.event(a, 'connect');
      await t.settle();
    },
    'a client that goes while it is looked at': {
      transports: ['polling', 'websocket'],
      run: async (t) => {
        const a = t.open('A', { nsp: '/doors', auth: { wait: 0.1 } });
        await t.saw(undefined, 'first');
        a.io.engine.close();
        await t.saw(undefined, 'second');
        await pause(20);
      },
    },
    'what a middleware emits comes first': async (t) => {
      await t.connected('A', { nsp: '/early' });
      await t.settle();
    },
    'middleware of packets lets pass': packets(['allowed', 1, 'two'], ['allowed', 'ask']),
    'middleware of packets refuses, with data': packets(['forbidden', 1], ['allowed', 2]),
    'middleware of packets refuses': packets(['plainly']),
    'no answer to what was refused': async (t) => {
      const a = await t.connected('A', { nsp: '/packets' });
      a.emit('forbidden', () => t.note('answered'));
      await t.settle();
    },
    'middleware of packets waits': packets(['slow', 1, 'ask']),
    'middleware of packets hears what nobody listens to': packets(['nobody', 1]),
  },
};
