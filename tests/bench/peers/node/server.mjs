// The benchmark's application on the reference server, with the same settings as its rivals have: no client files,
// WebSocket only or polling only, no compression unless it is asked for.
//   node server.mjs PORT [idle] [polling] [deflate] [eiows]      idle: one handler per socket
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';

const [port = '0', ...words] = process.argv.slice(2);
const has = (word) => words.includes(word);
const engine = has('eiows') ? { wsEngine: createRequire(new URL('../eiows/', import.meta.url))('eiows').Server } : {};
const http = createServer();
const io = new Server(http, {
  transports: [has('polling') ? 'polling' : 'websocket'],
  perMessageDeflate: has('deflate'),
  httpCompression: false,
  serveClient: false,
  ...engine,
});

io.on('connection', (socket) => {
  socket.on('echo', (...args) => socket.emit('echo', ...args));
  if (has('idle')) return;
  socket.on('ack', (payload, answer) => answer(payload));
  socket.on('bcast', (number, payload) => io.emit('bcast', number, payload));
  socket.on('join', (room, answer) => {
    socket.join(room);
    answer(true);
  });
  socket.on('room', (room, number, payload) => io.to(room).emit('bcast', number, payload));
});

http.listen(Number(port), '127.0.0.1', 4096, () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});

process.on('SIGTERM', () => process.exit(0));
