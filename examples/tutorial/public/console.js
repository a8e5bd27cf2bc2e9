// A console for Socket.IO: sends what is typed, shows what comes.
// ?namespace=/admin&token=sesame in the address connects to that namespace with auth = { token: "sesame" }.

const settings = new URLSearchParams(location.search);
const namespace = settings.get('namespace') || '/';
const socket = io(namespace, { auth: { token: settings.get('token') } });

const byId = (id) => document.getElementById(id);
const text = (values) => values.map((value) => JSON.stringify(value)).join(', ');

function show(kind, ...parts) {
  const item = document.createElement('li');
  item.className = kind;
  item.append(...parts);
  byId('log').append(item);
  while (byId('log').children.length > 200) byId('log').firstChild.remove();
  item.scrollIntoView({ block: 'end' });
}

function setState(state, words) {
  byId('state').dataset.state = state;
  byId('state').textContent = words;
}

socket.on('connect', () => setState('connected', `Connected to ${namespace} as ${socket.id}`));
socket.on('disconnect', (reason) => setState('waiting', `Disconnected: ${reason}`));
socket.on('connect_error', (error) => {
  setState('refused', `Not connected: ${error.message} ${error.data ? JSON.stringify(error.data) : ''}`);
});

socket.onAny((event, ...args) => {
  const answer = typeof args.at(-1) === 'function' ? args.pop() : null;
  show('in', `${event} ${text(args)}`);
  if (answer) ask(answer);
});

// The server waits for an ack: what is typed in this field becomes the answer.
function ask(answer) {
  const form = document.createElement('form');
  const input = document.createElement('input');
  input.setAttribute('aria-label', 'Your answer');
  input.placeholder = 'Your answer';
  form.append(input);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    answer(input.value);
    form.parentNode.className = 'out';
    form.replaceWith(input.value);
  });
  show('ask', form);
  input.focus();
}

byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const line = byId('line').value.trim();
  const [, name, rest] = line.match(/^(\S+)\s*(.*)$/s) || [];
  if (!name) return;
  let args;
  try { args = JSON.parse(`[${rest}]`); } catch { args = [rest]; } // not JSON: one string
  byId('line').select();
  show('out', `${name} ${text(args)}`);
  try {
    show('ack', text([await socket.timeout(15000).emitWithAck(name, ...args)]));
  } catch { /* not every event is answered */ }
});
