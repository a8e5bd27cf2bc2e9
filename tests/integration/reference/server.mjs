// The twin of fixtures/protocol.lua for the reference: node reference/server.mjs [PORT]
//
// The same options, events, namespaces, middlewares and records, so that the same tests run against both.

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import msgpack from 'socket.io-msgpack-parser';
import * as conns from './conns.mjs';

const { hooks = [], ...options } = JSON.parse(process.env.SIOC_TEST_OPTIONS || '{}');

// Script names with seconds to the reference's with milliseconds.
const SECONDS = ['ping_interval', 'ping_timeout', 'upgrade_timeout', 'connect_timeout'];
const NAMES = { max_payload: 'maxHttpBufferSize', allow_eio3: 'allowEIO3' };
const camel = (name) => NAMES[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const isTable = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const nested = (table) => Object.fromEntries(Object.entries(table).map(([name, value]) => [camel(name), value]));
const given = {};
for (const [name, value] of Object.entries(options))
  given[camel(name)] = isTable(value) ? nested(value) : SECONDS.includes(name) ? value * 1000 : value;
const recovery = options.connection_state_recovery;
if (recovery)
  given.connectionStateRecovery = { skipMiddlewares: recovery.skip_middlewares ?? false, ...(recovery.max_disconnection_duration && { maxDisconnectionDuration: recovery.max_disconnection_duration * 1000 }) };
if (options.parser === 'msgpack') given.parser = msgpack;
else delete given.parser;

const pause = (query) => new Promise((resolve) => setTimeout(resolve, Number(query.slow ?? 0) * 1000));
if (hooks.includes('allow_request'))
  given.allowRequest = async (req, done) => {
    await pause(req._query);
    const { deny } = req._query;
    done(deny === '' || deny === 'nil' ? undefined : deny, deny === undefined);
  };
let ids = 0;

const http = createServer((request, response) => { response.writeHead(404); response.end(); });
const app = new Server(http, given);

if (hooks.includes('generate_id'))
  app.engine.generateId = async (req) => {
    await pause(req._query);
    if (req._query.raise === 'id') throw new Error('generateId raises');
    ids += 1;
    return req._query.id ?? `custom_id-${String(ids).padStart(12, '0')}`;
  };
if (hooks.includes('engineio')) conns.serve(http, given, record);
if (hooks.includes('conns')) conns.below(app, record);
if (hooks.includes('use')) {
  app.engine.use((req, res, next) => {
    res.setHeader('X-Used', `${req.method}!`);
    const { fail } = req._query;
    next(fail === undefined ? undefined : new Error(fail));
  });
}
if (hooks.includes('events')) {
  app.engine.on('connection_error', ({ req, code, message, context }) => record('connection_error', undefined, { code, message, context, url: req.url }));
  app.engine.on('initial_headers', (headers, req) => {
    headers['X-Initial'] = req._query.t ?? '-';
    headers['Set-Cookie'] = ['a=1', 'b=2'];
  });
  app.engine.on('headers', (headers, req) => {
    headers['X-Each'] = req.method;
    if (headers['X-Initial']) headers['X-Initial'] += '!';
  });
}

function record(what, id, fields = {}) {
  process.stderr.write(`@@ ${JSON.stringify({ what, id, ...fields })}\n`);
}

function split(args) {
  const ack = args[args.length - 1];
  return typeof ack === 'function' ? [args.slice(0, -1), ack] : [args, undefined];
}

function operator(base, spec) {
  let op = base;
  if (spec.broadcast) op = op.broadcast;
  if (spec.volatile) op = op.volatile;
  if (spec.local) op = op.local;
  if (spec.compress === false) op = op.compress(false);
  for (const room of spec.to ?? []) op = op.to(room);
  for (const room of spec.in ?? []) op = op.in(room);
  for (const room of spec.except ?? []) op = op.except(room);
  return op;
}

function serve(nsp, name) {
  nsp.on('connection', (socket) => {
    const { id } = socket;
    record('connection', id, { nsp: name });
    for (const what of ['disconnecting', 'disconnect'])
      socket.on(what, (reason, details) => record(what, id, { nsp: name, reason, details: details?.message, rooms: [...socket.rooms] }));

    socket.on('echo', (...all) => socket.emit('echo', ...split(all)[0]));
    socket.on('', (...all) => socket.emit('', ...all));
    socket.on('connection', (...all) => socket.emit('got connection', ...split(all)[0]));
    socket.on('message', (...all) => socket.emit('got message', ...split(all)[0]));
    socket.on('error', (...all) => {
      if (all[0] instanceof Error) record('error', id, { err: all[0].message, data: all[0].data });
      else socket.emit('got error', ...split(all)[0]);
    });
    socket.on('note', (...all) => record('note', id, { args: split(all)[0] }));

    socket.on('hello', (...all) => { const [args, ack] = split(all); ack('world', ...args); });
    socket.on('ackbin', (...all) => { const [args, ack] = split(all); ack('bin', ...args); });
    socket.on('acknone', (...all) => { split(all)[1](); });
    socket.on('acktwice', (ack) => { ack(1); ack(2); socket.emit('done'); });
    socket.on('acknever', () => {});
    socket.on('ackbye', (ack) => { socket.disconnect(); ack('late'); });

    socket.on('ask', async (timeout, ...args) => {
      let answer;
      let err;
      try {
        answer = await socket.timeout(timeout * 1000).emitWithAck('q', ...args);
      } catch (error) {
        err = error.message;
      }
      record('answer', id, { answer, err });
      socket.emit('answer', answer, err);
    });
    socket.on('askcb', (...args) => {
      let count = 0;
      socket.emit('q', ...args, (answer) => socket.emit('answer', answer, count += 1));
    });
    socket.on('askall', async (timeout, ack) => {
      let answers;
      let err;
      try {
        answers = await nsp.timeout(timeout * 1000).emitWithAck('q', 'all');
      } catch (error) {
        err = error.message;
        answers = error.responses;
      }
      record('answers', id, { answers, err });
      ack('asked', err);
    });

    socket.on('bye', () => socket.disconnect());
    socket.on('kick', () => socket.disconnect(true));
    socket.on('connclose', () => socket.conn.close());

    socket.on('three', () => { for (let i = 0; i < 3; i += 1) socket.emit('m', i); });
    socket.on('count', (n) => { for (let i = 1; i <= n; i += 1) socket.emit('n', i); });
    socket.on('volatile', () => { socket.volatile.emit('v', 1); socket.emit('n', 2); });
    socket.on('volatile first', () => socket.volatile.emit('v', 1));
    socket.on('big', (n) => socket.emit('big', 'x'.repeat(n)));
    socket.on('big plain', (n) => socket.compress(false).emit('big', 'x'.repeat(n)));
    socket.on('flood', (size, times) => { for (let i = 0; i < times; i += 1) socket.emit('flood', 'x'.repeat(size)); });
    socket.on('binary', () => socket.emit('binary', Buffer.from([1, 2, 255])));

    socket.on('join', (room, ack) => { socket.join(room); ack([...socket.rooms]); });
    socket.on('leave', (room, ack) => { socket.leave(room); ack([...socket.rooms]); });
    socket.on('cast', (spec, ...all) => {
      const [args, ack] = split(all);
      operator(spec.from === 'server' ? nsp : socket, spec).emit('news', ...args);
      if (ack) ack('sent');
    });
    socket.on('who', async (room, ack) => ack((await nsp.in(room).fetchSockets()).map((other) => other.id)));
    socket.on('pull', (from, to, ack) => { nsp.in(from).socketsJoin(to); ack(); });
    socket.on('push', (from, to, ack) => { nsp.in(from).socketsLeave(to); ack(); });
    socket.on('drop', (room) => nsp.in(room).disconnectSockets());

    socket.on('handshake', (ack) => {
      const h = socket.handshake;
      ack({ auth: h.auth, query: h.query, agent: h.headers['user-agent'], address: h.address, url: h.url, secure: h.secure, xdomain: h.xdomain, time: h.time, issued: typeof h.issued === 'number' });
    });
    socket.on('clients', (ack) => ack(app.engine.clientsCount));
    socket.on('set', (name, value, ack) => { socket.data[name] = value; ack(); });
    socket.on('data', (ack) => ack(socket.data));
    socket.on('me', (ack) => ack({ id: socket.id, connected: socket.connected, recovered: socket.recovered }));

    socket.use(([event], next) => next(event === 'forbidden' ? Object.assign(new Error('forbidden event'), { data: { code: 403 } }) : undefined));
    socket.on('forbidden', () => record('forbidden', id));
  });
}

serve(app, '/');
for (const name of ['/admin', '/chat', '/mw', '/slow', '/early', '/recovery']) serve(app.of(name), name);

serve(app.of(/^\/dyn-\d+$/), 'dyn');
app.of((name, auth, next) => {
  const ok = (name === '/fn' || name === '/late') && auth.key === 'open';
  if (name === '/late') setTimeout(() => next(null, ok), 50);
  else next(null, ok);
}).on('connection', (socket) => socket.emit('hello', socket.nsp.name));
app.on('new_namespace', (nsp) => record('new_namespace', nsp.name));

if (options.allow_eio3)
  app.use((socket, next) => {
    const { refuse } = socket.handshake.query;
    if (refuse === undefined) return next();
    return next(Object.assign(new Error('denied'), { data: JSON.parse(refuse) }));
  });

app.of('/mw').use((socket, next) => {
  if (socket.handshake.auth.token === 'secret') return next();
  const error = new Error('not authorized');
  error.data = { code: 'E1', n: 1 };
  return next(error);
});
app.of('/mw').use((socket, next) => next(socket.handshake.auth.plain ? new Error('plain refusal') : undefined));
app.of('/slow').use((socket, next) => { record('slow'); setTimeout(next, 300); });
app.of('/recovery').use((socket, next) => {
  const { auth } = socket.handshake;
  record('middleware', socket.id, { recovered: socket.recovered, data: socket.data });
  setTimeout(() => next(auth.refuse ? new Error('refused') : undefined), (auth.slow ?? 0) * 1000);
});
app.of('/early').use((socket, next) => { socket.emit('early', 1); next(); });

http.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${http.address().port}\n`);
});
process.on('SIGTERM', () => {
  app.close();
  setTimeout(() => process.exit(0), 100); // the answers of pending requests go out first
});
