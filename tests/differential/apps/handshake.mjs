export default function handshake({ io, record, serve }) {
  const body = (socket) => {
    record(socket, 'flags', socket.connected, socket.disconnected, socket.recovered, socket.rooms.size, socket.rooms.has(socket.id), socket.nsp.name);
    record(socket, 'conn', socket.conn.remoteAddress, socket.conn.id !== socket.id, socket.id.length);
    socket.emit('first', 1);
    socket.emit('second', 2);
    socket.on('handshake', (ack) => {
      const { auth, query, headers, address, url, secure, xdomain, time, issued } = socket.handshake;
      ack({ auth, query, headers, address, url: url.split('?')[0], secure, xdomain, time: typeof time, issued: typeof issued });
    });
    socket.on('transport', (ack) => ack(socket.conn.transport.name));
    socket.on('request', (ack) => {
      const { request, client, conn } = socket;
      const { connection, upgrade, ...headers } = request.headers;
      delete headers.host;
      delete headers['sec-websocket-key'];
      ack(request.method, request.url.split('?')[0], request._query.x, headers, client.conn === conn, client.id === conn.id, client.request === request, conn.request === request);
    });
    socket.on('id', (ack) => ack(socket.id));
  };
  serve(io, body);
  serve(io.of('/hs'), body);
}
