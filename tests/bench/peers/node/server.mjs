// The benchmark's application on the reference server, with the same settings as its rivals have:
// WebSocket only, no compression, no client files.
//   node server.mjs [PORT] [idle]     idle: one handler per socket, to measure what a client weighs
import { createServer } from "node:http";
import { Server } from "socket.io";

const [port = "0", variant] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});

io.on("connection", (socket) => {
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  if (variant === "idle") return;
  socket.on("ack", (payload, answer) => answer(payload));
  socket.on("bcast", (seq, payload) => io.emit("bcast", seq, payload));
});

http.listen(Number(port), "127.0.0.1", 4096, () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});

process.on("SIGTERM", () => process.exit(0));
