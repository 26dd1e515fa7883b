// Writes msgpack_vectors.json: how the official msgpack parser writes packets,
// and what it makes of bytes. In any directory:
//
//   npm install socket.io-msgpack-parser@3.0.2
//   node …/internal/packet/testdata/gen_msgpack.mjs > …/internal/packet/testdata/msgpack_vectors.json
//
// Values that JSON cannot hold are written as objects with one key:
//   {"$bin": base64}   a Buffer, and in results whatever is binary
//   {"$view": base64}  a Uint8Array
//   {"$num": text}     the Number that the text stands for
//   {"$date": ms}      a Date
//   {"$undef": true}   undefined
//   {"$str": n}        a string of n times "x"
//   {"$bytes": n}      a Buffer of n times 7
//   {"$rep": [n, v]}   an array of n times v
// In results a Date is its JSON and undefined is null.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "index.js"));
const { Decoder, Encoder } = require("socket.io-msgpack-parser");
const version = (name) => JSON.parse(readFileSync(join(process.cwd(), "node_modules", name, "package.json"))).version;
if (version("socket.io-msgpack-parser") !== "3.0.2") throw new Error("socket.io-msgpack-parser 3.0.2 is wanted");

function real(v) {
  if (Array.isArray(v)) return v.map(real);
  if (v === null || typeof v !== "object") return v;
  if ("$bin" in v) return Buffer.from(v.$bin, "base64");
  if ("$view" in v) return new Uint8Array(Buffer.from(v.$view, "base64")).slice();
  if ("$num" in v) return Number(v.$num);
  if ("$date" in v) return new Date(v.$date);
  if ("$undef" in v) return undefined;
  if ("$str" in v) return "x".repeat(v.$str);
  if ("$bytes" in v) return Buffer.alloc(v.$bytes, 7);
  if ("$rep" in v) return Array(v.$rep[0]).fill(real(v.$rep[1]));
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, real(x)]));
}
function shown(v) {
  if (v === undefined) return null;
  if (v instanceof ArrayBuffer || ArrayBuffer.isView(v)) return { $bin: Buffer.from(v.buffer ?? v, v.byteOffset ?? 0, v.byteLength).toString("base64") };
  if (v instanceof Date) return v.toJSON();
  if (Array.isArray(v)) return Array.from(v, shown);
  if (v !== null && typeof v === "object") return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, shown(x)]));
  return v;
}
const b64 = (b) => Buffer.from(b).toString("base64");
const hex = (s) => Buffer.from(s.replaceAll(" ", ""), "hex");

const bin = (n) => (n > 1000 ? { $bytes: n } : { $bin: b64(Buffer.alloc(n, 7)) });
const values = [
  null, true, false, 0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 9007199254740991, -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -9007199254740991,
  { $num: "-0" }, 0.5, -1.25, 1e-7, { $num: "NaN" }, { $num: "Infinity" }, 3.141592653589793, "", "a", "é€😀", "\u2028<>&\"\\\u0000", { $str: 31 }, { $str: 32 }, { $str: 255 }, { $str: 256 }, { $str: 65535 }, { $str: 65536 },
  [], {}, [1, [2, [3, []]]], { a: { b: { c: [null] } } }, { $rep: [15, 1] }, { $rep: [16, 1] }, { $rep: [65536, null] }, bin(0), bin(3), bin(255), bin(256), bin(65536), { x: bin(2), y: [bin(1)] },
  { $date: 0 }, { $date: 1700000000123 }, { $date: -1 }, { $date: -62135596800000 }, { $date: 8640000000000000 }, { at: { $date: 1 } },
  Object.fromEntries(Array.from({ length: 15 }, (_, i) => ["k" + String(i).padStart(2, "0"), i])), Object.fromEntries(Array.from({ length: 16 }, (_, i) => ["k" + String(i).padStart(2, "0"), i])),
  { _placeholder: true, num: 0 }, { "": 1, "é": 2 },
];
const encode = [];
// Of what is long, only the hash is kept.
const put = (packet) => {
  const b = new Encoder().encode(real(packet))[0];
  encode.push(b.length > 1000 ? { packet, sha1: createHash("sha1").update(b).digest("hex") } : { packet, bytes: b64(b) });
};
for (const v of values) put({ type: 2, data: ["ev", v], nsp: "/" });
put({ type: 2, data: ["ev"], nsp: "/" });
put({ type: 2, data: ["é", 1, "two", bin(3)], nsp: "/chat" });
put({ type: 2, data: ["q", 1], id: 0, nsp: "/" });
put({ type: 2, data: ["q"], id: 300, nsp: "/n" });
put({ id: 0, type: 3, data: [], nsp: "/" });
put({ id: 70000, type: 3, data: ["ok", bin(1)], nsp: "/chat" });
put({ type: 0, data: { sid: "0123456789abcdefghij" }, nsp: "/" });
put({ type: 0, data: { sid: "0123456789abcdefghij", pid: "p" }, nsp: "/chat" });
put({ type: 4, nsp: "/nope", data: { message: "Invalid namespace" } });
put({ type: 4, nsp: "/", data: { message: "bad auth", data: { code: 7 } } });
put({ type: 1, nsp: "/" });
put({ type: 1, nsp: "/chat" });

