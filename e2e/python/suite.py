"""python-socketio against profile parity of a testbed: python suite.py URL.

Prints one line per test, "ok NAME" or "not ok NAME: WHY". The synchronous client runs over polling, over WebSocket and
through the upgrade; the asyncio client over WebSocket and through the upgrade.
"""

import asyncio
import os
import sys
import threading
import traceback

import socketio

URL = sys.argv[1]
PATIENCE = 10
MODES = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}
BYTES = bytes(range(256))
failures = 0


def report(name, error=None):
    global failures
    if error is None:
        print(f"ok {name}", flush=True)
        return
    failures += 1
    where = traceback.extract_tb(error.__traceback__)[-1]
    print(f"not ok {name}: {type(error).__name__}: {error} (line {where.lineno})".replace("\n", " "), flush=True)


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


class Inbox:
    """What arrived for one event of a synchronous client."""

    def __init__(self, client, event, namespace="/"):
        self.items = []
        self.changed = threading.Condition()
        client.on(event, self.take, namespace=namespace)

    def take(self, *args):
        with self.changed:
            self.items.append(list(args))
            self.changed.notify_all()

    def wait(self, n=1):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.items) >= n, PATIENCE):
                raise TimeoutError(f"{len(self.items)} of {n} events")
            return self.items[:n]


def connected(mode, auth=None, namespaces=("/",), before=None, **options):
    client = socketio.Client(reconnection=False, **options)
    if before:
        before(client)
    client.connect(URL, transports=MODES[mode], auth=auth, namespaces=list(namespaces), wait_timeout=PATIENCE)
    return client


def ctl(client, op, namespace="/", **rest):
    return client.call("ctl", {"op": op, **rest}, namespace=namespace, timeout=PATIENCE)


def test_welcome(mode):
    box = []
    client = connected(mode, auth={"user": "u"}, before=lambda c: box.append(Inbox(c, "welcome")))
    [[welcome]] = box[0].wait()
    equal(welcome["id"], client.get_sid())
    equal(welcome["auth"], {"user": "u"})
    equal(client.transport(), "polling" if mode == "polling" else "websocket")
    client.disconnect()


def test_acks(mode):
    client = connected(mode)
    for value in (0, -1.5, "é€😀", True, None, [], {"a": [1, {"b": None}]}):
        equal(client.call("echo", value, timeout=PATIENCE), value)
    equal(client.call("echo", ("x", 2), timeout=PATIENCE), ("x", 2))
    client.disconnect()


def test_binary(mode):
    client = connected(mode)
    inbox = Inbox(client, "echo")
    client.emit("echo", {"deep": [BYTES, b""], "text": "x"})
    equal(inbox.wait(), [[{"deep": [BYTES, b""], "text": "x"}]])
    equal(client.call("echo", BYTES, timeout=PATIENCE), BYTES)
    client.disconnect()


def test_order(mode):
    client = connected(mode)
    inbox = Inbox(client, "echo")
    # This client refuses a poll response of more than 16 packets.
    window = 10 if mode == "polling" else 500
    for i in range(0, 500, window):
        for j in range(i, i + window):
            client.emit("echo", j)
        inbox.wait(i + window)
    equal([i for [i] in inbox.wait(500)], list(range(500)))
    client.disconnect()


def test_server_asks(mode):
    client = connected(mode)
    client.on("ask", lambda x: {"got": x, "bytes": b"\x01"})
    equal(ctl(client, "emitWithAck", event="ask", args=["x"]), {"responses": {"got": "x", "bytes": b"\x01"}})
    client.disconnect()


def test_namespaces(mode):
    client = connected(mode, namespaces=["/", "/custom"])
    assert client.get_sid("/custom") != client.get_sid("/")
    equal(client.call("echo", 1, namespace="/custom", timeout=PATIENCE), 1)
    client.disconnect()


def test_refused(mode):
    client = socketio.Client(reconnection=False)
    inbox = Inbox(client, "connect_error", "/guarded")
    try:
        client.connect(URL, transports=MODES[mode], namespaces=["/guarded"], wait_timeout=PATIENCE)
        raise AssertionError("connected")
    except socketio.exceptions.ConnectionError:
        pass
    equal(inbox.wait(), [[{"message": "unauthorized", "data": {"code": 401}}]])
    client.disconnect()


