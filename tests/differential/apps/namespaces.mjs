export default function namespaces({ io, record, serve, sleep }) {
  io.on('new_namespace', (nsp) => record(undefined, 'new namespace', nsp.name));
  const body = (socket) => {
    socket.on('where', (ack) => ack(socket.nsp.name));
    socket.on('all', (ack) => { socket.nsp.emit('news', socket.nsp.name); ack(); });
  };
  for (const name of ['/one', 'without slash', '/with space', '/ключ😀', '/a/b/c', '/dot.dot', `/${'x'.repeat(100)}`]) serve(io.of(name), body);
  for (let i = 0; i < 15; i += 1) serve(io.of(`/number-${i}`), body);
  record(undefined, 'same object', io.of('/one') === io.of('one'));

  const greeted = (socket) => { record(socket, 'handler given to of', socket.nsp.name); body(socket); };
  io.of('handled', greeted).on('connection', (socket) => record(socket, 'another'));
  io.of(/^\/handled-\d+$/, greeted);
  io.of((name, auth, next) => next(null, name === '/handled-by-function'), greeted);

  const tenants = serve(io.of(/^\/tenant-\d+$/), body);
  tenants.use((socket, next) => { record(socket, 'middleware', socket.nsp.name); next(socket.handshake.auth.refuse ? new Error('refused') : undefined); });
  tenants.on('connection', (socket) => socket.on('all tenants', (ack) => { tenants.emit('news', 'to all tenants'); ack(); }));
  serve(io.of((name, auth, next) => {
    if (!name.startsWith('/by-function')) return next(null, false);
    record(undefined, 'asked', name, auth);
    return sleep(name.includes('slow') ? 0.05 : 0).then(() => next(null, auth.ok === true));
  }), body);
  serve(io.of(/^\/tenant-1\d$/), () => record(undefined, 'never asked'));
}
