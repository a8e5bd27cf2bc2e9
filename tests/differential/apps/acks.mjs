export default function acks({ io, record, serve, split, sleep, unordered }) {
  const nsp = io.of('/acks');
  serve(nsp, (socket) => {
    // answers to the client
    socket.on('one', (...all) => split(all)[1]('yes'));
    socket.on('none', (ack) => ack());
    socket.on('several', (ack) => ack(1, 'two', [3], { four: 4 }, null));
    socket.on('binary', (ack) => ack(Buffer.from([1, 2]), { deep: Buffer.from('x') }));
    socket.on('back', (...all) => { const [args, ack] = split(all); ack(...args); });
    socket.on('twice', (ack) => { ack(1); ack(2); socket.emit('done'); });
    socket.on('late', async (seconds, ack) => { await sleep(seconds); ack(seconds); });
    socket.on('never', () => {});
    socket.on('after leaving', (ack) => { socket.disconnect(); ack('late'); });
    socket.on('order', (ack) => { socket.emit('before'); ack('ack'); socket.emit('after'); });
    socket.on('wants', (...all) => record(socket, 'wants', split(all)[1] !== undefined, split(all)[0].length));

    // answers from the client
    socket.on('ask', async (seconds, ...args) => {
      try {
        record(socket, 'answer', await socket.timeout(seconds * 1000).emitWithAck('q', ...args));
      } catch (error) {
        record(socket, 'no answer', error.message);
      }
      socket.emit('asked');
    });
    socket.on('ask by callback', (seconds, ...args) => {
      socket.timeout(seconds * 1000).emit('q', ...args, (err, ...answers) => {
        record(socket, 'called back', err ? err.message : null, ...answers);
        socket.emit('asked');
      });
    });
    socket.on('ask without timeout', (...args) => {
      socket.emit('q', ...args, (...answers) => {
        record(socket, 'called back', ...answers);
        socket.emit('asked');
      });
    });
    socket.on('ask many times', async (count) => {
      record(socket, 'answers', await Promise.all(Array.from({ length: count }, (_, i) => socket.timeout(10000).emitWithAck('q', i))));
      socket.emit('asked');
    });

    // answers from many
    socket.on('join', (room, ack) => { socket.join(room); ack(); });
    socket.on('ask all', async (seconds, spec, ...args) => {
      let op = spec.broadcast ? socket.broadcast : nsp.timeout(seconds * 1000);
      if (spec.broadcast) op = op.timeout(seconds * 1000);
      if (spec.to) op = op.to(spec.to);
      if (spec.except) op = op.except(spec.except);
      try {
        record(socket, 'answers', unordered(await op.emitWithAck('q', ...args)));
      } catch (error) {
        record(socket, 'some answers', error.message, unordered(error.responses));
      }
      socket.emit('asked');
    });
    socket.on('ask all by callback', (seconds) => {
      nsp.timeout(seconds * 1000).emit('q', (err, answers) => {
        record(socket, 'called back', err ? err.message : null, unordered(answers));
        socket.emit('asked');
      });
    });
  });
}
