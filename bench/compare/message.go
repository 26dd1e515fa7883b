package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/internal/msgpackx"
	"github.com/gannet-io/gannet/internal/packet"
)

// content is what a payload is made of.
type content uint8

const (
	letters content = iota // one string of the given size
	records                // a list of objects, at least of the given size as JSON
	mixture                // numbers, strings, and binary of the given size
)

// payload is that of every message: JSON, and the attachment it has a
// placeholder for, or nil.
func (s *scenario) payload() (json string, binary []byte) {
	switch s.content {
	case letters:
	case records:
		return quotes(s.size), nil
	case mixture:
		binary = make([]byte, s.size)
		for i, r := 0, random(1); i < len(binary); i++ {
			binary[i] = byte(r.next() >> 24)
		}
		return `{"id":48213,"at":1763777777123,"price":101.25,"ok":true,"name":"Morus bassanus","tags":["sea","bird"],` +
			`"image":{"_placeholder":true,"num":0}}`, binary
	}
	return `"` + strings.Repeat("x", s.size) + `"`, nil
}

// quotes returns a list of objects such as a ticker sends, whose numbers are no
// pattern. JavaScript writes them as they are here: no fraction ends with 0.
func quotes(size int) string {
	b, r := []byte{'['}, random(7)
	for len(b) < size {
		if len(b) > 1 {
			b = append(b, ',')
		}
		name := []byte{'A' + byte(r.next()>>27%26), 'A' + byte(r.next()>>27%26), 'A' + byte(r.next()>>27%26)}
		bid, cents := r.next()>>22, 1+r.next()>>28%8
		b = fmt.Appendf(b, `{"symbol":"%s","bid":%d.%d%d,"ask":%d.%d%d,"volume":%d,"up":%t}`,
			name, bid, cents, cents, bid, cents, cents+1, r.next()>>14, r.next()>>31 == 0)
	}
	return string(append(b, ']'))
}

// random is a sequence of numbers that is the same every time; their high bits
// are the better ones.
type random uint32

func (r *random) next() uint32 {
	*r = *r*1664525 + 1013904223
	return uint32(*r)
}

// A message is an event that a scenario sends, and how its client knows it
// again.
type message struct {
	// Immutable after newMessage.
	text   []byte // the packet with the "4" in front; nil with MessagePack
	binary []byte // its attachment, or the whole packet in MessagePack
	args   []byte // the JSON array of name and payload
	atts   [][]byte
	mode   variant

	// Owned by the client's loop.
	known []byte // in MessagePack: what has come back, once that was found to be right
}

// newMessage returns an event with the scenario's payload as its argument.
func newMessage(sc *scenario, s *server, event string) (*message, error) {
	json, binary := sc.payload()
	m := &message{args: fmt.Appendf(nil, `[%q,%s]`, event, json), binary: binary, mode: s.variant}
	if binary != nil {
		m.atts = [][]byte{binary}
	}
	switch {
	case s.variant == packed:
		b := append(msgpackx.AppendString(msgpackx.AppendMap(nil, 3), "type"), byte(packet.Event))
		b, err := msgpackx.FromJSON(msgpackx.AppendString(b, "data"), m.args, m.atts)
		if err != nil {
			return nil, err
		}
		m.binary = msgpackx.AppendString(msgpackx.AppendString(b, "nsp"), "/")
	case binary != nil:
		m.text = append([]byte("451-"), m.args...)
	default:
		m.text = append([]byte("42"), m.args...)
	}
	return m, nil
}

// send sends m. It is called on the client's loop.
func (m *message) send(c *load.Conn) {
	if m.text != nil {
		c.Send(m.text)
	}
	if m.binary != nil {
		c.SendBinary(m.binary)
	}
}

// awaited has got called for every event, with whether it is m.
func (m *message) awaited(o *load.Options, got func(c *load.Conn, same bool)) {
	switch {
	case m.mode == packed:
		o.OnEvent = func(c *load.Conn, b []byte) { got(c, m.isPacked(b)) }
	case m.binary != nil:
		o.OnPacket = func(c *load.Conn, p *load.Packet) {
			got(c, bytes.Equal(p.Data, m.args) && len(p.Attachments) == 1 && bytes.Equal(p.Attachments[0], m.binary))
		}
	case m.mode == recovering: // an offset stands behind the arguments
		open := m.text[1 : len(m.text)-1]
		o.OnEvent = func(c *load.Conn, b []byte) {
			got(c, bytes.HasPrefix(b, open) && bytes.HasPrefix(b[len(open):], []byte(`,"`)))
		}
	default:
		want := m.text[1:]
		o.OnEvent = func(c *load.Conn, b []byte) { got(c, bytes.Equal(b, want)) }
	}
}

// isPacked compares with what came first, and that with what was sent: servers
// may order keys and choose lengths as they like.
func (m *message) isPacked(b []byte) bool {
	if m.known != nil {
		return bytes.Equal(b, m.known)
	}
	var p packet.Packet
	if packet.Msgpack.Parse(b, nil, &p) != nil || p.Type != packet.Event {
		return false
	}
	var atts [][]byte
	json, err := packet.Msgpack.AppendJSON(nil, p.Data, &atts)
	if err != nil || !bytes.Equal(json, m.args) || len(atts) != len(m.atts) {
		return false
	}
	for i := range atts {
		if !bytes.Equal(atts[i], m.atts[i]) {
			return false
		}
	}
	m.known = bytes.Clone(b)
	return true
}
