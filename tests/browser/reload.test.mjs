// Two people chat while the script is edited on disk, as examples/chat/README.md tells: neither page notices a disconnect.

import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openPage, repository, screenshot, startBrowser, startServer, until } from './lib.mjs';

const CHAT = path.join(repository, 'examples/chat');

async function comeIn(page, nick) {
  await page.fill('#nick-input', nick);
  await page.press('#nick-input', 'Enter');
  await page.waitForSelector('#status[data-state="connected"]');
  // From now on every change of the state is noted.
  await page.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => window.seen.push(document.getElementById('status').dataset.state)).observe(document.getElementById('status'), { attributes: true });
  });
}

async function say(page, text) {
  await page.fill('#message-input', text);
  await page.press('#message-input', 'Enter');
}

const textsIn = (page) => page.$$eval('#messages li[data-kind="text"] .bubble', (items) => items.map((item) => item.textContent));
const hears = (page, text) => until(`"${text}" is shown`, async () => (await textsIn(page)).includes(text));
const greeted = (page, text) => until(`the greeting is "${text}"`, async () => (await page.textContent('#greeting')) === text);

describe('chat, edited while it runs', { timeout: 120000 }, () => {
  let browser;
  let folder;
  let server;

  before(async () => {
    browser = await startBrowser();
    folder = await mkdtemp(path.join(os.tmpdir(), 'sioc-chat-'));
    await cp(CHAT, folder, { recursive: true });
    server = await startServer(path.join(folder, 'chat.lua'), '--watch', '--port', '0');
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const file = () => path.join(folder, 'chat.lua');
  const outcomes = () => [...server.log().matchAll(/reload: generation (\d+) serves|reload refused/g)];

  it('the new greeting appears in both pages, and nobody notices a disconnect', async () => {
    const readme = await readFile(path.join(CHAT, 'README.md'), 'utf8');
    assert.match(readme, /chat\.lua --watch`.*open two windows, change the text of `GREETING` in `chat\.lua` and save/s, 'what is done here is what the README says');
    const source = await readFile(file(), 'utf8');
    const greeting = source.match(/^local GREETING = "(.*?)"/m)[1];
    const withGreeting = (text) => source.replace(`"${greeting}"`, `"${text}"`);
    const pages = [await openPage(browser, server.url), await openPage(browser, server.url, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' })];
    const [ada, bob] = pages;
    await comeIn(ada, 'Ada');
    await comeIn(bob, 'Bob');
    for (const page of pages) await greeted(page, greeting);
    await say(ada, 'One');
    await hears(bob, 'One');

    // In place, by renaming, and with a mistake in between that must change nothing.
    await writeFile(file(), withGreeting('Good evening!'));
    for (const page of pages) await greeted(page, 'Good evening!');
    await say(bob, 'Two');
    await hears(ada, 'Two');
    await writeFile(file(), `${withGreeting('Never seen')}\nio:on("reload", `);
    await until('the refusal', () => outcomes().at(-1)?.[0] === 'reload refused');
    await say(ada, 'Three');
    await hears(bob, 'Three');
    const long = 'Good night, and please leave nothing on the table when you go <b>home</b>';
    await writeFile(`${file()}.new`, withGreeting(long));
    await rename(`${file()}.new`, file());
    for (const page of pages) await greeted(page, long);

    // While they write, as fast as they can, and the file is saved again and again.
    const talk = async (page, name) => { for (let i = 0; i < 15; i += 1) { await say(page, `${name} ${i}`); await page.waitForTimeout(60); } };
    const save = async () => { for (let i = 0; i < 6; i += 1) { await writeFile(file(), withGreeting(`Greeting ${i}`)); await ada.waitForTimeout(200); } };
    await Promise.all([talk(ada, 'ada'), talk(bob, 'bob'), save()]);
    for (const page of pages) await greeted(page, 'Greeting 5');
    const all = ['One', 'Two', 'Three', ...Array.from({ length: 15 }, (_, i) => [`ada ${i}`, `bob ${i}`]).flat()];
    for (const page of pages) {
      await until('all is there, once', async () => (await textsIn(page)).length === all.length);
      assert.deepEqual((await textsIn(page)).sort(), [...all].sort());
      for (const name of ['ada', 'bob']) {
        const own = (await textsIn(page)).filter((text) => text.startsWith(name));
        assert.deepEqual(own, Array.from({ length: 15 }, (_, i) => `${name} ${i}`), 'in order');
      }
    }
    await screenshot(ada, 'chat-reload-1');
    await screenshot(bob, 'chat-reload-2');

    for (const page of pages) {
      assert.deepEqual(await page.evaluate(() => window.seen), [], 'the state was never anything but connected');
      assert.equal(await page.isVisible('#banner'), false);
      assert.doesNotMatch(await page.textContent('#messages'), /left/);
      assert.deepEqual(page.scriptErrors, []);
    }
    assert.ok(outcomes().length >= 5, `reloads happened: ${outcomes().length}`);
    assert.match(server.log(), /2 sockets re-bound/);
    await bob.click('#open-rooms'); // and the page is still alive behind a drawer
    await bob.waitForSelector('#sidebar:visible');
  });
});
