package wsframe

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/gannet-io/gannet/internal/bufpool"
)

// deflateTail is what a sender of a compressed message leaves off (RFC 7692,
// section 7.2.1), and an empty last block, which tells a whole stream from one
// that was cut.
const deflateTail = "\x00\x00\xFF\xFF" + "\x01\x00\x00\xFF\xFF"

// An Inflater decompresses messages, one at a time and each on its own, so one
// of them serves all connections of a goroutine. The zero value is ready. It
// holds about 40 KB from its first message on, whatever the connections do.
type Inflater struct {
	// Owned by the goroutine that calls Reader.Next.
	inflate io.ReadCloser // of klauspost, a flate.Resetter; nil until first used
	source  bytes.Reader
	scratch []byte // a payload with its tail
	left    counter
	spare   [1]byte
}

// maxScratch is the capacity above which scratch is not kept.
const maxScratch = 64<<10 + len(deflateTail)

// copied inflates p, which is left alone.
func (d *Inflater) copied(p []byte, limit int) (*bufpool.Buf, *CloseError) {
	d.scratch = append(append(d.scratch[:0], p...), deflateTail...)
	b, bad := d.run(d.scratch, limit)
	if cap(d.scratch) > maxScratch {
		d.scratch = nil
	}
	return b, bad
}

// run inflates p, which ends with the tail, into a buffer that the caller
// releases. It stops at the first byte beyond limit, and a payload that is
// refused for its length has cost no more than limit and 64 KiB together, p
// included.
func (d *Inflater) run(p []byte, limit int) (out *bufpool.Buf, bad *CloseError) {
	if !d.restart(p) {
		return nil, ErrCompressed
	}
	out = bufpool.Get(min(4*len(p), limit, budget(p, limit)))
	for {
		room := out.B[len(out.B):min(cap(out.B), limit)]
		full := len(out.B) >= limit
		switch {
		case full:
			room = d.spare[:]
		case len(room) == 0:
			if out, bad = d.roomier(out, p, limit); bad != nil {
				return nil, bad
			}
			continue
		}
		n, err := d.inflate.Read(room)
		if full && n > 0 {
			out.Release()
			return nil, ErrTooBig
		}
		out.B = out.B[:len(out.B)+n]
		if err == nil {
			continue
		}
		if err != io.EOF || !d.whole() {
			out.Release()
			return nil, ErrCompressed
		}
		return out, nil
	}
}

// headroom is what inflating a message may take besides limit. With what the
// smallest buffer of the pool that holds it is larger, it is below 64 KiB.
const headroom = 8 << 10

// budget returns what p may be inflated into before it is certain that the
// message fits.
func budget(p []byte, limit int) int { return max(headroom, limit+headroom-cap(p)) }

// restart begins to inflate p.
func (d *Inflater) restart(p []byte) bool {
	d.source.Reset(p)
	if r, ok := d.inflate.(flate.Resetter); ok {
		return r.Reset(&d.source, nil) == nil
	}
	d.inflate = flate.NewReader(&d.source)
	return true
}

// roomier replaces out, which is full. It moves into a buffer of twice the
// capacity, but of no more than limit, if there is budget for both. Otherwise
// what is left of the message is counted, and if it fits, a buffer of its size
// takes the message from its beginning.
func (d *Inflater) roomier(out *bufpool.Buf, p []byte, limit int) (*bufpool.Buf, *CloseError) {
	size := min(2*cap(out.B), max(limit, cap(out.B)+1))
	if cap(out.B)+size <= budget(p, limit) {
		next := bufpool.Get(size)
		next.B = append(next.B, out.B...)
		out.Release()
		return next, nil
	}
	d.left = counter(limit - len(out.B))
	out.Release()
	switch _, err := io.Copy(&d.left, d.inflate); {
	case d.left < 0:
		return nil, ErrTooBig
	case err != nil || !d.restart(p):
		return nil, ErrCompressed
	}
	// One more byte, so that the end is found without growing again.
	return bufpool.Get(min(limit-int(d.left)+1, limit)), nil
}

// A counter is an io.Writer that takes so many bytes and throws them away.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	if *c -= counter(len(p)); *c < 0 {
		return 0, ErrTooBig
	}
	return len(p), nil
}

// emptyBlock is the length of an empty block without its header, which is what a
// sender takes off the end.
const emptyBlock = 4

// whole reports whether the stream ended where it must: with the block that
// run has appended, or with an empty last block of the sender's own of which the
// end was taken off, or with a last block of the sender's own, behind which
// RFC 7692, section 7.2.3.4, puts one zero byte and which some leave off.
func (d *Inflater) whole() bool {
	left := d.source.Len() - len(deflateTail)
	if left != 1 {
		return left == -len(deflateTail) || left == 0 || left == -emptyBlock
	}
	c, _ := d.source.ReadByte()
	return c == 0
}
