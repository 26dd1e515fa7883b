package packet

import (
	"bytes"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// EventName returns the name of an event: the text of its first argument,
// without escapes, or of a number as JavaScript prints it. It is a view of
// the packet where possible, else it is appended to scratch[:0]. ok is false
// for an event without payload and for packets that are not events.
func (p *Packet) EventName(scratch []byte) (name []byte, ok bool) {
	if len(p.Args) == 0 || (p.Type != Event && p.Type != BinaryEvent) {
		return nil, false
	}
	raw := p.Args[0]
	if raw[0] != '"' {
		if plainInteger(raw) {
			return raw, true
		}
		return jsonx.AppendNumberText(scratch[:0], raw), true
	}
	raw = raw[1 : len(raw)-1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	return jsonx.Unquote(scratch[:0], raw), true
}

// plainInteger reports whether JavaScript prints the number as it is written.
func plainInteger(raw []byte) bool {
	if len(raw) > 15 {
		return false
	}
	for _, c := range raw {
		if c-'0' >= 10 {
			return false
		}
	}
	return true
}

// checkName validates the first element of an event.
func checkName(raw []byte, lim *Limits) error {
	if raw[0] == '-' || raw[0]-'0' < 10 {
		return nil
	}
	if raw[0] != '"' {
		return ErrPayload
	}
	limit := lim.name()
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		if len(raw) > limit {
			return ErrEventName
		}
		if reserved(raw) {
			return ErrPayload
		}
		return nil
	}
	// An escape is at most six bytes for one.
	if len(raw)/6 > limit {
		return ErrEventName
	}
	var buf [defaultMaxName]byte
	name := jsonx.Unquote(buf[:0], raw)
	if len(name) > limit {
		return ErrEventName
	}
	if reserved(name) {
		return ErrPayload
	}
	return nil
}
