// Everything that touches the page. It knows no socket: chat.js tells it what to show.
// What people have typed goes through textContent only; no string is ever parsed as HTML.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (name === 'class') element.className = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

function icon(name) {
  const NS = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(NS, 'svg');
  const use = document.createElementNS(NS, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

// ---- names ----

const HUES = [176, 24, 262, 338, 204, 96, 46, 292, 8, 232]; // far enough apart to tell people by colour

function hueOf(nick) {
  let hash = 7;
  for (const char of nick.toLowerCase()) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return HUES[hash % HUES.length];
}

export function paintAvatar(element, nick) {
  element.textContent = [...nick][0].toUpperCase();
  element.style.setProperty('--hue', hueOf(nick));
}

function avatar(nick) {
  const element = make('span', { class: 'avatar', 'aria-hidden': 'true' });
  paintAvatar(element, nick);
  return element;
}

// ---- rooms and people ----

// rooms: [{ name, people, unread, joined, current }]
export function showRooms(rooms, choose) {
  const focused = document.activeElement?.dataset?.room;
  $('rooms').replaceChildren(...rooms.map((room) => make('li', {},
    make('button', {
      type: 'button', class: 'room-button', 'data-room': room.name, 'data-joined': String(room.joined),
      'data-unread': String(room.unread), 'aria-current': room.current ? 'page' : undefined,
      'aria-label': `${room.name}, ${room.people} here${room.unread ? `, ${room.unread} unread` : ''}`,
      onclick: () => choose(room.name),
    },
    make('span', { class: 'hash' }, '#'),
    make('bdi', { class: 'label' }, room.name),
    room.unread ? make('span', { class: 'badge' }, room.unread > 99 ? '99+' : String(room.unread))
      : make('span', { class: 'population' }, room.people ? String(room.people) : '')))));
  if (focused) $('rooms').querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
  const unread = rooms.reduce((sum, room) => sum + room.unread, 0);
  $('unread-elsewhere').hidden = unread === 0;
  return unread;
}

export function showPeople(people, me) {
  $('people').replaceChildren(...people.map((nick) => make('li', { 'data-nick': nick },
    avatar(nick), make('bdi', {}, nick), ...(nick === me ? [make('span', { class: 'you' }, 'you')] : []))));
  $('people-count').textContent = String(people.length);
}

export function showTyping(nicks) {
  const list = [...nicks];
  const who = list.length > 2 ? `${list.length} people are` : list.length === 2 ? `${list[0]} and ${list[1]} are` : `${list[0]} is`;
  $('typing').textContent = list.length ? `${who} typing…` : '';
}

const STATUS = { connected: 'Connected', reconnecting: 'Reconnecting…', offline: 'Offline' };

export function showStatus(state, bannerText, button) {
  $('status').dataset.state = state;
  $('status-text').textContent = STATUS[state];
  $('banner').hidden = state === 'connected';
  $('banner-text').textContent = bannerText || 'Reconnecting… What you write is kept and sent later.';
  $('banner-button').hidden = !button;
  $('banner-button').textContent = button || '';
}

export function showGreeting(text) {
  $('greeting').textContent = text || '';
  $('greeting').hidden = !text;
}

// ---- messages ----

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const LINK = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/g;

function withLinks(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(end, match.index));
    parts.push(make('a', { href: match[0], target: '_blank', rel: 'noopener noreferrer nofollow' }, match[0]));
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

function sizeText(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${Math.round(bytes / 1000)} kB`;
}

function pictureOf(message) {
  const box = make('button', { type: 'button', class: 'picture', 'aria-label': `Show ${message.text}` });
  if (message.width && message.height) box.style.setProperty('--ratio', message.width / message.height);
  if (message.url) {
    box.append(make('img', { src: message.url, alt: message.text, 'data-bytes': message.bytes }));
    box.addEventListener('click', () => {
      $('viewer-image').src = message.url;
      $('viewer-image').alt = message.text;
      $('viewer').showModal();
    });
  } else {
    box.classList.add('waiting');
    box.disabled = true;
    box.append(make('span', {}, message.gone ? 'This picture is no longer kept' : 'Loading…'));
  }
  return make('div', { class: 'bubble has-picture', title: `${message.text} · ${sizeText(message.bytes)}` }, box);
}

const TICKS = { sending: 'Sending', delivered: 'Delivered', failed: 'Not sent' };

function messageItem(message, follows, retry) {
  const body = message.kind === 'picture' ? pictureOf(message) : make('div', { class: 'bubble', dir: 'auto' }, ...withLinks(message.text));
  const when = new Date(message.at * 1000);
  const meta = make('span', { class: 'meta' }, make('time', { datetime: when.toISOString() }, CLOCK.format(when)));
  if (message.own) {
    meta.append(make('span', { class: `tick ${message.state}`, title: TICKS[message.state] }, icon(message.state), make('span', { class: 'sr' }, TICKS[message.state])));
    if (message.state === 'failed') meta.append(make('button', { type: 'button', class: 'link', onclick: () => retry(message) }, 'Try again'));
  }
  const line = make('div', { class: 'line' }, body, meta);
  const column = make('div', { class: 'column' });
  if (!follows) column.append(make('bdi', { class: message.own ? 'author sr' : 'author' }, message.own ? 'You' : message.nick));
  column.append(line);
  const item = make('li', {
    class: `message${message.own ? ' own' : ''}${follows ? ' follows' : ''}`,
    'data-kind': message.kind, 'data-nick': message.nick, 'data-tag': message.tag, 'data-id': message.id,
    'data-delivered': message.own ? String(message.state === 'delivered') : undefined,
  });
  if (!message.own) {
    item.append(follows ? make('span', { class: 'avatar-space' }) : avatar(message.nick));
    item.style.setProperty('--hue', hueOf(message.nick));
  }
  item.append(column);
  return item;
}

function noteItem(note) {
  return make('li', { class: 'note', 'data-kind': 'note' }, make('span', {}, make('bdi', {}, note.nick), ` ${note.text}`));
}

function dayOf(message) { return new Date(message.at * 1000).toDateString(); }

function itemsOf(message, previous, retry) {
  const items = [];
  if (!previous || dayOf(previous) !== dayOf(message)) {
    const today = dayOf(message) === new Date().toDateString();
    items.push(make('li', { class: 'day' }, make('span', {}, today ? 'Today' : DAY.format(new Date(message.at * 1000)))));
  }
  const follows = previous && !items.length && previous.kind !== 'note' && previous.nick === message.nick && message.at - previous.at < 300;
  items.push(message.kind === 'note' ? noteItem(message) : messageItem(message, follows, retry));
  return items;
}

function atBottom() {
  const { scrollTop, scrollHeight, clientHeight } = $('scroller');
  return scrollHeight - scrollTop - clientHeight < 80;
}

export function scrollToNewest() {
  $('scroller').scrollTop = $('scroller').scrollHeight;
  $('to-newest').hidden = true;
}

// Shows a whole room. Quietly: a screen reader is not to read the history aloud.
export function showMessages(messages, retry) {
  const list = $('messages');
  list.setAttribute('aria-live', 'off');
  list.replaceChildren(...messages.flatMap((message, i) => itemsOf(message, messages[i - 1], retry)));
  $('empty').hidden = messages.some((message) => message.kind !== 'note');
  scrollToNewest();
  requestAnimationFrame(() => list.setAttribute('aria-live', 'polite'));
}

export function appendMessage(message, previous, retry) {
  const follow = atBottom() || message.own;
  $('messages').append(...itemsOf(message, previous, retry));
  if (message.kind !== 'note') $('empty').hidden = true;
  if (follow) scrollToNewest();
  else if (message.kind !== 'note') $('to-newest').hidden = false;
}

// Redraws one message in place: a tick has changed, a picture has arrived.
export function updateMessage(message, previous, retry) {
  const old = $('messages').querySelector(`[data-tag="${CSS.escape(message.tag)}"]`);
  if (!old) return;
  const follow = atBottom();
  old.replaceWith(itemsOf(message, previous, retry).pop());
  if (follow) scrollToNewest();
}

// ---- panels, which are drawers on narrow screens ----

export function openPanel(name, opener) {
  $('app').dataset.panel = name;
  const panel = name === 'rooms' ? $('sidebar') : $('people-panel');
  panel.querySelector('button, input')?.focus();
  openPanel.opener = opener;
}

export function closePanel() {
  if (!$('app').dataset.panel) return;
  delete $('app').dataset.panel;
  openPanel.opener?.focus();
}
