package load

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// state is how far the handshake of a Conn is.
type state uint8

const (
	stateDialled   state = iota // nothing has come
	stateJoining                // Engine.IO is open, CONNECT is on its way
	stateUpgrading              // joined, and not on WebSocket yet
	stateOpen                   // ready
	stateClosed                 // over
)

// A Conn is one connection of a Pool.
type Conn struct {
	// Immutable after Open.
	Index     int // in Pool.Conns
	Owner     any // the caller's
	pool      *Pool
	transport Transport
	on        int // number of the loop
	began     int64

	// Owned by the loop goroutine; for the owner of the Pool.
	User int64

	// Owned by the loop goroutine.
	opened int64 // Pool.Now when it was ready
	h      *handler
	ws     *leg     // the WebSocket, once it is the transport
	poll   *polling // nil without polling
	binary *pending // packet whose attachments are awaited, and its buffers
	unsent *pending // packet that leaves when it has its attachments; only with Options.Msgpack
	state  state

	ready chan error // written once by the loop
}

// A Packet is an event or an acknowledgement. Everything in it is borrowed:
// valid until OnPacket returns.
type Packet struct {
	Ack  bool
	ID   int64  // of the acknowledgement asked for or given, -1 without
	Data []byte // the JSON array, for an event with its name
	// Attachments are the binary arguments that Data has placeholders for.
	Attachments [][]byte
	At          int64 // Pool.Now when its bytes were read
}

// pending is a binary packet that is not complete.
type pending struct {
	// Owned by the loop goroutine.
	packet Packet
	data   []byte   // backs packet.Data
	store  [][]byte // back packet.Attachments
	want   int
}

// Pool returns the Pool of c. It may be called from any goroutine.
func (c *Conn) Pool() *Pool { return c.pool }

// LoopID returns the number of c's loop. It may be called from any goroutine.
func (c *Conn) LoopID() int { return c.on }

// Transport returns what c was opened with. It may be called from any
// goroutine.
func (c *Conn) Transport() Transport { return c.transport }

// Took returns how long c took to be ready, in nanoseconds: TCP connection,
// handshakes and upgrade.
func (c *Conn) Took() int64 { return c.opened - c.began }

// UpgradeTook returns how long the upgrade took in nanoseconds, from its
// request to the last packet of the probe, or 0 without.
func (c *Conn) UpgradeTook() int64 {
	if c.poll == nil {
		return 0
	}
	return c.poll.upgradeTook
}

// Open reports whether c is ready and alive.
func (c *Conn) Open() bool { return c.state == stateOpen }

// Send queues text as one message: an Engine.IO message with its "4" in front,
// or any text if the Pool is plain. Text is copied. With Options.Msgpack the
// packet is translated, and leaves when its attachments have been given to
// SendBinary.
func (c *Conn) Send(text []byte) {
	if c.pool.opts.Msgpack && len(text) > 0 && text[0] == '4' {
		if c.state != stateClosed {
			c.packed(text[1:])
		}
		return
	}
	if c.ws == nil {
		c.pollSend(text)
		return
	}
	c.ws.frame(wsframe.OpText, text)
}

// SendBinary queues data as one binary message, such as an attachment. Data is
// copied.
func (c *Conn) SendBinary(data []byte) {
	if c.pool.opts.Msgpack && c.packedAttachment(data) {
		return
	}
	c.sendBinary(data)
}

// Queued returns the number of bytes that the kernel has not taken yet, or on
// polling that wait for a POST.
func (c *Conn) Queued() int {
	switch {
	case c.ws != nil:
		return c.ws.lc.Queued()
	case c.poll != nil:
		return len(c.poll.outbox)
	}
	return 0
}

// Hangup closes the connection without a close frame.
func (c *Conn) Hangup() { c.end(ErrHangup) }

// PauseRead stops reading.
func (c *Conn) PauseRead() {
	c.eachLeg(func(g *leg) { g.lc.PauseRead() })
}

