// A real browser on a page of another origin: preflights, cookies, compressed answers; and a page that is not welcome.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPage, startBrowser, startServer } from './lib.mjs';

const FIXTURE = 'tests/integration/fixtures/protocol.lua';

// Connects from the page, asks for a big event, gives what happened: "connected" with the rest, or the error.
async function connect(page, url, options) {
  await page.addScriptTag({ url: `${new URL(page.url()).origin}/socket.io/socket.io.js` });
  return page.evaluate(([to, given]) => new Promise((resolve) => {
    const socket = window.io(to, { reconnection: false, forceNew: true, ...given });
    socket.on('connect_error', (error) => { socket.close(); resolve({ error: error.message }); });
    socket.on('connect', () => socket.emit('big', 5000));
    socket.on('big', (text) => {
      const transport = socket.io.engine.transport.name;
      socket.emit('handshake', ({ query }) => { socket.close(); resolve({ length: text.length, transport, query: query.mark }); });
    });
  }), [url, options]);
}

describe('another origin', { timeout: 90000 }, () => {
  let browser;
  let pages; // serves the page
  let server; // is connected to
  let page;

  before(async () => {
    browser = await startBrowser();
    pages = await startServer('--port', '0');
    process.env.SIOC_TEST_OPTIONS = JSON.stringify({
      cors: { origin: [pages.url, 'https://app.example'], credentials: true, allowed_headers: ['x-token'], max_age: 60 }, cookie: true,
    });
    server = await startServer(FIXTURE, '--port', '0');
    delete process.env.SIOC_TEST_OPTIONS;
    page = await openPage(browser, pages.url);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await pages?.stop();
  });

  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']])
    it(`connects with ${transports}`, async () => {
      const got = await connect(page, server.url, { transports, query: { mark: 'here' } });
      assert.deepEqual([got.error, got.length, got.query], [undefined, 5000, 'here']);
      if (transports.length === 1) assert.equal(got.transport, transports[0]);
    });

  it('may send the header that is allowed, and its cookies', async () => {
    const preflights = [];
    const requests = [];
    page.on('request', (request) => requests.push(request));
    page.on('response', (response) => { if (response.request().method() === 'OPTIONS') preflights.push(response.status()); });
    const got = await connect(page, server.url, { transports: ['polling'], withCredentials: true, extraHeaders: { 'x-token': 'abc' } });
    assert.deepEqual([got.error, got.length], [undefined, 5000]);
    for (const status of preflights) assert.equal(status, 204); // not every version shows them
    const polls = requests.filter((request) => request.url().startsWith(server.url) && request.method() === 'GET');
    assert.equal(polls[0].headers()['x-token'], 'abc');
    const sent = await Promise.all(polls.slice(1).map((request) => request.allHeaders()));
    assert.ok(sent.some((headers) => /\bio=/.test(headers.cookie ?? '')), 'the cookie of the handshake comes back');
    const codings = await Promise.all(polls.map(async (request) => (await request.response())?.headers()['content-encoding']));
    assert.ok(codings.includes('gzip'), 'the big event came compressed');
  });

  it('may not send a header that is not allowed', async () => {
    assert.equal((await connect(page, server.url, { transports: ['polling'], extraHeaders: { 'x-other': 'abc' } })).error, 'xhr poll error');
  });

  it('is refused when it is not listed, over polling and WebSocket', async () => {
    const stranger = await openPage(browser, pages.url.replace('127.0.0.1', 'localhost'));
    assert.equal((await connect(stranger, server.url, { transports: ['polling'] })).error, 'xhr poll error');
    assert.equal((await connect(stranger, server.url, { transports: ['websocket'] })).error, 'websocket error');
    assert.match(server.log(), /refused a page from origin http:\/\/localhost:\d+/);
    await stranger.context().close();
  });
});
