// Takes out of an answer what may differ between two servers that do the same: ids, dates, ports, the framing of a body,
// and the order and case of header names. JSON is compared as a client's parser sees it.

const ignored = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

export class Answers {
  #ids = new Map();

  normal(answer) {
    const { response, messages, ...rest } = answer;
    return {
      ...(response && { response: this.#response(response) }),
      ...(messages && { messages: grouped(messages.map(canonical)).map((text) => this.#numbered(text)) }),
      ...rest,
    };
  }

  // A body is a payload of packets, or the JSON of an error.
  #response({ status, headers, body, failed }) {
    if (failed) return { failed };
    if (status === 404) return { status }; // pages are the application's business
    const entries = Object.entries(headers).filter(([name]) => !ignored.has(name)).sort();
    return { status, headers: Object.fromEntries(entries), body: body.split('\x1e').map((text) => this.#numbered(canonical(text))) };
  }

  // Ids are numbered as they appear, in the JSON that tells them; from there on wherever they are.
  #numbered(text) {
    for (const [, id] of text.matchAll(/"(?:sid|id)":"([A-Za-z0-9_-]{20})"/g)) {
      if (!this.#ids.has(id)) this.#ids.set(id, `{id${this.#ids.size}}`);
    }
    for (const [id, name] of this.#ids) text = text.replaceAll(id, name);
    return text;
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
