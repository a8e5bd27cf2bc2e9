// The benchmark's application with socket.io on Bun's engine: bun server.mjs PORT [idle]
import { Server as Engine } from '@socket.io/bun-engine';
import { Server } from 'socket.io';

const [port = '0', variant] = process.argv.slice(2);
const io = new Server({ serveClient: false });
const engine = new Engine({ path: '/socket.io/', pingInterval: 25000, pingTimeout: 20000 });
io.bind(engine);

io.on('connection', (socket) => {
  socket.on('echo', (...args) => socket.emit('echo', ...args));
  if (variant === 'idle') return;
  socket.on('ack', (payload, answer) => answer(payload));
  socket.on('bcast', (number, payload) => io.emit('bcast', number, payload));
  socket.on('join', (room, answer) => {
    socket.join(room);
    answer(true);
  });
  socket.on('room', (room, number, payload) => io.to(room).emit('bcast', number, payload));
});

const server = Bun.serve({ port: Number(port), hostname: '127.0.0.1', ...engine.handler() });
console.log(`listening on http://127.0.0.1:${server.port}`);
process.on('SIGTERM', () => process.exit(0));
