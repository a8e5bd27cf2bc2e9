export default function leaving({ io, record, serve }) {
  const body = (socket) => {
    socket.on('note', (n) => record(socket, 'note', n));
    socket.on('leave me', (close) => socket.disconnect(close));
    socket.on('say and leave', (close) => {
      socket.emit('last', 1);
      socket.emit('last', 2);
      socket.disconnect(close);
      record(socket, 'left', socket.connected, socket.disconnected);
    });
    socket.on('leave twice', () => { socket.disconnect(); socket.disconnect(true); });
    socket.on('cut', () => socket.conn.close());
    socket.on('big', (size) => socket.emit('big', 'x'.repeat(size)));
    socket.on('speak after', () => {
      socket.on('disconnect', () => record(socket, 'told', socket.emit('too late')));
    });
  };
  serve(io, body);
  serve(io.of('/leaving'), body);
  io.of('/at-once').on('connection', (socket) => { record(socket, 'connection'); socket.disconnect(); });
  io.of('/cut-at-once').on('connection', (socket) => { record(socket, 'connection'); socket.disconnect(true); });
}
