// Cases: sequences of steps that a player takes against a server. Each is plain data, so that it can be printed, shrunk
// and played again.

import { others } from './others.mjs';
import { connect } from './packets.mjs';
import { frames, frameStep, headers, payload } from './parts.mjs';
import { Random } from './random.mjs';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key };

const paths = ['/socket.io/', '/socket.io/', '/socket.io/', '/socket.io/', '/socket.io/x', '/socket.io', '/socket.ioo/', '/SOCKET.IO/', '/%73ocket.io/'];
const methods = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'];

// maybe picks a parameter: most often what is right.
function maybe(r, name, right, others) {
  const value = r.chance(0.7) ? right : r.pick(others);
  return value === undefined ? [] : [`${name}=${value}`];
}

function query(r) {
  const params = [
    ...maybe(r, 'EIO', '4', [undefined, '3', '5', '', '04', '4.0', '%34', '4&EIO=3', '3&EIO=4']),
    ...maybe(r, 'transport', r.chance(0.8) ? 'polling' : 'websocket', [undefined, '', 'webtransport', 'constructor', '__proto__', 'POLLING', 'poll%69ng', 'polling,', 'polling&transport=x']),
    ...maybe(r, 'sid', undefined, ['x', '', '__proto__', 'AAAAAAAAAAAAAAAAAAAA', '%00', '%zz']),
    ...maybe(r, 't', undefined, ['abc', '%E4', '+', 'a%20b']),
    ...maybe(r, 'b64', undefined, ['1', '']),
    ...maybe(r, 'j', undefined, [undefined, undefined, '0', '"5a', '']),
    ...maybe(r, 'x', undefined, ['%C3%A9', '1&x=2', '=']),
  ];
  if (r.chance(0.2)) params.reverse();
  return params.length || r.chance(0.9) ? `?${params.join(r.chance(0.03) ? '&&' : '&')}` : '';
}

function upgradeHeaders(r) {
  const chosen = { ...upgrade };
  if (r.chance(0.25)) delete chosen[r.pick(Object.keys(chosen))];
  if (r.chance(0.15)) chosen['Sec-WebSocket-Version'] = r.pick(['8', '12', '14', 'x', '13, 8']);
  if (r.chance(0.15)) chosen['Sec-WebSocket-Key'] = r.pick(['', 'short', `${key}=`, 'dGhlIHNhbXBsZSBub25jZ!==']);
  if (r.chance(0.15)) chosen.Upgrade = r.pick(['WebSocket', 'h2c', 'websocket, h2c', '']);
  if (r.chance(0.15)) chosen.Connection = r.pick(['upgrade', 'keep-alive, Upgrade', 'keep-alive', 'close']);
  if (r.chance(0.15)) chosen['Sec-WebSocket-Protocol'] = r.pick(['a', 'a, b', 'a,a', 'a b', ',']);
  if (r.chance(0.25)) chosen['Sec-WebSocket-Extensions'] = r.pick(['permessage-deflate', 'permessage-deflate; client_max_window_bits', 'x; y="z"', ';', 'a;;b', 'a;b=']);
  return chosen;
}

// Requests outside any session.
function requests(r) {
  return Array.from({ length: 1 + r.int(2) }, () => {
    const method = r.pick(methods);
    const step = { op: 'http', method, target: r.pick(paths) + query(r), headers: headers(r, method) };
    if (r.chance(0.15)) step.headers = { ...step.headers, ...upgradeHeaders(r) };
    else if (['POST', 'PUT', 'PATCH'].includes(method)) step.body = r.pick(['', '40', 'x'.repeat(100)]);
    return step;
  });
}

function polling(r) {
  const steps = [{ op: 'open', target: `/socket.io/?EIO=4&transport=polling${r.pick(['', '&t=x', '&x=%C3%A9', '&b64=1'])}`, headers: headers(r, 'GET') }];
  if (r.chance(0.9)) steps.push({ op: 'post', body: connect(r, r.chance(0.8) ? '/' : undefined) });
  for (let n = 1 + r.int(4); n > 0; n--) {
    const step = { op: 'post', body: payload(r) };
    if (r.chance(0.07)) step.headers = { 'Content-Type': r.pick(['application/octet-stream', 'application/octet-stream; x=1', 'text/plain', '', 'application/json']) };
    else if (r.chance(0.05)) steps.push({ op: 'other', method: r.pick(['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']) });
    else if (r.chance(0.05)) steps.push({ op: 'mismatch', query: r.pick(['transport=websocket&EIO=4', 'transport=polling&EIO=3', 'transport=x&EIO=4', 'EIO=4', 'transport=polling']) });
    else if (r.chance(0.05)) steps.push({ op: 'chunked', body: payload(r), sizes: r.pick([1, 3, 1000]) });
    steps.push(step);
  }
  return steps;
}

const wsTarget = (r) => `/socket.io/?EIO=4&transport=websocket${r.pick(['', '', '&x=1', '&b64=1'])}`;
function websocket(r) {
  const steps = [{ op: 'ws', target: wsTarget(r), headers: headers(r, 'GET') }];
  delete steps[0].headers.Connection;
  if (r.chance(0.9)) steps.push(frameStep([[1, Buffer.from(connect(r, r.chance(0.8) ? '/' : undefined)).toString('latin1'), {}]]));
  for (let n = 1 + r.int(5); n > 0; n--) steps.push(frameStep(frames(r)));
  return steps;
}

function upgrading(r) {
  const steps = [{ op: 'open', target: '/socket.io/?EIO=4&transport=polling', headers: {} }];
  if (r.chance(0.7)) steps.push({ op: 'post', body: '40' });
  steps.push({ op: 'upgrade', query: r.pick(['EIO=4&transport=websocket', 'EIO=4&transport=websocket', 'EIO=4&transport=websocket', 'EIO=3&transport=websocket', 'EIO=4&transport=polling', 'EIO=4&transport=x']) });
  const probe = frameStep([[1, '2probe', {}]]);
  for (let n = r.int(3); n > 0; n--) steps.push(r.chance(0.7) ? probe : { op: 'post', body: payload(r) });
  if (r.chance(0.15)) steps.push(frameStep([[1, r.pick(['2', '3', '40', '6', '1', '', 'x', '2probe2']), {}]]));
  if (r.chance(0.85)) steps.push(frameStep([[1, '5', {}]]));
  for (let n = r.int(4); n > 0; n--) {
    steps.push(r.pick([frameStep(frames(r)), frameStep(frames(r)), { op: 'post', body: payload(r) }, { op: 'upgrade', query: 'EIO=4&transport=websocket' }]));
  }
  return steps;
}

// By kind: the server that it is for, how often it comes, and what makes its steps.
const kinds = {
  requests: { server: 'parity', weight: 7, steps: requests },
  polling: { server: 'parity', weight: 7, steps: polling },
  websocket: { server: 'parity', weight: 7, steps: websocket },
  upgrading: { server: 'parity', weight: 7, steps: upgrading },
  requests3: { server: 'eio3', weight: 2, steps: requests },
  ...others,
};
const wheel = Object.entries(kinds).flatMap(([kind, { weight }]) => Array(weight).fill(kind));

// generate returns case `n` of a seed.
export function generate(seed, n) {
  const r = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  const kind = r.pick(wheel);
  return { name: `${seed}/${n}`, kind, server: kinds[kind].server, steps: kinds[kind].steps(r) };
}
