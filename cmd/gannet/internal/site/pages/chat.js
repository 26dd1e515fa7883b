// The chat page: what the server sends becomes what is seen, and the other way round. See package chat for the events.

import { connect, hasClient } from './connect.js';
import { Log } from './log.js';

const $ = (id) => document.getElementById(id);
const ackWait = 8000;
const typingShown = 4000; // a notice without an end goes away by itself
const typingEvery = 2000;

const state = {
  me: null, // {id, name} once in a room
  room: null,
  members: new Map(),
  typing: new Map(), // id to {name, timer}
  tapped: 0, // when "typing" was sent last
};
const log = new Log($('messages'), $('down'));

if (hasClient) start(connect('/chat'));
else missing();

function start(socket) {
  $('lobby').hidden = false;
  const params = new URLSearchParams(location.search);
  $('name').value = params.get('name') ?? remembered('name') ?? '';
  $('room').value = params.get('room') ?? remembered('room') ?? $('room').value;
  ($('name').value ? $('room') : $('name')).focus();

  socket.on('connect', () => {
    log.setOnline(true);
    if (state.me) join(socket, state.me.name, state.room, true); // back after an interruption
    else enable();
  });
  socket.on('disconnect', () => {
    log.setOnline(false);
    if (state.me) log.note('Connection lost. Trying again…');
    clearTyping();
    enable();
  });
  socket.on('rooms', (rooms) => showRooms(socket, rooms));
  socket.on('presence', showPresence);
  socket.on('message', (message, ack) => {
    log.receive(message);
    showTyping({ id: message.from.id, on: false });
    ack?.();
  });
  socket.on('delivered', ({ id, count, peers }) => log.delivered(id, count, peers));
  socket.on('typing', showTyping);
  bind(socket);
}

function missing() {
  $('missing').hidden = false;
  $('lobby').hidden = true;
  $('transport').textContent = 'offline';
}

function bind(socket) {
  $('entry').addEventListener('submit', (event) => {
    event.preventDefault();
    join(socket, $('name').value, $('room').value);
  });
  $('other').addEventListener('submit', (event) => {
    event.preventDefault();
    const room = $('other-room').value.trim();
    if (room) join(socket, state.me.name, room);
    $('other-room').value = '';
  });
  $('leave').addEventListener('click', () => {
    socket.emit('leave');
    state.me = null;
    show('lobby');
  });
  $('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = $('message').value.trim();
    if (!text || $('send').disabled) return;
    $('message').value = '';
    resize();
    enable();
    tap(socket, false);
    send(socket, text);
  });
  $('message').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $('composer').requestSubmit();
  });
  $('message').addEventListener('input', () => {
    resize();
    enable();
    tap(socket, $('message').value !== '');
  });
  $('menu').addEventListener('click', () => drawer(true));
  $('shade').addEventListener('click', () => drawer(false));
  addEventListener('keydown', (event) => event.key === 'Escape' && drawer(false));
}

// join asks for a place in a room, and shows it when the server has agreed.
async function join(socket, name, room, again = false) {
  $('entry-error').hidden = true;
  $('join').disabled = true;
  let reply;
  try {
    reply = await socket.timeout(ackWait).emitWithAck('join', { name, room });
  } catch {
    reply = { error: 'The server did not answer. Try again.' };
  }
  $('join').disabled = false;
  if (reply.error) {
    fail(reply.error);
    return;
  }
  const moved = !again || reply.room !== state.room;
  state.me = reply.you;
  state.room = reply.room;
  state.members = new Map(reply.members.map((m) => [m.id, m]));
  remember('name', reply.you.name);
  remember('room', reply.room);
  document.title = `#${reply.room} – Gannet chat`;
  $('me').textContent = reply.you.name;
  $('title').textContent = reply.room;
  clearTyping();
  log.enter(reply.you, reply.history, moved);
  if (!moved) log.note('Connected again.');
  list(reply.count);
  markRoom();
  drawer(false);
  show('talk');
  enable();
  if (moved && matchMedia('(hover: hover)').matches) $('message').focus();
}

function fail(text) {
  if (state.me) {
    log.note(text);
    return;
  }
  $('entry-error').textContent = text;
  $('entry-error').hidden = false;
}

