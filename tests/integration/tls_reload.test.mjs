// TLS while it is used: certificates are exchanged on SIGHUP, under traffic; and what `openssl s_client` sees.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import { Authority } from './lib/certificates.mjs';
import { Process, fixtures, program, siocOnly } from './lib/server.mjs';
import { limit, pause } from './lib/wire.mjs';

const only = siocOnly('the transport has no counterpart in the reference program');

class TlsServer {
  async start(options) {
    this.process = new Process(program, [path.join(fixtures, 'tls.lua'), '--port', '0'], { env: { TLS_OPTIONS: JSON.stringify(options) } });
    this.port = Number((await this.process.until('listening', () => this.process.out.match(/listening on https:\/\/127\.0\.0\.1:(\d+)\n/)))[1]);
  }

  async stop() {
    this.process.kill('SIGTERM');
    assert.equal(await this.process.exit(), 0);
    this.process.assertClean();
  }

  connect(options) {
    const socket = tls.connect({ host: '127.0.0.1', port: this.port, ...options });
    return limit(new Promise((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
    }), 'the handshake');
  }

  async certificate(ca) {
    const socket = await this.connect({ ca: ca.pem, servername: 'localhost' });
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  }

  // What the log says of the n-th reload.
  reload(n, pattern) {
    this.process.kill('SIGHUP');
    return this.process.until(`reload ${n}`, () => (this.process.err.match(new RegExp(pattern, 'g'))?.length ?? 0) >= n);
  }

  // openssl s_client with some input; what it prints.
  client(ca, args, input = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') {
    const { stdout, stderr, status } = spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${this.port}`, '-CAfile', ca.file, '-ign_eof', ...args], { input, encoding: 'utf8', timeout: 10_000 });
    return { text: stdout + stderr, status };
  }
}

describe('TLS, new certificates on SIGHUP', only, () => {
  const server = new TlsServer();
  let ca;
  let own;
  before(async () => {
    ca = new Authority();
    own = ca.sign('own', 'localhost', '127.0.0.1');
    await server.start({ cert: own.cert, key: own.key });
  });
  after(async () => {
    await server.stop();
    ca.remove();
  });

  it('ten times under traffic: no connection is lost, new ones get the new certificate, no handshake fails', async () => {
    const clients = [];
    for (const transports of [['websocket'], ['polling'], ['websocket']]) {
      const socket = io(`https://127.0.0.1:${server.port}`, { transports, ca: ca.pem, forceNew: true, reconnection: false });
      await limit(new Promise((resolve, reject) => { socket.once('connect', resolve); socket.once('connect_error', reject); }), 'connect');
      socket.lost = 0;
      socket.on('disconnect', () => { socket.lost += 1; });
      clients.push(socket);
    }
    let going = true;
    let rounds = 0;
    const talk = async (socket) => {
      for (let i = 0; going; i += 1) {
        assert.equal(await limit(socket.emitWithAck('echo', `${i} ${'x'.repeat(5000)}`), 'the echo'), `${i} ${'x'.repeat(5000)}`);
        rounds += 1;
      }
    };
    let handshakes = 0;
    const knock = async () => {
      for (; going; handshakes += 1) (await server.connect({ ca: ca.pem, servername: 'localhost' })).destroy();
    };
    const traffic = [...clients.map(talk), knock(), knock()];
    const seen = new Set([await server.certificate(ca)]);
    for (let n = 1; n <= 10; n += 1) {
      ca.sign('own', 'localhost', '127.0.0.1');
      await server.reload(n, 'generation \\d+ serves');
      seen.add(await server.certificate(ca));
    }
    going = false;
    await Promise.all(traffic);
    assert.equal(seen.size, 11);
    assert.deepEqual(clients.map((socket) => socket.lost), [0, 0, 0]);
    assert.ok(rounds > 0 && handshakes > 0);
    for (const socket of clients) socket.disconnect();
  });

  it('a certificate that cannot be used changes nothing', async () => {
    const before = await server.certificate(ca);
    const good = fs.readFileSync(own.cert);
    fs.writeFileSync(own.cert, 'no certificate');
    await server.reload(1, 'cannot use the TLS certificate');
    assert.equal(await server.certificate(ca), before);
    fs.writeFileSync(own.cert, good);
  });
});

