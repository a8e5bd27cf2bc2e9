// Namespaces: those of the script, those that clients bring about, and those that nobody knows.

const where = (...names) => async (t) => {
  for (const [i, nsp] of names.entries()) {
    const socket = await t.connected(`S${i}`, { nsp });
    await t.ask(socket, 'where');
  }
};
const unknown = (nsp, options = {}) => async (t) => {
  const a = t.open('A', { nsp, ...options });
  await t.event(a, 'connect_error');
  t.note(a.connected, a.io.engine.readyState);
};

export default {
  app: 'namespaces',
  options: { cleanup_empty_child_namespaces: true },
  scenarios: {
    'names of namespaces': where('/one', '/without slash', '/with space', '/ключ😀', '/a/b/c', '/dot.dot', `/${'x'.repeat(100)}`),
    'handlers that were given with the name': where('/handled', '/handled-7', '/handled-by-function'),
    'an unknown namespace': unknown('/unknown'),
    'a name in another case': unknown('/One'),
    'a name that goes on': unknown('/one/more'),
    'an unknown namespace, then a known one': async (t) => {
      const a = t.open('A', { nsp: '/unknown' });
      await t.event(a, 'connect_error');
      await t.ask(await t.connected('B', { nsp: '/one', of: a }), 'where');
    },
    'many namespaces on one connection': async (t) => {
      const first = await t.connected('N0', { nsp: '/number-0' });
      for (let i = 1; i < 15; i += 1) await t.connected(`N${i}`, { nsp: `/number-${i}`, of: first });
      for (const socket of [...t.sockets]) await t.ask(socket, 'where');
    },
    'what is said in one namespace is not heard in another': async (t) => {
      const a = await t.connected('A', { nsp: '/one' });
      await t.connected('B', { nsp: '/a/b/c', of: a });
      await t.connected('C', { nsp: '/one' });
      await t.ask(a, 'all');
      await t.settle();
    },
    'a namespace by its pattern': async (t) => {
      const a = await t.connected('A', { nsp: '/tenant-1' });
      const b = await t.connected('B', { nsp: '/tenant-2' });
      const c = await t.connected('C', { nsp: '/tenant-1' });
      for (const socket of [a, b, c]) await t.ask(socket, 'where');
      await t.ask(a, 'all');
      await t.ask(b, 'all tenants');
      await t.settle();
    },
    'the pattern that was first': where('/tenant-12'),
    'no pattern fits': unknown('/tenant-x'),
    'a middleware of the pattern refuses': unknown('/tenant-3', { auth: { refuse: true } }),
    'a namespace that is empty is closed, and comes back': async (t) => {
      const a = await t.connected('A', { nsp: '/tenant-7' });
      const { id } = a;
      a.disconnect();
      await t.saw(id, 'disconnect');
      await t.ask(await t.connected('B', { nsp: '/tenant-7' }), 'where');
    },
    'a namespace by a function': async (t) => t.ask(await t.connected('A', { nsp: '/by-function', auth: { ok: true, n: 1 } }), 'where'),
    'a namespace by a function that waits': async (t) => t.ask(await t.connected('A', { nsp: '/by-function-slow', auth: { ok: true } }), 'where'),
    'the function says no': unknown('/by-function-no', { auth: { ok: false } }),
    'the function says no, later': unknown('/by-function-slow-no', { auth: { ok: false } }),
  },
};
