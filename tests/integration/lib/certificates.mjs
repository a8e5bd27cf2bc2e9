// Certificates for tests, made by openssl in a folder of their own: an authority, and what it signs.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class Authority {
  constructor() {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sioc-tls-'));
    this.file = path.join(this.dir, 'ca.pem');
    this.#openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
      '-subj', '/CN=sioc test authority', '-keyout', path.join(this.dir, 'ca.key'), '-out', this.file);
    this.pem = fs.readFileSync(this.file, 'utf8');
  }

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.dir, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  // { cert, key }: names of files.  An existing pair of that name is replaced.
  sign(name, ...hosts) {
    const file = (ending) => path.join(this.dir, `${name}.${ending}`);
    const names = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
    fs.writeFileSync(file('ext'), `subjectAltName=${names}\n`);
    this.#openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-subj', `/CN=${name}`, '-keyout', file('key'), '-out', file('csr'));
    this.#openssl('x509', '-req', '-in', file('csr'), '-CA', this.file, '-CAkey', path.join(this.dir, 'ca.key'),
      '-CAcreateserial', '-days', '30', '-extfile', file('ext'), '-out', file('pem'));
    return { cert: file('pem'), key: file('key') };
  }

  remove() {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
