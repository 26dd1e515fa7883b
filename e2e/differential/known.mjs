// The classes of differences that are meant, each as docs/differences.md lists it. `match` is given the step at which the
// servers part and both answers, and says yes for that class and no other.

const alike = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const packets = (step) => (step.op === 'http' ? [] : step.body?.split('\x1e') ?? []);
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
  const all = said(step);
  const at = all.findIndex((a, i) => a && first.includes(a.type) && all.slice(i + 1).some((b) => b && then.includes(b.type) && b.nsp === a.nsp));
  return all[at]?.nsp;
}
const joins = (answer, nsp) => nsp !== undefined && answer.messages?.some((text) => text.startsWith(nsp === '/' ? '40{' : `40${nsp},`));
// more reports whether one answer is another with some packets of events and acks added.
function more(got, want) {
  let at = 0;
  return got.messages?.every((text) => (text === want.messages?.[at] ? ++at : /^4[2356]|^b|^\[binary/.test(text))) && at === want.messages?.length;
}

const undecodable = (text) => !/^[0-6]|^b[A-Za-z0-9+/_-]*=*$/.test(text);
const stray = /^b(?=.*[^A-Za-z0-9+/=_-])|^b[^=]*=+[^=]/;
const extension = /^[\w-]+(\s*;\s*[\w-]+(=("[^"]*"|[\w-]+))?)*(\s*,\s*[\w-]+(\s*;\s*[\w-]+(=("[^"]*"|[\w-]+))?)*)*$/;

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
    match: ({ step, want, got }) => packets(step).slice(1).some(undecodable) && closes(want) && gone(got),
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
    match: ({ step, want, got }) => follows(step, '0', '0') !== undefined && !closes(want) && (closes(got) || gone(got)),
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
    match: ({ step, want, got }) => texts(step).some((text) => /^4\s|^4[0-6](\/[^,]*,)?\d*\s+\d*\s*([[{]|$)/.test(text)) && !closes(want) && closes(got),
  },
];
