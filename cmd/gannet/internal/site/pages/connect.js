// Opens the connection of a page to a namespace, as its address asks: ?transport=polling, websocket or upgrade.

const modes = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
};

export const hasClient = typeof io === 'function';

// connect returns a socket, and keeps #transport saying what it runs on.
export function connect(namespace, options = {}) {
  const mode = new URLSearchParams(location.search).get('transport');
  const socket = io(namespace, {
    path: document.body.dataset.path,
    transports: modes[mode] ?? modes.upgrade,
    ...options,
  });
  const pill = document.getElementById('transport');
  const show = (text) => {
    pill.textContent = text;
    pill.dataset.transport = text;
  };
  const current = () => socket.connected && show(socket.io.engine.transport.name);
  const watch = () => {
    socket.io.engine.on('upgrade', current);
  };
  socket.io.on('open', watch);
  socket.on('connect', current);
  socket.on('disconnect', () => show('offline'));
  socket.on('connect_error', () => show('offline'));
  socket.io.on('reconnect_attempt', () => show('connecting'));
  return socket;
}
