// Writes node_vectors.json: what the official parser makes of many inputs, and
// how it writes many values. In any directory:
//
//   npm install socket.io-parser@4.2.7
//   node …/internal/packet/testdata/gen_vectors.mjs > …/internal/packet/testdata/node_vectors.json
//
// Values that JSON cannot hold are written as objects with one key:
//   {"$bin": base64}   binary
//   {"$num": text}     the Number that the text stands for, NaN and -0 included
//   {"$date": ms}      a Date
//   {"$undef": true}   undefined
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "index.js"));
const { Decoder, Encoder } = require("socket.io-parser");
const { version } = JSON.parse(readFileSync(join(process.cwd(), "node_modules/socket.io-parser/package.json")));
const want = "4.2.7";
if (version !== want) throw new Error(`socket.io-parser ${want} is wanted, not ${version}`);

// canonical is JSON.stringify with sorted keys and {"$bin": …} for buffers.
function canonical(v) {
  if (Buffer.isBuffer(v)) return JSON.stringify({ $bin: v.toString("base64") });
  if (Array.isArray(v)) return "[" + v.map(canonical).join(",") + "]";
  if (v !== null && typeof v === "object") {
    const keys = Object.keys(v).sort();
    return "{" + keys.map((k) => JSON.stringify(k) + ":" + canonical(v[k])).join(",") + "}";
  }
  return JSON.stringify(v) ?? "null";
}

// decode feeds messages, strings or {"$bin": …}, to a fresh decoder.
function decode(name, ...messages) {
  const decoder = new Decoder();
  const packets = [];
  decoder.on("decoded", (p) =>
    packets.push({
      type: p.type,
      nsp: p.nsp,
      id: p.id === undefined ? undefined : String(p.id),
      data: p.data === undefined ? undefined : canonical(p.data),
    }),
  );
  const out = { name, in: messages, packets };
  messages.every((m, i) => {
    try {
      decoder.add(typeof m === "string" ? m : Buffer.from(m.$bin, "base64"));
      return true;
    } catch (e) {
      out.error = e.message;
      out.at = i;
      return false;
    }
  });
  return out;
}

function revive(v) {
  if (Array.isArray(v)) return v.map(revive);
  if (v === null || typeof v !== "object") return v;
  if ("$bin" in v) return Buffer.from(v.$bin, "base64");
  if ("$num" in v) return Number(v.$num);
  if ("$date" in v) return new Date(v.$date);
  if ("$undef" in v) return undefined;
  return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, revive(e)]));
}

function encode(name, packet) {
  const [text, ...binary] = new Encoder().encode({ ...packet, data: revive(packet.data) });
  return { name, packet, text, binary: binary.map((b) => b.toString("base64")) };
}

const bin = (...bytes) => ({ $bin: Buffer.from(bytes).toString("base64") });
const ph = (n) => `{"_placeholder":true,"num":${n}}`;

