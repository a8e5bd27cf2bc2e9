// The chat's client: what is said over the socket, and what is remembered between two connections.
//
// For tests, beside the ids in index.html:
//   #status[data-state]                connected | reconnecting | offline; #banner is visible unless connected
//   #messages li[data-kind]            text | picture | note; with data-nick, data-id (of the server), data-tag (of the sender)
//   #messages li.own[data-delivered]   "true" once the server has acknowledged it, else "false"
//   #messages li img[data-bytes]       a picture that has arrived, with its size in bytes
//   #rooms button[data-room]           with data-joined, data-unread (a number) and aria-current="page" on the room shown
//   #people li[data-nick]              who is in the room shown
//   #room-form, #room-input            create or join a room; #leave-room leaves the one shown
//   #room-name, #my-nick, #nick-error, #complaint, #typing, #rename

import { preparePicture } from './picture.js';
import * as view from './view.js';
import { $ } from './view.js';

const KEEP = 200; // messages per room in this page
const ANSWER_MS = 10000;

const socket = io({ autoConnect: false, reconnectionDelay: 500, reconnectionDelayMax: 3000 });

// ---- what is remembered ----
// localStorage: the last name used in this browser. sessionStorage: this window's own name, secret key and rooms,
// so that a reload comes back as the same person while a second window can be somebody else.

const stored = {
  get nick() { return sessionStorage.nick || localStorage.nick || ''; },
  set nick(nick) { sessionStorage.nick = nick; localStorage.nick = nick; },
  get rooms() { try { return JSON.parse(sessionStorage.rooms); } catch { return ['lobby']; } },
  set rooms(names) { sessionStorage.rooms = JSON.stringify(names); },
  get current() { return sessionStorage.current || 'lobby'; },
  set current(name) { sessionStorage.current = name; },
};

const randomTag = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
sessionStorage.secret ||= randomTag();

let me = ''; // '' until the server has accepted a name
let limits = { max_picture: 500000 };
let entered = false; // true while this connection has said hello and is back in its rooms
let replaced = false; // another window has taken this name over with our key
let listed = []; // the server's list of rooms
let current = stored.current;
let displayed = false; // a room has been drawn: what comes in from now on is added to it
const joined = new Map(); // name -> { name, messages, people, typing, unread, lastId, draft }

function newRoom(name) {
  return { name, messages: [], people: [], typing: new Map(), unread: 0, lastId: 0, draft: '' };
}

const roomShown = () => joined.get(current);

// ---- asking the server: an event, and its answer by ack ----

async function ask(event, ...args) {
  const answer = await socket.timeout(ANSWER_MS).emitWithAck(event, ...args);
  if (answer?.error) throw Object.assign(new Error(answer.error), { refused: true });
  return answer;
}

function complain(error) {
  $('complaint').textContent = error ? error.message : '';
  clearTimeout(complain.timer);
  complain.timer = setTimeout(() => { $('complaint').textContent = ''; }, 6000);
}

// ---- coming in, for the first time or again ----

async function enter(nick) {
  try {
    const hello = await ask('hello', nick, sessionStorage.secret);
    me = stored.nick = hello.nick;
    limits = hello;
    listed = hello.rooms;
    view.showGreeting(hello.greeting);
  } catch (error) {
    if (!error.refused) return; // the connection is gone again; the next one will try
    return showEntrance(nick, error.message);
  }
  showApp();
  const names = joined.size ? [...joined.keys()] : stored.rooms;
  for (const name of names) {
    try { await join(name); } catch (error) { if (!error.refused) return; joined.delete(name); }
  }
  if (!joined.size) await join('lobby').catch(complain);
  entered = true;
  view.showStatus('connected');
  show(joined.has(current) ? current : joined.keys().next().value);
  sendPending();
}

async function join(name) {
  const answer = await ask('join', name, joined.get(name)?.lastId || null);
  const room = joined.get(answer.room) || newRoom(answer.room);
  const first = !joined.has(room.name);
  joined.set(room.name, room);
  room.people = answer.people;
  room.typing.clear();
  for (const message of answer.messages) receive(room, message);
  if (first) room.unread = 0;
  stored.rooms = [...joined.keys()];
  fetchPictures(room);
  return room;
}

function showEntrance(nick, error) {
  entered = false;
  $('app').hidden = true;
  $('entrance').hidden = false;
  $('nick-input').value = nick;
  $('nick-error').textContent = error || '';
  $('nick-input').setAttribute('aria-invalid', String(Boolean(error)));
  $('nick-input').select();
}

function showApp() {
  const first = $('app').hidden;
  $('entrance').hidden = true;
  $('app').hidden = false;
  $('my-nick').textContent = me;
  view.paintAvatar($('my-avatar'), me);
  if (first && matchMedia('(hover: hover)').matches) $('message-input').focus();
}

// ---- rooms ----

