// A TCP connection on loopback that is read byte by byte, with a limit on every wait.

import net from 'node:net';

export const WAIT_MS = 30000; // much, for machines that do other work, too: nothing that passes waits for it

export function limit(promise, what, ms = WAIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${typeof what === 'function' ? what() : what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Wire {
  static connect(port, options = {}) {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true, ...options });
    const wire = new Wire(socket);
    return limit(new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(wire));
      socket.once('error', reject);
    }), 'connect');
  }

  constructor(socket) {
    this.socket = socket;
    this.store = Buffer.alloc(4096); // what came, with room for more: a long message comes in many pieces
    this.from = this.to = 0;
    this.ended = false; // FIN or RST has come
    this.reset = false;
    this.waiting = [];
    socket.on('data', (data) => { this.#keep(data); this.#wake(); });
    socket.on('end', () => { this.ended = true; this.#wake(); });
    socket.on('error', () => { this.reset = true; this.ended = true; this.#wake(); });
    socket.on('close', () => { this.ended = true; this.#wake(); });
  }

  // What has not been taken yet.
  get buffer() { return this.store.subarray(this.from, this.to); }

  // What was taken stays as it is, so a store is never written to twice.
  #keep(data) {
    const rest = this.buffer;
    if (this.to + data.length > this.store.length) {
      this.store = Buffer.alloc(Math.max(4096, 2 * (rest.length + data.length)));
      this.from = 0;
      this.to = rest.copy(this.store);
    }
    this.to += data.copy(this.store, this.to);
  }

  #wake() {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  // Resolves with ready()'s first value that is not undefined; throws when the peer ends first.
  async until(what, ready, ms = WAIT_MS) {
    const end = Date.now() + ms;
    for (;;) {
      const value = ready();
      if (value !== undefined) return value;
      if (this.ended) throw new Error(`${what}: the connection ended, with ${JSON.stringify(this.buffer.toString('latin1').slice(0, 200))} unread`);
      await limit(new Promise((resolve) => this.waiting.push(resolve)),
        () => `${what} (unread: ${JSON.stringify(this.buffer.toString('latin1').slice(0, 200))})`, Math.max(1, end - Date.now()));
    }
  }

  write(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  take(count) {
    const bytes = this.buffer.subarray(0, count);
    this.from += bytes.length;
    return bytes;
  }

  read(count) {
    return this.until(`${count} bytes`, () => (this.buffer.length >= count ? this.take(count) : undefined));
  }

  readThrough(mark) {
    return this.until(`bytes up to ${JSON.stringify(mark)}`, () => {
      const at = this.buffer.indexOf(mark, 0, 'latin1');
      return at < 0 ? undefined : this.take(at + mark.length).toString('latin1');
    });
  }

  // Everything until the peer ends the connection.
  async readToEnd(ms = WAIT_MS) {
    const end = Date.now() + ms;
    while (!this.ended)
      await limit(new Promise((resolve) => this.waiting.push(resolve)), () => `the end of the connection (unread: ${JSON.stringify(this.buffer.toString('latin1').slice(0, 200))})`,
        Math.max(1, end - Date.now()));
    return this.take(this.buffer.length);
  }

  pauseReading() { this.socket.pause(); }
  resumeReading() { this.socket.resume(); }
  end() { this.socket.end(); }
  rst() { this.socket.resetAndDestroy(); }
  destroy() { this.socket.destroy(); }
}