const decoded = [
  // The rows of the parity inventory's table of test vectors.
  ...["8", "2{}", "2[]", "2[null]", '2["a"', "30{}", '50-["a"]', '5-["a"]', '51["a"]', '511-["a"]',
    '1{"a":1}', "0[]", '0"x"', "0null", "0", "1", "2", "3", "2[1]", "30[]", '0{"bad":1}',
    '212["echo","é",null]', '2["x"]', '2["disconnect"]', '0{"sid":"abc"}', "0/admin", "0/admin,",
    '0/admin,{"token":"x"}', "0/a?x=1,", "1/admin", "1/admin,", "0/ns,1", '4{"message":"no"}',
    '4/nope,{"message":"Invalid namespace"}', '4"no"', "4", "4[]", "41", '2/ns,["ev"]', "3/ns,13[]",
    '20["q",1]', '30["ok"]', '299999999999999999999["a"]', '2/,["a"]', '2/ns["a"]',
  ].map((m) => decode("PARITY 9 and 2.1", m)),
  decode("PARITY 9 illegal placeholder", `51-["a",${ph(1)}]`, bin(1)),
  decode("PARITY 9 binary ack", `61-0[${ph(0)}]`, bin(9)),
  // 2.3, binary.
  decode("PARITY 2.3 order", `52-["b",${ph(0)},{"x":${ph(1)}}]`, bin(1, 2, 3), bin(4)),
  decode("PARITY 2.3 swapped", `52-["b",${ph(1)},${ph(0)}]`, bin(1), bin(2)),
  decode("PARITY 2.3 same twice", `51-["b",${ph(0)},${ph(0)}]`, bin(1)),
  decode("PARITY 2.3 unused", `52-["b"]`, bin(1), bin(2)),
  decode("PARITY 2.3 pending", `52-["b",${ph(0)},${ph(1)}]`, bin(1)),
  decode("PARITY 2.3 empty attachment", `51-["b",${ph(0)}]`, bin()),
  decode("PARITY 2.3 text while waiting", `51-["b",${ph(0)}]`, '2["a"]'),
  decode("PARITY 2.3 binary alone", bin(1)),
  decode("PARITY 2.3 binary after event", '2["a"]', bin(1)),
  decode("PARITY 2.3 literal in a text event", `2["a",${ph(0)}]`),
  decode("PARITY 2.3 two in a row", `51-["a",${ph(0)}]`, bin(1), `51-["b",${ph(0)}]`, bin(2)),
  decode("PARITY 2.3 namespace and id", `51-/ns,7["a",${ph(0)}]`, bin(1)),
  decode("PARITY 2.3 no payload", "51-", bin(1)),
  decode("PARITY 2.3 ack without id", `61-[${ph(0)}]`, bin(1)),
  decode("PARITY 2.3 false placeholder", '51-["a",{"_placeholder":false,"num":5}]', bin(1)),
  decode("PARITY 2.3 truthy placeholder", '51-["a",{"_placeholder":1,"num":5}]', bin(1)),
  decode("PARITY 2.3 extra keys", `51-["a",{"x":1,"_placeholder":true,"num":0,"y":${ph(9)}}]`, bin(1)),
  decode("PARITY 2.3 deep", `51-["a",{"b":[{"c":[[${ph(0)}]]}]}]`, bin(1)),
  decode("PARITY 2.3 last key wins", '51-["a",{"_placeholder":true,"num":7,"num":0}]', bin(1)),
  decode("PARITY 2.3 last mark wins", '51-["a",{"_placeholder":true,"_placeholder":false,"num":7}]', bin(1)),
  decode("PARITY 2.3 escaped key", '51-["a",{"_place\\u0068older":true,"n\\u0075m":0}]', bin(1)),
  decode("PARITY 2.3 escaped key, illegal", '51-["a",{"_place\\u0068older":true,"n\\u0075m":1}]', bin(1)),
  decode("PARITY 2.3 num 0.0", `51-["a",${ph("0.0")}]`, bin(1)),
  decode("PARITY 2.3 num 0e5", `51-["a",${ph("0e5")}]`, bin(1)),
  decode("PARITY 2.3 num -0", `51-["a",${ph("-0")}]`, bin(1)),
  decode("PARITY 2.3 num 10e-1", `52-["a",${ph("10e-1")}]`, bin(1), bin(2)),
  decode("PARITY 2.3 illegal one dropped", `51-["a",{"k":${ph(9)},"k":1}]`, bin(1)),
  decode("PARITY 2.3 num 0.5", `51-["a",${ph("0.5")}]`, bin(1)),
  decode("A94 namespace", "0/" + "n".repeat(300)),
  decode("A94 event", `2["${"e".repeat(300)}"]`),
  decode("PARITY 2.3 __proto__", `51-["a",{"__proto__":${ph(0)}}]`, bin(1)),
  // A99 to A106.
  ...["5-", "51.5-", "5-1-", "51e9-", "511-", "510-", "51", "5", "6-", "500-", "59999999999999999999-"].map((m) =>
    decode("A99", m + '["a"]')),
  decode("A99 ten", `510-["a"]`, ...Array.from({ length: 10 }, (_, i) => bin(i))),
  decode("A100 nine then text", `510-["a"]`, ...Array.from({ length: 9 }, (_, i) => bin(i)), '2["x"]'),
  decode("A100 one too many", `51-["a"]`, bin(1), bin(2)),
  ...["-1", '"length"', "1", "1e400", "-1e400", "null", "true", "[]", "{}", "99999999999999999999"].map((n) =>
    decode("A101", `51-["a",${ph(n)}]`, bin(1))),
  decode("A101 no num", `51-["a",{"_placeholder":true}]`, bin(1)),
  decode("A101 in an ack", `61-1[${ph(1)}]`, bin(1)),
  decode("A101 deep", `51-["a",[[{"x":${ph(5)}}]]]`, bin(1)),
  ...["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    "connection", "error", "Connect", "connect ", "", "message", "toString", "__proto__", "constructor",
  ].flatMap((n) => [
    decode("A102", `2[${JSON.stringify(n)}]`),
    decode("A102 binary", `51-[${JSON.stringify(n)}]`),
    decode("A102 escaped", `2["${[...n].map((c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")).join("")}"]`),
  ]),
  ...["true", "false", "null", "{}", "[]", '["a"]', "1", "-1", "0", "-0", "1.0", "1.50", "1e3", "1E3", "1e21", "1e-7",
    "12345678901234567890", "1e400", "0.1", "123e-20"].map((n) => decode("A102 and PARITY 2.2", `2[${n},1]`)),
  ...["-1", "1.5", "1e30", "00", "007", "0", "9007199254740991", "9007199254740992", "9007199254740993",
    "18446744073709551615", "18446744073709551616", "1" + "0".repeat(21), "1" + "0".repeat(20), "9".repeat(17),
    "9".repeat(308), "9".repeat(309), "9".repeat(400), "0".repeat(30) + "5", "123456789012345678901234567890",
  ].flatMap((id) => [decode("A103", `2${id}["a"]`), decode("A103 ack", `3/n,${id}[]`)]),
  decode("A104 within", `2["a",${"[".repeat(100)}${"]".repeat(100)}]`),
  decode("A104 beyond", `2["a",${"[".repeat(200)}${"]".repeat(200)}]`),
  decode("A104 objects", `2["a",${'{"a":'.repeat(200)}1${"}".repeat(200)}]`),
  ...['{"a":1,"a":2}', '{"__proto__":{"x":1}}', '{"constructor":1}', "1e400", "-1e400", "1e-400", '"\\ud800"', '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"', '"\\x41"', '"\\u12"', '"\\u12G4"', '"\t"', '"\\t"', "01", "1.", ".5", "+1", "-", "--1", "0x1", "1e", "1e+",
    "nul", "nulll", "True", "NaN", "Infinity", "undefined", "'a'", '"a', '"\\"', "[1,]", "[,1]", "[1 2]", '{"a"}', '{"a":}',
    '{"a":1,}', "{a:1}", '{,"a":1}', '{"a" : 1 , "b":[ ]}', "[[]", "[]]", "{}}", '"\u2028\u2029"', '"\u007f"', '"\\/"', "/**/1",
    "123456789012345678901234567890", "0.1e1", "-0", "1E+5", '"é😀"',
  ].map((v) => decode("A105", `2["a",${v}]`)),
  ...['2["a"]x', '2["a"] ', '2["a"]\n\t ', '2["a"]]', '0{}x', "0{} ", '4"a"x', '2["a"],', '3[]x', '2 ["a"]', '2["a" , 1 ]',
    '2[ "a"]', "2[ ]", "3[ ]", "3[,]", '2["a",]', "0 {}", "2\t1[\"a\"]", "", " ", "a", "7", "-1", "\u0665", "22", '2["a"]\u00a0',
  ].map((m) => decode("A105 around the payload", m)),
  decode("A106", `2["a","${"\\u0041\\\\\\n".repeat(50)}"]`),
];

