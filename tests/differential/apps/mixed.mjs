// For clients of all kinds in one room: of 2.x and 4.x, and python-socketio's.  mixed.lua is the twin.

export default ({ io, record, split, serve, unordered }) => {
  const nsp = io.of('/mixed');
  nsp.use((socket, next) => {
    const refuse = socket.handshake.auth.refuse ?? socket.handshake.query.refuse;
    if (!refuse) return next();
    const error = new Error(refuse === 'data' ? 'not authorized' : 'not allowed');
    if (refuse === 'data') error.data = { code: 'E1', list: [1, 2] };
    next(error);
  });
  serve(nsp, (socket) => {
    record(socket, 'protocol', socket.conn.protocol);
    socket.on('join', (room, ack) => { socket.join(room); ack(room); });
    socket.on('leave room', (room, ack) => { socket.leave(room); ack(room); });
    socket.on('echo', (...all) => socket.emit('echoed', ...split(all)[0]));
    socket.on('back', (...all) => {
      const [args, ack] = split(all);
      ack(...args);
    });
    socket.on('note', (...all) => record(socket, 'note', ...split(all)[0]));
    socket.on('to room', (room, ...all) => {
      const [args, ack] = split(all);
      nsp.to(room).emit('news', ...args);
      ack();
    });
    socket.on('to others', (room, ...all) => {
      const [args, ack] = split(all);
      socket.to(room).emit('news', ...args);
      ack();
    });
    socket.on('ask', async (...all) => {
      try {
        record(socket, 'answer', await socket.timeout(5000).emitWithAck('q', ...split(all)[0]));
      } catch (error) {
        record(socket, 'no answer', error.message);
      }
      socket.emit('asked');
    });
    socket.on('ask all', async (room) => {
      let answers;
      let failed = false;
      try {
        answers = await nsp.to(room).timeout(5000).emitWithAck('q', 'all');
      } catch (error) {
        answers = error.responses;
        failed = true;
      }
      record(socket, 'answers', unordered(answers), failed);
      socket.emit('asked');
    });
    socket.on('many', (count) => { for (let i = 0; i < count; i += 1) socket.emit('n', i % 3 === 1 ? Buffer.from([i % 256]) : i); });
    socket.on('leave me', (close) => socket.disconnect(close));
  });
};