function showRoomList() {
  const names = new Set(listed.map((room) => room.name));
  const all = [...listed, ...[...joined.values()].filter((room) => !names.has(room.name)).map((room) => ({ name: room.name, people: room.people.length }))];
  const unread = view.showRooms(all.map(({ name, people }) => (
    { name, people, unread: joined.get(name)?.unread || 0, joined: joined.has(name), current: name === current })), choose);
  document.title = `${unread ? `(${unread}) ` : ''}${current} · Chat`;
}

function show(name) {
  const before = roomShown();
  if (before) before.draft = $('message-input').value;
  current = stored.current = name;
  const room = roomShown();
  room.unread = 0;
  displayed = true;
  $('room-name').textContent = name;
  $('leave-room').disabled = joined.size < 2;
  $('message-input').placeholder = `Message #${name}`;
  $('message-input').value = room.draft;
  growInput();
  showRoomList();
  view.showPeople(room.people, me);
  view.showTyping(room.typing.keys());
  view.showMessages(room.messages, retry);
}

async function choose(name) {
  stopTyping();
  view.closePanel();
  try {
    show(joined.has(name) ? name : (await join(name)).name);
    if (matchMedia('(hover: hover)').matches) $('message-input').focus();
  } catch (error) { complain(error); }
}

async function leaveRoom() {
  const name = current;
  if (joined.size < 2) return;
  try {
    stopTyping();
    await ask('leave', name);
    $('message-input').value = '';
    joined.delete(name);
    stored.rooms = [...joined.keys()];
    show(joined.keys().next().value);
  } catch (error) { complain(error); }
}

// ---- messages ----

// Puts a message in its room, once: the same one may come by history and by itself, or be our own come back.
function receive(room, message) {
  const known = room.messages.find((other) => other.tag && other.tag === message.tag && other.nick === message.nick);
  if (message.id) room.lastId = Math.max(room.lastId, message.id);
  if (known) {
    if (known.state !== 'delivered') settle(room, known, message);
    return;
  }
  message.own = message.nick === me && message.kind !== 'note';
  if (message.own && !message.state) message.state = 'delivered';
  add(room, message);
  if (room.name !== current && displayed && !message.own) room.unread += 1;
}

function add(room, message) {
  const previous = room.messages.at(-1);
  room.messages.push(message);
  if (room.messages.length > KEEP) URL.revokeObjectURL(room.messages.shift().url);
  if (room.name === current && displayed) view.appendMessage(message, previous, retry);
}

function redraw(room, message) {
  if (room.name === current) view.updateMessage(message, room.messages[room.messages.indexOf(message) - 1], retry);
}

function settle(room, message, { id, at }) {
  message.id = id;
  message.at = at;
  message.state = 'delivered';
  room.lastId = Math.max(room.lastId, id);
  redraw(room, message);
}

const inFlight = new Set(); // tags on their way: never two sendings of one message at a time

// Sends now, or leaves it for the next connection. The tag lets the server drop a second copy.
async function send(room, message) {
  if (!entered || inFlight.has(message.tag)) return;
  inFlight.add(message.tag);
  try {
    const answer = message.kind === 'picture'
      ? await ask('picture', room.name, message.tag, { name: message.text, width: message.width, height: message.height }, message.data)
      : await ask('say', room.name, message.tag, message.text);
    if (message.state !== 'delivered') settle(room, message, answer);
    message.data = null;
  } catch (error) {
    if (error.refused || socket.connected) {
      message.state = 'failed';
      redraw(room, message);
      if (error.refused) complain(error);
    }
  } finally {
    inFlight.delete(message.tag);
  }
}

function retry(message) {
  const room = roomShown();
  message.state = 'sending';
  redraw(room, message);
  send(room, message);
}

function sendPending() {
  for (const room of joined.values()) {
    for (const message of room.messages) if (message.own && message.state === 'sending') send(room, message);
  }
}

function compose(fields) {
  const room = roomShown();
  const message = { ...fields, tag: randomTag(), nick: me, own: true, state: 'sending', at: Math.floor(Date.now() / 1000) };
  add(room, message);
  send(room, message);
}

function setPicture(room, message, data) {
  message.url = URL.createObjectURL(new Blob([data], { type: message.mime }));
  redraw(room, message);
}

// History names the pictures; this asks for them one after the other, the newest first.
async function fetchPictures(room) {
  for (const message of [...room.messages].reverse()) {
    if (message.kind !== 'picture' || message.url || message.gone) continue;
    try {
      setPicture(room, message, await ask('get picture', room.name, message.id));
    } catch (error) {
      if (!error.refused) return;
      message.gone = true;
      redraw(room, message);
    }
  }
}

async function sendPicture(file) {
  try {
    const picture = await preparePicture(file, limits.max_picture);
    const { data, mime, name, width, height } = picture;
    const url = URL.createObjectURL(new Blob([data], { type: mime }));
    compose({ kind: 'picture', text: name, mime, bytes: data.byteLength, width, height, data, url });
  } catch (error) { complain(error); }
}

// ---- typing ----

let typingSince = 0;
let typingTimer;

function stopTyping() {
  clearTimeout(typingTimer);
  if (typingSince && entered) socket.emit('typing', current, false);
  typingSince = 0;
}