// Every way to damage a good packet by one character.
const seeds = ['212["ev",{"a":[1,-2.5e3,null]}]', '2/ns,7["\\u0061",true]', '0/a,{"t":"x"}', "1/ns,", "3/ns,12[false]", '4{"message":"m"}',
  '51-/n,3["b",{"_placeholder":true,"num":0}]', '62-1[{"_placeholder":true,"num":1}]'];
const extra = ['"', "\\", "[", "]", "{", "}", ",", ":", "0", "9", "-", "/", "e", " ", "t", ".", "\u0001", "é"];
const inputs = new Set();
for (const s of seeds) {
  for (let i = 0; i <= s.length; i++) {
    inputs.add(s.slice(0, i));
    inputs.add(s.slice(0, i) + s.slice(i + 1));
    for (const c of extra) {
      inputs.add(s.slice(0, i) + c + s.slice(i));
    }
  }
}
const damaged = [...inputs].map((m) => {
  const d = decode("", m);
  // A binary packet is shown by its header alone.
  return d.error ? [m] : [m, d.packets[0]?.type ?? "pending", d.packets[0]?.nsp, d.packets[0]?.id, d.packets[0]?.data];
});

const nums = ["0", "-0", "1", "-1", "0.5", "NaN", "Infinity", "-Infinity", "1e20", "1e21", "123456789012345680000", "999999999999999900000",
  "-1e21", "1e-6", "1e-7", "-1.5e-7", "0.000001", "1.7976931348623157e308", "5e-324", "9007199254740991", "9007199254740992",
  "9007199254740993", "-9007199254740993", "4294967296", "0.1", "0.30000000000000004", "1e100", "1.5e300", "100", "1e22", "3.14"];
