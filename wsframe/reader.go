package wsframe

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/bufpool"
)

// The states of a Reader.
const (
	inFrame   = 1 << iota // header read, payload outstanding
	finFrame              // the current frame has FIN
	delivered             // the buffers hold what the last call returned
	dead                  // an error or a close frame ended the stream
	squeezed              // the unfinished message is compressed
)

// A Reader turns the bytes of one connection into messages. Its zero value is
// ready. It holds no buffer while it is idle, and at most one for a message
// and one for a control frame in the middle of them; they grow with the bytes
// that arrive, never with the length that a peer declares.
type Reader struct {
	// Owned by the goroutine that calls Next.
	msg   *bufpool.Buf   // payload of the unfinished message, unmasked
	ctl   *bufpool.Buf   // payload of the unfinished control frame, unmasked
	need  int            // payload bytes of the current frame still to come
	valid int            // leading bytes of msg known to be whole runes
	key   uint32         // masking key, its lowest byte for the next byte
	frags uint32         // frames of the unfinished message that are complete
	head  [maxKeyed]byte // an unfinished header
	have  uint8          // bytes in head
	op    Opcode         // of the current frame
	msgOp Opcode         // of the unfinished message, 0 when there is none
	flags uint8
}

// Next consumes bytes from b and returns the next message and what is left of
// b. It may change b, which it unmasks in place. With ok == false all of b is
// consumed and more is needed; to have the buffers of the last message given
// back, call Next until then, even with an empty b.
//
// An error is a *CloseError. After it, and after a close message, the Reader
// ignores all further input.
func (r *Reader) Next(cfg *Config, b []byte) (m Message, rest []byte, ok bool, err error) {
	if r.flags&(delivered|dead) != 0 {
		r.recycle()
		if r.flags&dead != 0 {
			return Message{}, nil, false, nil
		}
	}
	for {
		var bad *CloseError
		if r.flags&inFrame == 0 {
			if b, bad = r.header(cfg, b); bad != nil {
				return r.fail(bad)
			}
			if r.flags&inFrame == 0 {
				return Message{}, nil, false, nil
			}
		}
		n := min(r.need, len(b))
		p, bad := r.payload(cfg, b[:n:n])
		if bad != nil {
			return r.fail(bad)
		}
		b = b[n:]
		if r.flags&inFrame != 0 {
			return Message{}, nil, false, nil
		}
		if r.flags&finFrame == 0 {
			continue
		}
		if m, bad = r.finish(cfg, p); bad != nil {
			return r.fail(bad)
		}
		return m, b, true, nil
	}
}

// Partial reports whether the peer has begun a frame or a message and owes
// the rest. The caller gives it a deadline, which the next data message may
// move but a control frame in the middle of the message may not.
func (r *Reader) Partial() bool {
	return r.flags&dead == 0 && (r.flags&inFrame != 0 || r.have > 0 || r.msgOp != 0)
}

// Release gives all buffers back and forgets the stream: the Reader is as
// good as new. A Payload that aliases them is no longer valid.
func (r *Reader) Release() {
	r.freeMessage()
	r.freeControl()
	*r = Reader{}
}

// finish turns the payload of a final frame into what it ends: a message, or
// itself if it is a control frame.
func (r *Reader) finish(cfg *Config, p []byte) (m Message, bad *CloseError) {
	m = Message{Op: r.op, Payload: p}
	switch {
	case !m.Op.Control():
		if r.flags&squeezed != 0 && len(p) > 0 {
			if m.Payload, bad = r.inflate(cfg, p); bad != nil {
				return Message{}, bad
			}
		}
		m.Op, r.msgOp, r.frags = r.msgOp, 0, 0
	case m.Op == OpClose:
		if bad := checkClose(p); bad != nil {
			return Message{}, bad
		}
		r.freeMessage()
		r.flags |= dead
	}
	return m, nil
}

// inflate replaces the compressed payload p of the message that is complete,
// which is msg or lies in the caller's bytes. It is not asked about an empty
// one, of which the reference makes an empty message although a compressor
// writes at least one byte.
func (r *Reader) inflate(cfg *Config, p []byte) (whole []byte, bad *CloseError) {
	var out *bufpool.Buf
	if r.msg == nil {
		out, bad = cfg.Inflater.copied(p, cfg.maxMessage())
	} else {
		r.msg.B = append(r.msg.B, deflateTail...)
		out, bad = cfg.Inflater.run(r.msg.B, cfg.maxMessage())
		r.freeMessage()
	}
	if bad != nil {
		return nil, bad
	}
	r.msg = out
	r.flags |= delivered
	if r.msgOp == OpText && !utf8.Valid(out.B) {
		return nil, ErrInvalidUTF8
	}
	return out.B, nil
}