function startTyping() {
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, 3000);
  if (Date.now() - typingSince < 2000 || !entered) return;
  typingSince = Date.now();
  socket.emit('typing', current, true);
}

function setTyping(room, nick, on) {
  clearTimeout(room.typing.get(nick));
  room.typing.delete(nick);
  if (on) room.typing.set(nick, setTimeout(() => setTyping(room, nick, false), 5000));
  if (room.name === current) view.showTyping(room.typing.keys());
}

// ---- what the server says ----

socket.on('connect', () => {
  replaced = false;
  if (me || stored.nick) enter(me || stored.nick);
});

socket.on('disconnect', (reason) => {
  entered = false;
  for (const room of joined.values()) for (const nick of [...room.typing.keys()]) setTyping(room, nick, false);
  if (replaced) return view.showStatus('offline', 'This chat goes on in another window.', 'Use it here');
  view.showStatus(navigator.onLine ? 'reconnecting' : 'offline');
  if (reason === 'io server disconnect') setTimeout(() => socket.connect(), 1000);
});

socket.on('connect_error', () => {
  if ($('app').hidden) showEntrance(me || $('nick-input').value || stored.nick, 'The server does not answer. Trying again…');
});

socket.on('replaced', () => { replaced = true; });

socket.on('rooms', (rooms) => { listed = rooms; if (me && roomShown()) showRoomList(); });

socket.on('greeting', view.showGreeting); // it has changed while we were here

socket.on('people', (name, people) => {
  const room = joined.get(name);
  if (!room) return;
  room.people = people;
  if (name === current) view.showPeople(people, me);
});

socket.on('note', (name, nick, what) => {
  const room = joined.get(name);
  if (room) add(room, { kind: 'note', nick, text: what === 'joined' ? 'came in' : 'left', at: Math.floor(Date.now() / 1000) });
});

socket.on('typing', (name, nick, on) => { const room = joined.get(name); if (room) setTyping(room, nick, on); });

socket.on('message', (name, message, data) => {
  const room = joined.get(name);
  if (!room) return;
  if (data) message.url = URL.createObjectURL(new Blob([data], { type: message.mime }));
  setTyping(room, message.nick, false);
  receive(room, message);
  showRoomList();
});

window.addEventListener('offline', () => view.showStatus('offline', 'You are offline.'));
window.addEventListener('online', () => { if (!socket.connected && !replaced) { view.showStatus('reconnecting'); socket.connect(); } });

// ---- what the person does ----

function growInput() {
  const input = $('message-input');
  input.style.height = 'auto';
  input.style.height = `${Math.min(input.scrollHeight, 140)}px`;
}

$('nick-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const nick = $('nick-input').value.trim();
  if (!nick) return showEntrance('', 'Please choose a name.');
  if (socket.connected) enter(nick);
  else { me = nick; socket.connect(); }
});

$('message-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('message-input').value.trim();
  if (!text || !roomShown()) return;
  stopTyping();
  $('message-input').value = '';
  growInput();
  compose({ kind: 'text', text });
});

$('message-input').addEventListener('input', () => { growInput(); if ($('message-input').value) startTyping(); else stopTyping(); });
$('message-input').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('message-form').requestSubmit();
  }
});

$('image-input').addEventListener('change', async () => {
  const [file] = $('image-input').files;
  if (file) await sendPicture(file);
  $('image-input').value = '';
});
$('message-input').addEventListener('paste', (event) => {
  const file = [...event.clipboardData.files].find((item) => item.type.startsWith('image/'));
  if (file) { event.preventDefault(); sendPicture(file); }
});
for (const type of ['dragover', 'drop']) {
  document.addEventListener(type, (event) => {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    if (type === 'drop' && event.dataTransfer.files[0] && roomShown()) sendPicture(event.dataTransfer.files[0]);
  });
}

$('room-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = $('room-input').value.trim();
  if (!name) return $('room-input').focus();
  $('room-input').value = '';
  choose(name);
});

$('leave-room').addEventListener('click', leaveRoom);
$('rename').addEventListener('click', () => {
  me = '';
  sessionStorage.removeItem('nick');
  joined.clear();
  displayed = false;
  socket.disconnect(); // a socket has one name: the next name gets the next socket
  showEntrance('', '');
});
$('banner-button').addEventListener('click', () => socket.connect());
$('to-newest').addEventListener('click', view.scrollToNewest);
$('scroller').addEventListener('scroll', () => {
  const { scrollTop, scrollHeight, clientHeight } = $('scroller');
  if (scrollHeight - scrollTop - clientHeight < 20) $('to-newest').hidden = true;
});

$('open-rooms').addEventListener('click', () => view.openPanel('rooms', $('open-rooms')));
$('open-people').addEventListener('click', () => view.openPanel('people', $('open-people')));
for (const element of document.querySelectorAll('[data-close]')) element.addEventListener('click', view.closePanel);
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') view.closePanel(); });
$('viewer').addEventListener('click', (event) => { if (event.target === $('viewer')) $('viewer').close(); });

if (stored.nick) socket.connect();
else showEntrance('', '');