const encoded = [
  encode("PARITY 2.1", { type: 2, nsp: "/", data: ["ev"] }),
  encode("PARITY 2.1 id", { type: 2, nsp: "/", id: 12, data: ["ev"] }),
  encode("PARITY 2.1 namespace", { type: 2, nsp: "/ns", data: ["ev", 1] }),
  encode("PARITY 2.1 all", { type: 2, nsp: "/ns", id: 0, data: ["ev", "x"] }),
  encode("PARITY 2.1 ack", { type: 3, nsp: "/", id: 12, data: ["r"] }),
  encode("PARITY 2.1 ack, namespace, empty", { type: 3, nsp: "/ns", id: 13, data: [] }),
  encode("PARITY 9 binary ack", { type: 3, nsp: "/", id: 0, data: [bin(9)] }),
  encode("PARITY 9 echo", { type: 3, nsp: "/", id: 12, data: ["é", null] }),
  encode("PARITY 1.6 binary", { type: 2, nsp: "/", data: ["b", bin(1, 2, 3), { x: bin(4) }] }),
  encode("PARITY 2.3 order", { type: 2, nsp: "/n", id: 5, data: ["b", { a: bin(1), b: [bin(2), { c: bin(3) }] }, bin(4)] }),
  encode("PARITY 2.3 empty", { type: 2, nsp: "/", data: ["b", bin()] }),
  encode("PARITY 2.3 more than ten", { type: 2, nsp: "/", data: ["b", Array.from({ length: 12 }, (_, i) => bin(i))] }),
  encode("PARITY 2.3 literal", { type: 2, nsp: "/", data: ["b", { _placeholder: true, num: 0 }] }),
  encode("PARITY 2.1 CONNECT", { type: 0, nsp: "/", data: { sid: "abc" } }),
  encode("PARITY 2.1 CONNECT pid", { type: 0, nsp: "/ns", data: { sid: "abc", pid: "def" } }),
  encode("PARITY 2.8 CONNECT bare", { type: 0, nsp: "/" }),
  encode("PARITY 2.8 CONNECT bare namespace", { type: 0, nsp: "/ns" }),
  encode("PARITY 2.1 DISCONNECT", { type: 1, nsp: "/" }),
  encode("PARITY 2.1 DISCONNECT namespace", { type: 1, nsp: "/ns" }),
  encode("PARITY 9 CONNECT_ERROR", { type: 4, nsp: "/", data: { message: "bad auth", data: { code: 7 } } }),
  encode("PARITY 2.1 CONNECT_ERROR bare", { type: 4, nsp: "/", data: { message: "bad2" } }),
  encode("PARITY 2.1 CONNECT_ERROR namespace", { type: 4, nsp: "/nope", data: { message: "Invalid namespace" } }),
  encode("PARITY 2.8 CONNECT_ERROR", { type: 4, nsp: "/", data: "message" }),
  ...nums.map((n) => encode("PARITY 2.1 number " + n, { type: 2, nsp: "/", data: ["n", { $num: n }, [{ $num: n }], { k: { $num: n } }] })),
  encode("PARITY 2.1 undefined", { type: 2, nsp: "/", data: ["u", { $undef: true }, 1, [{ $undef: true }]] }),
  ...[0, 1, -1, 1763755200123, 951782400000, -62167219200000, -62167219200001, 253402300799999, 253402300800000, 8.64e15, -8.64e15, 8.64e15 + 1,
  ].map((ms) => encode("PARITY 2.1 date " + ms, { type: 2, nsp: "/", data: ["d", { $date: ms }, { at: { $date: ms } }] })),
  encode("PARITY 2.1 html", { type: 2, nsp: "/", data: ["<a href='x'>&</a>"] }),
  encode("PARITY 2.1 strings", { type: 2, nsp: "/", data: [Array.from({ length: 0x300 }, (_, i) => String.fromCharCode(i)).join("")] }),
  encode("PARITY 2.1 strings", { type: 2, nsp: "/", data: ["\u2027\u2028\u2029\u202a\ufeff\ufffd\uffff\u{10000}\u{10ffff}😀\\\"/"] }),
  encode("PARITY 2.1 keys", { type: 2, nsp: "/", data: ["k", { "": 1, "\n": 2, '"': 3, "é": 4 }] }),
  encode("PARITY 2.1 nested", { type: 2, nsp: "/", data: ["k", [], {}, [[]], { a: {} }, [null, true, false]] }),
];

// Doubles of every magnitude, from a fixed sequence.
let seed = 0x9e3779b97f4a7c15n;
const view = new DataView(new ArrayBuffer(8));
const doubles = Array.from({ length: 1500 }, (_, i) => {
  seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  view.setBigUint64(0, seed ^ (seed >> 29n));
  if (i % 3 === 1) view.setFloat64(0, Number((seed >> 20n) & 0xffffffffn) / 10 ** (i % 12));
  if (i % 3 === 2) view.setFloat64(0, Number(seed >> BigInt(i % 60)) * (i % 2 ? 1 : -1));
  return [view.getBigUint64(0).toString(16), JSON.stringify(view.getFloat64(0))];
});

const lines = (list) => "[\n" + list.map((v) => JSON.stringify(v)).join(",\n") + "\n]";
process.stdout.write(
  `{"parser":${JSON.stringify(version)},\n"decode":${lines(decoded)},\n"damaged":${lines(damaged)},\n"encode":${lines(encoded)},\n"doubles":${lines(doubles)}}\n`,
);