// fail ends the stream.
func (r *Reader) fail(e *CloseError) (Message, []byte, bool, error) {
	r.Release()
	r.flags = dead
	return Message{}, nil, false, e
}

// recycle gives back the buffers that the last call lent to its caller.
func (r *Reader) recycle() {
	if r.flags&dead != 0 {
		r.Release()
		r.flags = dead
		return
	}
	r.flags &^= delivered
	r.freeControl()
	if r.msgOp == 0 {
		r.freeMessage()
	}
}

func (r *Reader) freeMessage() {
	if r.msg != nil {
		r.msg.Release()
		r.msg = nil
	}
	r.valid = 0
}

func (r *Reader) freeControl() {
	if r.ctl != nil {
		r.ctl.Release()
		r.ctl = nil
	}
}

// header takes a frame header, or what there is of it, from b.
func (r *Reader) header(cfg *Config, b []byte) (rest []byte, bad *CloseError) {
	if len(b) == 0 {
		return nil, nil
	}
	h, had := b, int(r.have)
	if had > 0 {
		h = r.head[:had+copy(r.head[had:], b)]
	}
	n, bad := r.parse(cfg, h)
	if bad != nil {
		return nil, bad
	}
	if n == 0 {
		if had == 0 {
			copy(r.head[:], b)
		}
		r.have = uint8(len(h))
		return nil, nil
	}
	r.have = 0
	return b[n-had:], nil
}

// parse checks the header at the start of h as far as it is there and, when
// it is complete, begins the frame and returns the header's length.
func (r *Reader) parse(cfg *Config, h []byte) (n int, bad *CloseError) {
	if bad := r.checkFirst(cfg, h[0]); bad != nil {
		return 0, bad
	}
	if len(h) < 2 {
		return 0, nil
	}
	op := Opcode(h[0] & 0x0F)
	if h[1]&bitMask != 0 == cfg.FromServer {
		if cfg.FromServer {
			return 0, ErrMasked
		}
		return 0, ErrNotMasked
	}
	size, length := 2, uint64(h[1]&^bitMask)
	switch {
	case length < len16:
	case op.Control():
		return 0, ErrControlTooLong
	case length == len16:
		if size = 4; len(h) < size {
			return 0, nil
		}
		if length = uint64(binary.BigEndian.Uint16(h[2:])); length < len16 {
			return 0, ErrLengthNotMinimal
		}
	default:
		if size = MaxHeader; len(h) < size {
			return 0, nil
		}
		length = binary.BigEndian.Uint64(h[2:])
		if length>>63 != 0 {
			return 0, ErrLengthOverflow
		}
		if length <= maxLen16 {
			return 0, ErrLengthNotMinimal
		}
	}
	if !op.Control() && length > uint64(max(0, cfg.maxMessage()-r.assembled())) {
		return 0, ErrTooBig
	}
	var key uint32
	if !cfg.FromServer {
		if len(h) < size+4 {
			return 0, nil
		}
		key = binary.LittleEndian.Uint32(h[size:])
		size += 4
	}
	r.begin(h[0], op)
	r.need, r.key = int(length), key
	return size, nil
}

// checkFirst applies every rule that the first byte of a header can break.
func (r *Reader) checkFirst(cfg *Config, first byte) *CloseError {
	op := Opcode(first & 0x0F)
	switch rsv := first & bitsRSV; {
	case rsv != 0 && (rsv != bitRSV1 || cfg.Inflater == nil || op.Control() || op == OpContinuation):
		return ErrReservedBits
	case op > OpBinary && op < OpClose || op > OpPong:
		return ErrReservedOpcode
	case op.Control():
		if first&bitFin == 0 {
			return ErrControlFragment
		}
	case op == OpContinuation:
		if r.msgOp == 0 {
			return ErrNoMessage
		}
		if r.frags >= freeFrags && r.assembled() < minFragBytes*int(r.frags) {
			return ErrTinyFragments
		}
	case r.msgOp != 0:
		return ErrInterleaved
	}
	return nil
}