const cases = {};
for (const v of [...values.filter((v) => !JSON.stringify(v).includes("65536") && !JSON.stringify(v).includes("65535")), { $view: "AQID" }, [{ $view: b64(Buffer.alloc(256)) }], { $undef: true }, [{ $undef: true }, 1], { u: { $undef: true }, v: 1 }]) {
  cases["value " + JSON.stringify(v).slice(0, 60)] = new Encoder().encode(real({ type: 2, data: ["ev", v], nsp: "/" }))[0];
}
const P = (packet) => new Encoder().encode(real(packet))[0];
const ev = (tail) => Buffer.concat([hex("83 a474797065 02 a36e7370 a12f a464617461 92 a26576"), hex(tail)]);
Object.assign(cases, {
  "connect": hex("82 a474797065 00 a36e7370 a12f"),
  "connect with auth": P({ type: 0, nsp: "/x", data: { token: "t", n: [1, bin(2)] } }),
  "connect with undefined": P({ type: 0, nsp: "/", data: { $undef: true } }),
  "connect with null": P({ type: 0, nsp: "/", data: null }),
  "connect with an array": P({ type: 0, nsp: "/", data: [] }),
  "connect with text": P({ type: 0, nsp: "/", data: "x" }),
  "connect with a Date": P({ type: 0, nsp: "/", data: { $date: 5 } }),
  "connect with bytes": P({ type: 0, nsp: "/", data: bin(2) }),
  "server's answer": hex("83 a474797065 00 a464617461 82 a3736964 b4 6162636465666768696a6b6c6d6e6f7071727374 a3706964 d40000 a36e7370 a12f"),
  "disconnect": P({ type: 1, nsp: "/" }),
  "disconnect with data": P({ type: 1, nsp: "/", data: [] }),
  "disconnect with null": P({ type: 1, nsp: "/", data: null }),
  "connect error": P({ type: 4, nsp: "/", data: { message: "m" } }),
  "connect error, text": P({ type: 4, nsp: "/", data: "m" }),
  "connect error, array": P({ type: 4, nsp: "/", data: [] }),
  "connect error, nothing": P({ type: 4, nsp: "/" }),
  "event with id": P({ type: 2, nsp: "/", id: 12, data: ["a", 1] }),
  "event with id undefined": P({ type: 2, nsp: "/", id: { $undef: true }, data: ["a"] }),
  "event with id null": P({ type: 2, nsp: "/", id: null, data: ["a"] }),
  "event with id -1": P({ type: 2, nsp: "/", id: -1, data: ["a"] }),
  "event with id 1.5": P({ type: 2, nsp: "/", id: 1.5, data: ["a"] }),
  "event with id text": P({ type: 2, nsp: "/", id: "1", data: ["a"] }),
  "event with id 2^53": P({ type: 2, nsp: "/", id: 9007199254740992, data: ["a"] }),
  "event with id as a double": Buffer.concat([hex("84 a26964 cb4008000000000000"), P({ type: 2, nsp: "/", data: ["a"] }).subarray(1)]),
  "event, numeric name": P({ type: 2, nsp: "/", data: [1, 2] }),
  "event, fractional name": P({ type: 2, nsp: "/", data: [1.5] }),
  "event, no name": P({ type: 2, nsp: "/", data: [] }),
  "event, null name": P({ type: 2, nsp: "/", data: [null] }),
  "event, array name": P({ type: 2, nsp: "/", data: [[]] }),
  "event, reserved": P({ type: 2, nsp: "/", data: ["disconnect"] }),
  "event, data an object": P({ type: 2, nsp: "/", data: {} }),
  "event, no data": P({ type: 2, nsp: "/" }),
  "event, data null": P({ type: 2, nsp: "/", data: null }),
  "ack": P({ type: 3, nsp: "/", id: 3, data: [1, bin(1)] }),
  "ack, empty": P({ type: 3, nsp: "/", id: 3, data: [] }),
  "ack without id": P({ type: 3, nsp: "/", data: [] }),
  "ack, no data": P({ type: 3, nsp: "/", id: 1 }),
  "binary event": P({ type: 5, nsp: "/", data: ["a"] }),
  "type -1": P({ type: -1, nsp: "/", data: ["a"] }),
  "type 1.5": P({ type: 1.5, nsp: "/" }),
  "type text": P({ type: "2", nsp: "/", data: ["a"] }),
  "no type": P({ nsp: "/", data: ["a"] }),
  "no nsp": P({ type: 2, data: ["a"] }),
  "nsp number": P({ type: 2, nsp: 1, data: ["a"] }),
  "nsp null": P({ type: 2, nsp: null, data: ["a"] }),
  "nsp empty": P({ type: 0, nsp: "" }),
  "nsp without slash": P({ type: 0, nsp: "chat" }),
  "another key": P({ type: 2, nsp: "/", data: ["a"], attachments: 7, x: { y: [1] } }),
  "type twice": hex("83 a474797065 02 a36e7370 a12f a474797065 01"),
  "numeric key beside": hex("83 01 02 a474797065 01 a36e7370 a12f"),
  "not a map": hex("93 02 a12f 90"),
  "a number": hex("02"),
  "nothing": hex(""),
  "text": Buffer.from("40"),
  "trailing byte": Buffer.concat([P({ type: 1, nsp: "/" }), hex("c0")]),
  "cut": P({ type: 2, nsp: "/", data: ["a", "bcdef"] }).subarray(0, -3),
  "float32": ev("ca 3fc00000"),
  "uint64 large": ev("cf ffffffffffffffff"),
  "int64 least": ev("d3 8000000000000000"),
  "int8 positive": ev("d0 05"),
  "str8 short": ev("d9 01 61"),
  "str32 short": ev("db 00000001 61"),
  "array32 short": ev("dd 00000001 c0"),
  "map16 short": ev("de 0001 a161 01"),
  "bad UTF-8": ev("a2 ff61"),
  "reserved byte c1": ev("c1"),
  "fixext1 type 5": ev("d4 05 07"),
  "fixext2 type 0": ev("d5 00 0102"),
  "fixext4 type 0": ev("d6 00 01020304"),
  "fixext16": ev("d8 09 000102030405060708090a0b0c0d0e0f"),
  "ext8 type 0": ev("c7 03 00 010203"),
  "ext8 type 0 of 8": ev("c7 08 00 0102030405060708"),
  "ext8 type 4": ev("c7 02 04 0102"),
  "ext16 type 0": ev("c8 0002 00 0102"),
  "ext32 type 0": ev("c9 00000001 00 01"),
  "ext8 empty": ev("c7 00 00"),
  "date invalid": ev("d7 00 7fffffffffffffff"),
  "timestamp 32": ev("d6 ff 00000001"),
  "timestamp 64": ev("d7 ff 0000000100000001"),
  "timestamp 96": ev("c7 0c ff 00000001 0000000000000001"),
  "map, number key": ev("81 05 01"),
  "map, negative key": ev("81 ff 01"),
  "map, float key": ev("81 cb3ff8000000000000 01"),
  "map, nil key": ev("81 c0 01"),
  "map, bool key": ev("81 c3 01"),
  "map, undefined key": ev("81 d40000 01"),
  "map, NaN key": ev("81 cb7ff8000000000000 01"),
  "map, array key": ev("81 91 01 02"),
  "map, bin key": ev("81 c4 01 61 02"),
  "map, same key": ev("82 a161 01 a161 02"),
  "array longer than the bytes": ev("dd ffffffff c0"),
  "array16 longer": ev("dc ffff c0"),
  "map longer than the bytes": ev("df ffffffff"),
  "str longer than the bytes": ev("db ffffffff 61"),
  "bin longer than the bytes": ev("c6 ffffffff 61"),
  "ext longer than the bytes": ev("c9 00ffffff 00 61"),
  "str cut in its head": ev("db ff"),
  "uint cut": ev("cf 00"),
  "depth 100": ev("91".repeat(98) + "c0"),
});

const decode = Object.entries(cases).map(([name, b]) => {
  const v = { name, bytes: b64(b) };
  try {
    const d = new Decoder();
    let p;
    d.on("decoded", (x) => (p = x));
    d.add(Buffer.from(b));
    Object.assign(v, { type: p.type, nsp: p.nsp, id: p.id === undefined ? null : String(p.id), data: p.data === undefined ? undefined : shown(p.data) });
  } catch (e) {
    v.error = e.message;
  }
  return v;
});
console.log(JSON.stringify({ parser: "3.0.2", notepack: version("notepack.io"), encode, decode }, null, 1));
