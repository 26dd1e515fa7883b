package eio_test

import (
	"fmt"
	"strings"

	"github.com/gannet-io/gannet/internal/eio"
)

// owner does around a Session what its owner in package sio does: it holds the
// queue, the pending GET and the WebSockets, and carries the actions out. What
// leaves the server is collected in out, a line each.
type owner struct {
	cfg   eio.Config
	s     eio.Session
	now   int64
	get   bool     // a GET is pending
	queue []string // packets not yet sent
	ws    string   // the WebSocket that carries the session
	probe string   // the upgrading WebSocket
	ended bool
	out   []string
}

const sid = "S"

func (o *owner) emit(format string, args ...any) {
	o.out = append(o.out, fmt.Sprintf(format, args...))
}

// open starts the session; ws is empty for polling.
func (o *owner) open(t eio.Transport, rev eio.Revision, first int64, ws string) {
	if rev == eio.Revision3 {
		o.s.OpenRevision3(&o.cfg, t, o.now)
	} else {
		o.s.Open(&o.cfg, t, first, o.now)
	}
	packet := string(eio.AppendOpen(nil, &o.cfg, sid, t))
	if o.ws = ws; ws != "" {
		o.emit("< %s 101", ws)
		o.emit("< %s %s", ws, packet)
		return
	}
	o.emit("< GET 200 %s", packet)
}

// verify answers a request that the session does not take.
func (o *owner) verify(method, transport string, upgrade bool) bool {
	r := eio.Request{SID: sid, Transport: transport, EIO: "4", Method: method, Upgrade: upgrade}
	if o.s.Revision() == eio.Revision3 {
		r.EIO = "3"
	}
	code, ok := eio.Verify(&o.cfg, &r, &o.s)
	switch {
	case ok:
	case upgrade:
		o.emit("< HTTP %d %s", 400, code.Message())
	default:
		o.emit(`< %s %d {"code":%d,"message":"%s"}`, method, code.HTTPStatus(), code, code.Message())
	}
	return ok
}

// poll is a GET.
func (o *owner) poll() {
	if !o.verify("GET", "polling", false) {
		return
	}
	o.get = true
	if o.s.State() == eio.StateClosing && len(o.queue) == 0 {
		o.reply("6\x1e1")
		o.finish(eio.ReasonForcedClose)
		return
	}
	o.flush()
}

// post is a POST of a payload.
func (o *owner) post(payload string) {
	if !o.verify("POST", "polling", false) {
		return
	}
	for pkt := range strings.SplitSeq(payload, "\x1e") {
		if pkt == "" {
			pkt = "x" // an empty packet has no type: any that does not exist
		}
		o.packet(pkt)
	}
	o.emit("< POST 200 ok")
}

// packet arrives on the current transport.
func (o *owner) packet(pkt string) {
	act := o.s.Packet(&o.cfg, o.now, eio.PacketType(pkt[0]), pkt[1:] == "probe")
	if act == eio.ActMessage {
		o.emit("* message %s", pkt[1:])
		return
	}
	o.do(act)
}

// socket is a WebSocket that names the session.
func (o *owner) socket(name string) {
	if !o.verify("GET", "websocket", true) {
		return
	}
	o.emit("< %s 101", name)
	if !o.s.StartUpgrade(&o.cfg, o.now) {
		o.emit("< %s 88 00", name)
		return
	}
	o.probe = name
}

// frame arrives on a WebSocket; a closed one delivers nothing.
func (o *owner) frame(name, pkt string) {
	switch name {
	case o.ws:
		if pkt == "FIN" {
			o.finish(eio.ReasonTransportClose)
			return
		}
		o.packet(pkt)
	case o.probe:
		if pkt == "FIN" {
			o.probe = ""
			o.s.UpgradeLost()
			return
		}
		o.do(o.s.UpgradePacket(&o.cfg, o.now, eio.PacketType(pkt[0]), []byte(pkt[1:])))
	}
}

// send is what the application does.
func (o *owner) send(pkt string) {
	if o.s.State() == eio.StateOpen {
		o.enqueue(pkt)
	}
}

// shut is the graceful close by the application.
func (o *owner) shut() {
	switch {
	case o.ws != "":
		o.finish(eio.ReasonForcedClose)
	case o.get:
		o.finish(eio.ReasonForcedClose)
	default:
		o.s.StartClose(o.now)
	}
}

func (o *owner) enqueue(pkt string) {
	o.queue = append(o.queue, pkt)
	o.flush()
}

func (o *owner) flush() {
	switch {
	case len(o.queue) == 0:
	case o.ws != "":
		for _, pkt := range o.queue {
			o.emit("< %s %s", o.ws, pkt)
		}
		o.queue = nil
	case o.get:
		body := strings.Join(o.queue, "\x1e")
		o.queue = nil
		o.reply(body)
	}
}

// reply answers the pending GET, if any.
func (o *owner) reply(body string) {
	if o.get {
		o.get = false
		o.emit("< GET 200 %s", strings.ReplaceAll(body, "\x1e", `\x1e`))
	}
}

// do carries an action out.
func (o *owner) do(act eio.Action) {
	switch act {
	case eio.ActPing:
		o.enqueue("2")
	case eio.ActPong:
		o.enqueue("3")
	case eio.ActNoop:
		o.reply("6")
	case eio.ActProbe:
		o.emit("< %s 3probe", o.probe)
	case eio.ActAbandon, eio.ActUpgradeTimeout:
		o.dropProbe()
	case eio.ActUpgrade, eio.ActUpgradeClose:
		o.reply("1")
		o.ws, o.probe = o.probe, ""
		o.emit("* upgrade")
		o.flush()
	case eio.ActTransportClose:
		o.reply("6")
	default:
	}
	if act.Closes() {
		o.finish(act.Reason())
	}
}

func (o *owner) dropProbe() {
	if o.probe != "" {
		o.emit("< %s 88 00", o.probe)
		o.probe = ""
	}
}

// finish closes everything.
func (o *owner) finish(why eio.Reason) {
	if o.ended {
		o.emit("* closed twice")
		return
	}
	o.ended = true
	o.s.Closed()
	o.reply("1")
	o.dropProbe()
	if o.ws != "" && why != eio.ReasonTransportClose {
		o.emit("< %s 88 00", o.ws)
	}
	o.ws = ""
	o.emit("* close %s", why)
}

// expire does what is due.
func (o *owner) expire() {
	for {
		act := o.s.Expire(&o.cfg, o.now)
		if act == eio.ActNone {
			return
		}
		o.do(act)
	}
}

// advance moves the clock and meets every deadline on time.
func (o *owner) advance(to int64) {
	for {
		d := o.s.Deadline()
		if d == 0 || d > to {
			break
		}
		o.now = max(o.now, d)
		o.expire()
	}
	o.now = to
}