def test_unknown_namespace(mode):
    client = socketio.Client(reconnection=False)
    inbox = Inbox(client, "connect_error", "/nothing")
    try:
        client.connect(URL, transports=MODES[mode], namespaces=["/nothing"], wait_timeout=PATIENCE)
        raise AssertionError("connected")
    except socketio.exceptions.ConnectionError:
        pass
    [[error]] = inbox.wait()
    equal(error["message"] if isinstance(error, dict) else error, "Invalid namespace")
    client.disconnect()


def test_rooms(mode):
    clients = [connected(mode) for _ in range(3)]
    inboxes = [Inbox(c, "hello") for c in clients]
    room = f"python-{mode}"
    for c in clients[:2]:
        equal(ctl(c, "join", rooms=[room]), sorted([c.get_sid(), room]))
    ctl(clients[2], "emit", target={"from": "server", "to": [room]}, event="hello", args=[BYTES])
    for inbox in inboxes[:2]:
        equal(inbox.wait(), [[BYTES]])
    clients[2].call("echo", timeout=PATIENCE)
    equal(inboxes[2].items, [])
    for c in clients:
        c.disconnect()


def test_server_disconnects(mode):
    client = connected(mode)
    gone = threading.Event()
    client.on("disconnect", lambda *args: gone.set())
    client.emit("ctl", {"op": "disconnect", "close": True})
    assert gone.wait(PATIENCE), "no disconnect event"
    client.disconnect()


def test_large(mode):
    client = connected(mode)
    value = "gannet " * 100_000
    equal(client.call("echo", value, timeout=PATIENCE), value)
    client.disconnect()


class AsyncInbox:
    """What arrived for one event of an asyncio client."""

    def __init__(self, client, event, namespace="/"):
        self.queue = asyncio.Queue()
        client.on(event, self.take, namespace=namespace)

    async def take(self, *args):
        self.queue.put_nowait(list(args))

    async def wait(self, n=1):
        return [await asyncio.wait_for(self.queue.get(), PATIENCE) for _ in range(n)]


async def async_connected(mode, **options):
    client = socketio.AsyncClient(reconnection=False)
    await client.connect(URL, transports=MODES[mode], wait_timeout=PATIENCE, **options)
    return client


async def async_echo(mode):
    client = await async_connected(mode)
    inbox = AsyncInbox(client, "echo")
    for i in range(500):
        await client.emit("echo", (i, BYTES))
    equal(await inbox.wait(500), [[i, BYTES] for i in range(500)])
    equal(await client.call("echo", {"a": [1]}, timeout=PATIENCE), {"a": [1]})
    await client.disconnect()


async def async_server_asks(mode):
    client = await async_connected(mode)

    async def answer(x):
        await asyncio.sleep(0)
        return x, b"\x02"

    client.on("ask", answer)
    got = await client.call("ctl", {"op": "emitWithAck", "event": "ask", "args": ["x"]}, timeout=PATIENCE)
    equal(got, {"responses": "x"})
    await client.disconnect()


async def async_namespaces(mode):
    client = await async_connected(mode, namespaces=["/", "/custom"], auth={"user": "u"})
    equal(await client.call("echo", 1, namespace="/custom", timeout=PATIENCE), 1)
    await client.disconnect()


def main():
    sync_tests = [f for name, f in globals().items() if name.startswith("test_")]
    for mode in MODES:
        for test in sync_tests:
            try:
                test(mode)
                report(f"{test.__name__[5:]} over {mode}")
            except Exception as error:  # every failure is one line, and the next test runs
                report(f"{test.__name__[5:]} over {mode}", error)
    for mode in ("websocket", "upgrade"):
        for test in (async_echo, async_server_asks, async_namespaces):
            try:
                asyncio.run(asyncio.wait_for(test(mode), 30))
                report(f"{test.__name__} over {mode}")
            except Exception as error:  # as above
                report(f"{test.__name__} over {mode}", error)
    return 1 if failures else 0


if __name__ == "__main__":
    status = main()
    # The client's own threads must not hold up the end of a run that failed.
    sys.stdout.flush()
    os._exit(status)
