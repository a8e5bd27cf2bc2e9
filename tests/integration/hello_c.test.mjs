// examples/hello_c: the C API alone makes a server that the stock client can talk to.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { Process, program, siocOnly } from './lib/server.mjs';

const hello = path.join(path.dirname(program), 'examples/hello_c/hello_c');

test('hello_c echoes events, answers and binary data', siocOnly(), async () => {
  const server = new Process(hello, ['0']);
  try {
    const [url] = await server.until('"listening on ..."', () => server.out.match(/http:\/\/\S+/));
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const socket = io(url, { transports, forceNew: true, reconnection: false });
      try {
        await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
        const echoed = new Promise((resolve) => socket.once('echo', (...args) => resolve(args)));
        const answer = await socket.timeout(10000).emitWithAck('echo', 'grüezi', { list: [1, 2.5, null] }, Buffer.from([0, 255]));
        assert.deepEqual(answer, 'grüezi');
        const [text, object, binary] = await echoed;
        assert.deepEqual([text, object], ['grüezi', { list: [1, 2.5, null] }]);
        assert.deepEqual([...Buffer.from(binary)], [0, 255]);
      } finally {
        socket.disconnect();
      }
    }
  } finally {
    server.kill('SIGTERM');
  }
  assert.equal(await server.exit(), 0, server.err);
  server.assertClean();
});
