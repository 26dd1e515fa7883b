// Engine.IO v4 spoken by hand.

import assert from 'node:assert/strict';
import { Conn, exchange, renderRequest, Ws } from './raw.mjs';
import { patience, until } from './wait.mjs';

export const separator = '\x1e';

export function query(params) {
  const given = { EIO: '4', transport: 'polling', ...params };
  return new URLSearchParams(Object.entries(given).filter(([, value]) => value !== undefined)).toString();
}

export const errors = {
  transport: '{"code":0,"message":"Transport unknown"}',
  sid: '{"code":1,"message":"Session ID unknown"}',
  method: '{"code":2,"message":"Bad handshake method"}',
  request: '{"code":3,"message":"Bad request"}',
  forbidden: '{"code":4,"message":"Forbidden"}',
  version: '{"code":5,"message":"Unsupported protocol version"}',
};

// Polling is a session on long-polling. Each request has a connection of its own, so that GET and POST overlap.
export class Polling {
  constructor(server, path, opening, response) {
    Object.assign(this, { server, path, opening, response, sid: opening.sid });
  }

  static async open(server, path, { params = {}, headers = {} } = {}) {
    const response = await exchange(server, { path: `${path}?${query(params)}`, headers });
    assert.equal(response.status, 200, response.body);
    const [first, ...more] = response.body.split(separator);
    assert.equal(first[0], '0', first);
    const session = new Polling(server, path, JSON.parse(first.slice(1)), response);
    session.extra = more;
    return session;
  }

  target(params = {}) {
    return `${this.path}?${query({ sid: this.sid, ...params })}`;
  }

  request(request) {
    return exchange(this.server, { path: this.target(), ...request });
  }

  // get starts a poll and returns its connection; the answer is read with response().
  async get(headers = {}) {
    const conn = await Conn.open(this.server);
    conn.write(renderRequest(this.server, { path: this.target(), headers }));
    return conn;
  }

  // behind sends bytes right behind a POST in one segment, and returns the connection once that POST has been answered:
  // then the server has read the bytes too.
  async behind(bytes) {
    const conn = await Conn.open(this.server);
    conn.write(Buffer.concat([renderRequest(this.server, { method: 'POST', path: this.target(), body: '3' }), Buffer.from(bytes)]));
    assert.equal((await conn.response()).body, 'ok');
    return conn;
  }

  // poll returns the packets of the next response.
  async poll() {
    const response = await this.request({});
    assert.equal(response.status, 200, response.body);
    return response.body.split(separator);
  }

  // post sends packets and expects them to be taken.
  async post(...packets) {
    const response = await this.request({ method: 'POST', body: packets.join(separator) });
    assert.equal(response.status, 200, response.body);
    assert.equal(response.body, 'ok');
  }

  // next polls for the next n packets, answering pings.
  async next(n = 1) {
    const got = [];
    while (got.length < n) {
      for (const packet of await this.poll()) {
        if (packet === '2') await this.post('3');
        else got.push(packet);
      }
    }
    return got;
  }

  // gone waits until the server knows the session no more. It asks with a wrong revision, which a session that is alive
  // survives.
  async gone(ms = patience) {
    await until(
      async () => {
        const response = await exchange(this.server, { path: this.target({ EIO: '3' }) });
        assert.equal(response.status, 400);
        if (response.body !== errors.sid) assert.equal(response.body, errors.request);
        return response.body === errors.sid;
      },
      'the session to be gone',
      ms,
    );
  }

  // upgrade opens a WebSocket for the session; nothing is sent on it yet.
  upgrade(options) {
    return Ws.open(this.server, this.target({ transport: 'websocket' }), options);
  }
}

// openWebSocket starts a session on WebSocket and returns the socket, with the open packet as `opening`.
export async function openWebSocket(server, path, { params = {}, ...options } = {}) {
  const ws = await Ws.open(server, `${path}?${query({ transport: 'websocket', ...params })}`, options);
  const first = await ws.next('the open packet');
  assert.equal(first[0], '0', first);
  ws.opening = JSON.parse(first.slice(1));
  return ws;
}
