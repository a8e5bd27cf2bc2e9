export default function events({ io, record, serve, split }) {
  serve(io.of('/events'), (socket) => {
    socket.on('echo', (...all) => socket.emit('echo', ...split(all)[0]));
    for (const name of ['', 'with space', 'ключ😀', '*', '0', 'error', 'message', 'connection', 'connect_error_', '__proto__', 'constructor', 'toString', 'x'.repeat(200), '"\\\n'])
      socket.on(name, (...all) => {
        if (all[0] instanceof Error) return record(socket, 'error', all[0].message); // of the parser
        return socket.emit('heard', name, ...split(all)[0]);
      });
    socket.on('types', (...all) => record(socket, 'types', ...all.map((value) => (value === null || value === undefined ? 'null' : Buffer.isBuffer(value) ? 'binary' : Array.isArray(value) ? 'array' : typeof value))));
    socket.on('reserved', (name) => {
      try {
        socket.emit(name);
        socket.emit('sent', name);
      } catch (error) {
        socket.emit('refused', name, error.message);
      }
    });
    socket.on('from server', () => {
      socket.emit('none');
      socket.emit('nulls', null, undefined, [null], { a: null });
      socket.emit('numbers', 0, -1, 1.5, 1e21, 1e-7, 123456789012345, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, NaN, Infinity, -Infinity);
      socket.emit('text', 'é€😀\u2028\u0000"\\/', '');
      socket.emit('nested', [[], {}, [[]], { a: [{ b: [] }] }]);
      socket.emit('binary', Buffer.from([0, 1, 255]), { deep: [Buffer.alloc(0), { b: Buffer.from('text') }] }, 'end');
      const same = Buffer.from('same');
      socket.emit('twice', same, same);
      socket.send('as message', 1);
    });
    socket.on('big', (size) => socket.emit('big', 'x'.repeat(size), { size }));
    socket.on('big binary', (size) => socket.emit('big', Buffer.alloc(size, 7), { size }));
    socket.on('many', (count) => {
      for (let i = 0; i < count; i += 1) socket.emit('n', i);
    });
    socket.on('mixed', (count) => {
      for (let i = 0; i < count; i += 1) socket.emit('n', i % 3 === 1 ? Buffer.from([i]) : i);
    });
    socket.on('note', (...all) => record(socket, 'note', ...split(all)[0]));
  });
}
