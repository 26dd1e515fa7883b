// Records what the WebSocket library of the reference server does about
// permessage-deflate. In a directory where the npm package ws is installed:
//
//   node …/wsframe/testdata/gen_deflate.mjs > …/wsframe/testdata/deflate.json
//
//   offers    what the server answers to an offer, with its defaults and with
//             both sides' context takeover switched off
//   streams   messages as zlib compresses them in every window
//   payloads  what the receiving side makes of a payload that came with RSV1
import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { join } from "node:path";
import zlib from "node:zlib";

// By path, since the package exports neither of them.
const ws = join(process.cwd(), "node_modules/ws");
const require = createRequire(join(ws, "index.js"));
const PerMessageDeflate = require("./lib/permessage-deflate.js");
const { parse, format } = require("./lib/extension.js");
const { version } = require("./package.json");

const name = "permessage-deflate";

function answer(header, options) {
  try {
    const offers = parse(header);
    if (!offers[name]) return "";
    const d = new PerMessageDeflate({ isServer: true, ...options });
    d.accept(offers[name]);
    return format({ [name]: [d.params] });
  } catch (e) {
    return "error: " + e.message;
  }
}

const values = ["", "=8", "=9", "=10", "=12", "=15", '="10"', '="1\\2"', "=7", "=16", "=0", "=08", "=abc", "=1e1", "=0xf", "=10.5", "=99999999999999999999"];
const headers = new Set(["", "x", "x-webkit-deflate-frame", name, `x, ${name}`, `${name}, x`, `  ${name}`, `${name};x`, `${name};x=1`, `PerMessage-Deflate`]);
for (const v of values) {
  for (const p of ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"]) {
    headers.add(`${name}; ${p}${v}`);
    headers.add(`${name}; ${p}${v}, ${name}`);
  }
}
for (let set = 0; set < 64; set++) {
  let h = name;
  if (set & 1) h += "; server_no_context_takeover";
  if (set & 2) h += ";client_no_context_takeover";
  if (set & 4) h += set & 8 ? " ; server_max_window_bits=9" : "; server_max_window_bits=15";
  if (set & 16) h += set & 32 ? "; client_max_window_bits" : "; client_max_window_bits=11";
  headers.add(h);
}
for (const p of ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=10", "client_max_window_bits", "client_max_window_bits=10"]) {
  headers.add(`${name}; ${p}; ${p}`);
  headers.add(`${name}; ${p}; x`);
  headers.add(`${name}; ${p}; x=1, ${name}; ${p}`);
}
headers.add(`${name}; client_max_window_bits; server_max_window_bits=10, ${name}; client_max_window_bits`);
headers.add(`${name}; client_max_window_bits, ${name}; server_max_window_bits=10`);

const offers = [...headers].filter(Boolean).map((header) => ({
  header,
  default: answer(header, {}),
  stateless: answer(header, { serverNoContextTakeover: true, clientNoContextTakeover: true }),
}));

// Messages that Go can make too: see messages in deflate_test.go.
function lcg(n, seed) {
  const b = Buffer.alloc(n);
  let x = seed >>> 0;
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    b[i] = x >>> 24;
  }
  return b;
}
const messages = {
  empty: Buffer.alloc(0),
  byte: Buffer.from("a"),
  hello: Buffer.from("Hello"),
  unicode: Buffer.from("Hellö €uro 😀 ".repeat(20)),
  json: Buffer.from(Array.from({ length: 200 }, (_, i) => `{"symbol":"GNT${i % 7}","price":${(i * 37) % 101}.25,"volume":${i * i}}`).join(",")),
  zeros: Buffer.alloc(70000),
  noise: lcg(3000, 7),
  far: Buffer.concat([lcg(300, 1), lcg(33000, 2), lcg(300, 1), lcg(9000, 3), lcg(300, 1)]),
};

