// examples/chat/chat.lua against clients that do not behave: no browser, only its events.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import { startServer, until } from './lib.mjs';

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100)]);

describe('chat, the server', { timeout: 90000 }, () => {
  let server;
  const sockets = [];
  let secrets = 0;

  before(async () => { server = await startServer('examples/chat/chat.lua', '--port', '0'); });
  after(async () => {
    for (const socket of sockets) socket.disconnect();
    await server?.stop();
  });

  async function connect() {
    const socket = io(server.url, { forceNew: true, transports: ['websocket'], reconnection: false });
    sockets.push(socket);
    await new Promise((resolve, reject) => { socket.once('connect', resolve); socket.once('connect_error', reject); });
    socket.ask = (...args) => socket.timeout(5000).emitWithAck(...args);
    return socket;
  }

  async function comeIn(nick, secret = `secret ${secrets += 1}`) {
    const socket = await connect();
    socket.hello = await socket.ask('hello', nick, secret);
    return socket;
  }

  const refused = async (answer, what) => assert.equal(typeof (await answer)?.error, 'string', `refused: ${what}`);

  it('refuses what is not as it should be, and lives on', async () => {
    const junk = [null, 0, -1, 1e300, true, '', '   ', [], {}, [1], { a: 1 }, Buffer.alloc(3), '\u0000\u0001'];
    const stranger = await connect();
    for (const value of [...junk, '\u200b\u202e']) await refused(stranger.ask('hello', value, value), `hello ${JSON.stringify(value)}`);
    await refused(stranger.ask('hello'), 'hello without arguments');
    for (const event of ['join', 'leave', 'say', 'picture', 'get picture']) {
      await refused(stranger.ask(event, 'lobby', 'tag', 'text'), `${event} by a stranger`);
    }
    const ada = await comeIn('Ada');
    await ada.ask('join', 'lobby', null);
    for (const value of junk) {
      await refused(ada.ask('leave', value), 'leave');
      await refused(ada.ask('say', value, 'tag', 'text'), 'say: room');
      await refused(ada.ask('say', 'lobby', value, 'text'), 'say: tag');
      await refused(ada.ask('say', 'lobby', 'tag', value), 'say: text');
      await refused(ada.ask('picture', 'lobby', 'tag', {}, value), 'picture');
      await refused(ada.ask('get picture', 'lobby', value), 'get picture');
      ada.emit('typing', value, value);
      ada.emit('typing', 'lobby', value);
    }
    for (const value of [null, 0, '', '   ', [], {}]) await refused(ada.ask('join', value, 0), 'join');
    for (const value of junk) assert.ok(Array.isArray((await ada.ask('join', 'lobby', value)).messages), 'any "last seen" will do');
    for (const about of junk) assert.ok((await ada.ask('picture', 'lobby', `about ${junk.indexOf(about)}`, about, PNG)).id);
    assert.ok((await ada.ask('say', 'lobby', 'end', 'still here')).id);
  });

  it('gives a name to one, whatever its letters, and back to who knows its secret', async () => {
    const bob = await comeIn('  Bob \n Smith ', 'the secret of Bob');
    assert.equal(bob.hello.nick, 'Bob Smith');
    assert.match((await comeIn('BOB\u200b SMITH')).hello.error, /taken/);
    await refused(bob.ask('hello', 'Robert', 'the secret of Bob'), 'a second name');
    const gone = new Promise((resolve) => { bob.once('disconnect', resolve); });
    const told = new Promise((resolve) => { bob.once('replaced', resolve); });
    assert.equal((await comeIn('bob smith', 'the secret of Bob')).hello.nick, 'Bob Smith');
    await told;
    await gone;
  });

  it('cuts long text between characters', async () => {
    const carl = await comeIn('😀'.repeat(100));
    assert.equal(carl.hello.nick, '😀'.repeat(24));
    const dora = await comeIn('Dora');
    await carl.ask('join', 'help', null);
    await dora.ask('join', 'help', null);
    const heard = new Promise((resolve) => { dora.once('message', (room, message) => resolve(message)); });
    await carl.ask('say', 'help', 'tag', 'é'.repeat(5000));
    assert.equal((await heard).text, 'é'.repeat(2000));
  });

  it('keeps 100 messages and 20 pictures of a room, and answers with the missed ones', async () => {
    const eva = await comeIn('Eva');
    await eva.ask('join', 'archive', null);
    const pictures = [];
    for (let i = 0; i < 25; i += 1) pictures.push((await eva.ask('picture', 'archive', `p${i}`, { name: 'p' }, PNG)).id);
    await refused(eva.ask('get picture', 'archive', pictures[4]), 'the 21st picture');
    assert.deepEqual(Buffer.from(await eva.ask('get picture', 'archive', pictures[5])), PNG);
    let last;
    for (let i = 0; i < 120; i += 1) last = await eva.ask('say', 'archive', `t${i}`, `message ${i}`);
    const { messages } = await eva.ask('join', 'archive', null);
    assert.equal(messages.length, 100);
    assert.equal(messages[0].text, 'message 20');
    assert.equal((await eva.ask('join', 'archive', messages[97].id)).messages.length, 2);
    assert.deepEqual((await eva.ask('join', 'archive', last.id)).messages, []);
    assert.deepEqual(await eva.ask('say', 'archive', 't119', 'sent again'), last, 'a tag counts once');
    await refused(eva.ask('get picture', 'archive', pictures[24]), 'a picture whose message is gone');
  });

  it('has room for a bounded number of rooms, and those without people disappear', async () => {
    const fred = await comeIn('Fred');
    const answers = [];
    for (let i = 0; i < 30; i += 1) answers.push(await fred.ask('join', `Fred's ${i}`, null));
    assert.ok(answers.some((answer) => answer.error) && answers.some((answer) => answer.room));
    let rooms = [];
    const gina = await connect();
    gina.on('rooms', (list) => { rooms = list; });
    fred.disconnect();
    await until('the rooms of Fred are gone', () => rooms.length > 0 && !rooms.some((room) => room.name.startsWith('fred')));
    assert.deepEqual(rooms.slice(0, 3).map((room) => room.name), ['lobby', 'random', 'help']);
  });

  it('does not tell a room to those who are not in it', async () => {
    const [hal, ivy] = [await comeIn('Hal'), await comeIn('Ivy')];
    const heard = [];
    ivy.onAny((event) => heard.push(event));
    await hal.ask('join', ivy.id, null); // a room with the name of a socket is still only a room
    await hal.ask('say', ivy.id.toLowerCase(), 'tag', 'psst');
    await ivy.ask('join', 'lobby', null);
    assert.deepEqual(heard.filter((event) => event !== 'rooms' && event !== 'note' && event !== 'people'), []);
  });
});
