package wsframe

import (
	"bytes"

	"github.com/klauspost/compress/flate"
)

// DefaultThreshold is the payload length from which a Deflater that sets no
// other compresses.
const DefaultThreshold = 1024

// A Deflater compresses messages, each on its own, so one of them serves all
// connections of a goroutine, and one frame any number of receivers. The zero
// value is ready. It holds about 0.8 MB from its first message on.
type Deflater struct {
	// Threshold is the payload length in bytes from which messages are
	// compressed. Zero means DefaultThreshold, negative means every message.
	Threshold int

	// Owned by the goroutine that calls the methods.
	writer *flate.Writer
	out    appender
}

// deflateLevel is the fastest: its output is hardly larger, its memory is the
// smallest of all but one.
const deflateLevel = 1

// AppendFrame appends an unmasked frame: compressed if the payload is not below
// the threshold and becomes smaller, else plain. windowBits is what the receivers
// have for a window: the smallest ServerBits among them, or 15 where
// DeflateParams.Takes is true of all. Below that the payload is compressed in
// pieces of a window each, so that no match can reach further; a small window
// then costs the sender no memory, but some of the gain.
func (d *Deflater) AppendFrame(dst []byte, op Opcode, payload []byte, windowBits uint8) (out []byte, compressed bool) {
	threshold := d.Threshold
	if threshold == 0 {
		threshold = DefaultThreshold
	}
	if len(payload) < threshold || len(payload) == 0 || op.Control() {
		return AppendFrame(dst, op, payload), false
	}
	start := len(dst)
	body := start + HeaderLen(len(payload))
	dst = append(dst, make([]byte, body-start)...)
	out = d.deflate(dst, payload, 1<<min(max(windowBits, 8), maxWindowBits))
	n := len(out) - body
	if n >= len(payload) {
		return AppendFrame(out[:start], op, payload), false
	}
	if h := HeaderLen(n); start+h < body {
		copy(out[start+h:], out[body:])
		out, body = out[:start+h+n], start+h
	}
	PutHeader(out, body, op, n)
	out[start] |= bitRSV1
	return out, true
}

// AppendFrames appends a sequence of whole, unmasked frames such as AppendFrame
// of this package writes, each as Deflater.AppendFrame would. compressed says
// that at least one of them was: otherwise what was appended is frames itself,
// and the caller may go on sharing that.
func (d *Deflater) AppendFrames(dst, frames []byte, windowBits uint8) (out []byte, compressed bool) {
	out = dst
	for len(frames) > 0 {
		op, payload, size := cutFrame(frames)
		if frames[0]&bitsRSV != 0 || frames[0]&bitFin == 0 {
			out = append(out, frames[:size]...)
		} else {
			var ok bool
			out, ok = d.AppendFrame(out, op, payload, windowBits)
			compressed = compressed || ok
		}
		frames = frames[size:]
	}
	return out, compressed
}

// deflate appends what p is compressed, without the tail.
func (d *Deflater) deflate(dst, p []byte, window int) []byte {
	d.out.b = dst
	for len(p) > 0 {
		n := len(p)
		if window < 1<<maxWindowBits {
			n = min(n, window)
		}
		if d.writer == nil {
			// No level that is a constant is refused.
			d.writer, _ = flate.NewWriter(&d.out, deflateLevel)
		} else {
			d.writer.Reset(&d.out)
		}
		// Nor does appender return errors.
		_, _ = d.writer.Write(p[:n])
		_ = d.writer.Flush()
		p = p[n:]
	}
	dst, d.out.b = d.out.b, nil
	return bytes.TrimSuffix(dst, []byte(deflateTail[:4]))
}

// An appender is an io.Writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// cutFrame reads the frame at the start of b, which is whole and unmasked.
func cutFrame(b []byte) (op Opcode, payload []byte, size int) {
	n, head := int(b[1]), 2
	switch n {
	case len16:
		n, head = int(b[2])<<8|int(b[3]), 4
	case len64:
		n, head = 0, MaxHeader
		for _, c := range b[2:MaxHeader] {
			n = n<<8 | int(c)
		}
	}
	return Opcode(b[0] & 0x0F), b[head : head+n], head + n
}
