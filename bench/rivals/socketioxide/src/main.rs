//! The testbed's profile `bench`, served by socketioxide on axum and hyper.
//!
//!     rival-socketioxide -addr 127.0.0.1:0

use std::{convert::Infallible, error::Error, net::SocketAddr, sync::Arc};

use axum::{Router, serve::ListenerExt};
use rmpv::Value;
use socketioxide::{
    SocketIo,
    adapter::Adapter,
    extract::{AckSender, Data, SocketRef},
    handler::FromMessageParts,
    socket::Socket,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Says whether the client asked for an acknowledgement, which AckSender keeps to itself.
struct Asked(bool);

impl<A: Adapter> FromMessageParts<A> for Asked {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<A>>,
        _: &mut socketioxide::handler::Value,
        id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Asked(id.is_some()))
    }
}

async fn connected(socket: SocketRef) {
    socket.on(
        "echo",
        async |s: SocketRef, asked: Asked, ack: AckSender, Data::<Value>(payload)| {
            if asked.0 {
                ack.send(&payload).ok();
            } else {
                s.emit("echo", &payload).ok();
            }
        },
    );
    socket.on("broadcast", async |io: SocketIo, Data::<Value>(payload)| {
        io.emit("broadcast", &payload).await.ok();
    });
    socket.on("volatile", async |io: SocketIo, Data::<Value>(payload)| {
        io.volatile().emit("broadcast", &payload).await.ok();
    });
    socket.on(
        "room",
        async |io: SocketIo, Data::<(String, Value)>((room, payload))| {
            io.to(room).emit("room", &payload).await.ok();
        },
    );
    socket.on(
        "join",
        async |s: SocketRef, ack: AckSender, Data::<String>(room)| {
            s.join(room);
            ack.send(&true).ok();
        },
    );
    socket.on(
        "leave",
        async |s: SocketRef, ack: AckSender, Data::<String>(room)| {
            s.leave(room);
            ack.send(&true).ok();
        },
    );
}

/// The address behind `-addr`; every other argument is refused.
fn address() -> Result<SocketAddr, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag, addr] if flag == "-addr" => Ok(addr.parse()?),
        _ => Err("want -addr HOST:PORT".into()),
    }
}

// One thread, since the harness gives a server one core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let addr = address()?;
    let (layer, io) = SocketIo::builder()
        .max_payload(1_000_000) // as the official server
        .max_buffer_size(4096) // packets; past it an emit is lost, and the default is 128
        .build_layer();
    io.ns("/", connected);

    let listener = TcpListener::bind(addr).await?;
    let mut term = signal(SignalKind::terminate())?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|tcp| {
        tcp.set_nodelay(true).ok();
    });
    tokio::select! {
        served = axum::serve(listener, Router::new().layer(layer)) => Ok(served?),
        _ = term.recv() => Ok(()),
    }
}
