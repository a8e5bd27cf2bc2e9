// What `sioc bench` asks of a server, on Node with socket.io (npm install; the port is the first argument).
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http);

io.on('connection', (socket) => {
  socket.on('echo', (...args) => socket.emit('echo', ...args));
  socket.on('ack', (payload, answer) => answer(payload));
  socket.on('bcast', (number, payload) => io.emit('bcast', number, payload));
  socket.on('join', (room, answer) => {
    socket.join(room);
    answer(true);
  });
  socket.on('room', (room, number, payload) => io.to(room).emit('bcast', number, payload));
});

http.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
