// A network between clients and a server that can be lost: a proxy that cuts its connections, or says nothing any more.

import net from 'node:net';
import { pause } from '../../integration/lib/wire.mjs';

class Pair {
  constructor(near, far) { Object.assign(this, { near, far, carries: undefined }); }

  request(data) {
    const head = data.toString('latin1', 0, 2000);
    if (!/^(GET|POST) /.test(head)) return;
    if (/^upgrade: websocket/im.test(head)) this.carries = 'websocket';
    else if (/^GET \S*[?&]sid=/.test(head)) this.carries = 'polling';
  }

  answered() { if (this.carries === 'polling') this.carries = undefined; }
}

export class Network {
  static async to(url) {
    const network = new Network(Number(new URL(url).port));
    await new Promise((resolve) => network.server.listen(0, '127.0.0.1', resolve));
    network.url = `http://127.0.0.1:${network.server.address().port}`;
    return network;
  }

  constructor(port) {
    Object.assign(this, { port, pairs: new Set(), waiting: new Set(), lost: false });
    this.server = net.createServer((near) => {
      near.on('error', () => {});
      if (!this.lost) return this.#join(near);
      if (this.refusing) return near.resetAndDestroy();
      this.waiting.add(near);
      near.once('close', () => this.waiting.delete(near));
    });
  }

  #join(near) {
    const far = net.connect(this.port, '127.0.0.1');
    const pair = new Pair(near, far);
    this.pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('data', (data) => {
        if (from === near) pair.request(data);
        else pair.answered();
        if (!pair.silent) to.write(data);
      });
      from.on('close', () => {
        if (!pair.silent) to.destroy();
        if (to.destroyed) this.pairs.delete(pair);
      });
    }
  }

  // Its client has a GET pending, or its WebSocket: the server notices at once when it is gone.
  async settled(transport) {
    for (let ready = false; !ready; await pause(10)) {
      ready = [...this.pairs].some((pair) => pair.carries === transport);
      if (!ready) continue;
      await pause(10); // nor is there an answer on its way to that GET
      ready = [...this.pairs].some((pair) => pair.carries === transport);
    }
  }

  // All connections break, on both sides; new ones wait for mend().
  cut() {
    this.lost = true;
    this.refusing = false;
    for (const { near, far } of this.pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  // The same, and those who come anew are sent away as well, until cut() or mend().
  break() {
    this.cut();
    this.refusing = true;
  }

  // Nothing arrives any more, and nobody is told; new connections wait for mend().
  silence() {
    this.lost = true;
    for (const pair of this.pairs) pair.silent = true;
  }

  mend() {
    this.lost = this.refusing = false;
    for (const near of this.waiting) this.#join(near);
    this.waiting.clear();
  }

  close() {
    this.lost = true;
    for (const { near, far } of this.pairs) { near.destroy(); far.destroy(); }
    for (const near of this.waiting) near.destroy();
    this.server.close();
  }
}
