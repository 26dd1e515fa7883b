//! rust_socketio against profile parity of a testbed: `gannet-e2e-rust URL`.
//!
//! Prints one line per test, "ok NAME" or "not ok NAME: WHY", over polling, over WebSocket and through the upgrade. This
//! client takes an argument list of texts or one binary argument, so that is what it is asked for; and binary over polling
//! alone, since on a WebSocket it puts a byte in front as revision 3 did, which no server of revision 4 expects.

use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Event, Payload, TransportType};
use serde_json::{json, Value};
use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

type Outcome = Result<(), String>;

struct Mode {
    url: String,
    name: &'static str,
    transport: TransportType,
}

/// What arrived, by event name.
type Inbox = Receiver<(String, Payload)>;

impl Mode {
    /// Connects and waits for the greeting, which comes with every connection that a namespace takes.
    fn connect(&self, nsp: &str, auth: Value) -> Result<(Client, Inbox, Value), String> {
        let (client, inbox) = self.open(nsp, auth)?;
        let welcome = text(&take(&inbox, "welcome")?)?[0].clone();
        Ok((client, inbox, welcome))
    }

    fn open(&self, nsp: &str, auth: Value) -> Result<(Client, Inbox), String> {
        let (send, inbox) = channel();
        let (failed, closed) = (send.clone(), send.clone());
        let client = ClientBuilder::new(&self.url)
            .namespace(nsp)
            .auth(auth)
            .transport_type(self.transport.clone())
            .reconnect(false)
            .on_any(move |event: Event, payload: Payload, _| {
                let _ = send.send((event.to_string(), payload));
            })
            .on(Event::Error, move |payload: Payload, _| {
                let _ = failed.send(("error".to_string(), payload));
            })
            .on(Event::Close, move |payload: Payload, _| {
                let _ = closed.send(("close".to_string(), payload));
            })
            .connect()
            .map_err(|err| err.to_string())?;
        Ok((client, inbox))
    }
}

/// Waits for an event and passes over others.
fn take(inbox: &Inbox, name: &str) -> Result<Payload, String> {
    loop {
        match inbox.recv_timeout(PATIENCE) {
            Ok((event, payload)) if event == name => return Ok(payload),
            Ok(_) => {}
            Err(err) => return Err(format!("no {name}: {err}")),
        }
    }
}

fn text(payload: &Payload) -> Result<Vec<Value>, String> {
    match payload {
        Payload::Text(values) => Ok(values.clone()),
        other => Err(format!("not text: {other:?}")),
    }
}

fn call<D: Into<Payload>>(client: &Client, event: &str, data: D) -> Result<Payload, String> {
    let (send, answers) = channel();
    client
        .emit_with_ack(event, data, PATIENCE, move |payload: Payload, _| {
            let _ = send.send(payload);
        })
        .map_err(|err| err.to_string())?;
    answers.recv_timeout(PATIENCE).map_err(|err| format!("no ack of {event}: {err}"))
}

/// The arguments of an ack: the client hands them over as one list.
fn answer(payload: Payload) -> Result<Vec<Value>, String> {
    let values = text(&payload)?;
    match values.as_slice() {
        [Value::Array(list)] => Ok(list.clone()),
        _ => Ok(values),
    }
}

fn ctl(client: &Client, command: Value) -> Result<Value, String> {
    Ok(answer(call(client, "ctl", command)?)?[0].clone())
}

fn same<T: PartialEq + std::fmt::Debug>(got: T, want: T) -> Outcome {
    if got == want {
        return Ok(());
    }
    Err(format!("got {got:?}, want {want:?}"))
}

fn done(client: Client) -> Outcome {
    client.disconnect().map_err(|err| err.to_string())
}

fn connects(m: &Mode) -> Outcome {
    let (client, _, welcome) = m.connect("/", json!({"user": "u"}))?;
    same(welcome["auth"].clone(), json!({"user": "u"}))?;
    same(welcome["rooms"].clone(), json!([welcome["id"]]))?;
    done(client)
}

fn acks(m: &Mode) -> Outcome {
    let (client, _, _) = m.connect("/", json!({}))?;
    let values = vec![json!(1), json!("é€😀"), json!(true), json!(null), json!([2]), json!({"a": [{"b": null}]})];
    same(answer(call(&client, "echo", values.clone())?)?, values)?;
    done(client)
}