async function compress(data, options, bits) {
  const d = new PerMessageDeflate({ isServer: false, ...options });
  d.params = { client_no_context_takeover: true, client_max_window_bits: bits };
  return new Promise((res, rej) => d.compress(data, true, (e, r) => (d.cleanup(), e ? rej(e) : res(Buffer.from(r)))));
}
const streams = [];
for (const [message, data] of Object.entries(messages)) {
  for (let bits = 8; bits <= 15; bits++) {
    for (const [how, o] of Object.entries({ default: {}, fixed: { strategy: zlib.constants.Z_FIXED }, stored: { level: 0 }, best: { level: 9, memLevel: 9 }, huffman: { strategy: zlib.constants.Z_HUFFMAN_ONLY } })) {
      if (how !== "default" && bits !== 8 && bits !== 15) continue;
      const p = await compress(data, { zlibDeflateOptions: o }, bits);
      if (p.length > 40000) continue;
      streams.push({ message, bits, how, payload: p.toString("base64") });
    }
  }
}

async function decompress(payload, maxPayload) {
  const d = new PerMessageDeflate({ isServer: true, maxPayload });
  d.params = { client_no_context_takeover: true };
  return new Promise((res) =>
    d.decompress(payload, true, (e, r) => {
      if (e) res({ code: [...Object.getOwnPropertySymbols(e)].map((s) => e[s]).find((v) => typeof v === "number") ?? -1 });
      else res({ bytes: r.length, sha1: createHash("sha1").update(r).digest("hex") });
    }));
}
const tail = (b) => b.subarray(0, b.length - 4);
const sync = (b, o) => tail(zlib.deflateRawSync(b, { ...o, finishFlush: zlib.constants.Z_SYNC_FLUSH }));
const hello = sync(Buffer.from("Hello"));
const finished = zlib.deflateRawSync(Buffer.from("Hello"));
const bomb = sync(Buffer.alloc(100001));
const cases = {
  "hello": hello,
  "hello, RFC 7692 7.2.3.1": Buffer.from("f248cdc9c90700", "hex"),
  "hello stored, RFC 7692 7.2.3.3": Buffer.from("000500faff48656c6c6f00", "hex"),
  "hello final, RFC 7692 7.2.3.4": Buffer.from("f348cdc9c9070000", "hex"),
  "hello in two blocks, RFC 7692 7.2.3.5": Buffer.from("f248050000 00ffff cac9c90700".replaceAll(" ", ""), "hex"),
  "final without the zero": finished,
  "final and another block": Buffer.concat([finished, Buffer.from([0]), hello]),
  "final and junk": Buffer.concat([finished, Buffer.from("junk")]),
  "final and 0xff": Buffer.concat([finished, Buffer.from([255])]),
  "final twice": Buffer.concat([finished, finished]),
  "one zero byte": Buffer.from([0]),
  "nothing": Buffer.alloc(0),
  "two zero bytes": Buffer.from([0, 0]),
  "empty fixed block": Buffer.from([2, 0]),
  "empty blocks": Buffer.from("000000ffff000000ffff00", "hex"),
  "with its tail": zlib.deflateRawSync(Buffer.from("Hello"), { finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  "reserved block type": Buffer.from([7, 7, 7]),
  "stored length wrong": Buffer.from("000500fafe48656c6c6f00", "hex"),
  "stored cut": Buffer.from("000500faff4865", "hex"),
  "fixed cut": hello.subarray(0, 3),
  "dynamic cut": sync(messages.json).subarray(0, 100),
  "distance too far": Buffer.from("4a04420000", "hex"),
  "garbage": Buffer.from("fefdfcfbfa", "hex"),
  "plain text": Buffer.from("Hello, plain text"),
  "gzip": zlib.gzipSync("Hello"),
  "zlib": zlib.deflateSync("Hello"),
  "limit": sync(Buffer.alloc(100000)),
  "limit and one": bomb,
  "bomb": sync(Buffer.alloc(50_000_000)),
};
const payloads = [];
for (const [what, p] of Object.entries(cases)) {
  payloads.push({ what, payload: p.toString("base64"), limit: 100000, ...(await decompress(p, 100000)) });
}
console.log(JSON.stringify({ ws: version, node: process.versions.node.split(".")[0], offers, streams, payloads }, null, 1));
