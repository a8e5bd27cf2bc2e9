// The page that the program serves when it is given no script.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPage, screenshot, startBrowser, startServer, until } from './lib.mjs';

describe('welcome', { timeout: 90000 }, () => {
  let browser;
  let server;

  before(async () => {
    browser = await startBrowser();
    server = await startServer('--port', '0');
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  it('shows in the browser that Socket.IO works', async () => {
    const page = await openPage(browser, server.url);
    await page.waitForSelector('#state[data-state="connected"]');
    await until('the transport is websocket', async () => (await page.textContent('#transport')) === 'websocket');
    assert.equal(await page.textContent('#upgraded'), 'upgraded from polling');
    await until('a round trip is measured', async () => /^\d+\.\d ms$/.test(await page.textContent('#round-trip')));
    await until('one browser is counted', async () => (await page.textContent('#browsers')) === '1');
    await screenshot(page, 'welcome');

    const second = await openPage(browser, server.url, { viewport: { width: 360, height: 900 }, colorScheme: 'dark' });
    await until('two browsers are counted', async () => (await page.textContent('#browsers')) === '2');
    await until('the second knows it too', async () => (await second.textContent('#browsers')) === '2');
    assert.ok(await second.evaluate(() => document.documentElement.scrollWidth) <= 360);
    await screenshot(second, 'welcome-phone');
    await second.context().close();
    await until('one browser is left', async () => (await page.textContent('#browsers')) === '1');

    await page.click('#hello');
    await until('no handler answers yet', async () => (await page.textContent('#answer')).startsWith('No answer yet'));
    assert.deepEqual([...page.scriptErrors, ...second.scriptErrors], []);
  });

  it('tells the type of its page', async () => {
    const response = await fetch(server.url);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.match(await response.text(), /io:event/);
  });
});
