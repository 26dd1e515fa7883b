package wsframe_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/wsframe"
)

// model reads the whole stream with gobwas and the rules that gobwas leaves to
// its caller. It is slow and obvious.
func model(cfg *wsframe.Config, in []byte) result {
	limit := cfg.MaxMessage
	if limit <= 0 {
		limit = wsframe.DefaultMaxMessage
	}
	side := ws.StateServerSide
	if cfg.FromServer {
		side = ws.StateClientSide
	}
	var (
		res      result
		msg      []byte
		msgOp    ws.OpCode
		inside   bool
		complete int
	)
	fail := func(code uint16) result {
		return result{events: res.events, code: code}
	}
	for len(in) > 0 {
		state := side
		if inside {
			state = state.Set(ws.StateFragmented)
		}
		raw := bytes.NewReader(in)
		h, err := ws.ReadHeader(raw)
		size := len(in) - raw.Len()
		short := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		known := true // the length
		if short {
			h, known, err = guess(in, side)
		}
		first := h
		first.Masked = side.ServerSide() // comes with the second byte
		if ws.CheckHeader(first, state) == nil && h.OpCode == ws.OpContinuation && complete >= 1024 && len(msg) < 32*complete {
			return fail(1008)
		}
		if err != nil || ws.CheckHeader(h, state) != nil {
			return fail(1002)
		}
		if known {
			if code := in[1] & 0x7F; code == 126 && h.Length < 126 || code == 127 && h.Length < 1<<16 {
				return fail(1002)
			}
			if !h.OpCode.IsControl() && h.Length > int64(limit-len(msg)) {
				return fail(1009)
			}
		}
		if short {
			res.partial = true
			return res
		}
		in = in[size:]
		n := int(min(h.Length, int64(len(in))))
		p := bytes.Clone(in[:n])
		in = in[n:]
		whole := int64(n) == h.Length
		if h.Masked {
			ws.Cipher(p, h.Mask, 0)
		}
		if h.OpCode.IsControl() && !whole {
			res.partial = true
			return res
		}
		if h.OpCode == ws.OpClose {
			if code := modelClose(p); code != 0 {
				return fail(code)
			}
		}
		if h.OpCode.IsControl() {
			res.events = append(res.events, event(wsframe.Opcode(h.OpCode), p))
			if h.OpCode == ws.OpClose {
				return res
			}
			continue
		}
		if h.OpCode != ws.OpContinuation {
			msgOp, msg, complete = h.OpCode, nil, 0
		}
		msg = append(msg, p...)
		inside = !h.Fin || !whole
		if msgOp == ws.OpText && (!viable(msg) || whole && h.Fin && !utf8.Valid(msg)) {
			return fail(1007)
		}
		if !whole {
			res.partial = true
			return res
		}
		complete++
		if h.Fin {
			res.events = append(res.events, event(wsframe.Opcode(msgOp), msg))
			msg = nil
		}
	}
	res.partial = inside
	return res
}

// guess completes the header that in is the beginning of, so that it breaks no
// rule that in does not break. It reports whether the length is in.
func guess(in []byte, side ws.State) (h ws.Header, known bool, err error) {
	c := append(bytes.Clone(in), make([]byte, 16)...)
	if len(in) < 2 && side.ServerSide() {
		c[1] = 0x80
	}
	need := 2
	switch c[1] & 0x7F {
	case 126:
		need = 4
	case 127:
		need = 10
	}
	known = len(in) >= need
	h, err = ws.ReadHeader(bytes.NewReader(c))
	if !known {
		h.Length = int64(c[1] & 0x7F) // too long for a control frame, harmless otherwise
		err = nil
	}
	return h, known, err
}

func modelClose(p []byte) uint16 {
	if len(p) == 0 {
		return 0
	}
	if len(p) == 1 {
		return 1002
	}
	code, reason := ws.ParseCloseFrameData(p)
	switch {
	case code >= 1012 && code <= 1014: // registered since gobwas was written
	case code >= 5000:
		return 1002
	default:
		err := ws.CheckCloseFrameData(code, "")
		if err != nil {
			return 1002
		}
	}
	if !utf8.ValidString(reason) {
		return 1007
	}
	return 0
}

// viable reports whether p can be the beginning of UTF-8: some continuation of
// its last rune makes it valid. The continuation bytes tried are the bounds of
// the ranges in table 3-7 of the Unicode standard.
func viable(p []byte) bool {
	if utf8.Valid(p) {
		return true
	}
	for len(p) > 0 {
		_, size := utf8.DecodeRune(p)
		if size == 1 && p[0] >= utf8.RuneSelf {
			break
		}
		p = p[size:]
	}
	if len(p) > 3 {
		return false // no rune is longer than four bytes
	}
	return completes(p, 3)
}

func completes(p []byte, more int) bool {
	if utf8.Valid(p) {
		return true
	}
	if more == 0 {
		return false
	}
	for _, c := range []byte{0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF} {
		if completes(append(slices.Clip(p), c), more-1) {
			return true
		}
	}
	return false
}
