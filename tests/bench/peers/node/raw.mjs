// ws alone, with no Socket.IO above it: node raw.mjs PORT
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { answer, joined, open } from '../paste.mjs';

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 1000000 });
const everybody = new Set();
const publish = (text) => { for (const ws of everybody) ws.send(text); };

server.on('connection', (ws) => {
  ws.send(open);
  ws.on('message', (data) => {
    const text = data.toString();
    if (text === '40') {
      everybody.add(ws);
      ws.send(joined);
      return;
    }
    const back = answer(text, publish);
    if (back !== undefined) ws.send(back);
  });
  ws.on('close', () => everybody.delete(ws));
  ws.on('error', () => {});
});

http.listen(Number(process.argv[2] ?? 0), '127.0.0.1', 4096, () => console.log(`listening on http://127.0.0.1:${http.address().port}`));
process.on('SIGTERM', () => process.exit(0));
