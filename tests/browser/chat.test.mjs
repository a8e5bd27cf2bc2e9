// examples/chat and examples/chat_python, driven by two people with a browser.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { noisePng, openPage, screenshot, startBrowser, startServer, until } from './lib.mjs';

const CHATS = ['examples/chat/chat.lua', 'examples/chat_python/chat.py'];

async function comeIn(page, nick) {
  await page.fill('#nick-input', nick);
  await page.press('#nick-input', 'Enter');
  await connected(page);
}

const connected = (page) => page.waitForSelector('#status[data-state="connected"]');
const reconnecting = (page) => page.waitForSelector('#status[data-state="reconnecting"]');

async function say(page, text) {
  await page.fill('#message-input', text);
  await page.press('#message-input', 'Enter');
}

const textsIn = (page) => page.$$eval('#messages li[data-kind="text"] .bubble', (items) => items.map((item) => item.textContent));
const hears = (page, text) => until(`"${text}" is shown`, async () => (await textsIn(page)).includes(text));
const delivered = (page, text) => page.waitForSelector(`#messages li.own[data-delivered="true"]:has-text("${text}")`);
const peopleIn = (page) => page.$$eval('#people li', (items) => items.map((item) => item.dataset.nick));
const peopleAre = (page, ...nicks) => until(`the people are ${nicks}`, async () => String(await peopleIn(page)) === String(nicks));

async function joinRoom(page, name) {
  await page.fill('#room-input', name);
  await page.press('#room-input', 'Enter');
  await page.waitForSelector(`#rooms [data-room="${name}"][aria-current="page"]`);
}

async function enterRoom(page, name) {
  await page.click(`#rooms [data-room="${name}"]`);
  await page.waitForSelector(`#rooms [data-room="${name}"][aria-current="page"]`);
}

