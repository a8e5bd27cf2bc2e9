export default function middleware({ io, record, serve, split, sleep }) {
  const refusal = (message, data) => Object.assign(new Error(message), data === undefined ? {} : { data });

  const doors = serve(io.of('/doors'), (socket) => {
    socket.on('data', (ack) => ack(socket.data));
    socket.on('rooms', (ack) => ack({ unordered: [...socket.rooms] }));
  });
  doors.use((socket, next) => {
    record(socket, 'first', socket.connected, socket.handshake.auth);
    socket.data.seen = ['first'];
    socket.join('from middleware');
    const { refuse } = socket.handshake.auth;
    if (refuse === 'plain') return next(refusal('not allowed'));
    if (refuse === 'data') return next(refusal('not authorized', { code: 'E1', list: [1, { deep: null }], 'é': '€' }));
    if (refuse === 'text data') return next(refusal('with text', 'data'));
    if (refuse === 'empty') return next(refusal(''));
    return next();
  });
  doors.use(async (socket, next) => {
    const { wait, refuse } = socket.handshake.auth;
    if (wait) await sleep(wait);
    record(socket, 'second');
    socket.data.seen.push('second');
    next(refuse === 'late' ? refusal('late refusal', [1, 2]) : undefined);
  });

  serve(io.of('/packets'), (socket) => {
    socket.onAny((event) => event !== 'sync' && record(socket, 'any', event));
    socket.use(([event, ...args], next) => {
      if (event === 'sync') return next();
      record(socket, 'packet', event, ...split(args)[0]);
      if (event === 'forbidden') return next(refusal('forbidden event', { code: 403 }));
      if (event === 'plainly') return next(refusal('no'));
      return next();
    });
    socket.use(([event], next) => {
      if (event !== 'sync') record(socket, 'second packet', event);
      if (event === 'slow') setTimeout(next, 60);
      else next();
    });
    for (const event of ['allowed', 'forbidden', 'plainly', 'slow'])
      socket.on(event, (...all) => { const [args, ack] = split(all); record(socket, event, ...args); if (ack) ack('done'); });
    socket.on('error', (error) => record(socket, 'error', error.message, error.data));
  });

  io.of('/early').use((socket, next) => { socket.emit('early', 1); next(); });
  serve(io.of('/early'), (socket) => socket.emit('later', 2));
}
