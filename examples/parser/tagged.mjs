// The other half of tagged.c, for socket.io-client: io(url, { parser: tagged }).
//
// A parser in JavaScript is an Encoder, which makes messages of a packet, and a Decoder, which is given messages and
// emits the packets.  Packets look like { type, nsp, data, id }.

const EVENT = 2, ACK = 3;
const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

// ---- out ----

class Writer {
  parts = [];

  bytes(bytes) { this.parts.push(bytes); }
  tag(letter) { this.bytes(utf8.encode(letter)); }

  counted(bytes) {
    const head = new DataView(new ArrayBuffer(4));
    head.setUint32(0, bytes.byteLength);
    this.bytes(new Uint8Array(head.buffer));
    this.bytes(bytes);
  }

  number(value) {
    const body = new DataView(new ArrayBuffer(8));
    body.setFloat64(0, value);
    this.tag('d');
    this.bytes(new Uint8Array(body.buffer));
  }

  binary(value) {
    this.tag('b');
    this.counted(value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  map(value) {
    this.tag('{');
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      this.counted(utf8.encode(key));
      this.value(member);
    }
    this.tag('}');
  }

  value(value) {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return this.binary(value);
    if (typeof value?.toJSON === 'function') return this.value(value.toJSON());
    if (value === null || value === undefined) return this.tag('n');
    if (typeof value === 'boolean') return this.tag(value ? 't' : 'f');
    if (typeof value === 'number') return Number.isFinite(value) ? this.number(value) : this.tag('n');
    if (typeof value === 'string') return this.tag('s'), this.counted(utf8.encode(value));
    if (!Array.isArray(value)) return this.map(value);
    this.tag('[');
    for (const element of value) this.value(element);
    return this.tag(']');
  }

  take() {
    const all = new Uint8Array(this.parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of this.parts) all.set(part, at), at += part.byteLength;
    return typeof Buffer === 'undefined' ? all.buffer : Buffer.from(all.buffer);
  }
}

export class Encoder {
  encode({ type, nsp, data, id }) {
    if (type !== EVENT && type !== ACK) return [JSON.stringify(data === undefined ? [type, nsp] : [type, nsp, data])];
    const writer = new Writer();
    writer.bytes(Uint8Array.of(type));
    writer.counted(utf8.encode(nsp));
    writer.value(id ?? null);
    for (const element of data) writer.value(element);
    return [writer.take()];
  }
}

// ---- in ----

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  get more() { return this.at < this.bytes.byteLength; }
  tag() { return String.fromCharCode(this.bytes[this.at++]); }
  ends(letter) { return this.bytes[this.at] === letter.charCodeAt(0); }

  counted() {
    const start = this.at + 4, end = start + this.view.getUint32(this.at);
    this.at = end;
    return this.bytes.slice(start, end);
  }

  number() {
    this.at += 8;
    return this.view.getFloat64(this.at - 8);
  }

  array() {
    const array = [];
    while (!this.ends(']')) array.push(this.value());
    this.at++;
    return array;
  }

  map() {
    const map = {};
    while (!this.ends('}')) map[text.decode(this.counted())] = this.value();
    this.at++;
    return map;
  }

  value() {
    switch (this.tag()) {
      case 'n': return null;
      case 't': return true;
      case 'f': return false;
      case 'd': return this.number();
      case 's': return text.decode(this.counted());
      case 'b': return this.counted();
      case '[': return this.array();
      case '{': return this.map();
      default: throw new Error('not a tagged value');
    }
  }
}

export class Decoder {
  listeners = new Set();

  on(name, listener) { if (name === 'decoded') this.listeners.add(listener); }
  off(name, listener) { this.listeners.delete(listener); }
  decoded(packet) { for (const listener of this.listeners) listener(packet); }

  add(message) {
    if (typeof message === 'string') {
      const [type, nsp, data] = JSON.parse(message);
      return this.decoded({ type, nsp, data });
    }
    const reader = new Reader(message instanceof ArrayBuffer ? new Uint8Array(message) : message);
    const packet = { type: reader.bytes[reader.at++], nsp: text.decode(reader.counted()), data: [] };
    packet.id = reader.value() ?? undefined;
    while (reader.more) packet.data.push(reader.value());
    return this.decoded(packet);
  }

  destroy() {}
}
