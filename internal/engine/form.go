package engine

import (
	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// A form says how the packets of a session look on the wire. That of most is
// zero: a packet leaves as it is.
type form uint8

const (
	formBase64 form = 1 << iota // binary is base64 text; each transport has its own
	formRev3                    // protocol revision 3
	formJSONP                   // polls are answered with scripts
)

// onWebSocket returns a packet in the form of the session's WebSocket. It lives
// as long as b, and at least until the end of the turn.
func (s *Session) onWebSocket(b *bufpool.Buf) *bufpool.Buf {
	if (s.form != 0 || s.base64()) && hasBinary(b.B) {
		b = s.translated(b)
	}
	if s.window != 0 {
		b = s.shard.compressed(b, s.window)
	}
	return b
}

// translated rewrites a packet for a client that wants binary in another form.
func (s *Session) translated(b *bufpool.Buf) *bufpool.Buf {
	out := bufpool.Get(len(b.B) + len(b.B)/2)
	out.Plain = b.Plain
	for rest := b.B; len(rest) > 0; {
		var binary bool
		var payload []byte
		binary, payload, rest = SplitFrame(rest)
		switch {
		case !binary:
			out.B = wsframe.AppendFrame(out.B, wsframe.OpText, payload)
		case !s.base64():
			out.B = wsframe.AppendHeader(out.B, wsframe.OpBinary, 1+len(payload))
			out.B = append(polling.AppendBinaryType3(out.B), payload...)
		default:
			var text []byte
			if s.form&formRev3 != 0 {
				text = polling.AppendBinaryPacket3(nil, payload)
			} else {
				text = polling.AppendBinaryPacket(nil, payload)
			}
			out.B = wsframe.AppendFrame(out.B, wsframe.OpText, text)
		}
	}
	s.shard.loop.Defer(out)
	return out
}

// hasBinary tells whether a packet has binary messages.
func hasBinary(frames []byte) bool {
	for len(frames) > 0 {
		var binary bool
		if binary, _, frames = SplitFrame(frames); binary {
			return true
		}
	}
	return false
}

// appendPayload appends a packet to a payload of polling in the given form and
// framing, which revision 4 does not have. Packets of revision 4 are separated.
func (f form) appendPayload(dst, frames []byte, framing polling.Framing, first bool) []byte {
	for ; len(frames) > 0; first = false {
		var binary bool
		var payload []byte
		binary, payload, frames = SplitFrame(frames)
		switch {
		case f&formRev3 == 0:
			if !first {
				dst = append(dst, polling.Separator)
			}
			if binary {
				dst = polling.AppendBinaryPacket(dst, payload)
			} else {
				dst = append(dst, payload...)
			}
		case binary:
			dst = polling.AppendBinary3(dst, payload, framing)
		default:
			dst = polling.AppendText3(dst, payload, framing)
		}
	}
	return dst
}

// appendText appends text packets of the server's own to a payload.
func (f form) appendText(dst []byte, packets ...string) []byte {
	for i, p := range packets {
		switch {
		case f&formRev3 != 0:
			dst = polling.AppendText3(dst, []byte(p), polling.TextFraming)
		case i > 0:
			dst = append(append(dst, polling.Separator), p...)
		default:
			dst = append(dst, p...)
		}
	}
	return dst
}

// binaryFraming tells whether polls of this form may be answered with raw
// binary.
func (f form) binaryFraming() bool { return f&(formRev3|formBase64|formJSONP) == formRev3 }
