package scenario

import (
	"bytes"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

// joinID marks the ids of joins; below it they are numbers of echoes.
const joinID = 1 << 40

// packet is load.Options.OnPacket.
func (w *worker) packet(c *load.Conn, p *load.Packet) {
	cl := c.Owner.(*client)
	if p.Ack && p.ID >= joinID {
		w.joined(cl)
		return
	}
	w.counts.received++
	if p.Ack {
		w.deliver(cl, p, kindEcho, firstString(p.Data))
		return
	}
	name := firstString(p.Data)
	e := &w.run.events
	switch {
	case bytes.Equal(name, e.tick):
		w.ticked(cl, p)
	case bytes.Equal(name, e.echo):
		w.deliver(cl, p, kindEcho, secondString(p.Data, len(name)))
	case bytes.Equal(name, e.broadcast):
		w.deliver(cl, p, kindBroadcast, secondString(p.Data, len(name)))
	case bytes.Equal(name, e.room):
		w.deliver(cl, p, kindRoom, secondString(p.Data, len(name)))
	}
}

// firstString returns the text of the first element of a JSON array, nil if it
// is no string. Escapes are left as they are.
func firstString(data []byte) []byte {
	if len(data) < 2 || data[0] != '[' || data[1] != '"' {
		return nil
	}
	return untilQuote(data[2:])
}

// secondString returns the text of the element behind a first one of n bytes.
func secondString(data []byte, n int) []byte {
	if len(data) < n+5 || data[n+3] != ',' || data[n+4] != '"' {
		return nil
	}
	return untilQuote(data[n+5:])
}

var quote = []byte{'"'}

func untilQuote(b []byte) []byte {
	if text, _, closed := bytes.Cut(b, quote); closed {
		return text
	}
	return nil
}

// deliver checks and times one message that came as the given kind.
func (w *worker) deliver(cl *client, p *load.Packet, kind byte, payload []byte) {
	if len(p.Attachments) > 0 {
		payload = p.Attachments[0]
	}
	if !w.planned || cl.slow {
		return
	}
	r := w.run
	var st stamp
	intact := false
	if kind == kindEcho {
		intact = st.read(payload)
	} else {
		intact = w.seen.read(payload, &st)
	}
	if !intact || len(payload) != len(r.pad) {
		w.corrupt(cl, p, kind, payload)
		return
	}
	if st.run != r.tag {
		return // of somebody else who uses the server too
	}
	if st.sender >= uint64(len(r.senders)) {
		w.wrong(&w.checks.Misrouted, 1, "connection %d got a message of sender %d, who does not exist", cl.id, st.sender)
		return
	}
	s := r.senders[st.sender]
	t := cl.track(s)
	if t == nil || st.kind != kind || st.kind != s.flow.kind || st.room != uint64(s.room) || p.Ack && uint64(p.ID) != st.seq {
		w.misrouted(cl, p, &st, kind)
		return
	}
	switch t.see(st.seq) {
	case duplicate:
		w.wrong(&w.checks.Duplicated, 1, "connection %d got message %d of sender %d (%s) twice", cl.id, st.seq, st.sender, s.flow.name)
		return
	case late:
		w.wrong(&w.checks.Reordered, 1, "connection %d got message %d of sender %d (%s) behind a later one", cl.id, st.seq, st.sender, s.flow.name)
	case inOrder:
	}
	w.record(s.flow.time, p.At-st.time, st.time)
	w.credit(s)
}

// credit counts a delivery, and has a closed loop send the next message when
// it was the last one.
func (w *worker) credit(s *sender) {
	f := s.flow
	if f.kind == kindEcho {
		s.returned++
		if w.sending && f.rate == 0 && !f.once {
			w.send(s, w.run.pool.Now())
		}
		return
	}
	n := s.delivered.Add(1)
	if f.rate > 0 || n%s.receivers != 0 {
		return
	}
	if s.client.on == w.id {
		s.next()
		return
	}
	_ = w.run.pool.DoOn(s.client.on, s.next)
}

func (w *worker) corrupt(cl *client, p *load.Packet, kind byte, payload []byte) {
	cl.corrupted++
	w.wrong(&w.checks.Corrupted, 1, "connection %d got a %s whose payload is not as it was sent: %.60q", cl.id, kindName(kind), payload)
	if s := cl.echo; kind == kindEcho && s != nil && s.pending() > 0 {
		if p.Ack {
			_ = cl.self.see(uint64(p.ID))
			cl.corrupted--
		}
		w.credit(s)
	}
}

func (w *worker) misrouted(cl *client, p *load.Packet, st *stamp, kind byte) {
	s := w.run.senders[st.sender]
	switch {
	case p.Ack && s.client == cl:
		w.wrong(&w.checks.Misrouted, 1, "connection %d got message %d as the acknowledgement of message %d", cl.id, st.seq, p.ID)
	case kind == kindRoom && st.kind == kindRoom:
		w.wrong(&w.checks.Misrouted, 1, "connection %d got message %d of sender %d for room %s, in which it is not",
			cl.id, st.seq, st.sender, w.run.roomName(int(st.room)))
	case kind == st.kind:
		w.wrong(&w.checks.Misrouted, 1, "connection %d got message %d of sender %d, which was not for it", cl.id, st.seq, st.sender)
	default:
		w.wrong(&w.checks.Misrouted, 1, "connection %d got message %d of sender %d as a %s, and it was sent as a %s",
			cl.id, st.seq, st.sender, kindName(kind), kindName(st.kind))
	}
}

func kindName(kind byte) string {
	switch kind {
	case kindEcho:
		return "reply"
	case kindBroadcast:
		return "broadcast"
	case kindRoom:
		return "message of a room"
	}
	return "message of an unknown kind"
}

// joined counts the acknowledgement of a join.
func (w *worker) joined(cl *client) {
	if cl.joins == 0 {
		return
	}
	cl.joins--
	if w.run.joins.Add(-1) == 0 {
		close(w.run.allJoined)
	}
}

// ticked checks a message that the server sent by itself: ["tick",n,ns,"…"].
func (w *worker) ticked(cl *client, p *load.Packet) {
	rest := p.Data[len(w.run.events.tick)+3:]
	seq, rest, ok := cutNumber(rest)
	sent, rest, ok2 := cutNumber(rest)
	if !ok || !ok2 {
		w.wrong(&w.checks.Corrupted, 1, "connection %d got a tick without numbers: %.60q", cl.id, p.Data)
		return
	}
	if first := w.run.firstTick(rest); !bytes.Equal(first, rest) {
		cl.corrupted++
		w.wrong(&w.checks.Corrupted, 1, "connection %d got tick %d with %.40q, and others ended with %.40q", cl.id, seq, rest, first)
	}
	if !cl.ticked {
		cl.ticked, cl.ticks.next = true, uint64(seq)
	}
	switch cl.ticks.see(uint64(seq)) {
	case duplicate:
		w.wrong(&w.checks.Duplicated, 1, "connection %d got tick %d twice", cl.id, seq)
	case late:
		w.wrong(&w.checks.Reordered, 1, "connection %d got tick %d behind a later one", cl.id, seq)
	case inOrder:
		if ns, ok := w.run.since(sent, p.At); ok {
			w.record(timeBroadcast, ns, p.At)
		}
	}
}

// cutNumber cuts ",123" off b.
func cutNumber(b []byte) (n int64, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != ',' {
		return 0, b, false
	}
	i := 1
	for i < len(b) && i < 20 && b[i] >= '0' && b[i] <= '9' {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	return n, b[i:], i > 1
}

// since returns how long before the time at of the Pool the server's clock
// showed sent: nanoseconds of Unix time, or of the system's monotonic clock as
// Node has it. ok is false if it is neither, as with a server elsewhere.
func (r *run) since(sent, at int64) (ns int64, ok bool) {
	const credible = int64(time.Minute)
	for _, base := range []int64{r.unixBase, r.monotonicBase} {
		if base == 0 {
			continue
		}
		if ns := base + at - sent; ns >= 0 && ns < credible {
			return ns, true
		}
	}
	return 0, false
}