async function send(socket, text) {
  const entry = log.send(state.me, text, () => send(socket, text));
  let reply;
  try {
    reply = await socket.timeout(ackWait).emitWithAck('message', text);
  } catch {
    reply = { error: 'Not delivered' };
  }
  if (reply.error) log.failed(entry, reply.error);
  else log.accepted(entry, reply);
}

// tap tells the others about typing: at the start, now and then, and at the end.
function tap(socket, on) {
  if (!socket.connected) return;
  const now = Date.now();
  if (on ? now - state.tapped < typingEvery : state.tapped === 0) return;
  state.tapped = on ? now : 0;
  socket.emit('typing', on);
}

function showTyping({ id, name, on }) {
  clearTimeout(state.typing.get(id)?.timer);
  state.typing.delete(id);
  if (on) {
    state.typing.set(id, { name, timer: setTimeout(() => showTyping({ id, on: false }), typingShown) });
  }
  const names = [...state.typing.values()].map((t) => t.name);
  const text = {
    0: () => '',
    1: () => `${names[0]} is typing…`,
    2: () => `${names[0]} and ${names[1]} are typing…`,
  }[names.length] ?? (() => `${names[0]} and ${names.length - 1} others are typing…`);
  $('typing').textContent = text();
}

function clearTyping() {
  for (const { timer } of state.typing.values()) clearTimeout(timer);
  state.typing.clear();
  state.tapped = 0;
  $('typing').textContent = '';
}

// showPresence says who came and went, as long as everybody is named.
function showPresence({ room, count, members }) {
  if (room !== state.room || !state.me) return;
  const before = state.members;
  state.members = new Map(members.map((m) => [m.id, m]));
  if (count === members.length) {
    for (const m of members) if (!before.has(m.id) && m.id !== state.me.id) log.note(`${m.name} came in`);
    for (const m of before.values()) if (!state.members.has(m.id)) log.note(`${m.name} left`);
  }
  for (const id of state.typing.keys()) if (!state.members.has(id)) showTyping({ id, on: false });
  list(count);
}

function list(count) {
  const rows = [...state.members.values()].map((m) => {
    const row = document.createElement('li');
    const who = document.createElement('span');
    who.className = 'who';
    who.textContent = m.id === state.me.id ? `${m.name} (you)` : m.name;
    row.append(Log.face(m), who);
    return row;
  });
  $('presence').replaceChildren(...rows);
  $('count').textContent = count;
  $('people').textContent = count === 1 ? 'only you' : `${count} here`;
  $('more').hidden = count <= rows.length;
  $('more').textContent = `and ${count - rows.length} more`;
}

function showRooms(socket, rooms) {
  $('rooms').replaceChildren(...rooms.map(({ name, members }) => {
    const row = document.createElement('li');
    const button = document.createElement('button');
    const label = document.createElement('span');
    const badge = document.createElement('span');
    button.type = 'button';
    button.dataset.room = name;
    label.className = 'room-name';
    label.textContent = name;
    badge.className = 'badge';
    badge.textContent = members;
    button.append(label, badge);
    button.addEventListener('click', () => (name === state.room ? drawer(false) : join(socket, state.me.name, name)));
    row.append(button);
    return row;
  }));
  markRoom();
  $('suggestions').replaceChildren(...rooms.slice(0, 6).map(({ name, members }) => {
    const chip = document.createElement('button');
    chip.type = 'button';
    chip.textContent = `${name} · ${members}`;
    chip.addEventListener('click', () => ($('room').value = name));
    return chip;
  }));
}

function markRoom() {
  for (const button of $('rooms').querySelectorAll('button')) {
    if (button.dataset.room === state.room) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }
}

function show(view) {
  $('lobby').hidden = view !== 'lobby';
  $('talk').hidden = view !== 'talk';
}

function drawer(open) {
  $('talk').classList.toggle('open', open);
  $('shade').hidden = !open;
  $('menu').setAttribute('aria-expanded', open);
}

// enable lets a message go when there is one and somewhere for it to go.
function enable() {
  $('send').disabled = !log.online || $('message').value.trim() === '';
}

function resize() {
  const box = $('message');
  box.style.height = 'auto';
  box.style.height = `${Math.min(box.scrollHeight + 2, 152)}px`;
}

function remembered(key) {
  try {
    return localStorage.getItem(`gannet-${key}`);
  } catch {
    return null; // storage is forbidden
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`gannet-${key}`, value);
  } catch {
    // the page works without
  }
}
