// The applications for Node's server: main.lua is the twin.  SIOC_TEST_APPS names them, SIOC_TEST_OPTIONS has options.

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import msgpack from 'socket.io-msgpack-parser';

const SECONDS = ['ping_interval', 'ping_timeout', 'upgrade_timeout', 'connect_timeout', 'max_disconnection_duration'];
const NAMES = { max_payload: 'maxHttpBufferSize', allow_eio3: 'allowEIO3' };
const isTable = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// Script names with seconds to the reference's with milliseconds.
function translated(options) {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => {
    const camel = NAMES[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    return [camel, isTable(value) ? translated(value) : SECONDS.includes(name) ? value * 1000 : value];
  }));
}

const http = createServer((request, response) => { response.writeHead(404); response.end(); });
const options = translated(JSON.parse(process.env.SIOC_TEST_OPTIONS));
if (options.parser === 'msgpack') options.parser = msgpack;
const io = new Server(http, options);

const tell = (record) => process.stderr.write(`@@ ${JSON.stringify(record)}\n`);
const sleep = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

// Values as they can be told: no binary, no functions, null for undefined.
function plain(value) {
  if (value instanceof Uint8Array) return `<binary ${Buffer.from(value).toString('hex')}>`;
  if (Array.isArray(value)) return value.map(plain);
  if (isTable(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return typeof value === 'function' ? '<function>' : value ?? null;
}

// What the server sees of a socket, or of none.
const record = (socket, ...entry) => tell({ id: socket?.id, entry: plain(entry) });

// Arguments without the ack function, and that function.
function split(all) {
  const ack = all.at(-1);
  return typeof ack === 'function' ? [all.slice(0, -1), ack] : [all, undefined];
}

// A list whose order means nothing, or is that of ids: the runner sorts it.
const unordered = (items) => ({ unordered: [...items] });

function serve(nsp, body = () => {}) {
  nsp.on('connection', (socket) => {
    record(socket, 'connection', socket.nsp.name);
    socket.on('sync', (ack) => ack());
    socket.on('disconnecting', (reason) => record(socket, 'disconnecting', reason, unordered(socket.rooms)));
    socket.on('disconnect', (reason) => record(socket, 'disconnect', reason, unordered(socket.rooms)));
    body(socket);
  });
  return nsp;
}

let fences = 0;
io.of('/control').on('connection', (socket) => {
  const fence = (ack) => {
    fences += 1;
    tell({ fence: fences });
    ack({ fence: fences, clients: io.engine.clientsCount });
  };
  socket.on('fence', fence);
  socket.on('drain', async (ack) => {
    for (let i = 0; i < 6000 && io.engine.clientsCount > 1; i += 1) await sleep(0.005);
    fence(ack);
  });
  socket.on('close', () => io.close());
});

for (const name of process.env.SIOC_TEST_APPS.split(','))
  (await import(`./${name}.mjs`)).default({ io, record, split, serve, sleep, unordered });

http.listen(0, '127.0.0.1', () => process.stdout.write(`listening on http://127.0.0.1:${http.address().port}\n`));
process.on('SIGTERM', () => process.exit(0));
process.on('uncaughtException', (error) => tell({ error: error.stack }));
