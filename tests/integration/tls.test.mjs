// TLS: the stock client over https and wss, names, versions, client certificates, and people who come with
// plain HTTP (security.md R41).

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import { Authority } from './lib/certificates.mjs';
import { Process, fixtures, isReference, program } from './lib/server.mjs';

const once = (emitter, event) => new Promise((resolve, reject) => {
  emitter.once(event, resolve);
  for (const failure of ['error', 'connect_error']) if (failure !== event) emitter.once(failure, reject);
});

class TlsServer {
  async start(options) {
    this.process = new Process(program, [path.join(fixtures, 'tls.lua'), '--port', '0'], {
      env: { TLS_OPTIONS: JSON.stringify(options) },
    });
    const [, port] = await this.process.until('the line that says where it listens', () => this.process.out.match(/listening on https:\/\/127\.0\.0\.1:(\d+)\n/));
    this.port = Number(port);
  }

  async stop() {
    this.process.kill('SIGTERM');
    assert.equal(await this.process.exit(), 0);
    this.process.assertClean();
  }

  connect(options) {
    const socket = tls.connect({ host: '127.0.0.1', port: this.port, ...options });
    return new Promise((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    });
  }
}

describe('TLS', { skip: isReference && 'the transport has no counterpart in the reference program' }, () => {
  let ca;
  let first;
  let second;
  const server = new TlsServer();
  before(async () => {
    ca = new Authority();
    first = ca.sign('first', 'localhost', '127.0.0.1');
    second = ca.sign('second', 'other.example', '*.wild.example');
    await server.start({ cert: [first.cert, second.cert], key: [first.key, second.key] });
  });
  after(async () => {
    await server.stop();
    ca.remove();
  });

  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
    it(`the stock client over ${transports.join(', then ')}`, async () => {
      const socket = io(`https://127.0.0.1:${server.port}`, { transports, ca: ca.pem, forceNew: true });
      await once(socket, 'connect');
      const binary = Buffer.from([0, 1, 255]);
      assert.deepEqual(await socket.emitWithAck('echo', binary), binary);
      const long = 'é'.repeat(150_000); // many records in both directions
      assert.equal(await socket.emitWithAck('echo', long), long);
      assert.equal(await socket.emitWithAck('secure'), true);
      socket.disconnect();
    });
  }

  it('routes and files', async () => {
    const body = await new Promise((resolve, reject) => {
      https.get({ host: '127.0.0.1', port: server.port, path: '/', ca: ca.pem, agent: false }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve(text);
      }).on('error', reject);
    });
    assert.equal(body, 'over TLS');
  });

  it('a stranger does not trust it', async () => {
    await assert.rejects(server.connect({}), /self-signed|unable to (verify|get)/);
  });

  for (const [servername, subject] of [['localhost', 'first'], ['other.example', 'second'], ['a.wild.example', 'second'], ['unknown.example', 'first'], ['', 'first']]) {
    it(`the certificate for ${servername || 'no name'}`, async () => {
      const socket = await server.connect({ servername, rejectUnauthorized: false });
      assert.equal(socket.getPeerCertificate().subject.CN, subject);
      socket.destroy();
    });
  }

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    it(`${version} with an approved suite`, async () => {
      const socket = await server.connect({ ca: ca.pem, servername: 'localhost', minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      assert.match(socket.getCipher().name, /GCM|CHACHA20/);
      socket.destroy();
    });
  }

  it('refuses TLS 1.1 and weak suites', async () => {
    await assert.rejects(server.connect({ rejectUnauthorized: false, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
    await assert.rejects(server.connect({ rejectUnauthorized: false, maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-GCM-SHA384' }));
  });

  it('ALPN: http/1.1 or nothing', async () => {
    const socket = await server.connect({ ca: ca.pem, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
    await assert.rejects(server.connect({ rejectUnauthorized: false, ALPNProtocols: ['h2'] }), /alert|protocol/i);
  });

  it('plain HTTP on this port gets a 400 that says what to do', async () => {
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    const [head, body] = answer.split('\r\n\r\n');
    assert.match(body, /https:\/\//);
    assert.equal(Number(head.match(/Content-Length: (\d+)/)[1]), body.length);
  });

  it('garbage, silence and broken handshakes cost their own connection only', async () => {
    const garbage = net.connect(server.port, '127.0.0.1');
    garbage.on('error', () => {}); // a reset is as good as a close
    garbage.write(Buffer.alloc(5000, 0x16));
    await new Promise((resolve) => garbage.once('close', resolve));
    const cut = net.connect(server.port, '127.0.0.1');
    cut.write(Buffer.from([0x16, 3, 1]));
    await new Promise((resolve) => cut.once('connect', resolve));
    cut.destroy();
    const socket = await server.connect({ ca: ca.pem, servername: 'localhost' });
    socket.destroy();
  });

  it('openssl s_client agrees', () => {
    const { stdout } = spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost', '-CAfile', ca.file, '-brief', '-ign_eof'], { input: 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', encoding: 'utf8', timeout: 10_000 });
    assert.match(stdout, /HTTP\/1\.1 200 OK/);
  });
});

describe('TLS, client certificates', { skip: isReference && 'as above' }, () => {
  let ca;
  let client;
  const server = new TlsServer();
  before(async () => {
    ca = new Authority();
    client = ca.sign('client', 'client.example');
    const own = ca.sign('server', 'localhost', '127.0.0.1');
    await server.start({ cert: own.cert, key: own.key, client_ca: ca.file });
  });
  after(async () => {
    await server.stop();
    ca.remove();
  });

  it('a client with one is served', async () => {
    const socket = io(`https://127.0.0.1:${server.port}`, { transports: ['websocket'], ca: ca.pem, cert: fs.readFileSync(client.cert), key: fs.readFileSync(client.key), forceNew: true });
    await once(socket, 'connect');
    assert.equal(await socket.emitWithAck('secure'), true);
    socket.disconnect();
  });

  it('a client without, or with a foreign one, is not', async () => {
    const stranger = new Authority();
    const foreign = stranger.sign('client', 'client.example');
    for (const identity of [{}, { cert: fs.readFileSync(foreign.cert), key: fs.readFileSync(foreign.key) }]) {
      const socket = io(`https://127.0.0.1:${server.port}`, { transports: ['websocket'], ca: ca.pem, ...identity, forceNew: true, reconnection: false });
      await once(socket, 'connect_error');
      socket.disconnect();
    }
    stranger.remove();
  });
});

describe('TLS, wrong files', { skip: isReference && 'as above' }, () => {
  const start = (options) => {
    const { status, stderr } = spawnSync(program, [path.join(fixtures, 'tls.lua'), '--port', '0'], { env: { ...process.env, TLS_OPTIONS: JSON.stringify(options) }, encoding: 'utf8', timeout: 10_000 });
    return { status, stderr };
  };

  it('are told in one line, by name', () => {
    const ca = new Authority();
    const one = ca.sign('one', 'localhost');
    const two = ca.sign('two', 'localhost');
    fs.writeFileSync(path.join(ca.dir, 'empty.pem'), '');
    const cases = [
      [{ cert: '/nowhere/cert.pem', key: one.key }, /cannot use the TLS certificate \/nowhere\/cert\.pem: /],
      [{ cert: path.join(ca.dir, 'empty.pem'), key: one.key }, /cannot use the TLS certificate .*empty\.pem: /],
      [{ cert: one.cert, key: two.key }, /cannot use the TLS key .*two\.key: .*mismatch/],
      [{ cert: one.cert }, /needs a key for each certificate: 1 cert, 0 key/],
      [{ cert: one.cert, key: one.key, client_ca: '/nowhere/ca.pem' }, /authorities for client certificates \/nowhere\/ca\.pem: /],
    ];
    for (const [options, message] of cases) {
      const { status, stderr } = start(options);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      assert.ok(status === 1 || status === 2, String(status));
    }
    ca.remove();
  });

  it('--tls-cert and --tls-key', async () => {
    const ca = new Authority();
    const own = ca.sign('own', 'localhost', '127.0.0.1');
    const child = new Process(program, [path.join(fixtures, 'quiet.lua'), '--port', '0', '--tls-cert', own.cert, '--tls-key', own.key]);
    const [, port] = await child.until('listening', () => child.out.match(/listening on https:\/\/127\.0\.0\.1:(\d+)\n/));
    execFileSync('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', ca.file, '-verify_return_error'], { input: '', stdio: ['pipe', 'ignore', 'ignore'], timeout: 10_000 });
    child.kill('SIGTERM');
    assert.equal(await child.exit(), 0);
    child.assertClean();
    ca.remove();
  });
});
