// What a socket knows of the request that opened it.

const fields = async (t, socket) => {
  const [h] = await t.answer(socket, 'handshake');
  delete h.query.t;
  for (const name of ['host', 'sec-websocket-key']) {
    t.note('has', name, typeof h.headers[name]);
    delete h.headers[name];
  }
  t.note('handshake', h);
};

export default {
  app: 'handshake',
  scenarios: {
    'all fields of a handshake': async (t) => fields(t, await t.connected('A', { auth: { token: 'é€', deep: { list: [1, null] } } })),
    'a handshake without auth': async (t) => fields(t, await t.connected('A')),
    'auth from a function': async (t) => fields(t, await t.connected('A', { auth: (cb) => cb({ late: true }) })),
    'auth of all types': async (t) => fields(t, await t.connected('A', { auth: { s: '', n: -1.5, t: true, f: false, z: null, a: [], o: {}, 'ключ': '😀' } })),
    'a query with odd characters': async (t) => fields(t, await t.connected('A', { query: { room: 'a b&c=d', 'é': '%20+', empty: '', plus: '1+1' } })),
    'headers of the client': async (t) => fields(t, await t.connected('A', { extraHeaders: { 'X-Custom': 'One', 'x-empty': '', Cookie: 'a=1; b=2' } })),
    'fields in another namespace': async (t) => fields(t, await t.connected('A', { nsp: '/hs', auth: { n: 1 }, query: { q: 'x' } })),
    'auth is apart for each namespace': async (t) => {
      const a = await t.connected('A', { auth: { who: 'root' } });
      const b = await t.connected('B', { nsp: '/hs', of: a, auth: { who: 'hs' } });
      await fields(t, a);
      await fields(t, b);
    },
    'ids are apart for each namespace and connection': async (t) => {
      const a = await t.connected('A');
      const b = await t.connected('B', { nsp: '/hs', of: a });
      const c = await t.connected('C');
      for (const socket of [a, b, c]) t.note('same id on both sides', (await t.answer(socket, 'id'))[0] === socket.id, /^[\w-]{20}$/.test(socket.id));
      t.note('different', new Set([a.id, b.id, c.id, a.io.engine.id, c.io.engine.id]).size);
    },
    'the request and the client behind a socket': async (t) => {
      const a = await t.connected('A', { query: { x: 'é 1' } });
      await t.ask(a, 'request');
      await t.ask(await t.connected('B', { nsp: '/hs', of: a }), 'request');
    },
    'the transport now': async (t) => t.ask(await t.connected('A'), 'transport'),
    'events of the connection handler come first': async (t) => {
      const a = await t.connected('A');
      await t.settle();
      t.note('connected', a.connected, a.recovered);
    },
    'a client that speaks before it is connected': async (t) => {
      const a = t.open('A');
      a.emit('id', () => t.note('answered'));
      await t.event(a, 'connect');
      await t.settle();
    },
    'a volatile event before it is connected is dropped': async (t) => {
      const a = t.open('A');
      a.volatile.emit('id', () => t.note('answered'));
      await t.event(a, 'connect');
      await t.settle();
    },
    'a manager with two namespaces that connect at once': async (t) => {
      const a = t.open('A');
      const b = t.open('B', { nsp: '/hs', of: a });
      await Promise.all([t.event(a, 'connect'), t.event(b, 'connect')]);
      await t.settle();
    },
    'an Origin': {
      options: { cors: { origin: '*' } },
      run: async (t) => fields(t, await t.connected('A', { extraHeaders: { origin: 'https://app.example' } })),
    },
    'another path': { options: { path: '/live/' }, run: async (t) => fields(t, await t.connected('A')) },
    'a path without a slash at its end': { options: { path: '/live' }, run: async (t) => fields(t, await t.connected('A')) },
    'upgrades are not allowed': {
      options: { allow_upgrades: false },
      transports: ['upgrade'],
      run: async (t) => {
        const a = await t.connected('A', { stays: true });
        await t.ask(a, 'transport');
        t.note(a.io.engine.transport.name, a.io.engine.upgrades);
      },
    },
    'a transport that the server does not serve': {
      options: { transports: ['websocket'] },
      transports: ['polling'],
      run: async (t) => { await t.event(t.open('A'), 'connect_error'); },
    },
    'one of two transports is served': {
      options: { transports: ['websocket'] },
      transports: ['websocket'],
      run: async (t) => { await t.ask(await t.connected('A'), 'transport'); },
    },
    'a path that is not served': async (t) => { await t.event(t.open('A', { path: '/elsewhere/' }), 'connect_error'); },
  },
};