// ResumeRead undoes PauseRead.
func (c *Conn) ResumeRead() {
	c.eachLeg(func(g *leg) { g.lc.ResumeRead() })
}

func (c *Conn) eachLeg(f func(*leg)) {
	if c.ws != nil {
		f(c.ws)
	}
	if p := c.poll; p != nil {
		for _, g := range []*leg{p.get, p.post, p.probe} {
			if g != nil {
				f(g)
			}
		}
	}
}

// giveUp ends the handshake because its time is over.
func (c *Conn) giveUp(err error) {
	if c.state == stateOpen || c.state == stateClosed {
		return
	}
	if !errors.Is(err, errDeadline) {
		c.end(err)
		return
	}
	c.end(c.timeoutError(err))
}

// end closes all legs and tells whoever waits. It is called on the loop.
func (c *Conn) end(err error) {
	if c.state == stateClosed {
		return
	}
	err = c.explain(err)
	was := c.state
	c.state = stateClosed
	c.eachLeg(func(g *leg) { g.lc.Close(err) })
	if was != stateOpen {
		c.ready <- err
		return
	}
	c.pool.connected.Add(-1)
	c.pool.lost.Add(1)
	if f := c.pool.opts.OnClose; f != nil {
		f(c, err)
	}
}

// explain makes an *Error of what ended c, unless its caller did.
func (c *Conn) explain(err error) error {
	if errors.Is(err, ErrHangup) || errors.Is(err, errCanceled) || errors.Is(err, ErrPoolClosed) || errors.Is(err, loop.ErrShutdown) {
		return err
	}
	return c.closedError(err)
}

// becomeOpen ends the handshake.
func (c *Conn) becomeOpen() {
	c.state = stateOpen
	c.opened = c.pool.Now()
	c.pool.connected.Add(1)
	if f := c.pool.opts.OnOpen; f != nil {
		f(c)
	}
	c.ready <- nil
}

var (
	pong       = []byte("3")
	connectKey = []byte(`"sid"`)
)

// text takes one Engine.IO packet that came as text.
func (c *Conn) text(p []byte) {
	if len(p) == 0 {
		return
	}
	switch p[0] {
	case '4':
		c.message(p[1:])
	case '2':
		if len(p) == 1 {
			c.Send(pong)
		}
	case '0':
		c.handshake(p[1:])
	case '1':
		c.end(fail(Closed, nil, "the server closed the session"))
	}
}

// handshake takes the first packet of Engine.IO.
func (c *Conn) handshake(b []byte) {
	if c.state != stateDialled {
		return
	}
	var open openPacket
	if err := json.Unmarshal(b, &open); err != nil || open.SID == "" {
		c.end(fail(WrongVersion, err, "version mismatch: the server opened with %.60q, which is not Engine.IO 4", b))
		return
	}
	c.state = stateJoining
	if c.poll != nil {
		c.poll.opened(c, &open)
	}
	if c.state == stateJoining {
		c.Send(c.pool.connect)
	}
}

// openPacket is what a server says first.
type openPacket struct {
	SID        string   `json:"sid"`
	Upgrades   []string `json:"upgrades"`
	MaxPayload int      `json:"maxPayload"`
}

// message takes one Socket.IO packet.
func (c *Conn) message(p []byte) {
	if len(p) == 0 {
		return
	}
	if c.pool.opts.Msgpack {
		c.end(fail(WrongVersion, nil, "the server sent a packet as text: it does not use the msgpack parser"))
		return
	}
	switch p[0] {
	case '2', '3', '5', '6':
		c.event(p)
		return
	}
	rest, ours := bytes.CutPrefix(p[1:], c.pool.prefix)
	if !ours {
		return
	}
	switch p[0] {
	case '0':
		c.joined(rest)
	case '1':
		c.end(fail(Closed, nil, "the server disconnected the socket"))
	case '4':
		c.refused(rest)
	}
}

