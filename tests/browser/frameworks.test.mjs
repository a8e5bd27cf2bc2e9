// A web framework of Python and Socket.IO on one port, seen by two pages.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPage, screenshot, startBrowser, startServer, until } from './lib.mjs';

describe('a web framework on the same port', { timeout: 120000 }, () => {
  let browser;

  before(async () => { browser = await startBrowser(); });
  after(async () => { await browser?.close(); });

  async function twoPages(script, test) {
    const server = await startServer(script, '--port', '0');
    try {
      const pages = [await openPage(browser, server.url), await openPage(browser, server.url)];
      await test(...pages, server);
      assert.deepEqual(pages.flatMap((page) => page.scriptErrors), []);
      for (const page of pages) await page.context().close();
    } finally {
      await server.stop();
    }
  }

  const text = (page, selector) => page.textContent(selector);

  it('FastAPI: a request of one page is seen by both', async () => {
    await twoPages('examples/fastapi/app.py', async (ada, bob, server) => {
      for (const page of [ada, bob]) await until('0 is shown', async () => (await text(page, '#count')) === '0');
      for (const n of [1, 2]) {
        await ada.click('#visit');
        for (const page of [ada, bob]) await until(`${n} is shown`, async () => (await text(page, '#count')) === String(n));
      }
      assert.deepEqual(await (await fetch(`${server.url}/visits`)).json(), { count: 2 });
      assert.equal((await (await fetch(`${server.url}/openapi.json`)).json()).info.title, 'visits');
      await screenshot(ada, 'fastapi');
    });
  });

  it('Flask: a form of one page is seen by both, and by whoever comes later', async () => {
    await twoPages('examples/flask/app.py', async (ada, bob, server) => {
      for (const page of [ada, bob]) await page.waitForFunction(() => document.readyState === 'complete');
      await ada.fill('#text', 'milk & <b>bread</b>');
      await ada.click('button');
      for (const page of [ada, bob]) await until('the note is shown', async () => (await text(page, '#notes')) === 'milk & <b>bread</b>');
      const late = await openPage(browser, server.url);
      assert.equal(await text(late, '#notes'), 'milk & <b>bread</b>');
      await late.context().close();
    });
  });
});
