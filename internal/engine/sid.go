package engine

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
)

// SIDLen is the length of a session id in characters.
const SIDLen = 20

const (
	sidRaw    = 15
	sidRandom = 11
)

// An IDCodec makes ids that say where their owner lives, and nothing else.
//
// An id is 15 bytes in 20 characters of [A-Za-z0-9_-]: 88 random bits, then 8
// bits of loop and 24 of slot, masked by a keyed hash of the random bits so
// that every character looks random. Finding the owner is arithmetic; whether
// the id is genuine is decided by comparing all of it with the owner's.
//
// An IDCodec is immutable and may be used from any goroutine.
type IDCodec struct {
	seed maphash.Seed
}

// NewIDCodec returns a codec with a key of its own.
func NewIDCodec() *IDCodec { return &IDCodec{seed: maphash.MakeSeed()} }

// New writes a fresh id for the given place into id. random must be a fast
// source of cryptographic randomness.
func (k *IDCodec) New(random *randomSource, loop uint8, slot uint32, id *[SIDLen]byte) {
	var raw [sidRaw]byte
	random.read(raw[:sidRandom])
	place := uint32(loop)<<24 | slot&0xFFFFFF
	binary.BigEndian.PutUint32(raw[sidRandom:], place^k.mask(raw[:sidRandom]))
	base64.RawURLEncoding.Encode(id[:], raw[:])
}

// Place says where the owner of id would live. ok is false if id cannot be
// one of ours.
func (k *IDCodec) Place(id string) (loop uint8, slot uint32, ok bool) {
	if len(id) != SIDLen {
		return 0, 0, false
	}
	var raw [sidRaw]byte
	var text [SIDLen]byte
	copy(text[:], id)
	if _, err := base64.RawURLEncoding.Decode(raw[:], text[:]); err != nil {
		return 0, 0, false
	}
	place := binary.BigEndian.Uint32(raw[sidRandom:]) ^ k.mask(raw[:sidRandom])
	return uint8(place >> 24), place & 0xFFFFFF, true
}

func (k *IDCodec) mask(random []byte) uint32 {
	return uint32(maphash.Bytes(k.seed, random))
}

// randomSource buffers the system's randomness so that an id does not cost a
// call into the kernel.
type randomSource struct {
	// Owned by the loop goroutine.
	buf  [512]byte
	left int
}

func (r *randomSource) read(p []byte) {
	if r.left < len(p) {
		_, _ = rand.Read(r.buf[:]) // never fails, by its documentation
		r.left = len(r.buf)
	}
	from := len(r.buf) - r.left
	copy(p, r.buf[from:from+len(p)])
	clear(r.buf[from : from+len(p)])
	r.left -= len(p)
}
