// Records what the reference server does about revision 3, JSONP and content
// codings. In a directory where the npm package engine.io is installed:
//
//   node …/polling/testdata/gen_codecs.mjs > …/polling/testdata/codecs.json
//
// Bytes are base64. A packet is [type, text] or [type, null, base64].
import { createRequire } from "node:module";
import { join } from "node:path";

const engine = join(process.cwd(), "node_modules/engine.io");
const require = createRequire(join(engine, "index.js"));
const parser = require("./build/parser-v3/index.js");
const { JSONP } = require("./build/transports/polling-jsonp.js");
const { Polling } = require("./build/transports/polling.js");
const accepts = require("accepts");
const { version } = require("./package.json");

const b64 = (b) => Buffer.from(b).toString("base64");
const types = Object.fromEntries(Object.entries(parser.packets).map(([k, v]) => [k, String(v)]));

function show(p) {
  if (Buffer.isBuffer(p.data)) return [types[p.type] ?? "?", null, b64(p.data)];
  return [types[p.type] ?? "?", p.data ?? ""];
}

function decode(input, binary) {
  const packets = [];
  let error = false;
  parser.decodePayload(binary ? Buffer.from(input) : Buffer.from(input).toString(), (p) => {
    if (p.type === "error") {
      error = true;
      return false;
    }
    packets.push(show(p));
    return p.type !== "close";
  });
  return { in: b64(input), binary, packets, error };
}

const framed = (mark, digits, data) => [mark, ...digits, 255, ...Buffer.from(data)];
const texts = ["", "0:", "1:2", "6:4hello", "6:4hello2:4€", "3:4😀", "2:4😀", "4:4😀x", "5:2probe", "6:b4AQID", "2:b4", "1:b", "2:b9", "7:b4AQIDB", "1:3", "1:5", "1:6", "1:1", "1:16:4hello",
  "6:4hell", "7:4hello", "5:4hello", "abc", ":", ":4", "-1:4", "1.5:4a", "1e0:4", "0x1:4", " 1:4", "+1:4", "01:4", "1:", "1", "99999999999999999999:4", "9007199254740993:4", "1:7", "1:a", "0:0:", "0:1:2", "1:20:",
  "3:4\u20281:2", "9:b4_-8====", "5:b4_-8", "7:b4 !QI=", "44:451-[\"b\",{\"_placeholder\":true,\"num\":0},\"é€\"]6:b4AQID", "4:4\u0000\u001e\"1:2", "1:\u00e9", "2:4\ud7ff"];
const binaries = {
  "message": framed(0, [6], "4hello"),
  "message and bytes": [...framed(0, [2], "4a"), ...framed(1, [4], [4, 1, 2, 3])],
  "euro": framed(0, [4], "4€"),
  "emoji": framed(0, [5], "4😀"),
  "two digits": framed(1, [1, 1], [4, ...Array(10).fill(7)]),
  "ping": framed(0, [1], "2"),
  "binary ping": framed(1, [1], [2]),
  "leading zero": framed(0, [0, 1], "2"),
  "nothing": [],
  "empty text": framed(0, [0], ""),
  "empty binary": framed(1, [0], ""),
  "no digits": framed(0, [], ""),
  "no end": [0, 1, 1, 1],
  "endless digits": [0, ...Array(400).fill(1)],
  "ASCII digits": framed(0, [0x36], "4hello"),
  "digit 10": framed(0, [10], "4hello4hel"),
  "mark 2": framed(2, [6], "\u0004hello"),
  "short": framed(0, [6], "4hel"),
  "unknown text": framed(0, [1], "9"),
  "unknown binary": framed(1, [2], [9, 1]),
  "not UTF-8": framed(0, [2], [0x34, 0xff]),
  "base64 in text": framed(0, [6], "b4AQID"),
  "observed": [0, 4, 7, 255, ...Buffer.from('451-["b",{"_placeholder":true,"num":0},"é€"]'), 1, 4, 255, 4, 1, 2, 3],
};

const lists = [
  [], [{ type: "message", data: "hello" }], [{ type: "ping" }], [{ type: "pong", data: "probe" }], [{ type: "noop" }, { type: "close" }],
  [{ type: "message", data: "é€😀\u2028" }], [{ type: "message", data: Buffer.from([1, 2, 3]) }], [{ type: "message", data: Buffer.alloc(0) }],
  [{ type: "message", data: "a" }, { type: "message", data: Buffer.from([255, 254]) }, { type: "message", data: "b€" }],
  [{ type: "message", data: "x".repeat(1000) }], [{ type: "message", data: Buffer.alloc(99, 1) }, { type: "message", data: Buffer.alloc(100, 1) }],
  [{ type: "message", data: "" }],
];
const encode = lists.map((l) => {
  const r = { packets: l.map(show) };
  parser.encodePayload(l, false, (p) => (r.text = b64(p)));
  parser.encodePayload(l, true, (p) => (r.payload = b64(p)));
  return r;
});