// begin enters the frame whose header is complete.
func (r *Reader) begin(first byte, op Opcode) {
	r.op = op
	r.flags = r.flags&^finFrame | inFrame
	if first&bitFin != 0 {
		r.flags |= finFrame
	}
	if !op.Control() && op != OpContinuation {
		r.msgOp = op
		r.flags &^= squeezed
		if first&bitRSV1 != 0 {
			r.flags |= squeezed
		}
	}
}

// plainText reports whether what arrives of the message is text. That of a
// compressed message is checked when it is whole.
func (r *Reader) plainText() bool { return r.msgOp == OpText && r.flags&squeezed == 0 }

// assembled returns how many bytes of the unfinished message are there.
func (r *Reader) assembled() int {
	if r.msg == nil {
		return 0
	}
	return len(r.msg.B)
}

// payload takes p, the next bytes of the current frame. It leaves the frame
// when they are its last, and returns the whole payload when the message, or
// the control frame, is complete.
func (r *Reader) payload(cfg *Config, p []byte) (whole []byte, bad *CloseError) {
	control := r.op.Control()
	r.need -= len(p)
	if r.need == 0 {
		r.flags &^= inFrame
		if control && r.ctl == nil || !control && r.msg == nil && r.flags&finFrame != 0 {
			_, high := unmask(p, r.key)
			if high && !control && r.plainText() && !utf8.Valid(p) {
				return nil, ErrInvalidUTF8
			}
			return p, nil
		}
	}
	if control {
		if len(p) > 0 {
			r.storeControl(p)
		}
		if r.need == 0 {
			r.flags |= delivered
			return r.ctl.B, nil
		}
		return nil, nil
	}
	if len(p) > 0 {
		if bad := r.store(cfg, p); bad != nil {
			return nil, bad
		}
	}
	if r.need > 0 {
		return nil, nil
	}
	return r.endFrame()
}

// endFrame closes a data frame whose payload is in msg.
func (r *Reader) endFrame() (whole []byte, bad *CloseError) {
	if r.flags&finFrame == 0 {
		r.frags++
		return nil, nil
	}
	if r.plainText() && r.valid != r.assembled() {
		return nil, ErrInvalidUTF8
	}
	r.flags |= delivered
	return r.msg.B, nil
}

// storeControl appends p, unmasked, to the unfinished control frame.
func (r *Reader) storeControl(p []byte) {
	if r.ctl == nil {
		r.ctl = bufpool.Get(maxControl)
	}
	start := len(r.ctl.B)
	r.ctl.B = append(r.ctl.B, p...)
	r.key, _ = unmask(r.ctl.B[start:], r.key)
}

// store appends p, unmasked, to the unfinished message and checks the text
// that it completes.
func (r *Reader) store(cfg *Config, p []byte) *CloseError {
	start := r.assembled()
	r.grow(cfg, len(p))
	r.msg.B = append(r.msg.B, p...)
	next, high := unmask(r.msg.B[start:], r.key)
	r.key = next
	if !r.plainText() {
		return nil
	}
	if !high && r.valid == start {
		r.valid = len(r.msg.B)
		return nil
	}
	tail := r.msg.B[r.valid:]
	n := wholeRunes(tail)
	if !utf8.Valid(tail[:n]) {
		return ErrInvalidUTF8
	}
	r.valid += n
	return nil
}

// grow makes room for n more bytes of the unfinished message, and for the tail
// if it is compressed. The capacity doubles, but never beyond what the message
// can still become.
func (r *Reader) grow(cfg *Config, n int) {
	tail := 0
	if r.flags&squeezed != 0 {
		tail = len(deflateTail)
	}
	if r.msg == nil {
		r.msg = bufpool.Get(n + tail)
		return
	}
	old := r.msg
	size := len(old.B) + n + tail
	if size <= cap(old.B) {
		return
	}
	most := cfg.maxMessage() + tail
	if r.flags&finFrame != 0 {
		most = size + r.need
	}
	r.msg = bufpool.Get(max(size, min(2*cap(old.B), most)))
	r.msg.B = append(r.msg.B, old.B...)
	old.Release()
}

// wholeRunes returns the length of p without the runes' beginning that its
// last bytes may be. An impossible beginning is not left out.
func wholeRunes(p []byte) int {
	for i := len(p) - 1; i >= 0 && i >= len(p)-utf8.UTFMax+1; i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				return i
			}
			break
		}
	}
	return len(p)
}
