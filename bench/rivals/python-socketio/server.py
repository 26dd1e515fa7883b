"""The testbed's profile `bench`, served by python-socketio on uvicorn.

    python server.py -addr 127.0.0.1:0

python-socketio has no volatile emits: `volatile` is an ordinary broadcast here.
"""

import socket
import sys

import engineio.payload
import socketio
import uvicorn

# The documented setting for clients that send bursts: past it, and the default is 16, a request is refused.
engineio.payload.Payload.max_decode_packets = 1000


class Server(socketio.AsyncServer):
    """Keeps what handlers are not told: whether the client asked for an acknowledgement."""

    asked = False

    async def _handle_event(self, eio_sid, namespace, id, data):
        # Handlers are not tasks of their own, so nothing runs between here and the first line of one.
        self.asked = id is not None
        await super()._handle_event(eio_sid, namespace, id, data)


# Handlers run in the order of a client's packets, as in the official server, and cost no task each.
sio = Server(async_mode="asgi", async_handlers=False, logger=False, engineio_logger=False)


@sio.event
async def echo(sid, payload):
    if sio.asked:
        return payload
    await sio.emit("echo", payload, to=sid)


@sio.event
async def broadcast(sid, payload):
    await sio.emit("broadcast", payload)


@sio.event
async def volatile(sid, payload):
    await sio.emit("broadcast", payload)


@sio.event
async def room(sid, name, payload):
    await sio.emit("room", payload, to=name)


@sio.event
async def join(sid, name):
    await sio.enter_room(sid, name)
    return True


@sio.event
async def leave(sid, name):
    await sio.leave_room(sid, name)
    return True


class Announced(uvicorn.Server):
    """Prints one line when it accepts connections."""

    async def startup(self, sockets=None):
        await super().startup(sockets)
        host, port = sockets[0].getsockname()
        print(f"listening on http://{host}:{port}", flush=True)


def main():
    match sys.argv[1:]:
        case ["-addr", addr] if ":" in addr:
            host, _, port = addr.rpartition(":")
        case _:
            sys.exit("want -addr HOST:PORT")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    config = uvicorn.Config(
        socketio.ASGIApp(sio),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="critical",
        access_log=False,
        backlog=4096,
        timeout_graceful_shutdown=1,
    )
    Announced(config).run(sockets=[listener])


main()