fn order(m: &Mode) -> Outcome {
    let (client, inbox, _) = m.connect("/", json!({}))?;
    for i in 0..200 {
        client.emit("echo", json!(i)).map_err(|err| err.to_string())?;
    }
    for i in 0..200 {
        same(text(&take(&inbox, "echo")?)?, vec![json!(i)])?;
    }
    done(client)
}

fn binary(m: &Mode) -> Outcome {
    let (client, inbox, _) = m.connect("/", json!({}))?;
    let bytes: Vec<u8> = (0..=255).collect();
    client.emit("echo", bytes.clone()).map_err(|err| err.to_string())?;
    same(take(&inbox, "echo")?, Payload::from(bytes))?;
    done(client)
}

fn large(m: &Mode) -> Outcome {
    let (client, _, _) = m.connect("/", json!({}))?;
    let long = json!("gannet ".repeat(100_000));
    same(answer(call(&client, "echo", long.clone())?)?, vec![long])?;
    done(client)
}

fn namespaces(m: &Mode) -> Outcome {
    let (root, _, there) = m.connect("/", json!({}))?;
    let (custom, inbox, here) = m.connect("/custom", json!({}))?;
    if there["id"] == here["id"] {
        return Err("one id in two namespaces".to_string());
    }
    custom.emit("echo", json!("in custom")).map_err(|err| err.to_string())?;
    same(text(&take(&inbox, "echo")?)?, vec![json!("in custom")])?;
    done(custom)?;
    done(root)
}

fn rooms(m: &Mode) -> Outcome {
    let (a, inbox, welcome) = m.connect("/", json!({}))?;
    let (b, _, _) = m.connect("/", json!({}))?;
    let room = format!("rust-{}", m.name);
    let mut want = vec![welcome["id"].clone(), json!(room)];
    want.sort_by_key(|v| v.to_string());
    same(ctl(&a, json!({"op": "join", "rooms": [room]}))?, json!(want))?;
    let target = json!({"from": "server", "to": [room]});
    ctl(&b, json!({"op": "emit", "target": target, "event": "hello", "args": ["é"]}))?;
    same(text(&take(&inbox, "hello")?)?, vec![json!("é")])?;
    done(a)?;
    done(b)
}

fn refused(m: &Mode) -> Outcome {
    let (_client, inbox) = m.open("/guarded", json!({}))?;
    let why = format!("{:?}", take(&inbox, "error")?);
    if why.contains("unauthorized") && why.contains("401") {
        return Ok(());
    }
    Err(why)
}

fn admitted(m: &Mode) -> Outcome {
    let (client, _, welcome) = m.connect("/guarded", json!({"token": "secret"}))?;
    same(welcome["auth"].clone(), json!({"token": "secret"}))?;
    done(client)
}

fn server_disconnects(m: &Mode) -> Outcome {
    let (client, inbox, _) = m.connect("/", json!({}))?;
    client.emit("ctl", json!({"op": "disconnect"})).map_err(|err| err.to_string())?;
    take(&inbox, "close").map(|_| ())
}

fn main() {
    let url = std::env::args().nth(1).expect("usage: gannet-e2e-rust URL");
    let tests: [(&str, fn(&Mode) -> Outcome); 10] = [
        ("connects", connects),
        ("acks", acks),
        ("events in order", order),
        ("binary", binary),
        ("a large message", large),
        ("namespaces", namespaces),
        ("rooms", rooms),
        ("refused with data", refused),
        ("admitted with auth", admitted),
        ("the server disconnects", server_disconnects),
    ];
    let mut failed = false;
    for (name, transport) in [
        ("polling", TransportType::Polling),
        ("websocket", TransportType::Websocket),
        ("upgrade", TransportType::WebsocketUpgrade),
    ] {
        let mode = Mode { url: url.clone(), name, transport };
        for (test, run) in tests {
            if test == "binary" && name != "polling" {
                continue;
            }
            match run(&mode) {
                Ok(()) => println!("ok {test} over {name}"),
                Err(why) => {
                    failed = true;
                    println!("not ok {test} over {name}: {}", why.replace('\n', " ").chars().take(500).collect::<String>());
                }
            }
        }
    }
    // The client's own threads must not hold up the end.
    std::process::exit(i32::from(failed));
}