Polling.prototype.onData = function (d) { this.seen = d; };
Polling.prototype.doWrite = function (d) { this.seen = d; };
function jsonp(j) {
  return new JSONP({ _query: j === undefined ? { EIO: "3" } : { EIO: "3", j } });
}
const forms = ["", "d", "d=", "d=1:2", "d=6%3A4hello", "d=6:4hello&d=1:2", "a=1&d=1%3A2&b=2", "D=1:2", "%64=1:2", "%44=1:2", "d=4+a", "d=%2B", "d=%", "d=%4", "d=%zz", "d=%e2%82%ac", "d=%E2%82%AC%", "d=%ff", "d=a=b", "d=a%26b", "&&d=x&",
  "d=\\n", "d=\\\\n", "d=\\\\\\n", "d=\\\\\\\\n", "d=a\\nb\\\\nc\\n\\n", "d=\\\\", "d=\\", "d=%5Cn", "d=%5C%5Cn", "d=\\m\\n", "d=\\n\\", "x".repeat(3) + "&d=1", "a&".repeat(999) + "d=1", "a&".repeat(1000) + "d=1", "&".repeat(999) + "d=1", "&".repeat(1000) + "d=1", "d=€", "d[]=1", "d=1;d=2"];
const posts = forms.map((body) => {
  const t = jsonp("0");
  t.onData(body);
  return { body, payload: t.seen === undefined ? null : t.seen };
});
const gets = [];
for (const j of ["0", "5", "12", "", "abc", "1a2", ");alert(1);//7", "0.5", "-3", "１"]) {
  const t = jsonp(j);
  t.doWrite("1:6");
  gets.push({ j, payload: "1:6", body: t.seen });
}
for (const payload of ["", "a\"b\\c", "\u2028\u2029", "\u0000\u001f\u007f\b\f\n\r\t", "é€😀", "</script>", '0{"sid":"x"}', "\x1e", "\ufffd"]) {
  const t = jsonp("1");
  t.doWrite(payload);
  gets.push({ j: "1", payload, body: t.seen });
}

const lines = [null, "", "gzip", "deflate", "gzip, deflate", "deflate, gzip", "gzip, deflate, br", "br", "*", "identity", "identity, *;q=0", "gzip;q=0", "gzip;q=0, deflate", "gzip;q=0.5, deflate;q=0.8", "gzip;q=0.5, deflate;q=0.5", "deflate;q=0.5, gzip;q=0.5",
  "*, gzip;q=0", "*;q=0.5, deflate", "*;q=0.9, deflate;q=0.1", "*;q=0.5, deflate;q=0.5", "*;q=0", "gzip;q=0, *", "GZIP", "Deflate;Q=0", "deflate;q=0", "x-gzip", "gzip;q=1.0", "gzip;q=1.5, deflate;q=2", "gzip;q=-1", "gzip;q=abc", "gzip;q=", "gzip;q", "gzip; q = 0", "gzip; q=0",
  "gzip ;q=0.1 , deflate ; q=0.2", "gzip;x=1;q=0.1, deflate;q=0.2", "gzip;q=0.3;q=0.9, deflate;q=0.5", "gzip deflate", "gzip,", ",gzip", ",,", ";q=1", "gzip;q=0.1, gzip;q=0.9, deflate;q=0.5", "gzip;q=0.9, gzip;q=0.1, deflate;q=0.5", "deflate;q=1e-3, gzip;q=0.0001", "gzip;q=.5,deflate;q=0.6", "gzip;q=0.5x, deflate;q=0.4", "\tgzip\t;\tq=0.5\t,\tdeflate", "identity;q=1, gzip;q=0.1", "br;q=1.0, gzip;q=0.8, *;q=0.1", "compress, gzip;q=1=2", "*;q=-1", "*;q=0.5, *;q=0.7, deflate;q=0.6",
  "br, gzip", "gzip, br", "deflate, gzip, br", "br;q=0.5, gzip;q=0.5, deflate;q=0.5", "deflate;q=0.5, br;q=0.9, gzip;q=0.8", "*;q=0.5, gzip;q=0.5, br;q=0", "*, br;q=0.9", "br;q=0, *", "br;q=0", "BR", "zstd, br", "gzip, deflate, br, zstd", "gzip;q=0.8, br;q=0.8, *;q=0.8"];
const choose = (h, offer) => accepts({ headers: h === null ? {} : { "accept-encoding": h } }).encodings(offer) || "identity";
// bundle is what Socket.IO offers for the files of its client.
const encodings = lines.map((h) => ({ header: h, want: choose(h, ["gzip", "deflate"]), bundle: choose(h, ["br", "gzip", "deflate"]) }));

console.log(JSON.stringify({
  engine: version,
  decode: [...texts.map((t) => decode(t, false)), ...Object.values(binaries).map((b) => decode(b, true))],
  encode, posts, gets, encodings,
}, null, 1));
