export default function listeners({ io, record, split }) {
  const nsp = io.of('/listeners');
  nsp.on('connect', (socket) => record(socket, 'connect handler'));
  nsp.on('connection', (socket) => record(socket, 'connection handler'));
  nsp.on('connection', (socket) => {
    const hear = (what) => (...all) => all[0] !== 'sync' && record(socket, what, ...split(all)[0], split(all)[1] !== undefined);
    const [any, first] = [hear('any'), hear('prepended any')];
    const [one, two, gone] = [hear('one'), hear('two'), hear('gone')];
    const self = () => { record(socket, 'self'); socket.off('self', self); };
    const out = hear('out');
    const firstOut = hear('prepended out');

    socket.on('disconnect', (reason) => record(socket, 'disconnect', reason));
    socket.on('sync', (ack) => ack());
    socket.on('x', one);
    socket.on('x', two);
    socket.once('x', hear('once'));
    socket.on('y', gone);
    socket.on('y', one);
    socket.off('y', gone);
    socket.on('z', gone);
    socket.removeAllListeners('z');
    socket.on('self', self);
    socket.on('self', one);
    socket.on('doubled', one);
    socket.on('doubled', one);
    socket.addListener('front', one);
    socket.prependListener('front', two);
    socket.prependOnceListener('front', hear('once'));
    socket.addListener('front', gone);
    socket.removeListener('front', gone);
    socket.on('add', () => socket.on('added', one));
    socket.on('names', (ack) => ack({ unordered: socket.eventNames().filter((name) => !['error'].includes(name)) }));
    socket.on('counts', (ack) => ack(socket.listeners('x').length, socket.listeners('none').length, socket.listenersAny().length, socket.listenersAnyOutgoing().length, socket.listenerCount('front')));

    socket.on('any', (ack) => { socket.onAny(any); socket.prependAny(first); ack(); });
    socket.on('off any', (ack) => { socket.offAny(any); ack(); });
    socket.on('off all any', (ack) => { socket.offAny(); ack(); });
    socket.on('any out', (ack) => { socket.onAnyOutgoing(out); socket.prependAnyOutgoing(firstOut); ack(); });
    socket.on('off any out', (ack) => { socket.offAnyOutgoing(out); ack(); });
    socket.on('off all any out', (ack) => { socket.offAnyOutgoing(); ack(); });
    socket.on('speak', (ack) => {
      socket.emit('direct', 1, { a: [2] });
      nsp.emit('to all', 'x');
      nsp.to(socket.id).emit('to room', Buffer.from([1]));
      socket.broadcast.emit('to others');
      socket.emit('asks', 1, () => {});
      ack('an answer is no event');
    });
    socket.on('speak volatile', () => socket.volatile.emit('volatile'));
    socket.on('speak volatile twice', () => { for (const i of [1, 2]) socket.volatile.emit('volatile', i); });
    socket.on('remove', (name, ack) => { socket.removeAllListeners(name); ack(); });
  });
  io.of('/once').once('connection', (socket) => record(socket, 'the first'));
  const never = (socket) => record(socket, 'never');
  io.of('/off').on('connection', never);
  io.of('/off').off('connection', never);
  io.of('/off').on('connection', (socket) => record(socket, 'connection'));
  io.of('/rooms-events').on('connection', (socket) => {
    socket.on('join', (room, ack) => { socket.join(room); ack(); });
    socket.on('leave', (room, ack) => { socket.leave(room); ack(); });
  });
  for (const name of ['create-room', 'join-room', 'leave-room', 'delete-room']) io.of('/rooms-events').adapter.on(name, (room, id) => record(undefined, name, room, id));
}
