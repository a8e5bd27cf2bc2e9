export default function rooms({ io, record, serve, split, unordered }) {
  const operator = (base, steps) => steps.reduce((op, [step, value]) => {
    switch (step) {
      case 'to': return op.to(value);
      case 'in': return op.in(value);
      case 'except': return op.except(value);
      case 'compress': return op.compress(value);
      default: return op[step]; // broadcast, volatile, local
    }
  }, base);

  const body = (nsp) => (socket) => {
    socket.emit('welcome');
    socket.on('join', (...all) => { const [names, ack] = split(all); socket.join(names.length === 1 ? names[0] : names); ack(unordered(socket.rooms)); });
    socket.on('leave', (name, ack) => { socket.leave(name); ack(unordered(socket.rooms)); });
    socket.on('leave own', (ack) => { socket.leave(socket.id); ack(unordered(socket.rooms)); });
    socket.on('cast', (from, steps, ...all) => {
      const [args, ack] = split(all);
      const base = from === 'server' ? io : from === 'namespace' ? nsp : socket;
      operator(base, steps).emit('news', ...args);
      ack();
    });
    socket.on('keep', (ack) => { // an operator is a value
      const staff = nsp.to('a');
      const less = staff.except('b');
      const more = staff.to('c');
      staff.emit('news', 'a');
      less.emit('news', 'a but b');
      more.emit('news', 'a and c');
      staff.emit('news', 'a again');
      ack();
    });
    socket.on('who', async (steps, ack) => ack(unordered((await operator(nsp, steps).fetchSockets()).map((other) => other.id))));
    socket.on('facts', async (room, ack) => ack(unordered((await nsp.in(room).fetchSockets()).map((other) => ({ id: other.id, rooms: unordered(other.rooms), data: other.data, auth: other.handshake.auth })))));
    socket.on('data', (data, ack) => { socket.data.kept = data; ack(socket.data); });
    socket.on('pull', (steps, names, ack) => { operator(nsp, steps).socketsJoin(names); ack(); });
    socket.on('push', (steps, names, ack) => { operator(nsp, steps).socketsLeave(names); ack(); });
    socket.on('drop', (steps, close) => operator(nsp, steps).disconnectSockets(close));
    socket.on('each', async (room, what, ack) => {
      for (const other of await nsp.in(room).fetchSockets()) {
        if (what === 'emit') other.emit('news', 'one by one');
        if (what === 'join') other.join('together');
        if (what === 'leave') other.leave(room);
        if (what === 'disconnect') other.disconnect();
      }
      if (ack) ack();
    });
    socket.on('sizes', (ack) => ack(nsp.sockets.size));
    socket.on('leaving', () => socket.on('disconnecting', () => {
      socket.to([...socket.rooms].filter((room) => room !== socket.id)).emit('news', 'goodbye');
      socket.join('too late');
    }));
    socket.on('after', () => socket.on('disconnect', () => {
      socket.join('too late');
      record(socket, 'after', [...socket.rooms], socket.connected);
      nsp.emit('news', 'somebody left');
    }));
  };
  serve(io, body(io));
  for (const name of ['/rooms', '/others']) serve(io.of(name), body(io.of(name)));
}
