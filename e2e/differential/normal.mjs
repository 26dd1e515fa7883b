// Takes out of an answer what may differ between two servers that do the same: ids, dates, ports, the framing of a body,
// and the order and case of header names. JSON is compared as a client's parser sees it.

import { randomUUID } from 'node:crypto';
import { plain } from './forms.mjs';

const ignored = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

// Names are the ids that a server has given out, in their order: {id0}, {pid0}, {offset0}.
export class Names {
  // The room of this player alone. It sorts behind every id.
  room = `~${randomUUID()}`;
  #ids = new Map([[this.room, '{room}']]);
  #counts = {};

  #note(id, kind) {
    if (!this.#ids.has(id)) {
      this.#counts[kind] ??= 0;
      this.#ids.set(id, `{${kind}${this.#counts[kind]++}}`);
    }
  }

  // learn looks for ids in the JSON that tells them. offsets says that events end in one.
  learn(text, offsets) {
    for (const [, kind, id] of text.matchAll(/"(sid|id|pid)\\?":\\?"([A-Za-z0-9_-]{10,24})\\?"/g)) this.#note(id, kind === 'pid' ? 'pid' : 'id');
    const offset = offsets && /^4[25].*,"([A-Za-z0-9_.-]{6,20})"\]$/s.exec(text)?.[1];
    if (offset) this.#note(offset, 'offset');
  }

  // named puts names in the place of ids, filled ids in the place of names.
  named(text) {
    const longest = [...this.#ids].sort(([a], [b]) => b.length - a.length); // one may be the beginning of another
    for (const [id, name] of longest) text = text.replaceAll(id, name);
    return text;
  }

  filled(step) {
    let text = JSON.stringify(step);
    for (const [id, name] of this.#ids) text = text.replaceAll(name, id);
    return JSON.parse(text);
  }
}

export class Answers {
  #names;
  #offsets;

  constructor(names, { recovery }) {
    this.#names = names;
    this.#offsets = recovery;
  }

  normal(answer) {
    const { response, polled, messages, ...rest } = answer;
    return {
      ...(response && { response: this.#response(response) }),
      ...(polled && { polled: this.#response(polled) }),
      ...(messages && { messages: grouped(messages.map(canonical)).map((text) => this.#text(text)) }),
      ...rest,
    };
  }

  // A body is a payload of packets, or the JSON of an error.
  #response(response) {
    if (response.failed) return { failed: response.failed };
    const { status, headers, packets } = response;
    if (status === 404) return { status }; // pages are the application's business
    const entries = Object.entries(headers).filter(([name]) => !ignored.has(name)).sort();
    const { body } = plain(response);
    return { status, headers: Object.fromEntries(entries), body: (packets ?? body.split('\x1e')).map((text) => this.#text(canonical(text))) };
  }

  #text(text) {
    this.#names.learn(text, this.#offsets);
    return this.#names.named(text);
  }
}

// grouped puts the packets of each namespace behind one another: handlers of two namespaces run side by side, and nobody
// promises in which order they answer. Attachments stay behind their packet, and the end of a session at the end.
function grouped(messages) {
  const groups = new Map();
  let nsp = '';
  for (const text of messages) {
    if (/^4\d/.test(text)) nsp = /^4\d(?:\d+-)?(\/[^,]*)/.exec(text)?.[1] ?? '/';
    else if (!/^b|^\[binary/.test(text)) nsp = '\uffff';
    groups.set(nsp, [...(groups.get(nsp) ?? []), text]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, list]) => list);
}

// canonical writes the JSON in a packet anew.
function canonical(text) {
  const at = text.search(/[[{]/);
  if (at < 0 || text[0] === '[') return text;
  try {
    const value = JSON.parse(text.slice(at));
    if (value[0] === 'welcome') delete value[1].headersCount;
    return text.slice(0, at) + JSON.stringify(value, sorted);
  } catch {
    return text;
  }
}

// sorted is a replacer that orders the names of objects.
function sorted(_, value) {
  if (!value || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
