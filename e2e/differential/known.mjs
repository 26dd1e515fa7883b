// The classes of differences that are meant, each as docs/differences.md lists it. `match` is given the step at which the
// servers part and both answers, and says yes for that class and no other.

import { ofBytes, strict3, unpacked } from './forms.mjs';

const alike = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const packets = (step) => (step.op === 'http' ? [] : step.said ?? step.body?.split('\x1e') ?? []);
const texts = (step) => [...packets(step), ...(step.frames ?? []).filter(([op]) => op < 2).map(([, text]) => text)];
const refused = (response, text) => response?.status === 400 && response.body[0].startsWith(text);
const header = (step, name) => step.headers?.[name] ?? '';

// What Gannet's session says when a payload is malformed: nothing, it is gone.
const gone = (got) => got.alive === false || got.messages?.length === 1 && got.messages[0].startsWith('[poll: 400 {"code":1');
// What is said when a session closes as agreed: in a poll, or by an empty close frame.
const closes = (answer) => answer.alive || answer.messages?.some((text) => text === '1' || text === '[close empty]');

// said lists the Socket.IO packets of a step: type and namespace.
const said = (step) => texts(step).map((text) => /^4([0-6])(?:\d+-)?(\/[^,]*)?/.exec(text)).map((match) => match && { type: match[1], nsp: match[2] ?? '/' });
// follows looks for a packet of one of the types `then` behind one of the types `first`, and returns their namespace.
function follows(step, first, then) {
  const all = said(step).map((sent) => sent && { ...sent, nsp: sent.nsp.split('?')[0] }); // revision 3 has a query there
  const at = all.findIndex((a, i) => a && first.includes(a.type) && all.slice(i + 1).some((b) => b && then.includes(b.type) && b.nsp === a.nsp));
  return all[at]?.nsp;
}
const joins = (answer, nsp) => nsp !== undefined && answer.messages?.some((text) => (nsp === '/' ? /^40(\{|$)/.test(text) : /^40(\/[^,]*)/.exec(text)?.[1] === nsp));
// more reports whether one answer is another with some packets of events and acks added.
function more(got, want) {
  let at = 0;
  return got.messages?.every((text) => (text === want.messages?.[at] ? ++at : /^4[2356]|^b|^\[binary/.test(text))) && at === want.messages?.length;
}

const malformed = (step) => (step.said ? step.latin1 || !strict3(step.body) : packets(step).slice(1).some(undecodable));
const ends = (answer) => closes(answer) || gone(answer);

const undecodable = (text) => !/^[0-6]|^b[A-Za-z0-9+/_-]*=*$/.test(text);
const stray = /^b(?=.*[^A-Za-z0-9+/=_-])|^b[^=]*=+[^=]/;
const extension = /^[\w-]+(\s*;\s*[\w-]+(=("[^"]*"|[\w-]+))?)*(\s*,\s*[\w-]+(\s*;\s*[\w-]+(=("[^"]*"|[\w-]+))?)*)*$/;

// Of namespaces, as URLs write them.
const encoded = (answer) => ({ ...answer, messages: answer.messages?.map((text) => text.replace(/^(4\d)(\/[^,]*)/, (_, type, nsp) => type + new URL(nsp, 'http://x').pathname)).sort() });
// What a CONNECT says of recovery.
function resumed(step) {
  const text = texts(step).find((text) => /^40\{"pid":/.test(text));
  return text && JSON.parse(text.slice(2));
}
const recovered = (answer, step) => answer.messages?.some((text) => text.startsWith('40{') && JSON.parse(text.slice(2)).pid === resumed(step).pid);
// Whether the connection before the one of a step was lost.
function hungUp(steps, at) {
  const opened = steps.slice(0, at).map(({ op }, i) => (op === 'ws' ? i : -1)).filter((i) => i >= 0);
  return steps.slice(opened.at(-2), opened.at(-1)).some(({ op }) => op === 'hangup');
}
const reserved = new Set(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']);

export const known = [
  {
    name: 'refused with a body',
    match: ({ step, want, got }) =>
      step.op === 'http' && step.body !== undefined && want.connection === 'kept' && alike(got, { ...want, connection: 'closed' }),
  },
  {
    name: 'methods of a session',
    match: ({ step, want, got }) => step.op === 'other' && want.response.status === 500 && got.response.status === 405,
  },
  {
    name: 'OPTIONS that asks for an upgrade',
    match: ({ step, want, got }) => step.method === 'OPTIONS' && step.headers.Upgrade !== undefined && want.response.failed && got.response.status === 204,
  },
  {
    name: 'binary without a type',
    match: ({ step, want, got }) =>
      (texts(step).some((text) => /^b(?![0-6])/.test(text)) || step.frames?.some(([op, text]) => op === 2 && !/^[\0-\x06]/.test(text))) && !ends(want) && ends(got),
  },
  {
    name: 'namespaces that are URLs',
    match: ({ step, want, got }) =>
      said(step).some((sent) => sent?.nsp !== undefined && sent.nsp !== new URL(sent.nsp, 'http://x').pathname) && alike(encoded(got), encoded(want)),
  },
  {
    name: 'recovery without an offset',
    match: ({ server, step, want, got }) =>
      server.recovery && resumed(step) && !resumed(step).offset && !recovered(want, step) && recovered(got, step),
  },
  {
    name: 'recovery of a socket that lives',
    match: ({ server, step, steps, at, want, got }) => server.recovery && resumed(step)?.offset && !hungUp(steps, at) && !recovered(want, step) && recovered(got, step),
  },
  {
    name: 'an offset of somebody else',
    match: ({ server, step, want, got }) => server.recovery && resumed(step)?.offset && recovered(want, step) && !recovered(got, step),
  },
  {
    name: 'binary in JSONP',
    match: ({ want, got }) => want.messages?.includes(ofBytes) && alike({ ...want, messages: want.messages.filter((text) => text !== ofBytes) }, got),
  },
  {
    name: 'nil for what is absent',
    match: ({ server, step, want, got }) =>
      server.parser === 'msgpack' && unpacked(step).some(({ data, id }) => data === null || id === null) && ends(want) && !ends(got),
  },
  {
    name: 'names of events in MessagePack',
    match: ({ server, step, want, got }) =>
      server.parser === 'msgpack' && unpacked(step).some(({ type, data }) => type === 2 && (typeof data?.[0] !== 'string' || reserved.has(data[0]))) && !ends(want) && ends(got),
  },
  {
    name: 'negative ack ids',
    match: ({ server, step, want, got }) => server.parser === 'msgpack' && unpacked(step).some(({ id }) => id < 0) && !ends(want) && ends(got),
  },
  {
    name: 'JSONP in revision 4',
    match: ({ step, want, got }) => /[?&]j=/.test(step.target) && want.response.body?.[0].startsWith('___eio[') && got.response.body?.[0].startsWith('0{'),
  },
  {
    name: 'malformed extensions',
    match: ({ step, got }) =>
      !extension.test(header(step, 'Sec-WebSocket-Extensions')) && refused(got.response, 'Invalid or unacceptable Sec-WebSocket-Extensions'),
  },
  {
    name: 'stray characters in base64',
    match: ({ step, got }) => packets(step).some((text) => stray.test(text)) && gone(got),
  },
  {
    name: 'malformed behind a violation',
    match: ({ step, want, got }) => malformed(step) && closes(want) && gone(got),
  },
  {
    name: 'lengths that are not minimal',
    match: ({ step, got }) => step.frames?.some(([, , odd]) => odd?.wide) && got.messages?.[0] === '[close 1002]',
  },
  {
    name: 'an Upgrade header without a value',
    match: ({ step, want, got }) => step.headers?.Upgrade === '' && want.response.status !== 101 && got.connection === 'closed',
  },
  {
    name: 'an event in front of a DISCONNECT',
    match: ({ step, want, got }) => follows(step, '25', '1') !== undefined && !closes(want) && more(got, want),
  },
  {
    name: 'CONNECT behind a DISCONNECT',
    match: ({ step, want, got }) => closes(want) && joins(got, follows(step, '1', '0')),
  },
  {
    name: 'two CONNECTs in one read',
    match: ({ step, want, got }) => follows(step, '0', '0') !== undefined && (closes(got) || gone(got)),
  },
  {
    name: 'a packet right behind its CONNECT',
    match: ({ step, want, got }) => closes(want) && joins(got, follows(step, '0', '12356')),
  },
  {
    name: 'counts of attachments that are not digits',
    match: ({ step, want, got }) => texts(step).some((text) => /^4[56](?!\d+-)[\d\s.e+]+-/.test(text)) && (closes(got) || gone(got)),
  },
  {
    name: 'control characters in a namespace',
    match: ({ step, want, got }) => said(step).some((sent) => /[\x00-\x1f\x7f]/.test(sent?.nsp)) && closes(got),
  },
  {
    name: 'placeholders that are no index',
    match: ({ step, got }) => texts(step).some((text) => /"_placeholder":true,"num":\d*\.\d/.test(text)) && (closes(got) || gone(got)),
  },
  {
    name: 'a revision refused at once',
    match: ({ step, got }) => (step.headers?.Upgrade !== undefined || step.op === 'ws') && refused(got.response, 'Unsupported protocol version'),
  },
  {
    name: 'blanks for digits',
    match: ({ step, want, got }) => texts(step).some((text) => /^4\s|^4[0-6](\/[^,]*,)?\d*\s+\d*\s*([[{]|$)/.test(text)) && ends(got),
  },
];
