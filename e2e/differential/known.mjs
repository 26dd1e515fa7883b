// The classes of differences that are meant, each as docs/differences.md lists it. `match` is given the step at which the
// servers part and both answers, and says yes for that class and no other.

const alike = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const packets = (step) => (step.op === 'post' || step.op === 'chunked' ? step.body.split('\x1e') : []);
const texts = (step) => [...packets(step), ...(step.frames ?? []).filter(([op]) => op < 2).map(([, text]) => text)];
const refused = (response, text) => response?.status === 400 && response.body[0].startsWith(text);
const header = (step, name) => step.headers?.[name] ?? '';

// What Gannet's session says when a payload is malformed: nothing, it is gone.
const gone = (got) => got.alive === false || got.messages?.length === 1 && got.messages[0].startsWith('[poll: 400 {"code":1');
// What is said when a session closes as agreed: in a poll, or by an empty close frame.
const closes = (answer) => answer.alive || answer.messages?.some((text) => text === '1' || text === '[close empty]');

const without = (answer, pattern) => answer.messages?.filter((text) => !pattern.test(text));

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
    match: ({ step, want, got }) => packets(step).length > 1 && closes(want) && gone(got),
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
    name: 'an event behind a DISCONNECT',
    match: ({ step, want, got }) => packets(step).some((text) => /^41/.test(text)) && packets(step).length > 1 && !closes(want) && closes(got),
  },
  {
    name: 'CONNECT in front of a violation',
    match: ({ step, want, got }) => packets(step).length > 1 && closes(want) && alike(without(got, /^40/), want.messages),
  },
  {
    name: 'a refusal in front of a violation',
    match: ({ step, want, got }) => packets(step).length > 1 && closes(want) && alike(without(want, /^44/), got.messages),
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
    name: 'blanks in an ack id',
    match: ({ step, want, got }) => texts(step).some((text) => /^4[0-6](\/[^,]*,)?\d*\s+\d*\s*[[{]/.test(text)) && !closes(want) && closes(got),
  },
];