// joined takes the answer to the CONNECT.
func (c *Conn) joined(b []byte) {
	if c.state != stateJoining {
		return
	}
	if !bytes.Contains(b, connectKey) {
		c.end(fail(WrongVersion, nil, "version mismatch: the server answered the CONNECT without a sid, as Socket.IO 2 does"))
		return
	}
	if c.transport == Upgrade {
		c.state = stateUpgrading
		c.probe()
		return
	}
	c.becomeOpen()
}

func (c *Conn) refused(b []byte) {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(b, &e) != nil || e.Message == "" {
		e.Message = string(b)
	}
	c.end(fail(Refused, nil, "the server refused namespace %s: %s", c.pool.opts.Namespace, e.Message))
}

// event takes an event or an acknowledgement, of which attachments may follow.
func (c *Conn) event(p []byte) {
	o := &c.pool.opts
	if o.OnPacket == nil {
		if o.OnEvent != nil && p[0] <= '3' {
			o.OnEvent(c, p)
		}
		return
	}
	count := 0
	rest := p[1:]
	if p[0] >= '5' {
		var n int64
		n, rest = number(rest)
		if n < 0 || len(rest) == 0 || rest[0] != '-' {
			c.end(fail(Other, nil, "the server sent a malformed packet: %.60q", p))
			return
		}
		count, rest = int(n), rest[1:]
	}
	rest, ours := bytes.CutPrefix(rest, c.pool.prefix)
	if !ours || len(c.pool.prefix) == 0 && len(rest) > 0 && rest[0] == '/' {
		return // another namespace: nobody asked for it
	}
	packet := &c.h.packet
	*packet = Packet{Ack: p[0] == '3' || p[0] == '6', At: c.h.at}
	packet.ID, packet.Data = number(rest)
	if count == 0 {
		o.OnPacket(c, packet)
		return
	}
	if c.binary == nil {
		c.binary = new(pending)
	}
	c.binary.start(*packet, count)
}

// attachment takes one binary message.
func (c *Conn) attachment(data []byte) {
	if c.pool.opts.Msgpack {
		c.unpacked(data)
		return
	}
	b := c.binary
	if b == nil || b.want == 0 {
		return
	}
	b.add(data)
	if b.want--; b.want == 0 {
		b.packet.At = c.h.at
		c.pool.opts.OnPacket(c, &b.packet)
	}
}

func (b *pending) start(p Packet, count int) {
	b.data = append(b.data[:0], p.Data...)
	p.Data, p.Attachments = b.data, b.packet.Attachments[:0]
	b.packet, b.want = p, count
}

func (b *pending) add(data []byte) {
	i := len(b.packet.Attachments)
	if i == len(b.store) {
		b.store = append(b.store, nil)
	}
	b.store[i] = append(b.store[i][:0], data...)
	b.packet.Attachments = append(b.packet.Attachments, b.store[i])
}

// number cuts decimal digits off b; n is -1 without any.
func number(b []byte) (n int64, rest []byte) {
	i := 0
	for i < len(b) && i < 18 && b[i] >= '0' && b[i] <= '9' {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	if i == 0 {
		n = -1
	}
	return n, b[i:]
}

// sendBinary queues one binary message.
func (c *Conn) sendBinary(data []byte) {
	if c.ws == nil {
		c.pollSendBinary(data)
		return
	}
	c.ws.frame(wsframe.OpBinary, data)
}

// frame queues one message on a WebSocket.
func (g *leg) frame(op wsframe.Opcode, payload []byte) {
	b := bufpool.Get(len(payload) + 16)
	b.B = wsframe.AppendMaskedFrame(b.B, op, mask, payload)
	g.send(b)
}

// send queues b and gives the caller's reference up.
func (g *leg) send(b *bufpool.Buf) {
	g.lc.Send(b)
	g.lc.Loop().Defer(b)
}

// mask is the key of every frame: what it protects from are proxies.
var mask = [4]byte{0x12, 0x34, 0x56, 0x78}
