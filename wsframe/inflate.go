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
// releases. It stops at the first byte beyond limit: a payload costs its
// receiver no more memory than it may have uncompressed.
func (d *Inflater) run(p []byte, limit int) (*bufpool.Buf, *CloseError) {
	d.source.Reset(p)
	if r, ok := d.inflate.(flate.Resetter); !ok {
		d.inflate = flate.NewReader(&d.source)
	} else if err := r.Reset(&d.source, nil); err != nil {
		return nil, ErrCompressed
	}
	out := bufpool.Get(min(4*len(p), limit))
	for {
		room := out.B[len(out.B):min(cap(out.B), limit)]
		full := len(out.B) >= limit
		switch {
		case full:
			room = d.spare[:]
		case len(room) == 0:
			out = grown(out, limit)
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

// grown moves b into a buffer of twice the capacity, but of no more than limit
// where that is not less.
func grown(b *bufpool.Buf, limit int) *bufpool.Buf {
	next := bufpool.Get(min(2*cap(b.B), max(limit, cap(b.B)+1)))
	next.B = append(next.B, b.B...)
	b.Release()
	return next
}
