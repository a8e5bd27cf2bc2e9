// For clients whose connection breaks, and who come back.  recovery.lua is the twin.

export default ({ io, record, split, serve, unordered }) => {
  const nsp = io.of('/back');
  serve(nsp, (socket) => {
    record(socket, 'recovered', socket.recovered, unordered(socket.rooms), socket.data);
    socket.on('join', (room, ack) => { socket.join(room); ack(unordered(socket.rooms)); });
    socket.on('set', (name, value, ack) => { socket.data[name] = value; ack(1); });
    socket.on('facts', (ack) => ack(unordered(socket.rooms), socket.data));
    socket.on('note', (n) => record(socket, 'note', n));
    const cast = (name, operator) => socket.on(name, (to, ...all) => {
      const [args, ack] = split(all);
      operator(to).emit('news', ...args);
      ack();
    });
    cast('to room', (room) => nsp.to(room));
    cast('to all but room', (room) => nsp.except(room));
    cast('to id', (id) => nsp.to(id));
    socket.on('binary', (ack) => { nsp.emit('news', Buffer.from([0, 1, 255]), { deep: Buffer.from('deep') }); ack(); });
    socket.on('volatile', (ack) => { nsp.volatile.emit('news', { volatile: true }); ack(); });
    socket.on('numbers', (from, to) => { for (let i = from; i <= to; i += 1) nsp.emit('n', i); });
    socket.on('leave me', (close) => socket.disconnect(close));
  });
};
