// The twin of fixtures/conns.lua for the reference.

import { Server as Engine } from 'engine.io';

const plain = (data) => (Buffer.isBuffer(data) || ArrayBuffer.isView(data) ? `<${Buffer.from(data).toString('hex')}>` : data);
const packet = (p) => ({ type: p.type, data: plain(p.data) });

const NAMES = { packet_create: 'packetCreate' };
const told = {
  message: (data) => ({ data: plain(data) }),
  data: (data) => ({ data: plain(data) }),
  packet: (p) => ({ packet: packet(p) }),
  packet_create: (p) => ({ packet: packet(p) }),
  upgrading: (transport) => ({ transport: transport.name }),
  upgrade: (transport) => ({ transport: transport.name }),
  flush: (packets) => ({ packets: packets.map(packet) }),
  close: (reason, details) => ({ reason, details: details?.message }),
};

const state = (conn) => ({
  state: conn.readyState, transport: conn.transport.name, protocol: conn.protocol, upgraded: conn.upgraded,
  address: conn.remoteAddress, waiting: conn.writeBuffer.length,
});

export function watch(conn, record) {
  const query = conn.request._query;
  for (const name of (query.listen ?? '').split(',').filter(Boolean))
    conn.on(NAMES[name] ?? name, (...args) => record(name, query.tag, (told[name] ?? (() => ({})))(...args)));
}

const wishes = {
  state: (conn) => conn.send(JSON.stringify(state(conn))),
  three: (conn) => { for (let i = 1; i <= 3; i += 1) conn.send(`m${i}`); },
  mixed: (conn) => { conn.send('text'); conn.send(Buffer.from([1, 2, 255])); },
  plain: (conn) => conn.send('x'.repeat(5000), { compress: false }),
  big: (conn) => conn.send('x'.repeat(5000)),
  sent: (conn, record) => conn.send('sent', () => record('sent', conn.request._query.tag)),
  close: (conn) => conn.close(),
  discard: (conn) => conn.close(true),
  'last words': (conn) => { conn.send('bye'); conn.close(); },
};

export function serve(http, options, record) {
  const { pingInterval, pingTimeout, maxHttpBufferSize, allowEIO3, httpCompression, upgradeTimeout, initialPacket } = options;
  const given = Object.fromEntries(Object.entries({ pingInterval, pingTimeout, maxHttpBufferSize, allowEIO3, httpCompression, upgradeTimeout, initialPacket }).filter(([, value]) => value !== undefined));
  const engine = new Engine(given);
  engine.attach(http, { path: '/engine.io/' });
  engine.on('connection', (conn) => {
    const req = conn.request;
    const { tag, greet } = req._query;
    record('open', tag, { state: state(conn), url: req.url, method: req.method, agent: req.headers['x-agent'] });
    watch(conn, record);
    conn.on('message', (data) => {
      const wish = typeof data === 'string' && wishes[data];
      if (wish) wish(conn, record);
      else conn.send(data);
    });
    conn.on('close', (reason, details) => record('closed', tag, { reason, details: details?.message, state: conn.readyState }));
    if (greet) conn.send(greet);
  });
}

export function below(app, record) {
  app.engine.on('connection', (conn) => {
    record('conn', conn.request._query.tag, { state: state(conn) });
    watch(conn, record);
    conn.on('message', (data) => { if (data === '2["note","by hand"]') conn.send('2["by hand"]'); });
  });
  app.engine.on('flush', (conn, packets) => { if (conn.request._query.engine) record('engine flush', conn.request._query.tag, told.flush(packets)); });
  app.engine.on('drain', (conn) => { if (conn.request._query.engine) record('engine drain', conn.request._query.tag); });
  app.on('connection', (socket) => {
    const { query } = socket.handshake;
    record('below', query.tag, { same: socket.conn === app.engine.clients[socket.conn.id], state: state(socket.conn) });
  });
}
