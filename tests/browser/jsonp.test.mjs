// The stock client of Socket.IO 2.x in a real browser: JSONP polling (scripts and forms, as old browsers did), XHR and
// WebSocket, in one room with the client of 4.x; binary included.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import { openPage, repository, startBrowser, startServer } from './lib.mjs';

const FIXTURE = 'tests/integration/fixtures/protocol.lua';
const CLIENT2 = path.join(repository, 'tests/node_modules/socket.io-client-2/dist/socket.io.js');
const WAIT_MS = 10000;

const WAYS = {
  JSONP: { forceJSONP: true, transports: ['polling'] },
  'JSONP, then WebSocket': { forceJSONP: true, transports: ['polling', 'websocket'] },
  'polling by XHR': { transports: ['polling'] },
  WebSocket: { transports: ['websocket'] },
};

const event = (socket, name) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`"${name}": not within ${WAIT_MS} ms`)), WAIT_MS);
  socket.once(name, (...args) => { clearTimeout(timer); resolve(args); });
});

describe('the 2.x client in a browser', { timeout: 120000 }, () => {
  let browser;
  let server;
  let pages; // another origin
  before(async () => {
    browser = await startBrowser();
    pages = await startServer('--port', '0');
    process.env.SIOC_TEST_OPTIONS = JSON.stringify({ allow_eio3: true, cors: { origin: [pages.url] } });
    server = await startServer(FIXTURE, '--port', '0');
    delete process.env.SIOC_TEST_OPTIONS;
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await pages?.stop();
  });

  // A page with the old client, connected; window.heard is what came.
  async function open(from, options) {
    const page = await openPage(browser, from);
    const requests = [];
    page.on('request', (request) => requests.push(request));
    await page.addScriptTag({ path: CLIENT2 });
    const transport = await page.evaluate(([url, given]) => new Promise((resolve, reject) => {
      const socket = window.io(url, { forceNew: true, reconnection: false, ...given });
      window.socket = socket;
      window.heard = [];
      const plain = (value) => {
        if (value instanceof ArrayBuffer) return `<${[...new Uint8Array(value)]}>`;
        return value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])) : value;
      };
      socket.on('news', (...args) => window.heard.push(args.map(plain)));
      for (const failure of ['connect_error', 'error']) socket.on(failure, (error) => reject(new Error(`${failure}: ${error.message ?? error}`)));
      socket.on('connect', () => (given.transports.length > 1 ? socket.io.engine.on('upgrade', () => resolve(socket.io.engine.transport.name)) : resolve(socket.io.engine.transport.name)));
    }), [server.url, options]);
    return { page, requests, transport };
  }

  const emit = (page, ...args) => page.evaluate((all) => new Promise((resolve) => window.socket.emit(...all, (...answer) => resolve(answer))), args);
  const heard = (page, count) => page.waitForFunction((n) => window.heard.length >= n && window.heard, count).then((handle) => handle.jsonValue());

  for (const [name, options] of Object.entries(WAYS))
    it(`${name}: chats with clients of 4.x in one room`, async () => {
      const { page, requests, transport } = await open(server.url, options);
      assert.equal(transport, options.transports.at(-1));
      const four = io(server.url, { transports: ['websocket'], forceNew: true, reconnection: false });
      await event(four, 'connect');
      await emit(page, 'join', 'mixed');
      await four.emitWithAck('join', 'mixed');
      const text = 'é€😀 \u2028 \\n \n "quoted" <b> & + %41';
      const news = event(four, 'news');
      await page.evaluate((said) => window.socket.emit('cast', { from: 'server', in: ['mixed'] }, said, new Uint8Array([0, 1, 255]).buffer, { deep: new Uint8Array([7]).buffer }), text);
      const [said, bytes, { deep }] = await news;
      assert.deepEqual([said, [...bytes], [...deep]], [text, [0, 1, 255], [7]]);
      assert.deepEqual(await heard(page, 1), [[text, '<0,1,255>', { deep: '<7>' }]], 'and hears itself');
      four.emit('cast', { from: 'server', in: ['mixed'] }, text, Buffer.from([9, 8]), { deep: Buffer.alloc(300, 5) });
      assert.deepEqual((await heard(page, 2))[1], [text, '<9,8>', { deep: `<${Array(300).fill(5)}>` }]);
      assert.deepEqual(await emit(page, 'hello', text, { a: [1, null] }), ['world', text, { a: [1, null] }]);

      if (options.forceJSONP) {
        const polls = requests.filter((request) => request.url().includes('transport=polling'));
        assert.ok(polls.some((request) => request.resourceType() === 'script'), 'GETs are scripts');
        assert.ok(polls.every((request) => new URL(request.url()).searchParams.has('j')));
        assert.ok(!requests.some((request) => request.resourceType() === 'xhr'), 'nothing by XHR');
      }
      assert.deepEqual(page.scriptErrors, []);
      four.disconnect();
      await page.context().close();
    });

  it('JSONP: a thousand events keep their order, then it leaves', async () => {
    const { page } = await open(server.url, WAYS.JSONP);
    const order = await page.evaluate(() => new Promise((resolve) => {
      const got = [];
      window.socket.on('n', (n) => { got.push(n); if (n === 1000) resolve(got); });
      window.socket.emit('count', 1000);
    }));
    assert.deepEqual(order, Array.from({ length: 1000 }, (_, i) => i + 1));
    const reason = await page.evaluate(() => new Promise((resolve) => { window.socket.on('disconnect', resolve); window.socket.disconnect(); }));
    assert.equal(reason, 'io client disconnect');
    await page.context().close();
  });

  it('JSONP: a page of a listed origin may, another may not', async () => {
    const { page } = await open(pages.url, WAYS.JSONP);
    assert.deepEqual((await emit(page, 'hello', 1)), ['world', 1]);
    await page.context().close();
    await assert.rejects(open(pages.url.replace('127.0.0.1', 'localhost'), WAYS.JSONP), /jsonp poll error|timeout/);
  });
});
