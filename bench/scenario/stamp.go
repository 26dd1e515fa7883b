package scenario

import "hash/crc32"

// A stamp is what the first bytes of a payload say, each field in characters
// of six bits that need no escape in JSON:
//
//	G k rr ssss nnnnnn tttttttt oooo cccccc
//	│ │ │  │    │      │        │    └ CRC-32C of everything else in the payload
//	│ │ │  │    │      │        └ room
//	│ │ │  │    │      └ time in ns since the start
//	│ │ │  │    └ number of the message, counted for each sender
//	│ │ │  └ sender
//	│ │ └ run
//	│ └ kind: what it was sent as
//	└ magic
type stamp struct {
	kind   byte
	run    uint64
	sender uint64
	seq    uint64
	time   int64
	room   uint64
}

const (
	stampSize  = 32
	stampMagic = 'G'
	checkAt    = 26 // the check and its end
)

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	values     = func() (t [256]uint8) {
		for i := range t {
			t[i] = 0xFF
		}
		for i, c := range digits {
			t[c] = uint8(i)
		}
		return t
	}()
)

// put writes v into all of b.
func put(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = digits[v&63]
		v >>= 6
	}
}

// get reads all of b; bad gets a high bit if a character is none of ours.
func get(b []byte, bad *uint8) (v uint64) {
	for _, c := range b {
		d := values[c]
		*bad |= d
		v = v<<6 | uint64(d&63)
	}
	return v
}

// seal writes s over the start of payload.
func (s *stamp) seal(payload []byte) {
	b := payload[:stampSize]
	b[0], b[1] = stampMagic, s.kind
	put(b[2:4], s.run)
	put(b[4:8], s.sender)
	put(b[8:14], s.seq)
	put(b[14:22], uint64(s.time))
	put(b[22:26], s.room)
	put(b[checkAt:], uint64(check(payload)))
}

// read returns the stamp of payload; ok is false unless every byte is as it was
// sent.
func (s *stamp) read(payload []byte) (ok bool) {
	if len(payload) < stampSize || payload[0] != stampMagic {
		return false
	}
	b := payload[:stampSize]
	var wrong uint8
	s.kind = b[1]
	s.run = get(b[2:4], &wrong)
	s.sender = get(b[4:8], &wrong)
	s.seq = get(b[8:14], &wrong)
	s.time = int64(get(b[14:22], &wrong))
	s.room = get(b[22:26], &wrong)
	sum := get(b[checkAt:], &wrong)
	return wrong < 64 && sum == uint64(check(payload))
}

// check is the sum over a payload without its own place.
func check(payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, payload[:checkAt])
	return crc32.Update(sum, castagnoli, payload[stampSize:])
}

// pad fills a payload template of n bytes with what a server must not change.
func pad(n int, binary bool) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[i%len(digits)]
		if binary {
			b[i] = byte(i)
		}
	}
	return b
}