for (const CHAT of CHATS) describe(CHAT, { timeout: 180000 }, () => {
  let browser;
  let server;
  let ada;
  let bob;

  before(async () => { browser = await startBrowser(); });
  after(async () => { await browser?.close(); });

  beforeEach(async () => {
    server = await startServer(CHAT, '--port', '0');
    ada = await openPage(browser, server.url);
    bob = await openPage(browser, server.url, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await comeIn(ada, 'Ada');
    await comeIn(bob, 'Bob');
  });

  afterEach(async (t) => {
    const name = String(t?.name).replace(/\W+/g, '-');
    const pages = browser.contexts().flatMap((context) => context.pages());
    const errors = pages.flatMap((page) => page.scriptErrors);
    try {
      for (const [i, page] of pages.entries()) await screenshot(page, `chat-${name}-${i + 1}`);
      for (const context of browser.contexts()) await context.close();
    } finally {
      await server.stop();
    }
    assert.deepEqual(errors, [], 'no script error in any page');
  });

  it('two pages talk', async () => {
    await peopleAre(ada, 'Ada', 'Bob');
    await peopleAre(bob, 'Ada', 'Bob');
    await say(ada, 'Good morning');
    await hears(bob, 'Good morning');
    await delivered(ada, 'Good morning');
    await say(bob, 'Good evening 😀');
    await hears(ada, 'Good evening 😀');
    await delivered(bob, 'Good evening');
    assert.deepEqual(await textsIn(ada), ['Good morning', 'Good evening 😀']);
    assert.deepEqual(await textsIn(bob), ['Good morning', 'Good evening 😀']);
  });

  it('typing is told and ends with the message', async () => {
    await bob.locator('#message-input').pressSequentially('hel', { delay: 20 });
    await until('Ada sees Bob typing', async () => (await ada.textContent('#typing')).includes('Bob is typing'));
    await bob.press('#message-input', 'Enter');
    await hears(ada, 'hel');
    await until('Ada sees nobody typing', async () => (await ada.textContent('#typing')) === '');
  });

  it('a name is taken once', async () => {
    const other = await openPage(browser, server.url);
    await other.fill('#nick-input', 'ADA');
    await other.press('#nick-input', 'Enter');
    await until('the name is refused', async () => (await other.textContent('#nick-error')).includes('taken'));
    await comeIn(other, 'Cleo');
    await peopleAre(ada, 'Ada', 'Bob', 'Cleo');
    await other.context().close();
    await peopleAre(ada, 'Ada', 'Bob');
    await until('a note tells it', async () => (await ada.textContent('#messages')).includes('Cleo left'));
  });

  it('rooms keep their messages apart and count the unread', async () => {
    await joinRoom(ada, 'kitchen');
    await bob.click('#open-rooms');
    await bob.waitForSelector('#rooms [data-room="kitchen"]');
    await enterRoom(bob, 'kitchen');
    await peopleAre(ada, 'Ada', 'Bob');
    await say(bob, 'Dinner is ready');
    await hears(ada, 'Dinner is ready');
    await enterRoom(ada, 'lobby');
    assert.deepEqual(await textsIn(ada), []);
    await say(bob, 'It gets cold');
    await ada.waitForSelector('#rooms [data-room="kitchen"][data-unread="1"]');
    await enterRoom(ada, 'kitchen');
    assert.deepEqual(await textsIn(ada), ['Dinner is ready', 'It gets cold']);
    await ada.waitForSelector('#rooms [data-room="kitchen"][data-unread="0"]');
  });

  it('a room without people disappears, a newcomer gets the history', async () => {
    await say(ada, 'Before you came');
    await delivered(ada, 'Before you came');
    const cleo = await openPage(browser, server.url);
    await comeIn(cleo, 'Cleo');
    await hears(cleo, 'Before you came');
    await joinRoom(cleo, 'cellar');
    await ada.waitForSelector('#rooms [data-room="cellar"]');
    await cleo.click('#leave-room');
    await ada.waitForSelector('#rooms [data-room="cellar"]', { state: 'detached' });
    assert.equal(await ada.locator('#rooms [data-room="random"]').count(), 1);
  });

  it('a picture arrives as it was sent', async () => {
    const png = await noisePng(ada, 200, 150);
    await ada.setInputFiles('#image-input', { name: 'noise.png', mimeType: 'image/png', buffer: png });
    const image = await bob.waitForSelector('#messages li[data-kind="picture"] img');
    const [bytes, width, sum] = await image.evaluate(async (element) => {
      await element.decode();
      // The policy of the page forbids to fetch() a blob: the size is the message's, and every pixel is compared.
      const canvas = new OffscreenCanvas(element.naturalWidth, element.naturalHeight);
      const paint = canvas.getContext('2d');
      paint.drawImage(element, 0, 0);
      const { data } = paint.getImageData(0, 0, canvas.width, canvas.height);
      return [Number(element.dataset.bytes), element.naturalWidth, data.reduce((a, b) => a + b, 0)];
    });
    const sent = await ada.$eval('#messages li[data-kind="picture"] img', async (element) => {
      await element.decode();
      const canvas = new OffscreenCanvas(element.naturalWidth, element.naturalHeight);
      const paint = canvas.getContext('2d');
      paint.drawImage(element, 0, 0);
      return paint.getImageData(0, 0, canvas.width, canvas.height).data.reduce((a, b) => a + b, 0);
    });
    assert.equal(bytes, png.length);
    assert.equal(width, 200);
    assert.equal(sum, sent);
    await ada.waitForSelector('#messages li.own[data-kind="picture"][data-delivered="true"]');

    const cleo = await openPage(browser, server.url); // and from history
    await comeIn(cleo, 'Cleo');
    const kept = await cleo.waitForSelector('#messages li[data-kind="picture"] img');
    assert.equal(await kept.evaluate(async (element) => { await element.decode(); return element.naturalWidth; }), 200);
  });

  it('a large picture is made smaller before it is sent', async () => {
    const png = await noisePng(ada, 900, 700);
    assert.ok(png.length > 1000000, 'more than max_payload');
    await ada.setInputFiles('#image-input', { name: 'large.png', mimeType: 'image/png', buffer: png });
    const image = await bob.waitForSelector('#messages li[data-kind="picture"] img');
    const [bytes, width] = await image.evaluate(async (element) => { await element.decode(); return [Number(element.dataset.bytes), element.naturalWidth]; });
    assert.ok(bytes <= 500000, `${bytes} bytes`);
    assert.ok(width > 100);
  });

  it('what is not a picture is refused', async () => {
    await ada.setInputFiles('#image-input', { name: 'fake.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
    await until('a complaint is shown', async () => (await ada.textContent('#complaint')).includes('not a picture'));
  });

  it('HTML in a message and in a name is shown as text', async () => {
    const html = '<img src=x onerror="alert(1)"><b>bold</b> & "quoted"';
    await say(ada, html);
    await hears(bob, html);
    const eve = await openPage(browser, server.url);
    await comeIn(eve, '<i>Eve</i><script>');
    await say(eve, '<script>alert(2)</script>');
    await hears(ada, '<script>alert(2)</script>');
    await peopleAre(ada, '<i>Eve</i><script>', 'Ada', 'Bob');
    for (const page of [ada, bob, eve]) {
      assert.equal(await page.locator('#messages b, #messages i, #messages script, #messages img, #people i').count(), 0);
    }
  });

  it('a page reloads and comes back as the same person', async () => {
    await joinRoom(ada, 'kitchen');
    await enterRoom(ada, 'lobby');
    await say(bob, 'One');
    await hears(ada, 'One');
    await ada.reload();
    await connected(ada);
    await hears(ada, 'One');
    assert.equal(await ada.textContent('#my-nick'), 'Ada');
    assert.equal(await ada.getAttribute('#rooms [data-room="kitchen"]', 'data-joined'), 'true');
    await say(ada, 'Two');
    await hears(bob, 'Two');
    await say(bob, 'Three');
    await hears(ada, 'Three');
    assert.deepEqual(await textsIn(ada), ['One', 'Two', 'Three']);
    assert.doesNotMatch(await bob.textContent('#messages'), /Ada left/);
  });

  it('a lost connection comes back: nothing missing, nothing twice', async () => {
    await say(bob, 'One');
    await hears(ada, 'One');
    await ada.context().setOffline(true);
    await ada.waitForSelector('#banner:visible');
    await say(bob, 'Two, while Ada is away');
    await delivered(bob, 'Two');
    await say(ada, 'Three, written while away');
    assert.equal(await ada.getAttribute('#messages li.own:last-child', 'data-delivered'), 'false');
    await ada.context().setOffline(false);
    await connected(ada);
    await delivered(ada, 'Three');
    await hears(ada, 'Two, while Ada is away');
    await hears(bob, 'Three, written while away');
    assert.equal((await textsIn(ada)).length, 3);
    assert.equal((await textsIn(bob)).length, 3);
    assert.equal(await ada.isVisible('#banner'), false);
  });

  it('the server stops and starts again on its port, and both pages go on', async () => {
    await joinRoom(ada, 'kitchen');
    await say(ada, 'One');
    await delivered(ada, 'One');
    await server.stop();
    await Promise.all([reconnecting(ada), reconnecting(bob)]);
    assert.match(await ada.textContent('#banner'), /Reconnecting/);
    await screenshot(ada, 'chat-reconnecting');
    await say(ada, 'Two, while it was down');
    server = await startServer(CHAT, '--port', String(server.port));
    await Promise.all([connected(ada), connected(bob)]);
    await delivered(ada, 'Two');
    assert.equal(await ada.textContent('#room-name'), 'kitchen');
    assert.deepEqual(await textsIn(ada), ['One', 'Two, while it was down']);
    await enterRoom(ada, 'lobby');
    await peopleAre(ada, 'Ada', 'Bob');
    await say(ada, 'Back again');
    await hears(bob, 'Back again');
    await say(bob, 'Me too');
    await hears(ada, 'Me too');
  });

  it('a phone shows everything without sideways scrolling', async () => {
    await say(ada, `${'a'.repeat(200)} and https://example.org/${'path/'.repeat(30)}`);
    await until('the message is there', async () => (await textsIn(bob)).length === 1);
    assert.ok(await bob.evaluate(() => document.documentElement.scrollWidth) <= 360);
    assert.equal(await bob.isVisible('#sidebar'), false);
    await bob.click('#open-rooms');
    await bob.waitForSelector('#sidebar:visible');
    assert.ok(await bob.evaluate(() => document.activeElement.closest('#sidebar') !== null), 'the keyboard is in the drawer');
    await bob.keyboard.press('Escape');
    await bob.waitForSelector('#sidebar', { state: 'hidden' });
  });
});