describe('TLS, as openssl s_client sees it', only, () => {
  const server = new TlsServer();
  let ca;
  let client;
  before(async () => {
    ca = new Authority();
    const first = ca.sign('first', 'localhost', '127.0.0.1');
    const second = ca.sign('second', 'other.example');
    client = ca.sign('client', 'client.example');
    await server.start({ cert: [first.cert, second.cert], key: [first.key, second.key], handshake_timeout: 0.5, max_key_updates: 5 });
  });
  after(async () => {
    await server.stop();
    ca.remove();
  });

  for (const [version, args, suite] of [
    ['TLSv1.3', ['-tls1_3'], /TLS_AES_|TLS_CHACHA20/],
    ['TLSv1.2', ['-tls1_2'], /ECDHE-ECDSA-/],
    ['TLSv1.2', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305'], /ECDHE-ECDSA-CHACHA20-POLY1305/],
  ])
    it(`${args.join(' ')}`, () => {
      const { text, status } = server.client(ca, ['-servername', 'localhost', '-verify_return_error', ...args]);
      assert.match(text, new RegExp(`Protocol *: ${version}|New, ${version}`));
      assert.match(text, suite);
      assert.match(text, /Verification: OK|Verify return code: 0/);
      assert.match(text, /HTTP\/1\.1 200 OK/);
      assert.match(text, /Secure Renegotiation IS|TLSv1\.3/);
      assert.doesNotMatch(text, /Compression: (?!NONE)/);
      assert.doesNotMatch(text, /Session-ID: [0-9A-F]{2}|session ticket:/, 'nothing to resume');
      assert.equal(status, 0);
    });

  for (const [name, args] of [['TLS 1.1', ['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0']], ['a suite without forward secrecy', ['-tls1_2', '-cipher', 'AES128-GCM-SHA256']], ['a weak curve', ['-tls1_3', '-groups', 'secp521r1']]])
    it(`refuses ${name}`, () => {
      const { text, status } = server.client(ca, args);
      assert.match(text, /alert|no protocols available/i);
      assert.notEqual(status, 0);
    });

  it('SNI', () => {
    assert.match(server.client(ca, ['-servername', 'other.example']).text, /subject=CN = second/);
    assert.match(server.client(ca, ['-servername', 'nobody.example']).text, /subject=CN = first/);
    assert.match(server.client(ca, ['-noservername']).text, /subject=CN = first/);
  });

  it('ALPN', () => {
    assert.match(server.client(ca, ['-alpn', 'h2,http/1.1']).text, /ALPN protocol: http\/1\.1/);
    assert.match(server.client(ca, []).text, /No ALPN negotiated/);
    const { text, status } = server.client(ca, ['-alpn', 'h2']);
    assert.match(text, /no application protocol/);
    assert.notEqual(status, 0);
  });

  it('a certificate that nobody asked for is not looked at', () => {
    assert.match(server.client(ca, ['-cert', client.cert, '-key', client.key]).text, /HTTP\/1\.1 200 OK/);
  });

  // Lines that s_client takes for commands, then a request.
  const command = (version, lines) => new Promise((resolve) => {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-CAfile', ca.file, version], { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { text += data; });
    child.stdin.on('error', () => {}); // it may have ended
    child.on('close', () => resolve(text));
    (async () => {
      for (const [i, line] of lines.entries()) {
        child.stdin.write(line); // it takes one command for each read
        const done = () => text.split(/^(?:KEYUPDATE|RENEGOTIATING)$/m).length > i + 1;
        while (!done() && child.exitCode === null) await pause(5);
      }
      child.stdin.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    })();
  });
  it('no renegotiation', async () => {
    assert.match(await limit(command('-tls1_2', ['R\n']), 's_client ends'), /RENEGOTIATING\n[^]*no renegotiation/);
  });

  const update = (times) => command('-tls1_3', Array(times).fill('k\n')); // new keys
  for (const times of [4, 5]) it(`max_key_updates 5: ${times} of them`, async () => assert.match(await limit(update(times), 's_client ends'), /HTTP\/1\.1 200 OK/));
  it('max_key_updates 5: 6 of them', async () => assert.doesNotMatch(await limit(update(6), 's_client ends'), /HTTP\/1\.1 200 OK/));

  it('handshake_timeout: who says nothing, or begins and stops', async () => {
    const hello = await new Promise((resolve) => {
      const trap = net.createServer((socket) => socket.once('data', (data) => { resolve(data); socket.destroy(); trap.close(); }));
      trap.listen(0, '127.0.0.1', () => tls.connect({ port: trap.address().port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {}));
    });
    for (const bytes of [Buffer.alloc(0), hello.subarray(0, 1), hello.subarray(0, 100), hello]) {
      const socket = net.connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(bytes);
      await limit(new Promise((resolve) => socket.once('close', resolve)), `the end of a connection with ${bytes.length} bytes`);
    }
    const slow = await server.connect({ ca: ca.pem, servername: 'localhost' });
    await pause(700); // the timeout was the handshake's
    assert.ok(!slow.destroyed);
    slow.destroy();
  });
});

describe('TLS, client certificates for openssl s_client', only, () => {
  const server = new TlsServer();
  let ca;
  let client;
  before(async () => {
    ca = new Authority();
    client = ca.sign('client', 'client.example');
    const own = ca.sign('own', 'localhost', '127.0.0.1');
    await server.start({ cert: own.cert, key: own.key, client_ca: ca.file });
  });
  after(async () => {
    await server.stop();
    ca.remove();
  });

  for (const version of ['-tls1_2', '-tls1_3'])
    it(`${version}: asked for, demanded, checked`, () => {
      const stranger = new Authority();
      const foreign = stranger.sign('client', 'client.example');
      const good = server.client(ca, [version, '-cert', client.cert, '-key', client.key]).text;
      assert.match(good, /Acceptable client certificate CA names\nCN = sioc test authority/);
      assert.match(good, /HTTP\/1\.1 200 OK/);
      for (const args of [[], ['-cert', foreign.cert, '-key', foreign.key]]) {
        const { text } = server.client(ca, [version, ...args]);
        assert.match(text, /alert/);
        assert.doesNotMatch(text, /HTTP\/1\.1/);
      }
      stranger.remove();
    });
});
