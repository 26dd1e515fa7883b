// Prints the responses of the reference server as JSON, [{name, response}], for
// reference_test.go. To write reference.json again, in a directory outside the
// repository:
//
//	npm i socket.io@4.8.4
//	NODE_PATH=$PWD/node_modules node <repository>/polling/testdata/reference.js > reference.json
const http = require("http");
const net = require("net");
const { Server } = require("socket.io");

// Session ids are counted, so that the output is stable.
let counter = 0;

const listen = (opts) =>
  new Promise((resolve) => {
    const server = http.createServer();
    const io = new Server(server, { connectTimeout: 60000, ...opts });
    io.engine.generateId = () => "abcdefghij0123456" + String(counter++).padStart(3, "0");
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });

const request = (port, raw, ms = 150) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    let data = Buffer.alloc(0);
    const end = () => {
      socket.destroy();
      resolve(data.toString("latin1"));
    };
    socket.on("data", (d) => (data = Buffer.concat([data, d])));
    socket.on("error", () => {});
    socket.on("close", end);
    socket.write(raw);
    setTimeout(end, ms);
  });

const out = [];
const record = async (name, response) => {
  response = (await response)
    .replace(/^Date: .*\r\n/m, "")
    .replace(/^Keep-Alive: .*\r\n/m, "")
    .replace(/^40{"sid":"[^"]+"}/m, '40{"sid":"abcdefghij0123456789"}');
  out.push({ name, response });
  return response;
};

const path = "/socket.io/?EIO=4&transport=polling";
const req = (method, target, lines = "", body = "") =>
  `${method} ${target} HTTP/1.1\r\nHost: x\r\n${lines}${body ? `Content-Length: ${body.length}\r\n` : ""}\r\n${body}`;
const upgrade = (target, lines = "") =>
  req("GET", target, `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines}`);
const sidOf = (response) => /"sid":"([^"]+)"/.exec(response)[1];
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

const session = async () => {
  const port = await listen({});
  await record("handshake", request(port, req("GET", path)));
  await record("handshake MSIE", request(port, req("GET", path, "User-Agent: a;MSIE 9\r\n")));
  await record("handshake Trident", request(port, req("GET", path, "User-Agent: Trident/7\r\n")));
  await record("handshake close", request(port, req("GET", path, "Connection: close\r\n")));
  await record("handshake HTTP/1.0", request(port, `GET ${path} HTTP/1.0\r\n\r\n`));
  await record("code 0", request(port, req("GET", "/socket.io/?EIO=4")));
  await record("code 0 __proto__", request(port, req("GET", "/socket.io/?EIO=4&transport=__proto__")));
  await record("code 2", request(port, req("POST", path, "", "40")));
  await record("code 3", request(port, req("GET", "/socket.io/?EIO=4&transport=websocket")));
  await record("code 5", request(port, req("GET", "/socket.io/?EIO=3&transport=polling")));
  await record("code 2 OPTIONS", request(port, req("OPTIONS", path)));
  await record("code 2 HEAD", request(port, req("HEAD", path)));
  const s = `${path}&sid=${sidOf(await request(port, req("GET", path)))}`;
  await record("post", request(port, req("POST", s, "", "40")));
  await record("post MSIE", request(port, req("POST", s, "User-Agent: ;MSIE\r\n", "41")));
  await record("poll", request(port, req("GET", s)));
  const first = request(port, req("GET", s), 500);
  await sleep(100);
  await record("overlap second", request(port, req("GET", s)));
  await record("overlap first", first);
  await record("code 1", request(port, req("GET", s)));
  const s2 = `${path}&sid=${sidOf(await request(port, req("GET", path)))}`;
  await record("octet-stream", request(port, req("POST", s2, "Content-Type: application/octet-stream\r\n", "40")));
  const s3 = `${path}&sid=${sidOf(await request(port, req("GET", path)))}`;
  const pending = request(port, req("GET", s3), 500);
  await sleep(100);
  await record("octet-stream with a parameter", request(port, req("POST", s3, "Content-Type: application/octet-stream; x=1\r\n", "1")));
  await record("poll closed by the client", pending);
  const ws = "/socket.io/?EIO=4&transport=websocket";
  await record("upgrade code 1", request(port, upgrade(`${ws}&sid=nope`)));
  await record("upgrade code 0", request(port, upgrade("/socket.io/?EIO=4&transport=x")));
  const refusing = await listen({ allowRequest: (_, cb) => cb('nope \u20ac "q" \\ \u0001\u2028</script>', false) });
  await record("code 4", request(refusing, req("GET", path)));
  await record("upgrade code 4", request(refusing, upgrade(ws)));
  const plain = await listen({ allowRequest: (_, cb) => cb(null, false) });
  await record("code 4 default", request(plain, req("GET", path)));
  const small = await listen({ maxHttpBufferSize: 10, cors: { origin: "*" } });
  const s4 = `${path}&sid=${sidOf(await request(small, req("GET", path)))}`;
  await record("413", request(small, req("POST", s4, "", "4".repeat(11))));
};

const cookies = async () => {
  const date = new Date(Date.UTC(2026, 9, 21, 7, 28, 0));
  for (const [name, cookie] of Object.entries({
    default: true,
    empty: {},
    strict: { name: "sess", path: false, sameSite: true, maxAge: 100, secure: true, domain: "x.com" },
    bare: { httpOnly: false, sameSite: false },
    all: { name: "a", path: "/p", sameSite: "none", maxAge: 1, secure: true, domain: "d", expires: date, partitioned: true, priority: "high" },
  })) {
    const port = await listen({ cookie, cors: { origin: "http://a.com" } });
    await record(`cookie ${name}`, request(port, req("GET", path)));
  }
};

const cors = async () => {
  const configs = {
    star: { origin: "*" },
    empty: {},
    list: { origin: ["http://a.com", /b\.com$/], credentials: true, exposedHeaders: ["X-A", "X-B"], allowedHeaders: ["X-Q", "X-R"], methods: ["GET", "POST"], maxAge: 600 },
    fixed: { origin: "http://a.com" },
    reflect: { origin: true, credentials: true },
    expose: { origin: "http://a.com", exposedHeaders: ["X-A"] },
    nobody: { origin: [] },
    func: { origin: (o, cb) => cb(null, o === "http://a.com"), optionsSuccessStatus: 200 },
    starmax: { origin: "*", allowedHeaders: ["X-1"], maxAge: 0, exposedHeaders: ["X-A"] },
  };
  const origins = { none: "", a: "Origin: http://a.com\r\n", q: "Origin: http://q.com\r\n", b: "Origin: http://x.b.com\r\n" };
  const ask = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,x-foo\r\n";
  for (const [name, config] of Object.entries(configs)) {
    const port = await listen({ cors: config });
    for (const [from, lines] of Object.entries(origins)) {
      const target = `${path}&sid=nope`;
      await record(`cors ${name} ${from} simple`, request(port, req("GET", target, lines), 40));
      await record(`cors ${name} ${from} preflight`, request(port, req("OPTIONS", target, lines + ask), 40));
      await record(`cors ${name} ${from} bare`, request(port, req("OPTIONS", target, lines), 40));
    }
  }
};

session().then(cookies).then(cors).then(() => {
  process.stdout.write("[\n" + out.map((o) => JSON.stringify(o)).join(",\n") + "\n]\n", () => process.exit(0));
});
