// Which handlers hear what, and in which order.

const nsp = '/listeners';
const connected = (t, name = 'A', options = {}) => t.connected(name, { nsp, ...options });
const steps = (...list) => async (t) => {
  const a = await connected(t);
  for (const args of list) {
    if (args.at(-1) === 'ask') await t.ask(a, ...args.slice(0, -1));
    else a.emit(...args);
    // The reference runs catch-all handlers at once and the others a tick later, so that events of one segment mix; here
    // each event's handlers run together (protocol.md 12, in-order dispatch).
    await t.settle();
  }
};

export default {
  app: 'listeners',
  scenarios: {
    'several handlers of an event, and once': steps(['x', 1], ['x', 2]),
    'a handler that was taken away': steps(['y', 1], ['z', 2]),
    'a handler that takes itself away': steps(['self', 1], ['self', 2]),
    'the same handler twice': steps(['doubled', 1]),
    'handlers that go before the others': steps(['counts', 'ask'], ['front', 1], ['counts', 'ask'], ['front', 2]),
    'a handler that comes later': steps(['added', 1], ['add'], ['added', 2], ['add'], ['added', 3]),
    'all handlers of an event are removed': steps(['remove', 'x', 'ask'], ['x', 1], ['y', 2]),
    'names and numbers of handlers': steps(['names', 'ask'], ['counts', 'ask'], ['any', 'ask'], ['any out', 'ask'], ['counts', 'ask']),
    'catch-all handlers come first': steps(['any', 'ask'], ['x', 1], ['nobody', 2], ['', 3]),
    'one catch-all handler is taken away': steps(['any', 'ask'], ['off any', 'ask'], ['x', 1]),
    'all catch-all handlers are taken away': steps(['any', 'ask'], ['off all any', 'ask'], ['x', 1]),
    'a catch-all handler twice': steps(['any', 'ask'], ['any', 'ask'], ['nobody', 1]),
    'handlers of what is sent': async (t) => {
      const a = await connected(t);
      const b = await connected(t, 'B');
      await t.ask(a, 'any out');
      await t.ask(a, 'speak');
      await t.ask(b, 'speak');
      await t.settle();
    },
    'handlers of what is sent, volatile': { transports: ['websocket'], run: steps(['any out', 'ask'], ['speak volatile']) },
    'handlers of what is sent hear of a volatile event that is dropped': { transports: ['websocket'], run: steps(['any out', 'ask'], ['speak volatile twice']) },
    'one handler of what is sent is taken away': steps(['any out', 'ask'], ['off any out', 'ask'], ['speak', 'ask']),
    'all handlers of what is sent are taken away': steps(['any out', 'ask'], ['off all any out', 'ask'], ['speak', 'ask']),
    'a handler of connections that was taken away': async (t) => {
      const a = await t.connected('A', { nsp: '/off' });
      await t.saw(a, 'connection');
    },
    'handlers of one connection only': {
      fresh: true,
      transports: ['websocket'],
      run: async (t) => {
        const a = await t.connected('A', { nsp: '/once' });
        await t.saw(a, 'the first');
        await t.connected('B', { nsp: '/once' });
      },
    },
    'what happens to rooms': async (t) => {
      const a = await t.connected('A', { nsp: '/rooms-events' });
      const b = await t.connected('B', { nsp: '/rooms-events' });
      await t.ask(a, 'join', 'r');
      await t.ask(a, 'join', 'r');
      await t.ask(b, 'join', 'r');
      await t.ask(a, 'leave', 'r');
      await t.ask(a, 'leave', 'r');
      await t.ask(b, 'leave', 'r');
      await t.ask(b, 'join', 's');
      b.disconnect();
      await t.saw(undefined, 'delete-room', 's');
    },
  },
};
