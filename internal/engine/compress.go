package engine

import (
	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// compression is what the sessions of a loop share that are compressed: no
// message depends on another, so one compressor and one decompressor serve all.
type compression struct {
	// Immutable after prepareCompression.
	frames wsframe.Config // of WebSockets that have agreed on permessage-deflate
	form   func(*bufpool.Buf) *bufpool.Buf

	// Owned by the loop goroutine.
	deflater wsframe.Deflater
	inflater wsframe.Inflater
	http     polling.Compressor
}

// leastDeflated is the length up to which no packet becomes shorter.
const leastDeflated = 16

func (sh *Shard) prepareCompression() {
	z := &sh.compression
	z.deflater.Threshold = sh.cfg.DeflateThreshold
	z.frames = wsframe.Config{MaxMessage: sh.cfg.EIO.MaxPayload, Inflater: &z.inflater}
	z.form = sh.deflated
}

// frameConfig returns how the frames of a WebSocket are read: window is what it
// has agreed on, 0 for no compression.
func (sh *Shard) frameConfig(window uint8) *wsframe.Config {
	if window != 0 {
		return &sh.compression.frames
	}
	return &sh.cfg.frames
}

// deflated returns a packet in compressed form, or nil if it gains nothing.
func (sh *Shard) deflated(b *bufpool.Buf) *bufpool.Buf {
	sh.stats.Deflated++
	out := bufpool.Get(len(b.B))
	var ok bool
	out.B, ok = sh.compression.deflater.AppendFrames(out.B, b.B, 15)
	if !ok {
		out.Release()
		return nil
	}
	return out
}

// Deflates tells whether WebSockets that have agreed on permessage-deflate are
// sent a packet in another form than the others.
func (sh *Shard) Deflates(b *bufpool.Buf) bool { return !b.Plain && sh.deflates(len(b.B)) }

// deflates is Deflates for a packet of n bytes.
func (sh *Shard) deflates(n int) bool {
	return sh.cfg.Deflate && n > leastDeflated && n >= sh.cfg.DeflateThreshold
}

// compressed returns the packet in the form that a WebSocket with this window
// is sent. A packet for many is compressed once. Where the window is too small
// for what has been compressed with a full one, the packet stays as it is.
func (sh *Shard) compressed(b *bufpool.Buf, window uint8) *bufpool.Buf {
	if !sh.Deflates(b) {
		return b
	}
	if p := (wsframe.DeflateParams{ServerBits: window}); !p.Takes(len(b.B)) {
		return b
	}
	if v := b.Variant(sh.compression.form); v != nil {
		return v
	}
	return b
}

// compressible tells whether one of the next n packets is worth compressing.
func (q *backlog) compressible(n int) bool {
	for _, w := range q.list[q.next:] {
		if w.buf == nil {
			continue
		}
		if n--; n < 0 {
			break
		}
		if !w.buf.Plain {
			return true
		}
	}
	return false
}
