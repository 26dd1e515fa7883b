// The list of messages: in the order of the server, with the ticks of one's own.

const near = 90; // pixels from the end that still count as reading the end
const together = 3 * 60_000; // messages of one person so close belong together
const most = 500; // rows that are kept

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

export class Log {
  online = false;
  #list;
  #down;
  #me = null;
  #reading = true; // the end is in view
  #seen = new Map(); // message id to its row
  #early = new Map(); // receipts that overtook the acknowledgement: message id to their number

  constructor(list, down) {
    this.#list = list;
    this.#down = down;
    list.addEventListener('scroll', () => {
      this.#reading = this.#atEnd();
      if (this.#reading) down.hidden = true;
    });
    down.addEventListener('click', () => this.#toEnd());
    new ResizeObserver(() => this.#reading && this.#toEnd()).observe(list);
  }

  // face returns the round sign of a person.
  static face({ name }) {
    const face = document.createElement('span');
    face.className = 'face';
    face.setAttribute('aria-hidden', 'true');
    face.textContent = [...name][0] ?? '?';
    let hue = 7;
    for (const c of name) hue = (hue * 31 + c.codePointAt(0)) % 360;
    face.style.setProperty('--hue', hue);
    return face;
  }

  setOnline(online) {
    this.online = online;
  }

  // enter shows the history of a room; when it is the room of before, only what is new.
  enter(me, history, clear) {
    this.#me = me;
    if (clear) {
      this.#list.replaceChildren();
      this.#seen.clear();
      this.#early.clear();
    }
    for (const message of history) this.receive(message, true);
    if (!this.#list.children.length) {
      const empty = document.createElement('li');
      empty.className = 'empty';
      empty.textContent = 'Nothing has been said yet. Say hello, or open this page a second time.';
      this.#list.append(empty);
    }
    this.#toEnd();
  }

  // receive shows a message of somebody else, or one from the history.
  receive(message, old = false) {
    if (this.#seen.has(message.id)) return;
    const follow = this.#atEnd();
    const row = this.#row(message.from, message.text, message.at, old && message.from.id === this.#me.id);
    row.dataset.seq = message.seq;
    row.dataset.id = message.id;
    this.#seen.set(message.id, row);
    this.#place(row);
    if (follow) this.#toEnd();
    else this.#down.hidden = false;
  }

  // send shows one's own message before the server has it.
  send(me, text, retry) {
    const row = this.#row(me, text, Date.now(), true);
    const tick = document.getElementById('tick').content.cloneNode(true);
    row.querySelector('.meta').append(tick);
    row.retry = retry;
    this.#tick(row, 'sending', 'sending');
    this.#append(row);
    this.#toEnd();
    return row;
  }

  // accepted notes that the server has a message.
  accepted(row, { id, seq, at, peers }) {
    row.dataset.seq = seq;
    row.dataset.id = id;
    row.querySelector('time').textContent = clock.format(at);
    this.#seen.set(id, row);
    this.#place(row);
    this.#tick(row, 'sent', 'sent');
    const early = this.#early.get(id);
    this.#early.delete(id);
    if (early) this.delivered(id, early, peers);
    else this.#toEnd();
  }

  // delivered notes how many of the others have a message. The notices of two of them may overtake each other.
  delivered(id, count, peers) {
    const row = this.#seen.get(id);
    if (!row) {
      this.#early.set(id, Math.max(count, this.#early.get(id) ?? 0));
      return;
    }
    if (count <= (row.delivered ?? 0)) return;
    row.delivered = count;
    this.#tick(row, 'delivered', count < peers ? `delivered to ${count} of ${peers}` : 'delivered');
  }

  // failed offers to send a message again.
  failed(row, why) {
    row.classList.add('failed');
    this.#tick(row, 'sending', why);
    const again = document.createElement('button');
    again.type = 'button';
    again.className = 'retry';
    again.textContent = 'Send again';
    again.addEventListener('click', () => {
      row.remove();
      row.retry();
    });
    row.querySelector('.meta').append(again);
  }

  // note shows something that nobody said.
  note(text) {
    const follow = this.#atEnd();
    const row = document.createElement('li');
    row.className = 'note';
    row.textContent = text;
    this.#append(row);
    if (follow) this.#toEnd();
  }

  #row(from, text, at, mine) {
    const row = document.createElement('li');
    row.className = mine ? 'msg mine' : 'msg';
    row.dataset.from = from.id;
    row.dataset.at = at;
    const name = document.createElement('span');
    name.className = 'from';
    name.textContent = from.name;
    const bubble = document.createElement('div');
    bubble.className = 'bubble';
    const body = document.createElement('p');
    body.textContent = text;
    const meta = document.createElement('div');
    meta.className = 'meta';
    const time = document.createElement('time');
    time.dateTime = new Date(at).toISOString();
    time.textContent = clock.format(at);
    meta.append(time);
    bubble.append(body, meta);
    row.append(Log.face(from), name, bubble);
    return row;
  }

  #tick(row, state, text) {
    row.querySelector('.tick').dataset.state = state;
    row.querySelector('.tick-text').textContent = text;
  }

  #append(row) {
    this.#list.querySelector('.empty')?.remove();
    this.#list.append(row);
    while (this.#list.children.length > most) {
      const first = this.#list.firstElementChild;
      this.#seen.delete(first.dataset.id);
      first.remove();
    }
    this.#join(row);
  }

  // place puts a row among those that have a number. Notices and what the server does not have yet stay where they are.
  #place(row) {
    const seq = Number(row.dataset.seq);
    let later = null;
    let other = this.#list.lastElementChild;
    for (; other; other = other.previousElementSibling) {
      const n = Number(other.dataset.seq);
      if (other === row || Number.isNaN(n)) continue;
      if (n < seq) break;
      later = other;
    }
    if (later) this.#list.insertBefore(row, later);
    else if (!row.isConnected) this.#append(row);
    else if (other && row.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) other.after(row);
    this.#join(row);
    this.#join(row.nextElementSibling);
  }

  // join draws a row together with the one before it if they belong together.
  #join(row) {
    if (!row?.classList.contains('msg')) return;
    const before = row.previousElementSibling;
    const follows = before?.classList.contains('msg') && before.dataset.from === row.dataset.from
      && Math.abs(row.dataset.at - before.dataset.at) < together;
    row.classList.toggle('follows', Boolean(follows));
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < near;
  }

  #toEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#down.hidden = true;
  }
}
