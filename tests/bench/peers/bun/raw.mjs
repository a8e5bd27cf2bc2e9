// Bun's own WebSockets and their publish, with no Socket.IO above them (below them: uWebSockets): bun raw.mjs PORT
import { answer, joined, open } from '../paste.mjs';

const server = Bun.serve({
  port: Number(process.argv[2] ?? 0),
  hostname: '127.0.0.1',
  fetch(request, self) { return self.upgrade(request) ? undefined : new Response('', { status: 400 }); },
  websocket: {
    maxPayloadLength: 1000000,
    idleTimeout: 0,
    open(ws) { ws.send(open); },
    message(ws, text) {
      if (text === '40') {
        ws.subscribe('all');
        ws.send(joined);
        return;
      }
      const back = answer(text, (all) => server.publish('all', all));
      if (back !== undefined) ws.send(back);
    },
  },
});
console.log(`listening on http://127.0.0.1:${server.port}`);
process.on('SIGTERM', () => process.exit(0));
